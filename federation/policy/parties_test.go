package policy

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cedar-policy/cedar-go/types"

	"github.com/entente-relay/entente/federation/stix"
)

const sampleConstituency = `
groups: [first-members, de-pl]
foi: exposed
resale: forbidden
backup: [CH]
translation: [US]
managed: [{for: hospital-a, reference: contract 12, from: 2026-01-01, until: 2026-01-31}]
victim_consents:
  - {for: bank.example.pl, reference: letter 3, from: 2026-01-01, until: 2026-02-28}
  - {for: 198.51.100.0/24, reference: letter 4, from: 2026-01-01, until: 2026-02-28}
constituency: {asn: [64500], cidr: [192.0.2.0/24, "2001:db8::/32"], tld: [pl], participants: [pl-hospital, identity--44444444-4444-4444-8444-444444444444], reference: endorsed statement 7}
`

func agreementWith(t testing.TB, more string) (*Agreement, error) {
	t.Helper()
	text := strings.Replace(string(readShipped(t, "agreements", "de-cert--pl-cert.yaml")), "\nversion: 1\n", "\nversion: 1\n"+more, 1)
	return ParseAgreement([]byte(text), "a.yaml")
}

// What an agreement says about groups, exposure, resale, places, managed
// services and victims reaches the rules as facts, dated where it is dated.
func TestAgreementFacts(t *testing.T) {
	d := newDemo(t)
	a, err := agreementWith(t, sampleConstituency)
	if err != nil {
		t.Fatal(err)
	}
	self := *d.de
	self.Kind, self.Sector, self.PublicProvider = "business-operator", "telecom", true
	to := NewRecipient(&self, a)
	v := d.bundle.view(to, demoNow)
	for name, want := range map[string]types.Value{
		"groups": wordSet([]string{"first-members", "de-pl"}), "foi": types.String("exposed"), "resale": types.String("forbidden"),
		"managed": wordSet([]string{"hospital-a"}), "places": wordSet([]string{"PL", "CH", "US"}),
		"senderKind": types.String("business-operator"), "senderSector": types.String("telecom"), "senderProvider": types.True,
		"laws": wordSet([]string{"eu-nis2"}),
	} {
		got, _ := v.entity.Attributes.Get(types.String(name))
		if got == nil || !got.Equal(want) {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	if end := date(2026, 2, 1); !v.span.to.Equal(end) {
		t.Errorf("the facts hold until %s, want the end of the managed-service contract", v.span.to)
	} else if got, _ := d.bundle.view(to, end).entity.Attributes.Get("managed"); !got.Equal(wordSet(nil)) {
		t.Errorf("after its end the contract still counts: %v", got)
	}
}

// What nobody stated is unknown, and of a node of unknown kind the stricter is
// assumed.
func TestUnstatedPartiesAreUnknown(t *testing.T) {
	d := newDemo(t)
	a, bare := sampleAgreement(t, "de-cert--pl-cert"), &Node{ID: "de-cert", Country: "DE"}
	for name, to := range map[string]*Recipient{
		"nothing stated": NewRecipient(bare, a), "no agreement": NewRecipient(bare, nil), "our own place": siteOf(bare),
		"words of nowhere": func() *Recipient {
			b := a.clone()
			b.FOI, b.Resale = "perhaps", "maybe"
			n := d.de.clone()
			n.Kind = "company"
			return NewRecipient(&n, &b)
		}(),
	} {
		at := d.bundle.view(to, demoNow).entity.Attributes
		for _, fact := range []types.String{"foi", "resale", "senderKind"} {
			if got, _ := at.Get(fact); got != types.String("unknown") {
				t.Errorf("%s: %s is %v", name, fact, got)
			}
		}
		if got, _ := at.Get("senderProvider"); got != types.True {
			t.Errorf("%s: a node of unknown kind is taken for no provider", name)
		}
	}
}

func TestPartiesThatAreRefused(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"an exposure of none":        {"foi: secret\n", "$.foi|foi: \"secret\""},
		"a resale of none":           {"resale: \"no\"\n", "resale"},
		"a group of none":            {"groups: [Group One]\n", "groups"},
		"a backup nowhere":           {"backup: [XX]\n", "backup"},
		"a contract without an end":  {"managed: [{for: hospital-a, reference: x, from: 2026-01-01}]\n", "managed[0]"},
		"a consent without a letter": {"victim_consents: [{for: hospital-a, from: 2026-01-01, until: 2026-02-01}]\n", "victim_consents[0]"},
		"a consent of nobody":        {"victim_consents: [{for: \"*\", reference: x, from: 2026-01-01, until: 2026-02-01}]\n", "neither a participant"},
		"a prefix with host bits":    {"constituency: {cidr: [192.0.2.1/24]}\n", "write 192.0.2.0/24"},
		"every address":              {"constituency: {cidr: [0.0.0.0/0]}\n", "every address there is"},
		"a domain in capitals":       {"constituency: {tld: [PL]}\n", "lower-case ASCII"},
		"everything below the root":  {"constituency: {tld: [\"\"]}\n", "lower-case ASCII"},
		"nobody at all":              {"constituency: {}\n", "names nobody"},
		"a system that is none":      {"constituency: {asn: [AS64500]}\n", "a.yaml:"},
	} {
		_, err := agreementWith(t, c.text)
		if want := strings.Split(c.want, "|"); err == nil || !strings.Contains(err.Error(), want[len(want)-1]) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

// Whom the object names as attacked is compared with whom the peer serves.
func TestVictims(t *testing.T) {
	d := newDemo(t)
	a, err := agreementWith(t, sampleConstituency)
	if err != nil {
		t.Fatal(err)
	}
	v := d.bundle.view(NewRecipient(d.de, a), demoNow)
	bare := d.bundle.view(NewRecipient(d.de, sampleAgreement(t, "de-cert--pl-cert")), demoNow)
	for _, c := range []struct {
		name, text        string
		unsure            bool
		victim, bare      string
		consent, contract string
	}{
		{name: "an address of theirs", text: "attacked 192.0.2.7", victim: "theirs", consent: "missing", contract: "missing"},
		{name: "disarmed", text: "attacked 192[.]0[.]2[.]7", victim: "theirs", consent: "missing", contract: "missing"},
		{name: "with a port", text: "attacked 192.0.2.7:443", victim: "theirs", consent: "missing", contract: "missing"},
		{name: "of version 6", text: "[2001:db8::1]:443", victim: "theirs", consent: "missing", contract: "missing"},
		{name: "with nothing after it", text: "2001:db8::", victim: "theirs", consent: "missing", contract: "missing"},
		{name: "before a colon", text: "192.0.2.7: attacked", victim: "theirs", consent: "missing", contract: "missing"},
		{name: "mapped into version 6", text: "::ffff:192.0.2.7", victim: "theirs", consent: "missing", contract: "missing"},
		{name: "a network of theirs", text: "192.0.2.128/25", victim: "theirs", consent: "missing", contract: "missing"},
		{name: "a wider network", text: "192.0.0.0/16", victim: "others", consent: "missing", contract: "missing"},
		{name: "an address of others", text: "198.51.100.9", victim: "others", consent: "given", contract: "missing"},
		{name: "a guess about others", text: "198.51.100.9", unsure: true, victim: "unknown", consent: "given", contract: "missing"},
		{name: "one of theirs, one of others", text: "192.0.2.7, 198.51.100.9", victim: "others", consent: "missing", contract: "missing"},
		{name: "a domain of theirs", text: "www.bank.example.pl.", victim: "theirs", consent: "given", contract: "missing"},
		{name: "in capitals", text: "BANK.EXAMPLE.PL", victim: "theirs", consent: "given", contract: "missing"},
		{name: "a mail address", text: "mail to anna.beispiel@bank.example.pl", victim: "theirs", consent: "given", contract: "missing"},
		{name: "a web address", text: "hxxps://user:pw@bank.example.pl/a.html?b=1", victim: "theirs", consent: "given", contract: "missing"},
		{name: "a domain that only ends alike", text: "evilpl", victim: "unknown", consent: "unknown", contract: "unknown"},
		{name: "another's domain that ends alike", text: "notbank.example.xpl", victim: "others", consent: "missing", contract: "missing"},
		{name: "a system of theirs", text: "network of AS64500", victim: "theirs", consent: "missing", contract: "missing"},
		{name: "a system of others", text: "network of AS64501", victim: "others", consent: "missing", contract: "missing"},
		{name: "nothing to read", text: "an important bank", victim: "unknown", consent: "unknown", contract: "unknown"},
	} {
		u := &stix.Unit{Path: "description", Value: []byte(`"` + c.text + `"`)}
		o := parsed(t, indicator(nil))
		vs := victimsOf(o, u, stix.Finding{Holds: stix.HoldsVictim, Unsure: c.unsure})
		var s span
		victim, consent, contract := vs.facts(v, demoNow, &s)
		if victim != c.victim || consent != c.consent || contract != c.contract {
			t.Errorf("%s: %s %s %s, want %s %s %s (%v)", c.name, victim, consent, contract, c.victim, c.consent, c.contract, vs.named)
		}
		if got, _, _ := vs.facts(bare, demoNow, &s); got != "unknown" {
			t.Errorf("%s: for a peer that serves nobody we know it is %s", c.name, got)
		}
		if consent == "given" {
			if got, later, _ := vs.facts(v, date(2026, 3, 1), &s); later != "lapsed" || got != victim {
				t.Errorf("%s: after its end the consent is %s", c.name, later)
			}
			if !s.to.IsZero() && s.to.Before(demoNow) {
				t.Errorf("%s: the span ends before now", c.name)
			}
		}
	}
}

// A relationship that targets an identity names it; other references do not.
func TestTargetsNameVictims(t *testing.T) {
	d := newDemo(t)
	a, err := agreementWith(t, sampleConstituency)
	if err != nil {
		t.Fatal(err)
	}
	v := d.bundle.view(NewRecipient(d.de, a), demoNow)
	for _, c := range []struct{ kind, target, want string }{
		{"targets", "identity--44444444-4444-4444-8444-444444444444", "theirs"},
		{"targets", "identity--55555555-5555-4555-8555-555555555555", "others"},
		{"targets", "vulnerability--55555555-5555-4555-8555-555555555555", "none"},
		{"attributed-to", "identity--55555555-5555-4555-8555-555555555555", "none"},
	} {
		s := d.subject(t, "de-cert", other("relationship", idSecond, object{"relationship_type": c.kind,
			"source_ref": "malware--11111111-1111-4111-8111-111111111111", "target_ref": c.target}))
		if f := d.bundle.item(s, s.handling, v, demoNow); f.victim != c.want {
			t.Errorf("%s %s: %s, want %s", c.kind, c.target, f.victim, c.want)
		}
	}
}

// The origin's word for impact is a fact; without one, or when a hop took it
// away, it is unknown.
func TestImpact(t *testing.T) {
	d := newDemo(t)
	v := d.bundle.view(NewRecipient(d.de, sampleAgreement(t, "de-cert--pl-cert")), demoNow)
	for _, word := range append(stix.Impacts(), "") {
		entry := object{"origin": "DE"}
		if word != "" {
			entry["impact"] = word
		}
		s := d.subject(t, "de-cert", indicator(handlingOf(entry)))
		if got := d.bundle.item(s, s.handling, v, demoNow).impact; got != orUnknown(word) {
			t.Errorf("%q is %q", word, got)
		}
		path := "extensions." + stix.HandlingExtension + ".impact"
		i := slices.IndexFunc(s.units, func(u stix.Unit) bool { return u.Path == path })
		if word != "" && (i < 0 || s.units[i].Fixed) {
			t.Errorf("%q cannot be taken out", word)
		}
	}
}

// Two subjects that differ in what a rule could ask never share a cache entry.
func TestFactsAreInTheKey(t *testing.T) {
	d := newDemo(t)
	base := d.subject(t, "de-cert", indicator(nil))
	keys := map[[32]byte]string{base.key: "plain"}
	for name, s := range map[string]*Subject{
		"impact":  d.subject(t, "de-cert", indicator(handlingOf(object{"impact": "high"}))),
		"impact2": d.subject(t, "de-cert", indicator(handlingOf(object{"impact": "low"}))),
		"counted": base.Aggregated(),
		"holds": func() *Subject {
			c := *base
			c.classes = slices.Clone(c.classes)
			c.classes[0].holds = 1
			c.seal()
			return &c
		}(),
		"victim": func() *Subject {
			c := *base
			c.named = []victims{{named: []victim{{name: "192.0.2.7"}}}}
			c.seal()
			return &c
		}(),
	} {
		if had, ok := keys[s.key]; ok {
			t.Errorf("%s has the key of %s", name, had)
		}
		keys[s.key] = name
	}
	if !d.bundle.item(base.Aggregated(), base.handling, d.bundle.view(siteOf(d.de), demoNow), demoNow).aggregate {
		t.Error("a count over many is no aggregate")
	}
}

// The answer to one object is not kept for longer than its own consent lasts,
// though another's with the same facts lasts longer.
func TestAnswersOfOthersDoNotOutlive(t *testing.T) {
	d := newDemo(t)
	a, err := agreementWith(t, `
victim_consents:
  - {for: long.example.pl, reference: letter 3, from: 2026-01-01, until: 2026-06-30}
  - {for: short.example.pl, reference: letter 4, from: 2026-01-01, until: 2026-01-31}
`)
	if err != nil {
		t.Fatal(err)
	}
	to := NewRecipient(d.de, a)
	named := func(host string) *Subject {
		s := d.subject(t, "de-cert", indicator(nil))
		c := *s
		c.classes, c.named = slices.Clone(s.classes), []victims{{}}
		c.classes[0].named = c.naming(&victims{named: []victim{{name: host, domain: true}}, sure: true})
		c.seal()
		return &c
	}
	for range 2 {
		if got := d.bundle.Decide(named("long.example.pl"), to, demoNow); !got.Until().Equal(date(2026, 7, 1)) {
			t.Errorf("the long one: until %s", got.Until())
		}
		if got := d.bundle.Decide(named("short.example.pl"), to, demoNow); !got.Until().Equal(date(2026, 2, 1)) {
			t.Errorf("the short one: until %s", got.Until().Format(time.DateOnly))
		}
	}
}

// Objects that differ only in what is found in them, or in whom they name, are
// asked about apart, whatever is cached.
func TestContentIsAskedApart(t *testing.T) {
	d := newDemo(t)
	rules := ruleText(`forbid (principal, action == Action::"disclose", resource)`, `when { resource.holds.contains("email-address") }`, map[string]string{"id": "no-mail", "text": "It holds {holds}."}) +
		ruleText(`forbid (principal, action == Action::"disclose", resource)`, `when { resource.victim == "others" || resource.victim == "unknown" }`, map[string]string{"id": "no-victim", "text": "The victims are {victim}."})
	examples := `version: 1
rules:
  - rule: no-mail
    allow: [{action: disclose}]
    deny: [{action: disclose, set: {resource.holds: [email-address, health]}}]
    missing: [{action: disclose, drop: [resource.holds]}]
    empty: [{action: disclose, set: {resource.tlp: red, resource.holds: [email-address]}}]
  - rule: no-victim
    allow: [{action: disclose, set: {resource.victim: theirs}}]
    deny: [{action: disclose, set: {resource.victim: others}}]
    missing: [{action: disclose, drop: [resource.victim]}]
    unknown: [{action: disclose, set: {resource.victim: unknown}}]
`
	b, err := load(t, d.tables, map[string]string{"own.cedar": rules, "own.examples.yaml": examples}, nil, Options{Reviewed: d.bundle.reviewed})
	if err != nil {
		t.Fatal(err)
	}
	a, err := agreementWith(t, sampleConstituency)
	if err != nil {
		t.Fatal(err)
	}
	to := NewRecipient(d.de, a)
	targets := func(id string) object {
		return other("relationship", idSecond, object{"relationship_type": "targets", "source_ref": "malware--11111111-1111-4111-8111-111111111111", "target_ref": id})
	}
	for range 2 {
		for _, c := range []struct {
			name   string
			object object
			want   string
		}{
			{"a telephone number", indicator(object{"description": "call +49 30 1234567"}), "share"},
			{"an e-mail address", indicator(object{"description": "write to anna.beispiel@victim.example"}), "redact description no-mail"},
			{"theirs", targets("identity--44444444-4444-4444-8444-444444444444"), "share"},
			{"of others", targets("identity--55555555-5555-4555-8555-555555555555"), "withhold no-victim"},
		} {
			got := b.Decide(d.subject(t, "de-cert", c.object), to, demoNow)
			words := append([]string{string(got.Verdict())}, paths(got)...)
			for _, r := range got.Reasons() {
				words = append(words, r.Rule)
			}
			if strings.Join(words, " ") != c.want {
				t.Errorf("%s: %v, want %s", c.name, words, c.want)
			}
		}
	}
}

// iep returns a definition with a FIRST IEP 2.0 policy.
func iep(id, changes string) object {
	policy := object{"extension_type": "property-extension", "iep_id": "0224bfdf-ea3a-49c3-96f6-66d908bb1845", "iep_version": "2.0",
		"start_date": "2026-01-01T00:00:00Z", "encrypt_in_transit": "may", "permitted_actions": "externally-visible-direct-actions",
		"affected_party_notifications": "may", "tlp": "green", "provider_attribution": "may", "unmodified_resale": "may"}
	for c := range strings.FieldsSeq(changes) {
		name, value, _ := strings.Cut(c, "=")
		policy[name] = value
	}
	return object{"type": "marking-definition", "spec_version": "2.1", "id": id, "created": "2026-01-05T00:00:00.000Z",
		"extensions": object{"extension-definition--762e2e97-ee51-43e5-a9ea-165fbb862c4a": policy}}
}

// Every obligation of a FIRST IEP 2.0 policy stops what no fact or term meets,
// and two that contradict each other hold it by name.
func TestIEPObligations(t *testing.T) {
	d := newDemo(t)
	const first, second = "marking-definition--66666666-6666-4666-8666-666666666666", "marking-definition--77777777-7777-4777-8777-777777777777"
	for _, c := range []struct {
		name, one, two string
		contracts      []string
		want           string
	}{
		{name: "none", want: "share"},
		{name: "red", one: "tlp=red", want: "withhold TLP:RED"},
		{name: "not for sale", one: "unmodified_resale=must-not", want: "withhold iep2-no-resale"},
		{name: "not for sale, as the terms say", one: "unmodified_resale=must-not", contracts: []string{"iep2-no-resale"}, want: "share"},
		{name: "nobody is told", one: "affected_party_notifications=must-not", want: "withhold iep2-no-notification"},
		{name: "encrypted", one: "encrypt_in_transit=must", want: "withhold iep2-encrypt-in-transit"},
		{name: "named", one: "provider_attribution=must", want: "withhold iep2-attribution"},
		{name: "unnamed", one: "provider_attribution=must-not", want: "withhold iep2-no-attribution"},
		{name: "named and unnamed", one: "provider_attribution=must", two: "provider_attribution=must-not", contracts: []string{"iep2-attribution", "iep2-no-attribution"}, want: "hold must be named"},
		{name: "before its start", one: "start_date=2026-02-01T00:00:00Z", want: "hold not begun"},
		{name: "after its end", one: "end_date=2026-01-06T00:00:00Z", want: "withhold have ended"},
		{name: "a field of none", one: "commercial_use=must-not", want: "hold commercial_use"},
	} {
		o := indicator(object{"object_marking_refs": []string{first, second}})
		a := sampleAgreement(t, "de-cert--pl-cert")
		a.Contracts, a.Resale = c.contracts, "forbidden"
		got := d.bundle.Decide(d.subject(t, "de-cert", o, iep(first, c.one), iep(second, c.two)), NewRecipient(d.de, a), demoNow)
		verdict, says, _ := strings.Cut(c.want, " ")
		if string(got.Verdict()) != verdict || says != "" && !strings.Contains(got.Reasons()[0].Text, says) {
			t.Errorf("%s: %s %v", c.name, got.Verdict(), got.Reasons())
		}
	}
}
