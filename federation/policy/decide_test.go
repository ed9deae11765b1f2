package policy

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/stix"
	"github.com/entente-relay/entente/mapping"
)

const note = "extensions." + stix.HandlingExtension + ".note"

// border is one crossing to decide on.
type border struct {
	name   string
	issuer string // default de-cert
	from   string // participant it arrived from, if not ours
	to     string // sample agreement: default de-cert--pl-cert
	terms  func(*Agreement)
	object object
	defs   []object
	now    time.Time

	verdict federation.Verdict
	removed []string
	reason  federation.Reason // of the first rule cited
	rule    string
	says    string // a part of its text
}

func (d *demo) cross(t *testing.T, b border) Decision {
	t.Helper()
	name := b.to
	if name == "" {
		name = "de-cert--pl-cert"
	}
	self := d.de
	if strings.HasPrefix(name, "pl-cert--") {
		self = d.pl
	}
	a := sampleAgreement(t, name)
	if b.terms != nil {
		b.terms(a)
	}
	issuer, now := b.issuer, b.now
	if issuer == "" {
		issuer = "de-cert"
	}
	if now.IsZero() {
		now = demoNow
	}
	s := d.subject(t, issuer, indicator(b.object), b.defs...)
	if b.from != "" {
		s = s.Arrived(b.from)
	}
	return d.bundle.Decide(s, NewRecipient(self, a), now)
}

func (b border) check(t *testing.T, d Decision) {
	t.Helper()
	if d.Verdict() != b.verdict {
		t.Errorf("verdict %s, want %s: %v", d.Verdict(), b.verdict, reasonsOf(d))
	}
	if !slices.Equal(paths(d), b.removed) {
		t.Errorf("removed %v, want %v", paths(d), b.removed)
	}
	if b.reason == "" {
		if len(d.Reasons()) > 0 {
			t.Errorf("reasons %v, want none", reasonsOf(d))
		}
		if len(d.Allowed()) == 0 {
			t.Error("nothing is named that allows it")
		}
		return
	}
	rs := d.Reasons()
	if len(rs) == 0 {
		t.Fatal("no reason at all")
	}
	for _, c := range rs {
		if strings.ContainsAny(c.Text, "{}") || strings.Contains(c.Text, "unknown.") || !strings.HasSuffix(c.Text, ".") {
			t.Errorf("not a whole sentence: %q", c.Text)
		}
	}
	c := rs[0]
	if c.Reason != b.reason || c.Rule != b.rule {
		t.Errorf("first reason %s by %s, want %s by %s; all: %v", c.Reason, c.Rule, b.reason, b.rule, reasonsOf(d))
	}
	if !strings.Contains(c.Text, b.says) {
		t.Errorf("%q does not say %q", c.Text, b.says)
	}
	if c.Basis == "" || !strings.Contains(c.Text, "Rule "+c.Rule+", which cites ") {
		t.Errorf("%q does not name rule and basis", c.Text)
	}
}

