package policy

import (
	"strings"
	"testing"

	"github.com/entente-relay/entente/mapping"
)

// An object that fails at every step is explained by the first of them, and,
// when that is mended, by the next.
func TestFirstFailedStepIsNamed(t *testing.T) {
	d := newDemo(t)
	entry := object{"releasable_to": []string{"FR"}, "purpose": []string{"research"}, "residency": []string{"FR"}}
	o := merged(indicator(handlingOf(entry)), marked(mapping.TLPAmberStrict), object{"labels": []string{"tlp:unclear"}})
	a := sampleAgreement(t, "de-cert--pl-cert")
	a.Ceiling, a.TLPVersion = mapping.TLPGreen, "1.0"
	for _, c := range []struct {
		mend func()
		rule string
	}{
		{func() {}, "marking-unknown"},
		{func() { delete(o, "labels") }, "release-list"},
		{func() { delete(entry, "releasable_to") }, "over-ceiling"},
		{func() { a.Ceiling = mapping.TLPAmberStrict }, "tlp-strict-unsayable"},
		{func() { a.TLPVersion = "2.0" }, "purpose-limit"},
		{func() { a.Purposes = []string{"research"} }, "residency-recipient"},
	} {
		c.mend()
		got := d.bundle.Decide(d.subject(t, "de-cert", merged(o, handlingOf(entry))), NewRecipient(d.de, a), demoNow)
		if len(got.Reasons()) == 0 || got.Reasons()[0].Rule != c.rule {
			t.Errorf("%s is not named first: %v", c.rule, reasonsOf(got))
		}
	}
}

// Each shipped rule has a step, and a hold is named after a refusal of the same
// step: nobody waits for a person who cannot help.
func TestStepsOfShippedRules(t *testing.T) {
	d := newDemo(t)
	for _, r := range d.bundle.rules {
		if at := r.stepOf(); at == stepLast && r.reason != "held-for-person" {
			t.Errorf("%s with the reason %s has no step", r.id, r.reason)
		}
	}
	cited := []Cited{{Rule: "a", Reason: "not-releasable", Hold: true}, {Rule: "b", Reason: "residency"}, {Rule: "c", Reason: "not-releasable"},
		{Rule: "compartment", Reason: "not-releasable"}, {Rule: "d", Reason: "policy-error", Hold: true}}
	d.bundle.byOrder(cited)
	var ids []string
	for _, c := range cited {
		ids = append(ids, c.Rule)
	}
	if got := strings.Join(ids, " "); got != "d c a compartment b" {
		t.Errorf("the order is %s", got)
	}
}
