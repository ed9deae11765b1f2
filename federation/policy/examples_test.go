package policy

import (
	"testing"
)

// TestShippedRulesAgree: among the shipped rules an example holds for all of
// them together, so that none allows what another's example denies, or denies
// what it allows. An operator's own rules are there to do that.
func TestShippedRulesAgree(t *testing.T) {
	d := newDemo(t)
	for i := range d.bundle.trials {
		x := &d.bundle.trials[i]
		if x.facts == nil {
			t.Fatalf("%s, %s example %d was not asked", x.Rule, x.Kind, x.N)
		}
		if found := d.bundle.judge(x); x.Kind != "missing" && found.allowed() != (x.Kind == "allow") {
			t.Errorf("rule %s, %s example %d: %s", x.Rule, x.Kind, x.N, found.words())
		}
	}
	if len(d.bundle.trials) < 500 {
		t.Errorf("only %d examples", len(d.bundle.trials))
	}
}

// TestOwnRuleBesideTheShipped: an operator adds a rule that denies what the
// ordinary request asks, with examples of its own and no change to any other.
func TestOwnRuleBesideTheShipped(t *testing.T) {
	d := newDemo(t)
	text := ruleText(shareForbid, `when { principal.country == "PL" && resource.type == "indicator" }`, nil)
	b, err := load(t, d.tables, map[string]string{"own.cedar": text, "own.examples.yaml": `version: 1
rules:
  - rule: own-rule
    allow: [{action: share, set: {resource.type: malware}}]
    deny: [{action: share}]
    missing: [{action: share, drop: [resource.type]}]
`}, nil, Options{})
	if err != nil {
		t.Fatal(err)
	}
	to := NewRecipient(d.de, sampleAgreement(t, "de-cert--pl-cert"))
	if got := b.Decide(d.subject(t, "de-cert", indicator(nil)), to, demoNow); got.goes() {
		t.Errorf("the rule does not count: %s", got.Verdict())
	}
}
