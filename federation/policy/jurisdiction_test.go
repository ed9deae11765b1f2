package policy

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/entente-relay/entente/federation"
)

// scoped returns a rule of a jurisdiction under an id, with examples in it.
func scoped(id, jurisdiction, country, condition string) (rule, examples string) {
	rule = ruleText(shareForbid, condition, map[string]string{"id": id, "jurisdiction": jurisdiction})
	examples = fmt.Sprintf(`  - rule: %s
    allow: [{action: share, set: {principal.sector: telecom}}]
    deny: [{action: share, set: {principal.country: %s, principal.sender: %s, principal.sector: bank}}]
    missing: [{action: share, drop: [principal.country]}]
`, id, country, country)
	return rule, examples
}

// A rule is asked where its law is: a bank in PL is not asked about the law of
// JP.
func TestJurisdiction(t *testing.T) {
	d := newDemo(t)
	load1 := func(jurisdiction string) *Bundle {
		rule, examples := scoped("own-rule", jurisdiction, map[bool]string{true: "JP", false: "DE"}[jurisdiction == "JP"], `when { principal.sector == "bank" }`)
		b, err := load(t, d.tables, map[string]string{"own.cedar": rule, "own.examples.yaml": "version: 1\nrules:\n" + examples}, nil, Options{})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	jp, eu := load1("JP"), load1("EU")
	for _, c := range []struct {
		name            string
		b               *Bundle
		sender, country string
		storage, trans  []string
		now             time.Time
		denied          bool
	}{
		{"the recipient is there", jp, "DE", "JP", nil, nil, demoNow, true},
		{"the sender is there", jp, "JP", "PL", nil, nil, demoNow, true},
		{"nobody is there", jp, "DE", "PL", nil, nil, demoNow, false},
		{"it would be stored there", jp, "DE", "PL", []string{"JP"}, nil, demoNow, true},
		{"it would pass through there", jp, "DE", "PL", nil, []string{"JP"}, demoNow, true},
		{"a place nobody knows", jp, "DE", "PL", []string{"Narnia"}, nil, demoNow, true},
		{"a sender nobody knows", jp, "", "PL", nil, nil, demoNow, true},
		{"a recipient nobody knows", jp, "DE", "EU", nil, nil, demoNow, true},
		{"a region", eu, "JP", "PL", nil, nil, demoNow, true},
		{"outside the region", eu, "JP", "GB", nil, nil, demoNow, false},
		{"inside it once", eu, "JP", "GB", nil, nil, date(2020, 1, 31), true},
		{"inside it no longer", eu, "JP", "GB", nil, nil, date(2020, 2, 1), false},
		{"and once more", eu, "JP", "GB", nil, nil, date(2020, 1, 31), true},
	} {
		a := SampleAgreement("PL")
		a.Country, a.Sector, a.Storage, a.Transit = c.country, "bank", c.storage, c.trans
		self := &Node{ID: "de-cert", Country: c.sender, Kind: "authority"}
		got := c.b.Decide(d.subject(t, "de-cert", indicator(nil)), NewRecipient(self, a), c.now)
		denied := slices.ContainsFunc(got.Reasons(), func(x Cited) bool { return x.Rule == "own-rule" })
		if denied != c.denied || denied == got.goes() {
			t.Errorf("%s: %s %v", c.name, got.Verdict(), reasonsOf(got))
		}
	}
}

// An example has to lie where the rule is asked, or it would prove nothing.
func TestExampleOutsideJurisdiction(t *testing.T) {
	d := newDemo(t)
	rule, examples := scoped("own-rule", "JP", "FR", `when { principal.sector == "bank" }`)
	_, err := load(t, d.tables, map[string]string{"own.cedar": rule, "own.examples.yaml": "version: 1\nrules:\n" + examples}, nil, Options{})
	if err == nil || !strings.Contains(err.Error(), "deny example 1") {
		t.Errorf("error %v", err)
	}
}

// A permission of a jurisdiction is not asked where nobody is known to be in it.
func TestPermissionOutsideJurisdiction(t *testing.T) {
	d := newDemo(t)
	raw := string(readShipped(t, "policies", "10-agreement.cedar"))
	raw = strings.Replace(raw, `@id("agreement-in-force")`, "@id(\"agreement-in-force\")\n@jurisdiction(\"EU\")", 1)
	b, err := load(t, d.tables, map[string]string{"10-agreement.cedar": raw}, nil, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for country, goes := range map[string]bool{"PL": true, "JP": false, "EU": false} {
		a := SampleAgreement("PL")
		a.Country, a.Storage = country, []string{"PL"}
		got := b.Decide(d.subject(t, "jp-carrier", indicator(nil)), NewRecipient(&Node{ID: "jp-carrier", Country: "JP"}, a), demoNow)
		if got.goes() != goes || !goes && got.Verdict() == federation.Share {
			t.Errorf("to %s: %s %v", country, got.Verdict(), reasonsOf(got))
		}
	}
}

// scopes are the jurisdictions of the made-up rules.
var scopes = map[string]string{"own-jp": "JP", "own-eu": "EU", "own-us-eea": "US EEA", "own-gb": "GB", "own-pl-jp": "PL JP", "own-us": "US"}

// slicedRules writes the made-up rules: with the annotation, or with its
// meaning as a condition that every request is asked.
func slicedRules(t testing.TB, b *Bundle, now time.Time, sliced bool) map[string]string {
	t.Helper()
	var rules, examples strings.Builder
	examples.WriteString("version: 1\nrules:\n")
	for _, id := range slices.Sorted(maps.Keys(scopes)) {
		jurisdiction := scopes[id]
		var s span
		countries := b.law.expand(strings.Fields(jurisdiction), now, &s)
		condition := fmt.Sprintf("when { principal.sector == \"bank\" || principal.kind == \"vendor\" && %q != \"own-us\" }", id)
		if !sliced {
			list := `["` + strings.Join(append(countries, "unknown"), `", "`) + `"]`
			condition += fmt.Sprintf("\nwhen { %s.contains(principal.sender) || %s.contains(principal.country) || principal.places.containsAny(%s) }", list, list, list)
			jurisdiction = ""
		}
		rule, ex := scoped(id, jurisdiction, countries[0], condition)
		if !sliced {
			ex += "    empty: [{action: share, set: {principal.country: " + countries[0] + ", principal.sender: " + countries[0] + ", principal.sector: bank, principal.places: []}}]\n"
		}
		ex += "    unknown: [{action: share, set: {principal.country: " + countries[0] + ", principal.sender: " + countries[0] + ", principal.sector: bank, principal.kind: unknown}}]\n"
		rules.WriteString(rule + "\n")
		examples.WriteString(ex)
	}
	return map[string]string{"own.cedar": rules.String(), "own.examples.yaml": examples.String()}
}

// For random parties the sliced rules answer as the same rules do when each is
// asked of everybody and its jurisdiction is one of its conditions: slicing
// never drops a prohibition that would have applied.
func TestSlicedIsUnsliced(t *testing.T) {
	d := newDemo(t)
	moments := []time.Time{demoNow, date(2020, 1, 31), date(2012, 6, 1)}
	var with, without []*Bundle
	for _, now := range moments {
		for _, sliced := range []bool{true, false} {
			b, err := load(t, d.tables, slicedRules(t, d.bundle, now, sliced), nil, Options{Reviewed: d.bundle.reviewed})
			if err != nil {
				t.Fatal(err)
			}
			if sliced {
				with = append(with, b)
			} else {
				without = append(without, b)
			}
		}
	}
	objects := []*Subject{d.subject(t, "de-cert", indicator(nil)),
		d.subject(t, "de-cert", indicator(object{"pattern": "[email-addr:value = 'anna.beispiel@victim.example']"}))}
	places := []string{"DE", "PL", "JP", "US", "GB", "NO", "HR", "CH", "FR", "unknown", "EU", ""}
	denied := 0
	rapid.Check(t, func(rt *rapid.T) {
		i := rapid.IntRange(0, len(moments)-1).Draw(rt, "moment")
		a := SampleAgreement("PL")
		a.Country = rapid.SampledFrom(places).Draw(rt, "country")
		a.Kind = rapid.SampledFrom([]string{"authority", "vendor", "business-operator", "nothing"}).Draw(rt, "kind")
		a.Sector = rapid.SampledFrom([]string{"bank", "telecom", ""}).Draw(rt, "sector")
		a.Storage = rapid.SliceOfN(rapid.SampledFrom(places), 0, 2).Draw(rt, "storage")
		a.Backup = rapid.SliceOfN(rapid.SampledFrom(places), 0, 1).Draw(rt, "backup")
		self := &Node{ID: "de-cert", Country: rapid.SampledFrom(places).Draw(rt, "sender")}
		s := rapid.SampledFrom(objects).Draw(rt, "object")
		to := NewRecipient(self, a)
		got, want := with[i].Decide(s, to, moments[i]), without[i].Decide(s, to, moments[i])
		if got.Verdict() != want.Verdict() || !slices.Equal(reasonsOf(got), reasonsOf(want)) {
			rt.Fatalf("sliced %s %v, unsliced %s %v", got.Verdict(), reasonsOf(got), want.Verdict(), reasonsOf(want))
		}
		if !got.goes() {
			denied++
		}
	})
	if denied == 0 {
		t.Error("nothing was ever denied: the test proves nothing")
	}
}
