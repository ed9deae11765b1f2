package envelope

import (
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/directory"
)

// VerifyOptions are the facts that a message is checked against.
type VerifyOptions struct {
	// Self is the participant that received the message: the last hop must be
	// addressed to it. Empty checks a message wherever it was found: in one's
	// own log, or offline.
	Self string
	// From is the peer on whose link it came, which must have signed the last
	// hop; empty does not ask.
	From string
	// Keys is asked whose a key is.
	Keys directory.KeySource
	// Now is the moment of first acceptance: the time of arrival, or, for a
	// message out of one's own log, the time at which it was stored.
	Now time.Time
	// Roots remembers hop roots that were verified; nil verifies each anew.
	Roots *RootCache
	// Dropped accounts for objects that this node itself took out of the
	// stored text with [Drop].
	Dropped [][32]byte
}

// Verify checks a message as it came: text, limits, signatures, keys, hops and
// the accounting of every digest, in the order that WIRE.md gives. The error is
// a *federation.Refusal; UnknownIssuer and NotYetValid are worth another try
// later, all others are final.
func Verify(raw []byte, o VerifyOptions) (*Verified, error) {
	return nil, federation.Refuse(federation.Unsupported, "message", "not read yet")
}

// Drop returns v without the objects of the given digests, for a node that may
// not keep them: its Raw is the reduced text. The node's own hop will list them.
func Drop(v *Verified, digests [][32]byte) (*Verified, error) {
	return nil, federation.Refuse(federation.Unsupported, "message", "not read yet")
}
