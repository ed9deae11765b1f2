package policy

import (
	"slices"
	"testing"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/mapping"
)

// anywhereAtAll lists countries: those that the shipped rules know something
// about, and one that they know nothing of.
func anywhereAtAll() []string {
	return []string{"DE", "PL", "NO", "US", "GB", "JP", "KR", "BR", "IN", "CN", "RU", "CH", "ZA"}
}

// senders are what a node can be: an authority, a carrier that serves the
// public, a vendor, and one that says nothing of itself.
func senders(country string) []*Node {
	return []*Node{
		{ID: "x-sender", Country: country},
		{ID: "x-sender", Country: country, Kind: "authority", Sector: "national-cert"},
		{ID: "x-sender", Country: country, Kind: "business-operator", Sector: "telecom", PublicProvider: true},
		{ID: "x-sender", Country: country, Kind: "vendor", Sector: "software"},
	}
}

// Under an agreement, with no country pack reviewed, technical indicators
// marked CLEAR and GREEN flow whole between any two countries, whatever sender
// and recipient are; and of what is about persons nothing does.
func TestTechnicalFlowsBetweenAnyTwo(t *testing.T) {
	d := newDemo(t)
	bare, err := load(t, d.tables, nil, nil, Options{})
	if err != nil {
		t.Fatal(err)
	}
	var technical []*Subject
	for _, tlp := range []mapping.TLP{mapping.TLPClear, mapping.TLPGreen} {
		technical = append(technical, d.subject(t, "x-sender", indicator(marked(tlp))))
	}
	personal := d.subject(t, "x-sender", indicator(object{"pattern": "[email-addr:value = 'anna.beispiel@victim.example']"}))
	n := 0
	for _, from := range anywhereAtAll() {
		for _, to := range anywhereAtAll() {
			for _, kind := range Kinds() {
				for _, self := range senders(from) {
					a := SampleAgreement(to)
					a.Kind = kind
					r := NewRecipient(self, a)
					for _, s := range technical {
						n++
						if got := bare.Decide(s, r, demoNow); got.Verdict() != federation.Share {
							t.Errorf("%s from %s in %s to %s in %s: %s %v %v", s.handling.TLP, self.Kind, from, kind, to, got.Verdict(), paths(got), reasonsOf(got))
						}
					}
					if bare.Decide(personal, r, demoNow).goes() {
						t.Errorf("personal from %s in %s to %s in %s goes, and nobody reviewed a rule", self.Kind, from, kind, to)
					}
				}
			}
		}
	}
	if want := len(anywhereAtAll()) * len(anywhereAtAll()) * len(Kinds()) * 4 * 2; n != want {
		t.Errorf("%d decisions, want %d", n, want)
	}
}

// A pack that nobody reviewed only takes away: with every rule that can be
// reviewed left unreviewed, no permission but those of unclassified and
// harmless data counts.
func TestUnreviewedPacksOnlyDeny(t *testing.T) {
	d := newDemo(t)
	bare, err := load(t, d.tables, nil, nil, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range bare.rules {
		harmless := r.permit && !r.restricted && !slices.Contains([]string{"personal", "subscriber"}, r.category)
		if counted := bare.counts(r, demoNow); r.permit && counted != harmless {
			t.Errorf("permit %s of %s counts: %v", r.id, r.category, counted)
		}
	}
}

// examplesOnly are the countries whose rules are examples.
func examplesOnly() []string { return []string{"GB", "JP", "KR", "BR", "IN", "CN", "RU", "CH"} }

// The rules of these countries are examples: they deny, and only what is about
// persons, subscribers or, for one country, unpublished vulnerabilities.
func TestExampleCountriesOnlyDeny(t *testing.T) {
	b, err := load(t, newDemo(t).tables, nil, nil, Options{})
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]int{}
	for _, r := range b.rules {
		for _, c := range r.jurisdiction {
			if !slices.Contains(examplesOnly(), c) {
				continue
			}
			if found[c]++; r.permit {
				t.Errorf("%s of %s permits", r.id, c)
			}
			reads := slices.ContainsFunc(r.reads, func(f string) bool {
				return f == "resource.category" || f == "resource.holds" || f == "resource.type"
			})
			if !reads {
				t.Errorf("%s of %s does not ask what kind of data it is", r.id, c)
			}
		}
	}
	for _, c := range examplesOnly() {
		if found[c] < 2 {
			t.Errorf("%s has %d rules", c, found[c])
		}
	}
}

