package store

import (
	"fmt"

	"github.com/entente-relay/entente/federation"
)

// Counts are all counts of a node, at one pair of positions.
type Counts struct {
	// Log and Journal are the positions up to which they count.
	Log, Journal uint64
	In           []In  // ordered by source
	Out          []Out // ordered by peer
}

// In counts the objects that reached the node from one source.
//
//	Received == Taken + Duplicate + Held + Refused
//
// Held is what waits now: an object that is released or rejected leaves Held
// and Received, and enters both Received and its new place with the entry that
// settles it.
type In struct {
	Source    string
	Received  uint64
	Taken     uint64
	Duplicate uint64
	Held      uint64
	Refused   uint64
	// HeldFor and RefusedFor divide Held and Refused by reason.
	HeldFor, RefusedFor map[federation.Reason]uint64
}

// Out counts the objects judged for one peer, in all frames but those that
// were replaced before a receipt came.
//
//	Judged       == Sent + Withheld + Held
//	Sent         == Acknowledged + InFlight
//	Acknowledged == Stored + Duplicate + HeldThere + Refused + Disputed
//	Redacted     <= Sent
//
// Disputed are the objects of messages whose receipt does not count as many
// objects as were sent. Replaced stands outside: objects of frames that the
// peer asked for again, so that each was judged again.
type Out struct {
	Peer         string
	Judged       uint64
	Sent         uint64
	Redacted     uint64
	Withheld     uint64
	Held         uint64
	Acknowledged uint64
	InFlight     uint64

	Stored, Duplicate, HeldThere, Refused, Disputed uint64

	Replaced uint64
	// WithheldFor and HeldFor divide Withheld and Held by reason.
	WithheldFor, HeldFor map[federation.Reason]uint64

	// LogSeq is the log position up to which the peer's frames reach, LinkSeq
	// the last number sent on the link and AckedSeq the highest acknowledged.
	LogSeq, LinkSeq, AckedSeq uint64
}

// Check returns an error naming the first equation that does not hold.
func (c Counts) Check() error {
	return fmt.Errorf("store: not built")
}
