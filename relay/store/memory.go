package store

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"strings"
	"sync"
	"time"
)

// objectKey stands for (issuer, digest) in memory: the first half of the digest,
// XORed with a mask of the issuer that is drawn anew in each process. Finding
// two digests of one issuer with the same key takes 2^64 work and harms only
// that issuer; aiming at another issuer's is not possible without its mask.
type objectKey [16]byte

// idKey stands for (issuer, id): the first 8 bytes of a hash. Two that meet
// share a chain of rows, and each row is compared in full.
type idKey [8]byte

func keyOfID(issuer, id string) idKey {
	var buf [512]byte
	b := binary.AppendUvarint(buf[:0], uint64(len(issuer)))
	b = append(append(b, issuer...), id...)
	sum := sha256.Sum256(b)
	return idKey(sum[:8])
}

// memory is what Seen, Withdrawn and Version need at hand: where in the file
// each digest and id is, and what the log has that the file has not yet. About
// 60 bytes an object.
type memory struct {
	mu    sync.RWMutex
	masks map[string]objectKey

	objects *table           // row of objects
	gone    *table           // row of gone
	ids     map[idKey]uint32 // first row of the id's chain
	whole   rowSet           // rows of objects of which some message shows all
	erased  rowSet           // rows of objects of which only the digest is left

	derived map[Origin][32]byte // originals to the newest that was made of each

	nextObject, nextGone uint32 // rows to come, from 1

	// Committed to the log, not yet in the file; by log sequence.
	notedObjects  map[objectKey]uint64
	notedRoutes   map[objectKey][]Route
	notedNames    map[objectKey]notedName
	notedGone     map[objectKey]notedGone
	notedVersions map[issuerID]notedVersion
	notedHeld     map[string][]uint64 // at the way in, by id
	notedRefused  map[[16]byte]uint64 // by mark
}

type issuerID struct{ issuer, id string }

type notedName struct{ id, version string }

type notedGone struct {
	reason string
	seq    uint64
}

type notedVersion struct {
	version string
	digest  [32]byte
	seq     uint64
}

func newMemory() *memory {
	var seed [8]byte
	_, _ = rand.Read(seed[:]) // never fails (crypto/rand, Go 1.24)
	return &memory{
		masks:         make(map[string]objectKey),
		objects:       newTable(binary.NativeEndian.Uint64(seed[:])),
		gone:          newTable(binary.NativeEndian.Uint64(seed[:])),
		ids:           make(map[idKey]uint32),
		notedObjects:  make(map[objectKey]uint64),
		notedRoutes:   make(map[objectKey][]Route),
		notedNames:    make(map[objectKey]notedName),
		notedGone:     make(map[objectKey]notedGone),
		notedVersions: make(map[issuerID]notedVersion),
		notedHeld:     make(map[string][]uint64),
		notedRefused:  make(map[[16]byte]uint64),

		derived: make(map[Origin][32]byte),

		nextObject: 1,
		nextGone:   1,
	}
}

// mask returns the issuer's mask, drawing it at first sight. The caller holds
// the lock for writing.
func (m *memory) mask(issuer string) objectKey {
	mask, ok := m.masks[issuer]
	if !ok {
		_, _ = rand.Read(mask[:]) // never fails (crypto/rand, Go 1.24)
		m.masks[strings.Clone(issuer)] = mask
	}
	return mask
}

func (mask objectKey) of(digest *[32]byte) objectKey {
	lo := binary.NativeEndian.Uint64(mask[:8]) ^ binary.NativeEndian.Uint64(digest[:8])
	hi := binary.NativeEndian.Uint64(mask[8:]) ^ binary.NativeEndian.Uint64(digest[8:16])
	var k objectKey
	binary.NativeEndian.PutUint64(k[:8], lo)
	binary.NativeEndian.PutUint64(k[8:], hi)
	return k
}

