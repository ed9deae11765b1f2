package integration

import (
	"testing"
	"time"

	"github.com/entente-relay/entente/federation/envelope"
)

// TestDecoysOnTheWay publishes with decoys over two borders: everything arrives as
// without, every digest is accounted for, and the origin's restart reads its log.
func TestDecoysOnTheWay(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("several nodes run for it: not with -short")
	}
	de := newRegion(t, regionSpec{id: "de-cert", country: "DE", accept: accepted})
	pl := newRegion(t, regionSpec{id: "pl-cert", country: "PL", accept: accepted})
	jp := newRegion(t, regionSpec{id: "jp-carrier", country: "JP"})
	de.edit("decoys: 0", "decoys: 8")
	feed := sampleFeed(t, "4-audiences.json")
	de.accept(pl, terms(t, "de-cert", "pl-cert"), "")
	de.start()
	before, err := de.node.Publish(t.Context(), "feed", "", feed)
	if err != nil {
		t.Fatal(err)
	}
	// What is sent is read from the log, not from memory.
	de.stop()
	de.start()
	again, err := de.node.Publish(t.Context(), "feed", "", feed)
	if err != nil || before.Taken == 0 || again.Taken != 0 || again.Duplicate != before.Taken+before.Duplicate {
		t.Fatalf("first %+v, again %+v, %v", before, again, err)
	}
	pl.accept(de, terms(t, "pl-cert", "de-cert"), "tls://"+de.node.LeafAddr())
	pl.accept(jp, terms(t, "pl-cert", "jp-carrier"), "")
	pl.start()
	jp.accept(pl, terms(t, "jp-carrier", "pl-cert"), "tls://"+pl.node.LeafAddr())
	jp.know(de)
	jp.start()
	settled(t, de.node, pl.id, 30*time.Second)
	settled(t, pl.node, jp.id, 30*time.Second)
	for _, r := range []*region{pl, jp} {
		got := arrivals(t, r.node)
		if len(got) == 0 {
			t.Errorf("nothing arrived at %s", r.id)
		}
		for _, a := range got {
			if a.Removed == 0 && a.Type != "marking-definition" {
				t.Errorf("%s: %s shows that nothing was removed from it", r.id, a.ID)
			}
		}
		addsUp(t, r)
	}
	// Offline, without dispatch, nothing holds decoys.
	signed, _, err := de.node.World().Sign(de.keys, feed, "feed", "", time.Now())
	if err != nil || len(signed) == 0 {
		t.Fatal(err)
	}
	for _, v := range signed {
		if _, err := envelope.Verify(v.Raw(), envelope.VerifyOptions{Keys: de.node.World().Directory, Now: time.Now()}); err != nil {
			t.Errorf("a signed file does not verify elsewhere: %v", err)
		}
	}
}
