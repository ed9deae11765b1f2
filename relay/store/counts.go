package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/entente-relay/entente/federation"
)

// Counts are all counts of a node, at one pair of positions.
type Counts struct {
	// Log and Journal are the positions up to which they count.
	Log, Journal uint64
	In           []In  // ordered by source; none of those that count nothing
	Out          []Out // ordered by peer
}

// In counts the objects that reached the node from one source.
//
//	Received == Taken + Duplicate + Held + Refused
//
// Of what was Taken, Variants are objects that were here before and
// came again by another way, showing more: Taken - Variants is the number of
// objects here.
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
	// Withdrawn counts the withdrawals that took effect; they are no objects.
	Withdrawn uint64
	Variants  uint64 // of those taken
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
//	Withdrawals.Sent == Acknowledged + NotTaken + InFlight of the same
//
// Held is what waits now, as in [In]. Disputed are the objects of messages
// whose receipt does not count as many objects as were sent. Replaced stands
// outside: objects of messages that the peer asked for again, so that each was
// judged again.
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
	// Withdrawals counts the digests taken back from the peer: what it says it
	// obeyed, what it held or refused, and what no receipt came for yet.
	Withdrawals struct{ Sent, Acknowledged, NotTaken, InFlight uint64 }
	// WithheldFor and HeldFor divide Withheld and Held by reason.
	WithheldFor, HeldFor map[federation.Reason]uint64

	// LogSeq is the log position that the peer's last frame reaches, LinkSeq
	// the last number on the link in it and AckedSeq the highest acknowledged.
	LogSeq, LinkSeq, AckedSeq uint64
}

// Check returns an error naming the equations that do not hold.
func (c Counts) Check() error {
	var errs []error
	equal := func(who, equation string, left, right uint64) {
		if left != right {
			errs = append(errs, fmt.Errorf("counts of %s do not add up: %s, but %d and %d", who, equation, left, right))
		}
	}
	for _, in := range c.In {
		if in.Variants > in.Taken {
			errs = append(errs, fmt.Errorf("counts of %s do not add up: %d variants of %d taken", in.Source, in.Variants, in.Taken))
		}
		equal(in.Source, "received = taken + duplicate + held + refused", in.Received, in.Taken+in.Duplicate+in.Held+in.Refused)
	}
	for _, out := range c.Out {
		equal(out.Peer, "judged = sent + withheld + held", out.Judged, out.Sent+out.Withheld+out.Held)
		equal(out.Peer, "sent = acknowledged + in flight", out.Sent, out.Acknowledged+out.InFlight)
		equal(out.Peer, "acknowledged = stored + duplicate + held there + refused + disputed", out.Acknowledged,
			out.Stored+out.Duplicate+out.HeldThere+out.Refused+out.Disputed)
		equal(out.Peer, "withdrawals sent = acknowledged + not taken + in flight", out.Withdrawals.Sent,
			out.Withdrawals.Acknowledged+out.Withdrawals.NotTaken+out.Withdrawals.InFlight)
		if out.Redacted > out.Sent {
			errs = append(errs, fmt.Errorf("counts of %s do not add up: %d redacted of %d sent", out.Peer, out.Redacted, out.Sent))
		}
	}
	return errors.Join(errs...)
}

type side uint8

const (
	sideIn side = iota
	sideOut
)

// what is a quantity; the numbers are in the file.
type what uint8

const (
	inReceived what = iota
	inTaken
	inDuplicate
	inHeld
	inRefused
	outJudged
	outSent
	outRedacted
	outWithheld
	outHeld
	outAcknowledged
	outInFlight
	outStored
	outDuplicate
	outHeldThere
	outRefused
	outDisputed
	outReplaced
	inWithdrawn
	outGoneSent
	outGoneAcknowledged
	outGoneNotTaken
	outGoneInFlight
	inVariants
)

// counter is one number: of a source or a peer, divided by reason where it has
// reasons.
type counter struct {
	side   side
	who    string
	what   what
	reason string
}

// lane is how far the frames for one peer reach.
type lane struct{ seq, link, acked uint64 }

// counts are the numbers in memory, as of the last stored batch.
type counts struct {
	mu                 sync.RWMutex
	applied, journaled uint64
	numbers            map[counter]int64
	lanes              map[string]lane
}

func (c *counts) merge(b *batch) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for k, n := range b.counts {
		c.numbers[k] += n
	}
	maps.Copy(c.lanes, b.lanes)
	c.applied, c.journaled = b.applied, b.journaled
}

