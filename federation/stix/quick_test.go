package stix

import (
	"bytes"
	"encoding/hex"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// quickly reads text with the quick reader alone, strictly with the decoder
// alone; nil means refused, or given up.
func quickly(raw []byte, depth int) []node {
	q := quick{raw: raw}
	if !q.all(depth) {
		return nil
	}
	return q.nodes
}

func strictly(raw []byte, depth int) []node {
	s := new(scanner)
	if s.strict(raw, depth) != nil {
		return nil
	}
	return s.nodes
}

// sameScan fails when the quick reader takes text that the decoder does not take,
// or understands it otherwise.
func sameScan(t interface{ Fatalf(string, ...any) }, raw []byte) (took bool) {
	for _, depth := range []int{0, 1, 3, 16} {
		got := quickly(raw, depth)
		if want := strictly(raw, depth); got != nil && !slices.Equal(got, want) {
			t.Fatalf("%q at depth %d: quick\n%v\nstrict\n%v", raw, depth, got, want)
		}
		took = got != nil
	}
	return took
}

// The objects that programs write are read quickly, and as the decoder reads them.
func TestQuickIsStrict(t *testing.T) {
	data, err := os.ReadFile("testdata/types.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(append(data, benchIndicator...)) {
		if !sameScan(t, bytes.TrimSpace(line)) {
			t.Errorf("given up: %s", line)
		}
	}
	for _, text := range []string{`{}`, ` {}`, `{} `, `{}{}`, `{"a":1}`, `{"a":01}`, `{"a":-0}`, `{"a":-}`, `{"a":1.}`, `{"a":.5}`, `{"a":1e400}`,
		`{"a":1E5}`, `{"a":12345678901234567890123456789012345678901234567890}`, `{"a":tru}`, `{"a":true1}`, `{"a":nullnull}`, `{"a" : [ 1 , "b" ,{ } ] }`,
		`{"a":[1,]}`, `{"a":[,1]}`, `{,}`, `{"a":1,}`, `{"a":1 "b":2}`, `{"a":1,"a":2}`, `{"type":1,"type":2}`, `{"b":{"a":1},"a":{"a":2}}`,
		`{"\u0061":1,"a":2}`, `{"_sd":1}`, `{"_x":1}`, `{"...":1}`, `{"":1,"":2}`, `{"a":"\ud800"}`, `{"a":"\ud83d\ude00"}`, `{"a":"\u00zz"}`, `{"a":"\x"}`,
		"{\"a\":\"\x1f\"}", "{\"a\":\"\x7f\"}", "{\"a\":\"12345\n78\"}", "{\"a\":\"\xff\"}", "{\"a\":\"\xed\xa0\x80\"}", "{\"a\":\"\u00fc\"}", "\xef\xbb\xbf{}",
		"{\"a\":\"1234567\\\"\"}", `{"a":"`, `{"a":"\`, `{"a":"\u12`, `{"a`, `{`, ``, `[]`, `"a"`, "{\"a\"\x00:1}", "{\"a\":1\x0b}",
		strings.Repeat(`{"a":`, 17) + "1" + strings.Repeat("}", 17), `{"a":` + strings.Repeat("[", 15) + strings.Repeat("]", 15) + `}`,
	} {
		sameScan(t, []byte(text))
	}
}

// Whatever is made of an object byte by byte, both readers find the same in it.
func TestQuickIsStrictBroken(t *testing.T) {
	data, err := os.ReadFile("testdata/types.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	lines := append(bytes.Split(bytes.TrimSpace(data), []byte("\n")), []byte(benchIndicator),
		[]byte(`{"a":[1,-2.5,{"b":"\u00fc\n","c":null}],"d":{"e":[true,false,[]]},"type":"x"}`))
	pieces := []string{"", `"`, `\`, `,`, `:`, `{`, `}`, `[`, `]`, " ", "\n", "0", "1", "-", ".", "e", `\u00e4`, `\ud800`, "\xc3", "\xc3\xa4", "\x00", "\x1f",
		`"type":1,`, `"_sd":[],`, "true", "null"}
	rapid.Check(t, func(t *rapid.T) {
		raw := slices.Clone(rapid.SampledFrom(lines).Draw(t, "line"))
		for range rapid.IntRange(1, 3).Draw(t, "changes") {
			at := rapid.IntRange(0, len(raw)).Draw(t, "at")
			to := min(len(raw), at+rapid.IntRange(0, 2).Draw(t, "less"))
			raw = slices.Replace(raw, at, to, []byte(rapid.SampledFrom(pieces).Draw(t, "piece"))...)
		}
		sameScan(t, raw)
	})
}

// Two members of one name are never read quickly, however many there are and
// wherever they stand.
func TestQuickTwice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom([]string{"type", "name", "value", "x", "y", "x_long_name", HandlingExtension, ""})
		members := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) string { return `"` + name.Draw(t, "name") + `":[{"x":1}]` }), 0, 9).Draw(t, "members")
		sameScan(t, []byte("{"+strings.Join(members, ",")+"}"))
	})
	many := func(n int) []byte {
		var b strings.Builder
		for i := range n {
			b.WriteString(`,"` + strings.Repeat("x", i+1) + `":` + "1")
		}
		return []byte("{" + b.String()[1:] + "}")
	}
	if !sameScan(t, many(mostMembers)) || sameScan(t, many(mostMembers+1)) {
		t.Error("the bound on members is not where it says")
	}
}

