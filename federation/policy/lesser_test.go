package policy

import (
	"strings"
	"testing"

	"github.com/entente-relay/entente/federation/stix"
)

// TestLessNamesNobody: what says less in place of an object, or counts, names no
// victim, whatever ids and networks stand in it; without the word it does.
func TestLessNamesNobody(t *testing.T) {
	const sighting = `{"type":"sighting","spec_version":"2.1","id":"sighting--00000000-0000-4000-8000-000000000001","created":"2026-01-05T00:00:00.000Z","modified":"2026-01-05T00:00:00.000Z",` +
		`"sighting_of_ref":"malware--00000000-0000-4000-8000-000000000002","x_victim":"198.51.100.0/24",` +
		`"extensions":{"` + stix.HandlingExtension + `":{"extension_type":"property-extension","KEY":"x"}}}`
	for key, named := range map[string]bool{"generalised": false, "aggregate": false, "contract": true} {
		o, err := stix.Parse([]byte(strings.Replace(sighting, "KEY", key, 1)))
		if err != nil {
			t.Fatal(err)
		}
		units := o.Units()
		some := false
		for _, f := range stix.CategorizeUnits(o, units) {
			for i := range units {
				if units[i].Path == f.Path {
					v := victimsOf(o, &units[i], f)
					some = some || !v.none()
				}
			}
		}
		if some != named {
			t.Errorf("%s: a victim is named: %t", key, some)
		}
	}
}
