package relay

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/entente-relay/entente/relay/bus"
)

// What may no longer be here is erased from the log: the entries that hold it
// are written anew without it, behind the end of the log, and the old ones are
// overwritten and deleted. The log reads as before, since what was written anew
// stands at the old sequence; so positions, index, journal and cursors of peers
// stay true.

// sourceErased is the subject of what was written anew. No node id has an
// underscore.
const sourceErased = "_erased"

// keptLog is the log with what was written anew in its place.
type keptLog struct {
	*bus.Stream

	mu sync.Mutex
	// stands leads from each erased entry to the record that holds it now, or to
	// itself where nothing stands in its place; gaps are its keys in order.
	stands map[uint64]uint64
	gaps   []uint64
	// undone are the sequences that are still to be deleted: before anything else
	// is written anew, so that after a death they are those of the last record.
	undone []uint64
	// read is the record read last, unpacked: neighbours stand in one record.
	read   uint64
	holds  map[uint64][]byte
	readAt bus.Stored
}

// openLog reads which entries were written anew, and deletes those that a node
// that died in between did not.
func openLog(ctx context.Context, s *bus.Stream) (*keptLog, error) {
	l := &keptLog{Stream: s, stands: map[uint64]uint64{}}
	for from := uint64(1); ; {
		got, err := s.ReadOf(ctx, sourceErased, from, readEntries, readBytes)
		if err != nil {
			return nil, err
		}
		for _, st := range got {
			e, err := decodeEntry(st.Data)
			if err != nil {
				return nil, fmt.Errorf("log sequence %d: %w", st.Seq, err)
			}
			if e.Kind == entryErased { // or a marker, which holds the place of one
				l.undone = nil
				l.learn(st.Seq, e)
			}
			from = st.Seq + 1
		}
		if len(got) == 0 {
			return l, l.remove(ctx)
		}
	}
}

// learn takes over what a record written anew stands for.
func (l *keptLog) learn(seq uint64, e *entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, old := range e.Stands {
		if l.stands[old] == 0 {
			l.gaps = append(l.gaps, old)
			l.undone = append(l.undone, old)
		}
		l.stands[old] = seq
	}
	for _, old := range e.Void {
		if l.stands[old] == 0 {
			l.gaps = append(l.gaps, old)
		}
		l.stands[old] = old
		l.undone = append(l.undone, old)
	}
	slices.Sort(l.gaps) // nearly sorted: what is erased is the oldest, or one record
	l.read = 0
}

// remove overwrites and deletes what was written anew.
func (l *keptLog) remove(ctx context.Context) error {
	for {
		l.mu.Lock()
		if len(l.undone) == 0 {
			l.mu.Unlock()
			return nil
		}
		seq := l.undone[0]
		l.mu.Unlock()
		if err := l.Delete(ctx, seq); err != nil {
			return err
		}
		l.mu.Lock()
		l.undone = l.undone[1:]
		l.mu.Unlock()
	}
}

// erased lists at most so many of the erased sequences from one on and before
// another.
func (l *keptLog) erased(from, before uint64, most int) []uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	i, _ := slices.BinarySearch(l.gaps, from)
	j, _ := slices.BinarySearch(l.gaps, before)
	return slices.Clone(l.gaps[i:min(j, i+most)])
}

// Read returns what stands in the log from a sequence on, with what was written
// anew in the place of the old.
func (l *keptLog) Read(ctx context.Context, from uint64, most, maxBytes int) ([]bus.Stored, error) {
	got, err := l.Stream.Read(ctx, from, most, maxBytes)
	if err != nil || l.whole() {
		return got, err
	}
	if most <= 0 {
		most = bus.MaxBatch
	}
	var out []bus.Stored
	size := 0
	add := func(st bus.Stored) bool {
		out = append(out, st)
		size += len(st.Data)
		return len(out) < most && (maxBytes <= 0 || size < maxBytes)
	}
	for _, st := range got {
		for _, seq := range l.erased(from, st.Seq+1, most) {
			again, ok, err := l.anew(ctx, seq)
			if err != nil {
				return nil, err
			}
			if ok && !add(again) {
				return out, nil
			}
			from = seq + 1
		}
		if from <= st.Seq && l.next(from) > st.Seq {
			if st.Subject == sourceErased {
				st.Data = headOf(st.Data) // what it holds stands elsewhere
			}
			if !add(st) {
				return out, nil
			}
			from = st.Seq + 1
		}
		if from <= st.Seq {
			return out, nil // more was erased than fits: the next reading goes on
		}
	}
	return out, nil
}

