package stix

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/entente-relay/entente/federation"
)

// Edit replaces or adds one property.
type Edit struct {
	// Path is a top-level property, or "extensions.<id>", or
	// "extensions.<id>.<key>"; dictionaries on the way are made as needed.
	Path string
	// Value is the new raw JSON value.
	Value []byte
}

// With returns a new object with the edits applied in order, checked as
// [Parse] does; all other bytes stay as they are. Only intake uses it:
// everything later keeps an object as its issuer signed it.
func (o *Object) With(edits ...Edit) (*Object, error) {
	raw, nodes := o.raw, o.nodes
	for _, e := range edits {
		steps := strings.Split(e.Path, ".")
		if len(steps) > 3 || (len(steps) > 1 && steps[0] != "extensions") {
			return nil, federation.Refuse(federation.Malformed, clip(e.Path), "only top-level properties, extension entries and their keys can be edited")
		}
		next, err := set(raw, nodes, steps, e.Value)
		if err != nil {
			return nil, err
		}
		raw, nodes = next, nil
	}
	return Parse(raw)
}

// Compact returns the object without white space between its tokens, which
// changes nothing that JSON means; numbers and strings keep their spelling.
// Two copies of an object that differ only in layout become the same bytes.
func (o *Object) Compact() (*Object, error) {
	if o.compact() {
		return o, nil
	}
	out, err := jsontext.AppendFormat(nil, o.raw,
		jsontext.PreserveRawStrings(true), jsontext.CanonicalizeRawInts(false), jsontext.CanonicalizeRawFloats(false))
	if err != nil {
		return nil, syntax(err)
	}
	if bytes.Equal(out, o.raw) {
		return o, nil
	}
	return Parse(out)
}

// compact reports whether there is no white space between the object's tokens:
// whether they alone are as long as its text.
func (o *Object) compact() bool {
	size := 0
	for i := range o.nodes {
		n := &o.nodes[i]
		if n.nend > 0 {
			size += int(n.nend-n.name) + 1 // the name and its colon
		}
		if n.kind != '{' && n.kind != '[' {
			size += int(n.end - n.start)
			continue
		}
		size += 2
		for c := i + 1; c < int(n.next); c = int(o.nodes[c].next) {
			if c > i+1 {
				size++ // a comma
			}
		}
	}
	return size == len(o.raw)
}

// set returns a copy of the JSON object raw in which the member at steps has
// the value. nodes are those of raw, nil if it has not been scanned.
func set(raw []byte, nodes []node, steps []string, value []byte) ([]byte, error) {
	var err error
	if nodes == nil {
		if nodes, err = scan(raw, DefaultLimits().MaxDepth); err != nil {
			return nil, err
		}
	}
	o := &Object{raw: raw, nodes: nodes}
	quoted, err := jsontext.AppendQuote(nil, steps[0])
	if err != nil {
		return nil, federation.Refuse(federation.Malformed, "edit", fmt.Sprintf("a property name that is not UTF-8: %q", clip(steps[0])))
	}
	at := o.member(0, steps[0])
	if len(steps) > 1 {
		inner := []byte("{}")
		if at >= 0 {
			inner = o.value(at)
		}
		if value, err = set(inner, nil, steps[1:], value); err != nil {
			return nil, err
		}
	}
	var b bytes.Buffer
	b.Grow(len(raw) + len(quoted) + len(value) + 2)
	if at >= 0 {
		n := nodes[at]
		b.Write(raw[:n.start])
		b.Write(value)
		b.Write(raw[n.end:])
		return b.Bytes(), nil
	}
	end := int(nodes[0].end) - 1 // the closing brace
	b.Write(bytes.TrimRight(raw[:end], " \t\r\n"))
	if len(nodes) > 1 {
		b.WriteByte(',')
	}
	b.Write(quoted)
	b.WriteByte(':')
	b.Write(value)
	b.WriteByte('}')
	return b.Bytes(), nil
}
