package stix

import "time"

// HandlingExtension is the id of our property extension, which carries the
// handling facts that STIX has no property for. It is also the name of its
// entry in an object's extensions.
const HandlingExtension = "extension-definition--7a5c4f0e-1d6b-4c83-9f2e-3b8d50a6e917"

// Object is one STIX object: its bytes and what was read from them. It is
// immutable and safe for use by several goroutines. It keeps the slice that it was
// parsed from, and so all memory behind that, and about as much again for what
// was read: strings of its own, and 24 bytes for each JSON value.
type Object struct {
	raw   []byte
	nodes []node
	info  *typeInfo

	id, typ    string
	lang       string
	created    stamp
	modified   stamp
	from       stamp
	until      stamp
	revoked    bool
	confidence int8 // -1 if not stated
	markings   []string
	granular   []Granular
	handling   *Handling
}

// stamp is a timestamp that may be absent.
type stamp struct {
	set bool
	at  time.Time
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

// Version returns modified, else created, as RFC 3339 text in UTC without
// trailing zeros, so that two spellings of one moment are one version. It is
// "" for a cyber observable, which exists in one version only.
func (o *Object) Version() string {
	switch {
	case o.modified.set:
		return o.modified.at.Format(time.RFC3339Nano)
	case o.created.set:
		return o.created.at.Format(time.RFC3339Nano)
	}
	return ""
}

// Created returns when the object was created, or the zero time.
func (o *Object) Created() time.Time { return o.created.at }

// Modified returns when this version was made, or the zero time.
func (o *Object) Modified() time.Time { return o.modified.at }

// ValidFrom returns the start of an indicator's validity, if it states one.
func (o *Object) ValidFrom() (time.Time, bool) { return o.from.at, o.from.set }

// ValidUntil returns the end of an indicator's validity, if it states one.
func (o *Object) ValidUntil() (time.Time, bool) { return o.until.at, o.until.set }

// Revoked reports whether the object's creator has revoked it.
func (o *Object) Revoked() bool { return o.revoked }

// Confidence returns the creator's confidence, 0 to 100, if it states one.
func (o *Object) Confidence() (int, bool) { return int(max(o.confidence, 0)), o.confidence >= 0 }

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

// Observable reports whether the object is one of STIX 2.1's cyber
// observables (§6).
func (o *Object) Observable() bool { return o.info != nil && o.info.class == observable }
