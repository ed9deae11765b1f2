package relay

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/link"
	"github.com/entente-relay/entente/relay/bus"
	"github.com/entente-relay/entente/relay/journal"
)

// runningFile lies in the data folder while a node runs. One that is there
// before the start was left by a node that did not end by itself.
const runningFile = "running"

func (n *Node) runningPath() string { return filepath.Join(n.cfg.Data, runningFile) }

// begin says whether the last run ended by itself, and marks that this one
// has begun. The bus holds the lock on the folder by then.
func (n *Node) begin() error {
	path := n.runningPath()
	if was, err := os.ReadFile(path); err == nil {
		n.slog.Warn("the node did not end by itself last time; what it acknowledged is in the log, and journal and index are brought up to it", "started", string(was))
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	n.begun = true
	if err := n.disk(writeRunning, func() error {
		return os.WriteFile(path, []byte(n.started.UTC().Format("2006-01-02T15:04:05Z")), 0o600)
	}); err != nil {
		return fmt.Errorf("the data folder cannot be written: %s: %w: free space there or mend the disk, then start the node again", path, err)
	}
	return nil
}

// end takes the mark away.
func (n *Node) end() error {
	return n.disk(writeStopped, func() error {
		if err := os.Remove(n.runningPath()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	})
}

// sentScan is how many of the last journal records are looked at to find out
// how far into the log peers have been served. What it misses is found when
// that peer asks again with its cursor.
const sentScan = 5000

// knownLog is the highest log sequence that the journal names, in what came
// in and in what left.
func (n *Node) knownLog(ctx context.Context) (uint64, error) {
	known := n.intakeDone
	page, err := journal.Find(ctx, n.journalLog(), journal.Query{Kinds: []journal.Kind{"sent"}, Limit: sentScan, Scan: sentScan})
	if err != nil {
		return 0, err
	}
	for _, r := range page.Records {
		known = max(known, r.Sent.LogTo)
	}
	return known, nil
}

// lostMost bounds how many entries of a log are marked as lost. A log that
// lost more is another one, with an incarnation of its own.
const lostMost = 100_000

// markLost makes up for a log that lost its end (a disk that did not keep what
// it had synced, a copy put back): known is a sequence that once was there.
// Each lost entry gets a marker, so that no sequence means two things: a peer
// that stands behind it goes on from there, one that stands before it is told
// of the gap. It is for the start, when nothing new stands in the log yet; a
// loss that only a peer's cursor shows is found by goneBack.
func (n *Node) markLost(ctx context.Context, known uint64) error {
	state, err := n.log.State(ctx)
	if err != nil || known <= state.Last {
		return err
	}
	lost := known - state.Last
	n.slog.Error("the log lost its end: what peers sent comes again from them, what was published here has to be published again",
		"last", state.Last, "known", known, "lost", lost)
	if lost > lostMost {
		return nil
	}
	for lost > 0 {
		k := min(lost, maxJobEntries)
		lost -= k
		if err := n.appendMarkers(ctx, k); err != nil {
			return err
		}
	}
	return nil
}

// check names what stands at a place of the log: every commit has an id of its
// own.
func (e *entry) check() uint64 {
	sum := sha256.Sum256([]byte(e.Batch))
	return binary.BigEndian.Uint64(sum[:])
}

// goneBack reports whether a peer's cursor is of a log that is no more: it was
// put back from a backup, or lost more than the journal knows of. What stands
// at the cursor's place is then something else, or nothing. Where entries are
// no longer kept for their age nobody can tell, and the peer gets a gap record.
func (n *Node) goneBack(ctx context.Context, at link.Cursor) (bool, error) {
	if at.Pos == 0 {
		return false, nil
	}
	if p := n.recent.get(at.Pos); p != nil {
		return !p.lost && p.check != at.Check, nil
	}
	st, ok, err := n.stored(ctx, at.Pos)
	if err != nil {
		return false, err
	}
	if !ok {
		state, err := n.log.State(ctx)
		return err == nil && at.Pos > state.Last, err
	}
	e, err := decodeEntry(st.Data)
	if err != nil {
		return false, fmt.Errorf("log sequence %d: %w", at.Pos, err)
	}
	return !e.Lost && e.check() != at.Check, nil
}

// place returns the cursor from which a peer is served: its own, or the
// beginning of the log under a new incarnation, so that the peer reads all of
// it again and keeps what it does not have.
func (n *Node) place(ctx context.Context, peer string, at link.Cursor) (link.Cursor, error) {
	stream := n.log.Incarnation()
	if base, _, _ := strings.Cut(at.Incarnation, "."); base != stream {
		return link.Cursor{Incarnation: stream}, nil
	}
	gone, err := n.goneBack(ctx, at)
	if err != nil || !gone {
		return at, err
	}
	n.slog.Error("the log has gone back: a peer was served further than it goes, or something else; the peer reads all of it again, and what was published here since has to be published again",
		"peer", peer, "served", at.Pos)
	if _, err := n.journal.Append(ctx, &journal.Record{At: n.now(), Link: &journal.LinkEvent{Peer: journal.Token(peer), Event: "log-went-back", Reason: federation.Lost}}); err != nil {
		return at, err
	}
	return link.Cursor{Incarnation: stream + "." + rand.Text()[:8]}, nil
}

// checkEnd notices a log whose last entry is counted but not there. What an
// index knows of it is then more than the log holds, and would make of the
// same object, sent again, a duplicate: so the log is given out as empty, and
// the index is built anew.
func (n *Node) checkEnd(ctx context.Context, state *bus.State) error {
	if state.Last == 0 {
		return nil
	}
	_, ok, err := n.stored(ctx, state.Last)
	if err != nil || ok {
		return err
	}
	n.endMissing = true
	n.slog.Error("the log lost its end: what peers sent comes again from them, what was published here has to be published again", "missing", state.Last)
	state.Last = 0
	return nil
}

// checkJournalEnd notices a journal whose last record is counted but not
// there. The index may tell of it, so it is built anew from what is there.
func (n *Node) checkJournalEnd(ctx context.Context, state *bus.State) error {
	last, ok, err := n.journalLog().Last(ctx)
	if err != nil || state.Last == 0 || ok && last.Seq == state.Last {
		return err
	}
	n.slog.Error("the journal lost its end: what it told of what left is gone; what came in it tells again", "last", last.Seq, "missing", state.Last)
	state.Last = 0
	return nil
}

// markEnd puts a marker where the end of the log is missing.
func (n *Node) markEnd(ctx context.Context) error {
	if n.endMissing {
		if err := n.appendMarkers(ctx, 1); err != nil {
			return err
		}
	}
	return n.markLost(ctx, n.logKnown)
}

// appendMarkers puts so many empty entries at the end of the log.
func (n *Node) appendMarkers(ctx context.Context, k uint64) error {
	_, err := n.committer.commit(ctx, sourceSelf, func(*view) ([]*entry, error) {
		out := make([]*entry, k)
		for i := range out {
			out[i] = &entry{Kind: entryMarker, Source: sourceSelf, At: n.now(), Lost: true}
		}
		return out, nil
	})
	return err
}
