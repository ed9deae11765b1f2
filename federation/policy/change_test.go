package policy

import (
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/types"
	"pgregory.net/rapid"

	"github.com/entente-relay/entente/federation"
)

// A peer that moves is judged by where it is, whatever was decided before: by
// the ground for a transfer, by the places, by the rules of its jurisdiction.
func TestPeerChangesCountry(t *testing.T) {
	d := newDemo(t)
	rule, examples := scoped("own-rule", "US", "US", `when { principal.sector == "bank" }`)
	b, err := load(t, d.tables, map[string]string{"own.cedar": rule, "own.examples.yaml": "version: 1\nrules:\n" + examples}, nil, Options{Reviewed: d.bundle.reviewed})
	if err != nil {
		t.Fatal(err)
	}
	technical := d.subject(t, "de-cert", indicator(nil))
	here := d.subject(t, "de-cert", indicator(handlingOf(object{"residency": []string{"EU"}})))
	personal := d.subject(t, "de-cert", indicator(object{"pattern": "[email-addr:value = 'anna.beispiel@victim.example']"}))
	a := sampleAgreement(t, "de-cert--pl-cert")
	for range 3 {
		for _, c := range []struct {
			country, sector           string
			technical, here, personal bool
		}{
			{"PL", "national-cert", true, true, true}, {"JP", "national-cert", true, false, false}, {"US", "national-cert", true, false, false},
			{"US", "bank", false, false, false}, {"PL", "bank", true, true, true}, {"", "bank", false, false, false},
		} {
			a.Country, a.Sector = c.country, c.sector
			to := NewRecipient(d.de, a)
			for s, want := range map[*Subject]bool{technical: c.technical, here: c.here, personal: c.personal} {
				if got := b.Decide(s, to, demoNow); got.goes() != want {
					t.Errorf("%s in %q: %s %v", c.sector, c.country, got.Verdict(), reasonsOf(got))
				}
			}
		}
	}
}

