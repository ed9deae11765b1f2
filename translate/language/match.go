package language

import (
	"cmp"
	"slices"
)

// Rules decide which languages may stand in for another. The zero value is
// ready to use and accepts only the same language in the same script.
type Rules struct {
	// Fallbacks, keyed by canonical tag, are further languages that the operator of a node states its
	// readers accept, best first: {"uk": {"en"}}. They are never guessed,
	// because a wrong guess between neighbours is a diplomatic fault.
	Fallbacks map[string][]string
}

// How well a tag serves a reader, best first.
const (
	sameTag = iota
	sameRegion
	noRegion
	otherRegion
	unfit
)

// Match returns the indices of have that a reader of want accepts, best first:
// the same tag, the same region, a tag without region, another region, then
// the operator's fallbacks. ok is false if want is no language tag. Entries of
// have that are no tags are passed over.
func (r Rules) Match(want string, have []string) (accepted []int, ok bool) {
	w, err := Parse(want)
	if err != nil {
		return nil, false
	}
	tags := make([]Tag, len(have))
	for i, h := range have {
		tags[i], _ = Parse(h) // the zero Tag fits nobody
	}
	accepted = appendFitting(nil, w, tags)
	for _, fallback := range r.Fallbacks[w.canonical] {
		if f, err := Parse(fallback); err == nil {
			accepted = appendFitting(accepted, f, tags)
		}
	}
	return accepted, true
}

// appendFitting appends the indices of the tags that serve a reader of w.
func appendFitting(accepted []int, w Tag, tags []Tag) []int {
	start := len(accepted)
	for i, t := range tags {
		if fit(w, t) < unfit && !slices.Contains(accepted, i) {
			accepted = append(accepted, i)
		}
	}
	slices.SortStableFunc(accepted[start:], func(a, b int) int { return cmp.Compare(fit(w, tags[a]), fit(w, tags[b])) })
	return accepted
}

// fit grades how well text in language h serves a reader of w.
func fit(w, h Tag) int {
	switch {
	case h.canonical == "":
		return unfit
	case w.canonical == h.canonical:
		return sameTag
	case w.base == "" || w.base != h.base || w.script != h.script:
		return unfit
	case h.region == w.region:
		return sameRegion
	case h.region == "":
		return noRegion
	default:
		return otherRegion
	}
}
