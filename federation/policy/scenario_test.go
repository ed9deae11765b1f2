package policy

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/entente-relay/entente/federation"
)

// scene is one property on its way from a node in one country to a recipient
// in another, with every rule reviewed unless it says otherwise.
type scene struct {
	from string // "DE authority", "US business-operator telecom provider"
	to   string // "PL authority"
	what string // "personal", "personal?" for a guess
	more func(*Agreement, *itemFacts)
	at   time.Time

	want   string // allow, withhold, hold
	reason federation.Reason
	rule   string // that is named first, or for allow one that is relied upon
	claims string
}

// reviewedAll reviews every rule that needs it, long ago.
func reviewedAll(t testing.TB, d *demo) *Bundle {
	t.Helper()
	bare, err := load(t, d.tables, nil, nil, Options{})
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]Review{}
	for _, r := range bare.Rules() {
		if r.NeedsReview {
			all[r.ID] = Review{By: "counsel (sample)", On: date(2020, 1, 1)}
		}
	}
	b, err := load(t, d.tables, nil, nil, Options{Reviewed: all})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// node reads "US business-operator telecom provider".
func (s scene) node() *Node {
	w := strings.Fields(s.from)
	n := &Node{ID: "x-sender", Country: w[0]}
	if len(w) > 1 {
		n.Kind = w[1]
	}
	if len(w) > 2 {
		n.Sector = w[2]
	}
	n.PublicProvider = slices.Contains(w, "provider")
	return n
}

// play asks about the scene.
func (s scene) play(t *testing.T, d *demo, b *Bundle) *answer {
	t.Helper()
	at := s.at
	if at.IsZero() {
		at = demoNow
	}
	country, kind, _ := strings.Cut(s.to, " ")
	a := SampleAgreement(country)
	a.Kind, a.Resale, a.FOI = kind, "forbidden", "exempt"
	a.Data = []string{"technical", "context", "free-text"}
	word, unsure := strings.CutSuffix(s.what, "?")
	f := &itemFacts{} // what of the item's facts is set
	if s.more != nil {
		s.more(a, f)
	}
	v := b.view(NewRecipient(s.node(), a), at)
	o := d.subject(t, "x-sender", indicator(nil))
	item := b.item(o, o.handling, v, at).of(federation.Category(word), unsure)
	item.holds, item.aggregate = f.holds, f.aggregate
	for _, w := range [...]struct{ to, from *string }{
		{&item.victim, &f.victim}, {&item.victimConsent, &f.victimConsent}, {&item.victimContract, &f.victimContract},
		{&item.impact, &f.impact}, {&item.typ, &f.typ}, {&item.tlp, &f.tlp}, {&item.release, &f.release},
	} {
		if *w.from != "" {
			*w.to = *w.from
		}
	}
	action := actionDisclose
	if word == "object" {
		action = actionShare
	}
	return b.ask(action, v, item, at, "")
}

func (s scene) check(t *testing.T, got *answer) {
	t.Helper()
	var said []string
	for _, c := range got.cited {
		said = append(said, string(c.Reason)+" by "+c.Rule)
		if strings.ContainsAny(c.Text, "{}") || c.Basis == "" {
			t.Errorf("%s: %q is no whole sentence", c.Rule, c.Text)
		}
	}
	if s.want == "allow" {
		i := slices.IndexFunc(got.cited, func(c Cited) bool { return c.Rule == s.rule })
		switch {
		case !got.allow:
			t.Errorf("denied: %v", said)
		case i < 0:
			t.Errorf("allowed by %v, want %s", said, s.rule)
		case got.cited[i].Claims != s.claims:
			t.Errorf("%s claims %q, want %q", s.rule, got.cited[i].Claims, s.claims)
		}
		return
	}
	if got.allow {
		t.Fatalf("allowed by %v", said)
	}
	if v := string(verdictOf(got.cited)); v != s.want {
		t.Errorf("verdict %s, want %s: %v", v, s.want, said)
	}
	if c := got.cited[0]; c.Rule != s.rule || c.Reason != s.reason {
		t.Errorf("first %s by %s, want %s by %s; all: %v", c.Reason, c.Rule, s.reason, s.rule, said)
	}
}

func playAll(t *testing.T, scenes []scene) {
	t.Helper()
	d := newDemo(t)
	b := reviewedAll(t, d)
	for i, s := range scenes {
		t.Run(fmt.Sprintf("%d %s to %s %s", i, s.from, s.to, s.what), func(t *testing.T) { s.check(t, s.play(t, d, b)) })
	}
}

