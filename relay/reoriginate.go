package relay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/envelope"
	"github.com/entente-relay/entente/federation/policy"
	"github.com/entente-relay/entente/federation/stix"
	"github.com/entente-relay/entente/mapping"
	"github.com/entente-relay/entente/relay/dashboard"
	"github.com/entente-relay/entente/relay/store"
)

// original is an object of a source on its way to be given on as this node's
// own.
type original struct {
	subject *policy.Subject
	stored  store.Stored
	opening envelope.Opening
	commit  string
	keep    time.Time // until when its origin lets anybody keep it, zero for no limit
}

// Reoriginate gives on objects of permitted sources as this node's own, with
// nothing that names the source. When the original is taken back, so is what
// was made of it. If one of the objects cannot be done, none is.
func (n *Node) Reoriginate(ctx context.Context, ids []string) ([]dashboard.Reoriginated, error) {
	state, err := n.log.State(ctx)
	if err != nil {
		return nil, err
	}
	if err := n.awaitIndex(ctx, state.Last, 0); err != nil {
		return nil, err
	}
	w, a := n.world.Load(), &anonymous{now: n.now(), newID: map[string]string{}}
	var originals []*original
	for _, id := range ids {
		o, err := n.original(ctx, w, id)
		if err != nil {
			return nil, err
		}
		a.name(o.subject.Object())
		originals = append(originals, o)
	}
	var objects []*stix.Object
	by := map[string]*original{}
	for _, o := range originals {
		x, err := a.object(o.subject, o.commit, o.keep)
		if err != nil {
			return nil, err
		}
		if own := w.Reader.Subject(n.id, [32]byte{}, x, nil); !own.Handling().AtLeast(o.subject.Handling()) {
			return nil, federation.Refuse(federation.PolicyError, o.stored.ID, "what is made of it would be less protected")
		}
		by[x.ID()] = o
		objects = append(objects, x)
	}
	signed, err := n.signOwn(w, objects)
	if err != nil {
		return nil, err
	}
	return n.commitReoriginated(ctx, signed, by)
}

// original finds the newest version of an object of somebody else that still
// stands, and checks that its source permits to give it on.
func (n *Node) original(ctx context.Context, w *World, id string) (*original, error) {
	var found []store.Stored
	for o, err := range n.index.Objects(ctx, store.Filter{ID: id}) {
		if err != nil {
			return nil, err
		}
		if o.Issuer == n.id || o.Withdrawal != nil {
			continue
		}
		found = append(slices.DeleteFunc(found, func(x store.Stored) bool { return x.Issuer == o.Issuer && newer(o.Version, x.Version) }), o)
	}
	switch {
	case len(found) == 0:
		return nil, federation.Refuse(federation.UnresolvedReference, id, "no object of a source with this id stands here")
	case len(found) > 1:
		return nil, federation.Refuse(federation.Equivocation, id, "objects of several sources have this id")
	}
	st := found[0]
	log := logReader{node: n, world: w}
	p, err := log.at(ctx, st.LogSeq)
	if err != nil {
		return nil, err
	}
	if p == nil || p.seq != st.LogSeq || p.verified == nil {
		return nil, fmt.Errorf("the log does not give entry %d again", st.LogSeq)
	}
	for i, s := range p.subjects {
		if s.Digest() != st.Digest || p.items[i].Outcome != taken {
			continue
		}
		if err := w.permits(s, st.Issuer, n.now()); err != nil {
			return nil, err
		}
		if why, err := n.over(w, p, i, n.now()); err != nil || why != "" {
			return nil, errors.Join(err, federation.Refuse(cmp.Or(why, federation.Expired), id, wordsFor(why)))
		}
		o := &original{subject: s, stored: st, keep: p.items[i].Keep, opening: envelope.OpeningOf(n.keys.Secret, st.Issuer, st.Digest)}
		o.commit, err = o.opening.Commitment()
		return o, err
	}
	return nil, federation.Refuse(federation.UnresolvedReference, id, "its content is not here")
}

// permits says why the terms with a source do not let an object be given on as
// this node's own, or nil.
func (w *World) permits(s *policy.Subject, source string, now time.Time) error {
	refuse := func(r federation.Reason, detail string) error {
		return &federation.Refusal{Reason: r, Where: s.Object().ID(), Detail: detail, Hint: "the key reoriginate in the terms with the source says what is permitted"}
	}
	i := slices.IndexFunc(w.Peers, func(p *Peer) bool { return p.Agreement.Peer == source })
	if i < 0 {
		return refuse(federation.NoAgreement, "there are no terms with "+source)
	}
	a := w.Peers[i].Agreement
	h := s.Handling()
	switch {
	case now.Before(a.NotBefore) || !now.Before(a.Until):
		return refuse(federation.NoAgreement, "the terms with "+source+" are not in force")
	case !slices.Contains(a.Reoriginate.Types, s.Object().Type()):
		return refuse(federation.NoAgreement, fmt.Sprintf("the terms with %s do not permit it for a %s", source, s.Object().Type()))
	case h.TLP == mapping.TLPUnmarked || h.TLP > a.Reoriginate.Ceiling:
		return refuse(federation.OverCeiling, fmt.Sprintf("it is %s, the permission of %s goes up to %s", h.TLP, source, a.Reoriginate.Ceiling))
	}
	return nil
}

// hidden reports whether a source's own messages stay here, because nobody else
// is to see its name.
func (w *World) hidden(source string) bool {
	return slices.ContainsFunc(w.Peers, func(p *Peer) bool { return p.Agreement.Peer == source && p.Agreement.Reoriginate.Only })
}

