package scheme

import (
	"slices"
	"time"

	"github.com/entente-relay/entente/mapping"
)

// question is a cache key: everything an answer depends on. The domain is
// finite, because only known names and periods are kept.
type question struct {
	from         int    // index of the origin's scheme
	rank         int    // its rung
	to           string // the name asked for
	created, now int    // periods
}

// used is one row that an answer rests on.
type used struct {
	rel  *relation
	cell *cell
}

// result is what a set of rows says about one rung. The zero value says that
// no row that counts relates the two schemes.
type result struct {
	found   bool
	kind    mapping.OutcomeKind
	rank    int       // of the target, when Mapped
	law     string    // the law that decided
	rows    []used    // what it rests on
	pivot   *ladder   // the pivot, when one was used
	via     int       // rank in the pivot
	ignored []string  // names of rows and schemes that would have answered but do not count
	ended   bool      // a table related the two when the marking was made, none does now
	stated  bool      // a row states a higher level than the like one
	since   time.Time // law A10: the change after the marking was made whose tables protect more than those of now
}

// Map returns what level l is in the scheme, country or body named by to, at
// the time now. It starts from the origin's level as written, never from what
// a hop made of it (law A4). A table between the two schemes comes first; if
// there is none, a table of the EU or of NATO in which both have a row. The
// table in force when the marking was made, the one in force now and every one
// between them are asked, and the most protective answer counts: an update can
// raise at once, and never lowers what was marked before (law A10). What has no
// equivalent is refused (law A7), what the table leaves to people is held (law
// A14). A mapped outcome is no permission to send (law A15).
func (t *Tables) Map(l mapping.Level, to string, now time.Time) mapping.Outcome {
	from, ok := t.byID[l.Scheme]
	if !ok {
		return refuse(l, mapping.UnknownScheme, "A8", "The scheme "+quote(l.Scheme)+" is not loaded.")
	}
	if l.Rank < 1 || l.Rank > len(from.Rungs) || from.rung(l.Rank).Code != l.Code {
		return refuse(l, mapping.UnknownLabel, "A8", from.ID+" has no level "+quote(l.Code)+" at the place stated.")
	}
	q := question{from.index, l.Rank, to, t.epoch(l.Created), t.epoch(now)}
	t.mu.RLock()
	o, ok := t.cache[q]
	t.mu.RUnlock()
	if !ok {
		targets := t.named(to)
		if len(targets) == 0 {
			return refuse(l, mapping.UnknownScheme, "A8", "No loaded scheme, country or body is named "+quote(to)+".")
		}
		o = t.outcome(from, l.Rank, targets, to, t.start(q.created), t.start(q.now), t.start(q.now))
		t.mu.Lock()
		t.cache[q] = o
		t.mu.Unlock()
	}
	o.From = l
	return o
}

// outcome answers for the one of several target schemes that has an answer,
// among those in force at asOf. Back in the origin's own country the origin's
// label stands, even one of a scheme that has ended (law A6).
func (t *Tables) outcome(from *ladder, rank int, targets []*ladder, name string, created, now, asOf time.Time) mapping.Outcome {
	if slices.Contains(targets, from) {
		return t.same(from, rank)
	}
	var best mapping.Outcome
	live, open := 0, 0
	for _, l := range targets {
		if !l.inForce(asOf) {
			continue
		}
		o := t.into(from, rank, l, created, now, asOf)
		if o.Kind != mapping.Refused {
			open++
		}
		if live == 0 || saysMore(o, best) {
			best = o
		}
		live++
	}
	switch {
	case live == 0:
		return refuse(mapping.Level{}, mapping.NotInForce, "A10", notInForce(name, targets))
	case open > 1:
		return refuse(mapping.Level{}, mapping.Ambiguous, "A9", name+" has several schemes with an answer ("+idsOf(targets)+"); name the scheme.")
	}
	return best
}

// saysMore orders answers of several schemes of one country: one that is not
// refused, one that rests on a row, one that could be accepted, any other.
func saysMore(a, b mapping.Outcome) bool {
	weight := func(o mapping.Outcome) int {
		switch {
		case o.Kind != mapping.Refused:
			return 3
		case len(o.Rows) > 0:
			return 2
		case o.Cause == mapping.Unverified:
			return 1
		}
		return 0
	}
	return weight(a) > weight(b)
}

// into answers for one target scheme.
func (t *Tables) into(from *ladder, rank int, to *ladder, created, now, asOf time.Time) mapping.Outcome {
	if from == to {
		return t.same(from, rank)
	}
	if from.Axis != to.Axis {
		return refuse(mapping.Level{}, mapping.DifferentAxis, "A3",
			from.ID+" states "+string(from.Axis)+" and "+to.ID+" states "+string(to.Axis)+"; neither pays for the other.")
	}
	r := t.both(from, rank, to, created, now)
	if r.found && r.kind == mapping.Mapped {
		if g := to.rung(r.rank); !during(asOf, g.From, g.Until) {
			return refuse(mapping.Level{}, mapping.NotInForce, "A10", g.Label+" of "+to.ID+" is valid "+span(g.From, g.Until)+" only.")
		}
	}
	return t.explain(from, rank, to, r)
}

