package link

import (
	"time"

	"github.com/entente-relay/entente/federation"
)

// Receipt is a receiver's statement of what became of one frame, made after
// the synced commit.
type Receipt struct {
	// Peer is who sent the frame, Link who received it and signs: both node ids.
	Peer, Link        string
	FirstSeq, LastSeq uint64
	// Root is the frame's hop root.
	Root string
	// Outcomes has one entry per message of the frame, in order of Seq.
	Outcomes []Outcome
	At       time.Time
}

// Outcome counts what became of the objects of one message.
type Outcome struct {
	Seq       uint64
	Stored    int
	Held      int
	Refused   int
	Duplicate int
	// Reason is the first reason for which an object was held or refused, ""
	// if none was.
	Reason federation.Reason
}
