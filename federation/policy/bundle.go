package policy

import (
	"errors"
	"io/fs"
	"time"

	"github.com/entente-relay/entente/mapping/scheme"
)

// Bundle is everything a decision rests on besides the object and the peer:
// rules, facts of law, equivalence tables and reviews, loaded and proved
// together. It is immutable and safe for concurrent use.
type Bundle struct {
	digest [32]byte
}

// Options are what the operator adds to what ships.
type Options struct {
	// Reviewed records, by rule id, who read a rule that allows personal or
	// classified material, and when. Without it such a rule does not count.
	Reviewed map[string]Review
}

// Review is the operator's record that somebody with the authority to do so
// has read a rule.
type Review struct {
	// By is a role or a person, as the operator wishes to be shown.
	By string
	// On is the day of the review; the rule counts from then on.
	On time.Time
}

// Load reads the rules (with schema and examples) from policies and the facts
// of law from jurisdictions, and proves them: schema, guards, examples. The
// error lists every fault with file, line and column.
func Load(policies, jurisdictions fs.FS, tables *scheme.Tables, o Options) (*Bundle, error) {
	return nil, errors.New("policy: loading is not built")
}

// Digest names this exact bundle: rules, facts of law, reviews and tables.
func (b *Bundle) Digest() string { return "" }

// Decide says what of s may go to a peer at a time: share (and reshare, when
// the node is not the issuer), then disclose per property.
func (b *Bundle) Decide(s *Subject, to *Recipient, now time.Time) Decision { return Decision{} }

// DecideStore says whether a node may keep s: at intake and at import.
func (b *Bundle) DecideStore(s *Subject, at *Node, now time.Time) Decision { return Decision{} }