// terms adds categories of data to the agreement.
func terms(data ...string) func(*Agreement, *itemFacts) {
	return func(a *Agreement, _ *itemFacts) { a.Data = append(a.Data, data...) }
}

// both joins changes.
func both(list ...func(*Agreement, *itemFacts)) func(*Agreement, *itemFacts) {
	return func(a *Agreement, f *itemFacts) {
		for _, change := range list {
			change(a, f)
		}
	}
}

func certified(scheme string) func(*Agreement, *itemFacts) {
	return func(a *Agreement, _ *itemFacts) { a.Certifications = []string{scheme} }
}

func purposes(list ...string) func(*Agreement, *itemFacts) {
	return func(a *Agreement, _ *itemFacts) { a.Purposes = list }
}

func facts(change func(*itemFacts)) func(*Agreement, *itemFacts) {
	return func(_ *Agreement, f *itemFacts) { change(f) }
}

func holds(words ...string) func(*Agreement, *itemFacts) {
	return facts(func(f *itemFacts) { f.holds = words })
}

const (
	withhold, hold, allow = "withhold", "hold", "allow"
	carrier               = " business-operator telecom provider"
)

func TestScenariosEU(t *testing.T) {
	personal := terms("personal")
	playAll(t, []scene{
		{from: "DE authority", to: "PL authority", what: "technical", want: allow, rule: "technical-data"},
		{from: "DE authority", to: "PL authority", what: "context", want: allow, rule: "context-data"},
		{from: "DE authority", to: "PL authority", what: "personal", more: personal, want: allow, rule: "gdpr-eea"},
		{from: "DE authority", to: "NO business-operator", what: "personal", more: personal, want: allow, rule: "gdpr-eea"},
		{from: "DE business-operator", to: "PL authority", what: "personal", more: personal, want: allow, rule: "gdpr-operator"},
		{from: "DE", to: "PL authority", what: "personal", more: personal, want: withhold, reason: federation.PersonalData, rule: "gdpr-adequacy"},
		{from: "DE law-enforcement", to: "PL authority", what: "personal", more: personal, want: withhold, reason: federation.PersonalData, rule: "gdpr-adequacy"},
		{from: "DE authority", to: "PL law-enforcement", what: "personal", more: personal, want: withhold, reason: federation.PersonalData, rule: "gdpr-adequacy"},
		{from: "DE authority", to: "PL authority", what: "personal", want: withhold, reason: federation.PersonalData, rule: "gdpr-adequacy"},
		{from: "DE authority", to: "PL authority", what: "personal", more: both(personal, purposes("marketing")), want: withhold, reason: federation.PersonalData, rule: "gdpr-adequacy"},
		// Chapter V: country, kind and certification.
		{from: "DE authority", to: "JP business-operator", what: "personal", more: personal, want: allow, rule: "gdpr-adequacy"},
		{from: "DE authority", to: "JP authority", what: "personal", more: personal, want: withhold, reason: federation.PersonalData, rule: "gdpr-adequacy"},
		{from: "DE business-operator", to: "KR business-operator", what: "personal", more: personal, want: allow, rule: "gdpr-operator"},
		{from: "DE authority", to: "US business-operator", what: "personal", more: personal, want: withhold, reason: federation.PersonalData, rule: "gdpr-adequacy"},
		{from: "DE authority", to: "US business-operator", what: "personal", more: both(personal, certified("eu-us-dpf")), want: allow, rule: "gdpr-adequacy"},
		{from: "DE authority", to: "US authority", what: "personal", more: both(personal, certified("eu-us-dpf")), want: withhold, reason: federation.PersonalData, rule: "gdpr-adequacy"},
		{from: "DE authority", to: "US business-operator", what: "personal", more: both(personal, certified("eu-us-dpf")), at: date(2023, 7, 9), want: withhold, reason: federation.PersonalData, rule: "gdpr-adequacy"},
		{from: "DE authority", to: "GB authority", what: "personal", more: personal, at: date(2031, 12, 26), want: allow, rule: "gdpr-adequacy"},
		{from: "DE authority", to: "GB authority", what: "personal", more: personal, at: date(2031, 12, 27), want: withhold, reason: federation.PersonalData, rule: "gdpr-adequacy"},
		{from: "DE authority", to: "IN authority", what: "personal", more: personal, want: withhold, reason: federation.PersonalData, rule: "gdpr-adequacy"},
		// Health, national ids, subscribers.
		{from: "DE authority", to: "PL authority", what: "personal", more: both(personal, holds("health")), want: withhold, reason: federation.PersonalData, rule: "gdpr-special-categories"},
		{from: "US authority", to: "DE authority", what: "context", more: holds("health"), want: withhold, reason: federation.PersonalData, rule: "gdpr-special-categories"},
		{from: "DE authority", to: "PL authority", what: "personal", more: both(personal, holds("national-id")), want: withhold, reason: federation.PersonalData, rule: "gdpr-national-ids"},
		{from: "DE" + carrier, to: "PL authority", what: "subscriber", more: both(terms("subscriber"), facts(func(f *itemFacts) { f.impact = "high" })), want: allow, rule: "subscriber-records"},
		{from: "DE" + carrier, to: "PL authority", what: "subscriber", more: both(terms("subscriber"), facts(func(f *itemFacts) { f.impact = "low" })), want: withhold, reason: federation.PersonalData, rule: "impact-low-subscribers"},
		{from: "DE" + carrier, to: "PL business-operator", what: "subscriber", more: terms("subscriber"), want: withhold, reason: federation.PersonalData, rule: "subscriber-records"},
		// NIS2 arrangements join by group, not by wish.
		{from: "DE business-operator", to: "PL business-operator", what: "target", more: func(a *Agreement, _ *itemFacts) { a.Groups = []string{"energy"} }, want: allow, rule: "nis2-arrangement"},
		{from: "DE business-operator", to: "PL business-operator", what: "target", want: withhold, reason: federation.Purpose, rule: "target-data"},
		{from: "DE business-operator", to: "CH business-operator", what: "target", more: func(a *Agreement, _ *itemFacts) { a.Groups = []string{"energy"} }, want: withhold, reason: federation.Purpose, rule: "target-data"},
		// Prices among competitors.
		{from: "DE business-operator", to: "PL business-operator", what: "commercial", more: terms("commercial"), want: withhold, reason: federation.Contract, rule: "eu-antitrust"},
		{from: "DE business-operator", to: "PL business-operator", what: "technical", want: allow, rule: "technical-data"},
	})
}

