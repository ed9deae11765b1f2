package policy

import (
	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/stix"
	"github.com/entente-relay/entente/mapping"
	"github.com/entente-relay/entente/mapping/scheme"
)

// Subject is one object as policy sees it: its handling understood, each of
// its units placed in a class. [Reader.Subject] makes it once per message.
type Subject struct {
	issuer   string
	digest   [32]byte
	object   *stix.Object
	handling mapping.Handling
	problem  *federation.Refusal
	units    []stix.Unit
	classOf  []uint16 // unit index -> index in classes
	classes  []unitClass
	key      [32]byte
}

// unitClass is what policy can tell units apart by.
type unitClass struct {
	categories []categorized
	handling   mapping.Handling
	pinned     bool // fixed or required: cannot be removed
}

// categorized is one category found in a unit.
type categorized struct {
	category federation.Category
	unsure   bool
}

// Reader makes subjects. It is immutable and safe for concurrent use.
type Reader struct {
	tables *scheme.Tables
}

// NewReader returns a reader that resolves classifications in tables.
func NewReader(tables *scheme.Tables) *Reader { return &Reader{tables: tables} }

// Subject reads the markings of one object of a message. digest is that of
// the object's disclosure; defs are the marking-definitions of the same
// message and issuer, by id. What cannot be understood is carried in the
// subject and leads to a hold, never to a default.
func (r *Reader) Subject(issuer string, digest [32]byte, o *stix.Object, defs map[string]*stix.Object) *Subject {
	return &Subject{issuer: issuer, digest: digest, object: o,
		problem: federation.Refuse(federation.UnknownMarking, o.ID(), "markings are not read yet")}
}

// Handling returns what the object's markings mean together.
func (s *Subject) Handling() mapping.Handling { return s.handling }

// Object returns the object.
func (s *Subject) Object() *stix.Object { return s.object }

// Issuer returns the participant that issued the object's message.
func (s *Subject) Issuer() string { return s.issuer }

// Digest returns the digest of the object's disclosure.
func (s *Subject) Digest() [32]byte { return s.digest }

// Problem returns what in the markings was not understood, or nil.
func (s *Subject) Problem() *federation.Refusal { return s.problem }
