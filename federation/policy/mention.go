package policy

import (
	"slices"
	"strconv"
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
func (s *Subject) mention() {
	for i := range s.units {
		u := &s.units[i]
		if u.Path == "id" || u.Path == "type" {
			continue
		}
		if strings.Contains(u.Name, "--") && u.Name != stix.HandlingExtension { // of an entry of extensions
			stix.EachID(strconv.AppendQuote(nil, u.Name), func(id string) { s.mentionsID(i, id) })
		}
		switch {
		case u.Container:
		case u.Path == "object_marking_refs":
			for _, id := range s.object.MarkingRefs() {
				s.mentionsID(i, id)
			}
		default:
			stix.EachID(u.Value, func(id string) { s.mentionsID(i, id) })
		}
	}
	s.loose = s.canLoseAll()
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
func (s *Subject) canLoseAll() bool {
	var paths []string
	for _, m := range s.mentions {
		if c := &s.classes[s.classOf[m.unit]]; c.pinned || c.derives {
			return false
		}
		paths = append(paths, s.units[m.unit].Path)
	}
	return len(paths) == 0 || s.object.Lacks(paths...) == ""
}
