package stix

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"

	"github.com/entente-relay/entente/federation"
)

// seeds returns objects for fuzzing to start from, and makes sure that there
// are some.
func seeds(f *testing.F) [][]byte {
	f.Helper()
	data, err := os.ReadFile("testdata/types.jsonl")
	if err != nil {
		f.Fatal(err)
	}
	out := bytes.Split(bytes.TrimSpace(data), []byte("\n"))
	out = append(out, []byte(benchIndicator), []byte(handled(`,"origin":"DE","note":{"contacts":["a"]}`)),
		[]byte(indicator(`,"granular_markings":[{"lang":"de","selectors":["labels.[0]"]}],"x_\u00fc":[{"a.b":1e9}]`)))
	if len(out) < 40 {
		f.Fatalf("only %d seeds", len(out))
	}
	return out
}

// What is taken keeps its bytes, is covered by its units, and is taken again.
func FuzzParse(f *testing.F) {
	for _, s := range seeds(f) {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		sameScan(t, raw)
		o, err := Parse(raw)
		if err != nil {
			if federation.ReasonOf(err) == "" {
				t.Fatalf("refused without a reason: %v", err)
			}
			return
		}
		if !bytes.Equal(bytes.Trim(raw, " \t\r\n"), o.Raw()) {
			t.Fatal("the bytes changed")
		}
		covered(t, o)
		if missing := o.Lacks(); missing != "" {
			t.Fatalf("taken without %s", missing)
		}
		for _, r := range o.Refs() {
			if text, _ := o.Text(r.Path); text != r.Target {
				t.Fatalf("%s is not at %s", r.Target, r.Path)
			}
		}
		c, err := o.Compact()
		if err != nil {
			t.Fatal(err)
		}
		plain, err := jsontext.AppendFormat(nil, o.raw, jsontext.PreserveRawStrings(true), jsontext.CanonicalizeRawInts(false), jsontext.CanonicalizeRawFloats(false))
		if err != nil || !bytes.Equal(c.Raw(), plain) || o.compact() != bytes.Equal(o.raw, plain) {
			t.Fatalf("without blanks %s, want %s (%v)", c.Raw(), plain, err)
		}
		form, err := o.AppendCanonical(nil)
		if want, wantErr := o.canonically(); err != nil || wantErr != nil || !bytes.Equal(form, want) {
			t.Fatalf("canonical form %s (%v), want %s (%v)", form, err, want, wantErr)
		}
		if c.ID() != o.ID() || c.Version() != o.Version() || len(c.Units()) != len(o.Units()) {
			t.Fatal("another object without blanks")
		}
		w, err := o.With(Edit{"x_added", []byte("1")})
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := w.Get("x_added"); string(got) != "1" {
			t.Fatal("the edit is not there")
		}
	})
}

// Whatever the file, each object of it is listed once.
func FuzzParseBundle(f *testing.F) {
	all := seeds(f)
	f.Add(bundleOf(all[:2]))
	f.Add([]byte(bundle("1", "{}", indicator(`,"a":1,"a":2`))))
	f.Add([]byte(`{"/discovery":{}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := ParseBundle(data, DefaultLimits())
		if err != nil {
			if federation.ReasonOf(err) == "" {
				t.Fatalf("refused without a reason: %v", err)
			}
			return
		}
		for i, e := range b.Entries {
			if e.Index != i || (e.Object == nil) == (e.Err == nil) || !bytes.Contains(data, e.Raw) {
				t.Fatalf("entry %d: %+v", i, e)
			}
		}
	})
}

func bundleOf(objects [][]byte) []byte {
	return []byte(`{"type":"bundle","id":"bundle--00000000-0000-4000-8000-000000000001","objects":[` + string(bytes.Join(objects, []byte(","))) + `]}`)
}

// A pattern is read or refused with a reason; a list never stands for a
// pattern with a negation in it.
func FuzzParsePattern(f *testing.F) {
	data, err := os.ReadFile("testdata/patterns.txt")
	if err != nil {
		f.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	if len(lines) < 20 {
		f.Fatalf("only %d seeds", len(lines))
	}
	for _, l := range lines {
		f.Add(l)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := ParsePattern(text)
		if err != nil {
			if federation.ReasonOf(err) == "" {
				t.Fatalf("refused without a reason: %v", err)
			}
			return
		}
		if len(p.Comparisons()) == 0 {
			t.Fatal("a pattern without a comparison")
		}
		list, err := p.Simple()
		if err == nil && len(list) == 0 {
			t.Fatal("a list of nothing")
		}
		for _, c := range list {
			if c.Negated || c.Op == "!=" || len(c.Values) == 0 {
				t.Fatalf("a list of what must not be there: %+v", c)
			}
		}
	})
}

// What is written in any order, with any blanks, is read as it was meant.
func TestPatternsReadAsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		blank := rapid.SampledFrom([]string{" ", "\n", "\t ", " /* ] */ ", " // '\n"})
		name := rapid.StringMatching(`[a-z][a-z0-9_]{0,8}`)
		value := rapid.StringOfN(rapid.RuneFrom([]rune(`ab'\]) é日`)), 0, 12, -1)
		var text strings.Builder
		var want []Comparison
		n := rapid.IntRange(1, 6).Draw(t, "comparisons")
		text.WriteString("[")
		for i := range n {
			if i > 0 {
				text.WriteString(blank.Draw(t, "b") + rapid.SampledFrom([]string{"AND", "OR"}).Draw(t, "op") + blank.Draw(t, "b"))
			}
			c := Comparison{ObjectType: "x-" + name.Draw(t, "type"), Path: name.Draw(t, "path"),
				Op: rapid.SampledFrom([]string{"=", "!=", "LIKE", "MATCHES"}).Draw(t, "cmp"), Negated: rapid.Bool().Draw(t, "not"),
				Values: []string{value.Draw(t, "value")}}
			text.WriteString(c.ObjectType + blank.Draw(t, "b") + ":" + c.Path + blank.Draw(t, "b"))
			if c.Negated {
				text.WriteString("NOT" + blank.Draw(t, "b"))
			}
			quoted := strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(c.Values[0])
			text.WriteString(c.Op + blank.Draw(t, "b") + "'" + quoted + "'")
			want = append(want, c)
		}
		text.WriteString("]")
		p, err := ParsePattern(text.String())
		if err != nil {
			t.Fatalf("%s: %v", text.String(), err)
		}
		if render(p.Comparisons()) != render(want) {
			t.Fatalf("%s: got %s", text.String(), render(p.Comparisons()))
		}
	})
}
