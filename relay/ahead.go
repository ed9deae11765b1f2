package relay

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/relay/journal"
	"github.com/entente-relay/entente/relay/store"
)

// Bounds of what waits in memory for the index. Beyond them the oldest are let
// go, and the follower reads those where they are stored: an index that is stuck
// costs time, later, and no memory.
const (
	aheadBytes = 8 << 20
	// Estimates, from above, of what an entry, an object of it and a record of
	// the journal take in memory beside the body.
	entryBytes = 1 << 10
	itemBytes  = 1 << 10
	recordBase = 512
)

// maxBehind is how many objects the log may have that the index has not: each is
// noted in memory until it is applied. Beyond that whoever brings more waits.
const maxBehind = 50_000

// roomWait is how long a producer waits for the index before it is told.
const roomWait = 10 * time.Second

// room waits until the index is not too far behind for more to be taken. What the
// node itself puts into its log does not wait: the follower may be the one.
func (n *Node) room(ctx context.Context) error {
	for {
		told := n.told.wait()
		if n.index.Behind() <= n.mostBehind {
			return nil
		}
		n.wake()
		select {
		case <-told:
		case <-ctx.Done():
			return fmt.Errorf("the index does not follow the log: %w", ctx.Err())
		}
	}
}

// roomToPublish is room for a producer, who is not kept waiting for ever.
func (n *Node) roomToPublish(ctx context.Context) error {
	if n.index.Behind() <= n.mostBehind {
		return nil
	}
	limited, cancel := context.WithTimeout(ctx, roomWait)
	defer cancel()
	err := n.room(limited)
	if err != nil && ctx.Err() == nil {
		return federation.Refuse(federation.Quota, "index", fmt.Sprintf("it is more than %d objects behind the log: publish again when `entente status` shows no fault", n.mostBehind))
	}
	return err
}

// followed is one log entry on its way into the index.
type followed struct {
	seq     uint64
	entry   *entry
	indexed store.Entry
	world   *World // whose rules of retention are in indexed
}

func (f *followed) size() int {
	return entryBytes + len(f.entry.Body) + itemBytes*(len(f.entry.Items)+len(f.entry.Gone)+len(f.entry.Erased))
}

// ahead is what the log has and the index has not, as far as memory goes: what
// was stored just now is indexed without being read back.
type ahead struct {
	mu    sync.Mutex
	queue []followed // one sequence after the other
	bytes int
	// unread says that the log may hold what was never in the queue.
	unread atomic.Bool
}

// put appends what was stored. Where something is missing before it, it begins
// anew, and the follower reads the log up to there.
func (a *ahead) put(some []followed) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if n := len(a.queue); n > 0 && some[0].seq != a.queue[n-1].seq+1 {
		a.queue, a.bytes = nil, 0
		a.unread.Store(true)
	}
	for i := range some {
		if some[i].entry.Kind == entryErased {
			// It reads otherwise than it was written, see keptLog.Read, and so
			// may what is before it.
			a.queue, a.bytes = nil, 0
			a.unread.Store(true)
			continue
		}
		a.queue = append(a.queue, some[i])
		a.bytes += some[i].size()
	}
	for a.bytes > aheadBytes {
		a.drop()
		a.unread.Store(true)
	}
}

// drop takes the first out of the queue. The caller holds the lock.
func (a *ahead) drop() {
	a.bytes -= a.queue[0].size()
	a.queue[0] = followed{}
	a.queue = a.queue[1:]
}

// from returns what follows from a sequence on without a gap, at most so many;
// what is before it is forgotten.
func (a *ahead) from(seq uint64, most int) []followed {
	a.mu.Lock()
	defer a.mu.Unlock()
	for len(a.queue) > 0 && a.queue[0].seq < seq {
		a.drop()
	}
	if len(a.queue) == 0 || a.queue[0].seq != seq {
		return nil
	}
	return append([]followed(nil), a.queue[:min(most, len(a.queue))]...)
}

// written is what the journal stored and the index has not, as far as memory
// goes.
type written struct {
	mu      sync.Mutex
	records []*journal.Record
	bytes   int
	spilled bool // the journal has some that are not here
}

// recordSize estimates, from above, what a record takes in memory.
func recordSize(r *journal.Record) int {
	n := recordBase
	switch {
	case r.Intake != nil:
		n += itemBytes / 2 * (len(r.Intake.Objects) + len(r.Intake.Gone) + len(r.Intake.Erased))
	case r.Sent != nil:
		for i := range r.Sent.Messages {
			m := &r.Sent.Messages[i]
			n += itemBytes / 2 * (1 + len(m.Objects) + len(m.Gone))
			for j := range m.Objects {
				n += itemBytes / 8 * len(m.Objects[j].Removed)
			}
		}
	case r.Receipt != nil:
		n += itemBytes / 8 * len(r.Receipt.Outcomes)
	}
	return n
}

// put appends what was stored. What is too much for memory is forgotten, all of
// it: the follower reads it in the journal.
func (w *written) put(records []*journal.Record) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range records {
		w.bytes += recordSize(r)
	}
	w.records = append(w.records, records...)
	w.bound()
}

// bound keeps the bound. The caller holds the lock.
func (w *written) bound() {
	if w.bytes > aheadBytes {
		w.records, w.bytes, w.spilled = nil, 0, true
	}
}

// take returns what there is, and whether the journal has to be read for what
// is missing before it.
func (w *written) take() (records []*journal.Record, spilled bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	records, spilled = w.records, w.spilled
	w.records, w.bytes, w.spilled = nil, 0, false
	return records, spilled
}

// back returns what was taken and could not be indexed.
func (w *written) back(records []*journal.Record, spilled bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range records {
		w.bytes += recordSize(r)
	}
	w.records = append(records, w.records...) // in order, for the next try
	w.spilled = w.spilled || spilled
	w.bound()
}