// The table of names finds each of its own and no other; each can stand in a
// path, and the list of fixed properties is among them.
func TestNames(t *testing.T) {
	for i, name := range names.text {
		if name == "" {
			continue
		}
		if got := names.number(name); int(got) != i || names.numberOf([]byte(name)) != got || !plainName(name) {
			t.Errorf("%q has number %d and is found as %d", name, i, got)
		}
		for _, other := range []string{name + "x", name[1:], "x" + name[1:]} {
			if got := names.number(other); got != unknownName && names.text[got] != other {
				t.Errorf("%q is taken for %q", other, names.text[got])
			}
		}
	}
	if names.number("") != unknownName || isFixedWire1[unknownName] {
		t.Error("a name that is not in the table is taken for one")
	}
	for _, name := range fixedWire1 {
		if !FixedWire1("indicator", name) {
			t.Errorf("%s is not fixed", name)
		}
	}
}

// A timestamp that is read in the usual form means what the library reads in it.
func TestUsualTime(t *testing.T) {
	same := func(t interface{ Fatalf(string, ...any) }, text string) {
		got, ok := usualTime([]byte(text))
		var want time.Time
		if err := want.UnmarshalText([]byte(text)); ok && (err != nil || got != want) {
			t.Fatalf("%q: %v, and the library reads %v, %v", text, got, want, err)
		}
	}
	for _, text := range []string{"2026-01-05T08:12:31.000Z", "0000-01-01T00:00:00Z", "9999-12-28T23:59:59.999Z"} {
		if _, ok := usualTime([]byte(text)); !ok {
			t.Errorf("%s is not read", text)
		}
		for at := range len(text) {
			for _, c := range "0123456789:-. TZz,+\x00" {
				same(t, text[:at]+string(c)+text[at+1:])
			}
			same(t, text[:at])
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		same(t, rapid.StringMatching(`\d{4}-[0-3]\d-[0-3]\dT[0-2]\d:[0-6]\d:[0-6]\d(\.\d\d\d)?Z`).Draw(t, "text"))
	})
}

// What an object lacks does not depend on how its names are spelt.
func TestLacksSpelling(t *testing.T) {
	data, err := os.ReadFile("testdata/types.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(data) {
		o, err := Parse(bytes.TrimSpace(line))
		if err != nil {
			t.Fatal(err)
		}
		for c := 1; c < len(o.nodes); c = int(o.nodes[c].next) {
			n := o.nodes[c]
			spelt := slices.Insert(bytes.Clone(o.raw), int(n.name)+1, []byte(`\u00`)...)
			spelt = slices.Replace(spelt, int(n.name)+5, int(n.name)+6, []byte(hex.EncodeToString(o.raw[n.name+1:n.name+2]))...)
			other, err := Parse(spelt)
			if err != nil {
				t.Fatalf("%s: %v", spelt, err)
			}
			if got, want := other.Lacks(o.name(c)), o.Lacks(o.name(c)); got != want || other.Lacks() != "" {
				t.Errorf("%s without %s lacks %q, want %q", spelt, o.name(c), got, want)
			}
		}
	}
}
