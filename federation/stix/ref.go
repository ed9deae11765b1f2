package stix

import (
	"bytes"
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
	o.EachRef(func(path, target []byte) {
		out = append(out, Ref{Path: string(path), Target: string(target)})
	})
	return out
}

// EachRef calls f with path and target of each reference, as [Object.Refs] lists
// them; both are good until f returns.
func (o *Object) EachRef(f func(path, target []byte)) {
	r := refs{o: o, f: f}
	for c := 1; c < len(o.nodes); c = int(o.nodes[c].next) {
		switch name := o.nameBytes(c); string(name) {
		case "object_marking_refs", "granular_markings":
		default:
			r.path = append(r.path[:0], name...)
			r.below(c, name)
		}
	}
}

// refs walks the references of an object.
type refs struct {
	o    *Object
	f    func(path, target []byte)
	path []byte // of the node at hand
}

// below finds the references at and below a node. name is its name, or that of
// the list it stands in.
func (r *refs) below(c int, name []byte) {
	o, here := r.o, len(r.path)
	n := &o.nodes[c]
	switch n.kind {
	case '"':
		if bytes.HasSuffix(name, []byte("_ref")) || bytes.HasSuffix(name, []byte("_refs")) {
			if id := o.bytes(c); validID(id) {
				r.f(r.path, id)
			}
		}
	case '{':
		for m := c + 1; m < int(n.next); m = int(o.nodes[m].next) {
			key := o.nameBytes(m)
			r.path = append(append(r.path, '.'), key...)
			r.below(m, key)
			r.path = r.path[:here]
		}
	case '[':
		i := 0
		for e := c + 1; e < int(n.next); e = int(o.nodes[e].next) {
			if k := o.nodes[e].kind; k == '"' || k == '{' || k == '[' {
				r.path = append(strconv.AppendInt(append(r.path, ".["...), int64(i), 10), ']')
				r.below(e, name)
				r.path = r.path[:here]
			}
			i++
		}
	}
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
