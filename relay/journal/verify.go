package journal

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/directory"
)

// Proof is by what a journal is verified.
type Proof struct {
	// Node is whose journal it has to be; "" takes it from the first signed head.
	Node string
	// Keys hold the node's message keys of all times.
	Keys directory.KeySource
	// Heads were signed by the node and kept elsewhere, in any order.
	Heads []*SignedHead
}

// Verified is what verifying found, up to the end or to the first break.
type Verified struct {
	Node        string
	First, Last Head
	Records     uint64
	// Heads counts the signed heads in the records that vouch for them, Kept
	// those of [Proof.Heads] that do. Signed is the newest of all; Unsigned counts
	// the records behind what it names.
	Heads, Kept int
	Signed      *SignedHead
	Unsigned    uint64
}

// headReach is how far back a signed head in a record may point: what was
// stored while it was being signed.
const headReach = 1 << 16

// Verify checks that records are the journal of one node from its first record
// on, as [Verify] does, and each signed head in it and kept elsewhere. The error
// names the first place that is wrong; what is returned beside it is good up to
// there. Records behind the last signed head are chained, but nobody's word
// stands for them.
//
// A journal whose beginning is gone is read only with a kept head that names the
// record before its first, or with a [Cut] in it that does.
func (p Proof) Verify(records iter.Seq2[Stored, error]) (Verified, error) {
	w := &walk{Proof: p, found: Verified{Node: p.Node}}
	w.Heads = slices.Clone(p.Heads)
	slices.SortFunc(w.Heads, func(a, b *SignedHead) int { return cmp.Compare(a.Seq, b.Seq) })
	for i, h := range w.Heads {
		if err := w.owned(h); err != nil {
			return w.found, err
		}
		if i > 0 {
			if err := Contradict(w.Heads[i-1], h); err != nil {
				return w.found, err
			}
		}
	}
	for s, err := range records {
		if err != nil {
			return w.found, err
		}
		if err := w.record(s); err != nil {
			return w.result(), err
		}
	}
	return w.result(), w.end()
}

// walk goes over a journal.
type walk struct {
	Proof
	found   Verified
	recent  []Head      // since the last signed head, see headReach
	inside  *SignedHead // the last in a record
	kept    int         // how many of Heads were met
	differs *SignedHead // the first of Heads that names another record than there is
	good    Verified    // what was found until then
	// begins is the first record of a journal without its beginning, with the
	// hash of the one before it; cut says that a record names that as cut.
	begins Head
	cut    bool
}

// result is what is good of what was found.
func (w *walk) result() Verified {
	if w.differs != nil {
		return w.good
	}
	return w.found
}

// owned sees to it that all heads are of one node.
func (w *walk) owned(h *SignedHead) error {
	if w.found.Node == "" {
		w.found.Node = h.Node
	}
	if h.Node != w.found.Node {
		return federation.Refuse(federation.NotOwner, "journal head of "+h.Node, fmt.Sprintf("this is the journal of %s", w.found.Node))
	}
	return nil
}

// record checks the next record.
func (w *walk) record(s Stored) error {
	last := w.found.Last
	if s.Seq <= last.Seq {
		return broken(s.Seq, fmt.Sprintf("it comes after record %d", last.Seq))
	}
	r, err := s.decode()
	if err != nil {
		return err
	}
	if w.found.Records == 0 {
		err = w.begin(s.Seq, r.Prev)
	} else if r.Prev != last.Hash {
		err = broken(s.Seq, fmt.Sprintf("it does not follow from record %d", last.Seq))
	}
	if err != nil {
		return err
	}
	w.cut = w.cut || w.begins.closes(r.Cut)
	if r.Head != nil {
		if err := w.signed(s.Seq, r.Head); err != nil {
			return err
		}
	}
	head := Head{Seq: s.Seq, Hash: sha256.Sum256(s.Data)}
	if w.found.Records == 0 {
		w.found.First = head
	}
	w.found.Last = head
	w.found.Records++
	if len(w.recent) == headReach {
		w.recent = slices.Delete(w.recent, 0, headReach/2)
	}
	w.recent = append(w.recent, head)
	w.found.Unsigned++
	w.meet(head)
	return nil
}

