package relay

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/entente-relay/entente/configs"
	"github.com/entente-relay/entente/federation/envelope"
	"github.com/entente-relay/entente/federation/generalise"
	"github.com/entente-relay/entente/federation/policy"
	"github.com/entente-relay/entente/federation/stix"
	"github.com/entente-relay/entente/mapping"
)

// Where an object names whom not everybody may know, this node says less in its
// place: a message of its own, made once, in the commit that stores the object,
// and judged for each peer like any other (see [reach.instead] for what more is
// asked). It is taken back when the object is.

// lesser is a message that says less in place of objects.
type lesser struct {
	made []*arrival
	of   map[string]origin // of the objects in it, by id
}

// readGeneral reads how far this node generalises.
func (w *World) readGeneral(cfg *configs.Node) error {
	c := cfg.Generalise
	w.general = generalise.Default()
	for _, x := range [...]struct {
		from int
		to   *int
	}{{c.IPv4, &w.general.IPv4}, {c.IPv6, &w.general.IPv6}, {c.Floor, &w.general.Floor}} {
		if x.from != 0 {
			*x.to = x.from
		}
	}
	var errs []error
	for _, n := range c.Never {
		p, err := netip.ParsePrefix(n)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: generalise.never: %w", cfg.Path, err))
			continue
		}
		w.general.Never = append(w.general.Never, p.Masked())
	}
	if !w.general.Valid() {
		d := generalise.Default()
		errs = append(errs, fmt.Errorf("%s: generalise: ipv4 is 8 to %d, ipv6 16 to %d, floor 3 to 1000", cfg.Path, d.IPv4, d.IPv6))
	}
	for _, t := range c.Types {
		if !slices.Contains(generalise.Types(), t) {
			errs = append(errs, fmt.Errorf("%s: generalise.types: %q is not one of %v", cfg.Path, t, generalise.Types()))
		}
	}
	w.generalOwn = c.Types
	return errors.Join(errs...)
}

// ownWord names what an object claims that a node says of its own objects only.
func ownWord(o *stix.Object) string {
	h := o.Handling()
	switch {
	case h == nil:
		return ""
	case h.Generalised != "":
		return "generalised"
	case h.Aggregate != "":
		return "an aggregate"
	}
	return ""
}

// generalises reports whether this node says less in place of anything.
func (w *World) generalises() bool {
	return len(w.generalOwn) > 0 || slices.ContainsFunc(w.Peers, func(p *Peer) bool { return len(p.Agreement.Generalise.Types) > 0 })
}

// mayGeneralise reports whether this node may say less in place of an object of
// a participant: of its own as it is configured, of others' as the terms with
// them permit, and never of what is for one organisation or classified.
func (w *World) mayGeneralise(s *policy.Subject, owner string, now time.Time) bool {
	typ := s.Object().Type()
	if s.Problem() != nil || s.Handling().TLP == mapping.TLPUnmarked || tellable(s) != nil || w.hidden(owner) {
		return false
	}
	if owner == w.Node.ID {
		return slices.Contains(w.generalOwn, typ)
	}
	p, ok := w.peer(owner)
	if !ok {
		return false
	}
	a := p.Agreement
	return !now.Before(a.NotBefore) && now.Before(a.Until) && slices.Contains(a.Generalise.Types, typ) && s.Handling().TLP <= a.Generalise.Ceiling
}

// lessOf is what says less in place of one object.
type lessOf struct {
	objects []*stix.Object
	of      origin
}

