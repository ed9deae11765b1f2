package policy

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cedar-policy/cedar-go/types"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/mapping"
)

// An ordinary request with one fact missing, surplus or of another type never
// reaches a rule: it is a deny and a hold, for every fact and action.
func TestBrokenFactsDenyAndHold(t *testing.T) {
	d := newDemo(t)
	s := d.subject(t, "de-cert", indicator(nil))
	to := NewRecipient(d.de, sampleAgreement(t, "de-cert--pl-cert"))
	v := d.bundle.view(to, demoNow)
	site := d.bundle.view(siteOf(d.de), demoNow)
	actions := map[types.EntityUID]*peerView{actionShare: v, actionReshare: v, actionDisclose: v, actionTranslate: v, actionStore: site, actionTransit: site}
	for action, view := range actions {
		f := d.bundle.item(s, s.handling, view, demoNow)
		if action == actionDisclose || action == actionTranslate {
			f = f.of(federation.FreeText, false)
		}
		kind := typeObject
		if f.category != "object" {
			kind = typeProperty
		}
		try := func(name string, peer, item types.RecordMap) {
			t.Helper()
			e := &entities{
				principal: types.Entity{UID: view.entity.UID, Attributes: types.NewRecord(peer)},
				resource:  types.Entity{UID: types.NewEntityUID(kind, "it"), Attributes: types.NewRecord(item)},
			}
			found := d.bundle.evaluate(action, e, view.rules.count[action])
			if name == "" {
				if len(found.faults) > 0 {
					t.Fatalf("%s: the whole facts fail: %v", action.ID, found.faults)
				}
				return
			}
			if found.allowed() || len(found.faults) == 0 || len(found.permits)+len(found.forbids) > 0 {
				t.Errorf("%s: %s reaches the rules: %+v", action.ID, name, found)
			}
		}
		peer, item := view.facts.record(), f.record()
		try("", peer, item)
		for _, side := range []types.RecordMap{peer, item} {
			for attr, value := range maps.Clone(side) {
				for broken, with := range map[string]types.Value{"without " + string(attr): nil, "a wrong " + string(attr): otherType(value)} {
					if with == nil {
						delete(side, attr)
					} else {
						side[attr] = with
					}
					try(broken, peer, item)
					side[attr] = value
				}
			}
			side["surplus"] = types.True
			try("a surplus fact", peer, item)
			delete(side, "surplus")
		}
	}
}

// otherType returns a value of another type than v; of a set, one with an
// element of another type.
func otherType(v types.Value) types.Value {
	switch v.(type) {
	case types.String:
		return types.Long(1)
	case types.Long:
		return types.String("1")
	case types.Boolean:
		return types.String("true")
	default:
		return types.NewSet(types.Long(1))
	}
}

