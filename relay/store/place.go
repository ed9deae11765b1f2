package store

import (
	"context"
	"maps"
	"slices"
)

// Place says where the newest version taken of an object is: in LogSeq, or, if
// it came by several messages, in one of them (see [Store.Routes]).
type Place struct {
	Issuer string
	LogSeq uint64
	Digest [32]byte
}

// Places returns where the newest version taken of an object with an id is: of
// issuer's, if there is one, else of every other issuer's. The id of an object
// never seen costs no reading.
func (s *Store) Places(issuer, id string) ([]Place, error) {
	p, ok, err := s.place(issuer, id)
	if err != nil || ok {
		return []Place{p}, err
	}
	s.memory.mu.RLock()
	others := slices.Sorted(maps.Keys(s.memory.masks))
	s.memory.mu.RUnlock()
	var out []Place
	for _, other := range others {
		p, ok, err := s.place(other, id)
		if err != nil {
			return nil, err
		}
		if ok {
			out = append(out, p)
		}
	}
	return out, nil
}

// place finds one issuer's object.
func (s *Store) place(issuer, id string) (Place, bool, error) {
	m := s.memory
	m.mu.RLock()
	noted, ok := m.notedVersions[issuerID{issuer, id}]
	head := m.ids[keyOfID(issuer, id)]
	m.mu.RUnlock()
	out := Place{Issuer: issuer, LogSeq: noted.seq, Digest: noted.digest}
	for n := int64(head); n != 0; {
		var rowIssuer, rowID, version string
		var digest []byte
		var seq int64
		err := s.readPlace.QueryRowContext(context.Background(), n).Scan(&rowIssuer, &rowID, &version, &digest, &seq, &n)
		if err != nil {
			return Place{}, false, s.fault(missingRow(err, n))
		}
		if rowIssuer != issuer || rowID != id {
			continue
		}
		if !ok || !newer(noted.version, version) {
			ok, out.LogSeq = true, uint64(seq)
			copy(out.Digest[:], digest)
		}
		break // the first of an object is its newest
	}
	return out, ok, nil
}

const selectPlace = `SELECT names.text, objects.id, version, digest, seq, prev FROM objects JOIN names ON names.id = issuer WHERE n = ?`

// Waits reports whether anything with an id waits at the way in. What was
// settled in the log waits here until that is applied.
func (s *Store) Waits(id string) (bool, error) {
	s.memory.mu.RLock()
	noted := len(s.memory.notedHeld[id]) > 0
	s.memory.mu.RUnlock()
	if noted {
		return true, nil
	}
	var found bool
	if err := s.readWaits.QueryRowContext(context.Background(), id).Scan(&found); err != nil {
		return false, s.fault(err)
	}
	return found, nil
}

const selectWaits = `SELECT EXISTS (SELECT 1 FROM held WHERE id = ? AND peer = 0)`

// Refused reports whether something with a mark was refused at the way in.
func (s *Store) Refused(mark [16]byte) (bool, error) {
	s.memory.mu.RLock()
	noted := s.memory.notedRefused[mark] != 0
	s.memory.mu.RUnlock()
	if noted {
		return true, nil
	}
	var found bool
	if err := s.readRefused.QueryRowContext(context.Background(), mark[:]).Scan(&found); err != nil {
		return false, s.fault(err)
	}
	return found, nil
}

const selectRefused = `SELECT EXISTS (SELECT 1 FROM refused WHERE mark = ?)`

// noteHeld remembers what an entry holds and refuses. The caller holds the lock.
func (m *memory) noteHeld(e *Entry) {
	for i := range e.Objects {
		o := &e.Objects[i]
		if o.Outcome == Held && o.ID != "" {
			m.notedHeld[o.ID] = append(m.notedHeld[o.ID], e.Seq)
		}
		if o.Outcome == Refused && o.Mark != ([16]byte{}) {
			m.notedRefused[o.Mark] = e.Seq
		}
	}
}

// forgetHeld drops what was noted of an entry. The caller holds the lock.
func (m *memory) forgetHeld(e *Entry, applied uint64) {
	if len(m.notedHeld)+len(m.notedRefused) == 0 {
		return
	}
	for i := range e.Objects {
		o := &e.Objects[i]
		if seq := m.notedRefused[o.Mark]; seq != 0 && seq <= applied {
			delete(m.notedRefused, o.Mark)
		}
		if o.Outcome != Held || m.notedHeld[o.ID] == nil {
			continue
		}
		left := slices.DeleteFunc(m.notedHeld[o.ID], func(seq uint64) bool { return seq <= applied })
		if len(left) == 0 {
			delete(m.notedHeld, o.ID)
			continue
		}
		m.notedHeld[o.ID] = left
	}
}
