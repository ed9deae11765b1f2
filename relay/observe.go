package relay

import (
	"context"
	"errors"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/link"
	"github.com/entente-relay/entente/relay/dashboard"
	"github.com/entente-relay/entente/relay/journal"
)

// A peer that is observed gets nothing. What it would have got is judged all the
// same, by the code that builds its frames, and kept in the journal, in records
// of their own that make nobody a recipient. Its pulls wait as if there were
// nothing to send, and its cursor stays, so that sending begins with all that the
// log still holds.

// watchObserved starts and ends the observation of peers as the world says. The
// caller holds n.reloading, or has not started the node yet.
func (n *Node) watchObserved() {
	w := n.world.Load()
	for id, cancel := range n.observers {
		if !w.observes(id) {
			cancel()
			delete(n.observers, id)
		}
	}
	for _, p := range w.Peers {
		id := p.Agreement.Peer
		if p.Observed == nil || n.observers[id] != nil {
			continue
		}
		ctx, cancel := context.WithCancel(n.ctx)
		n.observers[id] = cancel
		since := p.Observed.Since
		n.wg.Go(func() { n.observe(ctx, id, since) })
	}
}

// observe journals what a peer would have got, until ctx ends. It goes on where
// the journal ends, so that a restart tells nothing twice.
func (n *Node) observe(ctx context.Context, peer string, since time.Time) {
	var pos uint64
	err := n.observedRecords(ctx, peer, since, func(r *journal.Record) bool {
		pos = r.Observed.LogTo
		return true
	})
	if err != nil {
		n.slog.Error("what a peer would have got is recorded from the beginning again: the journal could not be read", "peer", peer, "error", err)
	}
	for ctx.Err() == nil {
		grown := n.news.next()
		var more bool
		if pos, more, err = n.observeSome(ctx, peer, pos); err != nil && ctx.Err() == nil {
			n.slog.Error("what a peer would have got could not be recorded, and is tried again", "peer", peer, "error", err)
		}
		if more {
			continue
		}
		select {
		case <-ctx.Done():
		case <-grown:
		case <-time.After(time.Minute): // after an error there may be no news
		}
	}
}

// observeSome judges what follows a place in the log and journals it.
func (n *Node) observeSome(ctx context.Context, peer string, from uint64) (pos uint64, more bool, err error) {
	x := &exporter{n}
	d := x.draft(ctx, peer, from)
	for range simulateBatch {
		p, err := d.log.at(ctx, d.pos+1)
		if err != nil {
			return from, false, err
		}
		if p == nil || p.seq > n.known() {
			break
		}
		if more = d.record >= recordBytes; more {
			break
		}
		if p.kind == entryMessage { // nothing was sent, so nothing is taken back
			if err = x.judge(ctx, d, p); errors.Is(err, errEarly) {
				break
			}
			if err != nil {
				return from, false, err
			}
		}
		d.pos, more = p.seq, true
	}
	if len(d.verdicts) == 0 {
		return d.pos, more, nil
	}
	f := link.Frame{FirstSeq: 1}
	for range d.cleared {
		f.Messages = append(f.Messages, nil)
	}
	s, err := sentRecord(d, &f, from)
	if err == nil {
		_, err = n.journal.Append(ctx, &journal.Record{At: d.now, Observed: s})
	}
	if err != nil {
		return from, false, err
	}
	return d.pos, more, nil
}

// observedRecords hands over what the journal keeps of a peer's observation, the
// newest first, until each says that it has enough.
func (n *Node) observedRecords(ctx context.Context, peer string, since time.Time, each func(*journal.Record) (enough bool)) error {
	q := journal.Query{Peer: peer, Kinds: []journal.Kind{journal.KindObserved}, From: since, Limit: 16}
	for {
		found, err := journal.Find(ctx, n.journalLog(), q)
		if err != nil {
			return err
		}
		for _, r := range found.Records {
			if each(r) {
				return nil
			}
		}
		if found.Next == 0 {
			return nil
		}
		q.Before = found.Next
	}
}

// Observed tells what a peer that is observed would have got, by the journal.
func (n *Node) Observed(ctx context.Context, peer string) (dashboard.Observed, error) {
	p, ok := n.world.Load().peer(peer)
	if !ok || p.Observed == nil {
		return dashboard.Observed{}, federation.Refuse(federation.NoAgreement, peer, "it is no peer that is observed")
	}
	out := dashboard.Observed{Peer: peer, Since: p.Observed.Since, Until: p.Observed.Until, Over: p.Observed.Over(n.now())}
	count := newObservedCount()
	below := ^uint64(0) // a place in the log counts once, as it was judged last
	err := n.observedRecords(ctx, peer, p.Observed.Since, func(r *journal.Record) bool {
		out.Through = max(out.Through, r.Observed.LogTo)
		for _, m := range r.Observed.Messages {
			if m.Log <= below {
				count.message(&m)
			}
		}
		below = min(below, r.Observed.LogFrom)
		return false
	})
	count.into(&out)
	return out, err
}

// draft begins a frame.
func (x *exporter) draft(ctx context.Context, peer string, pos uint64) *draft {
	n := x.node
	w := n.world.Load()
	d := &draft{peer: peer, world: w, recipient: w.Recipient(peer), now: n.now(), pos: pos, log: logReader{node: n, world: w}}
	d.audience = d.recipient.Audience(d.now)
	d.reach = newReach(ctx, n, w, d.recipient, peer, d.now)
	return d
}
