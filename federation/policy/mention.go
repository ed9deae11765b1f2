package policy

import (
	"slices"
	"strings"

	"github.com/entente-relay/entente/federation/stix"
	"github.com/entente-relay/entente/mapping/marking"
)

// mention is an identifier that stands in one unit of an object.
type mention struct {
	unit   int
	target string
}

// mention finds every identifier in the object but its own and those that the
// whole world knows: published markings, and our own extension.
func (s *Subject) mention(x *stix.Examiner, l *stix.Layout) {
	x.EachID(l, s.mentionsID)
	s.loose = s.canLoseAll(l)
}

func (s *Subject) mentionsID(unit int, id string) {
	if id == s.object.ID() || wellKnown(id) {
		return
	}
	if m := (mention{unit, id}); !slices.Contains(s.mentions, m) {
		s.mentions = append(s.mentions, m)
	}
}

// wellKnown reports whether an id is published to everybody.
func wellKnown(id string) bool {
	if id == stix.HandlingExtension {
		return true
	}
	return strings.HasPrefix(id, "marking-definition--") && slices.Contains(published, id)
}

// published are the markings that everybody knows. It is never written to.
var published = marking.WellKnownIDs()

// isDefinition reports whether an id names a marking or an extension: not
// something that was seen, but a word that others use.
func isDefinition(id string) bool {
	return strings.HasPrefix(id, "marking-definition--") || strings.HasPrefix(id, "extension-definition--")
}

// canLoseAll reports whether the object could go without every unit that
// mentions another.
func (s *Subject) canLoseAll(l *stix.Layout) bool {
	spare := true
	for _, m := range s.mentions {
		if c := &s.classes[s.classOf[m.unit]]; c.pinned || c.derives {
			return false
		}
		spare = spare && l.Spare(m.unit)
	}
	if spare {
		return true
	}
	paths := make([]string, len(s.mentions))
	for i, m := range s.mentions {
		paths[i] = s.units[m.unit].Path
	}
	return s.object.Lacks(paths...) == ""
}
