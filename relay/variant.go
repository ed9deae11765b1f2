package relay

import (
	"context"
	"slices"
	"strings"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/envelope"
	"github.com/entente-relay/entente/relay/store"
)

// The same object may come by several chains, each of which took out something
// else. The first is taken. A later one is taken too, as a variant, if it shows
// what none before it did, or shows in one chain what several showed only
// together: an object of n parts can so be taken at most 2n times, whoever sends
// it. Anything else is a duplicate. A variant is a log entry like any other: one
// whole chain, judged for each peer. Chains are never merged.

// way is one message by which an object came: in the log, or about to be.
type way struct {
	store.Route
	verified *envelope.Verified // of one about to be stored,
	id       string             // the object's
}

// way describes how an object came with an entry that is about to be stored.
func (e *entry) way(it entryItem) way {
	w := way{Route: store.Route{Shown: store.Shown{Hash: it.Shown, Parts: it.Parts, Whole: it.Whole}}, id: it.ID}
	if e.ready != nil {
		w.verified = e.ready.verified
	}
	return w
}

// adds reports whether a message shows more of an object that is here already.
// The log is read only where two messages show different parts and neither
// shows all.
func (v *view) adds(it *entryItem, shown envelope.Shown) (bool, error) {
	if v.index.Whole(it.Issuer, it.Digest) {
		return false, nil
	}
	ways, err := v.ways(it.Issuer, it.Digest)
	if err != nil {
		return false, err
	}
	for _, w := range ways {
		if w.Whole || w.Hash == it.Shown {
			return false, nil
		}
	}
	if shown.Whole {
		return true, nil
	}
	held := make([]envelope.Shown, len(ways))
	for i, w := range ways {
		if held[i], err = v.shown(w, it.Digest); err != nil {
			return false, err
		}
	}
	return showsMore(shown, held), nil
}

// showsMore reports whether what arrived is to be taken beside what is held.
func showsMore(arrived envelope.Shown, held []envelope.Shown) bool {
	var together envelope.Shown
	for _, h := range held {
		if arrived.Within(h) {
			return false
		}
		together = together.With(h)
	}
	return !arrived.Within(together) || together.Within(arrived)
}

// ways returns how an object came, in the log and in the batch.
func (v *view) ways(issuer string, d digest) ([]way, error) {
	stored, err := v.index.Routes(context.Background(), issuer, d)
	if err != nil {
		return nil, err
	}
	var out []way
	for _, r := range stored {
		out = append(out, way{Route: r})
	}
	return append(out, v.digests[objectKey{issuer, d}]...), nil
}

// shown returns what one message shows of an object, nothing when the message
// is no longer kept.
func (v *view) shown(w way, d digest) (envelope.Shown, error) {
	m, err := v.message(w)
	if err != nil || m == nil {
		return envelope.Shown{}, err
	}
	return shownOf(m, d), nil
}

// message returns the message behind a way, nil when it is no longer kept.
func (v *view) message(w way) (*envelope.Verified, error) {
	if w.LogSeq == 0 {
		return w.verified, nil
	}
	m, ok := v.fetched[w.LogSeq]
	if !ok {
		var err error
		if m, err = v.read(w.LogSeq); err != nil {
			return nil, err
		}
		v.fetched[w.LogSeq] = m
	}
	return m, nil
}

// holding returns the first message that is still kept by which an object came.
func (v *view) holding(issuer string, d digest) (*envelope.Verified, error) {
	ways, err := v.ways(issuer, d)
	if err != nil {
		return nil, err
	}
	for _, w := range ways {
		if m, err := v.message(w); err != nil || m != nil {
			return m, err
		}
	}
	return nil, nil
}

// named returns the id and the type of an object that is here, "" if it is not.
func (v *view) named(issuer string, d digest) (id, typ string, err error) {
	for _, w := range v.digests[objectKey{issuer, d}] {
		id = w.id
	}
	if id == "" {
		if id, _, _, err = v.index.Named(context.Background(), issuer, d); err != nil {
			return "", "", err
		}
	}
	typ, _, _ = strings.Cut(id, "--")
	return id, typ, nil
}

// shownOf returns what a message shows of the object with a digest.
func shownOf(m *envelope.Verified, d digest) envelope.Shown {
	i := itemOf(m, d)
	if i < 0 {
		return envelope.Shown{}
	}
	return m.Shown(i)
}

func itemOf(m *envelope.Verified, d digest) int {
	return slices.IndexFunc(m.Items(), func(it envelope.Item) bool { return it.Digest == d })
}