// A rule that cannot be evaluated is a deny and a hold, also where every other
// rule would allow: the engine alone would skip it and let the object out.
func TestFailingRuleDeniesAndHolds(t *testing.T) {
	d := newDemo(t)
	rule := ruleText(shareForbid, `when { principal.country == "EE" && principal.ceiling * 4611686018427387904 < 0 }`, nil)
	examples := `version: 1
rules:
  - rule: own-rule
    allow: [{action: share}]
    deny: [{action: share, set: {principal.ceiling: -2, principal.country: EE}}]
    missing: [{action: share, drop: [principal.country]}]
`
	b, err := load(t, d.tables, map[string]string{"own.cedar": rule, "own.examples.yaml": examples}, nil, Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := d.subject(t, "de-cert", indicator(nil))
	a := sampleAgreement(t, "de-cert--pl-cert")
	if got := b.Decide(s, NewRecipient(d.de, a), demoNow); got.Verdict() != federation.Share {
		t.Fatalf("where the rule does not fail: %s %v", got.Verdict(), reasonsOf(got))
	}
	a.Country = "EE" // with a ceiling of 3 the product overflows
	got := b.Decide(s, NewRecipient(d.de, a), demoNow)
	if got.Verdict() != federation.Hold {
		t.Fatalf("verdict %s: %v", got.Verdict(), reasonsOf(got))
	}
	c := got.Reasons()[0]
	if c.Reason != federation.PolicyError || c.Rule != "own-rule" || !strings.Contains(c.Text, "overflow") {
		t.Errorf("the failure is not named: %+v", c)
	}
	// Also where a sound rule denies: somebody has to look.
	a.Community = false
	if got := b.Decide(s, NewRecipient(d.de, a), demoNow); got.Verdict() != federation.Hold || got.Reasons()[0].Reason != federation.PolicyError {
		t.Errorf("beside another denial: %s %v", got.Verdict(), reasonsOf(got))
	}
}

// A rule that fails for one property holds the object.
func TestFailingDisclosureHolds(t *testing.T) {
	d := newDemo(t)
	rule := ruleText(`forbid (principal, action == Action::"disclose", resource)`,
		`when { principal.country == "EE" && resource.category == "free-text" && principal.ceiling * 4611686018427387904 < 0 }`, nil)
	examples := `version: 1
rules:
  - rule: own-rule
    allow: [{action: disclose}]
    deny: [{action: disclose, set: {principal.country: EE, resource.category: free-text, principal.ceiling: -2}}]
    missing: [{action: disclose, drop: [resource.category]}]
`
	b, err := load(t, d.tables, map[string]string{"own.cedar": rule, "own.examples.yaml": examples}, nil, Options{})
	if err != nil {
		t.Fatal(err)
	}
	a := sampleAgreement(t, "de-cert--pl-cert")
	a.Country = "EE"
	got := b.Decide(d.subject(t, "de-cert", indicator(nil)), NewRecipient(d.de, a), demoNow)
	if got.Verdict() != federation.Hold || len(got.Removed()) > 0 {
		t.Errorf("verdict %s, removed %v", got.Verdict(), paths(got))
	}
}

// Every word that the facts can take is in the schema's vocabulary, and every
// word for "nobody knows" denies sharing of an object to which it matters.
func TestVocabulary(t *testing.T) {
	peer, item := (&peerFacts{}).record(), (&itemFacts{}).record()
	for name, v := range vocabularies() {
		side, attr, _ := strings.Cut(name, ".")
		record := peer
		if side == "resource" {
			record = item
		}
		if _, ok := record[types.String(attr)]; !ok {
			t.Errorf("%s is no fact", name)
		}
		if v.unknown != "" && !slices.Contains(v.words, v.unknown) {
			t.Errorf("%s: %q is not among its words", name, v.unknown)
		}
	}
}

// A stranger, a peer without a country, a kind or an end of terms: unknown
// denies.
func TestUnknownDenies(t *testing.T) {
	d := newDemo(t)
	s := d.subject(t, "de-cert", indicator(nil))
	limited := d.subject(t, "de-cert", indicator(handlingOf(object{"residency": []string{"EU"}})))
	personal := d.subject(t, "de-cert", indicator(object{"pattern": "[email-addr:value = 'anna.beispiel@victim.example']"}))
	for _, c := range []struct {
		name   string
		change func(*Agreement)
		s      *Subject
		reason federation.Reason
	}{
		{"no end of terms", func(a *Agreement) { a.Until = (&day{}).Time }, s, federation.NoAgreement},
		{"no ceiling", func(a *Agreement) { a.Ceiling = 0 }, s, federation.OverCeiling},
		{"a ceiling that is none", func(a *Agreement) { a.Ceiling = 77 }, s, federation.OverCeiling},
		{"no country", func(a *Agreement) { a.Country = "" }, limited, federation.Residency},
		{"a country that is none", func(a *Agreement) { a.Country = "XX" }, limited, federation.Residency},
		{"no country, personal data", func(a *Agreement) { a.Country = "" }, personal, federation.PersonalData},
		{"no kind, personal data", func(a *Agreement) { a.Kind = "" }, personal, federation.PersonalData},
		{"a kind that is none, personal data", func(a *Agreement) { a.Kind = "friend" }, personal, federation.PersonalData},
		{"no purposes, personal data", func(a *Agreement) { a.Purposes = nil }, personal, federation.PersonalData},
		{"no categories, personal data", func(a *Agreement) { a.Data = nil }, personal, federation.PersonalData},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := sampleAgreement(t, "de-cert--pl-cert")
			before := d.bundle.Decide(c.s, NewRecipient(d.de, a), demoNow)
			if !before.goes() {
				t.Fatalf("it would not go anyway: %v", reasonsOf(before))
			}
			c.change(a)
			got := d.bundle.Decide(c.s, NewRecipient(d.de, a), demoNow)
			if got.goes() || got.Reasons()[0].Reason != c.reason {
				t.Errorf("%s %v, want %s", got.Verdict(), reasonsOf(got), c.reason)
			}
		})
	}
	got := d.bundle.Decide(s, Stranger(d.de, "xx-cert"), demoNow)
	if got.Verdict() != federation.Withhold || got.Reasons()[0].Reason != federation.NoAgreement || !strings.Contains(got.Reasons()[0].Text, "No agreement with xx-cert is in force (there is none)") {
		t.Errorf("a stranger: %s %v", got.Verdict(), got.Reasons())
	}
	if got := d.bundle.Decide(s, NewRecipient(d.de, nil), demoNow); got.goes() || len(got.Reasons()) == 0 {
		t.Errorf("no agreement at all: %s", got.Verdict())
	}
}

