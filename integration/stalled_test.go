package integration

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	wire "github.com/entente-relay/entente/federation/link"
	"github.com/entente-relay/entente/relay/bench"
)

// TestPeersThatDoNotRead: a peer that asks and never reads, and one that reads a
// byte a second, cost bounded memory and keep nobody else waiting.
func TestPeersThatDoNotRead(t *testing.T) {
	if testing.Short() {
		t.Skip("half a gigabyte of frames: not with -short")
	}
	h := newHostile(t, itDials)
	for chunk := range chunked(bench.Generate(1_600, 7, time.Now()), 400) {
		if p, err := h.victim.node.Publish(t.Context(), "many", "", chunk); err != nil || p.Taken != 400 {
			t.Fatalf("publishing: %+v, %v", p, err)
		}
	}
	settled(t, h.victim.node, h.other.id, 30*time.Second)
	fromStart, err := wire.EncodePull(wire.Pull{})
	if err != nil {
		t.Fatal(err)
	}
	before := heapNow()
	ask := func(l *rawLeaf, from, n int) {
		for i := range n {
			l.send("LMSG px.%s.pull _INBOX_%s.flood.%d %d\r\n%s\r\n", h.victim.id, h.id, from+i, len(fromStart), fromStart)
		}
	}
	deaf, slow := h.dialRaw(), h.dialRaw()
	again := 0
	base, worst, high := time.Duration(0), time.Duration(0), uint64(0)
	for range 3 {
		base = max(base, h.honest())
	}
	drip := time.NewTicker(time.Second)
	defer drip.Stop()
	made := frames{h: h}
	made.sent()
	for i := 0; i < 200; i++ {
		// One after the other, since a pull that waits gives way to a newer one.
		ask([]*rawLeaf{deaf, slow}[i%2], i, 1)
		if !made.another() { // it has hung up: so they come again
			deaf, slow = h.dialRaw(), h.dialRaw()
			again++
		}
		select {
		case <-drip.C:
			_, _ = slow.r.ReadByte() // the victim may have hung up by now
		default:
		}
		if i%40 == 39 {
			worst = max(worst, h.honest())
			high = max(high, heapNow())
		}
	}
	worst, high = max(worst, h.honest()), max(high, heapNow())
	t.Logf("%d frames were made for it, %d times it was cut off; %d MB before, %d MB at most; an object took an honest peer %v before, %v at worst", made.n, again, before>>20, high>>20, base, worst)
	// What waits on both until they are closed, and again when they came anew, and
	// what other parts of this process hold.
	if high > before+30<<20 {
		t.Errorf("%d MB on the heap, %d before", high>>20, before>>20)
	}
	if worst > 5*time.Second {
		t.Errorf("meanwhile an object took %v to an honest peer", worst)
	}
}

// frames looks at those that the victim makes for the hostile peer.
type frames struct {
	h    *hostile
	from uint64 // journal sequence
	n    int
}

// sent counts those that were made since the last call.
func (f *frames) sent() (n int) {
	for r, err := range f.h.victim.node.Records(f.h.t.Context(), f.from+1) {
		if err != nil {
			f.h.t.Fatal(err)
		}
		f.from = r.Seq
		if r.Sent != nil && string(r.Sent.Peer) == f.h.id {
			n++
		}
	}
	f.n += n
	return n
}

// another waits for one more, and reports whether it came.
func (f *frames) another() bool {
	for limit := time.Now().Add(400 * time.Millisecond); time.Now().Before(limit); runtime.Gosched() {
		if f.sent() > 0 {
			return true
		}
	}
	return false
}

// heapNow is what is in use on the heap.
func heapNow() uint64 {
	runtime.GC()
	runtime.GC() // pools
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// chunked joins objects into JSON lines, so many at a time.
func chunked(objects [][]byte, size int) func(func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for ; len(objects) > 0; objects = objects[min(size, len(objects)):] {
			var all []byte
			for _, o := range objects[:min(size, len(objects))] {
				all = fmt.Appendf(all, "%s\n", o)
			}
			if !yield(all) {
				return
			}
		}
	}
}