// A fact of law lapses at midnight while messages flow: what rests on it stops
// with it, cached or not, and the day before is still answered as it was.
func TestStatuteLapsesAtMidnight(t *testing.T) {
	d := newDemo(t)
	rules := map[string]string{
		"own.cedar": ruleText(shareForbid, `unless { principal.laws.contains("us-act") }`, nil),
		"own.examples.yaml": `version: 1
rules:
  - rule: own-rule
    allow: [{action: share, set: {principal.laws: [us-act]}}]
    deny: [{action: share, set: {principal.laws: [other-act]}}]
    missing: [{action: share, drop: [principal.laws]}]
    empty: [{action: share, set: {principal.laws: []}}]
`}
	// The rule forbids all but what it names: the ordinary request has to name it.
	rules["baseline.yaml"] = strings.Replace(string(readShipped(t, "policies", "baseline.yaml")), "principal.laws: []", "principal.laws: [us-act]", 1)
	b, err := load(t, d.tables, merge(rules, unclaimed()), oneLaw(map[string]string{"certification": ""}), Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := d.subject(t, "us-cert", indicator(nil))
	to := NewRecipient(&Node{ID: "us-cert", Country: "US", Kind: "authority"}, SampleAgreement("US"))
	midnight := date(2026, 1, 10)
	for _, at := range []time.Time{demoNow, midnight.Add(-time.Nanosecond), midnight, midnight.Add(time.Hour), midnight.Add(-time.Nanosecond), demoNow} {
		got := b.Decide(s, to, at)
		if got.goes() != at.Before(midnight) {
			t.Errorf("at %s: %s %v", at, got.Verdict(), reasonsOf(got))
		}
		if at.Before(midnight) && !got.Until().Equal(midnight) {
			t.Errorf("at %s: until %s", at, got.Until())
		}
	}
}

// Facts about a peer that do not fit the schema fail every request about it,
// though they are checked once.
func TestBrokenPeerFailsEveryRequest(t *testing.T) {
	d := newDemo(t)
	to := NewRecipient(d.de, sampleAgreement(t, "de-cert--pl-cert"))
	s := d.subject(t, "de-cert", indicator(nil))
	v := *d.bundle.view(to, demoNow)
	whole := v.facts.record()
	delete(whole, "country")
	d.bundle.admit(&v, whole)
	d.bundle.peers.put(to.key, &v)
	for range 2 {
		got := d.bundle.Decide(s, to, demoNow)
		if got.Verdict() != federation.Hold || got.Reasons()[0].Reason != federation.PolicyError {
			t.Errorf("%s %v", got.Verdict(), reasonsOf(got))
		}
	}
}

// asWritten iterates over rules with the scope they are written with.
type asWritten []*rule

// All implements cedar.PolicyIterator.
func (l asWritten) All() iter.Seq2[cedar.PolicyID, *cedar.Policy] {
	return func(yield func(cedar.PolicyID, *cedar.Policy) bool) {
		for _, r := range l {
			if !yield(cedar.PolicyID(r.id), r.policy) {
				return
			}
		}
	}
}

// Sorting rules by action at load gives the answers that all rules as written
// give: none is lost, none is asked that is not meant.
func TestSortedByActionIsAsWritten(t *testing.T) {
	d := newDemo(t)
	actions := []types.EntityUID{actionShare, actionReshare, actionDisclose, actionTranslate}
	objects := []*Subject{d.subject(t, "de-cert", indicator(nil)), d.subject(t, "de-cert", indicator(marked(5)))}
	rapid.Check(t, func(rt *rapid.T) {
		a := SampleAgreement(rapid.SampledFrom([]string{"PL", "US", "JP", "CN"}).Draw(rt, "country"))
		a.Kind = rapid.SampledFrom(Kinds()).Draw(rt, "kind")
		a.Community = rapid.Bool().Draw(rt, "community")
		v := d.bundle.view(NewRecipient(d.de, a), demoNow)
		s := rapid.SampledFrom(objects).Draw(rt, "object")
		action := rapid.SampledFrom(actions).Draw(rt, "action")
		f, kind := d.bundle.item(s, s.handling, v, demoNow), typeObject
		if action == actionDisclose || action == actionTranslate {
			f, kind = f.of(rapid.SampledFrom(federation.Categories()).Draw(rt, "category"), rapid.Bool().Draw(rt, "unsure")), typeProperty
		}
		e := &entities{principal: v.entity, actions: d.bundle.actions,
			resource: types.Entity{UID: types.NewEntityUID(kind, "it"), Attributes: types.NewRecord(f.record())}}
		found := d.bundle.evaluate(action, e, v.rules.count[action])
		var all []*rule // every rule of the jurisdiction that counts, of whatever action
		for _, r := range d.bundle.law.reachedBy(d.bundle.rules, &v.facts, demoNow, new(span)) {
			if d.bundle.counts(r, demoNow) {
				all = append(all, r)
			}
		}
		_, diag := cedar.Authorize(asWritten(all), e, cedar.Request{Principal: e.principal.UID, Action: action, Resource: e.resource.UID})
		var want, got []string
		for _, x := range diag.Reasons {
			want = append(want, string(x.PolicyID))
		}
		for _, r := range slices.Concat(found.forbids, found.permits) {
			got = append(got, r.id)
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) || len(diag.Errors) != len(found.faults) {
			rt.Fatalf("%s: sorted %v, as written %v", action.ID, got, want)
		}
	})
}

// What is written once for the properties of one handling is what would be
// written for each.
func TestAttributesWrittenOnce(t *testing.T) {
	d := newDemo(t)
	a, err := agreementWith(t, sampleConstituency)
	if err != nil {
		t.Fatal(err)
	}
	v := d.bundle.view(NewRecipient(d.de, a), demoNow)
	s := d.subject(t, "de-cert", merged(indicator(object{"description": "victim bank.example.pl wrote from anna.beispiel@bank.example.pl, 192.0.2.7 attacked",
		"x_victim_ip": "192.0.2.7", "granular_markings": []object{{"marking_ref": tlpID(5), "selectors": []string{"name"}}}}), handlingOf(object{"impact": "high", "personal_data": true})))
	w := &worker{b: d.bundle, s: s, v: v, now: demoNow, out: &outcome{}, items: make([]*itemFacts, len(s.own))}
	if len(s.own) < 2 || len(s.classes) < 4 {
		t.Fatalf("%d handlings and %d classes: the test proves little", len(s.own), len(s.classes))
	}
	for range 2 {
		for i := range s.classes {
			c := &s.classes[i]
			for category, unsure := range c.found.each {
				f := w.item(c.own).within(s, c, v, demoNow).of(category, unsure)
				if got, want := types.NewRecord(w.record(c.own, f)), types.NewRecord(f.record()); !got.Equal(want) {
					t.Errorf("class %d, %s: %v, want %v", i, category, got, want)
				}
			}
			whole := w.item(c.own)
			if !types.NewRecord(w.record(c.own, whole)).Equal(types.NewRecord(whole.record())) {
				t.Errorf("class %d: the whole object's differ", i)
			}
		}
	}
}