// A request about the wrong kind of thing never reaches a rule.
func TestWrongRequestDenies(t *testing.T) {
	d := newDemo(t)
	s := d.subject(t, "de-cert", indicator(nil))
	v := d.bundle.view(NewRecipient(d.de, sampleAgreement(t, "de-cert--pl-cert")), demoNow)
	f := d.bundle.item(s, s.handling, v, demoNow)
	for name, x := range map[string]struct {
		action types.EntityUID
		peer   types.EntityType
		item   types.EntityType
	}{
		"a property shared":    {actionShare, typePeer, typeProperty},
		"an object disclosed":  {actionDisclose, typePeer, typeObject},
		"a site as a peer":     {actionShare, typeSite, typeObject},
		"an action of nowhere": {types.NewEntityUID("Action", "sell"), typePeer, typeObject},
		"a group of actions":   {types.NewEntityUID("Action", "send"), typePeer, typeObject},
	} {
		e := &entities{
			principal: types.Entity{UID: types.NewEntityUID(x.peer, "pl-cert"), Attributes: types.NewRecord(v.facts.record())},
			resource:  types.Entity{UID: types.NewEntityUID(x.item, "it"), Attributes: types.NewRecord(f.record())},
		}
		if found := d.bundle.evaluate(x.action, e, d.bundle.rules); len(found.faults) == 0 || found.allowed() {
			t.Errorf("%s reaches the rules", name)
		}
	}
}

// What nobody marked is above every ceiling, whatever the marking rules say.
func TestUnmarkedIsUnderNoCeiling(t *testing.T) {
	d := newDemo(t)
	a := sampleAgreement(t, "de-cert--pl-cert")
	a.Ceiling = mapping.TLPRed
	v := d.bundle.view(NewRecipient(d.de, a), demoNow)
	s := d.subject(t, "de-cert", indicator(object{"object_marking_refs": nil}))
	if f := d.bundle.item(s, s.handling, v, demoNow); f.tlpRank <= v.facts.ceiling {
		t.Errorf("rank %d under a ceiling of %d", f.tlpRank, v.facts.ceiling)
	}
}

// The ground for a transfer of personal data goes by country, kind of
// recipient, certification and day.
func TestTransfer(t *testing.T) {
	d := newDemo(t)
	for _, c := range []struct {
		from, to, kind string
		certified      []string
		now            time.Time
		want           string
	}{
		{"DE", "PL", "authority", nil, demoNow, "inside"},
		{"DE", "NO", "business-operator", nil, demoNow, "inside"},
		{"DE", "DE", "authority", nil, demoNow, "inside"},
		{"PL", "JP", "business-operator", nil, demoNow, "adequate"},
		{"PL", "JP", "authority", nil, demoNow, "kind-not-covered"},
		{"PL", "JP", "business-operator", nil, date(2018, 6, 1), "no-decision"},
		{"DE", "US", "business-operator", nil, demoNow, "not-certified"},
		{"DE", "US", "business-operator", []string{"eu-us-dpf"}, demoNow, "adequate"},
		{"DE", "US", "authority", []string{"eu-us-dpf"}, demoNow, "kind-not-covered"},
		{"DE", "US", "business-operator", []string{"eu-us-dpf"}, date(2023, 7, 9), "no-decision"},
		{"DE", "KR", "authority", nil, demoNow, "adequate"},
		{"DE", "CH", "authority", nil, demoNow, "adequate"},
		{"DE", "GB", "authority", nil, date(2025, 12, 26), "adequate"},
		{"DE", "GB", "authority", nil, date(2025, 12, 27), "adequate"},
		{"DE", "GB", "authority", nil, date(2031, 12, 27), "no-decision"},
		{"DE", "BR", "authority", nil, date(2026, 1, 27), "no-decision"},
		{"DE", "BR", "authority", nil, date(2026, 1, 28), "adequate"},
		{"DE", "KR", "law-enforcement", nil, demoNow, "kind-not-covered"},
		{"DE", "IN", "business-operator", nil, demoNow, "no-decision"},
		{"JP", "US", "business-operator", []string{"eu-us-dpf"}, demoNow, "other-law"},
		{"", "PL", "authority", nil, demoNow, "unknown"},
		{"DE", "EU", "authority", nil, demoNow, "unknown"},
		{"DE", "PL", "", nil, demoNow, "unknown"},
	} {
		var s span
		got, why := d.bundle.law.transfer(c.from, c.to, c.kind, c.certified, c.now, &s)
		if got != c.want || why == "" {
			t.Errorf("%s to %s (%s, %v) at %s: %s, want %s", c.from, c.to, c.kind, c.certified, c.now.Format(time.DateOnly), got, c.want)
		}
		if !s.holds(c.now) {
			t.Errorf("%s to %s: the answer does not hold when it is given", c.from, c.to)
		}
	}
}