// begin looks at what the first record follows from.
func (w *walk) begin(seq uint64, prev Digest) error {
	if prev == (Digest{}) {
		return nil
	}
	for w.kept < len(w.Heads) && w.Heads[w.kept].Seq < seq {
		h := w.Heads[w.kept]
		w.kept++
		if h.Hash == prev {
			w.vouch(h)
			w.found.Kept++
			w.recent = append(w.recent, h.Head)
			return nil
		}
	}
	w.begins = Head{Seq: seq, Hash: prev}
	w.recent = append(w.recent, Head{Seq: seq - 1, Hash: prev})
	return nil
}

// meet holds a record against the heads kept elsewhere that name it.
func (w *walk) meet(head Head) {
	for ; w.kept < len(w.Heads) && w.Heads[w.kept].Seq <= head.Seq; w.kept++ {
		h := w.Heads[w.kept]
		if h.Head != head {
			// Whether the node also signed what stands here shows further on.
			if w.differs == nil {
				w.differs, w.good = h, w.found
			}
			continue
		}
		w.vouch(h)
		w.found.Kept++
	}
}

// rewritten is the error about a record that is not the one a head names.
func (w *walk) rewritten(h *SignedHead) error {
	from := "the beginning"
	if before := w.result().Signed; before != nil && before.Seq < h.Seq {
		from = fmt.Sprintf("record %d", before.Seq+1)
	}
	return broken(h.Seq, fmt.Sprintf("%s signed another one there at %s: the journal was rewritten between %s and here", h.Node, stamp(h.At), from))
}

// signed checks a signed head that is itself a record.
func (w *walk) signed(seq uint64, a *Attested) error {
	where := fmt.Sprintf("journal record %d", seq)
	h, err := OpenHead([]byte(a.Signed), w.Keys)
	if err == nil {
		err = w.owned(h)
	}
	if r, ok := errors.AsType[*federation.Refusal](err); ok {
		return &federation.Refusal{Reason: r.Reason, Where: where + ", " + r.Where, Detail: r.Detail, Err: r.Err, Hint: r.Hint}
	} else if err != nil {
		return fmt.Errorf("%s: %w", where, err)
	}
	for _, kept := range w.Heads {
		if err := Contradict(kept, h); err != nil {
			return err
		}
	}
	if w.differs != nil && h.Seq > w.differs.Seq {
		return w.rewritten(w.differs)
	}
	switch last := w.inside; {
	case last != nil && (h.Seq < last.Seq || bytes.Equal(h.Raw, last.Raw)):
		return broken(seq, fmt.Sprintf("its signed head is an old one, of record %d and %s, put here again", h.Seq, stamp(h.At)))
	case h.Seq >= seq:
		return broken(seq, fmt.Sprintf("its signed head names record %d, which does not come before it", h.Seq))
	}
	i, ok := slices.BinarySearchFunc(w.recent, h.Seq, func(a Head, seq uint64) int { return cmp.Compare(a.Seq, seq) })
	if !ok && h.Seq < w.begins.Seq {
		w.inside = h // of what was cut
		return nil
	}
	if !ok {
		return broken(seq, fmt.Sprintf("its signed head names record %d, which is not here or far back", h.Seq))
	}
	if w.recent[i].Hash != h.Hash {
		return w.rewritten(h)
	}
	w.recent = slices.Delete(w.recent, 0, i)
	w.vouch(h)
	w.inside = h
	w.found.Heads++
	return nil
}

// vouch notes a head that fits.
func (w *walk) vouch(h *SignedHead) {
	if w.found.Signed != nil && w.found.Signed.Seq > h.Seq {
		return
	}
	w.found.Signed = h
	w.found.Unsigned = 0
	for _, r := range w.recent {
		if r.Seq > h.Seq {
			w.found.Unsigned++
		}
	}
}

// end looks for heads that name what is not here.
func (w *walk) end() error {
	if w.differs != nil {
		return w.rewritten(w.differs)
	}
	if w.begins != (Head{}) && !w.cut {
		return broken(w.begins.Seq, "it is not the first of a journal, no head is given that names the one before it, and no record says that it was cut")
	}
	if w.kept == len(w.Heads) {
		return nil
	}
	h := w.Heads[w.kept]
	return &federation.Refusal{Reason: federation.Lost, Where: fmt.Sprintf("journal record %d", w.found.Last.Seq+1),
		Detail: fmt.Sprintf("the journal ends before record %d, which %s signed as its end at %s: it was cut off", h.Seq, h.Node, stamp(h.At)),
		Hint:   "ask for the records up to there, or compare with a backup"}
}
