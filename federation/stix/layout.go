package stix

import (
	"bytes"
	"encoding/binary"
	"strings"

	"github.com/entente-relay/entente/federation"
)

// Layout is what objects of one form have in common: which units they have, and
// what these hold by their place alone. It is immutable, and good for every
// object of which [Examiner.Begin] gives the same form.
type Layout struct {
	units  []Unit // without values
	hints  []hint
	labels int // the unit of labels, -1 without
	kind   int // that of pattern_type
}

// hint is what is known about a unit before its value is read.
type hint struct {
	told        []told // what its place tells, in order
	sure, guess Mark   // the same: what always counts, and what the origin can rule out
	shown       bool   // its place shows that it holds personal data
	look        look
	first       federation.Category // of the first finding
	refs        bool                // it may name an object whose id is made from a person's address
	whole       bool                // what it holds is not looked through
	spare       bool                // see Spare
	derives     bool                // see Derives
	mentions    mentions
}

// told is one finding that a place makes.
type told struct {
	category       federation.Category
	evidence, kind string
	unsure, guess  bool
}

// mentions says where identifiers are looked for in a unit.
type mentions uint8

const (
	idsInValue    mentions = 1 << iota
	idsInName              // of an entry of extensions
	idsOfMarkings          // the identifiers of markings, as parsing has read them
)

// mentionsOf says where identifiers may stand in a unit. Its parts are units of
// their own, and what an object says of itself mentions nothing.
func mentionsOf(u *Unit) (m mentions) {
	if u.Path == "id" || u.Path == "type" {
		return 0
	}
	if u.Name != HandlingExtension && strings.Contains(u.Name, "--") {
		m = idsInName
	}
	switch {
	case u.Container:
	case u.Path == "object_marking_refs":
		m |= idsOfMarkings
	default:
		m |= idsInValue
	}
	return m
}

// look says how the value of a unit is looked through.
type look uint8

const (
	lookNot     look = iota
	lookText         // for what any text shows
	lookPattern      // for whom an indicator's pattern is about
)

// NewLayout returns the layout of an object, and of all of the same form.
func NewLayout(o *Object) *Layout { return layoutOf(o, o.Units()) }

func layoutOf(o *Object, units []Unit) *Layout {
	l := &Layout{units: make([]Unit, len(units)), hints: make([]hint, len(units)), labels: -1, kind: -1}
	derived := o.contributing()
	for i := range units {
		u := units[i]
		u.Value = nil
		l.units[i] = u
		switch u.Path {
		case "labels":
			l.labels = i
		case "pattern_type":
			l.kind = i
		}
		h := &l.hints[i]
		h.place(o, &u)
		h.mentions = mentionsOf(&u)
		h.spare = u.Parent < 0 && !u.Fixed && !u.Required && common(u.Name) && u.Name != "extensions"
		for _, path := range derived {
			h.derives = h.derives || path == u.Path
		}
		for _, t := range h.told {
			if m := markOf(t.category, t.kind, t.unsure); t.guess {
				h.guess.add(m)
			} else {
				h.sure.add(m)
			}
		}
		h.first = h.told[0].category
	}
	return l
}

// Units returns the units without their values; the caller must not change
// them.
func (l *Layout) Units() []Unit { return l.units }

// Derives reports whether the value of a unit goes into the object's id, if that
// is a derived one (see [Object.DerivedFrom]).
func (l *Layout) Derives(unit int) bool { return l.hints[unit].derives }

// Spare reports whether the object stays valid STIX without a unit, whatever
// other spare ones go with it. It may say no of one that could go (see
// [Object.Lacks]).
func (l *Layout) Spare(unit int) bool { return l.hints[unit].spare }

func (h *hint) tell(cat federation.Category, evidence, kind string, unsure bool) {
	h.told = append(h.told, told{category: cat, evidence: evidence, kind: kind, unsure: unsure})
}

// place finds out what the place of a unit tells.
func (h *hint) place(o *Object, u *Unit) {
	switch {
	case wholeWire1(o.typ), u.Container:
		h.whole = true
		h.tell(federation.Context, byPath, "", false) // its parts have their own findings
	case strings.HasPrefix(u.Path, "extensions."):
		h.extension(o, u)
	case u.Element:
		h.tell(federation.Context, byPath, "", false)
		h.refs = true
	case u.Name == "pattern":
		h.tell(federation.Technical, byType, "", false)
		h.look = lookPattern
	case checkedForm(u.Name):
		h.tell(federation.Context, byType, "", false)
	default:
		h.property(o, u)
	}
}

// extension places an entry of extensions, or a part of ours.
func (h *hint) extension(o *Object, u *Unit) {
	if !strings.HasPrefix(u.Path, "extensions."+HandlingExtension) {
		cat := federation.FreeText // nobody here knows what is in it
		if o.info.class == observable && !strings.HasPrefix(u.Name, "extension-definition--") {
			cat = federation.Technical // one of STIX's own, such as windows-pebinary-ext (§6)
		}
		h.tell(cat, byPath, "", cat == federation.FreeText)
		h.look = lookText
		return
	}
	switch {
	case strings.HasSuffix(u.Path, ".note.contacts"):
		h.tell(federation.Personal, byPath, "", false)
		h.shown = true
	case strings.Contains(u.Path, ".note."):
		h.tell(federation.FreeText, byPath, "", false)
		h.look = lookText
	default:
		h.tell(federation.Context, byPath, "", false)
		h.look = lookText
	}
}

