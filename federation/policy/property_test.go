package policy

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/entente-relay/entente/federation/stix"
	"github.com/entente-relay/entente/mapping"
)

// crossing is a question that rapid makes up and then makes stricter.
type crossing struct {
	object object
	terms  *Agreement
	now    time.Time
	onward bool
}

// what returns what would go: nothing, or the paths of all units shown.
func (d *demo) what(t testing.TB, c crossing) map[string]bool {
	self, issuer := d.de, "de-cert"
	if c.onward {
		self = d.pl
	}
	c.terms.Node = self.ID
	s := d.subject(t, issuer, c.object)
	if c.onward {
		s = s.Arrived(issuer)
	}
	got := Relate([]Decision{d.bundle.Decide(s, NewRecipient(self, c.terms), c.now)})[0]
	if !got.goes() {
		if len(got.Reasons()) == 0 {
			t.Fatalf("%s without a reason", got.Verdict())
		}
		return nil
	}
	gone := paths(got)
	out := map[string]bool{}
	for _, u := range s.units {
		if !slices.ContainsFunc(gone, func(p string) bool { return p == u.Path || within(u.Path, p) }) {
			out[u.Path] = true
		}
	}
	return out
}

var propertyPaths = []string{"name", "description", "pattern", "indicator_types", note, note + ".content", "extensions", "labels.[0]"}

// drawCrossing makes up an object and terms.
func drawCrossing(t *rapid.T) crossing {
	entry := object{"note": object{"abstract": "phishing", "content": rapid.SampledFrom([]string{"no one is named", "call anna.beispiel@victim.example", "the victim is bank.example at 192.0.2.7"}).Draw(t, "note")}}
	o := indicator(object{"labels": []string{"phishing"}, "pattern": rapid.SampledFrom([]string{"[domain-name:value = 'a.example']", "[email-addr:value = 'a@b.example']"}).Draw(t, "pattern")})
	if rapid.Bool().Draw(t, "classified") {
		entry["scheme"], entry["classification"] = "de-vs", rapid.SampledFrom([]string{"OFFEN", "VS-NfD", "GEHEIM"}).Draw(t, "level")
	}
	if rapid.Bool().Draw(t, "stated") {
		entry["personal_data"] = rapid.Bool().Draw(t, "personal")
	}
	tlp := drawTLP(t)
	if w := entry["classification"]; tlp == mapping.TLPClear && w != nil && w != "OFFEN" {
		tlp = mapping.TLPGreen // CLEAR on classified material contradicts itself, and a second label may mend that
	}
	o = merged(o, handlingOf(entry), marked(tlp))
	a := SampleAgreement(rapid.SampledFrom([]string{"PL", "JP", "US", "CH", "AT"}).Draw(t, "country"))
	a.Kind = rapid.SampledFrom(Kinds()).Draw(t, "kind")
	a.Ceiling, a.Community = drawTLP(t), rapid.Bool().Draw(t, "community")
	if rapid.Bool().Draw(t, "client") {
		a.Clients = []string{a.Peer}
	}
	a.Accept, a.Scheme = []string{"pl-national", "eu-2013-488-app-b-2021/PL", "eu-2013-488-app-b-2021/AT"}, ""
	a.Classified = []string{"de-vs/VS-NfD"}
	a.Accreditation = Accreditation{Ceiling: []string{"de-vs/GEHEIM"}, Until: date(2030, 1, 1)}
	a.Consents = []Consent{{By: "DE", Level: "de-vs/VS-NfD", To: a.Country, Reference: "r", Until: date(2027, 1, 1)}}
	a.Contracts, a.Data, a.Until = []string{"feed-terms-7"}, categoryWords(), date(2028, 1, 1)
	a.FOI, a.Resale = "exempt", "forbidden"
	a.Groups = []string{"first-members"}
	all := []Grant{{For: "example", Reference: "r", NotBefore: date(2025, 1, 1), Until: date(2030, 1, 1)}}
	if rapid.Bool().Draw(t, "serves") {
		a.Constituency = Constituency{TLD: []string{"example"}, CIDR: []string{"192.0.2.0/24"}}
	}
	if rapid.Bool().Draw(t, "consent") {
		a.VictimConsents, a.Managed = all, all
	}
	now := demoNow.AddDate(0, rapid.IntRange(0, 30).Draw(t, "months"), 0)
	return crossing{o, a, now, rapid.Bool().Draw(t, "onward")}
}

func drawTLP(t *rapid.T) mapping.TLP {
	return mapping.TLP(rapid.IntRange(int(mapping.TLPClear), int(mapping.TLPRed)).Draw(t, "tlp"))
}

