package integration

import (
	"slices"
	"testing"
	"time"
)

// TestBlackHole lets a link stand whose bytes no longer arrive: neither end of
// the connection learns of it. The server's own pings would take a minute; the
// watchdog takes the link down and dials anew, and nothing is lost. A link that
// is merely idle is left alone. It is the side that dials that has to notice:
// the other can close its end, but neither reach the dialler nor dial.
func TestBlackHole(t *testing.T) {
	const watchdog = 2 * time.Second
	for name, who := range map[string]struct{ dialler, listener time.Duration }{
		"the dialler notices": {watchdog, 0},
		"both notice":         {watchdog, watchdog},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			de := newRegion(t, regionSpec{id: "de-cert", country: "DE", accept: accepted})
			pl := newRegion(t, regionSpec{id: "pl-cert", country: "PL", accept: accepted})
			de.watchdog, pl.watchdog = who.listener, who.dialler
			de.accept(pl, terms(t, "de-cert", "pl-cert"), "")
			de.start()
			wire := newProxy(t, de.node.LeafAddr())
			pl.accept(de, terms(t, "pl-cert", "de-cert"), "tls://"+wire.addr())
			pl.start()
			awaitTold(t, de, pl.id, "link up")
			awaitTold(t, pl, de.id, "link up")

			// The first request may be lost while the link's interest settles, and
			// the watchdog is right to act on it: idle is a link that has answered.
			pairs := map[*region]string{de: pl.id, pl: de.id}
			before := map[*region][]string{}
			for r, peer := range pairs {
				eventually(t, 30*time.Second, func() string {
					if _, p := peerOf(t, r.node, peer); p.LastPull.IsZero() || p.Link != "up" {
						return r.id + " has had no answer yet"
					}
					return ""
				})
			}
			for r, peer := range pairs {
				before[r] = told(t, r, peer)
			}
			idle := time.NewTimer(2*watchdog + time.Second)
			defer idle.Stop()
			<-idle.C
			for r, peer := range pairs {
				if got := told(t, r, peer); !slices.Equal(got, before[r]) {
					t.Fatalf("%s about a link that is idle: %v, before %v", r.id, got, before[r])
				}
			}

			if wire.swallow() == 0 {
				t.Fatal("no connection goes through the proxy")
			}
			publishSingly(t, de, 20)
			settled(t, de.node, pl.id, 25*time.Second)
			sameOrder(t, de, pl)
			if !slices.Contains(append(told(t, de, pl.id), told(t, pl, de.id)...), "link stalled") {
				t.Errorf("no journal tells of it: %v, %v", told(t, de, pl.id), told(t, pl, de.id))
			}
			awaitLink(t, pl, de.id, "up")
			addsUp(t, de)
			addsUp(t, pl)
		})
	}
}
