package stix

import (
	"slices"
	"strings"
	"testing"

	"github.com/entente-relay/entente/federation"
)

func TestSealedValue(t *testing.T) {
	for _, c := range []struct {
		value   string
		sealed  bool
		readers []string
	}{
		{`{"jwe":{},"for":["a","b"]}`, true, []string{"a", "b"}},
		{`{"for":["a"],"jwe":1}`, true, []string{"a"}},
		{`{"\u006awe":{},"for":["a"]}`, true, []string{"a"}},
		{`{"jwe":{},"for":"a"}`, true, nil},
		{`{"jwe":{},"for":[1]}`, true, nil},
		{`{"jwe":{},"for":[` + strings.Repeat(`"a",`, maxFor) + `"a"]}`, true, nil},
		{`{"jwe":{},"for":[]}`, true, nil},
		{`{"jwe":{},"for":["a"],"x":1}`, false, nil},
		{`{"jwe":{}}`, false, nil},
		{`{"for":["a"]}`, false, nil},
		{`{"JWE":{},"for":["a"]}`, false, nil},
		{`{}`, false, nil}, {`"jwe"`, false, nil}, {`[]`, false, nil}, {``, false, nil}, {`{"jwe":{},"jwe":{},"for":[]}`, false, nil},
	} {
		s, ok := SealedValue([]byte(c.value))
		if ok != c.sealed || len(s.For) != len(c.readers) || !slices.Equal(s.For, c.readers) && len(c.readers) > 0 {
			t.Errorf("%s: %v %v", c.value, s.For, ok)
		}
	}
}

// A sealed value shows nothing: whatever the name of the property promises, it
// may be personal, unless the origin says that it is not.
func TestSealedIsUnknown(t *testing.T) {
	const sealed = `{"jwe":{},"for":["a"]}`
	for name, want := range map[string][]federation.Category{"": {federation.FreeText, federation.Personal}, `,"personal_data":false`: {federation.FreeText}} {
		o, err := Parse([]byte(`{"type":"malware","spec_version":"2.1","id":"malware--8c1e9d0c-3f0e-4c55-9d55-0f6a3c1f7b77","created":"2026-11-01T08:00:00.000Z","modified":"2026-11-01T08:00:00.000Z","is_family":false,"name":` +
			sealed + `,"extensions":{"` + HandlingExtension + `":{"extension_type":"property-extension"` + name + `}}}`))
		if err != nil {
			t.Fatal(err)
		}
		var got []federation.Category
		for _, f := range Categorize(o) {
			if f.Path == "name" {
				got = append(got, f.Category)
				if !f.Unsure {
					t.Errorf("%+v is sure", f)
				}
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: %v", name, got)
		}
	}
}