func TestScenariosUS(t *testing.T) {
	personal, subscriber := terms("personal"), terms("subscriber")
	count := facts(func(f *itemFacts) { f.aggregate = true })
	lapsed, inForce, unknown := date(2026, 2, 1), date(2026, 3, 1), date(2026, 10, 1)
	playAll(t, []scene{
		// Always scrubbed, claimed only while in force and inside.
		{from: "US business-operator", to: "US authority", what: "personal", more: personal, at: inForce, want: withhold, reason: federation.PersonalData, rule: "us-scrub"},
		{from: "US business-operator", to: "US authority", what: "personal", more: personal, at: lapsed, want: withhold, reason: federation.PersonalData, rule: "us-scrub"},
		{from: "US business-operator", to: "JP business-operator", what: "personal", more: personal, at: unknown, want: withhold, reason: federation.PersonalData, rule: "us-scrub"},
		{from: "US business-operator", to: "US authority", what: "personal?", more: personal, at: inForce, want: allow, rule: "us-not-known-personal", claims: "us-cisa-2015"},
		{from: "US business-operator", to: "US authority", what: "personal?", more: personal, at: lapsed, want: allow, rule: "us-not-known-personal"},
		{from: "US business-operator", to: "US authority", what: "technical", at: inForce, want: allow, rule: "us-cisa-indicators", claims: "us-cisa-2015"},
		{from: "US business-operator", to: "US business-operator", what: "technical", at: inForce, want: allow, rule: "us-cisa-indicators", claims: "us-cisa-2015"},
		{from: "US business-operator", to: "US authority", what: "technical", at: lapsed, want: allow, rule: "technical-data"},
		{from: "US business-operator", to: "US authority", what: "technical", at: unknown, want: allow, rule: "technical-data"},
		{from: "US business-operator", to: "DE authority", what: "technical", at: inForce, want: allow, rule: "technical-data"},
		// 18 USC 2702.
		{from: "US" + carrier, to: "US authority", what: "subscriber", more: subscriber, want: withhold, reason: federation.PersonalData, rule: "us-records-to-government"},
		{from: "US" + carrier, to: "US law-enforcement", what: "context", more: holds("call-record"), want: withhold, reason: federation.PersonalData, rule: "us-records-to-government"},
		{from: "US" + carrier, to: "US authority", what: "subscriber", more: both(subscriber, count), want: allow, rule: "us-aggregate"},
		{from: "US" + carrier, to: "DE authority", what: "subscriber", more: both(subscriber, facts(func(f *itemFacts) { f.impact = "high" })), want: hold, reason: federation.HeldForPerson, rule: "us-records-to-foreign-government"},
		{from: "US" + carrier, to: "DE authority", what: "subscriber", more: both(subscriber, count), want: allow, rule: "us-aggregate"},
		{from: "US vendor software", to: "DE authority", what: "subscriber", more: both(subscriber, facts(func(f *itemFacts) { f.impact = "high" })), want: allow, rule: "us-records-abroad"},
		{from: "US" + carrier, to: "DE business-operator", what: "free-text", more: facts(func(f *itemFacts) { f.typ = "email-message" }), want: withhold, reason: federation.PersonalData, rule: "us-content"},
		{from: "US vendor software", to: "DE business-operator", what: "free-text", more: facts(func(f *itemFacts) { f.typ = "email-message" }), want: allow, rule: "free-text-data"},
		// A node that does not say what it is counts as a provider.
		{from: "US", to: "US authority", what: "subscriber", more: subscriber, want: withhold, reason: federation.PersonalData, rule: "us-records-to-government"},
		// 47 USC 222.
		{from: "US" + carrier, to: "US business-operator", what: "subscriber", more: both(subscriber, purposes("fraud-prevention")), want: allow, rule: "us-cpni-protection"},
		{from: "US" + carrier, to: "US business-operator", what: "subscriber", more: both(subscriber, purposes("fraud-prevention", "marketing")), want: withhold, reason: federation.PersonalData, rule: "us-cpni"},
		{from: "US" + carrier, to: "US business-operator", what: "subscriber", more: both(subscriber, count, purposes("research")), want: allow, rule: "us-aggregate"},
		{from: "US" + carrier, to: "US business-operator", what: "technical", more: purposes("research"), want: allow, rule: "technical-data"},
		// Competition, countries of concern.
		{from: "US business-operator", to: "US business-operator", what: "technical", want: allow, rule: "technical-data"},
		{from: "US business-operator", to: "US business-operator", what: "commercial", more: terms("commercial"), want: withhold, reason: federation.Contract, rule: "us-antitrust"},
		{from: "US business-operator", to: "US business-operator", what: "context", more: holds("price"), want: withhold, reason: federation.Contract, rule: "us-antitrust"},
		{from: "US business-operator", to: "US authority", what: "commercial", more: terms("commercial"), want: allow, rule: "commercial-data"},
		{from: "US business-operator", to: "CN business-operator", what: "personal?", more: personal, want: withhold, reason: federation.PersonalData, rule: "us-countries-of-concern"},
		{from: "US business-operator", to: "CN business-operator", what: "technical", want: allow, rule: "technical-data"},
	})
}

