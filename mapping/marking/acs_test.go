package marking

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/entente-relay/entente/mapping"
)

// inExtension returns a definition under ownID with one extension.
func inExtension(id string, fields map[string]any) string {
	all := map[string]any{"extension_type": "property-extension"}
	maps.Copy(all, fields)
	for k, v := range all {
		if v == nil {
			delete(all, k)
		}
	}
	raw, err := json.Marshal(map[string]any{id: all})
	if err != nil {
		panic(err)
	}
	return define(`"extensions":` + string(raw))
}

const (
	freeSharing = "urn:isa:policy:acs:ns:v3.0?privdefault=permit&sharedefault=permit"
	noSharing   = "urn:isa:policy:acs:ns:v3.0?privdefault=permit&sharedefault=deny"
)

// acs returns an ACS marking, the mildest there is, with changes; nil leaves a
// field out.
func acs(changes map[string]any) string {
	fields := map[string]any{"identifier": "isa:guide.19001.ACS3-sample", "create_date_time": "2026-01-05T00:00:00Z",
		"responsible_entity_custodian": "USA.DHS", "policy_reference": freeSharing, "control_set": controls("U", nil)}
	maps.Copy(fields, changes)
	return inExtension(extensionACS, fields)
}

func controls(level string, more map[string]any) map[string]any {
	c := map[string]any{"classification": level}
	maps.Copy(c, more)
	return c
}

// shown renders what a marking says.
func shown(s Said) string {
	var out []string
	for _, w := range s.Words {
		out = append(out, fmt.Sprintf("%s %s %q", w.Scheme, w.Level, w.Beside))
	}
	h := s.Handling
	if h.Releasable.Restricted() {
		out = append(out, "only "+h.Releasable.String())
	}
	out = append(out, h.Caveats...)
	out = append(out, h.Statements...)
	if h.PersonalData {
		out = append(out, "personal")
	}
	if !h.NotAfter.IsZero() {
		out = append(out, "until "+h.NotAfter.Format(time.DateOnly))
	}
	return strings.Join(out, "; ")
}

func TestACS(t *testing.T) {
	for _, c := range []struct {
		name    string
		changes map[string]any
		want    string
	}{
		{"the mildest", nil, `us-eo13526 U []`},
		{"C is a code", map[string]any{"control_set": controls("C", nil)}, `us-eo13526 C []`},
		{"told, and no limit", map[string]any{"name": "sample", "responsible_entity_originator": "USA.DHS", "authority_reference": []string{"urn:isa:authority:misa"},
			"public_release": map[string]any{"released_by": "x"}, "declassification": map[string]any{"declass_period": 25}}, `us-eo13526 U []`},
		{"no foreigners", map[string]any{"control_set": controls("U", map[string]any{"formal_determination": []string{"NF", "PUBREL"}})}, `us-eo13526 U []; us-eo13526  ["NF"]`},
		{"nationalities", map[string]any{"control_set": controls("S", map[string]any{"permitted_nationalities": []string{"USA", "GBR"}})}, `us-eo13526 S []; us-eo13526  ["REL TO USA, GBR"]`},
		{"compartments", map[string]any{"control_set": controls("TS", map[string]any{"sci_controls": []string{"SI", "TK"}})}, `us-eo13526 TS []; us-eo13526  ["SI" "TK"]`},
		{"kinds of people", map[string]any{"control_set": controls("U", map[string]any{"entity": []string{"GOV", "CTR"}, "shareability": []string{"LE"}})},
			`us-eo13526 U []; ACS ENTITY CTR; ACS ENTITY GOV; ACS SHAREABILITY LE`},
		{"organisations", map[string]any{"control_set": controls("U", map[string]any{"permitted_organizations": []string{"USA.DOD"}})}, `us-eo13526 U []; ACS PERMITTED ORGANIZATIONS USA.DOD`},
		{"sensitivities", map[string]any{"control_set": controls("U", map[string]any{"sensitivity": []string{"PII", "TEI"}, "caveat": []string{"CISAPROPRIETARY"}})},
			`us-eo13526 U []; ACS SENSITIVITY TEI; CISA PROPRIETARY; personal`},
		{"sharing denied", map[string]any{"policy_reference": noSharing}, `us-eo13526 U []; only nobody`},
		{"sharing denied, with exceptions", map[string]any{"policy_reference": noSharing, "further_sharing": []any{map[string]any{}}}, `us-eo13526 U []; ACS FURTHER SHARING`},
		{"sharing allowed, with exceptions", map[string]any{"further_sharing": []any{map[string]any{}}}, `us-eo13526 U []; ACS FURTHER SHARING`},
		{"privileges denied", map[string]any{"policy_reference": strings.Replace(freeSharing, "privdefault=permit", "privdefault=deny", 1)}, `us-eo13526 U []; ACS ACCESS PRIVILEGES`},
		{"privileges listed", map[string]any{"access_privilege": []any{map[string]any{}}}, `us-eo13526 U []; ACS ACCESS PRIVILEGES`},
		{"to be destroyed", map[string]any{"resource_disposition": map[string]any{"disposition_date": "2027-01-01T00:00:00Z", "disposition_process": "x"}}, `us-eo13526 U []; until 2027-01-01`},
	} {
		s, err := ReadDefinition(ownID, []byte(acs(c.changes)))
		if err != nil || shown(s) != c.want {
			t.Errorf("%s: %q, %v, want %q", c.name, shown(s), err, c.want)
		}
		if h, err := Definition(ownID, []byte(acs(c.changes))); err == nil || h.Key() != (mapping.Handling{}).Key() {
			t.Errorf("%s: read without tables: %+v", c.name, h)
		}
	}
}

