package relay

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/envelope"
	"github.com/entente-relay/entente/relay/store"
)

// A withdrawal is a message that names the digests of objects that their issuer
// takes back. It takes effect in the commit that stores it: from then on the
// object is refused when it comes, withheld where it would go, and in no list.
// It goes to every peer to which the journal says that the object went, whatever
// policy and terms say now, and to nobody else.

// goneEntry makes the log entry of a message that takes objects back. It runs
// in the committer. What is taken back already, or is another issuer's, has no
// effect.
func (a *arrival) goneEntry(v *view) (*entry, error) {
	e := &entry{Kind: entryGone, Message: a.verified.ID()}
	done := map[[32]byte]bool{}
	for _, g := range a.verified.Gone() {
		if done[g.Digest] {
			continue
		}
		done[g.Digest] = true
		item := entryItem{Issuer: a.verified.Owner(), Digest: g.Digest}
		if owners := v.owners(g.Digest); len(owners) > 0 && !slices.Contains(owners, item.Issuer) {
			item.Outcome, item.Reason, item.Text = refused, federation.NotOwner, "a withdrawal of an object of "+owners[0]
			e.Items = append(e.Items, item)
			continue
		}
		if err := a.mayTakeBack(v, item.Issuer, g); err != nil {
			if err := item.refuse(err); err != nil {
				return nil, err
			}
			e.Items = append(e.Items, item)
			continue
		}
		have, err := v.withdrawnFor(item.Issuer, g.Digest)
		if err != nil {
			return nil, err
		}
		if g.Reason == envelope.GoneLowered {
			switch err := a.mayLower(v, item.Issuer, g, have); {
			case federation.ReasonOf(err) == federation.Duplicate:
				item.Outcome, item.Reason = duplicate, federation.Duplicate
				e.Items = append(e.Items, item)
				continue
			case err != nil:
				if err := item.refuse(err); err != nil {
					return nil, err
				}
				e.Items = append(e.Items, item)
				continue
			}
		}
		if have != "" && !store.Outranks(g.Reason, have) && (g.Reason != envelope.GoneLowered || have != g.Reason) {
			item.Outcome, item.Reason = duplicate, federation.Duplicate
			e.Items = append(e.Items, item)
			continue
		}
		taken := goneItem{Issuer: item.Issuer, Digest: g.Digest, For: g.Reason}
		if signer := a.verified.Issuer(); signer != item.Issuer {
			taken.By = signer
		}
		e.Gone = append(e.Gone, taken)
	}
	if len(e.Gone) == 0 {
		e.Kind = entryMarker
		return e, nil
	}
	e.Body = a.verified.Raw()
	e.ready = &prepared{kind: entryGone, verified: a.verified, gone: e.Gone}
	return e, nil
}

// withdrawn reports which objects of an entry are taken back.
func (n *Node) withdrawn(p *prepared) []bool {
	digests := make([][32]byte, len(p.subjects))
	for i, s := range p.subjects {
		digests[i] = s.Digest()
	}
	return n.index.Withdrawn(p.verified.Owner(), digests)
}

// errNextFrame says that a log entry can only be judged after the draft has
// left: whom it goes to depends on what is in it.
var errNextFrame = errors.New("relay: the next frame")

// takeBack adds a withdrawal to a draft if its peer is a recorded recipient of
// something it takes back. Policy and terms are not asked.
func (x *exporter) takeBack(ctx context.Context, d *draft, p *prepared) error {
	if d.carries(p.gone) {
		return errNextFrame
	}
	if err := x.node.awaitIndex(ctx, p.seq, x.node.lane(d.peer).recorded); err != nil {
		return err
	}
	got := false
	for _, g := range p.gone {
		rs, err := x.node.index.Recipients(ctx, g.Issuer, g.Digest)
		if err != nil {
			return err
		}
		// The owner learns what its delegate did.
		got = got || g.By != "" && g.Issuer == d.peer || slices.ContainsFunc(rs, func(r store.Recipient) bool { return r.Peer == d.peer })
	}
	if !got {
		return nil
	}
	c, err := envelope.Redact(p.verified, nil)
	if err != nil {
		return fmt.Errorf("log entry %d for %s: %w", p.seq, d.peer, err)
	}
	j := judged{seq: p.seq, issuer: p.verified.Owner(), message: len(d.cleared), gone: p.gone}
	d.cleared = append(d.cleared, c)
	d.bytes += len(p.verified.Raw()) + hopAllowance
	d.verdicts = append(d.verdicts, j)
	d.record += 200 + 100*len(p.gone)
	return nil
}

