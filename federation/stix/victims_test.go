package stix

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/entente-relay/entente/federation"
)

const (
	hereID  = "ipv4-addr--00000000-0000-5000-8000-000000000001" // 198.51.100.7
	thereID = "ipv4-addr--00000000-0000-5000-8000-000000000002" // 192.0.2.1, which indicator() matches
	hostID  = "domain-name--00000000-0000-5000-8000-000000000003"
)

// among returns a message: two addresses, a host, and what else is given.
func among(t *testing.T, more ...string) []*Object {
	t.Helper()
	sco := func(id, value string) string {
		typ, _, _ := strings.Cut(id, "--")
		return fmt.Sprintf(`{"type":%q,"id":%q,"value":%q}`, typ, id, value)
	}
	var out []*Object
	for _, raw := range append(more, sco(hereID, "198.51.100.7"), sco(thereID, "192.0.2.1"), sco(hostID, "pc.victim.example")) {
		out = append(out, parse1(t, raw))
	}
	return out
}

func related(kind, from, to string) string {
	return `{"type":"relationship","spec_version":"2.1","id":"relationship--00000000-0000-4000-8000-000000000001","created":"2026-01-05T08:12:31Z",` +
		`"modified":"2026-01-05T08:12:31Z","relationship_type":"` + kind + `","source_ref":"` + from + `--00000000-0000-4000-8000-000000000009","target_ref":"` + to + `"}`
}

const someID = "identity--00000000-0000-4000-8000-000000000009"

func identity(class string) string {
	if class != "" {
		class = `,"identity_class":"` + class + `"`
	}
	return `{"type":"identity","spec_version":"2.1","id":"` + someID + `","created":"2026-01-05T08:12:31Z","modified":"2026-01-05T08:12:31Z","name":"Example GmbH","sectors":["energy"]` + class + `}`
}

func traffic(from, to string) string {
	return `{"type":"network-traffic","id":"network-traffic--00000000-0000-5000-8000-000000000004","protocols":["tcp"],"src_ref":"` + from + `","dst_ref":"` + to + `"}`
}

func TestVictimsAmong(t *testing.T) {
	seen := func(labels string) string {
		return `{"type":"observed-data","spec_version":"2.1","id":"observed-data--00000000-0000-4000-8000-000000000005","created":"2026-01-05T08:12:31Z","modified":"2026-01-05T08:12:31Z",` +
			`"first_observed":"2026-01-05T08:12:31Z","last_observed":"2026-01-05T08:12:31Z","number_observed":1,"object_refs":["` + hereID + `"],"labels":["` + labels + `"]}`
	}
	for _, tc := range []struct {
		name string
		more []string
		want Victims
	}{
		{"nobody says", nil, Victims{}},
		{"targeted", []string{related("targets", "malware", hostID)}, Victims{hostID: true}},
		{"something else", []string{related("related-to", "malware", hostID)}, Victims{}},
		{"targeting data", []string{seen(`misp:category=\"Targeting data\"`)}, Victims{hereID: true}},
		{"network activity", []string{seen(`misp:category=\"Network activity\"`)}, Victims{}},
		{"traffic of two", []string{traffic(hereID, thereID)}, Victims{}},
		{"traffic to an attacker", []string{traffic(hereID, thereID), indicator("")}, Victims{hereID: false}},
		{"traffic from an attacker", []string{traffic(thereID, hereID), indicator("")}, Victims{hereID: false}},
		{"traffic between attackers", []string{traffic(thereID, hereID), indicator(""), related("consists-of", "infrastructure", hereID)}, Victims{}},
		{"traffic to what malware talks to", []string{traffic(hereID, thereID), related("communicates-with", "malware", thereID)}, Victims{hereID: false}},
		{"surely beats a guess", []string{traffic(hereID, thereID), indicator(""), related("targets", "malware", hereID)}, Victims{hereID: true}},
		{"an organisation", []string{related("targets", "malware", someID), identity("organization")}, Victims{someID: true}},
		{"an identity of no class", []string{related("targets", "malware", someID), identity("")}, Victims{someID: true}},
		{"a sector", []string{related("targets", "malware", someID), identity("class")}, Victims{}},
		{"who is named otherwise", []string{related("attributed-to", "malware", someID), identity("organization")}, Victims{}},
	} {
		if got := VictimsAmong(among(t, tc.more...)); !maps.Equal(got, tc.want) {
			t.Errorf("%s: %v, want %v", tc.name, got, tc.want)
		}
	}
	if got := VictimsAmong([]*Object{parse1(t, indicator(""))}); got != nil {
		t.Errorf("no address, and yet %v", got)
	}
}

func TestCategorizeAmong(t *testing.T) {
	o := among(t)[0]
	for _, sure := range []bool{false, true} {
		found := false
		for _, f := range CategorizeAmong(o, o.Units(), Victims{hereID: sure}) {
			if f.Category == federation.Target {
				found = true
				if f.Path != "value" || f.Holds != HoldsVictim || f.Unsure == sure {
					t.Errorf("%+v", f)
				}
			}
		}
		if !found {
			t.Error("no target")
		}
	}
}

// Of an identity that was attacked, the name says who; the sector does not.
func TestAttackedIdentity(t *testing.T) {
	o := parse1(t, identity("organization"))
	got := map[string]bool{}
	for _, f := range CategorizeAmong(o, o.Units(), VictimsAmong([]*Object{o, parse1(t, related("targets", "malware", someID))})) {
		got[f.Path] = got[f.Path] || f.Category == federation.Target && !f.Unsure
	}
	if !got["name"] || got["sectors"] || got["id"] {
		t.Errorf("%v", got)
	}
}