func TestBorders(t *testing.T) {
	d := newDemo(t)
	classified := handlingOf(object{"origin": "DE", "scheme": "de-vs", "classification": "VS-NfD"})
	victim := handlingOf(object{"personal_data": true, "note": object{"abstract": "phishing", "content": "reported by anna.beispiel@victim.example", "contacts": []string{"anna.beispiel@victim.example"}}})
	for _, b := range []border{
		{name: "green to the community", verdict: federation.Share},
		{name: "clear onward", to: "pl-cert--jp-carrier", object: marked(mapping.TLPClear), verdict: federation.Share},
		{name: "green onward", to: "pl-cert--jp-carrier", verdict: federation.Share},
		{name: "green outside the community", terms: func(a *Agreement) { a.Community = false },
			verdict: federation.Withhold, reason: federation.TLPAudience, rule: "tlp-green-community", says: "pl-cert"},
		{name: "amber to the first organisation", object: marked(mapping.TLPAmber), verdict: federation.Share},
		{name: "amber onward", to: "pl-cert--jp-carrier", from: "de-cert", object: marked(mapping.TLPAmber),
			verdict: federation.Withhold, reason: federation.TLPAudience, rule: "tlp-amber-onward"},
		{name: "amber onward to a client", to: "pl-cert--jp-carrier", from: "de-cert", object: marked(mapping.TLPAmber),
			terms: func(a *Agreement) { a.Clients = []string{"jp-carrier"} }, verdict: federation.Share},
		{name: "amber onward beside a client", to: "pl-cert--jp-carrier", from: "de-cert", object: marked(mapping.TLPAmber),
			terms:   func(a *Agreement) { a.Clients = []string{"jp-bank"} },
			verdict: federation.Withhold, reason: federation.TLPAudience, rule: "tlp-amber-onward"},
		{name: "amber onward to a client of a client", to: "pl-cert--jp-carrier", from: "fr-cert", object: marked(mapping.TLPAmber),
			terms:   func(a *Agreement) { a.Clients = []string{"jp-carrier"} },
			verdict: federation.Withhold, reason: federation.TLPAudience, rule: "tlp-amber-onward"},
		{name: "amber onward, nobody says where from", to: "pl-cert--jp-carrier", object: marked(mapping.TLPAmber),
			terms:   func(a *Agreement) { a.Clients = []string{"jp-carrier"} },
			verdict: federation.Withhold, reason: federation.TLPAudience, rule: "tlp-amber-onward"},
		{name: "strict above the ceiling", object: marked(mapping.TLPAmberStrict),
			verdict: federation.Withhold, reason: federation.OverCeiling, rule: "over-ceiling", says: "TLP:AMBER+STRICT is above TLP:AMBER"},
		{name: "strict under a ceiling that permits it", object: marked(mapping.TLPAmberStrict),
			terms: func(a *Agreement) { a.Ceiling = mapping.TLPAmberStrict }, verdict: federation.Share},
		{name: "strict to a peer of TLP 1.0", object: marked(mapping.TLPAmberStrict),
			terms:   func(a *Agreement) { a.Ceiling, a.TLPVersion = mapping.TLPAmberStrict, "1.0" },
			verdict: federation.Withhold, reason: federation.TLPAudience, rule: "tlp-strict-unsayable", says: "cannot say AMBER+STRICT"},
		{name: "strict onward", to: "pl-cert--jp-carrier", from: "de-cert", object: marked(mapping.TLPAmberStrict),
			terms:   func(a *Agreement) { a.Ceiling, a.Clients = mapping.TLPAmberStrict, []string{"jp-carrier"} },
			verdict: federation.Withhold, reason: federation.TLPAudience, rule: "tlp-strict-ends-here"},
		{name: "red to anybody", object: marked(mapping.TLPRed), terms: func(a *Agreement) { a.Ceiling = mapping.TLPRed },
			verdict: federation.Withhold, reason: federation.TLPAudience, rule: "tlp-red-nobody"},
		{name: "white and red on one object", object: object{"object_marking_refs": []string{tlpID(mapping.TLPClear), tlpID(mapping.TLPRed)}},
			verdict: federation.Withhold, reason: federation.TLPAudience, rule: "tlp-red-nobody", says: "TLP:RED"},
		{name: "a machine tag that is stricter", object: object{"labels": []string{"rsit:phishing", "tlp:red"}},
			verdict: federation.Withhold, reason: federation.TLPAudience, rule: "tlp-red-nobody", says: "TLP:RED"},
		{name: "a machine tag that nobody understands", object: object{"labels": []string{"tlp:ex:chr"}},
			verdict: federation.Hold, reason: federation.UnknownMarking, rule: "marking-unknown"},
		{name: "unmarked", object: object{"object_marking_refs": nil},
			verdict: federation.Hold, reason: federation.Unmarked, rule: "marking-missing"},
		{name: "a marking from nowhere", object: object{"object_marking_refs": []string{tlpID(mapping.TLPClear), "marking-definition--11111111-1111-4111-8111-111111111111"}},
			verdict: federation.Hold, reason: federation.UnknownMarking, rule: "marking-unknown", says: "11111111-1111-4111-8111-111111111111"},
		{name: "no agreement in force any more", now: date(2029, 1, 1),
			verdict: federation.Withhold, reason: federation.NoAgreement, rule: "agreement-in-force", says: "ended on 2029-01-01"},
		{name: "no agreement in force yet", now: date(2025, 12, 31),
			verdict: federation.Withhold, reason: federation.NoAgreement, rule: "agreement-in-force", says: "begins on 2026-01-01"},
		{name: "another node's copy of the terms", terms: func(a *Agreement) { a.Node = "fr-cert" },
			verdict: federation.Withhold, reason: federation.NoAgreement, rule: "agreement-in-force", says: "No agreement with pl-cert"},

		{name: "VS-NfD to an accredited peer", object: classified, verdict: federation.Share},
		{name: "VS-NfD above what is agreed", object: classified, terms: func(a *Agreement) { a.Classified = nil },
			verdict: federation.Withhold, reason: federation.OverCeiling, rule: "level-not-agreed", says: "VS-NfD"},
		{name: "a level above the accreditation", object: handlingOf(object{"origin": "DE", "scheme": "de-vs", "classification": "VS-VERTRAULICH"}),
			verdict: federation.Withhold, reason: federation.OverCeiling, rule: "level-not-agreed", says: "VS-VERTRAULICH"},
		{name: "VS-NfD to a peer whose accreditation ended", object: classified, terms: func(a *Agreement) { a.Accreditation.Until = date(2026, 1, 1) },
			verdict: federation.Withhold, reason: federation.NotAccredited, rule: "peer-accreditation", says: "has ended"},
		{name: "VS-NfD to a peer whose accreditation has no end", object: classified, terms: func(a *Agreement) { a.Accreditation.Until = time.Time{} },
			verdict: federation.Withhold, reason: federation.NotAccredited, rule: "peer-accreditation", says: "not known"},
		{name: "VS-NfD under terms that accept what does not exist", object: classified,
			terms:   func(a *Agreement) { a.Country, a.Scheme, a.Accept = "CZ", "cz-412-2005", []string{"no-such-row"} },
			verdict: federation.Withhold, reason: federation.UnknownMarking, rule: "equivalent-unknown", says: "no-such-row"},
		{name: "VS-NfD where the table row is not accepted", object: classified, terms: func(a *Agreement) { a.Accept = nil },
			verdict: federation.Withhold, reason: federation.NotAccredited, rule: "peer-accreditation"},
		{name: "VS-NfD onward without consent", to: "pl-cert--jp-carrier", from: "de-cert", object: classified,
			verdict: federation.Withhold, reason: federation.NotReleasable, rule: "originator-consent", says: "DE has not consented to VS-NfD going to jp-carrier (JP)"},
		{name: "clear on classified material", object: merged(classified, marked(mapping.TLPClear)),
			verdict: federation.Hold, reason: federation.UnknownMarking, rule: "marking-contradiction", says: "TLP:CLEAR"},
		{name: "a word the scheme does not know", object: handlingOf(object{"scheme": "de-vs", "classification": "GANZ GEHEIM"}),
			verdict: federation.Hold, reason: federation.UnknownMarking, rule: "marking-unknown", says: "GANZ GEHEIM"},
		{name: "a scheme of another country", object: handlingOf(object{"origin": "FR", "scheme": "de-vs", "classification": "VS-NfD"}),
			verdict: federation.Hold, reason: federation.UnknownMarking, rule: "marking-unknown", says: "FR"},
		{name: "the word for not classified", object: handlingOf(object{"origin": "DE", "scheme": "de-vs", "classification": "OFFEN"}), verdict: federation.Share},
		{name: "a release list with the peer", object: handlingOf(object{"releasable_to": []string{"PL", "FR"}}), verdict: federation.Share},
		{name: "a release list of a region", object: handlingOf(object{"releasable_to": []string{"EU"}}), verdict: federation.Share},
		{name: "a release list without the peer", object: handlingOf(object{"releasable_to": []string{"FR"}}),
			verdict: federation.Withhold, reason: federation.NotReleasable, rule: "release-list", says: "pl-cert in PL"},
		{name: "a caveat that is a release list", object: handlingOf(object{"caveats": []string{"REL TO USA, GBR"}}),
			verdict: federation.Withhold, reason: federation.NotReleasable, rule: "release-list", says: "GB, US"},
		{name: "a caveat only people can apply", object: handlingOf(object{"caveats": []string{"ORCON"}}),
			verdict: federation.Hold, reason: federation.NotReleasable, rule: "caveat-for-people", says: "ORCON"},

		{name: "residency inside", object: handlingOf(object{"residency": []string{"EU"}}), verdict: federation.Share},
		{name: "residency outside", to: "pl-cert--jp-carrier", object: handlingOf(object{"residency": []string{"EEA", "CH"}}),
			verdict: federation.Withhold, reason: federation.Residency, rule: "residency-recipient", says: "EEA only, and with jp-carrier"},
		{name: "residency and a store elsewhere", object: handlingOf(object{"residency": []string{"EU"}}), terms: func(a *Agreement) { a.Storage = []string{"US"} },
			verdict: federation.Withhold, reason: federation.Residency, rule: "residency-recipient", says: "PL, US"},
		{name: "residency and a way through elsewhere", object: handlingOf(object{"residency": []string{"EU"}}), terms: func(a *Agreement) { a.Transit = []string{"CH"} },
			verdict: federation.Withhold, reason: federation.Residency, rule: "residency-recipient", says: "CH, PL"},
		{name: "a place nobody knows", object: handlingOf(object{"residency": []string{"EUROPE"}}),
			verdict: federation.Withhold, reason: federation.Residency, rule: "residency-recipient"},

		{name: "purposes that fit", object: handlingOf(object{"purpose": []string{"network-security"}}), verdict: federation.Share},
		{name: "purposes that do not", object: handlingOf(object{"purpose": []string{"research"}}),
			verdict: federation.Withhold, reason: federation.Purpose, rule: "purpose-limit", says: "research only"},
		{name: "a contract", object: handlingOf(object{"contract": "feed-terms-7"}),
			verdict: federation.Withhold, reason: federation.Contract, rule: "contract-terms", says: "feed-terms-7"},
		{name: "a contract with the same terms", object: handlingOf(object{"contract": "feed-terms-7"}), terms: func(a *Agreement) { a.Contracts, a.Resale = []string{"feed-terms-7"}, "forbidden" },
			verdict: federation.Share},

		{name: "a victim's address inside the EEA", object: victim, verdict: federation.Share},
		{name: "a victim's address to a covered business operator", to: "pl-cert--jp-carrier", object: victim, verdict: federation.Share},
		{name: "a note marked red", object: merged(victim, object{"granular_markings": []object{{"marking_ref": tlpID(mapping.TLPRed), "selectors": []string{note}}}}),
			verdict: federation.Redact, removed: []string{note}, reason: federation.TLPAudience, rule: "tlp-red-nobody"},
		{name: "a red pattern", object: object{"granular_markings": []object{{"marking_ref": tlpID(mapping.TLPRed), "selectors": []string{"pattern"}}}},
			verdict: federation.Withhold, reason: federation.TLPAudience, rule: "tlp-red-nobody"},
		{name: "a red part of a list that is one unit", object: object{"indicator_types": []string{"malicious-activity", "anonymization"},
			"granular_markings": []object{{"marking_ref": tlpID(mapping.TLPRed), "selectors": []string{"indicator_types.[1]"}}}},
			verdict: federation.Redact, removed: []string{"indicator_types"}, reason: federation.TLPAudience, rule: "tlp-red-nobody"},
		{name: "a granular marking from nowhere", object: object{"granular_markings": []object{{"marking_ref": "marking-definition--11111111-1111-4111-8111-111111111111", "selectors": []string{"name"}}}},
			verdict: federation.Hold, reason: federation.UnknownMarking, rule: "marking-unknown"},
		{name: "a language is no marking", object: object{"granular_markings": []object{{"lang": "de", "selectors": []string{"name"}}}}, verdict: federation.Share},
	} {
		t.Run(b.name, func(t *testing.T) { b.check(t, d.cross(t, b)) })
	}
}

