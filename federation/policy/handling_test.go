package policy

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/mapping"
)

// field is one field of a handling, or of an IEP policy, and what it does.
type field struct {
	object object
	iep    string // change of an IEP 2.0 policy that marks the object
	terms  func(*Agreement)
	onward bool // from de-cert by way of pl-cert to a carrier in Japan
	rule   string
	says   string
}

// decide asks about a field's crossing.
func (d *demo) decide(t *testing.T, f field) Decision {
	t.Helper()
	b := border{object: f.object, terms: f.terms}
	if f.onward {
		b.to, b.from = "pl-cert--jp-carrier", "de-cert"
	}
	if f.iep != "" {
		b.object, b.defs = merged(f.object, object{"object_marking_refs": []string{iepMarking}}), []object{iep(iepMarking, f.iep)}
	}
	return d.cross(t, b)
}

// A fact that nobody enforces is none: each field of a handling stops an object
// that would go without it, by a rule of its own. How long it may be kept is no
// question of a crossing: it is asked of what is kept.
func TestEveryFieldOfAHandlingIsEnforced(t *testing.T) {
	d := newDemo(t)
	nato := object{"scheme": "nato", "classification": "NATO RESTRICTED"}
	words := object{"type": "marking-definition", "spec_version": "2.1", "id": iepMarking, "created": "2026-01-05T00:00:00.000Z",
		"definition_type": "statement", "definition": object{"statement": "For the organisation only."}}
	fields := map[string]field{
		"TLP":          {object: marked(mapping.TLPRed), terms: func(a *Agreement) { a.Ceiling = mapping.TLPRed }, rule: "tlp-red-nobody"},
		"PAP":          {object: object{"labels": []string{"PAP:RED"}}, terms: func(a *Agreement) { a.Purposes = []string{"blocking"} }, rule: "pap-"},
		"Levels":       {object: handlingOf(nato), rule: "originator-consent"},
		"Compartments": {object: handlingOf(merged(nato, object{"caveats": []string{"Atomal"}})), rule: "compartment", says: "ATOMAL"},
		"Caveats":      {object: handlingOf(object{"caveats": []string{"ORCON"}}), rule: "caveat-for-people"},
		"Releasable":   {object: handlingOf(object{"releasable_to": []string{"FR"}}), rule: "release-list"},
		"Residency":    {object: handlingOf(object{"residency": []string{"DE"}}), rule: "residency-recipient"},
		"Purposes":     {object: handlingOf(object{"purpose": []string{"research"}}), rule: "purpose-limit"},
		"NotBefore":    {iep: "start_date=2026-02-01T00:00:00Z", rule: "validity-early"},
		"NotAfter":     {iep: "end_date=2026-01-05T00:00:00Z", rule: "validity-over"},
		"Contracts":    {object: handlingOf(object{"contract": "feed-terms-8"}), rule: "contract-terms"},
		"TLPVersion1":  {}, "Statements": {}, "PersonalData": {}, "RetainDays": {}, // below
	}
	typ := reflect.TypeFor[mapping.Handling]()
	for i := range typ.NumField() {
		name := typ.Field(i).Name
		f, ok := fields[name]
		if !ok {
			t.Errorf("%s: say which rule enforces it", name)
		}
		if f.rule == "" {
			continue
		}
		got := d.decide(t, f)
		if got.goes() || !cites(got, f.rule, f.says) {
			t.Errorf("%s: %s %v, want %s", name, got.Verdict(), got.Reasons(), f.rule)
		}
		if f.iep = ""; name != "PAP" {
			if f.object = nil; !d.decide(t, f).goes() {
				t.Errorf("%s: it does not go without it either", name)
			}
		}
	}

	// TLP 1.0 AMBER with words is the old way to say STRICT (trap T3): either
	// alone goes on to a client, both together wait for a person.
	old, two := "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82", tlpID(mapping.TLPAmber)
	client := func(a *Agreement) { a.Clients = []string{"jp-carrier"} }
	for _, c := range []struct {
		refs []string
		goes bool
	}{{[]string{old}, true}, {[]string{two, iepMarking}, true}, {[]string{old, iepMarking}, false}} {
		got := d.cross(t, border{to: "pl-cert--jp-carrier", from: "de-cert", terms: client, object: object{"object_marking_refs": c.refs}, defs: []object{words}})
		if got.goes() != c.goes || !c.goes && !cites(got, "tlp1-amber-with-words", "") {
			t.Errorf("marked %v: %s %v", c.refs, got.Verdict(), got.Reasons())
		}
	}
	ministry := func(a *Agreement) { a.Kind, a.Certifications = "authority", nil }
	personal := d.cross(t, border{object: handlingOf(object{"personal_data": true}), to: "pl-cert--jp-carrier", from: "de-cert", terms: ministry})
	if plain := d.cross(t, border{to: "pl-cert--jp-carrier", from: "de-cert", terms: ministry}); personal.goes() && len(paths(personal)) == 0 || len(paths(plain)) != 0 || !plain.goes() {
		t.Errorf("personal data: %s %v, without %s %v", personal.Verdict(), paths(personal), plain.Verdict(), paths(plain))
	}
	issued := date(2026, 1, 1)
	if until := d.subject(t, "de-cert", indicator(handlingOf(object{"retain_days": 30}))).KeepUntil(issued); !until.Equal(issued.AddDate(0, 0, 30)) {
		t.Errorf("to be deleted after 30 days, and kept until %s", until)
	}
}

