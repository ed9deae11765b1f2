package relay

import (
	"context"
	"fmt"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/relay/store"
)

// expireTick is how often the node looks for what is over, and expireSome how
// many places of the log it looks at in one go: messages come in between.
const (
	expireTick = time.Minute
	expireSome = 256
)

// expire erases what is over: a bounded part of it in one go. More says that
// there may be some left.
func (n *Node) expire(ctx context.Context) (more bool, err error) {
	if more, err := n.redue(ctx); err != nil || more {
		return more, err
	}
	places, err := n.index.DueBy(ctx, n.now(), n.dueAfter, expireSome)
	if err != nil {
		return false, err
	}
	if len(places) == 0 {
		n.dueAfter = store.Due{} // what is on hold is looked at again
		if n.scrub {
			done, err := n.index.Scrub(ctx)
			n.scrub = !done
			return false, err
		}
		return false, nil
	}
	n.scrub = true
	n.at(stepDue)
	if err := n.erasePlaces(ctx, places); err != nil {
		return false, err
	}
	n.at(stepGone)
	n.dueAfter = places[len(places)-1]
	return true, nil
}

// erasePlaces erases what stands at places of the log, wherever else it is.
func (n *Node) erasePlaces(ctx context.Context, places []store.Due) error {
	var all []target
	var nothing []store.Due
	for _, d := range places {
		ts, err := n.targets(ctx, d)
		if err != nil {
			return err
		}
		if len(ts) == 0 {
			nothing = append(nothing, d)
		}
		all = append(all, ts...)
	}
	if len(all) > 0 {
		if err := n.eraseAll(ctx, all); err != nil {
			return err
		}
	}
	if len(nothing) > 0 {
		return n.index.NotDue(ctx, nothing)
	}
	return nil
}

// targets lists where the object is that stands at a place of the log: none if
// nothing is left of it there.
func (n *Node) targets(ctx context.Context, d store.Due) ([]target, error) {
	st, ok, err := n.stored(ctx, d.Seq)
	if err != nil || !ok {
		return nil, err
	}
	e, err := decodeEntry(st.Data)
	if err != nil {
		return nil, fmt.Errorf("log sequence %d: %w", d.Seq, err)
	}
	if d.N >= len(e.Items) || e.Items[d.N].For != "" {
		return nil, nil
	}
	it := e.Items[d.N]
	here := target{seq: d.Seq, issuer: it.Issuer, digest: it.Digest, n: d.N, why: federation.Expired}
	if it.Outcome != taken {
		return []target{here}, nil
	}
	others, err := n.everywhere(ctx, here)
	return append(others, here), err
}

// redueSome is how many log entries get other dates in one go.
const redueSome = 500

// redue works out anew until when what is here may be kept, after the rules of
// retention changed. It goes on where it was when the node ended.
func (n *Node) redue(ctx context.Context) (more bool, err error) {
	rules, from, to, err := n.index.DueRules(ctx)
	if err != nil {
		return false, err
	}
	w := n.world.Load()
	if rules != w.retention.rules {
		n.dueAfter = store.Due{}
		return true, n.index.NewRules(ctx, w.retention.rules)
	}
	if from >= to {
		return false, nil
	}
	got, err := n.log.Read(ctx, from+1, redueSome, readBytes)
	if err != nil {
		return false, err
	}
	var all []store.Due
	upTo := to // nothing more is there
	for _, st := range got {
		e, err := decodeEntry(st.Data)
		if err != nil {
			return false, fmt.Errorf("log sequence %d: %w", st.Seq, err)
		}
		all = append(all, w.retention.dues(e, st.Seq)...)
		upTo = st.Seq
	}
	n.dueAfter = store.Due{}
	return true, n.index.Redue(ctx, upTo, all)
}

// expireAll erases everything that is over. It is for the start, before anything
// is served: a log put back from a backup may hold what was erased since.
func (n *Node) expireAll(ctx context.Context) error {
	n.scrub = true // what was erased just before the end may not be scrubbed yet
	for {
		more, err := n.expire(ctx)
		if err != nil || !more {
			return err
		}
		if err := n.followBoth(ctx); err != nil {
			return err
		}
	}
}