// What went through once must be stopped by law, not by chance: the ministry
// gets the same object without what is personal in it, and is told only that
// it was for privacy.
func TestMinistryGetsNoPersonalData(t *testing.T) {
	d := newDemo(t)
	b := border{to: "pl-cert--jp-ministry", from: "de-cert", object: handlingOf(object{
		"personal_data": true, "note": object{"abstract": "phishing", "content": "reported by anna.beispiel@victim.example"}})}
	got := d.cross(t, b)
	if v := got.Verdict(); v != federation.Redact && v != federation.Withhold {
		t.Fatalf("verdict %s: %v", v, reasonsOf(got))
	}
	c := got.Reasons()[0]
	if c.Reason != federation.PersonalData || c.Rule != "gdpr-adequacy" || c.Class != ClassPrivacy {
		t.Errorf("first reason %+v", c)
	}
	if !strings.Contains(c.Text, "business-operator only, not authority") {
		t.Errorf("%q does not say why a ministry is not covered", c.Text)
	}
	for _, r := range got.Removed() {
		if r.Class != ClassPrivacy {
			t.Errorf("%s is removed as %s", r.Path, r.Class)
		}
	}
}

func TestConsentOpensTheWay(t *testing.T) {
	d := newDemo(t)
	classified := handlingOf(object{"origin": "DE", "scheme": "de-vs", "classification": "VS-NfD"})
	third := func(consent ...Consent) func(*Agreement) {
		return func(a *Agreement) { // back to PL's own neighbour: a peer in AT that marks in its own scheme
			*a = *sampleAgreement(t, "de-cert--pl-cert")
			a.Node, a.Peer, a.Country, a.Scheme, a.Accept = "pl-cert", "at-cert", "AT", "at-infosiv", []string{"eu-2013-488-app-b-2021/AT"}
			a.Accreditation.Ceiling = []string{"at-infosiv/E"}
			a.Consents = consent
		}
	}
	given := Consent{By: "DE", Level: "de-vs/VS-NfD", To: "AT", Reference: "letter 7", NotBefore: date(2026, 1, 1), Until: date(2026, 2, 1)}
	other := given
	other.To = "FR"
	low := given
	low.By = "PL"
	later := given
	later.NotBefore = date(2026, 1, 10)
	for _, c := range []struct {
		name    string
		consent []Consent
		now     time.Time
		verdict federation.Verdict
		says    string
	}{
		{"none", nil, demoNow, federation.Hold, "DE has not consented to VS-NfD going to at-cert (AT)"},
		{"given", []Consent{given}, demoNow, federation.Share, ""},
		{"for another country", []Consent{other}, demoNow, federation.Hold, "has not consented"},
		{"by one who may not", []Consent{low}, demoNow, federation.Hold, "has not consented"},
		{"ended", []Consent{given}, date(2026, 2, 1), federation.Hold, "DE no longer consents"},
		{"not begun", []Consent{later}, demoNow, federation.Hold, "DE has not consented"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := d.cross(t, border{to: "pl-cert--jp-carrier", from: "de-cert", terms: third(c.consent...), object: classified, now: c.now})
			if got.Verdict() != c.verdict {
				t.Fatalf("verdict %s: %v", got.Verdict(), got.Reasons())
			}
			if c.says != "" && !strings.Contains(got.Reasons()[0].Text, c.says) {
				t.Errorf("%q does not say %q", got.Reasons()[0].Text, c.says)
			}
			if c.name == "given" && !got.Until().Equal(given.Until) {
				t.Errorf("until %s, want the consent's end", got.Until())
			}
		})
	}
}

