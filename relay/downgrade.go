package relay

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/directory"
	"github.com/entente-relay/entente/federation/envelope"
	"github.com/entente-relay/entente/federation/policy"
	"github.com/entente-relay/entente/federation/stix"
	"github.com/entente-relay/entente/relay/dashboard"
	"github.com/entente-relay/entente/relay/store"
)

// usualDowngrade is how long an act may be accepted for the first time if nobody
// says otherwise: as long as the message with the version that it lets pass.
const usualDowngrade = envelope.DefaultExpiry

// lowering is a version of an own object that is marked below the one before, on
// its way to be signed.
type lowering struct {
	signed *arrival
	item   int // of signed
	old    heldVersion
	was    string // its marking in the origin's words
	below  []string
	before *directory.Downgrade // an earlier act on the same older version
}

// ProposeDowngrade reads a file with one newer version of an own object that is
// marked lower, and words the act that two persons have to sign. Nothing is
// stored.
func (n *Node) ProposeDowngrade(ctx context.Context, q dashboard.DowngradeProposal) (dashboard.DowngradeProposed, error) {
	if q.TearLine != "" {
		return n.proposeTearLine(ctx, q)
	}
	w, now := n.world.Load(), n.now()
	p, err := w.read(n.keys, q.File, q.Name, q.Profile, now)
	if err != nil {
		return dashboard.DowngradeProposed{}, err
	}
	p.sealer.earlier = n.issuedBefore(ctx, n.id)
	signed, err := p.sign()
	if err != nil {
		return dashboard.DowngradeProposed{}, err
	}
	if len(signed) != 1 || len(p.waiting) > 0 {
		return dashboard.DowngradeProposed{}, &federation.Refusal{Reason: federation.Unsupported, Where: q.Name,
			Detail: "it holds more or less than one object that may be signed", Hint: "put the one newer version into the file, with the marking-definitions it needs, and see what `entente explain` says of it"}
	}
	l, err := n.lowering(ctx, w, signed[0])
	if err != nil {
		return dashboard.DowngradeProposed{}, err
	}
	out := dashboard.DowngradeProposed{Persons: 2, Axes: l.below}
	for _, it := range signed[0].verified.Items() {
		out.Objects = append(out.Objects, json.RawMessage(it.Object.Raw()))
	}
	act := l.act(n.id, q, now)
	text, err := act.Text()
	if err != nil {
		return dashboard.DowngradeProposed{}, &federation.Refusal{Reason: federation.Malformed, Where: q.Name, Err: err}
	}
	out.Text, out.From, out.To = string(text), act.From, act.To
	return out, nil
}

// act words what persons sign.
func (l *lowering) act(issuer string, q dashboard.DowngradeProposal, now time.Time) *directory.Downgrade {
	it := l.signed.verified.Items()[l.item]
	until := q.Until
	if until.IsZero() {
		until = now.Add(usualDowngrade)
	}
	d := &directory.Downgrade{ID: uuid.Must(uuid.NewV7()).String(), Issuer: issuer, Counter: 1, Object: it.Object.ID(),
		Old: directory.ObjectVersion{Version: l.old.version, Digest: l.old.digest}, New: directory.ObjectVersion{Version: it.Object.Version(), Digest: it.Digest},
		From: l.was, To: l.signed.decisions[l.item].From(), Axes: l.below, Reason: q.Because, NotAfter: until.UTC().Truncate(time.Second)}
	if l.before != nil {
		d.Counter = l.before.Counter + 1
	}
	return d
}

