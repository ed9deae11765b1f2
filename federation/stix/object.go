package stix

import "time"

// HandlingExtension is the id of our property extension, which carries the
// handling facts that STIX has no property for. It is also the name of its
// entry in an object's extensions.
const HandlingExtension = "extension-definition--7a5c4f0e-1d6b-4c83-9f2e-3b8d50a6e917"

// Object is one STIX object: its bytes and what was read from them. It is
// immutable and safe for use by several goroutines.
type Object struct {
	raw      []byte
	nodes    []node
	id, typ  string
	created  stamp
	modified stamp
	until    stamp
	revoked  bool
	lang     string
	markings []string
	granular []Granular
	handling *Handling
}

// stamp is a timestamp as written and as read.
type stamp struct {
	text string
	at   time.Time
}

// Granular is one entry of granular_markings (STIX 2.1 §7.2.3): a marking or a
// language for the properties that the selectors name.
type Granular struct {
	// MarkingRef is the id of a marking-definition, or "" when Lang is set.
	MarkingRef string
	// Lang is an RFC 5646 language tag, or "" when MarkingRef is set.
	Lang string
	// Selectors are property paths such as "description",
	// "labels.[0]" or "extensions.<id>.note".
	Selectors []string
}

// ID returns the object's id, "type--uuid".
func (o *Object) ID() string { return o.id }

// Type returns the object's type.
func (o *Object) Type() string { return o.typ }

// Version returns modified as written, else created, else "" (a cyber
// observable has neither and exists in one version only).
func (o *Object) Version() string {
	if o.modified.text != "" {
		return o.modified.text
	}
	return o.created.text
}

// Created returns when the object was created, or the zero time.
func (o *Object) Created() time.Time { return o.created.at }

// Modified returns when this version was made, or the zero time.
func (o *Object) Modified() time.Time { return o.modified.at }

// ValidUntil returns the end of an indicator's validity, if it states one.
func (o *Object) ValidUntil() (time.Time, bool) { return o.until.at, o.until.text != "" }

// Revoked reports whether the object's creator has revoked it.
func (o *Object) Revoked() bool { return o.revoked }

// Lang returns the object's language tag as written, or "".
func (o *Object) Lang() string { return o.lang }

// Raw returns the object's bytes as they were received. The caller must not
// change them.
func (o *Object) Raw() []byte { return o.raw }

// MarkingRefs returns object_marking_refs in the order written.
func (o *Object) MarkingRefs() []string { return o.markings }

// Granular returns granular_markings in the order written.
func (o *Object) Granular() []Granular { return o.granular }

// Handling returns what the object's handling extension says, or nil when it
// has none.
func (o *Object) Handling() *Handling { return o.handling }
