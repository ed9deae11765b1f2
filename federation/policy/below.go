package policy

import "slices"

// Below lists, sorted, the axes on which a version of an object is marked below
// an older one: as a whole, or in a property that both have. A newer version may
// be so only by its originator's signed act (law A12).
func (s *Subject) Below(old *Subject) []string {
	out := s.handling.Below(old.handling)
	if len(s.own) == 1 && len(old.own) == 1 {
		return out // no property of either has a marking of its own
	}
	at := make(map[string]int, len(s.units))
	for i := range s.units {
		at[s.units[i].Path] = i
	}
	for i := range old.units {
		k, ok := at[old.units[i].Path]
		if !ok {
			continue
		}
		now, then := s.classes[s.classOf[k]].own, old.classes[old.classOf[i]].own
		out = append(out, s.own[now].handling.Below(old.own[then].handling)...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
