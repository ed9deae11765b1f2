package stix

import (
	"bytes"
	"os"
	"slices"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"
)

// The canonical form is what the library makes of an object, whatever its names
// and strings look like and however it is laid out; so is the one without blanks.
func TestCanonical(t *testing.T) {
	same := func(t interface{ Fatalf(string, ...any) }, o *Object) (quick bool) {
		want, err := o.canonically()
		if err != nil {
			t.Fatalf("%s: %v", o.Raw(), err)
		}
		before := bytes.Clone(o.Raw())
		got, err := o.AppendCanonical([]byte("before"))
		got, ok := bytes.CutPrefix(got, []byte("before"))
		if err != nil || !ok || !bytes.Equal(got, want) || !bytes.Equal(o.Raw(), before) {
			t.Fatalf("%s\nbecomes\n%s\nand the library makes it\n%s (%v)", o.Raw(), got, want, err)
		}
		compact, err := o.Compact()
		plain, plainErr := jsontext.AppendFormat(nil, o.raw, jsontext.PreserveRawStrings(true), jsontext.CanonicalizeRawInts(false), jsontext.CanonicalizeRawFloats(false))
		if err != nil || plainErr != nil || !bytes.Equal(compact.Raw(), plain) {
			t.Fatalf("%s\nwithout blanks is\n%s\nand the library makes it\n%s", o.Raw(), compact.Raw(), plain)
		}
		c := canonical{o: o}
		return c.value(0)
	}
	data, err := os.ReadFile("testdata/types.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	lines := append(bytes.Split(bytes.TrimSpace(data), []byte("\n")), []byte(benchIndicator))
	for _, line := range lines {
		o, err := Parse(line)
		if err != nil {
			t.Fatal(err)
		}
		if !same(t, o) {
			t.Errorf("left to the library: %s", line)
		}
	}
	values := []string{`1`, `-0`, `1.50`, `1E5`, `"a"`, `"\u0061\/\"\\\n\u00e4"`, `"\ud83d\ude00"`, `"ä<>&` + "\u2028" + `"`, "\"\x7f\"", `[]`, `{}`, ` [ 1 , { "b" : 2 , "a" : [ ] } ] `,
		`{"\u0062":1,"a":{"ä":1,"😀":2,"ﬀ":3,"z":4}}`, `{"value":1,"x":2,"name":3,"A":4,"":5}`, `null`, `true`}
	names := []string{`x_a`, `x_\u0062`, `x_ä`, `x_😀`, `x_ﬀ`, `X`, `value`, `name`, `description`, `~`, " x", `x"`, `aliases`}
	rapid.Check(t, func(t *rapid.T) {
		text := slices.Clone(rapid.SampledFrom(lines).Draw(t, "line"))
		for range rapid.IntRange(0, 4).Draw(t, "members") {
			name, value := rapid.SampledFrom(names).Draw(t, "name"), rapid.SampledFrom(values).Draw(t, "value")
			text = append(bytes.TrimSuffix(text, []byte("}")), `,"`+name+`":`+value+`}`...)
		}
		if o, err := Parse(text); err == nil {
			same(t, o)
		}
	})
}
