package store

import (
	"encoding/binary"
	"hash/maphash"
	"sync"
)

// Change stands for something of which the index can say whether it may have
// changed: an id, a digest, a mark. Two may share one; then it may say so without
// need.
type Change uint64

// maxChanges bounds what is remembered: the last so many changes at least, and
// twice as many at most, of about 40 bytes each.
const maxChanges = 1 << 15

// changes remembers when what was last told of. It is written once what is told
// can be seen, and before anybody hears that it was stored: so whoever takes a
// [Store.Moment], asks, and finds later that nothing changed since, would have
// got the same answers up to then.
type changes struct {
	mu         sync.RWMutex
	seed       maphash.Seed
	moment     uint64
	floor      uint64 // what changed up to here is no longer known
	young, old map[Change]uint64
	oldest     uint64 // the floor once old is dropped
}

func newChanges() *changes {
	return &changes{seed: maphash.MakeSeed(), young: map[Change]uint64{}}
}

// tell notes what entries have changed.
func (c *changes) tell(entries []Entry) {
	if len(entries) == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.moment++
	for i := range entries {
		e := &entries[i]
		for j := range e.Objects {
			o := &e.Objects[j]
			if o.ID != "" {
				c.young[c.id(o.ID)] = c.moment
			}
			if o.Mark != ([16]byte{}) {
				c.young[c.mark(o.Mark)] = c.moment
			}
		}
		for j := range e.Gone {
			c.young[ofDigest(&e.Gone[j].Digest)] = c.moment
		}
		for j := range e.Erased {
			c.young[ofDigest(&e.Erased[j].Digest)] = c.moment
		}
	}
	if len(c.young) >= maxChanges {
		c.floor, c.oldest = c.oldest, c.moment
		c.old, c.young = c.young, map[Change]uint64{}
	}
}

func (c *changes) id(id string) Change       { return Change(maphash.String(c.seed, id)) }
func (c *changes) mark(mark [16]byte) Change { return Change(maphash.Bytes(c.seed, mark[:])) }
func ofDigest(d *[32]byte) Change            { return Change(binary.NativeEndian.Uint64(d[:8])) }

// Moment is now, for [Store.Changed]: take it before anything is asked.
func (s *Store) Moment() uint64 {
	s.changes.mu.RLock()
	defer s.changes.mu.RUnlock()
	return s.changes.moment
}

// Changed reports whether any of some changes may have come since a moment: an
// object with the id was taken, held or refused, something with the mark was
// refused, or the object with the digest was withdrawn or erased. A moment too
// long ago answers true.
func (s *Store) Changed(since uint64, of []Change) bool {
	c := s.changes
	c.mu.RLock()
	defer c.mu.RUnlock()
	if since == c.moment {
		return false
	}
	if since < c.floor {
		return true
	}
	for _, x := range of {
		if c.young[x] > since || c.old[x] > since {
			return true
		}
	}
	return false
}

// ChangeOfID is the change of what is known of an id, whoever issued it.
func (s *Store) ChangeOfID(id string) Change { return s.changes.id(id) }

// ChangeOfMark is the change of what was refused under a mark.
func (s *Store) ChangeOfMark(mark [16]byte) Change { return s.changes.mark(mark) }

// ChangeOfDigest is the change of whether an object still stands.
func (s *Store) ChangeOfDigest(d [32]byte) Change { return ofDigest(&d) }
