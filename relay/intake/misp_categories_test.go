package intake

import (
	"fmt"
	"slices"
	"testing"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/stix"
)

// What MISP says of an attribute by category, type and template comes to be
// what the values of its objects are counted as.
func TestMISPCategories(t *testing.T) {
	says := func(typ, value, category, more string) string {
		return fmt.Sprintf(`{"uuid":%q,"type":%q,"category":%q,"value":%q,"timestamp":"1767600001"%s}`, uid(1), typ, category, value, more)
	}
	for _, tc := range []struct {
		name, event string
		typ, path   string
		category    federation.Category
		holds       string
	}{
		{"a target that is looked for", attrs(says("ip-src", "198.51.100.7", "Targeting data", ids)), "indicator", "pattern", federation.Target, stix.HoldsVictim},
		{"a target that was seen", attrs(says("ip-src", "198.51.100.7", "Targeting data", "")), "ipv4-addr", "value", federation.Target, stix.HoldsVictim},
		{"a remark on a target", attrs(says("comment", "the ministry", "Targeting data", "")), "note", "content", federation.Target, ""},
		{"an internal reference", attrs(says("text", "case 7", "Internal reference", "")), "note", "content", federation.Source, ""},
		{"a person", attrs(says("text", "A. N. Other", "Person", "")), "note", "content", federation.Personal, ""},
		{"fraud", attrs(says("text", "the account", "Financial fraud", "")), "note", "content", federation.Personal, ""},
		{"a victim's object", `,"Object":[{"uuid":"` + uid(300) + `","name":"victim","Attribute":[` + says("text", "Example GmbH", "Other", "") + `]}]`,
			"note", "content", federation.Target, ""},
		{"a plan of attack", attrs(says("ip-dst", "192.0.2.1", "Network activity", ids)), "indicator", "pattern", "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			res := readAs(t, misp(tc.event))
			among := stix.VictimsAmong(res)
			found, seen := false, false
			for _, o := range res {
				if o.Type() != tc.typ {
					continue
				}
				seen = true
				for _, f := range stix.CategorizeAmong(o, o.Units(), among) {
					found = found || f.Path == tc.path && f.Category == tc.category && f.Holds == tc.holds
					if tc.category == "" && slices.Contains([]federation.Category{federation.Target, federation.Personal, federation.Source}, f.Category) {
						t.Errorf("%+v", f)
					}
				}
			}
			if !seen || !found && tc.category != "" {
				t.Errorf("not found (object seen: %t)", seen)
			}
		})
	}
}

// readAs reads a file and returns all objects that came of it.
func readAs(t *testing.T, data string) []*stix.Object {
	t.Helper()
	res, err := Read([]byte(data), "event.json", nil, now)
	if err != nil {
		t.Fatal(err)
	}
	return slices.Concat(res.Taken, res.Held)
}
