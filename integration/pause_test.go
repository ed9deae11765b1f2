package integration

import (
	"strings"
	"testing"
	"time"

	"github.com/entente-relay/entente/relay"
	"github.com/entente-relay/entente/relay/dashboard"
)

// star is a node in the middle that two others dial.
func star(t *testing.T) (de, pl, jp *region) {
	t.Helper()
	de = newRegion(t, regionSpec{id: "de-cert", country: "DE", accept: accepted})
	pl = newRegion(t, regionSpec{id: "pl-cert", country: "PL", accept: accepted})
	jp = newRegion(t, regionSpec{id: "jp-carrier", country: "JP"})
	pl.accept(de, terms(t, "pl-cert", "de-cert"), "")
	pl.accept(jp, terms(t, "pl-cert", "jp-carrier"), "")
	pl.start()
	de.accept(pl, terms(t, "de-cert", "pl-cert"), "tls://"+pl.node.LeafAddr())
	de.start()
	jp.accept(pl, terms(t, "jp-carrier", "pl-cert"), "tls://"+pl.node.LeafAddr())
	jp.know(de)
	jp.start()
	for _, peer := range []string{de.id, jp.id} {
		awaitLink(t, pl, peer, "up")
	}
	return de, pl, jp
}

// awaitLink waits until a node's status says so of its link to peer.
func awaitLink(t testing.TB, r *region, peer, want string) {
	t.Helper()
	eventually(t, 20*time.Second, func() string {
		if _, p := peerOf(t, r.node, peer); p.Link != want {
			return r.id + " to " + peer + ": link " + p.Link + ", " + p.State
		}
		return ""
	})
}

// reload makes a region's node read its files again.
func (r *region) reload() {
	r.t.Helper()
	if err := r.node.Reload(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
}

// told collects what a node's journal says of one peer: changes of terms as
// "peer added", events of the link as "link up".
func told(t testing.TB, r *region, peer string) []string {
	t.Helper()
	var out []string
	for rec, err := range r.node.Records(t.Context(), 1) {
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case rec.Peer != nil && string(rec.Peer.Peer) == peer:
			out = append(out, "peer "+string(rec.Peer.Change))
		case rec.Link != nil && string(rec.Link.Peer) == peer:
			out = append(out, "link "+string(rec.Link.Event))
		}
	}
	return out
}

// awaitTold waits until the journal says exactly want of a peer.
func awaitTold(t *testing.T, r *region, peer string, want ...string) {
	t.Helper()
	eventually(t, 20*time.Second, func() string {
		got := told(t, r, peer)
		if len(got) != len(want) {
			return "journal of " + r.id + " about " + peer + ": " + strings.Join(got, ", ")
		}
		for i := range got {
			if got[i] != want[i] {
				return "journal of " + r.id + " about " + peer + ": " + strings.Join(got, ", ")
			}
		}
		return ""
	})
}

// TestPauseResumeRemove pauses, resumes, removes and adds a peer while another
// link stands: nothing crosses while paused, nothing is lost by it, the other
// link is not touched, and the journal tells each change once.
func TestPauseResumeRemove(t *testing.T) {
	t.Parallel()
	de, pl, jp := star(t)
	other := func() dashboard.Peer { _, p := peerOf(t, jp.node, pl.id); return p }
	awaitTold(t, pl, jp.id, "link up")
	awaitTold(t, pl, de.id, "link up")
	awaitTold(t, jp, pl.id, "link up")
	before := other()

	dir := relay.AgreementsDir(pl.dir)
	if _, err := relay.PausePeer(dir, de.id, "under review", pl.now()); err != nil {
		t.Fatal(err)
	}
	pl.reload()
	awaitLink(t, pl, de.id, "paused")
	awaitLink(t, de, pl.id, "down")
	publishSingly(t, de, 20)
	// A pause outlasts another reload, which is no change.
	pl.reload()
	awaitTold(t, pl, de.id, "link up", "peer paused", "link kicked")
	if _, p := peerOf(t, pl.node, de.id); p.In.Received != 0 || p.Link != "paused" {
		t.Errorf("while paused: %+v", p)
	}

	if was, err := relay.ResumePeer(dir, de.id); err != nil || !was {
		t.Fatalf("resume: %v, %v", was, err)
	}
	pl.reload()
	settled(t, de.node, pl.id, time.Minute)
	sameOrder(t, de, pl)
	awaitTold(t, pl, de.id, "link up", "peer paused", "link kicked", "peer resumed", "link up")

	if err := relay.RemovePeer(dir, de.id); err != nil {
		t.Fatal(err)
	}
	pl.reload()
	awaitLink(t, de, pl.id, "down")
	awaitTold(t, pl, de.id, "link up", "peer paused", "link kicked", "peer resumed", "link up", "peer removed", "link kicked")
	pl.accept(de, terms(t, "pl-cert", "de-cert"), "")
	pl.reload()
	awaitLink(t, de, pl.id, "up")
	awaitTold(t, pl, de.id, "link up", "peer paused", "link kicked", "peer resumed", "link up", "peer removed", "link kicked", "peer added", "link up")

	if p := other(); p.Link != "up" || !p.Since.Equal(before.Since) {
		t.Errorf("the other link was touched: %+v, before %+v", p, before)
	}
	awaitTold(t, jp, pl.id, "link up")
	awaitTold(t, pl, jp.id, "link up")
	for _, r := range []*region{de, pl, jp} {
		addsUp(t, r)
	}
}