// lowering compares what is about to be signed with the version that is here.
func (n *Node) lowering(ctx context.Context, w *World, a *arrival) (*lowering, error) {
	l := &lowering{signed: a, item: -1}
	for i, it := range a.verified.Items() {
		if it.Object.Type() == "marking-definition" {
			continue
		}
		if l.item >= 0 {
			return nil, federation.Refuse(federation.Unsupported, it.Object.ID(), "an act is about one object, and there are several")
		}
		l.item = i
	}
	if l.item < 0 {
		return nil, federation.Refuse(federation.Unsupported, "downgrade", "a marking-definition is not lowered: the objects are that it marks")
	}
	o := a.verified.Items()[l.item].Object
	v := newView(n.index)
	v.read = func(seq uint64) (*envelope.Verified, error) { return n.message(ctx, seq) }
	old, ok, err := v.version(n.id, o.ID())
	switch {
	case err != nil:
		return nil, err
	case !ok:
		return nil, &federation.Refusal{Reason: federation.UnresolvedReference, Where: o.ID(), Detail: "no such object was published here", Hint: "what is new is published, not lowered"}
	case !newer(o.Version(), old.version):
		return nil, federation.Refuse(federation.Stale, o.ID(), "version "+old.version+" is here: give the object a later modified")
	}
	m, err := v.holding(n.id, old.digest)
	if err != nil {
		return nil, err
	}
	var before *policy.Subject
	if m != nil {
		before = w.subjectIn(m, old.digest)
	}
	if before == nil {
		return nil, federation.Refuse(federation.Expired, o.ID(), "the content of the version before is no longer kept, so nobody can compare")
	}
	l.old, l.was = old, n.saidOf(w, before)
	if l.below = a.subjects[l.item].Below(before); len(l.below) == 0 {
		return nil, &federation.Refusal{Reason: federation.Unsupported, Where: o.ID(), Detail: "it is marked no lower than the version before", Hint: "publish it"}
	}
	l.before, err = v.actOn(w.Directory, n.id, old.digest)
	return l, err
}

// saidOf is a marking in its origin's words.
func (n *Node) saidOf(w *World, s *policy.Subject) string {
	return w.Bundle.DecideStore(s, &w.Node, n.now()).From()
}

// Downgrade takes what two persons signed, makes this node's act of it, and
// commits act and newer version together. It returns after the synced commit.
func (n *Node) Downgrade(ctx context.Context, q dashboard.DowngradeConsent) (dashboard.Downgraded, error) {
	w, now := n.world.Load(), n.now()
	if err := w.maySign(n.keys, now); err != nil {
		return dashboard.Downgraded{}, err
	}
	d, act, err := w.agreedDowngrade(n.keys, q.Approvals, now)
	if err != nil {
		return dashboard.Downgraded{}, err
	}
	a, err := n.signAgain(w, q.Objects, now)
	if err != nil {
		return dashboard.Downgraded{}, err
	}
	if first := a.verified.Items()[0].Object; first.ID() != d.Object && len(a.verified.Items()) == 1 {
		return n.commitTearLine(ctx, w, d, act, a)
	}
	l, err := n.lowering(ctx, w, a)
	if err != nil {
		return dashboard.Downgraded{}, err
	}
	if got := a.verified.Items()[l.item].Digest; got != d.New.Digest || l.old.digest != digest(d.Old.Digest) || !slices.Equal(l.below, d.Axes) {
		return dashboard.Downgraded{}, federation.Refuse(federation.Stale, d.Object, "what the persons signed is about other versions than these: request it anew")
	}
	back := takenBack{}
	g := envelope.Gone{Digest: d.Old.Digest, Reason: envelope.GoneLowered, Act: string(act)}
	if err := back.sign(w, n.keys, []envelope.Gone{g}, now, ""); err != nil {
		return dashboard.Downgraded{}, err
	}
	if err := n.commitLowered(ctx, w, back[g], a, now); err != nil {
		return dashboard.Downgraded{}, err
	}
	return dashboard.Downgraded{ID: d.ID, Object: d.Object, Version: d.New.Version, From: d.From, To: d.To, Axes: d.Axes, By: d.By, Because: d.Reason, At: now}, nil
}

// agreedDowngrade verifies that two approvers signed one text about an object of
// this node, and makes the act.
func (w *World) agreedDowngrade(k *Keys, approvals []string, now time.Time) (*directory.Downgrade, []byte, error) {
	raws := make([][]byte, len(approvals))
	for i, raw := range approvals {
		raws[i] = []byte(raw)
	}
	text, _, err := w.Approvers.Verify(directory.TypDowngradeConsent, w.Node.ID, 2, now, raws...)
	if err != nil {
		return nil, nil, err
	}
	keys := make([]string, len(raws))
	for i, raw := range raws {
		one, err := w.Approvers.Open(directory.TypDowngradeConsent, w.Node.ID, raw, now)
		if err != nil {
			return nil, nil, err
		}
		keys[i] = w.Approvers.PublicOf(one.By)
	}
	act, err := directory.NewDowngrade(text, raws, keys, now, k.Terms)
	if err != nil {
		return nil, nil, err
	}
	d, err := directory.ParseDowngrade(act, w.Directory, now) // as every receiver will
	if err == nil && d.Issuer != w.Node.ID {
		err = federation.Refuse(federation.NotOwner, directory.TypDowngrade, "the persons signed for "+d.Issuer)
	}
	return d, act, err
}

