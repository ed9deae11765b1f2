package relay_test

import (
	"bytes"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/entente-relay/entente/federation/link"
	"github.com/entente-relay/entente/relay"
	"github.com/entente-relay/entente/relay/bench"
)

// TestStalledPeersCostNobody: of 200 peers 100 took a frame and never came again.
// The others cost what they cost before, in time and in memory. Processor time is
// compared, of the same run: what else the machine does is not in it.
func TestStalledPeersCostNobody(t *testing.T) {
	if testing.Short() {
		t.Skip("200 peers: not with -short")
	}
	n, ids := fanOutNode(t, 200)
	pull := relay.NewPullers(n)
	ctx := t.Context()
	lively, stalls := ids[:100], ids[100:]
	round := func(seed uint64) (cpu time.Duration) {
		all := bench.Generate(320, seed, time.Now())
		if _, err := n.Publish(ctx, "bench", "", bytes.Join(all, []byte("\n"))); err != nil {
			t.Fatal(err)
		}
		if err := pull.Settle(ctx); err != nil {
			t.Fatal(err)
		}
		before := processorTime(t)
		var wg sync.WaitGroup
		for _, id := range lively {
			wg.Go(func() {
				if _, err := pull.Drain(ctx, id); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if err := pull.Settle(ctx); err != nil {
			t.Fatal(err)
		}
		return processorTime(t) - before
	}
	round(1) // caches
	begin := held()
	var with, without time.Duration
	for seed := range uint64(3) {
		without += round(10 + seed)
	}
	heap := held()
	for _, id := range stalls {
		if _, err := pull.Frame(ctx, id, link.Pull{}); err != nil {
			t.Fatal(err)
		}
	}
	for seed := range uint64(3) {
		with += round(20 + seed)
	}
	after := held()
	grew, grows := int64(heap)-int64(begin), int64(after)-int64(heap) // the window for live peers fills
	t.Logf("100 peers: %v of processor time, beside 100 that stall %v; the heap grew by %d MB, then by %d MB", without, with, grew>>20, grows>>20)
	if with > without*3/2 {
		t.Errorf("beside peers that stall the others cost %v, without them %v", with, without)
	}
	if grows > grew+32<<20 {
		t.Errorf("peers that stall hold %d MB", (grows-grew)>>20)
	}
}

// held is what is in use on the heap.
func held() uint64 {
	runtime.GC()
	runtime.GC() // pools
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
