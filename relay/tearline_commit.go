package relay

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/directory"
	"github.com/entente-relay/entente/federation/envelope"
	"github.com/entente-relay/entente/federation/policy"
	"github.com/entente-relay/entente/mapping"
	"github.com/entente-relay/entente/relay/dashboard"
	"github.com/entente-relay/entente/relay/store"
)

// ownStanding is the newest version of an own object that stands, as policy sees
// it.
func (n *Node) ownStanding(ctx context.Context, w *World, id string) (heldVersion, *policy.Subject, error) {
	if err := n.caughtUp(ctx); err != nil {
		return heldVersion{}, nil, err
	}
	v := newView(n.index)
	v.read = func(seq uint64) (*envelope.Verified, error) { return n.message(ctx, seq) }
	have, ok, err := v.version(n.id, id)
	switch {
	case err != nil:
		return have, nil, err
	case !ok:
		return have, nil, federation.Refuse(federation.UnresolvedReference, id, "no such object was published here")
	case v.withdrawn(n.id, have.digest):
		return have, nil, federation.Refuse(federation.Withdrawn, id, "it was taken back")
	}
	m, err := v.holding(n.id, have.digest)
	if err != nil {
		return have, nil, err
	}
	var s *policy.Subject
	if m != nil {
		s = w.subjectIn(m, have.digest)
	}
	if s == nil {
		return have, nil, federation.Refuse(federation.Expired, id, "its content is no longer kept")
	}
	return have, s, nil
}

// tlpLabel reads a label of TLP 2.0.
func tlpLabel(text string) (mapping.TLP, error) {
	for t := mapping.TLPClear; t <= mapping.TLPRed; t++ {
		if t.String() == text {
			return t, nil
		}
	}
	return 0, federation.Refuse(federation.UnknownMarking, "tear-line", fmt.Sprintf("%q is no label of TLP 2.0, such as TLP:GREEN", text))
}

// proposeTearLine makes a tear-line and words the act that two persons have to
// sign. Nothing is stored.
func (n *Node) proposeTearLine(ctx context.Context, q dashboard.DowngradeProposal) (dashboard.DowngradeProposed, error) {
	var out dashboard.DowngradeProposed
	w, now := n.world.Load(), n.now()
	to, err := tlpLabel(q.To)
	if err != nil {
		return out, err
	}
	have, of, err := n.ownStanding(ctx, w, q.TearLine)
	if err != nil {
		return out, err
	}
	o, err := newTearLine(of, to, now).object()
	if err != nil {
		return out, err
	}
	a, err := n.signAgain(w, []json.RawMessage{o.Raw()}, now)
	if err != nil {
		return out, err
	}
	l := &lowering{signed: a, old: have, was: n.saidOf(w, of), below: a.subjects[0].Below(of)}
	act := l.act(n.id, q, now)
	act.Object = of.Object().ID()
	text, err := act.Text()
	if err != nil {
		return out, &federation.Refusal{Reason: federation.Malformed, Where: q.TearLine, Err: err}
	}
	return dashboard.DowngradeProposed{Text: string(text), Objects: []json.RawMessage{o.Raw()}, From: act.From, To: act.To, Axes: act.Axes, Persons: 2}, nil
}

// commitTearLine stores a tear-line to which two persons agreed. The act, and of
// what it was made, stay in this node's log.
func (n *Node) commitTearLine(ctx context.Context, w *World, d *directory.Downgrade, act []byte, a *arrival) (dashboard.Downgraded, error) {
	have, of, err := n.ownStanding(ctx, w, d.Object)
	if err != nil {
		return dashboard.Downgraded{}, err
	}
	line := a.verified.Items()[0]
	if have.digest != digest(d.Old.Digest) || line.Digest != d.New.Digest {
		return dashboard.Downgraded{}, federation.Refuse(federation.Stale, d.Object, "what the persons signed is about other versions than these: request it anew")
	}
	now := n.now()
	again, err := tearLineAgain(of, line.Object).object()
	if err != nil {
		return dashboard.Downgraded{}, err
	}
	if a, err = n.signAgain(w, []json.RawMessage{again.Raw()}, now); err != nil {
		return dashboard.Downgraded{}, err
	}
	if a.verified.Items()[0].Digest != d.New.Digest {
		return dashboard.Downgraded{}, federation.Refuse(federation.NotReleasable, line.Object.ID(), "it is not what the marked parts of "+d.Object+" make")
	}
	res, err := n.committer.commit(ctx, sourceSelf, func(v *view) ([]*entry, error) {
		if v.withdrawn(n.id, have.digest) {
			return nil, federation.Refuse(federation.Withdrawn, d.Object, "it was taken back meanwhile")
		}
		e, err := a.entry(v)
		if err != nil {
			return nil, err
		}
		for i := range e.Items {
			if it := &e.Items[i]; it.Outcome != taken {
				return nil, federation.Refuse(it.Reason, it.ID, it.Text)
			}
			e.Items[i].Origin = &origin{Issuer: n.id, Digest: have.digest}
		}
		e.Source, e.At, e.Act = sourceSelf, now, string(act)
		return []*entry{e}, nil
	})
	if err != nil {
		return dashboard.Downgraded{}, err
	}
	if err := n.awaitIndex(ctx, res.seqs[0], 0); err != nil {
		return dashboard.Downgraded{}, err
	}
	return shownTearLine(d, line.Object.ID(), now), nil
}

// tearLines lists those of this node that stand in its log.
func (n *Node) tearLines(ctx context.Context) ([]dashboard.Downgraded, error) {
	all, err := n.index.Derived(ctx)
	if err != nil {
		return nil, err
	}
	var out []dashboard.Downgraded
	for _, d := range all {
		if d.Issuer != n.id || d.Less {
			continue
		}
		id, _, ok, err := n.index.Named(ctx, n.id, d.Own)
		if err != nil || !ok {
			return nil, err
		}
		for o, err := range n.index.Objects(ctx, store.Filter{Issuer: n.id, ID: id}) {
			if err != nil {
				return nil, err
			}
			one, err := n.tearLineAt(ctx, o.LogSeq, id)
			if err != nil {
				return nil, err
			}
			if one != nil {
				out = append(out, *one)
			}
		}
	}
	return out, nil
}

// tearLineAt reads the act beside a tear-line in the log, nil if there is none.
func (n *Node) tearLineAt(ctx context.Context, seq uint64, id string) (*dashboard.Downgraded, error) {
	st, ok, err := n.stored(ctx, seq)
	if err != nil || !ok {
		return nil, err
	}
	e, err := decodeEntry(st.Data)
	if err != nil || e.Act == "" {
		return nil, err
	}
	d, err := directory.ParseDowngrade([]byte(e.Act), n.world.Load().Directory, e.At)
	if err != nil {
		return nil, err
	}
	out := shownTearLine(d, id, e.At)
	return &out, nil
}

func shownTearLine(d *directory.Downgrade, id string, at time.Time) dashboard.Downgraded {
	return dashboard.Downgraded{ID: d.ID, Issuer: d.Issuer, Object: d.Object, Old: base64.RawURLEncoding.EncodeToString(d.Old.Digest[:]), Version: d.New.Version,
		From: d.From, To: d.To, Axes: d.Axes, By: d.By, Because: d.Reason, At: at, Here: true, TearLine: id}
}
