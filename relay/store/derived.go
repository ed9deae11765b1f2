package store

import (
	"context"
	"database/sql"
)

// Derived is an object that was made of another's.
type Derived struct {
	Origin
	Own [32]byte // digest
}

// MadeOf returns the digest of the newest object that was made of another's,
// noted or applied: of those that say less in its place, or of the others.
func (s *Store) MadeOf(o Origin) (own [32]byte, ok bool) {
	s.memory.mu.RLock()
	defer s.memory.mu.RUnlock()
	own, ok = s.memory.derived[o]
	return own, ok
}

// Derived returns all objects that were made of others', the oldest first.
func (s *Store) Derived(ctx context.Context) ([]Derived, error) {
	rows, err := s.readDB.QueryContext(ctx, selectDerived)
	if err != nil {
		return nil, s.fault(err)
	}
	var out []Derived
	for rows.Next() {
		d, err := readDerived(rows)
		if err != nil {
			return nil, s.fault(closeRows(rows, err))
		}
		out = append(out, d)
	}
	if err := closeRows(rows, rows.Err()); err != nil {
		return nil, s.fault(err)
	}
	return out, nil
}

const selectDerived = `SELECT names.text, derived.digest, derived.less, objects.digest FROM derived JOIN objects USING (n) JOIN names ON names.id = derived.issuer ORDER BY n`

func readDerived(row scanner) (d Derived, err error) {
	var digest, own []byte
	err = row.Scan(&d.Issuer, &digest, &d.Less, &own)
	copy(d.Digest[:], digest)
	copy(d.Own[:], own)
	return d, err
}

// derive writes what the next object was made of.
func (b *batch) derive(o *Object) error {
	issuer, err := b.name(o.MadeOf.Issuer)
	if err != nil {
		return err
	}
	_, err = b.exec("INSERT INTO derived (n, issuer, digest, less) VALUES (?, ?, ?, ?)", int64(b.nextObject), issuer, o.MadeOf.Digest[:], o.MadeOf.Less)
	return err
}

func (s *Store) loadDerived(ctx context.Context) error {
	return s.query(ctx, selectDerived, func(r *sql.Rows) error {
		d, err := readDerived(r)
		s.memory.derived[d.Origin] = d.Own
		return err
	})
}
