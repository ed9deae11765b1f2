package store

import (
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"fmt"
	"slices"
	"sync"
)

// Key stands for something that journal records name: an object's id, its
// digest, a frame's root. Two texts may share one, so whoever finds a record by
// it reads the record.
type Key [8]byte

// KeyOf is the key of a text, such as a STIX id.
func KeyOf(text string) Key {
	sum := sha256.Sum256([]byte(text))
	return Key(sum[:8])
}

// KeyOfDigest is the key of an object's digest.
func KeyOfDigest(d [32]byte) Key { return Key(d[:8]) }

// mention says that a journal record about a peer names something.
type mention struct {
	key  uint64
	peer uint32 // in names, 0 for none
	seq  uint64
}

// mentionSize is a mention in the file: key, peer, sequence.
const mentionSize = 8 + 4 + 8

// Mentions come in journal order and are asked for by key. A B-tree would be
// written at random places, a page for each. So they are appended to a tail, and
// each time that has mentionRun of them it becomes a sorted run, in chunks of
// mentionChunk. A question costs a search of the tail, in memory, and the
// reading of one chunk of each run that has the key, and of one in thirty that
// has not: a filter of mentionFilter bits a run tells the others.
const (
	mentionRun    = 1 << 17
	mentionChunk  = 512
	mentionFilter = 1 << 20
)

// mentions is what memory keeps of them.
type mentions struct {
	mu   sync.RWMutex
	tail []mention
	runs []sortedRun
}

// sortedRun is what memory knows of one: the first key of each chunk, and the row of the first.
type sortedRun struct {
	first  int64
	firsts []uint64
	filter filter
}

// filter is a Bloom filter: it says for sure that a key is not in a run. Keys
// are hashes, so three parts of one are three places.
type filter []byte

func places(key uint64) [3]uint64 {
	return [3]uint64{key % mentionFilter, key >> 20 % mentionFilter, key >> 40 % mentionFilter}
}

func (f filter) add(key uint64) {
	for _, p := range places(key) {
		f[p/8] |= 1 << (p % 8)
	}
}

func (f filter) has(key uint64) bool {
	for _, p := range places(key) {
		if f[p/8]&(1<<(p%8)) == 0 {
			return false
		}
	}
	return true
}

func appendMention(b []byte, m mention) []byte {
	b = binary.BigEndian.AppendUint64(b, m.key)
	b = binary.BigEndian.AppendUint32(b, m.peer)
	return binary.BigEndian.AppendUint64(b, m.seq)
}

// readMentions reads what appendMention wrote.
func readMentions(b []byte, each func(mention)) error {
	if len(b)%mentionSize != 0 {
		return fmt.Errorf("%w: %d bytes of mentions", ErrDamaged, len(b))
	}
	for ; len(b) > 0; b = b[mentionSize:] {
		each(mention{binary.BigEndian.Uint64(b), binary.BigEndian.Uint32(b[8:]), binary.BigEndian.Uint64(b[12:])})
	}
	return nil
}

// mention notes what a record names.
func (b *batch) mention(e *Event) error {
	if len(e.Names) == 0 {
		return nil
	}
	peer, err := b.name(e.About)
	if err != nil {
		return err
	}
	for _, k := range e.Names {
		b.mentions = append(b.mentions, mention{binary.BigEndian.Uint64(k[:]), uint32(peer), e.Seq})
	}
	return nil
}

// writeMentions appends those of the batch to the tail, or makes a run of it.
func (b *batch) writeMentions() error {
	if len(b.mentions) == 0 {
		return nil
	}
	m := &b.s.mentions
	if len(m.tail)+len(b.mentions) >= mentionRun { // only this goroutine changes the tail
		return b.writeRun(slices.Concat(m.tail, b.mentions))
	}
	row := make([]byte, 0, len(b.mentions)*mentionSize)
	for _, x := range b.mentions {
		row = appendMention(row, x)
	}
	_, err := b.exec("INSERT INTO mention_tail (mentions) VALUES (?)", row)
	return err
}