// signAgain signs the objects of a request. Salts come from the secret, so their
// digests are those that the persons signed.
func (n *Node) signAgain(w *World, objects []json.RawMessage, now time.Time) (*arrival, error) {
	var objs []*stix.Object
	for _, raw := range objects {
		o, err := stix.Parse(raw)
		if err != nil {
			return nil, err
		}
		objs = append(objs, o)
	}
	msgs, err := envelope.Issue(objs, envelope.IssueOptions{Issuer: n.id, Key: n.keys.Message, Now: now, Secret: n.keys.Secret, Decoys: w.decoys,
		NewID: func() string { return uuid.Must(uuid.NewV7()).String() }})
	if err != nil {
		return nil, err
	}
	if len(msgs) != 1 {
		return nil, federation.Refuse(federation.TooLarge, "downgrade", fmt.Sprintf("the objects make %d messages, not one", len(msgs)))
	}
	a := &arrival{verified: msgs[0]}
	a.judge(w, now)
	return a, nil
}

// commitLowered stores the act and, behind it, the version that it lets pass, so
// that whoever gets both gets the act first.
func (n *Node) commitLowered(ctx context.Context, w *World, act, version *arrival, now time.Time) error {
	lesser, err := n.lessers(ctx, w, []*arrival{version}, nil, now, math.MaxInt)
	if err != nil {
		return err
	}
	res, err := n.committer.commit(ctx, sourceSelf, func(v *view) ([]*entry, error) {
		entries, err := settleFrame(v, []*arrival{act, version})
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			e.Source, e.At = sourceSelf, now
			for _, it := range e.Items {
				if it.Outcome != taken {
					return nil, federation.Refuse(it.Reason, it.ID, it.Text)
				}
			}
		}
		more, err := lesserEntries(v, lesser, entries, now)
		return append(entries, more...), err
	})
	if err != nil {
		return err
	}
	return n.awaitIndex(ctx, res.seqs[len(res.seqs)-1], 0)
}

// Downgrades lists the acts in the log, this node's and others', the oldest first.
func (n *Node) Downgrades(ctx context.Context) ([]dashboard.Downgraded, error) {
	if err := n.caughtUp(ctx); err != nil {
		return nil, err
	}
	all, err := n.index.Withdrawals(ctx, 0, 0)
	if err != nil {
		return nil, err
	}
	out := []dashboard.Downgraded{}
	for _, x := range all {
		if x.Reason != envelope.GoneLowered {
			continue
		}
		one, err := n.downgraded(ctx, x)
		if err != nil {
			return nil, err
		}
		out = append(out, one)
	}
	lines, err := n.tearLines(ctx)
	out = append(out, lines...)
	slices.SortStableFunc(out, func(a, b dashboard.Downgraded) int { return a.At.Compare(b.At) })
	return out, err
}

// downgraded shows one act. Of one that can no longer be read only what the index
// knows is left.
func (n *Node) downgraded(ctx context.Context, x store.Withdrawal) (dashboard.Downgraded, error) {
	out := dashboard.Downgraded{Issuer: x.Issuer, At: x.At, Old: base64.RawURLEncoding.EncodeToString(x.Digest[:])}
	v := newView(n.index)
	v.read = func(seq uint64) (*envelope.Verified, error) { return n.message(ctx, seq) }
	act, err := v.actOn(n.world.Load().Directory, x.Issuer, x.Digest)
	if err != nil || act == nil {
		return out, err
	}
	out.ID, out.Object, out.Version, out.From, out.To = act.ID, act.Object, act.New.Version, act.From, act.To
	out.Axes, out.By, out.Because = act.Axes, act.By, act.Reason
	here := n.index.Seen(x.Issuer, [][32]byte{act.New.Digest})
	out.Here = here[0]
	if x.By != "" && x.By != x.Issuer {
		out.Sent = x.By
	}
	return out, nil
}