// cites reports whether a rule, by the beginning of its id, is among the
// reasons, and its sentence says something.
func cites(d Decision, rule, says string) bool {
	for _, c := range d.Reasons() {
		if strings.HasPrefix(c.Rule, rule) && strings.Contains(c.Text, says) {
			return true
		}
	}
	return false
}

// Every field of a FIRST IEP 2.0 policy is enforced by a rule, or one that is
// not understood holds the object by the field's name. Fields and values as in
// the OASIS extension and the taxonomy iep2-policy.
func TestEveryFieldOfAnIEPPolicy(t *testing.T) {
	d := newDemo(t)
	selling := func(a *Agreement) { a.Resale = "allowed" }
	for name, f := range map[string]field{
		"iep_id":                       {iep: "iep_id=", rule: "marking-unknown"},
		"iep_version":                  {iep: "iep_version=1.0", rule: "marking-unknown"},
		"extension_type":               {iep: "extension_type=new-sdo", rule: "marking-unknown"},
		"start_date":                   {iep: "start_date=2026-02-01T00:00:00Z", rule: "validity-early"},
		"end_date":                     {iep: "end_date=2026-01-05T00:00:00Z", rule: "validity-over"},
		"encrypt_in_transit":           {iep: "encrypt_in_transit=must", rule: "contract-terms"},
		"permitted_actions":            {iep: "permitted_actions=none", rule: "contract-terms"},
		"affected_party_notifications": {iep: "affected_party_notifications=must-not", rule: "contract-terms"},
		"tlp":                          {iep: "tlp=red", rule: "tlp-red-nobody"},
		"provider_attribution":         {iep: "provider_attribution=must", rule: "contract-terms"},
		"unmodified_resale":            {iep: "unmodified_resale=must-not", terms: selling, rule: "contract-terms"},
		// The reference form, fields of version 1 and what comes tomorrow.
		"id_ref":                     {iep: "id_ref=0224bfdf-ea3a-49c3-96f6-66d908bb1845", rule: "marking-unknown"},
		"url":                        {iep: "url=https://terms.example", rule: "marking-unknown"},
		"commercial_use":             {iep: "commercial_use=must-not", rule: "marking-unknown"},
		"encrypt_at_rest":            {iep: "encrypt_at_rest=must", rule: "marking-unknown"},
		"obfuscate_affected_parties": {iep: "obfuscate_affected_parties=must", rule: "marking-unknown"},
	} {
		if f.rule == "marking-unknown" {
			f.says = name
		}
		if got := d.decide(t, f); got.goes() || !cites(got, f.rule, f.says) {
			t.Errorf("%s: %s %v, want %s", name, got.Verdict(), got.Reasons(), f.rule)
		}
	}
	for _, shown := range []string{"name=sample", "description=sample"} {
		if got := d.decide(t, field{iep: shown}); got.Verdict() != federation.Share {
			t.Errorf("%s is for people to see: %s %v", shown, got.Verdict(), got.Reasons())
		}
	}
	s := d.subject(t, "de-cert", indicator(object{"object_marking_refs": []string{iepMarking}}), iep(iepMarking, "external_reference=https://terms.example"))
	if h := s.Handling(); len(h.Statements) != 1 || !strings.Contains(h.Statements[0], "terms.example") {
		t.Errorf("the reference to terms is not carried: %+v", h.Statements)
	}
}

