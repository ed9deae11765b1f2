package stix

import (
	"slices"
	"strconv"
	"strings"
)

// Lacks names the first thing that STIX 2.1 requires and that the object would
// not have if the units at the given paths were removed: a property, or "one
// of a, b". It is "" when nothing is missing, which a parsed object guarantees
// for no paths.
func (o *Object) Lacks(without ...string) string {
	there := o.present()
	has := func(name string) bool {
		if is, sure := there.has(name); sure && (!is || len(without) == 0) {
			return is
		}
		return o.has(name, without)
	}
	for _, name := range [...]string{"type", "id", "spec_version", "created", "modified"} {
		if classRequires(o.info.class, o.typ, name) && !has(name) {
			return name
		}
	}
	for _, name := range o.info.required {
		if !has(name) {
			return name
		}
	}
	if one := o.info.oneOf; len(one) > 0 && !slices.ContainsFunc(one, has) {
		return "one of " + strings.Join(one, ", ")
	}
	for _, pair := range o.info.needs {
		if has(pair[0]) && !has(pair[1]) {
			return pair[1]
		}
	}
	if o.info.anyOwn && o.own(without) == 0 {
		return "a property of its own"
	}
	return ""
}

// present are the numbers of the names of an object's top-level properties.
type present [4]uint64

func (o *Object) present() (p present) {
	for c := 1; c < len(o.nodes); c = int(o.nodes[c].next) {
		known := o.nodes[c].known
		p[known/64] |= 1 << (known % 64)
	}
	return p
}

// has reports whether there is a property of a name. It is not sure where the
// name has no number, or one that is there is written with escapes.
func (p *present) has(name string) (is, sure bool) {
	known := names.number(name)
	escaped := p[escapedName/64]&(1<<(escapedName%64)) != 0
	return p[known/64]&(1<<(known%64)) != 0, known != unknownName && !escaped
}

// has reports whether a property is there and keeps at least one part.
func (o *Object) has(name string, without []string) bool {
	c := o.member(0, name)
	return c >= 0 && o.stays(c, name, without)
}

func (o *Object) stays(c int, name string, without []string) bool {
	if len(without) == 0 {
		return true
	}
	if slices.Contains(without, name) {
		return false
	}
	if name != "object_refs" && name != "extensions" {
		return true
	}
	kept, index := false, 0
	o.children(c, func(e int) bool {
		part := o.name(e)
		if o.nodes[c].kind == '[' {
			part = "[" + strconv.Itoa(index) + "]"
			index++
		}
		kept = !slices.Contains(without, name+"."+part)
		return !kept
	})
	return kept
}

// own counts the properties that remain and that not every type may have. An
// extension of the type counts; our handling entry does not.
func (o *Object) own(without []string) int {
	n := 0
	o.children(0, func(c int) bool {
		name := o.name(c)
		switch {
		case name == "extensions":
			o.children(c, func(e int) bool {
				ext := o.name(e)
				if ext != HandlingExtension && !slices.Contains(without, name) && !slices.Contains(without, name+"."+ext) {
					n++
				}
				return true
			})
		case !common(name) && !slices.Contains(without, name):
			n++
		}
		return true
	})
	return n
}
