package link

import (
	"bytes"
	"crypto/sha256"
	"sync"
)

// MaxUnread is how many bytes of answers may be on their way to a peer before it
// shows that it reads them. An honest one asks again when it has read the last,
// so that one frame is on its way; this is several that got lost.
const MaxUnread = 4 << 20

// unread counts what peers were answered and have not shown to have read. What
// shows it is a pull with the cursor of the last answer: no cursor is sealed the
// same twice, so nobody else has it.
type unread struct {
	mu    sync.Mutex
	peers map[string]*given
}

// given is what one peer was answered.
type given struct {
	next  [sha256.Size]byte // of the last answer's cursor
	bytes int               // since a pull came with such a one
}

func (u *unread) of(peer string) *given {
	g := u.peers[peer]
	if g == nil {
		if u.peers == nil {
			u.peers = map[string]*given{}
		}
		g = &given{}
		u.peers[peer] = g
	}
	return g
}

// shows takes note of the cursor of a pull.
func (u *unread) shows(peer string, cursor []byte) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if sum := sha256.Sum256(cursor); len(cursor) > 0 && bytes.Equal(sum[:], u.of(peer).next[:]) {
		u.of(peer).bytes = 0
	}
}

// next takes note of the cursor of an answer that is about to go.
func (u *unread) next(peer string, cursor []byte) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(cursor) > 0 {
		u.of(peer).next = sha256.Sum256(cursor)
	}
}

// add counts an answer, and reports whether that is too much. Then it begins
// anew: the connection on which all that waits is closed.
func (u *unread) add(peer string, n int) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	g := u.of(peer)
	if g.bytes += n; g.bytes <= MaxUnread {
		return false
	}
	g.bytes = 0
	return true
}
