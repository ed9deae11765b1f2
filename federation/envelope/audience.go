package envelope

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/policy"
)

// What is sent to a peer is a text that all peers of an audience share, and a
// hop that is the peer's own: it names the peer, its number on the link and a salt,
// and it is signed. The shared part is made once.

// said is what the hop records of one cleared message say to every peer of the
// audience: made with the first of them.
type said struct {
	once   sync.Once
	before []byte   // members between the link's number and the salt
	after  []byte   // the end of the salt, and the members behind it
	head   [32]byte // name of the text that goes before the hop
	tables string   // with which it was made
	err    error
}

// To returns the same variant for another recipient of the audience, without
// asking for decisions: what was decided was decided for all of it. It fails
// where that is not so (see [policy.Common.Holds]) or no longer stands; such a
// peer needs its own [Redact].
func (c *Cleared) To(to *policy.Recipient, now time.Time) (*Cleared, error) {
	if !c.valid() {
		return nil, federation.Refuse(federation.PolicyError, "redact", "not a cleared message")
	}
	if !c.until.IsZero() && !now.Before(c.until) || !c.common.Holds(to, now) {
		return nil, federation.Refuse(federation.PolicyError, "message "+c.v.ID(), "what was decided for "+c.peer+" was not decided for "+to.Peer())
	}
	other := *c
	other.peer = to.Peer()
	return &other, nil
}

// Size returns how many bytes of text the variant holds that the message does not.
func (c *Cleared) Size() int {
	if !c.valid() || len(c.plan) == 0 {
		return 0
	}
	return len(c.sd)
}

// Len returns how many bytes go before our hop.
func (c *Cleared) Len() int {
	if !c.valid() {
		return 0
	}
	return len(c.v.raw) - len(c.v.m.sd) + len(c.sd)
}

// text returns the message as it goes without our hop, made once.
func (x *variant) text() []byte {
	x.once.Do(func() { x.head = x.join() })
	return x.head
}

func (x *variant) join() []byte {
	switch {
	case len(x.plan) == 0:
		return x.v.raw
	case len(x.v.m.hops) == 0:
		return x.sd
	}
	size := len(x.sd)
	for _, h := range x.v.m.hops {
		size += len(h.line) + 1
	}
	raw := append(make([]byte, 0, size), x.sd...)
	for _, h := range x.v.m.hops {
		raw = append(append(raw, '\n'), h.line...)
	}
	return raw
}

// say makes the shared parts of the records, for one version of the tables.
func (c *Cleared) say(tables string) *said {
	s := c.said
	if s == nil {
		s = &said{}
	}
	s.once.Do(func() {
		s.tables = tables
		s.err = s.make(c)
	})
	if s.tables != tables { // another one is in force by now
		s = &said{tables: tables}
		s.err = s.make(c)
	}
	return s
}

func (s *said) make(c *Cleared) error {
	m := c.v.m
	prev := elementHash(m.jws.Header, m.jws.Payload, m.jws.Signature)
	if n := len(m.hops); n > 0 {
		prev = m.hops[n-1].id
	}
	s.head = elementHash(c.sdHash[:], prev[:])
	r := &record{Prev: digestString(prev), SDHash: digestString(c.sdHash)}
	if c.peer != "" {
		r.Pol = digestString(c.bundle)
	}
	for _, o := range c.out {
		r.Out = append(r.Out, [2]string{digestString(o.Digest), o.Class})
	}
	for _, x := range c.marks {
		r.Map = append(r.Map, [3]string{digestString(x.Object), x.From, x.To})
	}
	if len(r.Map) > 0 {
		if r.Tab = s.tables; r.Tab == "" || len(r.Tab) > maxText {
			return errors.New("sign: markings were mapped, and the tables have no version")
		}
	}
	text, err := r.encode()
	if err != nil {
		return fmt.Errorf("sign: message %s: %w", c.v.ID(), err)
	}
	// What stands before these members is empty here, and digests hold no quote.
	from := bytes.Index(text, []byte(`,"prev":`))
	salt := from + bytes.Index(text[from:], []byte(`,"sal":"`)) + len(`,"sal":"`)
	s.before, s.after = text[from:salt:salt], text[salt:]
	return nil
}

// appendRecord appends the text of a hop record: what a [record] with the same
// members is as JSON.
func (d *Dispatch) appendRecord(b []byte, c *Cleared, i int, salt []byte) ([]byte, error) {
	if err := d.admit(c); err != nil {
		return nil, err
	}
	s := c.say(d.Tables)
	if s.err != nil {
		return nil, s.err
	}
	b = append(b, `{"ver":`...)
	b = strconv.AppendInt(b, Version, 10)
	b = append(b, `,"n":`...)
	b = strconv.AppendInt(b, int64(len(c.v.m.hops)), 10)
	b = append(b, `,"iss":"`...)
	b = append(b, d.Self...) // ids have no letter that JSON escapes
	b = append(b, `","aud":"`...)
	b = append(b, d.Peer...)
	b = append(b, `","iat":`...)
	b = strconv.AppendInt(b, d.Now.Unix(), 10)
	b = append(b, `,"seq":`...)
	b = strconv.AppendUint(b, d.FirstSeq+uint64(i), 10)
	b = append(b, s.before...)
	b = base64.RawURLEncoding.AppendEncode(b, salt)
	return append(b, s.after...), nil
}

// Head returns the message's text without our hop: the same bytes for every peer
// of the audience, and never changed. The caller must not change it.
func (s *Signed) Head() []byte {
	if !s.Valid() {
		return nil
	}
	return s.head
}

// HeadID names the head: two that have the same one are the same bytes. It is a
// hash of sd_hash and prev, of which the one covers the first line and the other
// all hops, decoded; of each there is only one spelling.
func (s *Signed) HeadID() [32]byte { return s.id }

// Tail returns the rest of the message's text: our hop, which is this peer's
// own.
func (s *Signed) Tail() []byte {
	if !s.Valid() {
		return nil
	}
	return s.tail
}
