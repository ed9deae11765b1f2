package stix

import (
	"testing"

	"github.com/entente-relay/entente/federation"
)

// categoriesFound renders categories and evidence of a unit.
func categoriesFound(o *Object, path string) map[federation.Category]string {
	out := map[federation.Category]string{}
	for _, f := range Categorize(o) {
		if f.Path == path {
			out[f.Category] = f.Evidence + " " + f.Holds
		}
	}
	return out
}

func TestOriginCategories(t *testing.T) {
	with := func(said, more string) *Object {
		return parse1(t, indicator(more+`,"extensions":{"x-ext":{"a":{"b":1}},"`+HandlingExtension+`":{"extension_type":"property-extension","categories":`+said+`,"note":{"abstract":"a","content":"b"}}}`))
	}
	const note = "extensions." + HandlingExtension + ".note"
	for _, tc := range []struct {
		name, said, more, path string
		want                   federation.Category
		evidence               string
	}{
		{"a property", `{"name":"target"}`, `,"name":"n"`, "name", federation.Target, "origin says so "},
		{"a victim's address", `{"name":"target"}`, `,"name":"n 198.51.100.7"`, "name", federation.Target, "origin says so " + HoldsVictim},
		{"the pattern", `{"pattern":"target"}`, "", "pattern", federation.Target, "origin says so " + HoldsVictim},
		{"part of a property", `{"external_references.[0].url":"source"}`, `,"external_references":[{"source_name":"a","url":"https://host.example"}]`,
			"external_references", federation.Source, "origin says so "},
		{"part of an extension", `{"extensions.x-ext.a.b":"commercial"}`, "", "extensions.x-ext", federation.Commercial, "origin says so "},
		{"a whole, for its parts", `{"` + note + `":"subscriber"}`, "", note + ".content", federation.Subscriber, "origin says so "},
		{"nothing looser", `{"labels":"technical"}`, `,"labels":["user@host.example"]`, "labels", federation.Personal, byEmail + " " + HoldsEmail},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got, ok := categoriesFound(with(tc.said, tc.more), tc.path)[tc.want]; !ok || got != tc.evidence {
				t.Errorf("%q, want %q", got, tc.evidence)
			}
		})
	}
	for _, path := range []string{"name", "pattern"} {
		if got := categoriesFound(with(`{"no_such.[3]":"personal","extensions":"context"}`, `,"name":"n"`), path); got[federation.Personal] != "" {
			t.Errorf("%s: %v", path, got)
		}
	}
	if got := categoriesFound(parse1(t, `{"type":"grouping","spec_version":"2.1","id":"grouping--00000000-0000-4000-8000-000000000001","created":"2026-01-05T08:12:31Z","modified":"2026-01-05T08:12:31Z","context":"c","object_refs":["malware--00000000-0000-4000-8000-000000000001"],"extensions":{"`+HandlingExtension+`":{"extension_type":"property-extension","categories":{"object_refs.[7]":"source"}}}}`), "object_refs.[0]"); got[federation.Source] == "" {
		t.Errorf("an element that has moved: %v", got)
	}
	for _, said := range []string{`{}`, `[]`, `{"name":"secret"}`, `{"name":1}`, `{"":"target"}`, `{"name":null}`} {
		if _, err := Parse([]byte(indicator(`,"extensions":{"` + HandlingExtension + `":{"extension_type":"property-extension","categories":` + said + `}}`))); federation.ReasonOf(err) != federation.Malformed {
			t.Errorf("%s: %v", said, err)
		}
	}
}