// A special regime is a gate beside the level, on both sides, and nobody here
// lifts it.
func TestCompartments(t *testing.T) {
	d := newDemo(t)
	atomal := handlingOf(object{"scheme": "nato", "classification": "NATO RESTRICTED", "caveats": []string{"atomal"}})
	into := func(words ...string) func(*Agreement) {
		return func(a *Agreement) {
			a.Compartments, a.Classified = words, []string{"nato/NR"}
			a.Accreditation.Ceiling = append(a.Accreditation.Ceiling, "nato/NR")
			a.Consents = append(a.Consents, Consent{By: "NATO", Level: "nato/NR", To: "PL", Reference: "r", Until: date(2027, 1, 1)})
		}
	}
	for _, c := range []struct {
		name  string
		own   []string
		terms func(*Agreement)
		rule  string
	}{
		{"both are read in", []string{"ATOMAL"}, into("ATOMAL"), ""},
		{"the peer is not", []string{"ATOMAL"}, into("BOHEMIA"), "compartment"},
		{"this node is not", nil, into("ATOMAL"), "own-accreditation"},
	} {
		self := *d.de
		self.Accreditation.Ceiling = append([]string{"nato/NR"}, self.Accreditation.Ceiling...)
		self.Compartments = c.own
		a := sampleAgreement(t, "de-cert--pl-cert")
		c.terms(a)
		s := d.subject(t, "de-cert", indicator(atomal))
		got := d.bundle.Decide(s, NewRecipient(&self, a), demoNow)
		if got.goes() != (c.rule == "") || c.rule != "" && !cites(got, c.rule, "") {
			t.Errorf("%s: %s %v", c.name, got.Verdict(), got.Reasons())
		}
		if kept := d.bundle.DecideStore(s, &self, demoNow); kept.goes() != (c.own != nil) {
			t.Errorf("%s: keeping it: %s %v", c.name, kept.Verdict(), kept.Reasons())
		}
	}
}

// Consents are intersected: what several origins classified goes only where
// each of them lets it, and no longer than the first of them does.
func TestConsentsAreIntersected(t *testing.T) {
	d := newDemo(t)
	level := func(scheme, label string) mapping.Level {
		l, _, err := d.bundle.tables.Resolve(scheme, label, demoNow)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	german, french := level("de-vs", "VS-NfD"), level("fr-2021", "SECRET")
	both := mapping.Join(mapping.Handling{TLP: mapping.TLPAmber, Levels: []mapping.Level{german}}, mapping.Handling{Levels: []mapping.Level{french}})
	de := Consent{By: "DE", Level: "de-vs/VS-NfD", To: "PL", Reference: "r", Until: date(2027, 1, 1)}
	fr := Consent{By: "FR", Level: "fr-2021/SECRET", To: "PL", Reference: "r", Until: date(2026, 6, 1)}
	for _, c := range []struct {
		given []Consent
		want  string
		until time.Time
	}{
		{nil, "missing", time.Time{}}, {[]Consent{de}, "missing", time.Time{}}, {[]Consent{fr}, "missing", time.Time{}},
		{[]Consent{de, fr}, "given", fr.Until}, {[]Consent{fr, de}, "given", fr.Until},
	} {
		a := sampleAgreement(t, "de-cert--pl-cert")
		a.Consents = c.given
		self := &Node{ID: "de-cert", Country: "JP"} // nobody's own country
		s := d.subject(t, "at-cert", indicator(nil))
		f := d.bundle.item(s, both, d.bundle.view(NewRecipient(self, a), demoNow), demoNow)
		if f.consent != c.want || !c.until.IsZero() && f.span.to.After(c.until) {
			t.Errorf("%d consents: %s until %s, want %s until %s", len(c.given), f.consent, f.span.to, c.want, c.until)
		}
	}
}
