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
	b := o.rawName(i)
	if !o.nodes[i].escaped {
		return intern(b)
	}
	return unquote(o.raw[o.nodes[i].name:o.nodes[i].nend])
}

// named reports whether the member name of node i is want.
func (o *Object) named(i int, want string) bool {
	if o.nodes[i].escaped {
		return o.name(i) == want
	}
	return string(o.rawName(i)) == want
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
	found := -1
	if o.nodes[i].kind == '{' {
		o.children(i, func(c int) bool {
			if o.named(c, name) {
				found = c
			}
			return found < 0
		})
	}
	return found
}

// str returns the string at node i; false when it is not a string.
func (o *Object) str(i int) (string, bool) {
	if o.nodes[i].kind != '"' {
		return "", false
	}
	return unquote(o.value(i)), true
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

// intern returns b as a string without allocating for the names that nearly
// every object has.
func intern(b []byte) string {
	if s, ok := names[string(b)]; ok {
		return s
	}
	return string(b)
}

// names holds the property names of frequent objects. It is never written to
// after it is made.
var names = nameTable(`type spec_version id created_by_ref created modified revoked labels confidence lang
	external_references object_marking_refs granular_markings extensions name description indicator_types
	pattern pattern_type pattern_version valid_from valid_until kill_chain_phases value hashes object_refs
	relationship_type source_ref target_ref is_family malware_types aliases first_seen last_seen
	identity_class sectors contact_information content abstract note contacts extension_type origin scheme
	classification caveats releasable_to residency retain_days purpose contract personal_data impact categories
	default_marking reoriginated generalised aggregate kill_chain_name phase_name source_name external_id url selectors marking_ref
	first_observed last_observed number_observed published report_types definition definition_type ` + HandlingExtension)

func nameTable(list string) map[string]string {
	m := map[string]string{}
	for _, n := range words(list) {
		m[n] = n
	}
	return m
}