// both asks the tables of now, those of then, and those in force between: an
// update may raise a level at once, and only the originator lowers it again
// (law A10). What is not in force any more does not help; what was stricter
// still counts.
func (t *Tables) both(from *ladder, rank int, to *ladder, created, now time.Time) result {
	r := t.at(from, rank, to, now)
	if created.Equal(now) {
		return r
	}
	first, last := created, now
	if now.Before(created) {
		first, last = now, created // a marking dated in the future
	}
	ended, best := false, r
	ask := func(when, since time.Time) {
		then := t.at(from, rank, to, when)
		ended = ended || then.found
		if then.found && r.found && protects(then, best) {
			then.law, then.since = "A10", since
			best = then
		}
	}
	ask(created, time.Time{})
	for _, change := range t.changes {
		if change.After(first) && change.Before(last) {
			ask(change, change)
		}
	}
	best.ended = !r.found && ended
	return best
}

// at asks the tables in force at one moment.
func (t *Tables) at(from *ladder, rank int, to *ladder, when time.Time) result {
	r := t.read(t.rels[t.pair(from, to)], rank, when, nil)
	if r.found {
		return r
	}
	for _, p := range t.pivots {
		if p == from || p == to {
			continue
		}
		through := t.pivotAt(from, rank, p, to, when)
		if !through.found || r.found && !protects(through, r) {
			r.ignored = slices.Concat(r.ignored, through.ignored)
			continue
		}
		through.ignored = slices.Concat(r.ignored, through.ignored)
		r = through
	}
	return r
}

// pivotAt combines two rows through a pivot: both must count.
func (t *Tables) pivotAt(from *ladder, rank int, p, to *ladder, when time.Time) result {
	first := t.read(t.rels[t.pair(from, p)], rank, when, p)
	if !first.found || first.kind != mapping.Mapped {
		if first.found && !t.related(p, to, when) {
			return result{ignored: first.ignored}
		}
		return first
	}
	second := t.read(t.rels[t.pair(p, to)], first.rank, when, p)
	second.ignored = slices.Concat(first.ignored, second.ignored)
	if !second.found {
		return second
	}
	second.rows = slices.Concat(first.rows, second.rows)
	second.pivot, second.via = p, first.rank
	second.stated = second.stated || first.stated
	if first.law != "A1" && second.law == "A1" {
		second.law = first.law
	}
	return second
}

// related reports whether a table with this pivot that counts covers the
// target.
func (t *Tables) related(p, to *ladder, when time.Time) bool {
	for _, r := range t.rels[t.pair(p, to)] {
		if r.pivot != p || !r.inForce(when) || !t.counts(to) {
			continue
		}
		for _, k := range r.cells {
			if t.cellCounts(r, k) {
				return true
			}
		}
	}
	return false
}

// read asks the relations of one direction about one rung and keeps the most
// protective answer. With a pivot only tables made for it are asked.
func (t *Tables) read(rels []*relation, rank int, when time.Time, pivot *ladder) result {
	var best result
	for _, rel := range rels {
		if !rel.inForce(when) || pivot != nil && rel.pivot != pivot {
			continue
		}
		r := t.cellResult(rel, rank)
		r.ignored = slices.Concat(best.ignored, r.ignored)
		if r.found && (!best.found || protects(r, best)) {
			best = r
			continue
		}
		best.ignored = r.ignored
	}
	return best
}

// cellResult is what one table says about one rung. A rung without a row has
// no equivalent: tables name every level, and leave out only handling words.
func (t *Tables) cellResult(rel *relation, rank int) result {
	k := rel.cells[rank]
	var ignored []string
	for _, l := range []*ladder{rel.from, rel.to} {
		if !t.counts(l) {
			ignored = append(ignored, l.ID)
		}
	}
	if k == nil {
		if len(ignored) > 0 {
			return result{ignored: ignored}
		}
		return result{found: true, kind: mapping.Refused, law: "A7", rows: []used{{rel, &cell{name: rel.name, where: rel.where, verified: true}}}}
	}
	if !t.cellCounts(rel, k) {
		ignored = append(ignored, k.name)
	}
	if len(ignored) > 0 {
		return result{ignored: ignored}
	}
	r := result{found: true, rows: []used{{rel, k}}, stated: k.roundUp}
	switch {
	case len(k.to) == 0:
		r.kind, r.law = mapping.Refused, "A7"
	case k.person != "":
		r.kind, r.law = mapping.Hold, "A14"
	default:
		r.kind, r.law, r.rank = mapping.Mapped, "A1", k.to[0]
		for _, rank := range k.to {
			r.rank = max(r.rank, rank)
		}
		switch {
		case k.disputed > r.rank:
			r.law, r.rank = "A10", k.disputed
		case len(k.to) > 1:
			r.law = "A14"
		case k.roundUp:
			r.law = "A7"
		}
	}
	return r
}

// protects reports whether a protects more than b; both are found and answer
// for one target.
func protects(a, b result) bool {
	if a.kind != b.kind {
		return a.kind < b.kind
	}
	return a.kind == mapping.Mapped && a.rank > b.rank
}
