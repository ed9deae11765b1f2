package stix

import (
	"slices"
	"strconv"
)

// Unit is one part of an object that policy decides on and that the envelope
// can disclose or remove by itself.
type Unit struct {
	// Path is the unit's STIX selector: "name", "object_refs.[0]",
	// "extensions.<id>", "extensions.<id>.note.content".
	Path string
	// Name is the property's own name, or "" for a list element.
	Name string
	// Parent is the index of the enclosing unit, or -1.
	Parent int
	// Element says that the unit is a list element.
	Element bool
	// Container says that the unit's parts are units too: a dictionary or
	// list whose bytes are exactly its parts. If all of them are removed, the
	// container has to go with them, because STIX forbids empty ones.
	Container bool
	// Fixed says that the unit can never be removed: it is always signed in
	// the open.
	Fixed bool
	// Required says that the object is not valid STIX 2.1 without it.
	Required bool
	// Value is the raw JSON value. The caller must not change it.
	Value []byte
}

// fixedWire1 is the closed list of top-level properties that wire version 1
// never makes removable. What a receiver needs to know an object, its version
// and its protection, and what its term is about, cannot be taken from it.
var fixedWire1 = [...]string{
	"type", "id", "spec_version", "created", "modified", "revoked", "valid_from", "valid_until",
	"pattern", "pattern_type", "labels", "object_marking_refs", "granular_markings",
}

// isFixedWire1 is the same list by the numbers of names, all of which have one.
var isFixedWire1 = func() (t [256]bool) {
	for _, name := range fixedWire1 {
		t[names.number(name)] = true
	}
	return t
}()

// FixedWire1 reports whether wire version 1 forbids removing the unit at a
// path from an object of a type. Everything of a marking-definition or an
// extension-definition is fixed, and of the handling extension everything but
// its note and its impact.
func FixedWire1(typ, path string) bool {
	if wholeWire1(typ) || isFixedWire1[names.number(path)] {
		return true
	}
	const entry = "extensions." + HandlingExtension
	if len(path) < len(entry) || path[:len(entry)] != entry {
		return false
	}
	rest := path[len(entry):]
	switch {
	case rest == "":
		return true
	case rest[0] != '.':
		return false
	}
	return rest != ".note" && rest != ".impact" && !(len(rest) > 5 && rest[:6] == ".note.")
}

// wholeWire1 reports whether objects of a type are never redacted.
func wholeWire1(typ string) bool {
	return typ == "marking-definition" || typ == "extension-definition"
}

// Units returns every unit of the object, parents before their children, in
// the order written. The granularity is that of wire version 1: a top-level
// property is one unit; object_refs has one for each element and extensions
// one for each entry; our handling entry has one for each key, and its note
// one for each part.
func (o *Object) Units() []Unit {
	u := units{o: o, out: make([]Unit, 0, min(len(o.nodes), 40))}
	o.children(0, func(c int) bool {
		u.top(c)
		return true
	})
	return u.out
}

// units collects the units of one object.
type units struct {
	o   *Object
	out []Unit
}

// add appends the unit of node c and returns its index.
func (u *units) add(c, parent int, path, name string) int {
	u.out = append(u.out, Unit{Path: path, Name: name, Parent: parent, Value: u.o.value(c)})
	return len(u.out) - 1
}

// top appends the units of one top-level property.
func (u *units) top(c int) {
	o, name := u.o, u.o.name(c)
	i := u.add(c, -1, name, name)
	unit := &u.out[i]
	unit.Fixed = FixedWire1(o.typ, name)
	unit.Required = o.requires(name)
	if wholeWire1(o.typ) {
		return
	}
	switch name {
	case "object_refs":
		if o.nodes[c].kind != '[' {
			return
		}
		unit.Container = true
		n := 0
		o.children(c, func(e int) bool {
			j := u.add(e, i, "object_refs.["+strconv.Itoa(n)+"]", "")
			u.out[j].Element = true
			n++
			return true
		})
	case "extensions":
		unit.Container = true
		unit.Fixed = o.handling != nil // it holds something fixed
		o.children(c, func(e int) bool {
			u.extension(e, i)
			return true
		})
	}
}

// extension appends the unit of one entry of extensions and, if it is ours,
// those of its keys.
func (u *units) extension(e, parent int) {
	name := u.o.name(e)
	if name != HandlingExtension {
		u.add(e, parent, "extensions."+name, name)
		return
	}
	const path = "extensions." + HandlingExtension
	i := u.add(e, parent, path, name)
	u.out[i].Fixed, u.out[i].Container = true, true
	u.o.children(e, func(k int) bool {
		key := u.o.name(k)
		j := u.add(k, i, handlingPath(key), key)
		switch key {
		case "note":
		case "impact":
			return true
		default:
			u.out[j].Fixed = true
			return true
		}
		u.out[j].Container = true
		u.o.children(k, func(p int) bool {
			part := u.o.name(p)
			u.add(p, j, handlingPath("note."+part), part)
			return true
		})
		return true
	})
}

// handlingPath returns the path of a key of our entry, without allocating for
// those it has.
func handlingPath(key string) string {
	const entry = "extensions." + HandlingExtension + "."
	switch key {
	case "extension_type":
		return entry + "extension_type"
	case "origin":
		return entry + "origin"
	case "scheme":
		return entry + "scheme"
	case "classification":
		return entry + "classification"
	case "caveats":
		return entry + "caveats"
	case "releasable_to":
		return entry + "releasable_to"
	case "residency":
		return entry + "residency"
	case "purpose":
		return entry + "purpose"
	case "retain_days":
		return entry + "retain_days"
	case "contract":
		return entry + "contract"
	case "personal_data":
		return entry + "personal_data"
	case "impact":
		return entry + "impact"
	case "categories":
		return entry + "categories"
	case "default_marking":
		return entry + "default_marking"
	case "reoriginated":
		return entry + "reoriginated"
	case "generalised":
		return entry + "generalised"
	case "aggregate":
		return entry + "aggregate"
	case "note":
		return entry + "note"
	case "note.abstract":
		return entry + "note.abstract"
	case "note.content":
		return entry + "note.content"
	case "note.contacts":
		return entry + "note.contacts"
	}
	return entry + key
}

// requires reports whether the object would not be valid without a top-level
// property.
func (o *Object) requires(name string) bool {
	if classRequires(o.info.class, o.typ, name) || slices.Contains(o.info.required, name) {
		return true
	}
	if slices.Contains(o.info.oneOf, name) || (o.info.anyOwn && !common(name)) {
		return o.Lacks(name) != "" // the only one of its group that is there
	}
	return false
}
