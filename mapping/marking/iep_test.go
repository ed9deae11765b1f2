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

// iepWith returns a marking-definition with an IEP 2.0 policy of which fields
// are changed; "" leaves one out.
func iepWith(changes map[string]string) string {
	fields := map[string]string{
		"extension_type": `"property-extension"`, "iep_id": `"0224bfdf-ea3a-49c3-96f6-66d908bb1845"`, "iep_version": `2.0`,
		"tlp": `"green"`, "permitted_actions": `"externally-visible-direct-actions"`, "encrypt_in_transit": `"may"`,
		"affected_party_notifications": `"may"`, "provider_attribution": `"may"`, "unmodified_resale": `"may"`,
	}
	maps.Copy(fields, changes)
	var out []string
	for _, k := range slices.Sorted(maps.Keys(fields)) {
		if fields[k] != "" {
			out = append(out, `"`+k+`":`+fields[k])
		}
	}
	return define(`"extensions":{"` + extensionIEP2 + `":{` + strings.Join(out, ",") + `}}`)
}

// Every field of an IEP 2.0 policy means something that is enforced.
func TestIEPMeans(t *testing.T) {
	plain := mapping.Handling{TLP: mapping.TLPGreen, TLPVersion1: true, PAP: mapping.PAPGreen}
	with := func(change func(*mapping.Handling)) mapping.Handling {
		h := plain
		change(&h)
		return h
	}
	term := func(word string) mapping.Handling {
		return with(func(h *mapping.Handling) { h.Contracts = []string{word} })
	}
	for _, c := range []struct {
		field, value string
		want         mapping.Handling
	}{
		{"name", `"a policy"`, plain},
		{"iep_version", `"2.0"`, plain},
		{"end_date", `null`, plain},
		{"tlp", `"white"`, with(func(h *mapping.Handling) { h.TLP = mapping.TLPClear })},
		{"tlp", `"amber"`, with(func(h *mapping.Handling) { h.TLP = mapping.TLPAmber })},
		{"tlp", `"red"`, with(func(h *mapping.Handling) { h.TLP = mapping.TLPRed })},
		{"permitted_actions", `"internally-visible-actions"`, with(func(h *mapping.Handling) { h.PAP = mapping.PAPRed })},
		{"permitted_actions", `"externally-visible-indirect-actions"`, with(func(h *mapping.Handling) { h.PAP = mapping.PAPAmber })},
		{"encrypt_in_transit", `"must"`, term("iep2-encrypt-in-transit")},
		{"affected_party_notifications", `"must-not"`, term("iep2-no-notification")},
		{"provider_attribution", `"must"`, plain},
		{"provider_attribution", `"must-not"`, term("iep2-no-attribution")},
		{"unmodified_resale", `"must-not"`, term("iep2-no-resale")},
		{"start_date", `"2026-01-01T00:00:00Z"`, with(func(h *mapping.Handling) { h.NotBefore = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) })},
		{"end_date", `"2026-02-01T01:00:00+01:00"`, with(func(h *mapping.Handling) { h.NotAfter = time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC) })},
	} {
		h, err := Definition(ownID, []byte(iepWith(map[string]string{c.field: c.value})))
		if err != nil || h.Key() != c.want.Key() {
			t.Errorf("%s %s: %+v, %v", c.field, c.value, h, err)
		}
	}
}

// What is not understood of a policy is named, and nothing of it counts.
func TestIEPHeldByName(t *testing.T) {
	for _, c := range []struct{ field, value, says string }{
		{"permitted_actions", `"none"`, `permitted_actions "none"`},
		{"permitted_actions", `"contact-for-instruction"`, `permitted_actions "contact-for-instruction"`},
		{"permitted_actions", "", "does not state permitted_actions"},
		{"tlp", "", "does not state tlp"},
		{"tlp", `"amber+strict"`, `tlp "amber+strict"`},
		{"tlp", `"AMBER"`, `tlp "AMBER"`},
		{"tlp", `7`, "does not state tlp"},
		{"encrypt_in_transit", "", "does not state encrypt_in_transit"},
		{"affected_party_notifications", `"must"`, `affected_party_notifications "must"`},
		{"provider_attribution", "", "does not state provider_attribution"},
		{"unmodified_resale", `"MUST NOT"`, `unmodified_resale "MUST NOT"`},
		{"external_reference", `"https://vendor.example/terms"`, `the field "external_reference"`},
		{"x_more", `true`, `the field "x_more"`},
		{"iep_version", `1.0`, "not 2.0"},
		{"iep_version", "", "not 2.0"},
		{"extension_type", "", "extension_type"},
		{"start_date", `"soon"`, "start_date is not a time"},
		{"end_date", `20261231`, "end_date is not a time"},
	} {
		h, err := Definition(ownID, []byte(iepWith(map[string]string{c.field: c.value})))
		if !errors.Is(err, &mapping.Fault{Cause: mapping.UnknownMarking}) || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "IEP 2.0") {
			t.Errorf("%s %s: %v, want %q", c.field, c.value, err, c.says)
		}
		if h.Key() != (mapping.Handling{}).Key() {
			t.Errorf("%s %s: refused, and yet %+v", c.field, c.value, h)
		}
	}
}
