package integration

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/entente-relay/entente/relay/bench"
)

// proxied is a node that listens and one that dials it, over a proxy.
func proxied(t *testing.T) (de, pl *region, wire *proxy) {
	t.Helper()
	de = newRegion(t, regionSpec{id: "de-cert", country: "DE", accept: accepted})
	pl = newRegion(t, regionSpec{id: "pl-cert", country: "PL", accept: accepted})
	de.accept(pl, terms(t, "de-cert", "pl-cert"), "")
	de.start()
	wire = newProxy(t, de.node.LeafAddr())
	pl.accept(de, terms(t, "pl-cert", "de-cert"), "tls://"+wire.addr())
	return de, pl, wire
}

// TestLogReplaced takes a sender's log away, and with it the index and the
// journal, as when a disk was lost and only the keys came back. What it
// publishes again, with more, is asked for from the beginning: what was here
// falls out, what is new is taken once, and the journal tells of it.
func TestLogReplaced(t *testing.T) {
	de, pl, _ := proxied(t)
	port := de.node.LeafAddr()
	de.edit(`leaf: "127.0.0.1:0"`, `leaf: "`+port+`"`)
	pl.start()
	objects := bench.Generate(30, 5, time.Now())
	publishEach(t, de, objects[:20])
	settled(t, de.node, pl.id, 30*time.Second)
	before := len(arrivals(t, pl.node))

	de.stop()
	for _, lost := range []string{"log", "index.db"} {
		if err := os.RemoveAll(filepath.Join(de.dir, "data", lost)); err != nil {
			t.Fatal(err)
		}
	}
	de.start()
	publishEach(t, de, objects[10:])
	settled(t, de.node, pl.id, 30*time.Second)
	ids := map[string]bool{}
	for _, a := range arrivals(t, pl.node) {
		if ids[a.ID] {
			t.Errorf("%s was taken twice", a.ID)
		}
		ids[a.ID] = true
	}
	if len(ids) <= before {
		t.Errorf("%d objects, %d before the log was replaced", len(ids), before)
	}
	_, p := peerOf(t, pl.node, de.id)
	if p.In.Duplicate == 0 || p.In.Refused > 0 {
		t.Errorf("what came again: %+v", p.In)
	}
	if !slices.Contains(told(t, pl, de.id), "link incarnation") {
		t.Errorf("the journal does not tell of the new log: %v", told(t, pl, de.id))
	}
	addsUp(t, de)
	addsUp(t, pl)
}

