package stix

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/entente-relay/entente/federation"
)

// Limits bounds what a file may hold. A message has its own, smaller limits,
// which the envelope checks.
type Limits struct {
	// MaxBytes is the size of a file, in bytes.
	MaxBytes int
	// MaxObjects is how many objects it may hold.
	MaxObjects int
	// MaxDepth is how deep one object may nest; the object itself is 1.
	MaxDepth int
}

// DefaultLimits are the limits for files: 64 MiB, 100,000 objects, depth 16.
func DefaultLimits() Limits {
	return Limits{MaxBytes: 64 << 20, MaxObjects: 100_000, MaxDepth: 16}
}

// maxSelectors bounds the selectors of one object's granular markings; each is
// looked up by walking the object.
const maxSelectors = 2048

// Parse reads one object. It keeps raw, which the caller must not change
// afterwards. The error is a *federation.Refusal with reason malformed,
// too-large or unsupported.
func Parse(raw []byte) (*Object, error) { return parse(raw, DefaultLimits()) }

func parse(raw []byte, lim Limits) (*Object, error) {
	if len(raw) > lim.MaxBytes {
		return nil, federation.Refuse(federation.TooLarge, "object", fmt.Sprintf("%d bytes, at most %d are read", len(raw), lim.MaxBytes))
	}
	raw = bytes.Trim(raw, " \t\r\n")
	nodes, err := scan(raw, lim.MaxDepth)
	if err != nil {
		return nil, err
	}
	o := &Object{raw: raw[:len(raw):len(raw)], nodes: nodes, confidence: -1}
	if err := o.read(); err != nil {
		if err.Where == "" {
			err.Where = "object"
		}
		if o.id != "" {
			err.Where = clip(o.id) + ": " + err.Where
		}
		return nil, err
	}
	return o, nil
}

// read decodes the properties that the relay's steps ask for, and checks what
// STIX requires of them.
func (o *Object) read() *federation.Refusal {
	if err := o.identify(); err != nil {
		return err
	}
	for c := 1; c < len(o.nodes); c = int(o.nodes[c].next) {
		if err := o.property(c); err != nil {
			return err
		}
	}
	if err := o.order(); err != nil {
		return err
	}
	if missing := o.Lacks(); missing != "" {
		r := federation.Refuse(federation.Malformed, missing, "STIX 2.1 requires this property for "+clip(o.typ))
		if missing == "spec_version" {
			r.Hint = "objects of STIX 2.0 and earlier have none; convert them to STIX 2.1 first"
		}
		return r
	}
	return nil
}

// identify reads type and id, which every other check refers to.
func (o *Object) identify() *federation.Refusal {
	typ, id := o.member(0, "type"), o.member(0, "id")
	if typ < 0 {
		return federation.Refuse(federation.Malformed, "type", "not a STIX object: there is no type")
	}
	if o.nodes[typ].kind != '"' {
		return wrongType("type", "string", o.nodes[typ].kind)
	}
	stated := o.bytes(typ)
	if string(stated) == "bundle" {
		return federation.Refuse(federation.Malformed, "type", "a bundle stands where an object should")
	}
	if id < 0 {
		return federation.Refuse(federation.Malformed, "id", "there is no id")
	}
	text, ok := o.str(id)
	if !ok {
		return wrongType("id", "string", o.nodes[id].kind)
	}
	prefix, _, ok := splitID(text)
	if !ok {
		return federation.Refuse(federation.Malformed, "id", fmt.Sprintf("%q is not of the form type--uuid in lower case", clip(text)))
	}
	o.id = text
	if prefix != string(stated) {
		return federation.Refuse(federation.Malformed, "id", fmt.Sprintf("the id is of a %s but the type is %q", prefix, clip(string(stated))))
	}
	o.typ = prefix // shares the id's memory
	o.info = infoOf(o.typ)
	return nil
}

