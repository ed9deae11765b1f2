package relay

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/entente-relay/entente/configs"
	"github.com/entente-relay/entente/relay/dashboard"
	"github.com/entente-relay/entente/relay/store"
)

// Ages after which what waits is told, where the configuration names none.
const (
	usualWarn  = 24 * time.Hour
	usualAlarm = 72 * time.Hour
)

func heldAges(q configs.Quarantine) (warn, alarm time.Duration) {
	warn = cmp.Or(q.WarnAfter.Duration, usualWarn)
	return warn, max(warn, cmp.Or(q.AlarmAfter.Duration, usualAlarm))
}

// The words for how long something has waited.
const (
	ageFresh = "fresh"
	ageWarn  = "warn"
	ageAlarm = "alarm"
)

// age says how long something waits that waits since a moment.
func (w *World) age(since, now time.Time) string {
	switch d := now.Sub(since); {
	case d >= w.AlarmAfter:
		return ageAlarm
	case d >= w.WarnAfter:
		return ageWarn
	}
	return ageFresh
}

// tellAges says in the node's log what has waited for long: once for each group
// and step. What it said before is told, and a group that became empty may be
// told of anew.
func (n *Node) tellAges(ctx context.Context, told map[string]string) error {
	groups, err := n.index.HeldGroups(ctx)
	if err != nil {
		return err
	}
	w, now := n.world.Load(), n.now()
	seen := map[string]bool{}
	for _, g := range groups {
		id, age := groupID(g), w.age(g.Oldest, now)
		seen[id] = true
		if age == ageFresh {
			delete(told, id)
		}
		if age == ageFresh || told[id] == age {
			continue
		}
		told[id] = age
		n.slog.Warn("something waits for long: `entente quarantine show` tells for what", "group", id, "age", age, "oldest", g.Oldest.UTC().Format(time.RFC3339),
			"objects", g.Count, "reason", g.Reason, "rule", g.Rule, "peer", g.Peer, "source", cmp.Or(g.Source, g.Issuer))
	}
	for id := range told {
		if !seen[id] {
			delete(told, id)
		}
	}
	return nil
}

// heldStatus sums up what waits.
func (w *World) heldStatus(groups []store.HeldGroup, now time.Time) dashboard.Waiting {
	var out dashboard.Waiting
	for _, g := range groups {
		if out.Oldest.IsZero() || g.Oldest.Before(out.Oldest) {
			out.Oldest = g.Oldest
		}
		out.Objects += g.Count
		out.Groups++
		switch w.age(g.Oldest, now) {
		case ageAlarm:
			out.Alarms++
		case ageWarn:
			out.Warnings++
		}
	}
	return out
}

// heldWarning is what status warns of, "" for nothing.
func (w *World) heldWarning(q dashboard.Waiting) string {
	if q.Alarms == 0 {
		return ""
	}
	return fmt.Sprintf("%d groups of objects wait for more than %s, the oldest since %s: `entente quarantine list` shows them", q.Alarms, w.AlarmAfter,
		q.Oldest.UTC().Format(time.RFC3339))
}