// TestBackPressure makes one receiver's disk so slow that it does not end: its
// link is slow, then stalled, at both ends and in both journals, and that is no
// error. Another receiver of the same node is not delayed, memory does not grow,
// and when the disk is back everything arrives, in order.
func TestBackPressure(t *testing.T) {
	if testing.Short() {
		t.Skip("three nodes wait for a disk: not with -short")
	}
	const watchdog = 2 * time.Second
	de := newRegion(t, regionSpec{id: "de-cert", country: "DE", accept: accepted})
	pl := newRegion(t, regionSpec{id: "pl-cert", country: "PL", accept: accepted})
	nl := newRegion(t, regionSpec{id: "nl-cert", country: "NL", accept: accepted})
	de.watchdog, pl.watchdog = watchdog, watchdog
	disk := make(chan struct{})
	var waits atomic.Bool
	back := sync.OnceFunc(func() { waits.Store(false); close(disk) })
	pl.fault = func(step string) {
		if step == "commit/before" && waits.Load() {
			<-disk
		}
	}
	named := func(from, to string) string {
		text := terms(t, "de-cert", "pl-cert")
		return strings.NewReplacer("node: de-cert", "node: "+from, "peer: pl-cert", "peer: "+to, "country: PL", "country: "+map[string]string{"de-cert": "DE", "nl-cert": "NL"}[to]).Replace(text)
	}
	de.accept(pl, terms(t, "de-cert", "pl-cert"), "")
	de.accept(nl, unclassified(named("de-cert", "nl-cert")), "")
	de.start()
	pl.accept(de, terms(t, "pl-cert", "de-cert"), "tls://"+de.node.LeafAddr())
	nl.accept(de, unclassified(named("nl-cert", "de-cert")), "tls://"+de.node.LeafAddr())
	pl.start()
	nl.start()
	t.Cleanup(back) // before the nodes are stopped
	for _, id := range []string{pl.id, nl.id} {
		awaitLink(t, de, id, "up")
	}
	publishOf(t, de, 5, 1)
	settled(t, de.node, pl.id, 30*time.Second)

	waits.Store(true)
	publishOf(t, de, 20, 2)
	flow := func(r *region, peer, want string) {
		t.Helper()
		eventually(t, 20*time.Second, func() string {
			if _, p := peerOf(t, r.node, peer); p.Flow != want {
				return r.id + " says " + p.Flow + " of its link to " + peer + ": " + p.FlowWhy
			}
			return ""
		})
	}
	flow(pl, de.id, "slow")
	publishOf(t, de, 200, 3)
	began := time.Now()
	settled(t, de.node, nl.id, 20*time.Second)
	t.Logf("the other receiver has everything after %v", time.Since(began))
	flow(pl, de.id, "stalled")
	flow(de, pl.id, "stalled")
	if _, p := peerOf(t, pl.node, de.id); p.Link != "up" || strings.Contains(p.State, "error") {
		t.Errorf("the link: %s, %s", p.Link, p.State)
	}

	back()
	settled(t, de.node, pl.id, time.Minute)
	sameOrder(t, de, pl)
	flow(pl, de.id, "")
	flow(de, pl.id, "")
	for r, peer := range map[*region]string{pl: de.id, de: pl.id} {
		events := told(t, r, peer)
		for _, want := range []string{"link slow", "link stalled", "link flows"} {
			if !slices.Contains(events, want) {
				t.Errorf("the journal of %s does not say %s: %v", r.id, want, events)
			}
		}
		addsUp(t, r)
	}
}

// unclassified takes the block on classified material out of sample terms.
func unclassified(text string) string {
	from, to := strings.Index(text, "# Classified material"), strings.Index(text, "contacts:")
	return text[:from] + text[to:]
}

// catchUps is how many objects TestCatchUp has fetched.
var catchUps = flag.Int("catch-up", 2000, "objects that TestCatchUp fetches over a long line")

var lineDelay = flag.Duration("line-delay", 40*time.Millisecond, "how long a byte takes over that line, one way")

// TestCatchUp fetches what piled up over a line with a round trip of 80 ms.
func TestCatchUp(t *testing.T) {
	if testing.Short() {
		t.Skip("it measures: not with -short")
	}
	de, pl, wire := proxied(t)
	wire.delay = *lineDelay
	publishSingly(t, de, *catchUps)
	began := time.Now()
	pl.start()
	awaitLink(t, pl, de.id, "up")
	linked := time.Since(began)
	settled(t, de.node, pl.id, 5*time.Minute)
	took := time.Since(began) - linked
	t.Logf("%d objects over a long line in %v: %.0f a second", *catchUps, took.Round(time.Millisecond), float64(*catchUps)/took.Seconds())
	sameOrder(t, de, pl)
}

// publishOf publishes n objects of their own kind, one a message.
func publishOf(t *testing.T, r *region, n int, seed uint64) {
	t.Helper()
	publishEach(t, r, bench.Generate(n, seed, time.Now()))
}

func publishEach(t *testing.T, r *region, objects [][]byte) {
	t.Helper()
	for _, o := range objects {
		if p, err := r.node.Publish(t.Context(), "one", "", o); err != nil || p.Taken != 1 {
			t.Fatalf("publishing one object: %+v, %v", p, err)
		}
	}
}
