package relay

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/envelope"
	"github.com/entente-relay/entente/relay/store"
)

// target is an object that is to be erased from a log entry.
type target struct {
	seq    uint64
	issuer string
	digest [32]byte
	// n is its item in the entry where the digest does not name it, which is so
	// for what waits; else -1.
	n int
	// why is "" for a spill, whose id stays so that its withdrawal can be shown.
	// Else nothing but the digest is left.
	why     federation.Reason
	because string
}

// Bounds of one record written anew: how many entries it may hold, and after
// how many bytes it takes no more. An entry is at most about 400 kB.
const (
	anewEntries = 64
	anewBytes   = 384 << 10
)

// errMoved says that something else was written anew in between.
var errMoved = errors.New("relay: an entry was written anew in between")

// eraseAll erases objects from the log. What is erased already costs a look. It
// is for one goroutine, the follower.
func (n *Node) eraseAll(ctx context.Context, all []target) error {
	if err := n.log.remove(ctx); err != nil {
		return err
	}
	bySeq := map[uint64][]target{}
	for _, t := range all {
		bySeq[t.seq] = append(bySeq[t.seq], t)
	}
	seqs := slices.Sorted(maps.Keys(bySeq))
	for len(seqs) > 0 {
		a := &anew{node: n, because: all[0].because}
		rest, err := a.gather(ctx, seqs, bySeq)
		if err == nil {
			err = a.store(ctx)
		}
		if errors.Is(err, errMoved) {
			continue
		}
		if err != nil {
			return fmt.Errorf("erasing from log sequence %d: %w", seqs[0], err)
		}
		seqs = rest
	}
	return nil
}

// anew is a record in the making, which holds entries without what is erased.
type anew struct {
	node    *Node
	because string
	in      uint64 // the record in which these entries stand until now, 0 for none
	record  entry
	carried []erasedItem
	sources map[string]bool
	changed bool
}

// gather writes the first entries anew that can share a record, and returns the
// sequences that are left. Those that stand in one record already stay together,
// with what else it holds: it is to be deleted.
func (a *anew) gather(ctx context.Context, seqs []uint64, bySeq map[uint64][]target) (rest []uint64, err error) {
	log := a.node.log
	a.sources = map[string]bool{}
	a.in = log.standsAt(seqs[0])
	if a.in == seqs[0] {
		return seqs[1:], nil // nothing stands there
	}
	if a.in != 0 {
		return slices.DeleteFunc(slices.Clone(seqs), func(seq uint64) bool { return log.standsAt(seq) == a.in }), a.again(ctx, bySeq)
	}
	for i, seq := range seqs {
		if len(a.record.Stands) == anewEntries || len(a.record.Body) > anewBytes {
			return append(rest, seqs[i:]...), nil
		}
		if log.standsAt(seq) != 0 {
			rest = append(rest, seq)
			continue
		}
		st, ok, err := a.node.stored(ctx, seq)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		if err := a.add(seq, st.Data, bySeq[seq], false); err != nil {
			return nil, err
		}
	}
	return rest, nil
}

// again writes what a record holds anew once more.
func (a *anew) again(ctx context.Context, bySeq map[uint64][]target) error {
	st, ok, err := a.node.log.record(ctx, a.in)
	if err != nil || !ok {
		return err
	}
	old, err := decodeEntry(st.Data)
	if err != nil {
		return err
	}
	held, err := unpack(st)
	if err != nil {
		return err
	}
	for _, seq := range old.Stands {
		if a.node.log.standsAt(seq) != a.in {
			continue
		}
		if err := a.add(seq, held[seq], bySeq[seq], true); err != nil {
			return err
		}
	}
	a.record.Void = []uint64{a.in}
	a.carried = old.Erased
	return nil
}

// add lets the record hold an entry, without what is to be erased from it.
func (a *anew) add(seq uint64, data []byte, ts []target, always bool) error {
	old, err := decodeEntry(data)
	if err != nil {
		return fmt.Errorf("log sequence %d: %w", seq, err)
	}
	kept, erased, err := a.node.without(old, seq, ts)
	if err != nil {
		return fmt.Errorf("log sequence %d: %w", seq, err)
	}
	if kept == nil && !always {
		return nil
	}
	if kept != nil {
		a.changed = true
		if data, err = kept.encode(); err != nil {
			return err
		}
	}
	a.record.pack(seq, data)
	a.record.Erased = append(a.record.Erased, erased...)
	a.sources[old.Source] = true
	return nil
}

// store commits the record, then deletes what it stands for.
func (a *anew) store(ctx context.Context) error {
	if !a.changed {
		return nil
	}
	n := a.node
	e := &a.record
	e.Kind, e.Source, e.At, e.Because = entryErased, sourceErased, n.now(), a.because
	e.Carried = len(a.carried)
	e.Erased = append(e.Erased, a.carried...)
	_, err := n.committer.commit(ctx, sourceErased, func(v *view) ([]*entry, error) {
		for _, seq := range e.Stands {
			if n.log.standsAt(seq) != a.in {
				return nil, errMoved // by a commit that was thought to have failed
			}
		}
		out := []*entry{e}
		if a.in != 0 {
			return out, nil
		}
		// The last entry of a source holds its position, so it must not be one
		// that is deleted.
		for _, source := range slices.Sorted(maps.Keys(a.sources)) {
			mark := &entry{Kind: entryMarker, Source: source, At: e.At}
			var err error
			if mark.Position, err = v.position(ctx, n.log, source); err != nil {
				return nil, err
			}
			out = append(out, mark)
		}
		return out, nil
	})
	if err != nil {
		return err
	}
	n.at(stepErased)
	n.recent.drop()
	n.far.forget()
	return n.log.remove(ctx)
}