// The marking is shown as written and as the receiver would write it.
func TestMarkingBeforeAndAfter(t *testing.T) {
	d := newDemo(t)
	got := d.cross(t, border{object: merged(handlingOf(object{"origin": "DE", "scheme": "de-vs", "classification": "VS-NfD"}), marked(mapping.TLPAmber))})
	if got.From() != "TLP:AMBER, VS-NfD (DE)" || got.To() != "TLP:AMBER, ZASTRZEŻONE (PL)" {
		t.Errorf("from %q to %q", got.From(), got.To())
	}
	old := d.cross(t, border{object: marked(mapping.TLPClear), terms: func(a *Agreement) { a.TLPVersion = "1.0" }})
	if old.From() != "TLP:CLEAR" || old.To() != "TLP:WHITE" {
		t.Errorf("from %q to %q", old.From(), old.To())
	}
}

func TestStore(t *testing.T) {
	d := newDemo(t)
	bare := &Node{ID: "fr-cert", Country: "FR"}
	abroad := &Node{ID: "fr-cert", Country: "FR", Storage: []string{"US"}}
	for _, c := range []struct {
		name    string
		at      *Node
		object  object
		verdict federation.Verdict
		reason  federation.Reason
	}{
		{"unclassified", bare, nil, federation.Share, ""},
		{"red may be kept", bare, marked(mapping.TLPRed), federation.Share, ""},
		{"unmarked", bare, object{"object_marking_refs": nil}, federation.Hold, federation.Unmarked},
		{"classified, not accredited", bare, handlingOf(object{"scheme": "fr-2021", "classification": "SECRET"}), federation.Withhold, federation.NotAccredited},
		{"classified, accredited", d.pl, handlingOf(object{"scheme": "de-vs", "classification": "VS-NfD"}), federation.Share, ""},
		{"above the accreditation", d.pl, handlingOf(object{"scheme": "de-vs", "classification": "GEHEIM"}), federation.Withhold, federation.NotAccredited},
		{"residency here", bare, handlingOf(object{"residency": []string{"EU"}}), federation.Share, ""},
		{"residency elsewhere", bare, handlingOf(object{"residency": []string{"DE"}}), federation.Withhold, federation.Residency},
		{"a store elsewhere", abroad, handlingOf(object{"residency": []string{"EU"}}), federation.Withhold, federation.Residency},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := d.subject(t, "de-cert", indicator(c.object))
			for _, got := range []Decision{d.bundle.DecideStore(s, c.at, demoNow), d.bundle.DecideTransit(s, c.at, demoNow)} {
				if got.Verdict() != c.verdict {
					t.Fatalf("verdict %s: %v", got.Verdict(), reasonsOf(got))
				}
				if c.reason != "" && got.Reasons()[0].Reason != c.reason {
					t.Errorf("reasons %v, want %s", reasonsOf(got), c.reason)
				}
			}
		})
	}
}

