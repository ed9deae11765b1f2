package store

import (
	"context"
	"slices"
)

// Route is one message by which an object came, and what it shows of it.
type Route struct {
	LogSeq uint64
	Shown
}

// route writes a further way by which the object of a row came.
func (b *batch) route(seq uint64, row uint32, o *Object) error {
	if _, err := b.exec("INSERT OR IGNORE INTO routes (object, seq, shown, parts, whole) VALUES (?, ?, ?, ?, ?)",
		int64(row), int64(seq), o.Shown.Hash[:], o.Shown.Parts, boolInt(o.Shown.Whole)); err != nil {
		return err
	}
	if o.Shown.Whole {
		b.whole = append(b.whole, row)
	}
	_, err := b.exec(`UPDATE objects SET best = ?2 WHERE n = ?1 AND ?3 >
		(SELECT max(p) FROM (SELECT parts AS p FROM objects WHERE n = ?1 UNION ALL SELECT parts FROM routes WHERE object = ?1 AND seq <> ?2))`,
		int64(row), int64(seq), o.Shown.Parts)
	return err
}

// rowSet is a set of rows.
type rowSet []uint64

func (s *rowSet) set(n uint32) {
	for int(n/64) >= len(*s) {
		*s = append(*s, 0)
	}
	(*s)[n/64] |= 1 << (n % 64)
}

func (s rowSet) has(n uint32) bool { return int(n/64) < len(s) && s[n/64]>>(n%64)&1 == 1 }

// Whole reports whether some message by which an object was taken shows all of
// it: then no other can show more. It answers from memory, what was noted and
// not yet applied included.
func (s *Store) Whole(issuer string, digest [32]byte) bool {
	m := s.memory
	m.mu.RLock()
	defer m.mu.RUnlock()
	mask, ok := m.masks[issuer]
	if !ok {
		return false
	}
	k := mask.of(&digest)
	if row := m.objects.get(&k); row != 0 && m.whole.has(row) {
		return true
	}
	return slices.ContainsFunc(m.notedRoutes[k], func(r Route) bool { return r.Whole })
}

const selectRoutes = `SELECT seq, shown, parts, whole FROM objects WHERE n = ?1
	UNION ALL SELECT seq, shown, parts, whole FROM routes WHERE object = ?1 ORDER BY seq`

// Routes returns the messages by which an object was taken, in log order: the
// first, and each that showed more. One of them stands in Stored.LogSeq. What
// was noted and not yet applied is among them.
func (s *Store) Routes(ctx context.Context, issuer string, digest [32]byte) ([]Route, error) {
	m := s.memory
	m.mu.RLock()
	var row uint32
	var noted []Route
	if mask, ok := m.masks[issuer]; ok {
		k := mask.of(&digest)
		row = m.objects.get(&k)
		noted = slices.Clone(m.notedRoutes[k])
	}
	m.mu.RUnlock()
	if row == 0 {
		return noted, nil
	}
	rows, err := s.readRoutes.QueryContext(ctx, int64(row))
	if err != nil {
		return nil, s.fault(err)
	}
	var out []Route
	for rows.Next() {
		var r Route
		var hash []byte
		if err := rows.Scan(&r.LogSeq, &hash, &r.Parts, &r.Whole); err != nil {
			return nil, s.fault(closeRows(rows, err))
		}
		copy(r.Hash[:], hash)
		out = append(out, r)
	}
	if err := closeRows(rows, rows.Err()); err != nil {
		return nil, s.fault(err)
	}
	for _, r := range noted {
		if len(out) == 0 || r.LogSeq > out[len(out)-1].LogSeq {
			out = append(out, r)
		}
	}
	return out, nil
}

// dropRoutes forgets what was noted of a key up to a log sequence. The caller
// holds the lock for writing.
func (m *memory) dropRoutes(k objectKey, applied uint64) {
	left := slices.DeleteFunc(m.notedRoutes[k], func(r Route) bool { return r.LogSeq <= applied })
	if len(left) == 0 {
		delete(m.notedRoutes, k)
		return
	}
	m.notedRoutes[k] = left
}
