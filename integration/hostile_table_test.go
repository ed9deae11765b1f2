package integration

import (
	"fmt"
	"testing"
	"time"
)

// attack is one thing that a hostile peer with accepted terms tries.
type attack struct {
	name string
	// stops says what stopped it, for the table that the test prints.
	stops string
	run   func(h *hostile)
	// stores is how many objects of the hostile peer's own the victim rightly
	// takes meanwhile.
	stores uint64
}

// hostileAttacks is how many attacks there are. Who adds or removes one says so
// here; one that is not run makes the test fail.
const hostileAttacks = 118

// attacks lists them all. The one that uses up the quota is the last.
func attacks() []attack {
	var all []attack
	for _, more := range [][]attack{loweringAttacks(), messageAttacks(), frameAttacks(), receiptAttacks(), floodAttacks(), cursorAttacks()} {
		all = append(all, more...)
	}
	return all
}

// TestHostilePeer lets a peer with accepted terms and good link keys, but with
// code of its own, attack a running node: as the one that dials and as the one
// that is dialled, as the one that serves and as the one that pulls. None of it
// works, the reason is told, and after each attack the node serves an honest
// peer as before.
func TestHostilePeer(t *testing.T) {
	if testing.Short() {
		t.Skip("a node is attacked in some seventy ways: not with -short")
	}
	all := attacks()
	if len(all) != hostileAttacks {
		t.Fatalf("the table has %d attacks, %d are due", len(all), hostileAttacks)
	}
	t.Cleanup(func() {
		for _, a := range all {
			t.Logf("%-60s %s", a.name, a.stops)
		}
	})
	for _, how := range []direction{itDials, itListens} {
		t.Run(string(how), func(t *testing.T) {
			t.Parallel()
			h := newHostile(t, how)
			ran := 0
			for _, a := range all {
				t.Run(a.name, func(t *testing.T) {
					h.t = t
					ran++
					h.under(a)
				})
			}
			h.t = t
			if ran != hostileAttacks {
				t.Errorf("%d attacks were run, %d are due", ran, hostileAttacks)
			}
			addsUp(t, h.victim)
		})
	}
}

// under runs one attack and checks that it did nothing.
func (h *hostile) under(a attack) {
	h.t.Helper()
	_, before := h.seen()
	a.run(h)
	if took := h.honest(); took > 10*time.Second {
		h.t.Errorf("afterwards an object took %v to an honest peer", took)
	}
	h.taken(h.sendOne(h.message(), nil)) // its own link works, too
	_, after := h.seen()
	if got := after.In.Stored - before.In.Stored - 1; got != a.stores {
		h.t.Errorf("the victim took %d objects, want %d: %+v", got, a.stores, after.In)
	}
}

// violates runs f and waits until the victim tells of a violation for that
// reason, in its status, and its journal has it.
func (h *hostile) violates(reason string, f func()) {
	h.t.Helper()
	_, before := h.seen()
	f()
	eventually(h.t, 10*time.Second, func() string {
		if _, p := h.seen(); p.Violations[reason] <= before.Violations[reason] {
			return fmt.Sprintf("no violation %q is told: %v, %s", reason, p.Violations, p.State)
		}
		return ""
	})
	h.awaitJournal("refused " + reason)
}
