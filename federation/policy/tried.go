package policy

import (
	"io/fs"

	"github.com/cedar-policy/cedar-go/types"

	"github.com/entente-relay/entente/mapping/scheme"
)

// Trial is one example of a rule, tried.
type Trial struct {
	Rule   string `json:"rule"`
	Kind   string `json:"kind"` // allow, deny, missing, unknown or empty
	N      int    `json:"n"`    // from 1, among those of its kind
	Action string `json:"action"`
	// Found says what the engine answered, by which rules.
	Found string `json:"found"`
	// Fault says why that is not what the example is there to show; "" when it is.
	Fault string `json:"fault,omitempty"`

	fault  error // with its place
	action types.EntityUID
	facts  *entities // nil when none could be built
}

// judge asks the rules what a trial asks.
func (b *Bundle) judge(t *Trial) finding {
	e := *t.facts // evaluate writes to it, and a trial may be judged by two bundles at once
	return b.evaluate(t.action, &e, b.law.reachedBy(b.asked[t.action], partiesOf(e.principal.Attributes), endOfTime, new(span)))
}

// Try reads a policy folder as [Load] does and tries every example, going on
// after one that fails. The error tells what keeps examples from being tried.
func Try(policies, jurisdictions fs.FS, tables *scheme.Tables, o Options) ([]Trial, error) {
	b, s, err := read(policies, jurisdictions, tables, o)
	if err != nil {
		return nil, err
	}
	return b.tryAll(policies, s)
}

// words says what the engine found.
func (f finding) words() string {
	switch {
	case len(f.faults) > 0:
		return "refused: " + f.faults[0].message
	case f.allowed():
		return "allowed by " + names(f.permits, "nothing")
	case len(f.forbids) > 0:
		return "denied by " + names(f.forbids, "nothing")
	}
	return "denied: no rule permits it"
}
