package relay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/entente-relay/entente/configs"
	"github.com/entente-relay/entente/relay/dashboard"
	"github.com/entente-relay/entente/relay/store"
)

// stuckHub is a hub whose index can be held, or fails, when it is written.
func stuckHub(t *testing.T, write func(do func() error) error) *hub {
	t.Helper()
	h := setUpHub(t, "de-cert", "DE", configs.Generalise{})
	o := setupOptions(t.TempDir())
	o.Values.ID, o.Values.Country = theirCERT.id, theirCERT.country
	cfg, err := Setup(o)
	h.op.must(err)
	h.accept(theirCERT, cfg)
	n, err := New(h.op.cfg, Options{Logger: slog.New(slog.DiscardHandler), Now: h.now, Write: func(name string, do func() error) error {
		if name == store.WriteCommit {
			return write(do)
		}
		return do()
	}})
	h.op.must(err)
	h.op.must(n.Start(t.Context()))
	h.node = n
	t.Cleanup(h.stop)
	return h
}

// fill publishes files of 64 objects until one is not taken, and returns how many
// objects were, and why no more.
func (h *hub) fill(ctx context.Context, first, most int) (objects int, err error) {
	for objects < most {
		var all []map[string]any
		for i := range 64 {
			all = append(all, sampleObject(first+objects+i, markClear, nil))
		}
		raw, err := json.Marshal(map[string]any{"type": "bundle", "id": "bundle--00000000-0000-4000-8000-000000000001", "objects": all})
		h.op.must(err)
		if _, err := h.node.Publish(ctx, "sample", "", raw); err != nil {
			return objects, err
		}
		objects += 64
	}
	return objects, nil
}

// TestIndexIsStuck: an index whose writes hang, and then fail, keeps no peer
// waiting, and memory does not grow with what it misses: beyond a bound whoever
// brings more waits. Once it is mended it has everything.
func TestIndexIsStuck(t *testing.T) {
	if testing.Short() {
		t.Skip("three thousand objects: not with -short")
	}
	disk := make(chan struct{})
	var stuck, failing atomic.Bool
	mend := sync.OnceFunc(func() { stuck.Store(false); close(disk) })
	h := stuckHub(t, func(do func() error) error {
		if stuck.Load() {
			<-disk
		}
		if failing.Load() {
			return errors.New("the index fails on purpose")
		}
		return do()
	})
	t.Cleanup(mend)
	n := h.node
	n.mostBehind = 3_000
	stuck.Store(true)
	before := inUse()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	full := make(chan struct{})
	var taken int
	go func() {
		defer close(full)
		var err error
		if taken, err = h.fill(ctx, 1, 20_000); !errors.Is(err, context.Canceled) {
			t.Errorf("after %d objects: %v", taken, err)
		}
	}()
	eventually := func(what string, is func() bool) {
		t.Helper()
		for limit := time.Now().Add(30 * time.Second); !is(); runtime.Gosched() {
			if time.Now().After(limit) {
				t.Fatal(what)
			}
		}
	}
	eventually("the bound is not reached", func() bool { return n.index.Behind() > n.mostBehind })
	cancel()
	<-full
	if behind := n.index.Behind(); behind > n.mostBehind+64 {
		t.Errorf("the index is %d objects behind, at most %d and a file", behind, n.mostBehind)
	}
	if grew := int64(inUse()) - int64(before); grew > 160<<20 {
		t.Errorf("memory grew by %d MB", grew>>20)
	}
	got := 0 // what peers get does not wait for the index
	for {
		f := h.pull(theirCERT.id)
		if len(f.Messages) == 0 {
			break
		}
		got += len(f.Messages)
	}
	if got != taken/64 {
		t.Errorf("the peer got %d messages of %d", got, taken/64)
	}
	failing.Store(true)
	mend()
	eventually("the fault does not show", func() bool { n.mu.Lock(); defer n.mu.Unlock(); return n.fault != nil })
	failing.Store(false)
	last, err := n.log.State(t.Context())
	h.op.must(err)
	h.op.must(n.awaitIndex(t.Context(), last.Last, n.journal.Head().Seq))
	counts, err := n.index.Counts(t.Context())
	h.op.must(errors.Join(err, counts.Check()))
	if n.index.Behind() != 0 || counts.In[0].Taken != uint64(taken) {
		t.Errorf("%d objects are noted yet; %d of %d are indexed", n.index.Behind(), counts.In[0].Taken, taken)
	}
	if _, err := h.fill(t.Context(), 100_000, 64); err != nil {
		t.Errorf("nothing is taken after it was mended: %v", err)
	}
}

// TestSubscriberStops: who follows what arrives and stops reading holds nothing
// but where it is, and keeps nobody waiting; then it goes on where it stopped.
func TestSubscriberStops(t *testing.T) {
	h := stuckHub(t, func(do func() error) error { return do() })
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	reads := make(chan struct{})
	seen := map[string]bool{}
	done := make(chan error, 1)
	go func() {
		done <- h.node.Arrivals(ctx, 0, func(a dashboard.Arrival) error {
			<-reads
			if seen[a.ID] = true; len(seen) == 1_280 {
				return errDone
			}
			return nil
		})
	}()
	before := inUse()
	if _, err := h.fill(ctx, 1, 1_280); err != nil {
		t.Fatal(err)
	}
	if f := h.pull(theirCERT.id); len(f.Messages) == 0 {
		t.Error("a peer waits for a subscriber")
	}
	if grew := int64(inUse()) - int64(before); grew > 96<<20 {
		t.Errorf("memory grew by %d MB", grew>>20)
	}
	close(reads)
	if err := <-done; !errors.Is(err, errDone) {
		t.Errorf("after %d objects: %v", len(seen), err)
	}
}

var errDone = fmt.Errorf("all has come")

// inUse is what is in use on the heap.
func inUse() uint64 {
	runtime.GC()
	runtime.GC() // pools
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
