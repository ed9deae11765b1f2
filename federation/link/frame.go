package link

import (
	"time"

	"github.com/entente-relay/entente/federation"
)

// Version is the newest version of the encoding that this build writes and
// reads. A newer one is refused.
const Version = 1

// Pull is a receiver's request for the next frame.
type Pull struct {
	Ver int // [Version]
	// Cursor is what the sender gave as [Frame.Next], or empty to begin.
	Cursor []byte
	// MaxBytes is how many bytes of messages the receiver takes at most; one
	// message is always sent, whatever its size. 0 means [DefaultMaxBytes].
	MaxBytes int
	// Wait is how long the sender may hold the request when it has nothing.
	Wait time.Duration
	// Receipt is a signed receipt of an earlier frame (compact JWS), or empty.
	Receipt []byte

	// At is Cursor as opened by [Server]; it does not travel. The zero value
	// means the start of the log.
	At Cursor
}

// Frame is the answer to a pull.
type Frame struct {
	Ver int // [Version]
	// Incarnation is the id of the sender's log.
	Incarnation string
	// FirstSeq is the link seq of Messages[0]; without messages, the seq that
	// the next one will have.
	FirstSeq uint64
	// Messages are complete signed messages, in order of link seq.
	Messages [][]byte
	// Next is the cursor after this frame. Empty: nothing is new, and nothing
	// is to be committed.
	Next []byte
	// More says that another pull would be answered at once.
	More bool
	// Gap, if set, says what lies before this frame and can no longer be had.
	Gap *Gap
	// Root is the frame's hop root, as the messages' hops carry it.
	Root string

	// Then is what a [Source] sets instead of Next; [Server] seals it. The
	// zero value means that nothing is new.
	Then Cursor
}

// Gap tells of messages that the sender no longer keeps.
type Gap struct {
	// Since and Until bound when they were stored at the sender; a zero time
	// means that this end is not known.
	Since, Until time.Time
	// Reason says why they are gone.
	Reason federation.Reason
}

// Position is where a receiver stands on one link. A [Sink] stores it in the
// same commit as the messages of the frame that led there.
type Position struct {
	Incarnation string
	Cursor      []byte
	// LastSeq is the link seq of the last message taken, 0 before the first.
	LastSeq uint64
}

// After returns the position after f.
func (f Frame) After() Position {
	return Position{Incarnation: f.Incarnation, Cursor: f.Next, LastSeq: f.FirstSeq + uint64(len(f.Messages)) - 1}
}