// A selector that points at nothing is the origin's mistake at its own border,
// and a relay's redaction beyond it.
func TestDanglingSelector(t *testing.T) {
	d := newDemo(t)
	o := object{"granular_markings": []object{{"marking_ref": tlpID(mapping.TLPRed), "selectors": []string{note}}}}
	got := d.cross(t, border{object: o})
	if got.Verdict() != federation.Hold || got.Reasons()[0].Rule != "marking-unresolved" {
		t.Errorf("ours: %s %v", got.Verdict(), reasonsOf(got))
	}
	if kept := d.bundle.DecideStore(d.subject(t, "de-cert", indicator(o)), d.de, demoNow); kept.Verdict() != federation.Hold {
		t.Errorf("ours, to keep: %s", kept.Verdict())
	}
	got = d.cross(t, border{object: o, to: "pl-cert--jp-carrier", from: "de-cert"})
	if got.Verdict() != federation.Share {
		t.Errorf("another's: %s %v", got.Verdict(), reasonsOf(got))
	}
}

func TestTranslate(t *testing.T) {
	d := newDemo(t)
	a := sampleAgreement(t, "de-cert--pl-cert")
	a.Peer, a.Kind = "translation-service", "vendor"
	service := NewRecipient(d.de, a)
	got := d.bundle.DecideTranslate(d.subject(t, "de-cert", indicator(nil)), service, demoNow)
	if slices.Contains(paths(got), "description") || !slices.Contains(paths(got), "pattern") {
		t.Errorf("only free text may be translated; not translated: %v", paths(got))
	}
	for name, o := range map[string]object{
		"amber":   marked(mapping.TLPAmber),
		"pap":     {"object_marking_refs": []string{tlpID(mapping.TLPGreen), "marking-definition--60f8932b-e51e-4458-b265-a2e8be9a80ab"}},
		"a phone": {"description": "call anna.beispiel@victim.example"},
	} {
		got := d.bundle.DecideTranslate(d.subject(t, "de-cert", indicator(o)), service, demoNow)
		if !slices.Contains(paths(got), "description") {
			t.Errorf("%s: the description goes to a service: %s %v", name, got.Verdict(), reasonsOf(got))
		}
	}
	// PAP limits use, not who may have it.
	if got := d.cross(t, border{object: object{"object_marking_refs": []string{tlpID(mapping.TLPGreen), "marking-definition--740d36e5-7714-4c30-961a-3ae632ceee0e"}}}); got.Verdict() != federation.Share || got.To() != "TLP:GREEN, PAP:RED" {
		t.Errorf("PAP:RED: %s, shown as %q", got.Verdict(), got.To())
	}
}

