package policy

import (
	"slices"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/stix"
)

// Relate closes the decisions on one message for one peer. It takes all of
// them and returns as many, in the same order:
//
//   - a reference to an object of the message that the peer does not get is
//     removed; where it cannot be (a relationship's end, the last element of a
//     required list, a part of a derived id), the object is withheld, and so on
//     until nothing changes;
//   - a marking- or extension-definition without markings of its own goes
//     exactly when something that uses it goes. [Bundle.Decide] alone always
//     withholds it.
//
// References to objects outside the message stay: their ids say nothing about
// what the peer was denied, and an id computed from a person's address is
// personal data to Decide already.
func Relate(ds []Decision) []Decision {
	out := slices.Clone(ds)
	for i := range out {
		out[i].gone = slices.Clone(out[i].gone)
		out[i].extra = slices.Clone(out[i].extra)
	}
	for changed := true; changed; {
		changed = false
		missing := withheldIDs(out)
		for i := range out {
			if out[i].Valid() && out[i].goes() && out[i].cut(missing) {
				changed = true
			}
		}
	}
	follow(out)
	return out
}

// withheldIDs lists the ids of objects that do not go in any version.
func withheldIDs(ds []Decision) map[string]bool {
	missing := map[string]bool{}
	for _, d := range ds {
		if d.Valid() && !d.goes() && !d.subject.follows {
			missing[d.subject.object.ID()] = true
		}
	}
	for _, d := range ds {
		if d.Valid() && d.goes() {
			delete(missing, d.subject.object.ID())
		}
	}
	return missing
}

// cut removes references to missing objects and reports whether it changed
// anything.
func (d *Decision) cut(missing map[string]bool) bool {
	if len(missing) == 0 {
		return false
	}
	s := d.subject
	cited := make([]*Cited, len(s.units))
	for _, g := range d.gone {
		cited[g.unit] = &g.cited
	}
	why := unresolved(d.peer)
	hit := false
	for _, ref := range s.object.Refs() {
		if !missing[ref.Target] {
			continue
		}
		i := s.holder(ref.Path)
		if i < 0 || s.removed(i, cited) {
			continue
		}
		hit = true
		if c := &s.classes[s.classOf[i]]; c.pinned || c.derives {
			d.withhold(why)
			return true
		}
		cited[i] = &why
	}
	if hit {
		d.verdict = federation.Redact
		if !slices.Contains(d.extra, why) {
			d.extra = append(d.extra, why)
		}
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
func unresolved(peer string) Cited {
	return Cited{
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