// The countries that only deny: what is technical goes, what is about persons
// or subscribers does not, even where an operator's own rule would let it.
func TestScenariosElsewhere(t *testing.T) {
	personal, subscriber := terms("personal"), terms("subscriber")
	var scenes []scene
	for _, c := range examplesOnly() {
		for _, to := range []string{"DE authority", "US business-operator", "JP authority", "ZA vendor"} {
			scenes = append(scenes, scene{from: c + carrier, to: to, what: "technical", want: allow, rule: "technical-data"})
		}
	}
	for c, rule := range map[string]string{"GB": "uk-transfer", "JP": "jp-transfer", "KR": "kr-transfer", "BR": "br-transfer",
		"CN": "cn-personal-export", "RU": "ru-personal-abroad", "CH": "ch-transfer"} {
		scenes = append(scenes, scene{from: c + " authority", to: "ZA authority", what: "personal", more: personal, want: withhold, reason: federation.PersonalData, rule: rule})
	}
	for c, rule := range map[string]string{"GB": "uk-traffic-data", "JP": "jp-secrecy-of-communications", "BR": "br-connection-records",
		"RU": "ru-secrecy-of-communications", "CH": "ch-telecom-secrecy"} {
		scenes = append(scenes, scene{from: c + carrier, to: "ZA business-operator", what: "subscriber", more: subscriber, want: withhold, reason: federation.PersonalData, rule: rule})
	}
	scenes = append(scenes,
		scene{from: "IN" + carrier, to: "ZA business-operator", what: "subscriber", more: subscriber, want: withhold, reason: federation.Residency, rule: "in-subscriber-abroad"},
		scene{from: "IN authority", to: "ZA authority", what: "context", more: holds("national-id"), want: withhold, reason: federation.PersonalData, rule: "in-aadhaar"},
		scene{from: "KR authority", to: "ZA authority", what: "context", more: holds("payment-data"), want: withhold, reason: federation.PersonalData, rule: "kr-numbers-and-credit"},
		scene{from: "JP authority", to: "ZA authority", what: "context", more: holds("national-id"), want: withhold, reason: federation.PersonalData, rule: "jp-individual-number"},
		// Where the country's own regulations cover the recipient, the example
		// no longer denies; what allows it is for the operator to write.
		scene{from: "GB authority", to: "DE authority", what: "personal", more: personal, want: withhold, reason: federation.PersonalData, rule: "gdpr-adequacy"},
		scene{from: "GB authority", to: "US business-operator", what: "personal", more: both(personal, certified("eu-us-dpf-uk-extension")), want: withhold, reason: federation.PersonalData, rule: "us-not-known-personal"},
		// Unpublished vulnerabilities.
		scene{from: "CN authority", to: "DE authority", what: "object", more: facts(func(f *itemFacts) { f.typ = "vulnerability" }), want: withhold, reason: federation.NotReleasable, rule: "cn-unpublished-vulnerability"},
		scene{from: "CN authority", to: "DE vendor", what: "object", more: facts(func(f *itemFacts) { f.typ = "vulnerability" }), want: allow, rule: "agreement-in-force"},
		scene{from: "CN authority", to: "DE authority", what: "object", more: facts(func(f *itemFacts) { f.typ, f.tlp = "vulnerability", "clear" }), want: allow, rule: "agreement-in-force"},
		scene{from: "CN authority", to: "DE authority", what: "object", want: allow, rule: "agreement-in-force"},
		scene{from: "CN authority", to: "DE law-enforcement", what: "target", more: terms("target"), want: hold, reason: federation.NotReleasable, rule: "cn-foreign-justice"},
		scene{from: "CN authority", to: "CN law-enforcement", what: "target", more: terms("target"), want: allow, rule: "target-data"},
	)
	playAll(t, scenes)
}

