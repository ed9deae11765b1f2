package policy

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/mapping/scheme"
)

// oneLaw returns a file of one fact of law with lines replaced, "" to leave one
// out.
func oneLaw(changes map[string]string) map[string]string {
	lines := []string{"id: us-act", "title: an act", "basis: its section 1", "from: 2026-01-01", "to: 2026-01-10", "sender: [US]",
		"recipient: [US, EU]", "kinds: [authority]", "certification: iso-27001", "source: the gazette", "reviewer: a lawyer", "verified: true"}
	var b strings.Builder
	b.WriteString("version: 1\nlaws:\n  -\n")
	for _, l := range lines {
		key, _, _ := strings.Cut(l, ":")
		if c, ok := changes[key]; ok {
			if l = c; l == "" {
				continue
			}
		}
		b.WriteString("    " + l + "\n")
	}
	return map[string]string{"laws.yaml": b.String()}
}

// unclaimed takes away the shipped rules that claim the protection of a law, so
// that the others load with other facts of law.
func unclaimed() map[string]string {
	return map[string]string{"61-us.cedar": "", "61-us.examples.yaml": ""}
}

// merge joins files.
func merge(a, b map[string]string) map[string]string {
	maps.Copy(a, b)
	return a
}

// A fact of law reaches senders, recipients, kinds and certified ones in its
// time, and nobody else.
func TestLawsReach(t *testing.T) {
	for _, c := range []struct {
		name           string
		change         map[string]string
		from, to, kind string
		certified      []string
		now            time.Time
		reaches        bool
	}{
		{"as written", nil, "US", "US", "authority", []string{"iso-27001"}, demoNow, true},
		{"to a region", nil, "US", "PL", "authority", []string{"iso-27001"}, demoNow, true},
		{"to a country that left the region", nil, "US", "GB", "authority", []string{"iso-27001"}, demoNow, false},
		{"from elsewhere", nil, "DE", "US", "authority", []string{"iso-27001"}, demoNow, false},
		{"to elsewhere", nil, "US", "JP", "authority", []string{"iso-27001"}, demoNow, false},
		{"to anybody", map[string]string{"recipient": "recipient: [any]"}, "US", "JP", "authority", []string{"iso-27001"}, demoNow, true},
		{"to another kind", nil, "US", "US", "vendor", []string{"iso-27001"}, demoNow, false},
		{"to any kind", map[string]string{"kinds": "kinds: [any]"}, "US", "US", "vendor", []string{"iso-27001"}, demoNow, true},
		{"to one not certified", nil, "US", "US", "authority", []string{"iso-9001"}, demoNow, false},
		{"certified or not", map[string]string{"certification": ""}, "US", "US", "authority", nil, demoNow, true},
		{"before it began", nil, "US", "US", "authority", []string{"iso-27001"}, date(2025, 12, 31), false},
		{"on its first day", nil, "US", "US", "authority", []string{"iso-27001"}, date(2026, 1, 1), true},
		{"when it has lapsed", nil, "US", "US", "authority", []string{"iso-27001"}, date(2026, 1, 10), false},
		{"without an end", map[string]string{"to": ""}, "US", "US", "authority", []string{"iso-27001"}, date(2036, 1, 10), true},
		{"not verified", map[string]string{"verified": "verified: false"}, "US", "US", "authority", []string{"iso-27001"}, demoNow, false},
		{"nobody says whether it is verified", map[string]string{"verified": ""}, "US", "US", "authority", []string{"iso-27001"}, demoNow, false},
		{"from nobody knows where", nil, "unknown", "US", "authority", []string{"iso-27001"}, demoNow, false},
		{"to nobody knows what", map[string]string{"kinds": "kinds: [any]"}, "US", "US", "unknown", []string{"iso-27001"}, demoNow, false},
		{"to nobody knows where", map[string]string{"recipient": "recipient: [any]"}, "US", "", "authority", []string{"iso-27001"}, demoNow, false},
	} {
		l, err := loadLaw(overlay(t, "jurisdictions", oneLaw(c.change)))
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		var s span
		got := l.reaching(c.from, c.to, c.kind, c.certified, c.now, &s)
		if slices.Contains(got, "us-act") != c.reaches || !s.holds(c.now) {
			t.Errorf("%s: %v in %v", c.name, got, s)
		}
	}
}

func TestLawsThatAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		change map[string]string
		want   string
	}{
		"no id":              {map[string]string{"id": ""}, "an id"},
		"an id in capitals":  {map[string]string{"id": "id: CISA"}, "an id"},
		"no source":          {map[string]string{"source": ""}, "source and reviewer are all needed"},
		"no reviewer":        {map[string]string{"reviewer": ""}, "source and reviewer are all needed"},
		"no basis":           {map[string]string{"basis": ""}, "title, basis"},
		"no beginning":       {map[string]string{"from": ""}, "from is missing"},
		"an early end":       {map[string]string{"to": "to: 2025-12-31"}, "to is not after from"},
		"no sender":          {map[string]string{"sender": ""}, "sender is missing"},
		"no recipient":       {map[string]string{"recipient": "recipient: []"}, "recipient is missing"},
		"no kinds":           {map[string]string{"kinds": ""}, "kinds is missing"},
		"a country of none":  {map[string]string{"recipient": "recipient: [Narnia]"}, `"Narnia" is neither`},
		"a kind of none":     {map[string]string{"kinds": "kinds: [business]"}, "kinds: \"business\""},
		"a key of none":      {map[string]string{"kinds": "kind: [any]"}, "unknown key"},
		"not a day":          {map[string]string{"from": "from: 1.1.2026"}, "not a day"},
		"a newer version":    {nil, "newer"},
		"the same row twice": {nil, "overlaps"},
	} {
		files := oneLaw(c.change)
		switch name {
		case "a newer version":
			files["laws.yaml"] = strings.Replace(files["laws.yaml"], "version: 1", "version: 2", 1)
		case "the same row twice":
			_, row, _ := strings.Cut(files["laws.yaml"], "laws:\n")
			files["laws.yaml"] += row
		}
		_, err := loadLaw(overlay(t, "jurisdictions", files))
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "laws.yaml") {
			t.Errorf("%s: error %v", name, err)
		}
	}
	if _, err := load(t, new(scheme.Tables), unclaimed(), map[string]string{"laws.yaml": "version: 1\nlaws: []\n"}, Options{}); err != nil {
		t.Errorf("none at all: %v", err)
	}
}

// claiming is a permission that claims the protection of us-act and counts
// without it.
func claiming(t testing.TB) map[string]string {
	t.Helper()
	return merge(unclaimed(), map[string]string{
		"own.cedar": ruleText(`permit (principal, action == Action::"share", resource)`, "when { resource.restricted == false }\nwhen { principal.agreement == \"in-force\" }",
			map[string]string{"claims": "us-act", "text": "It may go to {peer}.", "text_de": "Es darf an {peer} gehen.", "unmet_de": "Es darf nicht an {peer} gehen."}),
		"own.examples.yaml": `version: 1
rules:
  - rule: own-rule
    allow: [{action: share}]
    deny: [{action: share, set: {principal.agreement: ended}}]
    missing: [{action: share, drop: [principal.agreement]}]
    unknown: [{action: share, set: {principal.agreement: none}}]
`})
}

// The protection of a law is claimed while it is in force and for whom it
// reaches, by cached decisions too; and a release without it goes unclaimed.
func TestClaims(t *testing.T) {
	d := newDemo(t)
	b, err := load(t, d.tables, claiming(t), oneLaw(map[string]string{"certification": ""}), Options{})
	if err != nil {
		t.Fatal(err)
	}
	us := &Node{ID: "us-cert", Country: "US", Kind: "authority"}
	claims := func(country, kind string, at time.Time) []string {
		a := SampleAgreement(country)
		a.Kind = kind
		got := b.Decide(d.subject(t, "us-cert", indicator(nil)), NewRecipient(us, a), at)
		if got.Verdict() != federation.Share {
			t.Fatalf("%s: %v", country, reasonsOf(got))
		}
		var out []string
		for _, c := range got.Allowed() {
			if c.Claims != "" {
				out = append(out, c.Rule+" "+c.Claims)
			}
		}
		return out
	}
	end := date(2026, 1, 10)
	for range 2 {
		for _, c := range []struct {
			country, kind string
			at            time.Time
			want          bool
		}{
			{"US", "authority", demoNow, true}, {"PL", "authority", demoNow, true}, {"JP", "authority", demoNow, false},
			{"US", "vendor", demoNow, false}, {"US", "authority", end.Add(-time.Nanosecond), true}, {"US", "authority", end, false},
			{"US", "authority", end.Add(-time.Nanosecond), true},
		} {
			if got := claims(c.country, c.kind, c.at); slices.Equal(got, []string{"own-rule us-act"}) != c.want {
				t.Errorf("%s %s at %s: claimed %v", c.country, c.kind, c.at, got)
			}
		}
	}
}

// A rule explains itself in its further languages, and in English in others.
func TestFurtherLanguages(t *testing.T) {
	d := newDemo(t)
	b, err := load(t, d.tables, claiming(t), oneLaw(nil), Options{})
	if err != nil {
		t.Fatal(err)
	}
	to := NewRecipient(d.de, SampleAgreement("PL"))
	for _, c := range b.Decide(d.subject(t, "de-cert", indicator(nil)), to, demoNow).Allowed() {
		if c.Rule != "own-rule" {
			continue
		}
		if got := c.In("de"); got != "own-rule (our own will): Es darf an pl-national-cert gehen." {
			t.Errorf("in German %q", got)
		}
		if c.In("fr") != c.Text || c.In("") != c.Text || c.In("en") != c.Text {
			t.Errorf("in a language it does not speak %q", c.In("fr"))
		}
	}
	ended := SampleAgreement("PL")
	ended.Until = date(2026, 1, 1)
	got := b.Decide(d.subject(t, "de-cert", indicator(nil)), NewRecipient(d.de, ended), demoNow)
	i := slices.IndexFunc(got.Reasons(), func(c Cited) bool { return c.Rule == "own-rule" })
	if i < 0 || got.Reasons()[i].In("de") != "own-rule (our own will): Es darf nicht an pl-national-cert gehen." {
		t.Errorf("unmet in German: %v", got.Reasons())
	}
}