// writeRun writes a sorted run in place of the tail.
func (b *batch) writeRun(all []mention) error {
	slices.SortFunc(all, func(x, y mention) int { return cmp.Or(cmp.Compare(x.key, y.key), cmp.Compare(x.seq, y.seq)) })
	r := &sortedRun{filter: make(filter, mentionFilter/8)}
	var firsts []byte
	for chunk := range slices.Chunk(all, mentionChunk) {
		row := make([]byte, 0, len(chunk)*mentionSize)
		for _, x := range chunk {
			row = appendMention(row, x)
			r.filter.add(x.key)
		}
		res, err := b.exec("INSERT INTO mention_chunks (mentions) VALUES (?)", row)
		if err != nil {
			return err
		}
		id, err := res.LastInsertId()
		if err != nil {
			return err
		}
		if r.first == 0 {
			r.first = id
		}
		r.firsts = append(r.firsts, chunk[0].key)
		firsts = binary.BigEndian.AppendUint64(firsts, chunk[0].key)
	}
	if _, err := b.exec("INSERT INTO mention_runs (first, firsts, filter) VALUES (?, ?, ?)", r.first, firsts, []byte(r.filter)); err != nil {
		return err
	}
	b.run = r
	_, err := b.exec("DELETE FROM mention_tail")
	return err
}

// publishMentions puts them into memory, after they were stored.
func (b *batch) publishMentions() {
	m := &b.s.mentions
	m.mu.Lock()
	defer m.mu.Unlock()
	if b.run == nil {
		m.tail = append(m.tail, b.mentions...)
		return
	}
	m.runs = append(m.runs, *b.run)
	m.tail = nil
}

func (s *Store) loadMentions(ctx context.Context) error {
	m := &s.mentions
	err := s.query(ctx, "SELECT first, firsts, filter FROM mention_runs ORDER BY first", func(r *sql.Rows) error {
		var next sortedRun
		var firsts sql.RawBytes
		if err := r.Scan(&next.first, &firsts, (*[]byte)(&next.filter)); err != nil {
			return err
		}
		if len(firsts) == 0 || len(firsts)%8 != 0 || len(next.filter) != mentionFilter/8 {
			return useless(fmt.Sprintf("it is not whole: run %d of mentions", next.first))
		}
		for ; len(firsts) > 0; firsts = firsts[8:] {
			next.firsts = append(next.firsts, binary.BigEndian.Uint64(firsts))
		}
		m.runs = append(m.runs, next)
		return nil
	})
	if err != nil {
		return err
	}
	return s.query(ctx, "SELECT mentions FROM mention_tail ORDER BY n", func(r *sql.Rows) error {
		var row sql.RawBytes
		if err := r.Scan(&row); err != nil {
			return err
		}
		return readMentions(row, func(x mention) { m.tail = append(m.tail, x) })
	})
}

// Mentions returns the sequences of the journal records that name any of the
// keys, in journal order; of one peer, or of all for "".
func (s *Store) Mentions(ctx context.Context, peer string, keys ...Key) ([]uint64, error) {
	var of uint32
	if peer != "" {
		id, ok, err := s.nameID(ctx, peer)
		if err != nil || !ok {
			return nil, s.faultIf(err)
		}
		of = uint32(id)
	}
	var out []uint64
	for _, k := range keys {
		key := binary.BigEndian.Uint64(k[:])
		take := func(x mention) {
			if x.key == key && (of == 0 || x.peer == of) {
				out = append(out, x.seq)
			}
		}
		m := &s.mentions
		m.mu.RLock()
		runs := m.runs // only ever appended to
		for _, x := range m.tail {
			take(x)
		}
		m.mu.RUnlock()
		for _, r := range runs {
			if !r.filter.has(key) {
				continue
			}
			if err := s.searchRun(ctx, r, key, take); err != nil {
				return nil, s.fault(err)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// searchRun reads the chunks of a run that may hold a key.
func (s *Store) searchRun(ctx context.Context, r sortedRun, key uint64, take func(mention)) error {
	i, _ := slices.BinarySearch(r.firsts, key)
	for i = max(0, i-1); i < len(r.firsts) && r.firsts[i] <= key; i++ {
		var row []byte
		if err := s.readChunk.QueryRowContext(ctx, r.first+int64(i)).Scan(&row); err != nil {
			return missingRow(err, r.first+int64(i))
		}
		if err := readMentions(row, take); err != nil {
			return err
		}
	}
	return nil
}

const selectChunk = "SELECT mentions FROM mention_chunks WHERE n = ?"

// nameID is the id of a name that was stored.
func (s *Store) nameID(ctx context.Context, text string) (id int64, ok bool, err error) {
	if id, ok := s.names.id(text); ok {
		return id, true, nil
	}
	err = s.readDB.QueryRowContext(ctx, "SELECT id FROM names WHERE text = ?", text).Scan(&id)
	if err == sql.ErrNoRows {
		return 0, false, nil
	}
	return id, err == nil, err
}

func (s *Store) faultIf(err error) error {
	if err == nil {
		return nil
	}
	return s.fault(err)
}