// without returns an entry without the content of objects, nil if it is without
// it already, and what it says of those of which only the digest is left.
func (n *Node) without(old *entry, seq uint64, ts []target) (kept *entry, erased []erasedItem, err error) {
	e := *old
	e.ready, e.Items = nil, slices.Clone(old.Items)
	changed := false
	var gone [][32]byte
	for _, t := range ts {
		if e.proves(t) {
			e.Proof, changed = nil, true
		}
		for i := range e.Items {
			it := &e.Items[i]
			if t.n >= 0 && t.n != i || t.n < 0 && (it.Issuer != t.issuer || it.Digest != t.digest) {
				continue
			}
			was := it.dropped()
			if was && (t.why == "" || it.For != "") {
				continue
			}
			it.erase(t.why)
			changed = true
			if it.For != "" {
				erased = append(erased, erasedItem{Seq: seq, N: i, Issuer: it.Issuer, Digest: it.Digest, For: it.For})
			}
			if !was {
				gone = append(gone, it.Digest)
			}
		}
	}
	if !changed {
		return nil, nil, nil
	}
	return &e, erased, n.drop(&e, old, gone)
}

// erase marks an item as erased; with a reason, nothing of it stays but what the
// counts need.
func (it *entryItem) erase(why federation.Reason) {
	it.Erased = true
	if why == "" {
		return
	}
	*it = entryItem{Issuer: it.Issuer, Digest: it.Digest, Outcome: it.Outcome, Reason: it.Reason, Rule: it.Rule, Basis: it.Basis, Erased: true, For: why,
		Shown: it.Shown, Parts: it.Parts, Whole: it.Whole, Variant: it.Variant, Origin: it.Origin, Mark: it.Mark}
}

// drop takes objects out of the body of an entry.
func (n *Node) drop(e, old *entry, gone [][32]byte) error {
	if len(gone) == 0 {
		return nil
	}
	if e.Kind == entryMessage && e.keeps() {
		v, err := envelope.Verify(old.Body, envelope.VerifyOptions{Keys: n.world.Load().Directory, Now: old.At, Roots: n.roots, Dropped: old.dropped(), Secret: n.keys.Secret})
		if err == nil {
			v, err = envelope.Drop(v, gone)
		}
		if err == nil {
			e.Body = v.Raw()
			return nil
		}
		if federation.ReasonOf(err) == "" {
			return err
		}
		// Its signer is no longer known, so that it could not be given on either.
	}
	e.Kind, e.Body = entryMarker, nil
	return nil
}

// proves reports whether the entry's proof shows an object.
func (e *entry) proves(t target) bool {
	if e.Proof == nil || e.Proof.Item < 0 || e.Proof.Item >= len(e.Items) {
		return false
	}
	it := e.Items[e.Proof.Item]
	return it.Issuer == t.issuer && (it.Digest == digest(t.digest) || it.Against == digest(t.digest))
}

// everywhere lists the log entries that hold an object, or prove something by it.
func (n *Node) everywhere(ctx context.Context, t target) ([]target, error) {
	routes, err := n.index.Routes(ctx, t.issuer, t.digest)
	if err != nil {
		return nil, err
	}
	seqs, err := n.index.ProofsAbout(ctx, t.issuer, t.digest)
	if err != nil {
		return nil, err
	}
	for _, r := range routes {
		seqs = append(seqs, r.LogSeq)
	}
	out := make([]target, len(seqs))
	for i, seq := range seqs {
		out[i] = t
		out[i].seq, out[i].n = seq, -1
	}
	return out, nil
}

// waitingSpills lists the entries in which an object waits that entries take
// back as spilled: the index forgets them when it applies these.
func (n *Node) waitingSpills(ctx context.Context, batch []store.Entry) error {
	for _, e := range batch {
		for _, g := range e.Gone {
			if g.Reason != envelope.GoneSpill {
				continue
			}
			n.erases = true
			held, err := n.index.Held(ctx, store.HeldFilter{Intake: true, Issuer: g.Issuer, Digest: g.Digest})
			if err != nil {
				return err
			}
			for _, h := range held {
				n.spills = append(n.spills, target{seq: h.LogSeq, issuer: g.Issuer, digest: g.Digest, n: -1})
			}
		}
	}
	return nil
}

// eraseSpilled erases everything that was withdrawn as spilled. It is asked
// after each such withdrawal and at the start.
func (n *Node) eraseSpilled(ctx context.Context) error {
	all := slices.Clone(n.spills)
	ws, err := n.index.Spills(ctx)
	if err != nil {
		return err
	}
	for _, w := range ws {
		places, err := n.everywhere(ctx, target{issuer: w.Issuer, digest: w.Digest})
		if err != nil {
			return err
		}
		all = append(all, places...)
	}
	if err := n.eraseAll(ctx, all); err != nil {
		return err
	}
	n.spills = nil
	return nil
}
