package link

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/entente-relay/entente/federation"
)

// Cursor is a place in a sender's log, as only the sender sees it.
type Cursor struct {
	Incarnation string
	// Pos is the log sequence up to which the peer has been served.
	Pos uint64
	// Seq is the link seq of the last message sent to the peer.
	Seq uint64
	// Check tells whether what stands at Pos is what stood there: a log that
	// was put back from a backup has grown other entries in the same places.
	Check uint64
}

// CursorKey seals and opens cursors. A peer must not change a cursor, use
// another peer's, or read it: positions in the log would tell it how much it
// does not get. Sealing is encryption with a synthetic initialisation vector (the
// construction of RFC 5297, with HMAC-SHA256 as the pseudo-random function) over
// the place and fresh random bytes: a cursor that comes again would tell that
// nothing was logged meanwhile, and one that changes, that something was which
// the peer does not get.
type CursorKey struct {
	mac   []byte
	block cipher.Block
	fresh func([]byte) // fills with random bytes
}

// cursorVersion is the first byte of what is sealed.
const cursorVersion = 1

// cursorFixed is the size of what is sealed without the incarnation: version,
// random bytes, Pos, Seq and Check.
const (
	cursorFresh = 16
	cursorFixed = 1 + cursorFresh + 3*8
)

// tagSize is the size of the authentication tag in bytes.
const tagSize = sha256.Size

// NewCursorKey derives the key from the node's secret (at least 16 bytes).
func NewCursorKey(secret []byte) (*CursorKey, error) {
	if len(secret) < 16 {
		return nil, fmt.Errorf("link: secret for cursors has %d bytes, want 16 or more", len(secret))
	}
	mac, err := hkdf.Key(sha256.New, secret, nil, "entente link cursor authentication", 32)
	if err != nil {
		return nil, fmt.Errorf("link: cursor key: %w", err)
	}
	enc, err := hkdf.Key(sha256.New, secret, nil, "entente link cursor encryption", 32)
	if err != nil {
		return nil, fmt.Errorf("link: cursor key: %w", err)
	}
	block, err := aes.NewCipher(enc)
	if err != nil {
		return nil, fmt.Errorf("link: cursor key: %w", err)
	}
	return &CursorKey{mac: mac, block: block, fresh: func(b []byte) {
		_, _ = rand.Read(b) // never fails (crypto/rand, Go 1.24)
	}}, nil
}

// tag authenticates a cursor for one peer.
func (k *CursorKey) tag(peer string, plain []byte) []byte {
	h := hmac.New(sha256.New, k.mac)
	var n [8]byte
	binary.BigEndian.PutUint64(n[:], uint64(len(peer)))
	h.Write(n[:])
	h.Write([]byte(peer))
	h.Write(plain)
	return h.Sum(nil)
}

// Seal makes a cursor opaque for one peer.
func (k *CursorKey) Seal(peer string, c Cursor) ([]byte, error) {
	if c.Incarnation == "" || len(c.Incarnation) > maxIncarnation {
		return nil, errors.New("link: cursor without the incarnation of the log")
	}
	plain := make([]byte, 0, cursorFixed+len(c.Incarnation))
	plain = append(plain, cursorVersion)
	plain = plain[:1+cursorFresh]
	k.fresh(plain[1:])
	plain = binary.BigEndian.AppendUint64(plain, c.Pos)
	plain = binary.BigEndian.AppendUint64(plain, c.Seq)
	plain = binary.BigEndian.AppendUint64(plain, c.Check)
	plain = append(plain, c.Incarnation...)
	sealed := append(make([]byte, 0, tagSize+len(plain)), k.tag(peer, plain)...)
	sealed = append(sealed, plain...)
	cipher.NewCTR(k.block, sealed[:aes.BlockSize]).XORKeyStream(sealed[tagSize:], plain)
	return sealed, nil
}

// Open reads a cursor that Seal made for the same peer; anything else is
// refused as malformed.
func (k *CursorKey) Open(peer string, sealed []byte) (Cursor, error) {
	refused := federation.Refuse(federation.Malformed, "cursor", "the cursor was not made by this node for this peer")
	refused.Hint = "let the receiver start again from an empty cursor if this node's keys were replaced"
	if len(sealed) < tagSize+cursorFixed+1 || len(sealed) > maxCursor {
		return Cursor{}, refused
	}
	plain := make([]byte, len(sealed)-tagSize)
	cipher.NewCTR(k.block, sealed[:aes.BlockSize]).XORKeyStream(plain, sealed[tagSize:])
	if !hmac.Equal(k.tag(peer, plain), sealed[:tagSize]) || plain[0] != cursorVersion {
		return Cursor{}, refused
	}
	return Cursor{
		Pos:         binary.BigEndian.Uint64(plain[1+cursorFresh:]),
		Seq:         binary.BigEndian.Uint64(plain[9+cursorFresh:]),
		Check:       binary.BigEndian.Uint64(plain[17+cursorFresh:]),
		Incarnation: string(plain[cursorFixed:]),
	}, nil
}
