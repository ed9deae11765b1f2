package mapping

import (
	"slices"
	"strings"
)

// Set is an allow-set: who or what is allowed. The zero value restricts
// nothing; a restricted set with no members allows nobody. Members are
// compared as written: groups such as "EU" are expanded by the caller, before
// the set is made. A Set is immutable.
type Set struct {
	members    []string // sorted, unique
	restricted bool
}

// SetOf returns the set that allows exactly the named members; SetOf() allows
// nobody.
func SetOf(members ...string) Set {
	return Set{members: sortedUnique(members), restricted: true}
}

// Restricted reports whether the set limits anything at all.
func (s Set) Restricted() bool { return s.restricted }

// Has reports whether name is allowed.
func (s Set) Has(name string) bool {
	if !s.restricted {
		return true
	}
	_, ok := slices.BinarySearch(s.members, name)
	return ok
}

// Members returns the allowed names, sorted; nil when nothing is restricted or
// nobody is allowed. The caller may keep and change the result.
func (s Set) Members() []string { return slices.Clone(s.members) }

// Intersect returns the set of what both allow.
func (s Set) Intersect(o Set) Set {
	switch {
	case !s.restricted:
		return o
	case !o.restricted:
		return s
	case slices.Equal(s.members, o.members):
		return s
	}
	var both []string
	for _, m := range s.members {
		if o.Has(m) {
			both = append(both, m)
		}
	}
	return Set{members: both, restricted: true}
}

// Within reports whether everything s allows is allowed by o.
func (s Set) Within(o Set) bool {
	if !o.restricted {
		return true
	}
	if !s.restricted {
		return false
	}
	for _, m := range s.members {
		if !o.Has(m) {
			return false
		}
	}
	return true
}

// String returns "any", "nobody", or the members separated by blanks.
func (s Set) String() string {
	switch {
	case !s.restricted:
		return "any"
	case len(s.members) == 0:
		return "nobody"
	}
	return strings.Join(s.members, " ")
}

// sortedUnique returns a sorted copy of in without repeats, nil if empty.
func sortedUnique(in []string) []string {
	if len(in) == 0 {
		return nil
	}
	out := slices.Clone(in)
	slices.Sort(out)
	return slices.Clip(slices.Compact(out))
}

// union returns the sorted union of two lists. It returns an argument itself
// when the other adds nothing.
func union(a, b []string) []string {
	switch {
	case len(b) == 0 && strictlySorted(a):
		return a
	case len(a) == 0 && strictlySorted(b):
		return b
	case slices.Equal(a, b) && strictlySorted(a):
		return a
	}
	return sortedUnique(slices.Concat(a, b))
}

// strictlySorted reports whether s is sorted without repeats.
func strictlySorted(s []string) bool {
	for i := 1; i < len(s); i++ {
		if s[i-1] >= s[i] {
			return false
		}
	}
	return true
}

// containsAll reports whether every one of want is in have.
func containsAll(have, want []string) bool {
	for _, w := range want {
		if !slices.Contains(have, w) {
			return false
		}
	}
	return true
}
