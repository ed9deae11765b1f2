package relay

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/envelope"
	"github.com/entente-relay/entente/relay/bus"
	"github.com/entente-relay/entente/relay/store"
)

// What was spilled is erased from the log: the entry that holds it is written
// anew without it, behind the end of the log, and the old one is overwritten and
// deleted. The log reads as before, since what was written anew stands at the
// old sequence; so positions, index, journal and cursors of peers stay true.

// sourceErased is the subject of what was written anew. No node id has an
// underscore.
const sourceErased = "_erased"

// keptLog is the log with what was written anew in its place.
type keptLog struct {
	*bus.Stream

	mu sync.Mutex
	// stands leads from each erased entry to the one written anew, or to itself
	// where nothing stands in its place.
	stands map[uint64]uint64
}

// openLog reads which entries were written anew, and deletes those that a node
// that died in between did not. They are few: each is a spill.
func openLog(ctx context.Context, s *bus.Stream) (*keptLog, error) {
	l := &keptLog{Stream: s, stands: map[uint64]uint64{}}
	st, ok, err := s.Last(ctx, sourceErased)
	if err != nil || !ok {
		return l, err
	}
	e, err := decodeEntry(st.Data)
	if err != nil {
		return nil, fmt.Errorf("log sequence %d: %w", st.Seq, err)
	}
	l.learn(st.Seq, e)
	return l, l.remove(ctx)
}

// learn takes over the table of an entry written anew, the newest of them.
func (l *keptLog) learn(seq uint64, e *entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, pair := range e.Erased {
		old, by := pair[0], pair[1]
		if by == 0 {
			by = seq
		}
		l.stands[old] = by
	}
}

// table is the table of the next entry written anew, which stands for seq.
func (l *keptLog) table(seq uint64) [][2]uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := [][2]uint64{{seq, 0}}
	for old, by := range l.stands {
		if old != seq {
			out = append(out, [2]uint64{old, by})
		} else if by != old {
			out = append(out, [2]uint64{by, by}) // it holds what is erased now
		}
	}
	slices.SortFunc(out, func(a, b [2]uint64) int { return cmp.Compare(a[0], b[0]) })
	return out
}

// remove overwrites and deletes what was written anew.
func (l *keptLog) remove(ctx context.Context) error {
	l.mu.Lock()
	var seqs []uint64
	for old := range l.stands {
		seqs = append(seqs, old)
	}
	l.mu.Unlock()
	slices.Sort(seqs)
	for _, seq := range seqs {
		if err := l.Delete(ctx, seq); err != nil {
			return err
		}
	}
	return nil
}

// erased lists the erased sequences from one on and before another.
func (l *keptLog) erased(from, before uint64) []uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []uint64
	for seq := range l.stands {
		if seq >= from && seq < before {
			out = append(out, seq)
		}
	}
	slices.Sort(out)
	return out
}

// Read returns what stands in the log from a sequence on, with what was written
// anew in the place of the old.
func (l *keptLog) Read(ctx context.Context, from uint64, most, maxBytes int) ([]bus.Stored, error) {
	got, err := l.Stream.Read(ctx, from, most, maxBytes)
	if err != nil || l.whole() {
		return got, err
	}
	out := make([]bus.Stored, 0, len(got))
	for _, st := range got {
		for _, seq := range l.erased(from, st.Seq+1) {
			again, ok, err := l.anew(ctx, seq)
			if err != nil {
				return nil, err
			}
			if ok {
				out = append(out, again)
			}
		}
		if n := len(out); n == 0 || out[n-1].Seq != st.Seq {
			if st.Subject == sourceErased {
				st.Data = headOf(st.Data) // it stands elsewhere
			}
			out = append(out, st)
		}
		from = st.Seq + 1
	}
	if most > 0 && len(out) > most {
		out = out[:most]
	}
	return out, nil
}

// whole reports whether nothing was ever erased.
func (l *keptLog) whole() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.stands) == 0
}

// anew returns what stands at an erased sequence; nothing when it is no longer
// kept.
func (l *keptLog) anew(ctx context.Context, seq uint64) (st bus.Stored, ok bool, err error) {
	l.mu.Lock()
	by := l.stands[seq]
	l.mu.Unlock()
	if by == seq {
		// It was written anew itself, and then once more.
		data, err := (&entry{Kind: entryMarker, Source: sourceErased}).encode()
		return bus.Stored{Seq: seq, Subject: sourceErased, Data: data}, err == nil, err
	}
	got, err := l.Stream.Read(ctx, by, 1, 1)
	if err != nil || len(got) == 0 || got[0].Seq != by {
		return bus.Stored{}, false, err
	}
	e, err := decodeEntry(got[0].Data)
	if err != nil {
		return bus.Stored{}, false, fmt.Errorf("log sequence %d: %w", by, err)
	}
	inner, err := decodeEntry(e.Body)
	if err != nil {
		return bus.Stored{}, false, fmt.Errorf("log sequence %d: %w", by, err)
	}
	return bus.Stored{Seq: seq, Subject: inner.Source, Time: got[0].Time, Data: e.Body}, true, nil
}