// known returns the row of a key in memory or in a batch under way, 0 if there
// is none.
func known(m *memory, stored *table, now map[objectKey]uint32, k objectKey) uint32 {
	if row, ok := now[k]; ok {
		return row
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	return stored.get(&k)
}

// head returns the first row of an id's chain.
func (m *memory) head(k idKey) (uint32, bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	n, ok := m.ids[k]
	return n, ok
}

// lookup reports for each digest of issuer whether it was taken (or withdrawn,
// with gone), in the file or noted.
func (m *memory) lookup(issuer string, digests [][32]byte, gone bool) []bool {
	found := make([]bool, len(digests))
	m.mu.RLock()
	defer m.mu.RUnlock()
	mask, ok := m.masks[issuer]
	if !ok {
		return found
	}
	for i := range digests {
		k := mask.of(&digests[i])
		switch {
		case gone && m.gone.has(&k), !gone && m.objects.has(&k):
			found[i] = true
		case gone && len(m.notedGone) > 0:
			_, found[i] = m.notedGone[k]
		case !gone && len(m.notedObjects) > 0:
			_, found[i] = m.notedObjects[k]
		}
	}
	return found
}

// note remembers what the entries take and withdraw.
func (m *memory) note(entries []Entry) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range entries {
		e := &entries[i]
		m.noteHeld(e)
		for j := range e.Objects {
			o := &e.Objects[j]
			if o.Outcome != Taken {
				continue
			}
			k := m.mask(o.Issuer).of(&o.Digest)
			if _, noted := m.notedObjects[k]; o.Variant || !noted && !m.objects.has(&k) {
				m.notedRoutes[k] = append(m.notedRoutes[k], Route{e.Seq, o.Shown})
			}
			m.notedObjects[k] = e.Seq
			m.notedNames[k] = notedName{o.ID, o.Version}
			if o.MadeOf != nil {
				m.derived[*o.MadeOf] = o.Digest
			}
			id := issuerID{o.Issuer, o.ID}
			if v, ok := m.notedVersions[id]; !ok || newer(o.Version, v.version) {
				m.notedVersions[id] = notedVersion{o.Version, o.Digest, e.Seq}
			}
		}
		for j := range e.Erased {
			k := m.mask(e.Erased[j].Issuer).of(&e.Erased[j].Digest)
			if row := m.objects.get(&k); row != 0 {
				m.erased.set(row)
			}
		}
		for j := range e.Gone {
			g := &e.Gone[j]
			k := m.mask(g.Issuer).of(&g.Digest)
			if have, ok := m.notedGone[k]; !ok || Outranks(g.Reason, have.reason) {
				m.notedGone[k] = notedGone{g.Reason, e.Seq}
			}
		}
	}
}

// forget drops what was noted of entries that are now in the file. The caller
// holds the lock for writing. An older noted version may have been covered by
// a newer one of a later entry: that stays.
func (m *memory) forget(entries []Entry, applied uint64) {
	if len(m.notedObjects)+len(m.notedGone)+len(m.notedVersions)+len(m.notedHeld)+len(m.notedRefused) == 0 {
		return
	}
	for i := range entries {
		e := &entries[i]
		m.forgetHeld(e, applied)
		for j := range e.Objects {
			o := &e.Objects[j]
			if o.Outcome != Taken {
				continue
			}
			k := m.mask(o.Issuer).of(&o.Digest)
			if drop(m.notedObjects, k, applied); m.notedObjects[k] == 0 {
				delete(m.notedNames, k)
			}
			m.dropRoutes(k, applied)
			id := issuerID{o.Issuer, o.ID}
			if v, ok := m.notedVersions[id]; ok && v.seq <= applied {
				delete(m.notedVersions, id)
			}
		}
		for j := range e.Gone {
			g := &e.Gone[j]
			k := m.mask(g.Issuer).of(&g.Digest)
			if have, ok := m.notedGone[k]; ok && have.seq <= applied {
				delete(m.notedGone, k)
			}
		}
	}
}

// behind counts what was noted and is not in the file.
func (m *memory) behind() int {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return len(m.notedObjects) + len(m.notedGone) + len(m.notedHeld) + len(m.notedRefused)
}

func drop(noted map[objectKey]uint64, k objectKey, applied uint64) {
	if seq, ok := noted[k]; ok && seq <= applied {
		delete(noted, k)
	}
}

// newer reports whether version a comes after b. Versions are timestamps (STIX
// 2.1 section 3.2, RFC 3339); they are compared as times, since the same moment
// can be written with more or fewer digits. What is no timestamp comes before
// all that are.
func newer(a, b string) bool {
	ta, errA := time.Parse(time.RFC3339Nano, a)
	tb, errB := time.Parse(time.RFC3339Nano, b)
	switch {
	case errA == nil && errB == nil:
		return ta.After(tb)
	case errA != nil && errB != nil:
		return a > b
	default:
		return errA == nil
	}
}