// lessers makes and signs what says less in place of the objects of messages
// that are about to be stored, at most room messages. Around are the objects that
// they are told with; nil takes those of the same message.
func (n *Node) lessers(ctx context.Context, w *World, arrivals []*arrival, around *scene, now time.Time, room int) ([]lesser, error) {
	if !w.generalises() {
		return nil, nil
	}
	var all []lessOf
	for _, a := range arrivals {
		if a.err != nil {
			continue
		}
		told := around
		if told == nil { // of another's message nothing but itself is known yet
			told = newScene(nil, []*arrival{a})
		}
		some, err := n.lessOf(ctx, w, a, told, now)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	if len(all) == 0 {
		return nil, nil
	}
	// One a message, so that nothing tells of the others, while there is room.
	var out []lesser
	for some := range slices.Chunk(all, 1+(len(all)-1)/max(room, 1)) {
		l := lesser{of: map[string]origin{}}
		var objects []*stix.Object
		for _, x := range some {
			objects = append(objects, x.objects...)
			for _, o := range x.objects {
				l.of[o.ID()] = x.of
			}
		}
		var err error
		if l.made, err = w.signLesser(n.keys, objects, now); err != nil {
			return nil, err
		}
		if len(l.made) > 0 {
			out = append(out, l)
		}
	}
	return out, nil
}

// lessOf makes what says less in place of the objects of one message.
func (n *Node) lessOf(ctx context.Context, w *World, a *arrival, around *scene, now time.Time) ([]lessOf, error) {
	owner := a.verified.Owner()
	earlier := func(id string) (*stix.Object, error) { return n.newest(ctx, w, owner, id) }
	var out []lessOf
	for i, s := range a.subjects {
		if kept, _ := verdictOf(a.decisions[i]); kept != taken || !w.mayGeneralise(s, owner, now) {
			continue
		}
		objects, err := w.lessObjects(s, around, earlier, now)
		if err != nil {
			return nil, err
		}
		if len(objects) > 0 {
			out = append(out, lessOf{objects, origin{Issuer: owner, Digest: s.Digest(), Less: true}})
		}
	}
	return out, nil
}

// lessObjects makes what says less in place of one object; none where nothing
// can be said, or not as well protected.
func (w *World) lessObjects(s *policy.Subject, around *scene, earlier finder, now time.Time) ([]*stix.Object, error) {
	with, err := w.victims(s, around, earlier)
	if err != nil {
		return nil, err
	}
	m := &generalise.Maker{Rule: w.general, Now: now, Around: with, NewID: func(typ string) string { return typ + "--" + uuid.NewString() }}
	objects, err := m.Objects(s.Object())
	if err != nil || !w.asProtected(objects, s) {
		return nil, err
	}
	return objects, nil
}

// asProtected reports whether objects are protected at least as the one in whose
// place they stand. What it says of personal data does not bind: it is about
// what it holds, and that is left out.
func (w *World) asProtected(objects []*stix.Object, of *policy.Subject) bool {
	h := of.Handling()
	h.PersonalData = false
	return !slices.ContainsFunc(objects, func(o *stix.Object) bool {
		s := w.Reader.Subject(w.Node.ID, [32]byte{}, o, nil)
		return s.Problem() != nil || !s.Handling().AtLeast(h)
	})
}

// signLesser signs objects as this node's own; none where one of them may not
// lie here.
func (w *World) signLesser(k *Keys, objects []*stix.Object, now time.Time) ([]*arrival, error) {
	msgs, err := envelope.Issue(objects, envelope.IssueOptions{Issuer: w.Node.ID, Key: k.Message, Now: now, Secret: k.Secret, Decoys: w.decoys,
		NewID: func() string { return uuid.Must(uuid.NewV7()).String() }})
	if err != nil {
		return nil, err
	}
	var out []*arrival
	for _, m := range msgs {
		a := &arrival{verified: m}
		a.judge(w, now)
		if slices.ContainsFunc(a.decisions, func(d policy.Decision) bool { kept, _ := verdictOf(d); return kept != taken }) {
			return nil, nil
		}
		out = append(out, a)
	}
	return out, nil
}

// lesserEntries makes the log entries of what says less in place of objects that
// the same commit takes, once for each. It runs in the committer.
func lesserEntries(v *view, all []lesser, with []*entry, now time.Time) ([]*entry, error) {
	if len(all) == 0 {
		return nil, nil
	}
	fresh := map[origin]bool{}
	for _, e := range with {
		for _, it := range e.Items {
			if o := (origin{Issuer: it.Issuer, Digest: it.Digest, Less: true}); it.Outcome == taken {
				_, made := v.madeOf(o, it.Issuer)
				fresh[o] = !made
			}
		}
	}
	var out []*entry
	for _, l := range all {
		stale := false
		for _, o := range l.of {
			stale = stale || !fresh[o]
		}
		if stale {
			continue
		}
		for _, a := range l.made {
			e, err := a.entry(v)
			if err != nil {
				return nil, err
			}
			if e.Kind != entryMessage || len(e.ready.items) != len(e.Items) {
				return nil, errors.New("relay: a new object was not taken")
			}
			for i := range e.Items {
				o := l.of[e.Items[i].ID]
				e.Items[i].Origin = &o
				e.ready.items[i].Origin = &o
			}
			e.Source, e.At = sourceSelf, now
			out = append(out, e)
		}
	}
	return out, nil
}

// lesser reports whether an entry says less in place of others.
func (e *entry) lesser() bool {
	return len(e.Items) > 0 && e.Items[0].Origin != nil && e.Items[0].Origin.Less
}
