package store

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"github.com/entente-relay/entente/federation"
)

// lowered is the reason of a withdrawal for a version that is marked lower.
const lowered = "lowered"

// goneRank orders the reasons of a withdrawal by how much they ask for; 0 for
// what is none.
func goneRank(reason string) int {
	return slices.Index([]string{"superseded", lowered, "withdrawn", "spill"}, reason) + 1
}

// Outranks reports whether a withdrawal for one reason asks for more than one
// for another: superseded, lowered, withdrawn, spill.
func Outranks(reason, other string) bool { return goneRank(reason) > goneRank(other) }

// Withdrawal is what an issuer took back. The object need not be here.
type Withdrawal struct {
	Issuer string
	Digest [32]byte
	Reason string // "superseded", "lowered", "withdrawn" or "spill"
	By     string // who signed it
	LogSeq uint64 // the entry that says so
	At     time.Time
}

// Withdrawal returns why, when and by whom an object was withdrawn, as far as
// the log says so. Of what is noted but not applied only the reason is known.
func (s *Store) Withdrawal(issuer string, digest [32]byte) (w Withdrawal, ok bool, err error) {
	m := s.memory
	m.mu.RLock()
	key := m.masks[issuer].of(&digest)
	noted, ok := m.notedGone[key]
	row := m.gone.get(&key)
	m.mu.RUnlock()
	if row != 0 {
		if w, err = s.withdrawal(context.Background(), int64(row)); err != nil {
			return w, false, s.fault(missingRow(err, int64(row)))
		}
	}
	if ok && Outranks(noted.reason, w.Reason) {
		w = Withdrawal{Issuer: issuer, Digest: digest, Reason: noted.reason, By: issuer, LogSeq: noted.seq}
	}
	return w, ok || row != 0, nil
}

// Named returns the id and the version of an object that was taken.
func (s *Store) Named(ctx context.Context, issuer string, digest [32]byte) (id, version string, ok bool, err error) {
	m := s.memory
	m.mu.RLock()
	key := m.masks[issuer].of(&digest)
	row := m.objects.get(&key)
	noted, isNoted := m.notedNames[key]
	m.mu.RUnlock()
	if row == 0 {
		return noted.id, noted.version, isNoted, nil
	}
	if err := s.readDB.QueryRowContext(ctx, "SELECT id, version FROM objects WHERE n = ?", int64(row)).Scan(&id, &version); err != nil {
		return "", "", false, s.fault(missingRow(err, int64(row)))
	}
	return id, version, true, nil
}

// Owners returns the issuers of whom an object with this digest was taken. More
// than one is possible: whoever holds a disclosure can sign it, too.
func (s *Store) Owners(digest [32]byte) []string {
	m := s.memory
	m.mu.RLock()
	defer m.mu.RUnlock()
	var out []string
	for issuer, mask := range m.masks {
		k := mask.of(&digest)
		if _, noted := m.notedObjects[k]; noted || m.objects.has(&k) {
			out = append(out, issuer)
		}
	}
	slices.Sort(out)
	return out
}

// withdrawal reads one row.
func (s *Store) withdrawal(ctx context.Context, n int64) (Withdrawal, error) {
	return readWithdrawal(s.readDB.QueryRowContext(ctx, selectGone+" WHERE n = ?", n))
}

const selectGone = "SELECT issuer.text, digest, reason, signer.text, seq, at FROM gone JOIN names issuer ON issuer.id = issuer JOIN names signer ON signer.id = by"

func readWithdrawal(row scanner) (w Withdrawal, err error) {
	var digest []byte
	var at int64
	err = row.Scan(&w.Issuer, &digest, &w.Reason, &w.By, &w.LogSeq, &at)
	copy(w.Digest[:], digest)
	w.At = fromMicros(at)
	return w, err
}

// Withdrawals returns what was withdrawn by log entries after a sequence, the
// oldest first; limit 0 for all.
func (s *Store) Withdrawals(ctx context.Context, after uint64, limit int) ([]Withdrawal, error) {
	if limit <= 0 {
		limit = -1 // SQLite: none
	}
	return s.withdrawals(ctx, selectGone+" WHERE seq > ? ORDER BY seq, n LIMIT ?", int64(after), limit)
}

func (s *Store) withdrawals(ctx context.Context, query string, args ...any) ([]Withdrawal, error) {
	rows, err := s.readDB.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, s.fault(err)
	}
	var out []Withdrawal
	for rows.Next() {
		w, err := readWithdrawal(rows)
		if err != nil {
			return nil, s.fault(closeRows(rows, err))
		}
		out = append(out, w)
	}
	if err := closeRows(rows, rows.Err()); err != nil {
		return nil, s.fault(err)
	}
	return out, nil
}

// Spills returns what was withdrawn because it should never have been sent.
func (s *Store) Spills(ctx context.Context) ([]Withdrawal, error) {
	return s.withdrawals(ctx, selectGone+" WHERE reason = 'spill' ORDER BY seq, n")
}

