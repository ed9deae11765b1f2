package stix

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// value returns the raw bytes of node i.
func (o *Object) value(i int) []byte { n := &o.nodes[i]; return o.raw[n.start:n.end:n.end] }

// rawName returns the member name of node i without its quotes; it is what
// the name means unless the node is escaped.
func (o *Object) rawName(i int) []byte {
	n := &o.nodes[i]
	if n.nend == 0 {
		return nil
	}
	return o.raw[n.name+1 : n.nend-1]
}

// name returns the member name of node i, "" for a list element.
func (o *Object) name(i int) string {
	switch n := &o.nodes[i]; n.known {
	case unknownName:
		return string(o.rawName(i))
	case escapedName:
		return unquote(o.raw[n.name:n.nend])
	default:
		return names.text[n.known]
	}
}

// nameBytes is name as bytes, which the caller must not change.
func (o *Object) nameBytes(i int) []byte {
	if o.nodes[i].known == escapedName {
		return []byte(o.name(i))
	}
	return o.rawName(i)
}

// named reports whether the member name of node i is want, whose number is known.
func (o *Object) named(i int, want string, known uint8) bool {
	switch o.nodes[i].known {
	case escapedName:
		return o.name(i) == want
	case unknownName:
		return known == unknownName && string(o.rawName(i)) == want
	default:
		return o.nodes[i].known == known
	}
}

// children calls f for each direct child of container node i until f returns
// false.
func (o *Object) children(i int, f func(child int) bool) {
	if k := o.nodes[i].kind; k != '{' && k != '[' {
		return
	}
	for c := i + 1; c < int(o.nodes[i].next); c = int(o.nodes[c].next) {
		if !f(c) {
			return
		}
	}
}

// member returns the child of object node i with a name, or -1.
func (o *Object) member(i int, name string) int {
	if o.nodes[i].kind != '{' {
		return -1
	}
	known := names.number(name)
	for c := i + 1; c < int(o.nodes[i].next); c = int(o.nodes[c].next) {
		if o.named(c, name, known) {
			return c
		}
	}
	return -1
}

// str returns the string at node i; false when it is not a string.
func (o *Object) str(i int) (string, bool) {
	if o.nodes[i].kind != '"' {
		return "", false
	}
	return unquote(o.value(i)), true
}

// bytes returns what the string at node i means. The caller must not change it.
func (o *Object) bytes(i int) []byte {
	quoted := o.value(i)
	if bytes.IndexByte(quoted, '\\') < 0 {
		return quoted[1 : len(quoted)-1]
	}
	return []byte(unquote(quoted))
}

// unquote decodes a JSON string that the decoder has already accepted.
func unquote(quoted []byte) string {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return string(quoted[1 : len(quoted)-1])
	}
	plain, err := jsontext.AppendUnquote(nil, quoted)
	if err != nil { // not reached: the scan has decoded it once
		return ""
	}
	return string(plain)
}

// HasValues reports whether each span of [Object.Raw], from its first byte up to
// but without its last index, is exactly one JSON value of the object. Spans are
// ascending and do not overlap.
func (o *Object) HasValues(spans [][2]int) bool {
	i := 0
	for _, s := range spans {
		for i < len(o.nodes) && int(o.nodes[i].start) < s[0] {
			i++
		}
		if i == len(o.nodes) || int(o.nodes[i].start) != s[0] || int(o.nodes[i].end) != s[1] {
			return false
		}
	}
	return true
}

// Get returns the raw JSON at a STIX selector path (STIX 2.1 §7.2.3.1), such
// as "extensions.extension-definition--x.note.content" or "object_refs.[0]".
// The caller must not change the bytes.
func (o *Object) Get(path string) ([]byte, bool) {
	i := o.find(0, path)
	if i < 0 {
		return nil, false
	}
	return o.value(i), true
}

// Text returns the string at a path; false when there is none or it is not a
// string.
func (o *Object) Text(path string) (string, bool) {
	i := o.find(0, path)
	if i < 0 {
		return "", false
	}
	return o.str(i)
}

// isText reports whether a value is the string of a text.
func isText(value []byte, text string) bool {
	switch {
	case value[0] != '"':
		return false
	case bytes.IndexByte(value, '\\') >= 0:
		return unquote(value) == text
	}
	return string(value[1:len(value)-1]) == text
}

// find returns the node at a path below node i, or -1. A member name that
// holds a dot is found too: the path is matched against the names that are
// there, not cut at each dot.
func (o *Object) find(i int, path string) int {
	found := -1
	index := 0
	inList := o.nodes[i].kind == '['
	o.children(i, func(c int) bool {
		step := o.name(c)
		if inList {
			step = "[" + strconv.Itoa(index) + "]"
			index++
		}
		switch {
		case path == step:
			found = c
		case len(path) > len(step) && strings.HasPrefix(path, step) && path[len(step)] == '.':
			found = o.find(c, path[len(step)+1:])
		}
		return found < 0
	})
	return found
}
