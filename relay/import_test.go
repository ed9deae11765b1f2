package relay

import (
	"testing"
	"time"

	"github.com/entente-relay/entente/configs"
	"github.com/entente-relay/entente/federation"
)

// What was examined waits for the frame before it to be stored. If the rules
// changed meanwhile, or it took long, it is judged again as of now.
func TestExaminedAnew(t *testing.T) {
	if testing.Short() {
		t.Skip("loads the rules many times, which takes the race detector long; runs without -short")
	}
	pl := setUpHub(t, "pl-cert", "PL", configs.Generalise{})
	de := setUpHub(t, "de-cert", "DE", configs.Generalise{})
	de.accept(theirCERT, pl.op.cfg)
	pl.accept(peerTerms{"de-cert", "DE", "authority", theirCERT.data, "foi: exempt\n"}, de.op.cfg)
	for _, h := range []*hub{pl, de} {
		h.start()
		t.Cleanup(h.stop)
	}
	pl.publish(attack("Zebra Okapi", "198.51.100.77", time.Date(2026, 1, 5, 14, 15, 16, 0, time.UTC), 3)...)
	im := &importer{node: de.node, peer: "pl-cert"}
	_, err := im.Position(t.Context())
	de.op.must(err)
	frame := pl.pull("de-cert")
	examined := func() *examined {
		x := &examined{frame: frame}
		x.judge(im)
		return x
	}

	x := examined()
	first := x.arrivals[0]
	if x.freshen(im); x.arrivals[0] != first {
		t.Error("what is fresh was judged again")
	}
	de.op.must(de.node.Reload(t.Context()))
	if x.freshen(im); x.arrivals[0] == first || x.world != de.node.World() {
		t.Error("after a reload it is stored as it was judged before")
	}
	de.set(de.now().Add(-time.Second))
	if first = x.arrivals[0]; first.now.Before(de.now()) {
		t.Fatal("the clock was not set back")
	}
	if x.freshen(im); x.arrivals[0] == first {
		t.Error("it was judged as of a time to come")
	}

	// The whole way: judged in time, but its last moment passes while it waits.
	commit := im.Examine(t.Context(), frame)
	de.set(de.now().AddDate(1, 0, 0))
	rc, err := commit(t.Context())
	de.op.must(err)
	if o := rc.Outcomes[0]; o.Stored != 0 || o.Reason != federation.Expired && o.Reason != federation.RevokedKey {
		t.Errorf("what had expired when its turn came is stored: %+v", o)
	}
}
