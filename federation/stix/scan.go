package stix

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/entente-relay/entente/federation"
)

// node is one JSON value of an object: where its bytes are, and where in the
// list of nodes its subtree ends. Nodes are in the order of the text, so a
// container's children follow it directly; the first node is the object.
type node struct {
	start, end uint32 // the value's bytes
	name, nend uint32 // the member name's bytes with quotes; equal if none
	next       uint32 // index of the first node after this subtree
	kind       jsontext.Kind
	known      uint8 // the number of the member name in names, unknownName or escapedName
}

// scanner holds what a pass needs and reuses.
type scanner struct {
	buf   bytes.Buffer
	dec   jsontext.Decoder
	nodes []node
	open  []uint32
}

var scanners sync.Pool

// reservedNames are member names that have a meaning in SD-JWT (RFC 9901
// §4.2.4, §4.3); in an object they could be taken for a disclosure's digest.
func reservedName(b []byte) bool {
	switch string(b) {
	case "_sd", "_sd_alg", "...":
		return true
	}
	return false
}

// scan reads one JSON object strictly: valid UTF-8, no duplicate names, no
// reserved names, nested no deeper than depth, nothing after it. It returns
// the nodes. Nearly all text is read by [quick]; whatever that gives up on, the
// decoder reads anew and judges alone.
func scan(raw []byte, depth int) ([]node, error) {
	s, ok := scanners.Get().(*scanner)
	if !ok { // the pool is empty
		s = new(scanner)
	}
	defer scanners.Put(s)
	q := quick{raw: raw, nodes: s.nodes[:0]}
	done := q.all(depth)
	s.nodes = q.nodes
	if !done {
		if err := s.strict(raw, depth); err != nil {
			return nil, err
		}
	}
	return append(make([]node, 0, len(s.nodes)), s.nodes...), nil
}

// strict is scan by the decoder; the nodes are those of s.
func (s *scanner) strict(raw []byte, depth int) error {
	defer func() { // keep nothing of the text
		s.buf = bytes.Buffer{}
		s.dec.Reset(&s.buf)
	}()
	s.buf = *bytes.NewBuffer(raw)
	s.dec.Reset(&s.buf)
	s.nodes, s.open = s.nodes[:0], s.open[:0]
	if kind := s.dec.PeekKind(); kind != '{' {
		if _, err := s.dec.ReadValue(); err != nil {
			return syntax(err)
		}
		return federation.Refuse(federation.Malformed, "byte 0", "not a JSON object but a JSON "+kindName(kind))
	}
	if err := s.value(raw, depth); err != nil {
		return err
	}
	if _, err := s.dec.ReadToken(); !errors.Is(err, io.EOF) {
		return federation.Refuse(federation.Malformed, fmt.Sprintf("byte %d", s.dec.InputOffset()), "something follows the JSON object")
	}
	return nil
}

// value reads tokens until the first value is complete.
func (s *scanner) value(raw []byte, depth int) error {
	var name, nend uint32 // the member name read last, not used up yet
	for {
		kind := s.dec.PeekKind()
		switch kind {
		case '}', ']':
			if _, err := s.dec.ReadToken(); err != nil {
				return syntax(err)
			}
			last := len(s.open) - 1
			n := &s.nodes[s.open[last]]
			n.end, n.next = uint32(s.dec.InputOffset()), uint32(len(s.nodes))
			s.open = s.open[:last]
			if last == 0 {
				return nil
			}
			continue
		case '{', '[':
			if len(s.open) == depth {
				return federation.Refuse(federation.TooLarge, fmt.Sprintf("byte %d", s.dec.InputOffset()), fmt.Sprintf("nested deeper than %d levels", depth))
			}
			if _, err := s.dec.ReadToken(); err != nil {
				return syntax(err)
			}
			s.add(raw, node{start: uint32(s.dec.InputOffset()) - 1, kind: kind, name: name, nend: nend})
			s.open = append(s.open, uint32(len(s.nodes)-1))
		default:
			v, err := s.dec.ReadValue()
			if err != nil {
				return syntax(err)
			}
			end := uint32(s.dec.InputOffset())
			start := end - uint32(len(v))
			if nend == 0 && s.nodes[s.open[len(s.open)-1]].kind == '{' {
				if err := checkName(v); err != nil {
					return err
				}
				name, nend = start, end
				continue
			}
			if kind == '0' && tooLarge(v) {
				return federation.Refuse(federation.Malformed, fmt.Sprintf("byte %d", start), "a number that is no IEEE 754 double: other readers take it for infinite, or not at all")
			}
			s.add(raw, node{start: start, end: end, next: uint32(len(s.nodes) + 1), kind: kind, name: name, nend: nend})
		}
		name, nend = 0, 0
	}
}

// tooLarge reports whether a number exceeds what JSON readers have in common, an
// IEEE 754 double (RFC 7493 section 2.2). Short ones without an exponent do not.
func tooLarge(number []byte) bool {
	if len(number) < 300 && !bytes.ContainsAny(number, "eE") {
		return false
	}
	_, err := strconv.ParseFloat(string(number), 64)
	return err != nil
}

// add appends n and notes which member name it has.
func (s *scanner) add(raw []byte, n node) {
	if n.nend > 0 {
		name := raw[n.name+1 : n.nend-1]
		n.known = names.numberOf(name)
		if bytes.IndexByte(name, '\\') >= 0 {
			n.known = escapedName
		}
	}
	s.nodes = append(s.nodes, n)
}

// checkName refuses a member name that a signature could be confused by.
func checkName(quoted []byte) error {
	name := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(name, '\\') >= 0 {
		plain, err := jsontext.AppendUnquote(nil, quoted)
		if err != nil {
			return syntax(err)
		}
		name = plain
	}
	if reservedName(name) {
		return federation.Refuse(federation.Malformed, string(name), "a property name that SD-JWT reserves")
	}
	return nil
}

// syntax turns an error of the JSON decoder into a refusal that says where.
func syntax(err error) error {
	r := federation.Refuse(federation.Malformed, "JSON", "not valid JSON")
	if errors.Is(err, io.EOF) {
		r.Where, r.Detail = "byte 0", "the JSON text ends too early"
		return r
	}
	if se, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		r.Where = fmt.Sprintf("byte %d", se.ByteOffset)
		if se.JSONPointer != "" {
			r.Where += " (" + clip(string(se.JSONPointer)) + ")"
		}
		switch {
		case errors.Is(err, jsontext.ErrDuplicateName):
			r.Detail = "the same property name twice in one object"
			return r
		case errors.Is(err, io.ErrUnexpectedEOF):
			r.Detail = "the JSON text ends too early"
			return r
		}
		r.Err = se.Err
		return r
	}
	r.Err = err
	return r
}

// clip bounds what an error repeats of its input.
func clip(s string) string {
	const most = 120
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "..."
}

func kindName(k jsontext.Kind) string {
	switch k {
	case 'n':
		return "null"
	case 't', 'f':
		return "boolean"
	case '"':
		return "string"
	case '0':
		return "number"
	case '[':
		return "list"
	case '{':
		return "object"
	}
	return "value"
}