// message returns the message in the log at seq, nil when there is none or it
// no longer verifies.
func (n *Node) message(ctx context.Context, seq uint64) (*envelope.Verified, error) {
	log := logReader{node: n, world: n.world.Load()}
	p, err := log.at(ctx, seq)
	if err != nil || p == nil || p.seq != seq {
		return nil, err
	}
	return p.verified, nil
}

// variants reports whether any object of the entry was here before.
func (p *prepared) variants() bool {
	return slices.ContainsFunc(p.items, func(it entryItem) bool { return it.Variant })
}

// withoutSpare leaves variants out of a cleared message that add nothing for
// the peer.
func (x *exporter) withoutSpare(ctx context.Context, d *draft, p *prepared, j *judged, c *envelope.Cleared) (*envelope.Cleared, error) {
	spare, err := x.spare(ctx, d, p, c)
	if err != nil {
		return nil, err
	}
	some := false
	for i, s := range j.subjects {
		if spare[s.Digest()] {
			// Not related anew: what refers to it may go, the peer has it.
			j.decisions[i] = d.world.Bundle.Withhold(s, d.recipient, federation.Withhold, federation.Duplicate, "the peer has all of this", d.now)
			some = true
		}
	}
	if !some {
		return c, nil
	}
	return envelope.Redact(p.verified, j.decisions)
}

// spare finds the variants in a cleared message of which the peer is known to
// have all that it would be shown: it passed that on itself, or was sent it
// before. What is not known is sent once more, and is a duplicate there: what
// went to the peer redacted (the journal tells that something was taken out,
// not what the rest was), and what has just left and is not yet indexed.
func (x *exporter) spare(ctx context.Context, d *draft, p *prepared, c *envelope.Cleared) (map[digest]bool, error) {
	known := map[digest]bool{}
	useful := false
	for i, it := range c.Items() {
		at := slices.IndexFunc(p.items, func(e entryItem) bool { return e.Digest == it.Digest })
		item := p.items[at]
		has := item.Outcome == duplicate // a marking-definition: kept for the others' sake
		if item.Variant {
			var err error
			if has, err = x.hasAll(ctx, d, p, item, c.Shown(i)); err != nil {
				return nil, err
			}
		}
		known[item.Digest] = has
		useful = useful || !has
	}
	if useful {
		for _, item := range p.items {
			known[item.Digest] = known[item.Digest] && item.Variant
		}
	}
	return known, nil
}

// hasAll reports whether a peer is known to have all that would be shown of a
// variant.
func (x *exporter) hasAll(ctx context.Context, d *draft, p *prepared, item entryItem, shown envelope.Shown) (bool, error) {
	n := x.node
	ways, err := n.index.Routes(ctx, item.Issuer, item.Digest)
	if err != nil {
		return false, err
	}
	sent, err := n.index.Recipients(ctx, item.Issuer, item.Digest)
	if err != nil {
		return false, err
	}
	earlier := logReader{node: n, world: d.world}
	for _, w := range ways {
		if w.LogSeq >= p.seq {
			break
		}
		before, err := earlier.at(ctx, w.LogSeq)
		if err != nil {
			return false, err
		}
		if before == nil || before.seq != w.LogSeq || before.verified == nil {
			continue
		}
		i := itemOf(before.verified, item.Digest)
		if i < 0 {
			continue
		}
		if had := before.verified.HadBy(d.peer, i); len(had.Digests) > 0 && shown.Within(had) {
			return true, nil
		}
		whole := slices.ContainsFunc(sent, func(r store.Recipient) bool {
			return r.Peer == d.peer && r.LogSeq == w.LogSeq && r.Verdict == federation.Share && (!r.Replaced || r.Acknowledged)
		})
		if (whole && shown.Within(before.verified.Shown(i))) || shown.Within(d.shows(w.LogSeq, item.Digest)) {
			return true, nil
		}
	}
	return false, nil
}

// shows returns what the frame in the making shows of an object from an
// earlier entry.
func (d *draft) shows(seq uint64, object digest) envelope.Shown {
	for _, j := range d.verdicts {
		if j.seq != seq || j.message < 0 {
			continue
		}
		c := d.cleared[j.message]
		if i := slices.IndexFunc(c.Items(), func(it envelope.Item) bool { return it.Digest == object }); i >= 0 {
			return c.Shown(i)
		}
	}
	return envelope.Shown{}
}
