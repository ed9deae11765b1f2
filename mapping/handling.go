package mapping

import "time"

// Handling is what all markings of one object mean together: the effective
// label. The zero value states nothing; it is the identity of [Join], and it
// is not shareable, because its TLP is TLPUnmarked. Slices are read-only.
//
// The set of origins is that of its levels. Consents are no part of it: they are
// given for a level and a recipient, in the agreement, and each level asks for
// its own, so that a join goes only where every origin lets it.
type Handling struct {
	TLP         TLP  // audience
	TLPVersion1 bool // some TLP was stated in version 1.0: its AMBER may have meant one organisation (trap T3)
	PAP         PAP  // use

	Levels       []Level  // one per origin and period, sorted; never merged across origins
	Compartments []string // code words and special regimes (ATOMAL); sender and receiver must be read into each
	Caveats      []string // other caveats as written, upper case; carried and shown

	Releasable Set // countries or organisations it may go to
	Residency  Set // countries it may be held and processed in
	Purposes   Set // purposes it may be used for

	NotBefore  time.Time // not in use before; zero is no limit
	NotAfter   time.Time // not in use from then on; zero is no limit
	RetainDays int       // to be deleted after so many days; 0 is no limit

	Contracts    []string // contracts whose terms bind, all of them
	PersonalData bool     // the origin says it holds personal data
	Statements   []string // free-text statement markings: carried and shown, not enforceable by machine
}

// Join returns the handling of two things taken together: per origin the most
// protected level, the union of what binds, the intersection of what is
// allowed, the narrower audience and use, the shorter life
// (classification reference §4.1). It is associative, commutative and
// idempotent (law A13) and never less protective than either argument.
func Join(a, b Handling) Handling {
	return Handling{
		TLP:          max(a.TLP, b.TLP),
		TLPVersion1:  a.TLPVersion1 || b.TLPVersion1,
		PAP:          max(a.PAP, b.PAP),
		Levels:       joinLevels(a.Levels, b.Levels),
		Compartments: union(a.Compartments, b.Compartments),
		Caveats:      union(a.Caveats, b.Caveats),
		Releasable:   a.Releasable.Intersect(b.Releasable),
		Residency:    a.Residency.Intersect(b.Residency),
		Purposes:     a.Purposes.Intersect(b.Purposes),
		NotBefore:    later(a.NotBefore, b.NotBefore),
		NotAfter:     earlierLimit(a.NotAfter, b.NotAfter),
		RetainDays:   shorterLimit(a.RetainDays, b.RetainDays),
		Contracts:    union(a.Contracts, b.Contracts),
		PersonalData: a.PersonalData || b.PersonalData,
		Statements:   union(a.Statements, b.Statements),
	}
}

// AtLeast reports whether h is as protective as o on every axis; a gain on one
// never makes up for a loss on another (law A3).
func (h Handling) AtLeast(o Handling) bool {
	return h.TLP >= o.TLP &&
		(h.TLPVersion1 || !o.TLPVersion1) &&
		h.PAP >= o.PAP &&
		levelsAtLeast(h.Levels, o.Levels) &&
		containsAll(h.Compartments, o.Compartments) &&
		containsAll(h.Caveats, o.Caveats) &&
		h.Releasable.Within(o.Releasable) &&
		h.Residency.Within(o.Residency) &&
		h.Purposes.Within(o.Purposes) &&
		!h.NotBefore.Before(o.NotBefore) &&
		earlierLimit(h.NotAfter, o.NotAfter).Equal(h.NotAfter) &&
		shorterLimit(h.RetainDays, o.RetainDays) == h.RetainDays &&
		containsAll(h.Contracts, o.Contracts) &&
		(h.PersonalData || !o.PersonalData) &&
		containsAll(h.Statements, o.Statements)
}

// later returns the later of two starts.
func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// earlierLimit returns the earlier of two ends, where zero is no end.
func earlierLimit(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// shorterLimit returns the shorter of two retention periods, where 0 is none.
func shorterLimit(a, b int) int {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}