// A marking of which anything is missing or not understood is held by name.
func TestACSThatIsNotUnderstood(t *testing.T) {
	for _, c := range []struct {
		changes map[string]any
		want    string
	}{
		{map[string]any{"identifier": nil}, "no identifier"},
		{map[string]any{"policy_reference": nil}, "no policy_reference"},
		{map[string]any{"control_set": nil}, "no control_set"},
		{map[string]any{"control_set": map[string]any{}}, "no classification"},
		{map[string]any{"control_set": "U"}, "no object"},
		{map[string]any{"extension_type": "toplevel-property-extension"}, "extension_type"},
		{map[string]any{"policy_reference": "urn:isa:policy:acs:ns:v3.0?privdefault=permit"}, "two defaults"},
		{map[string]any{"policy_reference": freeSharing + " " + noSharing}, "two defaults"},
		{map[string]any{"policy_reference": strings.Replace(freeSharing, "v3.0", "v4.0", 1)}, "two defaults"},
		{map[string]any{"x_new": "1"}, "x_new"},
		{map[string]any{"resource_disposition": map[string]any{}}, "resource_disposition"},
		{map[string]any{"control_set": controls("Classified", nil)}, `"Classified"`},
		{map[string]any{"control_set": controls("U", map[string]any{"caveat": []string{"ORCON"}})}, `"ORCON"`},
		{map[string]any{"control_set": controls("U", map[string]any{"x_new": "1"})}, "x_new"},
		{map[string]any{"control_set": controls("U", map[string]any{"privilege_action": "INTEL"})}, "privilege_action"},
		{map[string]any{"control_set": controls("U", map[string]any{"entity": []string{}})}, "no list"},
		{map[string]any{"control_set": controls("U", map[string]any{"entity": 7})}, "no list"},
	} {
		s, err := ReadDefinition(ownID, []byte(acs(c.changes)))
		if !errors.Is(err, &mapping.Fault{Cause: mapping.UnknownMarking}) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "ACS 3.0") || shown(s) != "" {
			t.Errorf("%v: %q, %v, want a fault that says %s", c.changes, shown(s), err, c.want)
		}
	}
}

func cui(changes map[string]any) string {
	fields := map[string]any{"control": "CUI", "designator_ref": "identity--11111111-2222-4333-8444-555555555555"}
	maps.Copy(fields, changes)
	return inExtension(extensionCUI, fields)
}

