package relay

import (
	"context"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/policy"
	"github.com/entente-relay/entente/relay/journal"
	"github.com/entente-relay/entente/relay/store"
)

// again is what came of an object that waited for a peer when it was judged
// again.
type again struct {
	store.HeldObject
	free bool         // it may go
	why  policy.Cited // else why not
	// settled says that it waits no more: it may go, or it never will for why.
	settled bool
	// moved says that it waits for something else now.
	moved bool
	// decision is what persons decided of it.
	decision string
}

// rejected reports whether persons decided that it stays.
func (a *again) rejected() bool { return a.settled && !a.free && a.decision != "" }

// bySeq groups what waits by log entry, in order.
func bySeq(held []store.HeldObject) iter.Seq2[uint64, []store.HeldObject] {
	by := map[uint64][]store.HeldObject{}
	for _, h := range held {
		by[h.LogSeq] = append(by[h.LogSeq], h)
	}
	return func(yield func(uint64, []store.HeldObject) bool) {
		for _, seq := range slices.Sorted(maps.Keys(by)) {
			if !yield(seq, by[seq]) {
				return
			}
		}
	}
}

// retryEntry judges a log entry again for a peer: its signature, who took what
// back, and the rules. If something may go now that was held of it (of the named
// objects, where any are named) or removed, it enters the log anew for this
// peer, who takes what it has not got. It returns what came of the named.
func (n *Node) retryEntry(ctx context.Context, x *reach, d waiter, named []store.HeldObject) ([]again, error) {
	p, err := n.entryAt(ctx, x.world, d.seq)
	if err != nil {
		return nil, err
	}
	if p == nil || p.verified == nil {
		return unverified(named), nil
	}
	if named == nil {
		if named, err = n.index.Held(ctx, store.HeldFilter{Peer: d.peer, LogSeq: d.seq}); err != nil {
			return nil, err
		}
	}
	ds, err := x.judge(p)
	if err != nil {
		return nil, err
	}
	came := judgedAgain(p, ds, named, x.now)
	ids, lacking := x.waitsFor(ds)
	goes := slices.ContainsFunc(came, func(a again) bool { return a.free || a.moved })
	switch {
	case goes || lacking < d.lacking:
		err = n.resend(ctx, d.peer, d.seq)
	case len(ids) > 0:
		err = n.awaits(ids, d)
	}
	if err != nil {
		return nil, err
	}
	return came, n.settle(ctx, x.world, came)
}

// unverified says of objects whose message no longer verifies, or is no longer
// kept, that they stay.
func unverified(named []store.HeldObject) []again {
	var out []again
	for _, h := range named {
		out = append(out, again{HeldObject: h, why: policy.Cited{Reason: federation.UnknownIssuer, Rule: "held-here",
			Text: "Its message is no longer kept, or who signed it is no longer known, so it is not forwarded."}})
	}
	return out
}

// judgedAgain sets the decisions on a log entry beside what waits of it.
func judgedAgain(p *prepared, ds []policy.Decision, named []store.HeldObject, now time.Time) []again {
	var out []again
	for i, s := range p.subjects {
		for _, h := range named {
			if h.Digest != s.Digest() || p.items[i].Outcome != taken {
				continue
			}
			a := again{HeldObject: h}
			rs := ds[i].Reasons()
			if len(rs) > 0 {
				a.why, a.decision = rs[0], rs[0].Decision // a rejection comes first
			}
			if by := ds[i].Persons(); len(by) > 0 {
				a.decision = by[0]
			}
			until, ends := s.Object().ValidUntil()
			switch v := ds[i].Verdict(); {
			case ends && !now.Before(until):
				a.settled, a.decision, a.why = true, "", policy.Cited{Reason: federation.Expired, Rule: "held-here", Text: "Its validity ended while it waited."}
			case v == federation.Share || v == federation.Redact:
				a.settled, a.free = true, true
			case v == federation.Withhold:
				a.settled = true
			default:
				a.moved = a.why.Rule != h.Rule && (a.why.Reason != federation.UnresolvedReference || h.Reason != federation.UnresolvedReference)
			}
			out = append(out, a)
		}
	}
	return out
}

// resend asks that an earlier log entry be judged again for one peer, which the
// peer's cursor has not yet been behind.
func (n *Node) resend(ctx context.Context, peer string, seq uint64) error {
	now := n.now()
	_, err := n.committer.commit(ctx, sourceSelf, func(*view) ([]*entry, error) {
		return []*entry{{Kind: entryResend, Source: sourceSelf, At: now, Peer: peer, Refer: seq}}, nil
	})
	return err
}

// settle tells the journal what waits no more, and why.
func (n *Node) settle(ctx context.Context, w *World, came []again) error {
	for _, a := range came {
		if !a.settled {
			continue
		}
		s := &journal.Settle{Peer: journal.Token(a.Peer), Log: a.LogSeq, Issuer: journal.Token(a.Issuer), Digest: journal.Digest(a.Digest),
			ID: journal.ID(a.ID), Release: a.free, Decision: journal.Token(a.decision)}
		if !a.free {
			s.Reason, s.Rule = a.why.Reason, journal.Token(a.why.Rule)
		}
		if d, _ := w.decisions.find(a.decision); d != nil {
			s.By, s.Until = tokens(d.By), d.Until
		}
		if _, err := n.journal.Append(ctx, &journal.Record{At: n.now(), Settle: s}); err != nil {
			return err
		}
	}
	return nil
}

// sweepLimit bounds the objects that one look at what has ended goes through.
const sweepLimit = 2000

// dropExpired takes off the list what waits for a peer and whose validity ended.
func (n *Node) dropExpired(ctx context.Context) error {
	w, now := n.world.Load(), n.now()
	var over []again
	for _, p := range w.Peers {
		rows, err := n.index.Held(ctx, store.HeldFilter{Peer: p.Agreement.Peer, Limit: sweepLimit})
		if err != nil {
			return err
		}
		for _, h := range rows {
			ended, err := n.ended(ctx, h, now)
			if err != nil {
				return err
			}
			if ended {
				over = append(over, again{HeldObject: h, settled: true, why: policy.Cited{Reason: federation.Expired, Rule: "held-here"}})
			}
		}
	}
	return n.settle(ctx, w, over)
}

func (n *Node) ended(ctx context.Context, h store.HeldObject, now time.Time) (bool, error) {
	for o, err := range n.index.Objects(ctx, store.Filter{ID: h.ID}) {
		if err != nil {
			return false, err
		}
		if o.Issuer == h.Issuer && o.Digest == h.Digest {
			return !o.Expires.IsZero() && !now.Before(o.Expires), nil
		}
	}
	return false, nil
}