// carries reports whether the draft holds one of the objects.
func (d *draft) carries(gone []goneItem) bool {
	for _, j := range d.verdicts {
		if j.message < 0 {
			continue
		}
		for i, s := range j.subjects {
			if v := j.decisions[i].Verdict(); v != federation.Share && v != federation.Redact {
				continue
			}
			if slices.ContainsFunc(gone, func(g goneItem) bool { return g.Issuer == j.issuer && g.Digest == s.Digest() }) {
				return true
			}
		}
	}
	return false
}

// awaitIndex waits until the index has what the log and the journal had at
// these sequences.
func (n *Node) awaitIndex(ctx context.Context, logSeq, journalSeq uint64) error {
	for {
		told := n.told.wait()
		if n.index.Applied() >= logSeq && n.index.Journaled() >= journalSeq {
			return nil
		}
		if n.index.Applied() < logSeq && n.known() < logSeq { // stored, and nobody was told of it
			n.ahead.unread.Store(true)
			n.wake()
		}
		select {
		case <-told:
		case <-ctx.Done():
			return fmt.Errorf("the index does not follow: %w", ctx.Err())
		case <-n.ctx.Done():
			return n.ctx.Err()
		}
	}
}

// broadcast tells all who wait.
type broadcast struct {
	mu sync.Mutex
	ch chan struct{}
}

func newBroadcast() *broadcast { return &broadcast{ch: make(chan struct{})} }

// wait returns a channel that is closed at the next call of all.
func (b *broadcast) wait() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.ch
}

func (b *broadcast) all() {
	b.mu.Lock()
	defer b.mu.Unlock()
	close(b.ch)
	b.ch = make(chan struct{})
}

// unsigned says which withdrawals have to be signed before a commit can be made
// again: signing may take long, and the committer serves everybody.
type unsigned struct{ gone []envelope.Gone }

func (u *unsigned) Error() string {
	return fmt.Sprintf("%d withdrawals are not signed yet", len(u.gone))
}

// takenBack are signed withdrawals by what they take back.
type takenBack map[envelope.Gone]*arrival

// sign signs what is still missing, on behalf of owner, "" for this node.
func (t takenBack) sign(w *World, k *Keys, gone []envelope.Gone, now time.Time, owner string) error {
	msgs, err := envelope.Issue(nil, envelope.IssueOptions{Issuer: w.Node.ID, For: owner, Key: k.Message, Secret: k.Secret, Now: now, Gone: gone,
		NewID: func() string { return uuid.Must(uuid.NewV7()).String() }})
	if err != nil {
		return err
	}
	for _, m := range msgs {
		a := &arrival{verified: m}
		a.judge(w, now)
		t[m.Gone()[0]] = a
	}
	return nil
}

// commit stores what build says as this node's own act: entries, and behind
// them the withdrawals, which are signed outside of the committer.
func (t takenBack) commit(ctx context.Context, c *committer, w *World, k *Keys, now time.Time, owner string,
	build func(v *view) ([]*entry, []envelope.Gone, error)) (result, error) {
	for {
		res, err := c.commit(ctx, sourceSelf, func(v *view) ([]*entry, error) {
			entries, gone, err := build(v)
			if err != nil {
				return nil, err
			}
			back, err := t.entries(v, gone)
			if err != nil {
				return nil, err
			}
			entries = append(entries, back...)
			for _, e := range entries {
				e.Source, e.At = sourceSelf, now
			}
			return entries, nil
		})
		missing, ok := errors.AsType[*unsigned](err)
		if !ok {
			return res, err
		}
		if err := t.sign(w, k, missing.gone, now, owner); err != nil {
			return result{}, err
		}
	}
}

// entries makes the log entries of withdrawals, or says which are not signed.
func (t takenBack) entries(v *view, gone []envelope.Gone) ([]*entry, error) {
	var missing unsigned
	var out []*entry
	for _, g := range gone {
		a, ok := t[g]
		if !ok {
			missing.gone = append(missing.gone, g)
			continue
		}
		e, err := a.entry(v)
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	if len(missing.gone) > 0 {
		return nil, &missing
	}
	return out, nil
}

// superseded lists the versions that the objects of an entry replace. Newest
// has what the same commit took before it.
func superseded(v *view, e *entry, newest map[idKey]heldVersion) []envelope.Gone {
	var out []envelope.Gone
	for _, it := range e.Items {
		if it.Outcome != taken || it.Type == "marking-definition" {
			continue
		}
		old, k := it.supersedes, idKey{it.Issuer, it.ID}
		if have, ok := newest[k]; ok {
			if !newer(it.Version, have.version) {
				continue
			}
			old = have.digest
		}
		newest[k] = heldVersion{it.Version, it.Digest}
		if old != (digest{}) && !v.withdrawn(it.Issuer, old) {
			out = append(out, envelope.Gone{Digest: old, Reason: envelope.GoneSuperseded})
		}
	}
	return out
}