// Every shipped rule speaks English and one more language: of the country
// whose law it states, or German.
func TestRulesSpeakTwoLanguages(t *testing.T) {
	b, err := load(t, newDemo(t).tables, nil, nil, Options{})
	if err != nil {
		t.Fatal(err)
	}
	own := map[string]string{"US": "es", "JP": "ja", "KR": "ko", "BR": "pt", "IN": "hi", "CN": "zh", "RU": "ru"}
	for _, r := range b.rules {
		want := "de"
		for _, c := range r.jurisdiction {
			if l, ok := own[c]; ok {
				want = l
			}
		}
		said := func(o translation) bool { return o.lang == want && len(o.text) > 0 && (!r.permit || len(o.unmet) > 0) }
		if !slices.ContainsFunc(r.others, said) {
			t.Errorf("%s: rule %s is not said in %s", r.where(), r.id, want)
		}
	}
}

// The dates of the facts of law are those that the file states.
func TestLawsInForce(t *testing.T) {
	b, err := load(t, newDemo(t).tables, nil, nil, Options{})
	if err != nil {
		t.Fatal(err)
	}
	day := func(y, m, d int) time.Time { return date(y, time.Month(m), d) }
	for _, c := range []struct {
		law, from, to, kind, certified string
		at                             time.Time
		want                           bool
	}{
		{"us-cisa-2015", "US", "US", "business-operator", "", day(2025, 9, 30), true},
		{"us-cisa-2015", "US", "US", "business-operator", "", day(2025, 10, 1), false},
		{"us-cisa-2015", "US", "US", "business-operator", "", day(2025, 11, 12), false},
		{"us-cisa-2015", "US", "US", "authority", "", day(2025, 11, 13), true},
		{"us-cisa-2015", "US", "US", "authority", "", day(2026, 1, 30), true},
		{"us-cisa-2015", "US", "US", "authority", "", day(2026, 1, 31), false},
		{"us-cisa-2015", "US", "US", "authority", "", day(2026, 2, 4), true},
		{"us-cisa-2015", "US", "US", "authority", "", day(2026, 9, 30), true},
		{"us-cisa-2015", "US", "US", "authority", "", day(2026, 10, 1), false},
		{"us-cisa-2015", "US", "DE", "authority", "", day(2026, 3, 1), false},
		{"us-cisa-2015", "DE", "US", "authority", "", day(2026, 3, 1), false},
		{"uk-adequacy", "GB", "NO", "authority", "", day(2026, 3, 1), true},
		{"uk-adequacy", "GB", "JP", "business-operator", "", day(2026, 3, 1), true},
		{"uk-adequacy", "GB", "JP", "authority", "", day(2026, 3, 1), false},
		{"uk-adequacy", "GB", "KR", "business-operator", "", day(2022, 12, 18), false},
		{"uk-adequacy", "GB", "KR", "business-operator", "", day(2022, 12, 19), true},
		{"uk-adequacy", "GB", "US", "business-operator", "", day(2026, 3, 1), false},
		{"uk-us-data-bridge", "GB", "US", "business-operator", "eu-us-dpf-uk-extension", day(2023, 10, 12), true},
		{"uk-us-data-bridge", "GB", "US", "business-operator", "eu-us-dpf", day(2026, 3, 1), false},
		{"uk-us-data-bridge", "GB", "US", "authority", "eu-us-dpf-uk-extension", day(2026, 3, 1), false},
		{"kr-equivalence", "KR", "FR", "authority", "", day(2025, 9, 15), false},
		{"kr-equivalence", "KR", "FR", "authority", "", day(2025, 9, 16), true},
		{"kr-equivalence", "KR", "GB", "authority", "", day(2026, 3, 1), false},
		{"eu-nis2", "DE", "PL", "authority", "", day(2026, 3, 1), true},
		{"eu-nis2", "DE", "NO", "authority", "", day(2026, 3, 1), false},
		{"ch-listed-country", "CH", "GB", "authority", "", day(2026, 3, 1), true},
		{"ch-us-privacy-framework", "CH", "US", "business-operator", "swiss-us-dpf", day(2024, 9, 14), false},
		{"ch-us-privacy-framework", "CH", "US", "business-operator", "swiss-us-dpf", day(2024, 9, 15), true},
		{"ch-us-privacy-framework", "CH", "US", "business-operator", "eu-us-dpf", day(2026, 3, 1), false},
		// Rows that nobody has checked do not count.
		{"jp-designated-country", "JP", "DE", "business-operator", "", day(2026, 3, 1), false},
		{"br-adequacy", "BR", "DE", "business-operator", "", day(2026, 3, 1), false},
	} {
		got := slices.Contains(b.law.reaching(c.from, c.to, c.kind, []string{c.certified}, c.at, new(span)), c.law)
		if got != c.want {
			t.Errorf("%s from %s to %s in %s (%s) on %s: %v", c.law, c.from, c.kind, c.to, c.certified, c.at.Format(time.DateOnly), got)
		}
	}
}
