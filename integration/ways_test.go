package integration

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/entente-relay/entente/relay"
)

// TestNodeThatCanOnlyDial links a node that opens no port by each way, sealed:
// messages go both ways, survive cuts in their order, and stop when the peer is
// removed.
func TestNodeThatCanOnlyDial(t *testing.T) {
	if testing.Short() {
		t.Skip("several nodes run for it: not with -short")
	}
	for way, addr := range map[string]func(*relay.Node) string{
		"nats+tls": (*relay.Node).NATSAddr,
		"wss":      (*relay.Node).WebsocketAddr,
	} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			de := newRegion(t, regionSpec{id: "de-cert", country: "DE", accept: accepted})
			pl := newRegion(t, regionSpec{id: "pl-cert", country: "PL", accept: accepted})
			de.edit(`websocket: ""`, `websocket: "127.0.0.1:0"`)
			de.edit(`nats: ""`, `nats: "127.0.0.1:0"`)
			pl.edit(`leaf: "127.0.0.1:0"`, `leaf: ""`)
			de.acceptSeal(pl, terms(t, "de-cert", "pl-cert"), relay.SealRequired)
			de.start()
			wire := newProxy(t, addr(de.node))
			statement, err := os.ReadFile(filepath.Join(de.dir, relay.StatementFile))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := relay.AcceptPeer(relay.AgreementsDir(pl.dir), relay.Terms{Agreement: terms(t, "pl-cert", "de-cert"), Statement: string(statement),
				Dial: way + "://" + wire.addr(), Seal: relay.SealRequired}, pl.keys.Terms, pl.now()); err != nil {
				t.Fatal(err)
			}
			pl.start()
			awaitLink(t, pl, de.id, "up")
			awaitLink(t, de, pl.id, "up")
			publishSingly(t, de, 20)
			publishSingly(t, pl, 20)
			settled(t, de.node, pl.id, 30*time.Second)
			settled(t, pl.node, de.id, 30*time.Second)

			wire.setCut(true)
			publishMore(t, de)
			publishMore(t, pl)
			awaitLink(t, pl, de.id, "down")
			wire.setCut(false)
			settled(t, de.node, pl.id, 60*time.Second)
			settled(t, pl.node, de.id, 60*time.Second)
			for from, to := range map[*region]*region{de: pl, pl: de} {
				got := 0
				for _, a := range arrivals(t, to.node) {
					if a.Issuer == from.id {
						got++
					}
				}
				if got < 21 {
					t.Errorf("%d objects of %s arrived at %s", got, from.id, to.id)
				}
				addsUp(t, to)
			}

			if err := relay.RemovePeer(relay.AgreementsDir(de.dir), pl.id); err != nil {
				t.Fatal(err)
			}
			if err := de.node.Reload(t.Context()); err != nil {
				t.Fatal(err)
			}
			awaitLink(t, pl, de.id, "down")
		})
	}
}

// publishMore publishes a file that publishSingly does not.
func publishMore(t *testing.T, r *region) {
	t.Helper()
	if _, err := r.node.Publish(t.Context(), "more", "", sampleFeed(t, "4-audiences.json")); err != nil {
		t.Fatal(err)
	}
}
