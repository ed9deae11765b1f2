package relay

import (
	"testing"
	"time"

	"github.com/entente-relay/entente/federation/link"
	"github.com/entente-relay/entente/relay/bus"
)

// A silent link is kicked when its patience ends and not before, each time
// later; an answer makes it like new.
func TestWatchdogPatience(t *testing.T) {
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	silent := link.Status{Unanswered: start, Pending: start}
	up := bus.LinkState{Up: true, Since: start.Add(-time.Hour)}
	const limit = 40 * time.Second
	var w watched
	var kicks []int
	for s := range 3600 {
		var kick bool
		if w, kick = w.look(up, silent, limit, start.Add(time.Duration(s)*time.Second)); kick {
			kicks = append(kicks, s)
		}
	}
	want := []int{40, 120, 280, 600, 1200, 1800, 2400, 3000} // seconds
	if len(kicks) != len(want) {
		t.Fatalf("kicks at %v", kicks)
	}
	for i, k := range kicks {
		if k != want[i] {
			t.Errorf("kick %d after %d s, want %d s", i, k, want[i])
		}
	}
	if w, kick := w.look(up, link.Status{}, limit, start.Add(24*time.Hour)); kick || w != (watched{}) {
		t.Errorf("after an answer: %+v, kick %v", w, kick)
	}
}

func TestWatchdogLeavesAlone(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	long := now.Add(-time.Hour)
	for name, c := range map[string]struct {
		link   bus.LinkState
		status link.Status
	}{
		"a link that is down":           {bus.LinkState{Since: long}, link.Status{Unanswered: long, Pending: long}},
		"a link just made":              {bus.LinkState{Up: true, Since: now.Add(-39 * time.Second)}, link.Status{Unanswered: long, Pending: long}},
		"a pull just sent":              {bus.LinkState{Up: true, Since: long}, link.Status{Unanswered: now.Add(-39 * time.Second), Pending: now.Add(-39 * time.Second)}},
		"a new link, not yet asked":     {bus.LinkState{Up: true, Since: long}, link.Status{Unanswered: long}},
		"a peer that answered long ago": {bus.LinkState{Up: true, Since: long}, link.Status{LastGood: long}},
	} {
		if _, kick := (watched{}).look(c.link, c.status, 40*time.Second, now); kick {
			t.Errorf("%s: kicked", name)
		}
	}
}