// headOf returns an entry's data without its body.
func headOf(data []byte) []byte {
	if i := slices.Index(data, '\n'); i >= 0 {
		return data[:i+1]
	}
	return data
}

// spilled is an object that is to be erased from a log entry.
type spilled struct {
	seq    uint64
	issuer string
	digest [32]byte
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
				n.spills = append(n.spills, spilled{h.LogSeq, g.Issuer, g.Digest})
			}
		}
	}
	return nil
}

// eraseSpilled erases everything that was withdrawn as spilled. It is asked
// after each such withdrawal and at the start; what is erased already costs a
// look.
func (n *Node) eraseSpilled(ctx context.Context) error {
	all := slices.Clone(n.spills)
	ws, err := n.index.Spills(ctx)
	if err != nil {
		return err
	}
	for _, w := range ws {
		routes, err := n.index.Routes(ctx, w.Issuer, w.Digest)
		if err != nil {
			return err
		}
		for _, r := range routes {
			all = append(all, spilled{r.LogSeq, w.Issuer, w.Digest})
		}
		proofs, err := n.index.ProofsAbout(ctx, w.Issuer, w.Digest)
		if err != nil {
			return err
		}
		for _, seq := range proofs {
			all = append(all, spilled{seq, w.Issuer, w.Digest})
		}
	}
	for _, s := range all {
		if err := n.erase(ctx, s); err != nil {
			return fmt.Errorf("erasing a spill from log sequence %d: %w", s.seq, err)
		}
	}
	n.spills = nil
	return nil
}

// erase writes one entry anew without an object, and deletes the old one.
func (n *Node) erase(ctx context.Context, s spilled) error {
	st, ok, err := n.stored(ctx, s.seq)
	if err != nil || !ok {
		return err
	}
	old, err := decodeEntry(st.Data)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(old.Items, func(it entryItem) bool {
		return it.Issuer == s.issuer && [32]byte(it.Digest) == s.digest && !it.dropped()
	})
	if old.proves(s) {
		old.Proof = nil
	} else if at < 0 || old.Kind != entryMessage {
		return nil // done before
	}
	anew, err := n.without(old, at)
	if err != nil {
		return err
	}
	e := &entry{Kind: entryErased, Source: sourceErased, At: n.now(), Erased: n.log.table(s.seq)}
	if e.Body, err = anew.encode(); err != nil {
		return err
	}
	res, err := n.committer.commit(ctx, sourceErased, func(v *view) ([]*entry, error) {
		// The last entry of a source holds its position, so it must not be the
		// one that is deleted.
		mark := &entry{Kind: entryMarker, Source: old.Source, At: e.At}
		var err error
		if mark.Position, err = v.position(ctx, n.log, old.Source); err != nil {
			return nil, err
		}
		return []*entry{e, mark}, nil
	})
	if err != nil {
		return err
	}
	n.log.learn(res.seqs[0], e)
	n.recent.drop()
	n.far.forget()
	return n.log.remove(ctx)
}

// proves reports whether the entry's proof shows an object.
func (e *entry) proves(s spilled) bool {
	if e.Proof == nil || e.Proof.Item < 0 || e.Proof.Item >= len(e.Items) {
		return false
	}
	it := e.Items[e.Proof.Item]
	return it.Issuer == s.issuer && (it.Digest == digest(s.digest) || it.Against == digest(s.digest))
}

// without returns an entry without the content of one of its objects.
func (n *Node) without(old *entry, at int) (*entry, error) {
	kept := *old
	kept.Position, kept.ready = nil, nil
	kept.Items = slices.Clone(old.Items)
	if at < 0 {
		return &kept, nil // only a proof was to go
	}
	dropped := old.dropped()
	kept.Items[at].Erased = true
	v, err := envelope.Verify(old.Body, envelope.VerifyOptions{Keys: n.world.Load().Directory, Now: old.At, Roots: n.roots, Dropped: dropped})
	if err == nil && kept.keeps() {
		if v, err = envelope.Drop(v, [][32]byte{old.Items[at].Digest}); err == nil {
			kept.Body = v.Raw()
			return &kept, nil
		}
	}
	if err != nil && federation.ReasonOf(err) == "" {
		return nil, err
	}
	// Nothing else is in it, or its signer is no longer known, so that it could
	// not be given on either.
	kept.Kind, kept.Body = entryMarker, nil
	return &kept, nil
}
