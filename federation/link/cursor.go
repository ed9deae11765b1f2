package link

import "errors"

// Cursor is a place in a sender's log, as only the sender sees it.
type Cursor struct {
	Incarnation string
	// Pos is the log sequence up to which the peer has been served.
	Pos uint64
	// Seq is the link seq of the last message sent to the peer.
	Seq uint64
}

var errNotBuilt = errors.New("link: not built into this program")

// CursorKey seals and opens cursors.
type CursorKey struct{}

// NewCursorKey derives the key from the node's secret (at least 16 bytes).
func NewCursorKey(secret []byte) (*CursorKey, error) { return nil, errNotBuilt }

// Seal makes a cursor opaque for one peer.
func (k *CursorKey) Seal(peer string, c Cursor) ([]byte, error) { return nil, errNotBuilt }

// Open reads a cursor that Seal made for the same peer; anything else is
// refused as malformed.
func (k *CursorKey) Open(peer string, sealed []byte) (Cursor, error) { return Cursor{}, errNotBuilt }
