package integration

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/entente-relay/entente/relay/bench"
)

// TestCutLinkLosesNothing cuts the link DE-PL while 5,000 messages pile up,
// and cuts it again and again while they are fetched: every object arrives at
// the last node once, in the order of the origin's log.
func TestCutLinkLosesNothing(t *testing.T) {
	t.Parallel()
	n := 5_000
	if testing.Short() {
		n = 500
	}
	de := newRegion(t, regionSpec{id: "de-cert", country: "DE", accept: accepted})
	pl := newRegion(t, regionSpec{id: "pl-cert", country: "PL", accept: accepted})
	jp := newRegion(t, regionSpec{id: "jp-carrier", country: "JP"})
	de.accept(pl, terms(t, "de-cert", "pl-cert"), "")
	de.start()
	wire := newProxy(t, de.node.LeafAddr())
	pl.accept(de, terms(t, "pl-cert", "de-cert"), "tls://"+wire.addr())
	pl.accept(jp, terms(t, "pl-cert", "jp-carrier"), "")
	pl.start()
	jp.accept(pl, terms(t, "jp-carrier", "pl-cert"), "tls://"+pl.node.LeafAddr())
	jp.know(de)
	jp.start()

	wire.setCut(true)
	publishSingly(t, de, n)
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() { flap(wire, done) })
	settled(t, de.node, pl.id, 4*time.Minute)
	close(done)
	wg.Wait()
	settled(t, pl.node, jp.id, 2*time.Minute)

	sameOrder(t, de, pl)
	sameOrder(t, pl, jp)
	for _, r := range []*region{de, pl, jp} {
		addsUp(t, r)
	}
}

// publishSingly publishes n free objects, one a message, many at a time.
func publishSingly(t *testing.T, r *region, n int) {
	t.Helper()
	objects := bench.Generate(n, 11, time.Now())
	work := make(chan []byte)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for raw := range work {
				p, err := r.node.Publish(t.Context(), "one", "", raw)
				if err != nil || p.Taken != 1 {
					t.Errorf("publishing one object: %+v, %v", p, err)
				}
			}
		})
	}
	for _, raw := range objects {
		work <- raw
	}
	close(work)
	wg.Wait()
}

// flap opens and cuts the link until told to end, then leaves it open.
func flap(wire *proxy, done <-chan struct{}) {
	defer wire.setCut(false)
	tick := time.NewTicker(700 * time.Millisecond)
	defer tick.Stop()
	for i := range 20 {
		wire.setCut(i%2 == 1)
		select {
		case <-tick.C:
		case <-done:
			return
		}
	}
	wire.setCut(false)
	<-done
}

// sameOrder checks that what the second node took is, without repetition, in
// the order in which the first one has it, and that nothing the first one's
// journal calls sent is missing.
func sameOrder(t *testing.T, from, to *region) {
	t.Helper()
	at := map[string]int{}
	for i, a := range arrivals(t, from.node) {
		at[a.ID] = i
	}
	last, got := -1, map[string]bool{}
	for _, a := range arrivals(t, to.node) {
		if got[a.ID] {
			t.Fatalf("%s took %s twice", to.id, a.ID)
		}
		got[a.ID] = true
		i, known := at[a.ID]
		if !known {
			t.Fatalf("%s has %s, which %s never had", to.id, a.ID, from.id)
		}
		if i < last {
			t.Fatalf("%s took %s out of order", to.id, a.ID)
		}
		last = i
	}
	for r, err := range from.node.Records(t.Context(), 1) {
		if err != nil {
			t.Fatal(err)
		}
		if r.Sent == nil || string(r.Sent.Peer) != to.id {
			continue
		}
		for _, m := range r.Sent.Messages {
			for _, o := range m.Objects {
				if (o.Verdict == "share" || o.Verdict == "redact") && !got[string(o.ID)] {
					t.Fatalf("%s sent %s, which %s does not have", from.id, o.ID, to.id)
				}
			}
		}
	}
	if len(got) == 0 {
		t.Fatalf("nothing arrived at %s", to.id)
	}
	t.Logf("%s -> %s: %d objects, once each, in order", from.id, to.id, len(got))
}

// addsUp checks the equations that `status` promises.
func addsUp(t *testing.T, r *region) {
	t.Helper()
	st, err := r.node.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range st.Warnings {
		t.Logf("%s warns: %s", r.id, w)
	}
	o := st.Objects
	check := func(what string, left, right uint64) {
		t.Helper()
		if left != right {
			t.Errorf("%s: %s: %d is not %d", r.id, what, left, right)
		}
	}
	check("seen", o.Seen, o.Taken+o.Duplicate+o.Held+o.Refused)
	for _, p := range st.Peers {
		check(fmt.Sprintf("judged for %s", p.ID), p.Out.Judged, p.Out.Sent+p.Out.Withheld+p.Out.Held)
		check(fmt.Sprintf("sent to %s", p.ID), p.Out.Sent, p.Out.Acknowledged+p.Out.InFlight)
		check(fmt.Sprintf("received from %s", p.ID), p.In.Received, p.In.Stored+p.In.Duplicate+p.In.Held+p.In.Refused)
	}
}
