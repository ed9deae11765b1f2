package relay

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/relay/bus"
	"github.com/entente-relay/entente/relay/store"
)

// retryLimit bounds how many things that wait for one peer a round looks at.
const retryLimit = 1000

// retryPending judges again the messages that wait for a fact: a key, a
// statement, a clock. What can be judged now enters the log anew.
func (n *Node) retryPending(ctx context.Context) error {
	return n.retryFor(ctx, slices.Collect(maps.Keys(pendingReasons))...)
}

// retryFor does so with those that wait for certain facts.
func (n *Node) retryFor(ctx context.Context, reasons ...federation.Reason) error {
	counts, err := n.index.Counts(ctx)
	if err != nil {
		return err
	}
	for _, in := range counts.In {
		for _, reason := range reasons {
			if in.HeldFor[reason] == 0 {
				continue
			}
			// Each source by itself: what one has waiting keeps no other's back.
			waiting, err := n.index.Held(ctx, store.HeldFilter{Intake: true, Source: in.Source, Reason: reason, Limit: maxPending})
			if err != nil {
				return err
			}
			for _, h := range waiting {
				if err := n.retryMessage(ctx, h.LogSeq); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (n *Node) retryMessage(ctx context.Context, seq uint64) error {
	st, ok, err := n.stored(ctx, seq)
	if err != nil || !ok {
		return err
	}
	e, err := decodeEntry(st.Data)
	if err != nil {
		return fmt.Errorf("log sequence %d: %w", seq, err)
	}
	if e.Kind != entryPending {
		return nil
	}
	now := n.now()
	a := n.examineOne(n.world.Load(), e.From, e.Body, now)
	if e.From != "" {
		a.inPlace(e.LinkSeq, e.Root)
	}
	if pendingReasons[federation.ReasonOf(a.err)] {
		return nil // still waits
	}
	lesser, err := n.lessers(ctx, n.world.Load(), []*arrival{a}, nil, now, maxJobEntries-1)
	if err != nil {
		return err
	}
	_, err = n.committer.commit(ctx, sourceSelf, func(v *view) ([]*entry, error) {
		again, err := a.entry(v)
		if err != nil || again.Kind == entryPending { // it waits for an act, still
			return nil, err
		}
		again.Source, again.From, again.At, again.Refer = sourceSelf, e.From, now, seq
		more, err := lesserEntries(v, lesser, []*entry{again}, now)
		return append([]*entry{again}, more...), err
	})
	return err
}

// stored returns the log entry with exactly that sequence.
func (n *Node) stored(ctx context.Context, seq uint64) (bus.Stored, bool, error) {
	got, err := n.log.Read(ctx, seq, 1, 1)
	if err != nil || len(got) == 0 || got[0].Seq != seq {
		return bus.Stored{}, false, err
	}
	return got[0], true, nil
}

// retryHeld judges again what waits before it may go to a peer. What may go
// now gets a new log entry, behind which that peer's cursor has not yet been.
func (n *Node) retryHeld(ctx context.Context) error {
	w, now := n.world.Load(), n.now()
	for _, p := range w.Peers {
		peer := p.Agreement.Peer
		held, err := n.index.Held(ctx, store.HeldFilter{Peer: peer, Limit: retryLimit})
		if err != nil {
			return err
		}
		x := newReach(ctx, n, w, w.Recipient(peer), peer, now)
		for seq, some := range bySeq(held) {
			if _, err := n.retryEntry(ctx, x, waiter{peer: peer, seq: seq}, some); err != nil {
				return err
			}
		}
	}
	return nil
}