func (c *counts) lane(peer string) lane {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.lanes[peer]
}

func (b *batch) count(c counter, n int64) {
	if n != 0 {
		b.counts[c] += n
	}
}

// writeCounts adds the batch's numbers to those in the file.
func (b *batch) writeCounts() error {
	for c, n := range b.counts {
		who, err := b.name(c.who)
		if err != nil {
			return err
		}
		if _, err := b.exec("INSERT INTO counters (side, who, what, reason, n) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET n = n + excluded.n",
			int64(c.side), who, int64(c.what), c.reason, n); err != nil {
			return err
		}
	}
	return nil
}

// Counts returns all counts at this moment. It does not read the file.
func (s *Store) Counts(ctx context.Context) (Counts, error) {
	if err := ctx.Err(); err != nil {
		return Counts{}, err
	}
	s.counts.mu.RLock()
	defer s.counts.mu.RUnlock()
	in := make(map[string]*In)
	out := make(map[string]*Out)
	for c, n := range s.counts.numbers {
		if n < 0 {
			return Counts{}, fmt.Errorf("store %s: count %d of %q is %d: delete the file, it is built anew from the log", s.path, c.what, c.who, n)
		}
		if n == 0 {
			continue
		}
		if c.side == sideIn {
			inOf(in, c.who).set(c, uint64(n))
		} else {
			outOf(out, c.who).set(c, uint64(n))
		}
	}
	for peer, l := range s.counts.lanes {
		o := outOf(out, peer)
		o.LogSeq, o.LinkSeq, o.AckedSeq = l.seq, l.link, l.acked
	}
	c := Counts{Log: s.counts.applied, Journal: s.counts.journaled}
	for _, source := range slices.Sorted(maps.Keys(in)) {
		c.In = append(c.In, *in[source])
	}
	for _, peer := range slices.Sorted(maps.Keys(out)) {
		c.Out = append(c.Out, *out[peer])
	}
	return c, nil
}

func inOf(in map[string]*In, source string) *In {
	if in[source] == nil {
		in[source] = &In{Source: source, HeldFor: make(map[federation.Reason]uint64), RefusedFor: make(map[federation.Reason]uint64)}
	}
	return in[source]
}

func outOf(out map[string]*Out, peer string) *Out {
	if out[peer] == nil {
		out[peer] = &Out{Peer: peer, HeldFor: make(map[federation.Reason]uint64), WithheldFor: make(map[federation.Reason]uint64)}
	}
	return out[peer]
}

func (in *In) set(c counter, n uint64) {
	switch c.what {
	case inReceived:
		in.Received = n
	case inTaken:
		in.Taken = n
	case inVariants:
		in.Variants = n
	case inDuplicate:
		in.Duplicate = n
	case inWithdrawn:
		in.Withdrawn = n
	case inHeld:
		in.Held += n
		in.HeldFor[federation.Reason(c.reason)] = n
	case inRefused:
		in.Refused += n
		in.RefusedFor[federation.Reason(c.reason)] = n
	}
}

func (o *Out) set(c counter, n uint64) {
	switch c.what {
	case outWithheld:
		o.Withheld += n
		o.WithheldFor[federation.Reason(c.reason)] = n
	case outHeld:
		o.Held += n
		o.HeldFor[federation.Reason(c.reason)] = n
	default:
		*o.number(c.what) = n
	}
}

// number is the field of a quantity that has no reasons.
func (o *Out) number(w what) *uint64 {
	switch w {
	case outJudged:
		return &o.Judged
	case outSent:
		return &o.Sent
	case outRedacted:
		return &o.Redacted
	case outAcknowledged:
		return &o.Acknowledged
	case outInFlight:
		return &o.InFlight
	case outStored:
		return &o.Stored
	case outDuplicate:
		return &o.Duplicate
	case outHeldThere:
		return &o.HeldThere
	case outRefused:
		return &o.Refused
	case outDisputed:
		return &o.Disputed
	case outGoneSent:
		return &o.Withdrawals.Sent
	case outGoneAcknowledged:
		return &o.Withdrawals.Acknowledged
	case outGoneNotTaken:
		return &o.Withdrawals.NotTaken
	case outGoneInFlight:
		return &o.Withdrawals.InFlight
	default:
		return &o.Replaced
	}
}
