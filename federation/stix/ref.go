package stix

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/entente-relay/entente/federation"
)

// Ref is one reference from the object to another.
type Ref struct {
	// Path is the selector of the reference: "created_by_ref",
	// "object_refs.[3]".
	Path string
	// Target is the id it names.
	Target string
}

// Refs returns every reference of the object in the order written: the values
// of all properties, however deep, whose names end in _ref or _refs (STIX 2.1
// §2.9, §3.1), references to markings excluded. The deprecated embedded
// objects of observed-data refer to each other by number, not by id, so they
// hold none.
func (o *Object) Refs() []Ref {
	var out []Ref
	o.children(0, func(c int) bool {
		switch name := o.name(c); name {
		case "object_marking_refs", "granular_markings":
		default:
			out = o.refsBelow(c, name, name, out)
		}
		return true
	})
	return out
}

func (o *Object) refsBelow(c int, name, path string, out []Ref) []Ref {
	switch o.nodes[c].kind {
	case '"':
		if strings.HasSuffix(name, "_ref") || strings.HasSuffix(name, "_refs") {
			if id := unquote(o.value(c)); validID(id) {
				out = append(out, Ref{Path: path, Target: id})
			}
		}
	case '{':
		o.children(c, func(m int) bool {
			key := o.name(m)
			out = o.refsBelow(m, key, path+"."+key, out)
			return true
		})
	case '[':
		n := 0
		o.children(c, func(e int) bool {
			if k := o.nodes[e].kind; k == '"' || k == '{' || k == '[' {
				out = o.refsBelow(e, name, path+".["+strconv.Itoa(n)+"]", out)
			}
			n++
			return true
		})
	}
	return out
}

// reference checks a top-level property of a known type whose name says that
// it holds references (§3.1: such names are reserved for identifiers).
func (o *Object) reference(c int, name string) *federation.Refusal {
	if o.info.class == custom {
		return nil
	}
	switch {
	case strings.HasSuffix(name, "_ref"):
		if o.nodes[c].kind != '"' {
			return wrongType(name, "string", o.nodes[c].kind)
		}
		return o.isID(c, name)
	case strings.HasSuffix(name, "_refs"):
		if err := o.checkList(c, name); err != nil {
			return err
		}
		for e := c + 1; e < int(o.nodes[c].next); e++ {
			if err := o.isID(e, name); err != nil {
				return err
			}
		}
	}
	return nil
}

// isID refuses a string that is no id.
func (o *Object) isID(c int, name string) *federation.Refusal {
	if text := o.bytes(c); !validID(text) {
		return federation.Refuse(federation.Malformed, name, fmt.Sprintf("%q is not an id", clip(string(text))))
	}
	return nil
}
