package envelope

import (
	"bytes"
	"fmt"
	"reflect"
	"testing"

	"pgregory.net/rapid"
)

// rebuiltOtherwise says how a message that is put together in one pass differs
// from the same where each value is read by itself first, "" if it does not. err
// is the refusal of both.
func rebuiltOtherwise(keys ring, raw []byte) (diff string, err error) {
	sd, _, _ := bytes.Cut(raw, []byte{'\n'})
	read := func(careful bool) (*message, []Item, error) {
		m := &message{}
		if err := m.readSD(sd, keys, testNow); err != nil {
			return nil, nil, err
		}
		items, err := m.rebuildBy(&builder{m: m, record: true, careful: careful, scratch: m.scratch})
		if err == nil {
			err = m.account()
		}
		m.release()
		return m, items, err
	}
	quick, got, err := read(false)
	plain, want, wantErr := read(true)
	switch {
	case fmt.Sprint(err) != fmt.Sprint(wantErr):
		return fmt.Sprintf("in one pass: %v; piece by piece: %v", err, wantErr), err
	case err == nil && !reflect.DeepEqual(got, want):
		return fmt.Sprintf("in one pass\n%s\npiece by piece\n%s", texts(got), texts(want)), err
	case err == nil && !reflect.DeepEqual(quick, plain):
		return fmt.Sprintf("in one pass\n%+v\npiece by piece\n%+v", quick, plain), err
	}
	return "", err
}

func texts(items []Item) (out []string) {
	for _, it := range items {
		out = append(out, string(it.Object.Raw()))
	}
	return out
}

// What an issuer puts in the place of a value is a value, one and no more, or the
// message is refused, with the same words as when each is read by itself.
func TestRebuiltInOnePass(t *testing.T) {
	_, keys := testParticipants(t)
	values := []string{`1`, `"x"`, `true`, `null`, `{}`, `[]`, `{"a":[1,{"b":"]"}]}`, `"]"`, `"\u0061\""`, ` 1`, `1 `, "\t[1]\n", `"},{"`,
		`1,"x_b":2`, `"a","x_b":"c"`, `[1],"x_b":[2]`, `{"a":1},"x_b":{"c":2}`, `1,"name":2`, `1,"type":"tool"`, `1}`, `{`, `"`, `"a`, `[`, `]`, `1]`, ``, `,`, `1,`, `:1`,
		`tru`, `01`, `1 2`, `"a" "b"`, `{"a":1,"a":2}`, `{"_sd":[]}`, "\"\xff\"", "1\x00", "\x011", `"],"x_b":["`, `/**/1`, `1e999`}
	value := rapid.Custom(func(t *rapid.T) string {
		if rapid.IntRange(0, 9).Draw(t, "kind") < 7 {
			return rapid.SampledFrom(values[:8]).Draw(t, "value")
		}
		return rapid.SampledFrom(values).Draw(t, "value") + rapid.SampledFrom(values).Draw(t, "more")
	})
	for i, v := range values {
		f := forge(t)
		diff, err := rebuiltOtherwise(keys, f.message(f.payload(f.element("{"+basics()+","+sd(f.property("x_a", v))+"}"))))
		if diff != "" || (err == nil) != (i < 13) {
			t.Errorf("%s: %v; %s", v, err, diff)
		}
	}
	for _, end := range []string{`12`, `12}`, `"x"x`, `[1]`, `12] `, `12]]`, `12],`, ``} {
		f := forge(t)
		d := f.raw(`["` + f.salt() + `","x_a",` + end)
		diff, err := rebuiltOtherwise(keys, f.message(f.payload(f.element("{"+basics()+","+sd(d)+"}"))))
		if diff != "" || (err == nil) != (end == `12] `) {
			t.Errorf("ending in %s: %v; %s", end, err, diff)
		}
	}
	name := rapid.SampledFrom([]string{"name", "description", "x_a", "x_b", "x_c", "x_d", "x_e", "x_f", "lang", "labels", `x\"`, ""})
	taken, refused := 0, 0
	outer := t
	rapid.Check(t, func(t *rapid.T) {
		f := forge(outer)
		var digests []string
		for range rapid.IntRange(1, 4).Draw(t, "properties") {
			digests = append(digests, f.property(name.Draw(t, "name"), value.Draw(t, "of")))
		}
		object := "{" + basics() + "," + sd(digests...) + "}"
		if rapid.Bool().Draw(t, "note") {
			note := f.property("note", `{`+sd(f.property("content", value.Draw(t, "content")), f.property("abstract", `"a"`))+`}`)
			object = object[:len(object)-1] + `,"extensions":{"` + handlingEntry[len("extensions."):] + `":{"extension_type":"property-extension",` + sd(note) + `}}}`
		}
		diff, err := rebuiltOtherwise(keys, f.message(f.payload(f.element(object))))
		if diff != "" {
			t.Fatal(diff)
		}
		if err == nil {
			taken++
		} else {
			refused++
		}
	})
	if taken == 0 || refused == 0 {
		t.Errorf("%d messages taken and %d refused: this tries nothing", taken, refused)
	}
	for _, v := range []*Verified{issueOne(t, workload(t)...), issueOne(t, sampleObjects(t)...)} {
		if diff, err := rebuiltOtherwise(keys, v.Raw()); diff != "" || err != nil {
			t.Errorf("%v; %s", err, diff)
		}
	}
}