// A rule about passing on alone binds what another issued, not our own.
func TestReshareIsAskedBeyondTheIssuer(t *testing.T) {
	d := newDemo(t)
	rule := ruleText(`forbid (principal, action == Action::"reshare", resource)`, `when { principal.kind == "business-operator" }`, nil)
	examples := `version: 1
rules:
  - rule: own-rule
    allow: [{}]
    deny: [{set: {principal.kind: business-operator}}]
    missing: [{drop: [principal.kind]}]
    unknown: [{set: {principal.kind: business-operator, principal.agreement: none}}]
`
	b, err := load(t, d.tables, map[string]string{"own.cedar": rule, "own.examples.yaml": examples}, nil, Options{})
	if err != nil {
		t.Fatal(err)
	}
	to := NewRecipient(d.pl, sampleAgreement(t, "pl-cert--jp-carrier"))
	if got := b.Decide(d.subject(t, "pl-cert", indicator(nil)), to, demoNow); got.Verdict() != federation.Share {
		t.Errorf("our own: %s %v", got.Verdict(), reasonsOf(got))
	}
	if got := b.Decide(d.subject(t, "de-cert", indicator(nil)), to, demoNow); got.Verdict() != federation.Withhold || got.Reasons()[0].Rule != "own-rule" {
		t.Errorf("another's: %s %v", got.Verdict(), reasonsOf(got))
	}
}

