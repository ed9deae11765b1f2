package relay

import (
	"context"
	"fmt"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/envelope"
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
	if more, err := n.eraseAsked(ctx); err != nil || more {
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
	found := eraser{node: n, entries: map[uint64]*entry{}}
	for _, d := range places {
		ts, kept, err := found.targets(ctx, d, federation.Expired, "")
		if err != nil {
			return err
		}
		if len(ts) == 0 && !kept {
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

// eraser finds out where the objects are that are to be erased. Neighbours stand
// in one entry, which it reads once.
type eraser struct {
	node    *Node
	entries map[uint64]*entry // nil for what is no longer kept
}

// entry returns what stands at a sequence of the log, nil if nothing does.
func (f *eraser) entry(ctx context.Context, seq uint64) (*entry, error) {
	if e, ok := f.entries[seq]; ok {
		return e, nil
	}
	st, ok, err := f.node.stored(ctx, seq)
	if err != nil {
		return nil, err
	}
	if !ok {
		f.entries[seq] = nil
		return nil, nil
	}
	e, err := decodeEntry(st.Data)
	if err != nil {
		return nil, fmt.Errorf("log sequence %d: %w", seq, err)
	}
	e.Body = nil // only its head is asked for
	f.entries[seq] = e
	return e, nil
}

// targets lists where the object is that stands at a place of the log: none if
// nothing is left of it there, or if it is kept by a legal hold.
func (f *eraser) targets(ctx context.Context, d store.Due, why federation.Reason, because string) (all []target, kept bool, err error) {
	e, err := f.entry(ctx, d.Seq)
	if err != nil || e == nil || d.N < 0 || d.N >= len(e.Items) || e.Items[d.N].For != "" {
		return nil, false, err
	}
	it := e.Items[d.N]
	if f.node.world.Load().onHold(e, &it) != nil {
		return nil, true, nil
	}
	here := target{seq: d.Seq, issuer: it.Issuer, digest: it.Digest, n: d.N, why: why, because: because}
	if it.Outcome != taken {
		return []target{here}, false, nil
	}
	others, err := f.node.everywhere(ctx, here)
	if err == nil {
		kept, err = f.anyOnHold(ctx, others)
	}
	if err != nil || kept {
		return nil, kept, err
	}
	return append(others, here), false, nil
}

// anyOnHold reports whether a legal hold keeps one of the places of an object:
// then it keeps all.
func (f *eraser) anyOnHold(ctx context.Context, all []target) (bool, error) {
	w := f.node.world.Load()
	if len(w.holds) == 0 {
		return false, nil
	}
	for _, t := range all {
		e, err := f.entry(ctx, t.seq)
		if err != nil {
			return false, err
		}
		if e == nil {
			continue
		}
		for i := range e.Items {
			if it := &e.Items[i]; it.Issuer == t.issuer && it.Digest == t.digest && w.onHold(e, it) != nil {
				return true, nil
			}
		}
	}
	return false, nil
}

// eraseAsked erases what operators want erased, and takes back what of it is this
// node's own. It looks once at each list of wishes, and again while a legal hold
// keeps some of it.
func (n *Node) eraseAsked(ctx context.Context) (more bool, err error) {
	w := n.world.Load()
	if w.asked == nil || n.askedDone == w.asked {
		return false, nil
	}
	waits := false
	for _, x := range w.asked.erasures {
		some, kept, err := n.askedTargets(ctx, x)
		if err != nil {
			return false, err
		}
		waits = waits || kept
		if len(some) == 0 {
			continue
		}
		if err := n.eraseAll(ctx, some); err != nil {
			return false, err
		}
		n.scrub, more = true, true
	}
	if !waits && !more {
		n.askedDone = w.asked
	}
	return more, nil
}

// askedTargets lists what is here of an erasure.
func (n *Node) askedTargets(ctx context.Context, x *Erasure) (all []target, kept bool, err error) {
	found := eraser{node: n, entries: map[uint64]*entry{}}
	add := func(d store.Due) error {
		ts, onHold, err := found.targets(ctx, d, federation.Withdrawn, x.Because)
		all, kept = append(all, ts...), kept || onHold
		return err
	}
	for _, o := range x.Objects {
		var d digest
		if err := d.UnmarshalText([]byte(o.Digest)); err != nil {
			return nil, false, err
		}
		places, err := found.placesOf(ctx, o.Issuer, d)
		if err != nil {
			return nil, false, err
		}
		for _, p := range places {
			if err := add(p); err != nil {
				return nil, false, err
			}
		}
		if o.Issuer == n.id && len(places) > 0 {
			reason := envelope.GoneSpill // whoever got it erases it as well
			if kept {
				reason = envelope.GoneWithdrawn
			}
			if err := n.takeBackOwn(ctx, d, reason); err != nil {
				return nil, false, err
			}
		}
	}
	if x.Log == n.log.Incarnation() {
		for _, p := range x.Places {
			if err := add(store.Due{Seq: p.Seq, N: p.N}); err != nil {
				return nil, false, err
			}
		}
	}
	return all, kept, nil
}

// placesOf lists the items of the log that hold an object.
func (f *eraser) placesOf(ctx context.Context, issuer string, d digest) ([]store.Due, error) {
	routes, err := f.node.index.Routes(ctx, issuer, d)
	if err != nil {
		return nil, err
	}
	waiting, err := f.node.index.Held(ctx, store.HeldFilter{Intake: true, Issuer: issuer, Digest: d})
	if err != nil {
		return nil, err
	}
	for _, h := range waiting {
		routes = append(routes, store.Route{LogSeq: h.LogSeq})
	}
	var out []store.Due
	for _, r := range routes {
		e, err := f.entry(ctx, r.LogSeq)
		if err != nil {
			return nil, err
		}
		if e == nil {
			continue
		}
		for i, it := range e.Items {
			if it.Issuer == issuer && it.Digest == d && it.For == "" {
				out = append(out, store.Due{Seq: r.LogSeq, N: i})
			}
		}
	}
	return out, nil
}

// takeBackOwn tells everybody who got an own object that it is withdrawn.
func (n *Node) takeBackOwn(ctx context.Context, d digest, reason string) error {
	have, _, err := n.index.Withdrawal(n.id, d)
	if err != nil || !store.Outranks(reason, have.Reason) {
		return err
	}
	gone := []envelope.Gone{{Digest: d, Reason: reason}}
	_, err = takenBack{}.commit(ctx, n.committer, n.world.Load(), n.keys, n.now(), "", func(*view) ([]*entry, []envelope.Gone, error) { return nil, gone, nil })
	return err
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
