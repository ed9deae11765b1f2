package policy

import (
	"slices"
	"testing"

	"github.com/entente-relay/entente/mapping"
)

// A property's own marking is not lowered behind the object's.
func TestBelowLooksAtProperties(t *testing.T) {
	d := newDemo(t)
	note := func(tlp mapping.TLP) object {
		return object{"granular_markings": []object{{"marking_ref": tlpID(tlp), "selectors": []string{"description"}}}}
	}
	for _, c := range []struct {
		name     string
		old, now object
		want     []string
	}{
		{"the same", note(mapping.TLPRed), note(mapping.TLPRed), nil},
		{"a property lowered", note(mapping.TLPRed), note(mapping.TLPAmber), []string{"TLP"}},
		{"a property unmarked", note(mapping.TLPRed), nil, []string{"TLP"}},
		{"a property raised", nil, note(mapping.TLPRed), nil},
		{"the property is gone", note(mapping.TLPRed), object{"description": nil}, nil},
		{"the object lowered", marked(mapping.TLPAmber), nil, []string{"TLP"}},
		{"on two axes", merged(marked(mapping.TLPAmber), handlingOf(object{"residency": []string{"DE"}})), nil, []string{"TLP", "residency"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := d.subject(t, "de-cert", indicator(c.now)).Below(d.subject(t, "de-cert", indicator(c.old)))
			if !slices.Equal(got, c.want) {
				t.Fatalf("below on %v, want %v", got, c.want)
			}
		})
	}
}
