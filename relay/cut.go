package relay

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/entente-relay/entente/relay/journal"
)

// cutSome bounds how many records of the journal are looked at in one go, and
// cutPause is how long nothing is cut after that: each time adds a record.
const (
	cutSome  = 5000
	cutPause = time.Hour
)

// cutJournal removes from the journal what is older than the operator wants it
// kept. First a record names the last one that goes, so that what is left is
// still a chain; if the node dies in between, that is done once more.
func (n *Node) cutJournal(ctx context.Context) error {
	w := n.world.Load()
	if w.retention.Journal <= 0 || n.cutBy == w && n.now().Before(n.cutNext) {
		return nil
	}
	before := n.now().Add(-time.Duration(w.retention.Journal) * aDay)
	for _, h := range w.holds {
		if h.From.Before(before) {
			before = h.From // the zero time for a hold on everything there ever was
		}
	}
	last, more, err := n.oldJournal(ctx, before)
	if err != nil {
		return err
	}
	next := n.now()
	if !more {
		next = next.Add(cutPause)
	}
	if last.Seq == 0 {
		n.cutBy, n.cutNext = w, next
		return nil
	}
	if _, err := n.journal.Append(ctx, &journal.Record{At: n.now(), Cut: &journal.Cut{Seq: last.Seq, Hash: last.Hash, Log: n.intakeDone}}); err != nil {
		return err
	}
	n.at(stepCut)
	if err := n.bus.Journal().Purge(ctx, last.Seq+1); err != nil {
		return err
	}
	n.cutBy, n.cutNext = w, next
	n.slog.Info("the journal was cut", "up_to", last.Seq, "before", before)
	return nil
}

// oldJournal returns the last record of a beginning of the journal of which all
// are older than a moment, and which the index knows; the zero Head for none. More
// says that there may be others.
func (n *Node) oldJournal(ctx context.Context, before time.Time) (last journal.Head, more bool, err error) {
	looked := 0
	for s, err := range journal.Entries(ctx, n.journalLog(), 1) {
		if err != nil {
			return last, false, err
		}
		r, err := journal.Decode(s.Data)
		if err != nil {
			return last, false, fmt.Errorf("journal record %d: %w", s.Seq, err)
		}
		if !r.At.Before(before) || s.Seq > n.index.Journaled() {
			break
		}
		last = journal.Head{Seq: s.Seq, Hash: sha256.Sum256(s.Data)}
		if looked++; looked == cutSome {
			return last, true, nil
		}
	}
	return last, false, nil
}
