package stix

import (
	"bytes"
	"hash/maphash"
)

// quiet remembers values in which nothing was found, because most properties of
// most objects hold what those of others hold. It is bounded: a value has one
// place, and drives out what was there. A value is compared byte by byte, so that
// nothing passes for another.
type quiet struct {
	seed  maphash.Seed
	slots []quietSlot
}

type quietSlot struct {
	mode  byte // how it was looked through, 0 for an empty slot
	now   byte // how it is to be looked through
	value []byte
}

// Bounds of what is remembered: 128 KB at most.
const (
	quietSlots = 1 << 8
	quietBytes = 512
)

// find returns the place of a value that is looked through in some way; nil for
// one that is not remembered.
func (q *quiet) find(value []byte, prose, deep, unsure bool) *quietSlot {
	if len(value) > quietBytes {
		return nil
	}
	if q.slots == nil {
		q.seed, q.slots = maphash.MakeSeed(), make([]quietSlot, quietSlots)
	}
	mode := byte(1)
	for i, set := range [...]bool{prose, deep, unsure} {
		if set {
			mode |= 2 << i
		}
	}
	s := &q.slots[(maphash.Bytes(q.seed, value)+uint64(mode))%quietSlots]
	s.now = mode
	return s
}

// is reports whether nothing is in a value, looked through as find was told.
func (s *quietSlot) is(value []byte) bool { return s.mode == s.now && bytes.Equal(s.value, value) }

// keep remembers that nothing is in a value.
func (s *quietSlot) keep(value []byte) { s.mode, s.value = s.now, append(s.value[:0], value...) }