// Rules of no country: contracts, victims, impact, freedom of information,
// counts.
func TestScenariosOfAgreements(t *testing.T) {
	victim := func(word string) func(*Agreement, *itemFacts) { return facts(func(f *itemFacts) { f.victim = word }) }
	impact := func(word string) func(*Agreement, *itemFacts) { return facts(func(f *itemFacts) { f.impact = word }) }
	foi := func(word string) func(*Agreement, *itemFacts) {
		return func(a *Agreement, _ *itemFacts) { a.FOI = word }
	}
	playAll(t, []scene{
		{from: "DE authority", to: "PL authority", what: "target", want: withhold, reason: federation.Purpose, rule: "target-data"},
		{from: "DE authority", to: "PL authority", what: "target", more: victim("theirs"), want: allow, rule: "notify-target"},
		{from: "DE authority", to: "PL authority", what: "target", more: victim("others"), want: withhold, reason: federation.Purpose, rule: "target-data"},
		{from: "DE authority", to: "PL authority", what: "target", more: victim("unknown"), want: withhold, reason: federation.Purpose, rule: "target-data"},
		{from: "DE authority", to: "PL vendor", what: "target", more: victim("theirs"), want: withhold, reason: federation.Purpose, rule: "target-data"},
		{from: "DE authority", to: "PL authority", what: "personal", more: victim("theirs"), want: allow, rule: "notify-personal"},
		{from: "DE authority", to: "IN authority", what: "personal", more: victim("theirs"), want: withhold, reason: federation.PersonalData, rule: "gdpr-adequacy"},
		{from: "GB authority", to: "DE authority", what: "personal", more: victim("theirs"), want: allow, rule: "notify-personal"},
		{from: "GB authority", to: "IN authority", what: "personal", more: victim("theirs"), want: withhold, reason: federation.PersonalData, rule: "uk-transfer"},
		{from: "DE" + carrier, to: "PL authority", what: "subscriber", more: victim("theirs"), want: allow, rule: "notify-subscriber"},
		{from: "DE vendor", to: "ZA business-operator", what: "target", more: facts(func(f *itemFacts) { f.victimContract = "given" }), want: allow, rule: "managed-service-target"},
		{from: "DE vendor", to: "ZA business-operator", what: "target", more: facts(func(f *itemFacts) { f.victimContract = "lapsed" }), want: withhold, reason: federation.Purpose, rule: "target-data"},
		{from: "DE vendor", to: "PL business-operator", what: "subscriber", more: facts(func(f *itemFacts) { f.victimContract = "given" }), want: allow, rule: "managed-service-subscriber"},
		{from: "DE vendor", to: "ZA business-operator", what: "target", more: facts(func(f *itemFacts) { f.victimConsent = "given" }), want: allow, rule: "consent-target"},
		{from: "DE authority", to: "PL authority", what: "target", more: both(impact("critical"), purposes("network-security", "incident-response")), want: allow, rule: "impact-target"},
		{from: "DE authority", to: "PL authority", what: "target", more: impact("critical"), want: withhold, reason: federation.Purpose, rule: "target-data"},
		{from: "DE authority", to: "PL authority", what: "target", more: both(impact("low"), purposes("incident-response")), want: withhold, reason: federation.Purpose, rule: "target-data"},
		{from: "DE authority", to: "PL authority", what: "target", more: facts(func(f *itemFacts) { f.aggregate = true }), want: allow, rule: "aggregate-target"},
		{from: "DE authority", to: "PL authority", what: "commercial", more: both(terms("commercial"), foi("exposed")), want: withhold, reason: federation.NotReleasable, rule: "foi-confidential"},
		{from: "DE authority", to: "PL authority", what: "source", more: both(terms("source"), foi("")), want: withhold, reason: federation.NotReleasable, rule: "foi-confidential"},
		{from: "DE authority", to: "PL authority", what: "source", more: terms("source"), want: allow, rule: "source-data"},
		{from: "DE authority", to: "PL authority", what: "technical", more: foi("exposed"), want: allow, rule: "technical-data"},
		{from: "DE authority", to: "PL authority", what: "object", more: both(foi("exposed"), facts(func(f *itemFacts) { f.release = "listed" })), want: withhold, reason: federation.NotReleasable, rule: "foi-restricted"},
	})
}

