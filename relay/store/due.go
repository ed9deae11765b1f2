package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/entente-relay/entente/federation"
)

// due writes until when places of the log may hold what they hold.
func (b *batch) due(all []Due) error {
	for _, d := range all {
		if _, err := b.exec("INSERT OR IGNORE INTO due (at, seq, n) VALUES (?, ?, ?)", micros(d.At), int64(d.Seq), d.N); err != nil {
			return err
		}
	}
	return nil
}

// erase leaves of an object nothing but its digest. What waits of it waits no
// more: at the way in it is refused, and for a peer it is not judged any more.
func (b *batch) erase(x *Erasure) error {
	if _, err := b.exec("DELETE FROM due WHERE seq = ? AND n = ?", int64(x.Seq), x.N); err != nil {
		return err
	}
	if err := b.unholdErased(x); err != nil {
		return err
	}
	if x.Issuer == "" {
		return nil
	}
	row := known(b.s.memory, b.s.memory.objects, b.objects, b.key(x.Issuer, &x.Digest))
	if row == 0 {
		return nil
	}
	if _, err := b.exec("UPDATE objects SET id = '', version = '', type = 0, marking = 0, expires = 0 WHERE n = ?", int64(row)); err != nil {
		return err
	}
	issuer, err := b.name(x.Issuer)
	if err != nil {
		return err
	}
	if _, err := b.exec("DELETE FROM proofs WHERE issuer = ? AND (held = ? OR refused = ?)", issuer, x.Digest[:], x.Digest[:]); err != nil {
		return err
	}
	return b.markErased(int64(row), x.Reason)
}

// markErased says of a row of objects why only the digest is left.
func (b *batch) markErased(row int64, reason federation.Reason) error {
	b.erased = append(b.erased, uint32(row))
	_, err := b.exec("INSERT OR IGNORE INTO erased (n, reason) VALUES (?, ?)", row, string(reason))
	return err
}

// unholdErased takes what waits of an erased object out of the table.
func (b *batch) unholdErased(x *Erasure) error {
	atDoor := func(h heldKey) error {
		b.count(counter{sideIn, h.source, inHeld, h.reason}, -1)
		b.count(counter{sideIn, h.source, inRefused, string(x.Reason)}, 1)
		_, err := b.exec("DELETE FROM held WHERE peer = 0 AND ref = ? AND n = ?", h.ref, h.n)
		return err
	}
	if err := each(b, readHeldKey, atDoor, selectHeldKey+"WHERE held.peer = 0 AND held.ref = ? AND held.n = ?", int64(x.Seq), x.N); err != nil {
		return err
	}
	if x.Issuer == "" {
		return nil
	}
	issuer, err := b.name(x.Issuer)
	if err != nil {
		return err
	}
	read := func(row scanner) (h heldWithdrawn, err error) {
		err = row.Scan(&h.peer, &h.ref, &h.n, &h.who, &h.reason)
		return h, err
	}
	return each(b, read, func(h heldWithdrawn) error { return b.unholdOut(h.who, h.peer, h.heldKey) },
		`SELECT held.peer, held.ref, held.n, peer.text, reason.text FROM held JOIN names reason ON reason.id = held.reason
		JOIN names peer ON peer.id = held.peer WHERE held.digest = ? AND held.issuer = ? AND held.peer <> 0`, x.Digest[:], issuer)
}

// DueBy returns the places of the log whose time has come, the first to come
// first: at most limit, behind a place already looked at.
func (s *Store) DueBy(ctx context.Context, now time.Time, after Due, limit int) ([]Due, error) {
	rows, err := s.readDB.QueryContext(ctx, "SELECT at, seq, n FROM due WHERE at <= ?1 AND (at, seq, n) > (?2, ?3, ?4) ORDER BY at, seq, n LIMIT ?5",
		micros(now), micros(after.At), int64(after.Seq), after.N, limit)
	if err != nil {
		return nil, s.fault(err)
	}
	var out []Due
	for rows.Next() {
		var d Due
		var at int64
		if err := rows.Scan(&at, &d.Seq, &d.N); err != nil {
			return nil, s.fault(closeRows(rows, err))
		}
		d.At = fromMicros(at)
		out = append(out, d)
	}
	if err := closeRows(rows, rows.Err()); err != nil {
		return nil, s.fault(err)
	}
	return out, nil
}

// NotDue forgets places of which nothing is left to erase.
func (s *Store) NotDue(ctx context.Context, all []Due) error {
	return s.commit(ctx, func(b *batch) error {
		for _, d := range all {
			if _, err := b.exec("DELETE FROM due WHERE at = ? AND seq = ? AND n = ?", micros(d.At), int64(d.Seq), d.N); err != nil {
				return err
			}
		}
		return nil
	})
}

// DueRules returns the rules of retention by which due times are kept, as they
// were given to [Store.Redue], and the log sequences behind which and up to
// which they have to be worked out anew.
func (s *Store) DueRules(ctx context.Context) (rules string, from, to uint64, err error) {
	if err = s.readDB.QueryRowContext(ctx, "SELECT rules, redone, redo_to FROM meta").Scan(&rules, &from, &to); err != nil {
		return "", 0, 0, s.fault(err)
	}
	return rules, from, to, nil
}

// NewRules forgets all due times and takes note of other rules: those of what
// the log holds by now have to be worked out anew.
func (s *Store) NewRules(ctx context.Context, rules string) error {
	return s.commit(ctx, func(b *batch) error {
		if _, err := b.exec("DELETE FROM due"); err != nil {
			return err
		}
		_, err := b.exec("UPDATE meta SET rules = ?, redone = 0, redo_to = ?", rules, int64(b.applied))
		return err
	})
}

// Redue writes due times that were worked out anew, up to a log sequence.
func (s *Store) Redue(ctx context.Context, upTo uint64, all []Due) error {
	return s.commit(ctx, func(b *batch) error {
		if err := b.due(all); err != nil {
			return err
		}
		_, err := b.exec("UPDATE meta SET redone = ?", int64(upTo))
		return err
	})
}

// ErasedFor returns why nothing but the digest is left of an object, "" if it
// is whole or was never here.
func (s *Store) ErasedFor(issuer string, digest [32]byte) (federation.Reason, error) {
	m := s.memory
	m.mu.RLock()
	key := m.masks[issuer].of(&digest)
	row := m.objects.get(&key)
	erased := row != 0 && m.erased.has(row)
	m.mu.RUnlock()
	if !erased {
		return "", nil
	}
	var reason string
	err := s.readDB.QueryRowContext(context.Background(), "SELECT coalesce((SELECT reason FROM erased WHERE n = ?), ?)", int64(row), string(federation.Expired)).Scan(&reason)
	if err != nil {
		return "", s.fault(err)
	}
	return federation.Reason(reason), nil
}

func (s *Store) loadErased(ctx context.Context) error {
	return s.query(ctx, "SELECT n FROM erased", func(r *sql.Rows) error {
		var n uint32
		if err := r.Scan(&n); err != nil {
			return err
		}
		s.memory.erased.set(n)
		return nil
	})
}

// Scrub empties the file beside the index in which SQLite keeps pages as they
// were before; done is false while somebody reads them.
func (s *Store) Scrub(ctx context.Context) (done bool, err error) {
	s.writing.Lock()
	defer s.writing.Unlock()
	if s.broken != nil {
		return false, s.broken
	}
	var busy, pages, moved int
	if err := s.conn.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &pages, &moved); err != nil {
		return false, s.fault(err)
	}
	return busy == 0, nil
}
