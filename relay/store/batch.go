package store

import (
	"context"
	"database/sql"
	"encoding/binary"
	"hash/crc32"
	"time"
)

// batch is one transaction: what it changes in memory waits here until it is
// stored.
type batch struct {
	s        *Store
	names    map[string]int64
	counts   map[counter]int64
	lanes    map[string]lane
	variants map[variantKey]int64

	masks    map[string]objectKey
	objects  map[objectKey]uint32
	gone     map[objectKey]uint32
	ids      map[idKey]uint32
	whole    []uint32 // rows of objects of which some message shows all
	erased   []uint32 // rows of objects of which only the digest is left
	firstKey uint32   // row of the first object in keys
	keys     []byte
	pulls    map[string]*Entry
	mentions []mention
	run      *sortedRun // written of the tail and them

	nextObject, nextGone uint32
	applied, journaled   uint64
	entries              []Entry // those applied
}

func (s *Store) newBatch() *batch {
	return &batch{
		s:          s,
		names:      make(map[string]int64),
		counts:     make(map[counter]int64),
		lanes:      make(map[string]lane),
		variants:   make(map[variantKey]int64),
		masks:      make(map[string]objectKey),
		objects:    make(map[objectKey]uint32),
		gone:       make(map[objectKey]uint32),
		ids:        make(map[idKey]uint32),
		pulls:      make(map[string]*Entry),
		nextObject: s.memory.nextObject,
		nextGone:   s.memory.nextGone,
		applied:    s.applied.Load(),
		journaled:  s.journaled.Load(),
	}
}

// key is the key in memory of an object of issuer.
func (b *batch) key(issuer string, digest *[32]byte) objectKey {
	mask, ok := b.masks[issuer]
	if !ok {
		b.s.memory.mu.Lock()
		mask = b.s.memory.mask(issuer)
		b.s.memory.mu.Unlock()
		b.masks[issuer] = mask
	}
	return mask.of(digest)
}

// stmt returns the prepared statement of a query.
func (b *batch) stmt(query string) (*sql.Stmt, error) {
	if st, ok := b.s.stmts[query]; ok {
		return st, nil
	}
	st, err := b.s.conn.PrepareContext(context.Background(), query)
	if err != nil {
		return nil, err
	}
	b.s.stmts[query] = st
	return st, nil
}

func (b *batch) exec(query string, args ...any) (sql.Result, error) {
	st, err := b.stmt(query)
	if err != nil {
		return nil, err
	}
	return st.ExecContext(context.Background(), args...)
}

// scanner is a row that may turn out to be an error.
type scanner interface{ Scan(dest ...any) error }

type failedRow struct{ err error }

func (r failedRow) Scan(...any) error { return r.err }

func (b *batch) queryRow(query string, args ...any) scanner {
	st, err := b.stmt(query)
	if err != nil {
		return failedRow{err}
	}
	return st.QueryRowContext(context.Background(), args...)
}

// each calls f for every row of a query, after all have been read: f may
// change the tables.
func each[T any](b *batch, read func(scanner) (T, error), f func(T) error, query string, args ...any) error {
	st, err := b.stmt(query)
	if err != nil {
		return err
	}
	rows, err := st.QueryContext(context.Background(), args...)
	if err != nil {
		return err
	}
	var all []T
	for rows.Next() {
		x, err := read(rows)
		if err != nil {
			return closeRows(rows, err)
		}
		all = append(all, x)
	}
	if err := closeRows(rows, rows.Err()); err != nil {
		return err
	}
	for _, x := range all {
		if err := f(x); err != nil {
			return err
		}
	}
	return nil
}

func closeRows(rows *sql.Rows, err error) error {
	if cerr := rows.Close(); err == nil {
		err = cerr
	}
	return err
}

// keyRecord is the size of one object in key_blocks: the issuer's name, the
// first half of the digest, the idKey, and two bits: whether the row stands
// behind another of its id, and whether its message shows all of it. A block is read in one go when the store is opened,
// which is a hundred times faster than reading the rows.
const keyRecord = 4 + 16 + 8 + 1

func (b *batch) addKey(issuer int64, digest *[32]byte, id idKey, behind, whole bool) {
	if len(b.keys) == 0 {
		b.firstKey = b.nextObject
	}
	b.keys = binary.BigEndian.AppendUint32(b.keys, uint32(issuer))
	b.keys = append(b.keys, digest[:16]...)
	b.keys = append(b.keys, id[:]...)
	b.keys = append(b.keys, byte(boolInt(behind)|boolInt(whole)<<1))
}

// finish writes what is written once per transaction.
func (b *batch) finish() error {
	if len(b.keys) > 0 {
		if _, err := b.exec("INSERT INTO key_blocks (n, crc, keys) VALUES (?, ?, ?)", int64(b.firstKey), int64(crc32.ChecksumIEEE(b.keys)), b.keys); err != nil {
			return err
		}
	}
	for source, e := range b.pulls {
		id, err := b.name(source)
		if err != nil {
			return err
		}
		if _, err := b.exec("INSERT OR REPLACE INTO pulls (source, seq, link, cursor, at) VALUES (?, ?, ?, ?, ?)",
			id, int64(e.Seq), int64(e.LinkSeq), notNil(e.Cursor), micros(e.At)); err != nil {
			return err
		}
	}
	for peer, l := range b.lanes {
		id, err := b.name(peer)
		if err != nil {
			return err
		}
		if _, err := b.exec("INSERT OR REPLACE INTO lanes (peer, seq, link, acked) VALUES (?, ?, ?, ?)", id, int64(l.seq), int64(l.link), int64(l.acked)); err != nil {
			return err
		}
	}
	if err := b.writeCounts(); err != nil {
		return err
	}
	if err := b.writeMentions(); err != nil {
		return err
	}
	_, err := b.exec("UPDATE meta SET applied = ?, journaled = ?", int64(b.applied), int64(b.journaled))
	return err
}

// publish puts the batch into memory, after it was stored.
func (b *batch) publish() {
	for text, id := range b.names {
		b.s.names.add(id, text)
	}
	b.s.counts.merge(b)
	b.s.addVariants(b.variants)
	b.publishMentions()
	m := b.s.memory
	m.mu.Lock()
	defer m.mu.Unlock()
	for k, n := range b.objects {
		m.objects.put(k, n)
	}
	for _, e := range b.entries {
		for i := range e.Objects {
			if o := &e.Objects[i]; o.Outcome == Taken && o.MadeOf != nil {
				m.derived[*o.MadeOf] = o.Digest
			}
		}
	}
	for k, n := range b.gone {
		m.gone.put(k, n)
	}
	for k, n := range b.ids {
		m.ids[k] = n
	}
	for _, n := range b.whole {
		m.whole.set(n)
	}
	for _, n := range b.erased {
		m.erased.set(n)
	}
	m.nextObject, m.nextGone = b.nextObject, b.nextGone
	m.forget(b.entries, b.applied)
	b.s.applied.Store(b.applied)
	b.s.journaled.Store(b.journaled)
}

func boolInt(v bool) int64 {
	if v {
		return 1
	}
	return 0
}

func notNil(v []byte) []byte {
	if v == nil {
		return []byte{}
	}
	return v
}

func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func fromMicros(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.UnixMicro(n).UTC()
}
