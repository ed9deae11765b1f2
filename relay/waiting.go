package relay

import (
	"context"
	"slices"
	"sync"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/policy"
	"github.com/entente-relay/entente/relay/store"
)

// maxWaiting bounds the log entries remembered as waiting for an id. What is
// beyond is judged again with the next reload or start.
const maxWaiting = 50_000

// waiter is a log entry of which something is held for one peer, or so many
// parts are removed, for want of what they mention.
type waiter struct {
	peer    string
	seq     uint64
	lacking int
}

// waiting remembers for which ids something is held: an object that mentions
// one by an id that nothing here answers to, or whose bearer is held itself.
// When something with the id comes, it is judged again.
type waiting struct {
	mu    sync.Mutex
	byID  map[string][]waiter
	count int      // in byID and due
	due   []waiter // may go now, to be looked at by the follower
	isDue map[waiter]bool
	freed uint64 // how often something was let go that had waited
}

// judgedAt is when something was judged: what came or was let go since may change
// the answer, and nothing else does.
type judgedAt struct{ known, freed uint64 }

func (n *Node) judgedNow() judgedAt {
	n.waiting.mu.Lock()
	defer n.waiting.mu.Unlock()
	return judgedAt{n.known(), n.waiting.freed}
}

// frees makes due what waits for an object that a peer is let have.
func (n *Node) frees(id string) {
	n.waiting.mu.Lock()
	n.waiting.freed++
	n.waiting.mu.Unlock()
	if n.waiting.came(id) {
		n.wake()
	}
}

func (w *waiting) add(ids []string, x waiter) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.byID == nil {
		w.byID = map[string][]waiter{}
	}
	for _, id := range ids {
		if w.count >= maxWaiting {
			return
		}
		if !slices.Contains(w.byID[id], x) {
			w.byID[id] = append(w.byID[id], x)
			w.count++
		}
	}
}

// came makes due what waits for an id.
func (w *waiting) came(id string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	xs := w.byID[id]
	if len(xs) == 0 {
		return false
	}
	delete(w.byID, id)
	for _, x := range xs {
		if w.isDue[x] {
			w.count--
			continue
		}
		if w.isDue == nil {
			w.isDue = map[waiter]bool{}
		}
		w.isDue[x] = true
		w.due = append(w.due, x)
	}
	return true
}

// take returns what is due.
func (w *waiting) take() []waiter {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := w.due
	w.due, w.isDue = nil, nil
	w.count -= len(out)
	return out
}

// awaits remembers, once the journal has it, that something of an entry is held
// for a peer until something with one of the ids is known here, or let go. What is
// here and waits for a person itself may do so for days: it is looked at again
// when it moves, not all the time.
func (n *Node) awaits(ids []string, x waiter, judged judgedAt) error {
	n.waiting.add(ids, x)
	moved := n.judgedNow().freed != judged.freed
	for _, id := range ids { // it may have come meanwhile
		places, err := n.index.Places("", id)
		if err != nil {
			return err
		}
		here := slices.ContainsFunc(places, func(p store.Place) bool { return moved || p.LogSeq > judged.known })
		if here && n.waiting.came(id) {
			n.wake()
		}
	}
	return nil
}

// waitsFor lists the ids for which something in the decisions is held or
// removed, and counts what is removed.
func (x *reach) waitsFor(ds []policy.Decision) (ids []string, lacking int) {
	for _, d := range ds {
		k := d.Lacking()
		lacking += k
		if rs := d.Reasons(); k > 0 || d.Verdict() == federation.Hold && len(rs) > 0 && rs[0].Reason == federation.UnresolvedReference {
			ids = append(ids, x.Waits(d)...)
		}
	}
	return ids, lacking
}

// retryWaiting judges again what waited for something that has come.
func (n *Node) retryWaiting(ctx context.Context) error {
	due := n.waiting.take()
	if len(due) == 0 {
		return nil
	}
	w, now := n.world.Load(), n.now()
	reaches := map[string]*reach{}
	for _, d := range due {
		if reaches[d.peer] == nil {
			reaches[d.peer] = newReach(ctx, n, w, w.Recipient(d.peer), d.peer, now)
		}
		if _, err := n.retryEntry(ctx, reaches[d.peer], d, nil); err != nil {
			return err
		}
	}
	return nil
}
