package envelope

import (
	"strconv"

	"github.com/entente-relay/entente/federation/stix"
)

// place is where in an object a disclosure may stand. There are no others: a
// digest anywhere else is refused.
type place uint8

const (
	// inMessage: an object, in the payload's list.
	inMessage place = iota
	// inObject: a property of the object.
	inObject
	// inRefs: an element of object_refs.
	inRefs
	// inExtensions: an entry of extensions.
	inExtensions
	// inHandling: the note or the impact, in the entry of our handling extension.
	inHandling
	// inNote: a part of the note.
	inNote
)

// Paths of the entry of our handling extension and of its note.
const (
	handlingEntry = "extensions." + stix.HandlingExtension
	notePath      = handlingEntry + ".note"
)

// removable reports whether a property of that name may be a disclosure at a
// place in an object of a type, by the closed list of wire version 1. The
// extensions property may be one unless our handling entry is among them, which
// rebuilding sees to.
func (p place) removable(typ string, name []byte) bool {
	switch p {
	case inObject:
		return !stix.FixedWire1(typ, string(name))
	case inExtensions:
		return string(name) != stix.HandlingExtension
	case inHandling:
		return string(name) == "note" || string(name) == "impact"
	case inNote:
		return true
	}
	return false
}

// path returns the STIX selector of what a disclosure at a place holds. index
// counts the elements of object_refs that are still there.
func (p place) path(name []byte, index int) string { return string(p.appendPath(nil, name, index)) }

// appendPath appends it.
func (p place) appendPath(dst, name []byte, index int) []byte {
	switch p {
	case inObject:
		return append(dst, name...)
	case inRefs:
		return append(strconv.AppendInt(append(dst, "object_refs.["...), int64(index), 10), ']')
	case inExtensions:
		return append(append(dst, "extensions."...), name...)
	case inHandling:
		return append(append(dst, handlingEntry+"."...), name...)
	case inNote:
		return append(append(dst, notePath+"."...), name...)
	}
	return dst
}

// container returns the selector of what holds the disclosures at a place.
func (p place) container() string {
	switch p {
	case inRefs:
		return "object_refs"
	case inExtensions:
		return "extensions"
	case inHandling:
		return handlingEntry
	case inNote:
		return notePath
	}
	return ""
}
