package envelope

import (
	"io"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/directory"
)

// Dispatch says who sends a frame to whom.
type Dispatch struct {
	// Self signs with Key, a message key.
	Self string
	Key  directory.Signer
	// Peer receives; every Cleared must be for it.
	Peer string
	// Now is the time of dispatch: every decision must still stand.
	Now time.Time
	// FirstSeq is the link's number of the first message; numbers are dense.
	FirstSeq uint64
	// Tables is the version of the mapping tables that decisions used.
	Tables string
	// Rand makes the salts of the records; nil is crypto/rand.
	Rand io.Reader
}

// Signed is a message with our hop, ready to go to one peer. Only [SignFrame]
// makes one; the zero value has no bytes.
type Signed struct {
	raw  []byte
	seq  uint64
	root string
}

// SignFrame adds our hop to each message of a frame: one record each, one
// signature over the root of their tree.
func SignFrame(cs []*Cleared, d Dispatch) ([]*Signed, error) {
	return nil, federation.Refuse(federation.PolicyError, "sign", "not built yet")
}

// Bytes returns the message's text, nil for the zero value.
func (s *Signed) Bytes() []byte { return s.raw }

// Seq returns the message's number on the link.
func (s *Signed) Seq() uint64 { return s.seq }

// Root returns the root of the frame's tree, base64url.
func (s *Signed) Root() string { return s.root }
