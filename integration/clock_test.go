package integration

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/relay/bench"
)

// clock is a region's clock, which a test steps.
type clock struct{ off atomic.Int64 }

func (c *clock) now() time.Time         { return time.Now().Add(time.Duration(c.off.Load())) }
func (c *clock) step(off time.Duration) { c.off.Store(int64(off)) }

// TestClockIsStepped steps the clock of the sender, then of the receiver,
// forwards and backwards by minutes, hours and days while objects are
// published. What a clock makes undecidable waits; with the clocks right again
// everything that was acknowledged is at the peer, once; receipts and counts
// agree; no link was taken for dead; and the journals are whole.
func TestClockIsStepped(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("skipped with -short: many nodes under stepped clocks")
	}
	const day = 24 * time.Hour
	for _, who := range []string{"sender", "receiver"} {
		t.Run(who, func(t *testing.T) {
			deClock, plClock := &clock{}, &clock{}
			stepped := map[string]*clock{"sender": deClock, "receiver": plClock}[who]
			de := newRegion(t, regionSpec{id: "de-cert", country: "DE", accept: accepted, now: deClock.now})
			pl := newRegion(t, regionSpec{id: "pl-cert", country: "PL", accept: accepted, now: plClock.now})
			join(t, de, pl)
			acknowledged := map[string]bool{}
			for i, off := range []time.Duration{0, 5 * time.Minute, -5 * time.Minute, 6 * time.Hour, -6 * time.Hour, 3 * day, -3 * day, 0} {
				stepped.step(off)
				publishAt(t, de, uint64(1600+i), acknowledged)
			}
			// What was signed under a clock that was ahead counts when that time
			// has come.
			deClock.step(4 * day)
			plClock.step(4 * day)
			if len(acknowledged) < 24 {
				t.Errorf("only %d objects were acknowledged", len(acknowledged))
			}
			for _, r := range []*region{de, pl} { // a minute later the node would do so by itself
				if err := r.node.Reload(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			has := map[string]int{}
			eventually(t, 40*time.Second, func() string {
				clear(has)
				for _, a := range arrivals(t, pl.node) {
					has[a.ID]++
				}
				if len(has) < len(acknowledged) {
					return fmt.Sprintf("%d of %d acknowledged objects are at the peer", len(has), len(acknowledged))
				}
				return ""
			})
			for id := range acknowledged {
				if has[id] != 1 {
					t.Errorf("%s is at the peer %d times", id, has[id])
				}
			}
			settled(t, de.node, pl.id, time.Minute)
			for _, r := range []*region{de, pl} {
				addsUp(t, r)
				toldOnce(t, r)
				if linkEvents(t, r)["stalled"] {
					t.Errorf("%s took its link for dead", r.id)
				}
				r.stop()
				if err := chain(t, r); err != nil {
					t.Errorf("%s: %v", r.id, err)
				}
			}
		})
	}
}

// publishAt publishes objects of the region's own time and notes what it
// acknowledged. Those are free of markings that could keep them back.
func publishAt(t *testing.T, r *region, seed uint64, acknowledged map[string]bool) {
	t.Helper()
	for _, raw := range bench.Generate(4, seed, r.now()) {
		p, err := r.node.Publish(t.Context(), "one", "", raw)
		if federation.ReasonOf(err) == federation.NotYetValid && strings.Contains(err.Error(), "correct the clock") {
			continue // the node's own key is not valid yet: nothing is acknowledged
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, it := range p.Items {
			if it.Outcome == "taken" {
				acknowledged[it.ID] = true
			} else {
				t.Logf("at %v: %+v", r.now(), it)
			}
		}
	}
}
