package journal

import (
	"context"
	"crypto/sha256"
	"fmt"
	"iter"

	"github.com/entente-relay/entente/federation"
)

// Stored is one record as it lies in the stream.
type Stored struct {
	Seq  uint64
	Data []byte
}

// Appender stores records in one atomic, synced batch, if and only if the last
// record of the journal has the sequence after (0: there is none), and returns
// the sequence of the last. Sequences of a batch are consecutive. After an
// error the batch may or may not be stored, or be stored yet, but never a part
// of it.
type Appender interface {
	Append(ctx context.Context, after uint64, records [][]byte) (last uint64, err error)
}

// Reader reads the stream: Read returns at most max records from sequence from
// on, in order, and none only at the end; Last returns the last record, if any.
type Reader interface {
	Read(ctx context.Context, from uint64, max int) ([]Stored, error)
	Last(ctx context.Context) (Stored, bool, error)
}

// Log is both.
type Log interface {
	Appender
	Reader
}

// Head is a position in the chain: a sequence and the SHA-256 of the record
// there. The zero Head is the beginning.
type Head struct {
	Seq  uint64
	Hash Digest
}

// readAhead is how many records are read at once.
const readAhead = 256

// Entries yields the stored records from sequence from on to the end, as
// [Verify] takes them.
func Entries(ctx context.Context, r Reader, from uint64) iter.Seq2[Stored, error] {
	return func(yield func(Stored, error) bool) {
		for {
			batch, err := r.Read(ctx, from, readAhead)
			if err != nil {
				yield(Stored{}, fmt.Errorf("journal: reading from record %d: %w", from, err))
				return
			}
			if len(batch) == 0 {
				return
			}
			for _, s := range batch {
				if !yield(s, nil) {
					return
				}
			}
			from = batch[len(batch)-1].Seq + 1
		}
	}
}

// Records yields the records from sequence from on to the end.
func Records(ctx context.Context, r Reader, from uint64) iter.Seq2[*Record, error] {
	return func(yield func(*Record, error) bool) {
		for s, err := range Entries(ctx, r, from) {
			var rec *Record
			if err == nil {
				rec, err = s.decode()
			}
			if !yield(rec, err) || err != nil {
				return
			}
		}
	}
}

func (s Stored) decode() (*Record, error) {
	r, err := Decode(s.Data)
	if err != nil {
		return nil, fmt.Errorf("journal record %d: %w", s.Seq, err)
	}
	r.Seq = s.Seq
	return r, nil
}

// Verify checks that records continue the chain after head, and returns its
// end: pass the zero Head to check from the journal's beginning, or one that
// was written down earlier. The first record that is changed, dropped, moved or
// slipped in is named. What was cut off at the end can only be seen by one
// who knows a later Head. A journal whose beginning was removed when its time was
// over continues what a later [Cut] in it names.
func Verify(after Head, records iter.Seq2[Stored, error]) (Head, error) {
	head := after
	var begins Head // what a journal without its beginning must say was cut
	for s, err := range records {
		if err != nil {
			return head, err
		}
		if s.Seq <= head.Seq {
			return head, broken(s.Seq, fmt.Sprintf("it comes after record %d", head.Seq))
		}
		r, err := s.decode()
		if err != nil {
			return head, err
		}
		if head == (Head{}) && r.Prev != (Digest{}) && s.Seq > 1 {
			begins = Head{Seq: s.Seq, Hash: r.Prev}
			head.Hash = r.Prev
		}
		if begins.closes(r.Cut) {
			begins = Head{}
		}
		if r.Prev != head.Hash {
			detail := fmt.Sprintf("it does not follow from record %d", head.Seq)
			if head.Seq == 0 {
				detail = "it is not the first of a journal"
			}
			return head, broken(s.Seq, detail)
		}
		head = Head{Seq: s.Seq, Hash: sha256.Sum256(s.Data)}
	}
	if begins != (Head{}) {
		return head, broken(begins.Seq, "it is not the first of a journal, and no record says that what stood before it was cut")
	}
	return head, nil
}

// closes reports whether a cut, nil for none, names what stood before the first
// record of a journal without its beginning.
func (h Head) closes(c *Cut) bool { return c != nil && c.Hash == h.Hash && c.Seq < h.Seq }

func broken(seq uint64, detail string) error {
	return &federation.Refusal{Reason: federation.BadSignature, Where: fmt.Sprintf("journal record %d", seq), Detail: "the chain is broken: " + detail,
		Hint: "a record here or before it was changed, removed or added; compare with an export or a backup"}
}
