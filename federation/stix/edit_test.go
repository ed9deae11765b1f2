package stix

import (
	"testing"

	"github.com/entente-relay/entente/federation"
)

func TestWith(t *testing.T) {
	const entry = "extensions." + HandlingExtension
	for _, tc := range []struct {
		name, before string
		edits        []Edit
		after        string
	}{
		{"none", indicator(""), nil, indicator("")},
		{"add", indicator(""), []Edit{{"lang", []byte(`"de"`)}}, indicator(`,"lang":"de"`)},
		{"replace", indicator(`,"lang":"de","x":1.0`), []Edit{{"lang", []byte(`"en"`)}}, indicator(`,"lang":"en","x":1.0`)},
		{"replace by escape", indicator(`,"l\u0061ng":"de"`), []Edit{{"lang", []byte(`"en"`)}}, indicator(`,"l\u0061ng":"en"`)},
		{"add extension", indicator(""), []Edit{{"extensions.x-ext", []byte(`{"a":1}`)}}, indicator(`,"extensions":{"x-ext":{"a":1}}`)},
		{"add beside", indicator(`,"extensions":{"y":{}}`), []Edit{{"extensions.x-ext", []byte(`{}`)}}, indicator(`,"extensions":{"y":{},"x-ext":{}}`)},
		{"add key to ours", handled(`,"origin":"DE"`), []Edit{{entry + ".default_marking", []byte(`"feed"`)}}, handled(`,"origin":"DE","default_marking":"feed"`)},
		{"make ours", indicator(""), []Edit{{entry + ".extension_type", []byte(`"property-extension"`)}, {entry + ".origin", []byte(`"DE"`)}}, handled(`,"origin":"DE"`)},
		{"blanks stay", indicator("") + " ", []Edit{{"x_a", []byte(`[ 1 ]`)}}, indicator(`,"x_a":[ 1 ]`)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			before := parse1(t, tc.before)
			kept := string(before.Raw())
			after, err := before.With(tc.edits...)
			if err != nil {
				t.Fatal(err)
			}
			if string(after.Raw()) != tc.after {
				t.Errorf("got %s, want %s", after.Raw(), tc.after)
			}
			if string(before.Raw()) != kept {
				t.Error("the object itself changed")
			}
		})
	}
}

func TestWithRefuses(t *testing.T) {
	o := parse1(t, indicator(`,"x_text":"a"`))
	for _, e := range []Edit{
		{"id", []byte(`"malware--00000000-0000-4000-8000-000000000001"`)},
		{"lang", []byte(`"de`)},
		{"lang", []byte(`"de","lang":"en"`)},
		{"_sd", []byte(`[]`)},
		{"x_text.y", []byte(`1`)},
		{"extensions.a.b.c", []byte(`1`)},
		{"extensions." + HandlingExtension + ".origin", []byte(`"DE"`)}, // no extension_type
		{"", []byte(`1`)},
	} {
		if got, err := o.With(e); federation.ReasonOf(err) == "" {
			t.Errorf("%s = %s taken: %v", e.Path, e.Value, got)
		}
	}
}

func TestCompact(t *testing.T) {
	o := parse1(t, "{ \"type\" : \"url\" ,\n\t\"id\":\"url--00000000-0000-4000-8000-000000000001\", \"value\" : \"https://host.example/ä \\u00e4\", \"x\": [ 1.50, 1E5 ] }")
	c, err := o.Compact()
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"type":"url","id":"url--00000000-0000-4000-8000-000000000001","value":"https://host.example/ä \u00e4","x":[1.50,1E5]}`
	if string(c.Raw()) != want {
		t.Errorf("got %s", c.Raw())
	}
	again, err := c.Compact()
	if err != nil || again != c {
		t.Errorf("what is compact is made anew: %v", err)
	}
}