// next is the first erased sequence from one on, or one that no log has.
func (l *keptLog) next(from uint64) uint64 {
	if seqs := l.erased(from, ^uint64(0), 1); len(seqs) > 0 {
		return seqs[0]
	}
	return ^uint64(0)
}

// whole reports whether nothing was ever erased.
func (l *keptLog) whole() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.stands) == 0
}

// standsAt returns the record that holds an erased entry; 0 if it stands where
// it always did.
func (l *keptLog) standsAt(seq uint64) uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stands[seq]
}

// anew returns what stands at an erased sequence; nothing when it is no longer
// kept.
func (l *keptLog) anew(ctx context.Context, seq uint64) (st bus.Stored, ok bool, err error) {
	by := l.standsAt(seq)
	if by == seq {
		// It was written anew itself, and then once more.
		data, err := (&entry{Kind: entryMarker, Source: sourceErased}).encode()
		return bus.Stored{Seq: seq, Subject: sourceErased, Data: data}, err == nil, err
	}
	l.mu.Lock()
	at, holds := l.readAt, l.holds
	known := l.read == by
	l.mu.Unlock()
	if !known {
		if at, ok, err = l.record(ctx, by); err != nil || !ok {
			return bus.Stored{}, false, err
		}
		if holds, err = unpack(at); err != nil {
			return bus.Stored{}, false, err
		}
		l.mu.Lock()
		if l.stands[seq] == by {
			l.read, l.readAt, l.holds = by, at, holds
		}
		l.mu.Unlock()
	}
	data := holds[seq]
	inner, err := decodeEntry(data)
	if err != nil {
		return bus.Stored{}, false, fmt.Errorf("log sequence %d, which holds %d: %w", by, seq, err)
	}
	return bus.Stored{Seq: seq, Subject: inner.Source, Time: at.Time, Data: data}, true, nil
}

// record returns exactly one record of the stream.
func (l *keptLog) record(ctx context.Context, seq uint64) (bus.Stored, bool, error) {
	got, err := l.Stream.Read(ctx, seq, 1, 1)
	if err != nil || len(got) == 0 || got[0].Seq != seq {
		return bus.Stored{}, false, err
	}
	return got[0], true, nil
}

// unpack returns the entries that a record holds, by where they stand.
func unpack(st bus.Stored) (map[uint64][]byte, error) {
	e, err := decodeEntry(st.Data)
	if err != nil {
		return nil, fmt.Errorf("log sequence %d: %w", st.Seq, err)
	}
	out, rest := map[uint64][]byte{}, e.Body
	for i, seq := range e.Stands {
		if i >= len(e.Lengths) || e.Lengths[i] < 0 || e.Lengths[i] > len(rest) {
			return nil, fmt.Errorf("log sequence %d: the entries it holds are longer than it is: the log was written by something else", st.Seq)
		}
		out[seq], rest = rest[:e.Lengths[i]:e.Lengths[i]], rest[e.Lengths[i]:]
	}
	return out, nil
}

// pack lets a record hold an entry.
func (e *entry) pack(seq uint64, data []byte) {
	e.Stands = append(e.Stands, seq)
	e.Lengths = append(e.Lengths, len(data))
	e.Body = append(e.Body, data...)
}

// headOf returns an entry's data without its body.
func headOf(data []byte) []byte {
	if i := slices.Index(data, '\n'); i >= 0 {
		return data[:i+1]
	}
	return data
}
