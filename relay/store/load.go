package store

import (
	"context"
	"database/sql"
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// load reads into memory what is kept there.
func (s *Store) load() error {
	for _, step := range []func(context.Context) error{s.loadKeys, s.loadGone, s.loadErased, s.loadDerived, s.loadCounts, s.loadMentions} {
		if err := step(context.Background()); err != nil {
			return err
		}
	}
	return nil
}

// query calls f for every row of a query on the writing connection.
func (s *Store) query(ctx context.Context, query string, f func(*sql.Rows) error) error {
	rows, err := s.conn.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	for rows.Next() {
		if err := f(rows); err != nil {
			return closeRows(rows, err)
		}
	}
	return closeRows(rows, rows.Err())
}

// issuers returns a function that gives the mask of an issuer by its name's
// id. The file is whole when each id has a name.
func (s *Store) issuers(ctx context.Context) func(int64) (objectKey, error) {
	masks := make(map[int64]objectKey)
	return func(id int64) (objectKey, error) {
		if mask, ok := masks[id]; ok {
			return mask, nil
		}
		text := ""
		if err := s.readDB.QueryRowContext(ctx, "SELECT text FROM names WHERE id = ?", id).Scan(&text); err != nil {
			return objectKey{}, useless(fmt.Sprintf("it is not whole: name %d: %v", id, err))
		}
		masks[id] = s.memory.mask(text)
		return masks[id], nil
	}
}

// loadKeys fills objects and ids. Every object must be in a block, and every
// block must have the bytes that were written.
func (s *Store) loadKeys(ctx context.Context) error {
	m := s.memory
	var rows int64
	if err := s.conn.QueryRowContext(ctx, "SELECT coalesce(max(n), 0) FROM objects").Scan(&rows); err != nil {
		return err
	}
	m.objects.reserve(int(rows))
	m.ids = make(map[idKey]uint32, rows)
	mask := s.issuers(ctx)
	err := s.query(ctx, "SELECT n, crc, keys FROM key_blocks ORDER BY n", func(r *sql.Rows) error {
		var first, crc int64
		var keys sql.RawBytes
		if err := r.Scan(&first, &crc, &keys); err != nil {
			return err
		}
		if first != int64(m.nextObject) || len(keys)%keyRecord != 0 || int64(crc32.ChecksumIEEE(keys)) != crc {
			return useless(fmt.Sprintf("it is not whole: key block %d", first))
		}
		return m.addBlock(keys, mask)
	})
	if err != nil {
		return err
	}
	if int64(m.nextObject) != rows+1 {
		return useless(fmt.Sprintf("it is not whole: keys of %d objects, %d rows", m.nextObject-1, rows))
	}
	return s.query(ctx, "SELECT object FROM routes WHERE whole = 1", func(r *sql.Rows) error {
		var n uint32
		if err := r.Scan(&n); err != nil {
			return err
		}
		m.whole.set(n)
		return nil
	})
}

// addBlock takes one block of keys, see keyRecord.
func (m *memory) addBlock(keys []byte, maskOf func(int64) (objectKey, error)) error {
	for ; len(keys) > 0; keys = keys[keyRecord:] {
		mask, err := maskOf(int64(binary.BigEndian.Uint32(keys)))
		if err != nil {
			return err
		}
		var digest [32]byte
		copy(digest[:], keys[4:20])
		m.objects.put(mask.of(&digest), m.nextObject)
		if whole := keys[28]&2 != 0; whole {
			m.whole.set(m.nextObject)
		}
		if behind := keys[28]&1 != 0; !behind {
			m.ids[idKey(keys[20:28])] = m.nextObject
		}
		m.nextObject++
	}
	return nil
}

func (s *Store) loadGone(ctx context.Context) error {
	m := s.memory
	mask := s.issuers(ctx)
	return s.query(ctx, "SELECT n, issuer, digest FROM gone ORDER BY n", func(r *sql.Rows) error {
		var n, issuer int64
		var digest []byte
		if err := r.Scan(&n, &issuer, &digest); err != nil {
			return err
		}
		if n != int64(m.nextGone) || len(digest) != 32 {
			return useless(fmt.Sprintf("it is not whole: withdrawal %d", n))
		}
		k, err := mask(issuer)
		if err != nil {
			return err
		}
		m.gone.put(k.of((*[32]byte)(digest)), m.nextGone)
		m.nextGone++
		return nil
	})
}

func (s *Store) loadCounts(ctx context.Context) error {
	s.counts.numbers = make(map[counter]int64)
	s.counts.lanes = make(map[string]lane)
	s.counts.applied, s.counts.journaled = s.applied.Load(), s.journaled.Load()
	err := s.query(ctx, "SELECT side, names.text, what, reason, n FROM counters JOIN names ON names.id = who", func(r *sql.Rows) error {
		var c counter
		var n int64
		if err := r.Scan(&c.side, &c.who, &c.what, &c.reason, &n); err != nil {
			return err
		}
		s.counts.numbers[c] = n
		return nil
	})
	if err != nil {
		return err
	}
	return s.query(ctx, "SELECT names.text, seq, link, acked FROM lanes JOIN names ON names.id = peer", func(r *sql.Rows) error {
		var peer string
		var l lane
		if err := r.Scan(&peer, &l.seq, &l.link, &l.acked); err != nil {
			return err
		}
		s.counts.lanes[peer] = l
		return nil
	})
}
