package policy

import (
	"time"

	"github.com/entente-relay/entente/federation"
)

// Wire classes of a removal: all that a peer learns about why something is
// missing. The rule itself stays in the sender's journal.
const (
	ClassPolicy  = "policy"
	ClassPrivacy = "privacy"
	ClassOrigin  = "origin"
)

// Decision is the answer for one object and one recipient. Only [Bundle] makes
// one; it is bound to the object's digest, the peer and the bundle. The zero
// value is not valid.
type Decision struct {
	subject  *Subject
	peer     string
	outcome  *outcome
	relation *relation
	now      time.Time
}

// outcome is what the engine found for a class of objects: shared between all
// decisions with the same inputs, never changed.
type outcome struct {
	bundle   [32]byte
	verdict  federation.Verdict
	reasons  []Cited
	allowed  []Cited
	denied   map[uint16]*denial // by unit class
	from, to string
	span     span
}

// denial says why the units of one class do not go.
type denial struct {
	cited []Cited
}

// Cited is a rule that took part in a decision, with what it cites.
type Cited struct {
	// Reason is the stable word; empty for a permission that was relied upon.
	Reason federation.Reason
	// Rule is the rule's id; Basis what it rests on; Kind the kind of basis:
	// statute, guidance, agreement or custom.
	Rule, Basis, Kind string
	// Text explains in one sentence or two: "rule X, which cites Y: ...".
	Text string
	// Class is the wire class: policy, privacy or origin.
	Class string
	// Hold says that this alone would hold the object rather than withhold it.
	Hold bool
	// Public says that the rule's id may be told to the peer.
	Public bool
}

// Removed is one property that does not go, top-most only.
type Removed struct {
	// Path is the unit's path.
	Path string
	// Reason, Class, Rule, Basis and Text are those of the first rule that
	// denied it.
	Reason            federation.Reason
	Class             string
	Rule, Basis, Text string
}

// Valid reports whether d was made by a bundle; the zero value was not.
func (d Decision) Valid() bool { return d.outcome != nil && d.subject != nil }

// Verdict returns share, redact, withhold or hold; an invalid decision is
// withheld.
func (d Decision) Verdict() federation.Verdict {
	if !d.Valid() {
		return federation.Withhold
	}
	return d.outcome.verdict
}

// Removed lists the properties that do not go, top-most only.
func (d Decision) Removed() []Removed { return nil }

// Reasons lists the rules that denied something, most decisive first; empty
// only when everything may go.
func (d Decision) Reasons() []Cited {
	if !d.Valid() {
		return nil
	}
	return d.outcome.reasons
}

// Allowed lists the permissions that were relied upon.
func (d Decision) Allowed() []Cited {
	if !d.Valid() {
		return nil
	}
	return d.outcome.allowed
}

// Digest returns the digest of the object the decision is on.
func (d Decision) Digest() [32]byte {
	if !d.Valid() {
		return [32]byte{}
	}
	return d.subject.digest
}

// Peer returns the participant the decision is for.
func (d Decision) Peer() string { return d.peer }

// From returns the marking as its origin wrote it, for display.
func (d Decision) From() string {
	if !d.Valid() {
		return ""
	}
	return d.outcome.from
}

// To returns the marking as the receiver would show it.
func (d Decision) To() string {
	if !d.Valid() {
		return ""
	}
	return d.outcome.to
}

// Bundle returns the digest of the bundle that decided.
func (d Decision) Bundle() [32]byte {
	if !d.Valid() {
		return [32]byte{}
	}
	return d.outcome.bundle
}

// Until returns the next moment at which the decision may change; zero means
// never.
func (d Decision) Until() time.Time {
	if !d.Valid() {
		return time.Time{}
	}
	return d.outcome.span.to
}
