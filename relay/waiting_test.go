package relay

import (
	"fmt"
	"testing"
)

// TestWaitingIsBounded: what waits for something mentioned is bounded, whether it
// waits still, or has what it waited for and nobody looks at it.
func TestWaitingIsBounded(t *testing.T) {
	var w waiting
	for i := range 3 * maxWaiting {
		id := fmt.Sprint("indicator--", i)
		w.add([]string{id, "identity--1"}, waiter{peer: "pl-cert", seq: uint64(i)})
		if i%2 == 0 {
			w.came(id)
		}
		if all := len(w.due) + len(w.byID); all > maxWaiting+1 {
			t.Fatalf("%d wait", all)
		}
	}
	if got := w.take(); len(got) == 0 {
		t.Fatal("nothing is due")
	}
	w.came("identity--1")
	w.take()
	for id := range w.byID {
		w.came(id)
	}
	w.take()
	if w.count != 0 || len(w.byID) != 0 {
		t.Errorf("nothing waits, and %d are counted, %d kept", w.count, len(w.byID))
	}
	w.add([]string{"identity--2"}, waiter{peer: "pl-cert", seq: 1})
	if !w.came("identity--2") || len(w.take()) != 1 {
		t.Error("nothing can wait any more")
	}
}