// signOwn signs objects as this node's own and judges each: what may not lie
// here is not published.
func (n *Node) signOwn(w *World, objects []*stix.Object) ([]*arrival, error) {
	msgs, err := envelope.Issue(objects, envelope.IssueOptions{Issuer: n.id, Key: n.keys.Message, Now: n.now(), Secret: n.keys.Secret,
		NewID: func() string { return uuid.Must(uuid.NewV7()).String() }})
	if err != nil {
		return nil, err
	}
	var out []*arrival
	for _, m := range msgs {
		a := &arrival{verified: m}
		a.judge(w, n.now())
		for i, d := range a.decisions {
			if v := d.Verdict(); v == federation.Share || v == federation.Redact {
				continue
			}
			r := federation.Refusal{Reason: federation.PolicyError, Where: a.subjects[i].Object().ID()}
			if rs := d.Reasons(); len(rs) > 0 {
				r.Reason, r.Detail = rs[0].Reason, rs[0].Text
			}
			return nil, &r
		}
		out = append(out, a)
	}
	return out, nil
}

// commitReoriginated stores what was made, with what it was made of beside it,
// unless the original was taken back or given on in the meantime.
func (n *Node) commitReoriginated(ctx context.Context, signed []*arrival, by map[string]*original) ([]dashboard.Reoriginated, error) {
	now := n.now()
	res, err := n.committer.commit(ctx, sourceSelf, func(v *view) ([]*entry, error) {
		var entries []*entry
		for _, a := range signed {
			e, err := a.entry(v)
			if err != nil {
				return nil, err
			}
			e.Source, e.At = sourceSelf, now
			for i := range e.Items {
				o := by[e.Items[i].ID]
				if err := v.fresh(o.stored, &e.Items[i]); err != nil {
					return nil, err
				}
				e.Items[i].Origin = &origin{Issuer: o.stored.Issuer, Digest: o.stored.Digest}
			}
			entries = append(entries, e)
		}
		return entries, nil
	})
	if err != nil {
		return nil, err
	}
	var out []dashboard.Reoriginated
	for i, e := range res.entries {
		for _, it := range e.Items {
			o := by[it.ID]
			out = append(out, dashboard.Reoriginated{ID: it.ID, Original: o.stored.ID, Source: o.stored.Issuer, Commitment: o.commit, Seq: res.seqs[i]})
		}
	}
	return out, nil
}

// fresh refuses an original that was taken back, or of which something was made
// that still stands.
func (v *view) fresh(o store.Stored, it *entryItem) error {
	if v.withdrawn(o.Issuer, o.Digest) {
		return federation.Refuse(federation.Withdrawn, o.ID, "its issuer took it back")
	}
	if own, ok := v.madeOf(origin{Issuer: o.Issuer, Digest: o.Digest}, it.Issuer); ok && !v.withdrawn(own.issuer, own.digest) {
		return federation.Refuse(federation.Duplicate, o.ID, "it is re-originated already")
	}
	if it.Outcome != taken {
		return errors.New("relay: a new object was not taken")
	}
	return nil
}

// Opening returns what opens the commitment of an object that this node
// re-originated: who the source is, and proof of it.
func (n *Node) Opening(ctx context.Context, id string) (envelope.Opening, error) {
	state, err := n.log.State(ctx)
	if err != nil {
		return envelope.Opening{}, err
	}
	if err := n.awaitIndex(ctx, state.Last, 0); err != nil {
		return envelope.Opening{}, err
	}
	all, err := n.index.Derived(ctx)
	if err != nil {
		return envelope.Opening{}, err
	}
	for _, d := range all {
		if d.Less || d.Issuer == n.id {
			continue // what says less, and a tear-line, hold no commitment
		}
		if own, _, ok, err := n.index.Named(ctx, n.id, d.Own); err != nil {
			return envelope.Opening{}, err
		} else if ok && own == id {
			return envelope.OpeningOf(n.keys.Secret, d.Issuer, d.Digest), nil
		}
	}
	return envelope.Opening{}, federation.Refuse(federation.UnresolvedReference, id, "it was not re-originated here")
}

// withdrawDerived takes back what was made of objects that their issuers took
// back, or that were erased here. It is asked again after every withdrawal and at the start, so that
// nothing is owed for long, whatever ended the node in between.
func (n *Node) withdrawDerived(ctx context.Context) error {
	all, err := n.index.Derived(ctx)
	if err != nil {
		return err
	}
	var gone []envelope.Gone
	for _, d := range all {
		w, ok, err := n.index.Withdrawal(d.Issuer, d.Digest)
		if err != nil {
			return err
		}
		erased, err := n.index.ErasedFor(d.Issuer, d.Digest)
		if err != nil {
			return err
		}
		if !ok && erased == "" {
			continue
		}
		reason := envelope.GoneWithdrawn
		if w.Reason == envelope.GoneSpill || erased == federation.Withdrawn {
			reason = envelope.GoneSpill
		}
		own, ok, err := n.index.Withdrawal(n.id, d.Own)
		if err != nil {
			return err
		}
		if !ok || store.Outranks(reason, own.Reason) {
			gone = append(gone, envelope.Gone{Digest: d.Own, Reason: reason})
		}
	}
	for some := range slices.Chunk(gone, maxJobEntries) {
		if _, err := (takenBack{}).commit(ctx, n.committer, n.world.Load(), n.keys, n.now(), "", func(*view) ([]*entry, []envelope.Gone, error) { return nil, some, nil }); err != nil {
			return err
		}
	}
	return nil
}