// A ceiling, an agreement and a consent reach up to their level and no
// further, whether named in the origin's scheme or in the peer's.
func TestLevelsReachNoFurther(t *testing.T) {
	d := newDemo(t)
	self := *d.de
	self.Accreditation.Ceiling = []string{"de-vs/STRENG GEHEIM"}
	for _, c := range []struct {
		level  string
		change func(*Agreement)
		rule   string // that stops it, "" for none
	}{
		{"VS-NfD", func(a *Agreement) {}, ""},
		{"VS-VERTRAULICH", func(a *Agreement) { a.Classified = []string{"de-vs/STRENG GEHEIM"} }, "peer-accreditation"},
		{"VS-VERTRAULICH", func(a *Agreement) { a.Accreditation.Ceiling = []string{"pl-national/TAJNE"} }, "level-not-agreed"},
		{"VS-VERTRAULICH", func(a *Agreement) {
			a.Classified, a.Accreditation.Ceiling = []string{"pl-national/ZASTRZEŻONE"}, []string{"pl-national/TAJNE"}
		}, "level-not-agreed"},
		{"VS-VERTRAULICH", func(a *Agreement) {
			a.Classified, a.Accreditation.Ceiling = []string{"pl-national/POUFNE"}, []string{"pl-national/POUFNE"}
		}, ""},
	} {
		a := sampleAgreement(t, "de-cert--pl-cert")
		c.change(a)
		s := d.subject(t, "de-cert", indicator(handlingOf(object{"scheme": "de-vs", "classification": c.level})))
		got := d.bundle.Decide(s, NewRecipient(&self, a), demoNow)
		switch {
		case c.rule == "" && !got.goes():
			t.Errorf("%s is stopped: %v", c.level, reasonsOf(got))
		case c.rule != "" && (got.goes() || len(got.Reasons()) != 1 || got.Reasons()[0].Rule != c.rule):
			t.Errorf("%s: %s %v, want %s alone", c.level, got.Verdict(), reasonsOf(got), c.rule)
		}
	}
	a := sampleAgreement(t, "de-cert--pl-cert")
	a.Consents = []Consent{{By: "FR", Level: "fr-2021/DIFFUSION RESTREINTE", To: "PL", Reference: "r", Until: date(2027, 1, 1)}}
	for level, want := range map[string]string{"DIFFUSION RESTREINTE": "given", "SECRET": "missing"} {
		s := d.subject(t, "de-cert", indicator(handlingOf(object{"scheme": "fr-2021", "classification": level})))
		v := d.bundle.view(NewRecipient(d.de, a), demoNow)
		if f := d.bundle.item(s, s.handling, v, demoNow); f.consent != want {
			t.Errorf("consent to DIFFUSION RESTREINTE, for %s: %s, want %s", level, f.consent, want)
		}
	}
}

// Two questions about one object, or one object of two issuers, are two
// entries of the cache.
func TestCacheKeepsQuestionsApart(t *testing.T) {
	d := newDemo(t)
	to := NewRecipient(d.de, sampleAgreement(t, "de-cert--pl-cert"))
	s := d.subject(t, "de-cert", indicator(marked(mapping.TLPAmber)))
	for range 2 {
		if got := d.bundle.Decide(s, to, demoNow); got.Verdict() != federation.Share {
			t.Errorf("to send: %s", got.Verdict())
		}
		if got := d.bundle.DecideTranslate(s, to, demoNow); got.Verdict() == federation.Share {
			t.Error("to translate: everything")
		}
		if got := d.bundle.Decide(d.subject(t, "fr-cert", indicator(marked(mapping.TLPAmber))), to, demoNow); got.goes() {
			t.Error("another's: it goes as our own would")
		}
	}
}
