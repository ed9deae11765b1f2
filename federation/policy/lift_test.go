package policy

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/mapping"
)

// counsel is a rule that leaves indicators for one country to people.
const counsel = `@id("for-counsel")
@basis("order 12")
@kind("custom")
@reason("held-for-person")
@effect("hold")
@class("policy")
@text("Counsel reads what goes to {peer}.")
forbid (principal, action in Action::"send", resource)
when { resource.type == "indicator" && principal.sector == "finance" };
`

const counselExamples = `version: 1
rules:
  - rule: for-counsel
    allow: [{action: share, set: {resource.type: malware, principal.sector: finance}}]
    deny: [{action: share, set: {resource.type: indicator, principal.sector: finance}}]
    missing: [{action: share, drop: [principal.sector]}]
`

func withCounsel(t *testing.T, d *demo, rule string) *Bundle {
	t.Helper()
	b, err := load(t, d.tables, map[string]string{"own.cedar": rule, "own.examples.yaml": counselExamples}, nil, Options{Reviewed: d.bundle.reviewed})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// toFinance are terms under which the rule counts.
func toFinance(t *testing.T) *Agreement {
	a := *sampleAgreement(t, "de-cert--pl-cert")
	a.Sector = "finance"
	return &a
}

func release(t *testing.T, b *Bundle, change func(*Exception)) Exception {
	t.Helper()
	l, err := b.Liftable("for-counsel")
	if err != nil {
		t.Fatal(err)
	}
	e := Exception{ID: "d-1", By: []string{"anna", "ben"}, Rule: "for-counsel", Print: l.Print, Peer: "pl-cert", Issuer: "de-cert",
		Types: []string{"indicator"}, From: demoNow.Add(-time.Hour), Until: demoNow.Add(time.Hour)}
	if change != nil {
		change(&e)
	}
	return e
}

// TestPersonsLiftOneRule lets exceptions for something else lift the rule, and
// the rule's lifting let out what something else denies.
func TestPersonsLiftOneRule(t *testing.T) {
	d := newDemo(t)
	b := withCounsel(t, d, counsel)
	pl := NewRecipient(d.de, toFinance(t))
	s := d.subject(t, "de-cert", indicator(nil))
	if got := b.Decide(s, pl, demoNow); got.Verdict() != federation.Hold || got.Reasons()[0].Rule != "for-counsel" {
		t.Fatalf("it is to be held for counsel: %s %v", got.Verdict(), reasonsOf(got))
	}
	other := withCounsel(t, d, strings.Replace(counsel, "order 12", "order 13", 1))
	for name, c := range map[string]struct {
		change func(*Exception)
		goes   bool
	}{
		"of the kind":             {nil, true},
		"of the object":           {func(e *Exception) { e.Types, e.Objects = nil, map[[32]byte]bool{s.digest: true} }, true},
		"another object":          {func(e *Exception) { e.Types, e.Objects = nil, map[[32]byte]bool{{1}: true} }, false},
		"another peer":            {func(e *Exception) { e.Peer = "jp-carrier" }, false},
		"another source":          {func(e *Exception) { e.Issuer = "pl-cert" }, false},
		"another type":            {func(e *Exception) { e.Types = []string{"malware"} }, false},
		"another rule":            {func(e *Exception) { e.Rule = "over-ceiling" }, false},
		"over":                    {func(e *Exception) { e.Until = demoNow }, false},
		"not begun":               {func(e *Exception) { e.From = demoNow.Add(time.Second) }, false},
		"without an end":          {func(e *Exception) { e.Until = time.Time{} }, false},
		"the rule was changed":    {func(e *Exception) { e.Print = release(t, other, nil).Print }, false},
		"a rejection of the kind": {func(e *Exception) { e.Reject = true }, false},
	} {
		got := b.Decide(s, pl.WithExceptions([]Exception{release(t, b, c.change)}), demoNow)
		if got.goes() != c.goes {
			t.Errorf("%s: %s %v", name, got.Verdict(), reasonsOf(got))
		}
		if c.goes && !strings.Contains(got.Reasons()[0].Basis, "anna and ben until 2") {
			t.Errorf("%s: %+v does not name the decision", name, got.Reasons())
		}
	}
	if got := b.Decide(s, pl, demoNow); got.goes() {
		t.Error("a decision for one recipient is kept for another")
	}
}

// everyRule are decisions of persons on every rule there is, as nobody can make
// them: each with the rule's own print.
func everyRule(t *testing.T, b *Bundle) []Exception {
	var out []Exception
	for _, r := range b.rules {
		out = append(out, release(t, b, func(e *Exception) { e.ID, e.Rule, e.Print = "d-"+r.id, r.id, r.print() }))
	}
	return out
}

// TestPersonsLiftNothingElse: what a second rule, the marking or the agreement
// denies stays, and is told, whatever decisions there are.
func TestPersonsLiftNothingElse(t *testing.T) {
	d := newDemo(t)
	b := withCounsel(t, d, counsel)
	agreed := toFinance(t)
	low := *agreed
	low.Ceiling = mapping.TLPGreen
	ended := *agreed
	ended.Until = demoNow.Add(-time.Hour)
	for name, c := range map[string]struct {
		object object
		to     *Agreement
		want   federation.Reason
	}{
		"TLP:RED":               {marked(mapping.TLPRed), agreed, federation.TLPAudience},
		"over the ceiling":      {marked(mapping.TLPAmber), &low, federation.OverCeiling},
		"unmarked":              {object{"object_marking_refs": nil}, agreed, federation.Unmarked},
		"an unknown marking":    {object{"object_marking_refs": []string{"marking-definition--99999999-9999-4999-8999-999999999999"}}, agreed, federation.UnknownMarking},
		"TLP:AMBER+STRICT":      {marked(mapping.TLPAmberStrict), agreed, federation.OverCeiling},
		"without consent":       {handlingOf(object{"scheme": "fr-2021", "classification": "DIFFUSION RESTREINTE"}), agreed, federation.NotReleasable},
		"above the agreement":   {handlingOf(object{"scheme": "de-vs", "classification": "GEHEIM"}), agreed, federation.NotAccredited},
		"no agreement any more": {nil, &ended, federation.NoAgreement},
		"not resident there":    {handlingOf(object{"residency": []string{"FR"}}), agreed, federation.Residency},
		"for another use":       {handlingOf(object{"purpose": []string{"research"}}), agreed, federation.Purpose},
		"not on the list":       {handlingOf(object{"releasable_to": []string{"FR"}}), agreed, federation.NotReleasable},
	} {
		s := d.subject(t, "de-cert", indicator(c.object))
		to := NewRecipient(d.de, c.to)
		before := b.Decide(s, to, demoNow)
		got := b.Decide(s, to.WithExceptions(everyRule(t, b)), demoNow)
		if got.goes() || len(got.Reasons()) == 0 || !slices.ContainsFunc(got.Reasons(), func(r Cited) bool { return r.Reason == c.want }) {
			t.Errorf("%s: %s %v, want it to stay for %s", name, got.Verdict(), reasonsOf(got), c.want)
		}
		if before.Verdict() == federation.Withhold && got.Verdict() != federation.Withhold {
			t.Errorf("%s: withheld before, %s after persons decided", name, got.Verdict())
		}
	}
}

// TestPersonsNeverLetGoRed: not even where an operator took the rules away that
// keep it here.
func TestPersonsNeverLetGoRed(t *testing.T) {
	d := newDemo(t)
	b, err := load(t, d.tables, map[string]string{"own.cedar": counsel, "own.examples.yaml": counselExamples, "30-tlp.cedar": "", "30-tlp.examples.yaml": ""}, nil,
		Options{Reviewed: d.bundle.reviewed})
	if err != nil {
		t.Fatal(err)
	}
	a := toFinance(t)
	a.Ceiling = mapping.TLPRed
	to := NewRecipient(d.de, a).WithExceptions([]Exception{release(t, b, nil)})
	if got := b.Decide(d.subject(t, "de-cert", indicator(marked(mapping.TLPAmber))), to, demoNow); !got.goes() {
		t.Fatalf("AMBER must go, or the test proves nothing: %v", reasonsOf(got))
	}
	if got := b.Decide(d.subject(t, "de-cert", indicator(marked(mapping.TLPRed))), to, demoNow); got.goes() {
		t.Error("TLP:RED goes by the decision of persons")
	}
}

// TestExceptionsAndTheCache: a decision of persons begins and ends while its
// outcome is cached, and every decision says until when it holds.
func TestExceptionsAndTheCache(t *testing.T) {
	d := newDemo(t)
	b := withCounsel(t, d, counsel)
	s := d.subject(t, "de-cert", indicator(nil))
	e := release(t, b, func(e *Exception) { e.From, e.Until = demoNow, demoNow.Add(time.Hour) })
	plain := NewRecipient(d.de, toFinance(t))
	to := plain.WithExceptions([]Exception{e})
	for _, at := range []time.Duration{-time.Minute, 0, time.Hour - 1, time.Hour, 30 * time.Minute, 2 * time.Hour, -time.Hour} {
		got := b.Decide(s, to, demoNow.Add(at))
		if want := at >= 0 && at < time.Hour; got.goes() != want {
			t.Errorf("after %s: %s %v", at, got.Verdict(), reasonsOf(got))
		}
		switch until := got.Until(); {
		case at < 0 && !until.Equal(e.From), at >= 0 && at < time.Hour && !until.Equal(e.Until):
			t.Errorf("after %s: holds until %s", at, until)
		}
		if b.Decide(s, plain, demoNow.Add(at)).goes() {
			t.Errorf("after %s: goes without the exception", at)
		}
	}
}

// TestWhatPersonsMayLift: of the shipped rules these and no other.
func TestWhatPersonsMayLift(t *testing.T) {
	d := newDemo(t)
	var got []string
	for _, r := range d.bundle.rules {
		if _, err := d.bundle.Liftable(r.id); err == nil {
			got = append(got, r.id)
			if r.permit || !r.hold || r.reason != federation.HeldForPerson && !slices.Contains([]string{"caveat-for-people", "cn-foreign-justice", "tlp1-amber-with-words"}, r.id) {
				t.Errorf("persons may lift %s", r.id)
			}
		}
	}
	for _, id := range []string{"caveat-for-people", "cn-foreign-justice", "equivalent-left-to-people", "tlp1-amber-with-words"} {
		if !slices.Contains(got, id) {
			t.Errorf("%s is held for a person, and no person may decide it", id)
		}
	}
	for _, id := range []string{"marking-missing", "marking-unknown", "validity-early", "originator-consent", "compartment", "equivalent-unknown", "no such rule", "held-here"} {
		if _, err := d.bundle.Liftable(id); err == nil {
			t.Errorf("persons may lift %s", id)
		}
	}
	for when, fault := range map[string]string{
		`when { resource.consent == "missing" }`: "resource.consent",
		`when { resource.tlpRank > 4 }`:          "resource.tlpRank",
	} {
		text := ruleText(shareForbid, when, map[string]string{"effect": "hold", "lift": "person"})
		_, err := load(t, d.tables, map[string]string{"own.cedar": text, "own.examples.yaml": counselExamples}, nil, Options{})
		if err == nil || !strings.Contains(err.Error(), fault) {
			t.Errorf("%s: %v", when, err)
		}
	}
	_, err := load(t, d.tables, map[string]string{"own.cedar": ruleText(shareForbid, `when { principal.country == "PL" }`, map[string]string{"lift": "person"})}, nil, Options{})
	if err == nil || !strings.Contains(err.Error(), "left to a person") {
		t.Errorf("a rule that withholds is left to persons: %v", err)
	}
}

// BenchmarkDecideCachedExcepted is BenchmarkDecideCached with decisions of
// persons about other objects of the same source.
func BenchmarkDecideCachedExcepted(b *testing.B) {
	d := newDemo(b)
	subjects := benchSubjects(b, d)
	e := Exception{ID: "d", Rule: "caveat-for-people", Peer: "pl-cert", Issuer: "de-cert", Types: []string{"note"}, From: demoNow.Add(-time.Hour), Until: demoNow.Add(time.Hour)}
	list := slices.Collect(maps.Values(map[int]Exception{0: e}))
	pl := NewRecipient(d.de, sampleAgreement(b, "de-cert--pl-cert")).WithExceptions(list)
	for _, s := range subjects {
		d.bundle.Decide(s, pl, demoNow)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		d.bundle.Decide(subjects[i%len(subjects)], pl, demoNow)
	}
}
