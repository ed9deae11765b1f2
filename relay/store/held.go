package store

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/entente-relay/entente/federation"
)

// heldRow is one object that waits. ref is the log entry when it waits at the
// way in (peer ""), the frame when it waits before it may go to a peer.
type heldRow struct {
	peer   string
	ref    uint64
	n      int64
	seq    uint64
	source string
	issuer string
	digest [32]byte
	id     string
	reason string
	rule   string
	basis  string
	since  int64
}

func (b *batch) hold(h heldRow) error {
	var ids [6]int64
	for i, text := range [...]string{h.peer, h.source, h.issuer, h.reason, h.rule, h.basis} {
		var err error
		if ids[i], err = b.name(text); err != nil {
			return err
		}
	}
	_, err := b.exec(`INSERT INTO held (peer, ref, n, seq, source, issuer, digest, id, reason, rule, basis, since) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		ids[0], int64(h.ref), h.n, int64(h.seq), ids[1], ids[2], h.digest[:], h.id, ids[3], ids[4], ids[5], h.since)
	return err
}

// heldKey is what settling needs of a row.
type heldKey struct {
	ref, n         int64
	source, reason string
	since          int64
}

func readHeldKey(row scanner) (h heldKey, err error) {
	err = row.Scan(&h.ref, &h.n, &h.source, &h.reason, &h.since)
	return h, err
}

const selectHeldKey = `SELECT held.ref, held.n, coalesce(source.text, ''), reason.text, held.since FROM held
	LEFT JOIN names source ON source.id = held.source JOIN names reason ON reason.id = held.reason `

// settleIntake takes what entry ref holds at the way in out of the counts and
// the table: all of it, or the object with a digest of issuer.
func (b *batch) settleIntake(issuer string, digest []byte, ref uint64) error {
	gone := func(h heldKey) error {
		b.count(counter{sideIn, h.source, inReceived, ""}, -1)
		b.count(counter{sideIn, h.source, inHeld, h.reason}, -1)
		_, err := b.exec("DELETE FROM held WHERE peer = 0 AND ref = ? AND n = ?", h.ref, h.n)
		return err
	}
	if digest == nil {
		return each(b, readHeldKey, gone, selectHeldKey+"WHERE held.peer = 0 AND held.ref = ?", int64(ref))
	}
	id, err := b.name(issuer)
	if err != nil {
		return err
	}
	return each(b, readHeldKey, gone, selectHeldKey+"WHERE held.peer = 0 AND held.ref = ? AND held.issuer = ? AND held.digest = ? LIMIT 1", int64(ref), id, digest)
}

// settleOut takes an object that waits before it may go to a peer out of the
// counts and the table.
func (b *batch) settleOut(x *Settled) error {
	peer, err := b.name(x.Peer)
	if err != nil {
		return err
	}
	return each(b, readHeldKey, func(h heldKey) error { return b.unholdOut(x.Peer, peer, h) },
		selectHeldKey+"WHERE held.seq = ? AND held.peer = ? AND held.digest = ?", int64(x.LogSeq), peer, x.Digest[:])
}

// heldSince says since when an object waits that is held for a peer: an entry
// that was judged again takes the place of what was said of it before, and has
// waited as long.
func (b *batch) heldSince(e *Event, peer string, id int64, h *HeldOut) (since int64, err error) {
	since = micros(e.At)
	err = each(b, readHeldKey, func(old heldKey) error {
		since = min(since, old.since)
		return b.unholdOut(peer, id, old)
	}, selectHeldKey+"WHERE held.seq = ? AND held.peer = ? AND held.digest = ?", int64(h.LogSeq), id, h.Digest[:])
	return since, err
}

func (b *batch) unholdOut(peer string, id int64, h heldKey) error {
	b.count(counter{sideOut, peer, outJudged, ""}, -1)
	b.count(counter{sideOut, peer, outHeld, h.reason}, -1)
	_, err := b.exec("DELETE FROM held WHERE peer = ? AND ref = ? AND n = ?", id, h.ref, h.n)
	return err
}

// HeldFilter selects held objects; zero fields select all.
type HeldFilter struct {
	// Peer selects what waits before it may go to this peer, Intake what
	// waits at the way in. Set at most one.
	Peer   string
	Intake bool
	Source string
	Issuer string
	Digest [32]byte
	ID     string
	Reason federation.Reason
	// LogSeq selects what one log entry holds.
	LogSeq uint64
	Limit  int
}

// HeldObject is an object that waits.
type HeldObject struct {
	// Peer is for whom it waits, "" for the way in.
	Peer   string
	Source string // where it came from; "" when Peer is set
	LogSeq uint64
	Issuer string
	Digest [32]byte
	ID     string
	Reason federation.Reason
	Rule   string
	Basis  string
	Since  time.Time
}

// where collects conditions of a query.
type where struct {
	conds []string
	args  []any
}

func (w *where) add(on bool, cond string, args ...any) {
	if on {
		w.conds = append(w.conds, cond)
		w.args = append(w.args, args...)
	}
}

func (w *where) String() string {
	if len(w.conds) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(w.conds, " AND ")
}

const named = " = (SELECT id FROM names WHERE text = ?)"

// Held returns what waits, ordered by log entry and peer.
func (s *Store) Held(ctx context.Context, f HeldFilter) ([]HeldObject, error) {
	var w where
	w.add(f.Peer != "", "peer"+named, f.Peer)
	w.add(f.Intake, "peer = 0")
	w.add(f.Source != "", "source"+named, f.Source)
	w.add(f.Issuer != "", "issuer"+named, f.Issuer)
	w.add(f.Digest != [32]byte{}, "digest = ?", f.Digest[:])
	w.add(f.ID != "", "held.id = ?", f.ID)
	w.add(f.Reason != "", "reason"+named, string(f.Reason))
	w.add(f.LogSeq != 0, "seq = ?", int64(f.LogSeq))
	limit := f.Limit
	if limit <= 0 {
		limit = -1 // SQLite: none
	}
	rows, err := s.readDB.QueryContext(ctx, "SELECT peer, seq, source, issuer, digest, held.id, reason, rule, basis, since FROM held"+w.String()+
		" ORDER BY seq, coalesce((SELECT text FROM names WHERE names.id = peer), ''), ref, n LIMIT ?", append(slices.Clip(w.args), limit)...)
	if err != nil {
		return nil, s.fault(err)
	}
	var out []HeldObject
	var ids [][6]int64
	for rows.Next() {
		var h HeldObject
		var x [6]int64 // peer, source, issuer, reason, rule, basis
		var digest []byte
		var since int64
		if err := rows.Scan(&x[0], &h.LogSeq, &x[1], &x[2], &digest, &h.ID, &x[3], &x[4], &x[5], &since); err != nil {
			return nil, s.fault(closeRows(rows, err))
		}
		copy(h.Digest[:], digest)
		h.Since = fromMicros(since)
		out, ids = append(out, h), append(ids, x)
	}
	if err := closeRows(rows, rows.Err()); err != nil {
		return nil, s.fault(err)
	}
	for i := range out {
		h := &out[i]
		var reason string
		for j, into := range [...]*string{&h.Peer, &h.Source, &h.Issuer, &reason, &h.Rule, &h.Basis} {
			if *into, err = s.names.text(ctx, s.readDB, ids[i][j]); err != nil {
				return nil, s.fault(err)
			}
		}
		h.Reason = federation.Reason(reason)
	}
	return out, nil
}