// A denial names the permissions that would be for such a thing, and not those
// of named victims and of counts where there are none.
func TestDenialNamesWhatConcernsIt(t *testing.T) {
	d := newDemo(t)
	b := reviewedAll(t, d)
	for _, c := range []struct {
		s    scene
		want string
	}{
		{scene{from: "DE authority", to: "PL authority", what: "target"}, "target-data nis2-arrangement impact-target"},
		{scene{from: "DE authority", to: "PL authority", what: "target", more: facts(func(f *itemFacts) { f.victim = "others" })},
			"target-data nis2-arrangement managed-service-target consent-target notify-target impact-target"},
		{scene{from: "DE authority", to: "PL authority", what: "personal"}, "gdpr-adequacy gdpr-eea gdpr-operator"},
		{scene{from: "IN authority", to: "ZA authority", what: "personal"}, "notify-personal"},
		{scene{from: "IN authority", to: "ZA authority", what: "subscriber"}, "in-subscriber-abroad impact-low-subscribers"},
		{scene{from: "IN authority", to: "ZA vendor", what: "source"}, "source-data"},
	} {
		var got []string
		for _, x := range c.s.play(t, d, b).cited {
			got = append(got, x.Rule)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s to %s %s: %v, want %s", c.s.from, c.s.to, c.s.what, got, c.want)
		}
	}
}

// What the sample terms show as comments is what an agreement may say.
func TestSampleTermsShowWhatMayBeSaid(t *testing.T) {
	text := string(readShipped(t, "agreements", "de-cert--pl-cert.yaml"))
	shown := 0
	var out strings.Builder
	for line := range strings.Lines(text) {
		for _, key := range []string{"backup", "translation", "groups", "foi", "resale", "managed", "victim_consents", "constituency", "reoriginate"} {
			if rest, ok := strings.CutPrefix(line, "# "+key+": "); ok {
				line, shown = key+": "+rest, shown+1
			}
		}
		out.WriteString(line)
	}
	a, err := ParseAgreement([]byte(out.String()), "de-cert--pl-cert.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if shown != 9 || a.Resale != "forbidden" || len(a.Managed) != 1 || len(a.Constituency.CIDR) != 1 {
		t.Errorf("%d keys shown, %+v", shown, a)
	}
}