// property reads one top-level property.
func (o *Object) property(c int) *federation.Refusal {
	name := o.name(c)
	if known := o.nodes[c].known; (known == unknownName || known == escapedName) && !plainName(name) {
		return federation.Refuse(federation.Malformed, clip(name), "a property name must not be empty or hold dots, brackets or control characters")
	}
	var err *federation.Refusal
	switch name {
	case "spec_version":
		err = o.specVersion(c)
	case "created":
		o.created, err = o.time(c, name)
	case "modified":
		o.modified, err = o.time(c, name)
	case "valid_from":
		o.from, err = o.time(c, name)
	case "valid_until":
		o.until, err = o.time(c, name)
	case "revoked":
		o.revoked, err = o.boolean(c, name)
	case "lang":
		o.lang, err = o.text(c, name)
	case "pattern", "pattern_type":
		if kind := o.nodes[c].kind; kind != '"' {
			err = wrongType(name, "string", kind)
		}
	case "labels":
		err = o.checkList(c, name)
	case "confidence":
		err = o.readConfidence(c)
	case "object_marking_refs":
		o.markings, err = o.markingRefs(c)
	case "granular_markings":
		o.granular, err = o.granularMarkings(c)
	case "extensions":
		err = o.extensions(c)
	default:
		err = o.reference(c, name)
	}
	return err
}

// order checks the relations between times that STIX demands (§3.2, §4.7).
func (o *Object) order() *federation.Refusal {
	if o.modified.set && o.created.set && o.modified.at.Before(o.created.at) {
		return federation.Refuse(federation.Malformed, "modified", "earlier than created")
	}
	if o.until.set && o.from.set && !o.until.at.After(o.from.at) {
		return federation.Refuse(federation.Malformed, "valid_until", "not later than valid_from")
	}
	return nil
}

func (o *Object) specVersion(c int) *federation.Refusal {
	if o.nodes[c].kind != '"' {
		return wrongType("spec_version", "string", o.nodes[c].kind)
	}
	if v := o.bytes(c); string(v) != "2.1" {
		return federation.Refuse(federation.Unsupported, "spec_version", fmt.Sprintf("STIX version %q; only 2.1 is read", clip(string(v))))
	}
	return nil
}

func (o *Object) time(c int, name string) (stamp, *federation.Refusal) {
	if o.nodes[c].kind != '"' {
		return stamp{}, wrongType(name, "timestamp", o.nodes[c].kind)
	}
	text := o.value(c)
	t, ok := timestamp(text[1 : len(text)-1])
	if !ok {
		return stamp{}, federation.Refuse(federation.Malformed, name, "not a timestamp such as 2026-01-06T12:00:00.000Z")
	}
	return stamp{set: true, at: t}, nil
}

// timestamp reads a STIX timestamp: RFC 3339 in UTC, with "Z" and a dot before
// the fraction (§2.16).
func timestamp(text []byte) (time.Time, bool) {
	if t, ok := usualTime(text); ok {
		return t, true
	}
	var t time.Time
	if len(text) == 0 || text[len(text)-1] != 'Z' || bytes.IndexByte(text, ',') >= 0 || t.UnmarshalText(text) != nil {
		return time.Time{}, false
	}
	return t, true
}

// usualTime reads a timestamp as it is usually written, of whole seconds or
// milliseconds, on a day that every month has. It takes no other; what it takes
// means what the library reads in it.
func usualTime(text []byte) (time.Time, bool) {
	const whole, milli = "dddd-dd-ddTdd:dd:ddZ", "dddd-dd-ddTdd:dd:dd.dddZ"
	form := whole
	if len(text) == len(milli) {
		form = milli
	}
	if len(text) != len(form) {
		return time.Time{}, false
	}
	for i := range len(form) {
		if c := text[i]; form[i] == 'd' && (c < '0' || c > '9') || form[i] != 'd' && c != form[i] {
			return time.Time{}, false
		}
	}
	month, day, hour, minute, second := value(text[5:7]), value(text[8:10]), value(text[11:13]), value(text[14:16]), value(text[17:19])
	if month < 1 || month > 12 || day < 1 || day > 28 || hour > 23 || minute > 59 || second > 59 {
		return time.Time{}, false
	}
	nanos := 0
	if form == milli {
		nanos = value(text[20:23]) * int(time.Millisecond)
	}
	return time.Date(value(text[:4]), time.Month(month), day, hour, minute, second, nanos, time.UTC), true
}

func (o *Object) boolean(c int, name string) (bool, *federation.Refusal) {
	switch o.nodes[c].kind {
	case 't':
		return true, nil
	case 'f':
		return false, nil
	}
	return false, wrongType(name, "boolean", o.nodes[c].kind)
}

func (o *Object) text(c int, name string) (string, *federation.Refusal) {
	s, ok := o.str(c)
	if !ok {
		return "", wrongType(name, "string", o.nodes[c].kind)
	}
	return s, nil
}

