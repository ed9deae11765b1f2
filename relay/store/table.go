package store

import (
	"encoding/binary"
	"math/bits"
)

// table maps object keys to rows. It is a plain open-addressing hash table: a
// key that is not there costs one access to memory, where Go's map costs three,
// and the question "is it there" is asked of every object that comes in. It is
// cut in shards so that growing one holds nobody up.
type table struct {
	seed   uint64
	shards [256]shard
	count  int
}

// shard keeps keys and rows apart, since most questions need only keys. A slot
// is free when its key is zero, which no real key is but one in 2^128.
type shard struct {
	keys  []objectKey
	rows  []uint32
	count int
}

func newTable(seed uint64) *table { return &table{seed: seed} }

// hash spreads a key with a secret seed: issuers choose digests, and must not
// be able to choose slots.
func (t *table) hash(k *objectKey) (shard uint8, h uint64) {
	hi, lo := bits.Mul64(binary.NativeEndian.Uint64(k[:8])^t.seed, binary.NativeEndian.Uint64(k[8:])|1)
	hi, lo = bits.Mul64(hi^lo^t.seed, 0x9e3779b97f4a7c15) // the golden ratio, odd
	h = hi ^ lo
	return uint8(h), h
}

// slot is where a hash begins to look in a shard of n slots.
func slot(h uint64, n int) int {
	hi, _ := bits.Mul64(h, uint64(n))
	return int(hi)
}

// find returns the slot of k, or the free slot where it would go.
func (s *shard) find(k *objectKey, h uint64) (at int, ok bool) {
	for at = slot(h, len(s.keys)); ; {
		switch s.keys[at] {
		case *k:
			return at, true
		case objectKey{}:
			return at, false
		}
		if at++; at == len(s.keys) {
			at = 0
		}
	}
}

// get returns the row of k, 0 if there is none.
func (t *table) get(k *objectKey) uint32 {
	i, h := t.hash(k)
	s := &t.shards[i]
	if s.count == 0 {
		return 0
	}
	at, ok := s.find(k, h)
	if !ok {
		return 0
	}
	return s.rows[at]
}

// has reports whether k is there.
func (t *table) has(k *objectKey) bool {
	i, h := t.hash(k)
	s := &t.shards[i]
	if s.count == 0 {
		return false
	}
	_, ok := s.find(k, h)
	return ok
}

// put sets the row of k.
func (t *table) put(k objectKey, row uint32) {
	i, h := t.hash(&k)
	s := &t.shards[i]
	if s.count*10 >= len(s.keys)*7 {
		s.resize(t, max(16, len(s.keys)*3/2))
	}
	at, ok := s.find(&k, h)
	if !ok {
		s.keys[at] = k
		s.count++
		t.count++
	}
	s.rows[at] = row
}

// reserve makes room for n keys.
func (t *table) reserve(n int) {
	for i := range t.shards {
		if want := n * 3 / 2 / len(t.shards); want > 16 && want > len(t.shards[i].keys) {
			t.shards[i].resize(t, want)
		}
	}
}

func (s *shard) resize(t *table, n int) {
	keys, rows := s.keys, s.rows
	s.keys, s.rows = make([]objectKey, n), make([]uint32, n)
	for i := range keys {
		if keys[i] != (objectKey{}) {
			_, h := t.hash(&keys[i])
			at, _ := s.find(&keys[i], h)
			s.keys[at], s.rows[at] = keys[i], rows[i]
		}
	}
}