// restricted returns the crossing with one restriction more.
func restricted(t *rapid.T, c crossing) crossing {
	o, a := merged(c.object), c.terms.clone()
	entry := merged(o["extensions"].(object)[stix.HandlingExtension].(object))
	limit := func(key string, words ...string) { entry[key] = words }
	switch rapid.IntRange(0, 20).Draw(t, "restriction") {
	case 0:
		o["object_marking_refs"] = append(slices.Clone(o["object_marking_refs"].([]string)), tlpID(drawTLP(t)))
	case 1:
		o["granular_markings"] = []object{{"marking_ref": tlpID(drawTLP(t)), "selectors": []string{rapid.SampledFrom(propertyPaths).Draw(t, "path")}}}
	case 2:
		limit("residency", rapid.SampledFrom([]string{"EU", "EEA", "DE", "JP"}).Draw(t, "place"))
	case 3:
		limit("releasable_to", rapid.SampledFrom([]string{"PL", "EU", "JP"}).Draw(t, "to"))
	case 4:
		limit("purpose", rapid.SampledFrom([]string{"network-security", "research"}).Draw(t, "use"))
	case 5:
		limit("caveats", rapid.SampledFrom([]string{"NOFORN", "ORCON", "REL TO POL"}).Draw(t, "caveat"))
	case 6:
		entry["contract"] = rapid.SampledFrom([]string{"feed-terms-7", "feed-terms-8"}).Draw(t, "contract")
	case 7:
		entry["personal_data"] = true
	case 8:
		o["labels"] = []string{"phishing", rapid.SampledFrom([]string{"tlp:green", "tlp:red", "PAP:RED", "tlp:unclear"}).Draw(t, "tag")}
	case 9:
		a.Ceiling = min(a.Ceiling, drawTLP(t))
	case 10:
		a.Community = false
	case 11:
		a.Clients = nil
	case 12:
		a.Data = []string{"technical"}
	case 13:
		a.Storage = append(a.Storage, rapid.SampledFrom([]string{"US", "JP", "DE"}).Draw(t, "store"))
	case 14:
		a.Consents, a.Classified = nil, nil
	case 15:
		a.Accreditation.Ceiling = []string{"de-vs/VS-NfD"}
	case 16:
		a.Backup = append(a.Backup, rapid.SampledFrom([]string{"US", "CN", "DE"}).Draw(t, "backup"))
	case 17:
		a.Groups, a.Managed, a.VictimConsents = nil, nil, nil
	case 18:
		a.FOI = rapid.SampledFrom([]string{"exposed", ""}).Draw(t, "foi")
	case 19:
		a.Resale = rapid.SampledFrom([]string{"allowed", ""}).Draw(t, "resale")
	case 20:
		a.Constituency = Constituency{}
	}
	o["extensions"] = object{stix.HandlingExtension: entry}
	return crossing{o, &a, c.now, c.onward}
}

// Adding a restriction, to the object or to the terms, never widens: what goes
// afterwards went before.
func TestRestrictionNeverWidens(t *testing.T) {
	d := newDemo(t)
	shown := 0
	check := func(rt *rapid.T) {
		c := drawCrossing(rt)
		before := d.what(t, c)
		for range rapid.IntRange(1, 3).Draw(rt, "restrictions") {
			c = restricted(rt, c)
		}
		after := d.what(t, c)
		shown += len(after)
		for path := range after {
			if before[path] || path == "granular_markings" || path == "labels" || within(path, "extensions."+stix.HandlingExtension) {
				continue // what carries the restriction itself may be new
			}
			rt.Fatalf("%s goes only after a restriction", path)
		}
		if before == nil && after != nil {
			rt.Fatal("it goes only after a restriction")
		}
	}
	// One draw in eight shows something after its restrictions: with the few
	// draws of -short it may be none.
	for round := 0; round == 0 || round < 8 && shown == 0; round++ {
		rapid.Check(t, check)
	}
	if shown == 0 {
		t.Fatal("nothing was ever shown: the test proves nothing")
	}
}

// A stricter bundle never widens either: a forbid more takes away only.
func TestForbidNeverWidens(t *testing.T) {
	d := newDemo(t)
	rule := ruleText(`forbid (principal, action in Action::"send", resource)`, `when { principal.country == "JP" }`, nil)
	examples := `version: 1
rules:
  - rule: own-rule
    allow: [{action: share}]
    deny: [{action: share, set: {principal.country: JP}}]
    missing: [{action: share, drop: [principal.country]}]
`
	strict := newDemo(t)
	b, err := load(t, d.tables, map[string]string{"own.cedar": rule, "own.examples.yaml": examples}, nil, Options{Reviewed: d.bundle.reviewed})
	if err != nil {
		t.Fatal(err)
	}
	strict.bundle = b
	rapid.Check(t, func(rt *rapid.T) {
		c := drawCrossing(rt)
		before, after := d.what(t, c), strict.what(t, c)
		for path := range after {
			if !before[path] {
				rt.Fatalf("%s goes only under the stricter rules", path)
			}
		}
		if c.terms.Country == "JP" && after != nil {
			rt.Fatal("the rule does not take away what it forbids")
		}
	})
}