// property places a top-level property.
func (h *hint) property(o *Object, u *Unit) {
	p := placeOf(o, u.Name)
	kind := placeHolds(o.typ, u.Name, &p)
	h.look = lookText
	h.refs = strings.HasSuffix(u.Name, "_ref") || strings.HasSuffix(u.Name, "_refs")
	switch p.person {
	case no:
		h.tell(p.category, p.evidence, kind, p.unsure)
	case surely:
		h.tell(p.category, p.evidence, "", p.unsure)
		h.tell(federation.Personal, p.evidence, kind, false)
		h.shown = true
	case perhaps:
		h.tell(p.category, p.evidence, "", p.unsure)
		h.told = append(h.told, told{category: federation.Personal, evidence: p.evidence, kind: kind, unsure: true, guess: true})
	}
}

// Bounds of a layout that is worth keeping for others.
const (
	mostUnits = 64
	mostForm  = 2048
	mostClass = 64 // bytes of an identity_class
)

// Marks in a form; no name holds one, because names hold no control characters.
const (
	formName  = 0 // ends a name
	formList  = 1 // the number of elements follows
	formOther = 2
	formEnd   = 3 // ends a dictionary
	formKnown = 4 // the number of a name follows
)

// Numbers of the names that hold units.
var (
	numberRefs       = names.number("object_refs")
	numberExtensions = names.number("extensions")
	numberEntry      = names.number(HandlingExtension)
	numberNote       = names.number("note")
)

// form collects what decides on the layout of an object, and its units' nodes.
type form struct {
	o     *Object
	text  []byte
	nodes []uint32
	rare  bool // not worth keeping, or written in a way that text does not show
}

// read goes through the object in the order of [Object.Units].
func (f *form) read(o *Object) {
	*f = form{o: o, text: append(f.text[:0], o.typ...), nodes: f.nodes[:0]}
	f.values()
	whole := wholeWire1(o.typ)
	for c := 1; c < int(o.nodes[0].next); c = int(o.nodes[c].next) {
		switch f.unit(c); {
		case whole:
		case o.named(c, "object_refs", numberRefs):
			f.elements(c)
		case o.named(c, "extensions", numberExtensions):
			f.entries(c)
		}
	}
	f.rare = f.rare || len(f.nodes) > mostUnits || len(f.text) > mostForm
}

// values adds the few values on which the places of units depend (see placeOf):
// what our entry says counts by the names of its keys.
func (f *form) values() {
	network := byte(formOther)
	if h := f.o.handling; h != nil && h.Generalised != "" {
		if value, ok := f.value("value"); ok && bytes.IndexByte(value, '/') >= 0 {
			network = formList
		}
	}
	f.text = append(f.text, formName, network)
	if f.o.typ == "identity" {
		class, _ := f.value("identity_class")
		f.text = append(append(f.text, class...), formName)
		f.rare = f.rare || len(class) > mostClass
	}
}

// value returns a property's bytes; one with escapes makes the form a rare one.
func (f *form) value(name string) ([]byte, bool) {
	c := f.o.member(0, name)
	if c < 0 {
		return nil, false
	}
	value := f.o.value(c)
	f.rare = f.rare || bytes.IndexByte(value, '\\') >= 0
	return value, true
}

// unit adds one unit.
func (f *form) unit(c int) {
	f.nodes = append(f.nodes, uint32(c))
	switch number := f.o.nodes[c].known; number {
	case unknownName:
		f.text = append(append(f.text, f.o.rawName(c)...), formName)
	case escapedName:
		f.rare = true
	default:
		f.text = append(f.text, formKnown, number)
	}
}

func (f *form) elements(c int) {
	o, n := f.o, 0
	if o.nodes[c].kind != '[' {
		f.text = append(f.text, formOther)
		return
	}
	for e := c + 1; e < int(o.nodes[c].next); e = int(o.nodes[e].next) {
		f.nodes = append(f.nodes, uint32(e))
		n++
	}
	f.text = binary.AppendUvarint(append(f.text, formList), uint64(n))
}

// entries adds those of extensions, of ours its keys, and of its note the parts.
func (f *form) entries(c int) {
	o := f.o
	for e := c + 1; e < int(o.nodes[c].next); e = int(o.nodes[e].next) {
		if f.unit(e); !o.named(e, HandlingExtension, numberEntry) {
			continue
		}
		for k := e + 1; k < int(o.nodes[e].next); k = int(o.nodes[k].next) {
			if f.unit(k); !o.named(k, "note", numberNote) {
				continue
			}
			for p := k + 1; p < int(o.nodes[k].next); p = int(o.nodes[p].next) {
				f.unit(p)
			}
			f.text = append(f.text, formEnd)
		}
		f.text = append(f.text, formEnd)
	}
	f.text = append(f.text, formEnd)
}
