package intake

import (
	"fmt"
	"strings"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/mapping"
	"github.com/entente-relay/entente/mapping/marking"
)

// Profile is what a node states about unmarked input of one source. It is the
// node's own act: the object carries the profile's name in default_marking, so
// that every receiver sees who supplied the marking.
type Profile struct {
	// Name is written into each object that the profile marks.
	Name string
	// DefaultMarking is the TLP label for unmarked objects, such as
	// "TLP:AMBER" (FIRST TLP 2.0).
	DefaultMarking string
}

// FromReferences stands in default_marking of an object whose marking is the
// join of those of the objects that refer to it.
const FromReferences = "from-references"

// marker supplies markings to the objects of one file.
type marker struct {
	profile *Profile
	label   *label // of the profile, nil without one
	labels  *interned
}

// newMarker reads the profile's label.
func newMarker(p *Profile) (*marker, error) {
	m := &marker{labels: newInterned()}
	if p == nil {
		return m, nil
	}
	if p.Name == "" || p.Name == FromReferences {
		return nil, federation.Refuse(federation.UnknownMarking, "source profile", fmt.Sprintf("%q cannot be the name of a profile", p.Name))
	}
	h, err := marking.Tag(p.DefaultMarking)
	if err != nil || h.TLP == mapping.TLPUnmarked || h.TLPVersion1 || !strings.EqualFold(h.TLP.String(), p.DefaultMarking) {
		r := federation.Refuse(federation.UnknownMarking, "source profile "+p.Name, fmt.Sprintf("default_marking %q is not a label of TLP 2.0", clip(p.DefaultMarking)))
		r.Hint = "write one such as TLP:AMBER"
		return nil, r
	}
	m.profile = p
	m.label = m.labels.intern(label{tlp: h.TLP, refs: []string{tlpRef(h.TLP)}})
	return m, nil
}

// tlpRef returns the id of the TLP 2.0 marking-definition of a label that has
// been read.
func tlpRef(t mapping.TLP) string {
	id, _ := marking.TLPObject(t)
	return id
}

// papRef returns the id of the PAP marking-definition of a label.
func papRef(p mapping.PAP) string {
	for _, id := range marking.WellKnownIDs() {
		if h, _ := marking.WellKnown(id); h.PAP == p && h.TLP == mapping.TLPUnmarked {
			return id
		}
	}
	return ""
}