// Told returns every recorded sending of a withdrawal, the oldest first.
func (s *Store) Told(ctx context.Context, w Withdrawal) ([]Recipient, error) {
	return s.sendings(ctx, w.Digest, "?1", int64(w.LogSeq))
}

// withdraw writes one withdrawal. What waits of the object waits no more: at the
// way in it is refused, and what waits for a peer is not judged any more.
func (b *batch) withdraw(e *Entry, g *Gone) error {
	key := b.key(g.Issuer, &g.Digest)
	issuer, err := b.name(g.Issuer)
	if err != nil {
		return err
	}
	signer := issuer
	if g.By != "" {
		if signer, err = b.name(g.By); err != nil {
			return err
		}
	}
	if n := b.goneRow(key); n != 0 {
		return b.outrank(e, g, n, issuer, signer)
	}
	b.count(counter{sideIn, e.Source, inWithdrawn, ""}, 1)
	if _, err := b.exec("INSERT INTO gone (n, issuer, digest, reason, seq, by, at) VALUES (?, ?, ?, ?, ?, ?, ?)",
		int64(b.nextGone), issuer, g.Digest[:], g.Reason, int64(e.Seq), signer, micros(e.At)); err != nil {
		return err
	}
	b.gone[key] = b.nextGone
	b.nextGone++
	return b.unhold(issuer, g.Digest, federation.Withdrawn)
}

// outrank lets a withdrawal replace one that asked for less.
func (b *batch) outrank(e *Entry, g *Gone, n, issuer, signer int64) error {
	var have string
	if err := b.queryRow("SELECT reason FROM gone WHERE n = ?", n).Scan(&have); err != nil {
		return missingRow(err, n)
	}
	if !Outranks(g.Reason, have) && (g.Reason != lowered || have != lowered) { // of two acts that lower the later counts
		return nil
	}
	b.count(counter{sideIn, e.Source, inWithdrawn, ""}, 1)
	if _, err := b.exec("UPDATE gone SET reason = ?, seq = ?, by = ?, at = ? WHERE n = ?", g.Reason, int64(e.Seq), signer, micros(e.At), n); err != nil {
		return err
	}
	return b.unhold(issuer, g.Digest, federation.Withdrawn) // what came to wait in between
}

// goneRow returns the row of a withdrawal, 0 if there is none.
func (b *batch) goneRow(key objectKey) int64 {
	if n, ok := b.gone[key]; ok {
		return int64(n)
	}
	b.s.memory.mu.RLock()
	defer b.s.memory.mu.RUnlock()
	return int64(b.s.memory.gone.get(&key))
}

// heldWithdrawn is a held row of an object that was withdrawn.
type heldWithdrawn struct {
	heldKey
	peer int64
	who  string
}

// unhold takes what waits of an object that is withdrawn or erased out of the
// table: at the way in it is then refused.
func (b *batch) unhold(issuer int64, digest [32]byte, reason federation.Reason) error {
	read := func(row scanner) (h heldWithdrawn, err error) {
		var source, peer sql.NullString
		err = row.Scan(&h.peer, &h.ref, &h.n, &source, &peer, &h.reason)
		h.source, h.who = source.String, peer.String
		return h, err
	}
	return each(b, read, func(h heldWithdrawn) error {
		if h.peer != 0 {
			return b.unholdOut(h.who, h.peer, h.heldKey)
		}
		b.count(counter{sideIn, h.source, inHeld, h.reason}, -1)
		b.count(counter{sideIn, h.source, inRefused, string(reason)}, 1)
		_, err := b.exec("DELETE FROM held WHERE peer = 0 AND ref = ? AND n = ?", h.ref, h.n)
		return err
	}, `SELECT held.peer, held.ref, held.n, source.text, peer.text, reason.text FROM held JOIN names reason ON reason.id = held.reason
		LEFT JOIN names source ON source.id = held.source LEFT JOIN names peer ON peer.id = held.peer WHERE held.digest = ? AND held.issuer = ?`, digest[:], issuer)
}

// countGone counts what a peer says of the digests that a message takes back.
func (b *batch) countGone(peer string, gone int64, o *ReceiptOutcome) {
	if gone == 0 {
		return
	}
	obeyed := min(int64(o.Stored)+int64(o.Duplicate), gone)
	if min(o.Stored, o.Duplicate, o.Held, o.Refused) < 0 || o.Stored+o.Duplicate+o.Held+o.Refused != int(gone) {
		obeyed = 0 // a receipt that counts otherwise says nothing
	}
	b.count(counter{sideOut, peer, outGoneInFlight, ""}, -gone)
	b.count(counter{sideOut, peer, outGoneAcknowledged, ""}, obeyed)
	b.count(counter{sideOut, peer, outGoneNotTaken, ""}, gone-obeyed)
}
