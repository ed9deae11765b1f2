package mapping

import (
	"cmp"
	"slices"
	"time"
)

// Level is one originator's classification: a rung of the ladder of its own
// scheme, and the words it was written in. Levels of two schemes are not
// comparable; only a named equivalence table relates them.
type Level struct {
	Scheme  string // scheme id, such as "de-vs"
	Country string // ISO 3166-1 alpha-2, "EU", or "" for an organisation such as NATO
	Code    string // the scheme's code of the rung, such as "VS-NfD"
	Label   string // the origin's words, verbatim
	Rank    int    // place on the scheme's ladder, 1 is the least protected

	// Created is the first moment of the period of the loaded tables in which
	// the marking was made; zero is before the first dated change. Markings
	// that the same tables govern therefore compare equal, whatever second
	// they were made in. It is what law A10 needs to know of a date.
	Created time.Time
}

// compareLevels orders levels by origin, then period, then protection. The
// code and label come last so that the order is total and joins do not depend
// on the order of their arguments.
func compareLevels(a, b Level) int {
	return cmp.Or(
		sameOrigin(a, b),
		cmp.Compare(a.Rank, b.Rank),
		cmp.Compare(a.Code, b.Code),
		cmp.Compare(a.Label, b.Label),
	)
}

// sameOrigin compares what must be equal for two levels to be on one ladder
// under the same tables; 0 means they are.
func sameOrigin(a, b Level) int {
	return cmp.Or(
		cmp.Compare(a.Country, b.Country),
		cmp.Compare(a.Scheme, b.Scheme),
		a.Created.Compare(b.Created),
	)
}

// joinLevels keeps, per origin and period, the most protected level. Both
// arguments may be in any order; the result is sorted. It never merges
// levels of two origins.
func joinLevels(a, b []Level) []Level {
	switch {
	case len(b) == 0 && canonicalLevels(a):
		return a
	case len(a) == 0 && canonicalLevels(b):
		return b
	}
	all := slices.Concat(a, b)
	slices.SortFunc(all, compareLevels)
	out := all[:0]
	for i, l := range all {
		if i+1 < len(all) && sameOrigin(l, all[i+1]) == 0 {
			continue // a more protected one of the same origin follows
		}
		out = append(out, l)
	}
	return slices.Clip(out)
}

// canonicalLevels reports whether s is sorted with one level per origin.
func canonicalLevels(s []Level) bool {
	for i := 1; i < len(s); i++ {
		if sameOrigin(s[i-1], s[i]) >= 0 {
			return false
		}
	}
	return true
}

// levelsAtLeast reports whether every level of o has, in h, one of the same
// origin and period that is as protected.
func levelsAtLeast(h, o []Level) bool {
	for _, want := range o {
		if !slices.ContainsFunc(h, func(l Level) bool { return sameOrigin(l, want) == 0 && l.Rank >= want.Rank }) {
			return false
		}
	}
	return true
}
