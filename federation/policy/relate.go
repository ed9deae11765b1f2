package policy

import (
	"slices"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/stix"
)

// Relate closes the decisions on one message for one peer, by itself: of what
// the message mentions and does not hold it takes nothing to be here. See
// [Closure.Relate].
func Relate(ds []Decision) []Decision { return NewClosure(nil).Relate(ds) }

// Relate closes the decisions on one message for one peer. It takes all of
// them and returns as many, in the same order:
//
//   - a mention of an object that the peer may not get is removed, wherever in
//     the object the id stands; where it cannot be (a relationship's end, the
//     last element of a required list, a part of a derived id), the object is
//     withheld, and so on until nothing changes;
//   - the same is done with a mention of an object that is not in the message
//     and goes to the peer neither, and with one that is not here at all by an
//     id that may have been computed from its values: nobody here can judge
//     it, so what needs it is held. A random id of something unknown stays: it
//     says that something exists, and the peer's own node says no more of it;
//   - a marking- or extension-definition without markings of its own goes
//     exactly when something that uses it goes. [Bundle.Decide] alone always
//     withholds it.
func (c *Closure) Relate(ds []Decision) []Decision {
	out := slices.Clone(ds)
	for i := range out {
		out[i].gone = slices.Clone(out[i].gone)
		out[i].extra = slices.Clone(out[i].extra)
	}
	if slices.ContainsFunc(out, func(d Decision) bool { return d.Valid() && len(d.subject.mentions) > 0 }) {
		c.close(out)
	}
	for i := range out {
		out[i].own = out[i].own || c.own
	}
	follow(out)
	return out
}

// close removes mentions until nothing changes.
func (c *Closure) close(out []Decision) {
	here := make(map[string]bool, len(out))
	for i := range out {
		if out[i].Valid() {
			here[out[i].subject.object.ID()] = true
		}
	}
	missing := map[string]bool{}
	why := func(d *Decision, id string) *Cited {
		switch {
		case missing[id]:
			return unresolved(d.peer)
		case here[id]:
			return nil
		}
		return c.outside(d, id)
	}
	for changed := true; changed; {
		changed = false
		withheldIDs(out, missing)
		for i := range out {
			if out[i].Valid() && out[i].goes() && out[i].cut(why) {
				changed = true
			}
		}
	}
}

// withheldIDs lists the ids of objects that do not go in any version. A
// definition that only waits for what uses it is not among them.
func withheldIDs(ds []Decision, missing map[string]bool) {
	clear(missing)
	for i := range ds {
		if d := &ds[i]; d.Valid() && !d.goes() && !d.waiting() {
			missing[d.subject.object.ID()] = true
		}
	}
	for i := range ds {
		if d := &ds[i]; d.Valid() && d.goes() {
			delete(missing, d.subject.object.ID())
		}
	}
}

// cut removes what mentions objects that do not go, as why says, and reports
// whether it changed anything.
func (d *Decision) cut(why func(d *Decision, id string) *Cited) bool {
	s := d.subject
	if len(s.mentions) == 0 {
		return false
	}
	var cited []*Cited // by unit, once something goes
	if len(d.gone) > 0 {
		cited = make([]*Cited, len(s.units))
		for _, g := range d.gone {
			cited[g.unit] = &g.cited
		}
	}
	hit := false
	for _, m := range s.mentions {
		if cited != nil && s.removed(m.unit, cited) {
			continue
		}
		no := why(d, m.target)
		if no == nil {
			continue
		}
		if hit = true; cited == nil {
			cited = make([]*Cited, len(s.units))
		}
		if c := &s.classes[s.classOf[m.unit]]; c.pinned || c.derives {
			d.withhold(*no)
			return true
		}
		cited[m.unit] = no
		if !slices.Contains(d.extra, *no) {
			d.extra = append(d.extra, *no)
		}
	}
	if hit {
		d.verdict = federation.Redact
		d.collect(cited)
	}
	return hit
}

// removed reports whether a unit or one that holds it is marked as removed.
func (s *Subject) removed(i int, cited []*Cited) bool {
	for ; i >= 0; i = s.units[i].Parent {
		if cited[i] != nil {
			return true
		}
	}
	return false
}

// unresolved cites the closing of a message.
func unresolved(peer string) *Cited {
	return &Cited{
		Reason: federation.UnresolvedReference, Rule: "closed-message", Kind: "custom", Class: ClassPolicy,
		Basis: "a reference names what it refers to",
		Text:  "Rule closed-message: it refers to an object of the same message that does not go to " + peer + ".",
	}
}

// waits withholds a definition until [Relate] finds what uses it.
func (d *Decision) waits() {
	d.verdict = federation.Withhold
	d.gone = nil
	d.extra = []Cited{{
		Reason: federation.Unmarked, Rule: followRule, Kind: "custom", Class: ClassPolicy,
		Basis: "a definition without markings of its own goes with what it marks",
		Text:  "Rule definition-follows: nothing that uses this definition goes to " + d.peer + ".",
	}}
}

// followRule is the rule named for a definition that nothing uses.
const followRule = "definition-follows"

// waiting reports whether nothing but the want of a user keeps a definition.
func (d *Decision) waiting() bool {
	return d.subject.follows && len(d.extra) == 1 && d.extra[0].Rule == followRule
}

// follow lets definitions go with what uses them.
func follow(ds []Decision) {
	for i := range ds {
		d := &ds[i]
		if !d.Valid() || !d.waiting() {
			continue
		}
		for j := range ds {
			if u := &ds[j]; u.Valid() && !u.subject.follows && u.goes() && uses(u.subject.object, d.subject.object.ID()) {
				d.verdict, d.extra = d.outcome.verdict, nil
				break
			}
		}
	}
}

// uses reports whether an object names a definition among its markings or
// extensions.
func uses(o *stix.Object, id string) bool {
	if slices.Contains(o.MarkingRefs(), id) {
		return true
	}
	for _, g := range o.Granular() {
		if g.MarkingRef == id {
			return true
		}
	}
	_, ok := o.Get("extensions." + id)
	return ok
}