// checkList checks a list of strings; STIX forbids empty lists (§2.12).
func (o *Object) checkList(c int, name string) *federation.Refusal {
	if o.nodes[c].kind != '[' {
		return wrongType(name, "list of strings", o.nodes[c].kind)
	}
	if int(o.nodes[c].next) == c+1 {
		return federation.Refuse(federation.Malformed, name, "an empty list; leave the property out instead")
	}
	for e := c + 1; e < int(o.nodes[c].next); e++ {
		if o.nodes[e].kind != '"' {
			return federation.Refuse(federation.Malformed, name, "not every element is a string")
		}
	}
	return nil
}

// list reads a list of strings.
func (o *Object) list(c int, name string) ([]string, *federation.Refusal) {
	if err := o.checkList(c, name); err != nil {
		return nil, err
	}
	out := make([]string, 0, int(o.nodes[c].next)-c-1)
	for e := c + 1; e < int(o.nodes[c].next); e++ {
		out = append(out, unquote(o.value(e)))
	}
	return out, nil
}

// readConfidence checks that confidence is a whole number from 0 to 100 (§3.2).
func (o *Object) readConfidence(c int) *federation.Refusal {
	n, ok := o.integer(c)
	if !ok || n < 0 || n > 100 {
		return federation.Refuse(federation.Malformed, "confidence", "not a whole number from 0 to 100")
	}
	o.confidence = int8(n)
	return nil
}

func (o *Object) markingRefs(c int) ([]string, *federation.Refusal) {
	refs, err := o.list(c, "object_marking_refs")
	if err != nil {
		return nil, err
	}
	for _, r := range refs {
		if !markingID(r) {
			return nil, federation.Refuse(federation.Malformed, "object_marking_refs", fmt.Sprintf("%q is not the id of a marking-definition", clip(r)))
		}
	}
	return refs, nil
}

func markingID(id string) bool {
	return strings.HasPrefix(id, "marking-definition--") && validID(id)
}

func (o *Object) granularMarkings(c int) ([]Granular, *federation.Refusal) {
	const name = "granular_markings"
	if o.nodes[c].kind != '[' {
		return nil, wrongType(name, "list", o.nodes[c].kind)
	}
	var out []Granular
	var refusal *federation.Refusal
	selectors := 0
	o.children(c, func(e int) bool {
		var g Granular
		if g, refusal = o.granularEntry(e); refusal != nil {
			return false
		}
		if selectors += len(g.Selectors); selectors > maxSelectors {
			refusal = federation.Refuse(federation.TooLarge, name, fmt.Sprintf("more than %d selectors", maxSelectors))
			return false
		}
		out = append(out, g)
		return true
	})
	if refusal == nil && len(out) == 0 {
		refusal = federation.Refuse(federation.Malformed, name, "an empty list; leave the property out instead")
	}
	return out, refusal
}

// granularEntry reads one granular marking: selectors, and either a marking or
// a language (§7.2.3).
func (o *Object) granularEntry(e int) (Granular, *federation.Refusal) {
	const name = "granular_markings"
	var g Granular
	if o.nodes[e].kind != '{' {
		return g, wrongType(name, "list of objects", o.nodes[e].kind)
	}
	var err *federation.Refusal
	o.children(e, func(f int) bool {
		switch key := o.name(f); key {
		case "marking_ref":
			g.MarkingRef, err = o.text(f, name+".marking_ref")
		case "lang":
			g.Lang, err = o.text(f, name+".lang")
		case "selectors":
			g.Selectors, err = o.list(f, name+".selectors")
		default:
			err = federation.Refuse(federation.Malformed, name, fmt.Sprintf("unknown key %q", clip(key)))
		}
		return err == nil
	})
	switch {
	case err != nil:
	case len(g.Selectors) == 0:
		err = federation.Refuse(federation.Malformed, name, "an entry without selectors")
	case (g.MarkingRef == "") == (g.Lang == ""):
		err = federation.Refuse(federation.Malformed, name, "an entry needs either marking_ref or lang")
	case g.MarkingRef != "" && !markingID(g.MarkingRef):
		err = federation.Refuse(federation.Malformed, name, fmt.Sprintf("%q is not the id of a marking-definition", clip(g.MarkingRef)))
	}
	return g, err
}

// plainName reports whether a name can stand in a path without being taken
// for something else.
func plainName(name string) bool {
	for i := range len(name) {
		if c := name[i]; c < ' ' || c == 0x7f || c == '.' || c == '[' || c == ']' {
			return false
		}
	}
	return name != ""
}