func TestCUI(t *testing.T) {
	for _, c := range []struct {
		changes map[string]any
		want    string // "" for a fault
		says    string
	}{
		{nil, `us-cui CUI []`, ""},
		{map[string]any{"control": "CONTROLLED"}, `us-cui CONTROLLED []`, ""},
		{map[string]any{"categories": []string{"SP-PRVCY", "CTI"}, "disseminations": []string{"NOFORN"}}, `us-cui CUI ["SP-PRVCY" "CTI" "NOFORN"]`, ""},
		{map[string]any{"required_statements": []string{"WARNING"}, "supplemental_administrative": []string{"DRAFT"}}, `us-cui CUI []; DRAFT; WARNING`, ""},
		{map[string]any{"control": "cui"}, "", "control"},
		{map[string]any{"control": nil}, "", "control"},
		{map[string]any{"designator_ref": nil}, "", "designator_ref"},
		{map[string]any{"designator_ref": "agency"}, "", "designator_ref"},
		{map[string]any{"categories": []string{}}, "", "categories"},
		{map[string]any{"categories": 7}, "", "categories"},
		{map[string]any{"extension_type": "new-sdo"}, "", "extension_type"},
		{map[string]any{"cui_name": "CUI//SP-CTI"}, "", "cui_name"},
	} {
		s, err := ReadDefinition(ownID, []byte(cui(c.changes)))
		switch {
		case c.want != "" && (err != nil || shown(s) != c.want):
			t.Errorf("%v: %q, %v, want %q", c.changes, shown(s), err, c.want)
		case c.want == "" && (!errors.Is(err, &mapping.Fault{Cause: mapping.UnknownMarking}) || !strings.Contains(err.Error(), c.says) || shown(s) != ""):
			t.Errorf("%v: %q, %v, want a fault that says %s", c.changes, shown(s), err, c.says)
		}
	}
}

// The published sample of ACS says what its text says: TOP SECRET, for kinds of
// people, nothing allowed that no entry allows.
func TestPublishedACS(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join(samples(t), "acs-spec-use-case-1.json"))
	if err != nil {
		t.Fatal(err)
	}
	id, object := firstDefinition(t, raw)
	s, err := ReadDefinition(id, object)
	const want = `us-eo13526 TS []; only nobody; ACS ACCESS PRIVILEGES; ACS ENTITY CTR; ACS ENTITY GOV; ACS ENTITY MIL`
	if err != nil || shown(s) != want {
		t.Errorf("%q, %v, want %q", shown(s), err, want)
	}
}

// FuzzReadDefinition: a marking in an extension is understood as a whole or is a
// Fault; one property more than is known makes it a Fault.
func FuzzReadDefinition(f *testing.F) {
	seeds := []string{acs(nil), acs(map[string]any{"policy_reference": noSharing}), cui(nil), cui(map[string]any{"categories": []string{"SP-CTI"}}), iepPolicy(nil)}
	if len(seeds) == 0 {
		f.Fatal("the seed corpus is missing")
	}
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		s, err := ReadDefinition(ownID, raw)
		if err != nil {
			if _, ok := errors.AsType[*mapping.Fault](err); !ok || shown(s) != "" {
				t.Fatalf("%q with %v", shown(s), err)
			}
			return
		}
		for _, w := range s.Words {
			if w.Scheme == "" || w.Level == "" && len(w.Beside) == 0 {
				t.Fatalf("empty words %+v", w)
			}
		}
		var object map[string]any
		if json.Unmarshal(raw, &object) != nil || object["extensions"] == nil {
			return
		}
		for _, entry := range object["extensions"].(map[string]any) {
			entry.(map[string]any)["x_entente_more"] = "1"
		}
		more, err := json.Marshal(object)
		if err != nil {
			return
		}
		if s, err := ReadDefinition(ownID, more); err == nil {
			t.Fatalf("a property that nobody knows was passed over: %s: %q", more, shown(s))
		}
	})
}
