package relay

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/relay/store"
)

// aboutIn lists what waits at the way in and is to be rejected.
func (d *personDecision) aboutIn(rows []store.HeldObject, now time.Time) error {
	if len(rows) > maxDecided {
		return fmt.Errorf("%d objects wait there, and a decision lists at most %d", len(rows), maxDecided)
	}
	d.Source, d.Reason, d.Rule, d.Until = rows[0].Source, rows[0].Reason, rows[0].Rule, now.Add(usualRelease)
	for _, h := range rows {
		d.In = append(d.In, waitsIn{Log: h.LogSeq, Digest: h.Digest})
	}
	return nil
}

// rejectIn refuses what waits at the way in: markers in the log say so, and take
// it off the list in the same commit. What is there no more is passed over.
func (n *Node) rejectIn(ctx context.Context, d *takenDecision) (count int, err error) {
	if err := n.caughtUp(ctx); err != nil {
		return 0, err
	}
	rows, err := n.index.Held(ctx, store.HeldFilter{Intake: true, Source: d.Source, Reason: d.Reason})
	if err != nil {
		return 0, err
	}
	var items []entryItem
	text := "rejected by " + strings.Join(d.By, " and ") + ", decision " + d.ID
	for _, h := range rows {
		if !slices.Contains(d.In, waitsIn{Log: h.LogSeq, Digest: h.Digest}) {
			continue
		}
		it := entryItem{Issuer: h.Issuer, Digest: h.Digest, ID: h.ID, Outcome: refused, Reason: federation.HeldForPerson, Rule: personRule, Text: text, Settles: h.LogSeq}
		if h.ID != "" {
			it.Mark = n.keys.mark(cmp.Or(h.Issuer, n.id), h.ID)
		}
		items = append(items, it)
	}
	if len(items) == 0 {
		return 0, nil
	}
	from := "" // whose the count is
	if d.Source != sourceSelf {
		from = d.Source
	}
	_, err = n.committer.commit(ctx, sourceSelf, func(*view) ([]*entry, error) {
		var out []*entry
		for some := range slices.Chunk(items, markerItems) {
			out = append(out, &entry{Kind: entryMarker, Source: sourceSelf, From: from, At: n.now(), Items: some})
		}
		return out, nil
	})
	return len(items), err
}
