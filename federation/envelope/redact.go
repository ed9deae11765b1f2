package envelope

import (
	"errors"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/policy"
)

// ErrNothing says that nothing of a message may go: nothing is sent, and the
// link's sequence number is not used.
var ErrNothing = errors.New("envelope: nothing of the message may go")

// Cleared is a message reduced to what may go to one peer. Only [Redact] and
// [Cleared.For] make one; the zero value is refused by [SignFrame].
type Cleared struct {
	v    *Verified
	peer string
}

// Redact leaves out of v what the decisions deny. There is exactly one valid
// decision for each item, in any order, all for the same peer and of the same
// policy bundle; anything else is an error. The result of one peer serves all
// peers of its audience through [Cleared.For].
func Redact(v *Verified, ds []policy.Decision) (*Cleared, error) {
	return nil, federation.Refuse(federation.PolicyError, "redact", "not built yet")
}

// For returns the same variant for another peer, whose decisions must remove
// exactly the same. It fails when they do not: then that peer is of another
// audience and needs its own [Redact].
func (c *Cleared) For(ds []policy.Decision) (*Cleared, error) {
	return nil, federation.Refuse(federation.PolicyError, "redact", "not built yet")
}

// Peer returns the participant it is cleared for.
func (c *Cleared) Peer() string { return c.peer }
