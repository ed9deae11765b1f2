package vocab

import (
	"bytes"
	"errors"
	"io"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// document is a JSON object whose members are still raw, with their places.
type document struct {
	data    []byte
	members map[string]member
}

// member is one raw value and the offset of its first byte in the file.
type member struct {
	value  jsontext.Value
	offset int
}

// readDocument splits a JSON object into its members. Duplicate names, invalid
// UTF-8, trailing data and anything that is no object are faults.
func readDocument(data []byte, flt *faults) *document {
	d := &document{data: bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")), members: map[string]member{}}
	dec := jsontext.NewDecoder(bytes.NewBuffer(d.data))
	if dec.PeekKind() != '{' {
		flt.add(1, "not a JSON object", "load a MISP galaxy or machinetag file")
		return nil
	}
	fail := func(err error) *document {
		at := dec.InputOffset()
		if s, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
			at, err = s.ByteOffset, s.Err
		}
		flt.add(lineAt(d.data, int(at)), "not JSON: "+err.Error(), "")
		return nil
	}
	if _, err := dec.ReadToken(); err != nil {
		return fail(err)
	}
	for dec.PeekKind() != '}' {
		name, err := dec.ReadToken()
		if err != nil {
			return fail(err)
		}
		key := name.String()
		value, err := dec.ReadValue()
		if err != nil {
			return fail(err)
		}
		d.members[key] = member{value.Clone(), int(dec.InputOffset()) - len(value)}
	}
	if _, err := dec.ReadToken(); err != nil {
		return fail(err)
	}
	if _, err := dec.ReadToken(); !errors.Is(err, io.EOF) {
		flt.add(lineAt(d.data, int(dec.InputOffset())), "data after the JSON object", "one object a file")
		return nil
	}
	return d
}

// has reports whether the object has a member.
func (d *document) has(name string) bool { _, ok := d.members[name]; return ok }

// text returns a member that is a string, else "".
func (d *document) text(name string) string {
	var s string
	if json.Unmarshal(d.members[name].value, &s) != nil {
		return ""
	}
	return s
}

// line returns where a member stands.
func (d *document) line(name string) int { return lineAt(d.data, d.members[name].offset) }

// version returns the member version, which MISP has as an integer, as it is
// written.
func (d *document) version(flt *faults) string {
	v := d.members["version"].value
	if v.Kind() != '0' {
		flt.add(d.line("version"), "version is missing or no number", "state the version of the file")
		return ""
	}
	return string(v)
}

// each decodes the elements of a member that is a list into values of T and
// calls f with each and its line. It stops at limit elements.
func each[T any](d *document, name string, limit int, flt *faults, f func(T, int)) {
	m := d.members[name]
	if m.value.Kind() != '[' {
		flt.add(d.line(name), name+" is missing or no list", "")
		return
	}
	dec := jsontext.NewDecoder(bytes.NewBuffer(m.value))
	if _, err := dec.ReadToken(); err != nil {
		flt.add(d.line(name), err.Error(), "")
		return
	}
	line, at := d.line(name), 0 // counted along, since elements come in order
	for n := 0; dec.PeekKind() != ']'; n++ {
		value, err := dec.ReadValue()
		if err != nil {
			flt.add(line, err.Error(), "")
			return
		}
		start := int(dec.InputOffset()) - len(value)
		line += bytes.Count(m.value[at:start], []byte{'\n'})
		at = start
		if n >= limit {
			flt.add(line, "too many entries in "+name, "split the file")
			return
		}
		var v T
		if err := json.Unmarshal(value, &v); err != nil {
			flt.add(line+errorLine(value, err), "entry of "+name+" is not as it should be: "+cause(err), "")
			continue
		}
		f(v, line)
	}
}

// errorLine returns how many lines into value the error is.
func errorLine(value []byte, err error) int {
	if s, ok := errors.AsType[*json.SemanticError](err); ok {
		return lineAt(value, int(s.ByteOffset)) - 1
	}
	return 0
}

// cause is the short form of a decoding error.
func cause(err error) string {
	if s, ok := errors.AsType[*json.SemanticError](err); ok {
		text := string(s.JSONPointer) + ": unexpected JSON " + s.JSONKind.String()
		if s.Err != nil {
			text += ": " + s.Err.Error()
		}
		return text
	}
	return err.Error()
}
