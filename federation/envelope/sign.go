package envelope

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
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
	// FirstSeq is the link's number of the first message, from 1; numbers are
	// dense.
	FirstSeq uint64
	// Tables is the version of the mapping tables that the decisions used.
	Tables string
	// Rand makes the salts of the records; nil is crypto/rand.
	Rand io.Reader
}

// Signed is a message with our hop, ready to go to one peer. Only [SignFrame]
// makes one; the zero value has no bytes.
type Signed struct {
	head []byte   // what all peers of the audience get
	id   [32]byte // of head
	tail []byte   // our hop, with the line break before it
	seq  uint64
	root string
}

// SignFrame adds our hop to each message of a frame, 1 to [MaxFrame] of them:
// one record each, one signature over the root of their tree. A refusal names
// the message that cannot go.
func SignFrame(cs []*Cleared, d Dispatch) ([]*Signed, error) {
	if err := d.check(len(cs)); err != nil {
		return nil, err
	}
	salts := make([]byte, saltBytes*len(cs))
	if _, err := io.ReadFull(d.rand(), salts); err != nil {
		return nil, fmt.Errorf("sign: salts: %w", err)
	}
	records, leaves, err := d.records(cs, salts)
	if err != nil {
		return nil, err
	}
	hash, paths := tree(leaves)
	root, err := d.root(hash, len(cs))
	if err != nil {
		return nil, err
	}
	size := 0
	for i, r := range records {
		size += 1 + hopLength(len(r), len(paths[i]), len(root))
	}
	out, name, tails := make([]*Signed, len(cs)), digestString(hash), make([]byte, 0, size)
	for i, c := range cs {
		start := len(tails)
		tails = appendHop(append(tails, '\n'), records[i], i, len(cs), paths[i], root)
		out[i] = &Signed{head: c.text(), id: c.say(d.Tables).head, tail: tails[start:len(tails):len(tails)], seq: d.FirstSeq + uint64(i), root: name}
	}
	return out, nil
}

// records makes the records of all messages, in one piece of memory, and their
// leaves.
func (d *Dispatch) records(cs []*Cleared, salts []byte) (records [][]byte, leaves [][32]byte, err error) {
	ends := make([]int, len(cs))
	leaves = make([][32]byte, len(cs))
	var b []byte
	for i, c := range cs {
		start := len(b)
		if b, err = d.appendRecord(beginLeaf(b), c, i, salts[saltBytes*i:saltBytes*(i+1)]); err != nil {
			return nil, nil, err
		}
		if i == 0 {
			b = slices.Grow(b, (len(cs)-1)*len(b)*9/8)
		}
		leaves[i], ends[i] = sha256.Sum256(b[start:]), len(b)
	}
	records = make([][]byte, len(cs))
	from := 0
	for i, end := range ends {
		records[i], from = b[from+1+len(leafTag):end], end
	}
	return records, leaves, nil
}

// check reports what is wrong with the dispatch itself.
func (d *Dispatch) check(messages int) error {
	switch {
	case messages == 0 || messages > MaxFrame:
		return fmt.Errorf("sign: %d messages, a frame has 1 to %d", messages, MaxFrame)
	case d.Key == nil:
		return errors.New("sign: no key")
	case !directory.ValidID(d.Self) || !directory.ValidID(d.Peer) || d.Self == d.Peer:
		return fmt.Errorf("sign: from %q to %q: want the ids of two participants", d.Self, d.Peer)
	case d.FirstSeq < 1:
		return errors.New("sign: the link's numbers count from 1")
	}
	return nil
}

// rand returns the source of salts.
func (d *Dispatch) rand() io.Reader {
	if d.Rand == nil {
		return rand.Reader
	}
	return d.Rand
}

// admit checks that a message may go from here to this peer now.
func (d *Dispatch) admit(c *Cleared) error {
	if !c.valid() {
		return federation.Refuse(federation.PolicyError, "sign", "not a cleared message")
	}
	m, where := c.v.m, "message "+c.v.ID()
	holder := m.issuer
	passed := []string{m.issuer}
	for _, h := range m.hops {
		holder = h.Aud
		passed = append(passed, h.Iss)
	}
	switch {
	case c.peer != d.Peer && (c.peer != "" || len(c.v.items) > 0):
		return federation.Refuse(federation.PolicyError, where, fmt.Sprintf("cleared for %q, not for %s", c.peer, d.Peer))
	case !c.until.IsZero() && !d.Now.Before(c.until):
		return federation.Refuse(federation.PolicyError, where, "its decisions stood until "+c.until.UTC().Format(time.RFC3339)+": decide anew")
	case holder != d.Self:
		return federation.Refuse(federation.WrongRecipient, where, fmt.Sprintf("it is %s's to pass on, not %s's", holder, d.Self))
	case slices.Contains(passed, d.Peer):
		return federation.Refuse(federation.Loop, where, d.Peer+" has passed it on before")
	}
	return nil
}

// root signs the root of the frame.
func (d *Dispatch) root(hash [32]byte, n int) ([]byte, error) {
	p := rootPayload{Ver: Version, Iss: d.Self, Iat: d.Now.Unix(), N: n, Root: digestString(hash)}
	text, err := p.encode()
	if err != nil {
		return nil, err
	}
	return directory.SignJWS(typRoot, text, d.Key)
}

// Valid reports whether s was made by SignFrame.
func (s *Signed) Valid() bool { return s != nil && len(s.tail) > 0 }

// Bytes returns the message's text, [Signed.Head] and [Signed.Tail], nil for the
// zero value.
func (s *Signed) Bytes() []byte {
	if !s.Valid() {
		return nil
	}
	return append(append(make([]byte, 0, len(s.head)+len(s.tail)), s.head...), s.tail...)
}

// Seq returns the message's number on the link.
func (s *Signed) Seq() uint64 { return s.seq }

// Root returns the root of the frame's tree, base64url: the frame's name.
func (s *Signed) Root() string { return s.root }
