package marking

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/entente-relay/entente/mapping"
)

// iepPolicy returns a definition with the mildest policy, with fields replaced;
// an empty value leaves one out.
func iepPolicy(changes map[string]string) string {
	fields := map[string]string{
		"extension_type": `"property-extension"`, "iep_id": `"0224bfdf-ea3a-49c3-96f6-66d908bb1845"`, "iep_version": `"2.0"`,
		"name": `"sample"`, "description": `"a sample"`, "start_date": `"2026-01-01T00:00:00Z"`, "end_date": "null",
		"encrypt_in_transit": `"may"`, "permitted_actions": `"externally-visible-direct-actions"`, "affected_party_notifications": `"may"`,
		"tlp": `"green"`, "provider_attribution": `"may"`, "unmodified_resale": `"may"`,
	}
	maps.Copy(fields, changes)
	var members []string
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if fields[name] != "" {
			members = append(members, `"`+name+`":`+fields[name])
		}
	}
	return define(`"extensions":{"` + extensionIEP + `":{` + strings.Join(members, ",") + `}}`)
}

// Each field of a policy becomes handling that can be enforced.
func TestIEP(t *testing.T) {
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	base := mapping.Handling{TLP: mapping.TLPGreen, TLPVersion1: true, PAP: mapping.PAPGreen, NotBefore: begin}
	for _, c := range []struct {
		name, field, value string
		add                mapping.Handling
	}{
		{"the mildest", "name", `"sample"`, mapping.Handling{}},
		{"without a name", "name", "", mapping.Handling{}},
		{"a version as a number", "iep_version", "2.0", mapping.Handling{}},
		{"RED", "tlp", `"red"`, mapping.Handling{TLP: mapping.TLPRed}},
		{"AMBER", "tlp", `"amber"`, mapping.Handling{TLP: mapping.TLPAmber}},
		{"no action", "permitted_actions", `"none"`, mapping.Handling{PAP: mapping.PAPRed, Contracts: []string{"iep2-contact-first"}}},
		{"ask first", "permitted_actions", `"contact-for-instruction"`, mapping.Handling{PAP: mapping.PAPRed, Contracts: []string{"iep2-contact-first"}}},
		{"inside only", "permitted_actions", `"internally-visible-actions"`, mapping.Handling{PAP: mapping.PAPRed}},
		{"indirect", "permitted_actions", `"externally-visible-indirect-actions"`, mapping.Handling{PAP: mapping.PAPAmber}},
		{"encrypted", "encrypt_in_transit", `"must"`, mapping.Handling{Contracts: []string{"iep2-encrypt-in-transit"}}},
		{"nobody is told", "affected_party_notifications", `"must-not"`, mapping.Handling{Contracts: []string{"iep2-no-notification"}}},
		{"named", "provider_attribution", `"must"`, mapping.Handling{Contracts: []string{"iep2-attribution"}}},
		{"unnamed", "provider_attribution", `"must-not"`, mapping.Handling{Contracts: []string{"iep2-no-attribution"}}},
		{"not for sale", "unmodified_resale", `"must-not"`, mapping.Handling{Contracts: []string{"iep2-no-resale"}}},
		{"with an end", "end_date", `"2026-02-01T00:00:00+01:00"`, mapping.Handling{NotAfter: time.Date(2026, 1, 31, 23, 0, 0, 0, time.UTC)}},
		{"a licence", "external_reference", `"https://terms.example"`, mapping.Handling{Statements: []string{`FIRST IEP 2.0: see "https://terms.example"`}}},
	} {
		h, err := Definition(ownID, []byte(iepPolicy(map[string]string{c.field: c.value})))
		if want := mapping.Join(base, c.add); err != nil || h.Key() != want.Key() {
			t.Errorf("%s: %+v, %v, want %+v", c.name, h, err, want)
		}
	}
}

// A policy of which anything is missing or not understood is held by name, with
// the field.
func TestIEPThatIsNotUnderstood(t *testing.T) {
	for name := range iepFields {
		for value, want := range map[string]string{"": name, `"perhaps"`: name, "7": name, "null": name} {
			wantHeld(t, map[string]string{name: value}, want)
		}
	}
	for _, c := range []struct{ field, value, want string }{
		{"iep_version", `"1.0"`, "iep_version"}, {"iep_version", "", "iep_version"}, {"iep_version", "3", "iep_version"},
		{"start_date", "", "start_date"}, {"start_date", "null", "start_date"}, {"start_date", `"2026-01-01"`, "start_date"},
		{"end_date", `"never"`, "end_date"}, {"iep_id", "", "iep_id"}, {"name", "7", "name"}, {"extension_type", `"toplevel-property-extension"`, "extension_type"},
		{"iep_id", `"policy-7"`, "iep_id"}, {"iep_id", `"2f1acc6c-ea3a-11ef-96f6-66d908bb1845"`, "iep_id"}, {"iep_id", `"urn:uuid:0224bfdf-ea3a-49c3-96f6-66d908bb1845"`, "iep_id"},
		{"obfuscate_affected_parties", `"must"`, "obfuscate_affected_parties"}, {"commercial_use", `"may"`, "commercial_use"},
	} {
		wantHeld(t, map[string]string{c.field: c.value}, c.want)
	}
	two := strings.Replace(iepPolicy(nil), `"extensions":{`, `"extensions":{"`+extensionPAP+`":{"extension_type":"property-extension","pap":"red"},`, 1)
	if _, err := Definition(ownID, []byte(two)); !errors.Is(err, &mapping.Fault{Cause: mapping.UnknownMarking}) {
		t.Errorf("a policy and a PAP label in one: %v", err)
	}
}

func wantHeld(t *testing.T, changes map[string]string, want string) {
	t.Helper()
	h, err := Definition(ownID, []byte(iepPolicy(changes)))
	if !errors.Is(err, &mapping.Fault{Cause: mapping.UnknownMarking}) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "FIRST IEP 2.0") {
		t.Errorf("%v: %v, want a fault that names %s", changes, err, want)
	}
	if h.Key() != (mapping.Handling{}).Key() {
		t.Errorf("%v: refused, and yet %+v", changes, h)
	}
}
