package stix

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/entente-relay/entente/federation"
)

// Bundle is a file of objects (STIX 2.1 §8).
type Bundle struct {
	// ID is the bundle's own id, which STIX gives no meaning.
	ID string
	// Entries are the objects in file order, the refused ones among them.
	Entries []Entry
}

// Entry is one object of a bundle, or why it was refused.
type Entry struct {
	// Index is the position in the file, from 0.
	Index int
	// ID is the object's id, as far as it could be read.
	ID string
	// Object is nil when Err is set.
	Object *Object
	// Err is a *federation.Refusal.
	Err error
	// Raw is the entry's bytes.
	Raw []byte
}

// ParseBundle reads a bundle. A fault of the whole file is the error; a bad
// object is listed among the entries.
func ParseBundle(data []byte, lim Limits) (*Bundle, error) {
	if len(data) > lim.MaxBytes {
		return nil, federation.Refuse(federation.TooLarge, "bundle", fmt.Sprintf("%d bytes, at most %d are read", len(data), lim.MaxBytes))
	}
	// Names are checked for each object by itself, so that one bad object does
	// not cost the others.
	dec := jsontext.NewDecoder(bytes.NewBuffer(data), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if kind := dec.PeekKind(); kind != '{' && kind != 0 {
		return nil, federation.Refuse(federation.Malformed, "bundle", "not a JSON object but a JSON "+kindName(kind))
	}
	if _, err := dec.ReadToken(); err != nil {
		return nil, syntax(err)
	}
	r := bundleReader{dec: dec, lim: lim, bundle: new(Bundle)}
	for dec.PeekKind() == '"' {
		if err := r.member(); err != nil {
			return nil, err
		}
	}
	if _, err := dec.ReadToken(); err != nil {
		return nil, syntax(err)
	}
	if _, err := dec.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, federation.Refuse(federation.Malformed, fmt.Sprintf("byte %d", dec.InputOffset()), "something follows the bundle")
	}
	if err := r.isBundle(); err != nil {
		return nil, err
	}
	return r.bundle, nil
}

// bundleReader walks the members of a bundle.
type bundleReader struct {
	dec    *jsontext.Decoder
	lim    Limits
	bundle *Bundle
	typ    string
	spec   string
	seen   []string
}

// member reads one member of the bundle.
func (r *bundleReader) member() error {
	tok, err := r.dec.ReadToken()
	if err != nil {
		return syntax(err)
	}
	name := tok.String()
	if slices.Contains(r.seen, name) {
		return federation.Refuse(federation.Malformed, "bundle", fmt.Sprintf("the member %q twice", clip(name)))
	}
	if len(r.seen) == 64 {
		return federation.Refuse(federation.TooLarge, "bundle", "more than 64 members; a bundle has type, id and objects")
	}
	r.seen = append(r.seen, name)
	if name == "objects" {
		return r.objects()
	}
	value, err := r.dec.ReadValue()
	if err != nil {
		return syntax(err)
	}
	if value.Kind() != '"' {
		return nil
	}
	switch name {
	case "type":
		r.typ = unquote(value)
	case "id":
		r.bundle.ID = unquote(value)
	case "spec_version":
		r.spec = unquote(value)
	}
	return nil
}

// objects reads the list of objects.
func (r *bundleReader) objects() error {
	if kind := r.dec.PeekKind(); kind != '[' {
		if _, err := r.dec.ReadValue(); err != nil {
			return syntax(err)
		}
		return wrongType("bundle.objects", "list", kind)
	}
	if _, err := r.dec.ReadToken(); err != nil {
		return syntax(err)
	}
	for r.dec.PeekKind() != ']' {
		value, err := r.dec.ReadValue()
		if err != nil {
			return syntax(err)
		}
		if len(r.bundle.Entries) == r.lim.MaxObjects {
			return federation.Refuse(federation.TooLarge, "bundle.objects", fmt.Sprintf("more than %d objects", r.lim.MaxObjects))
		}
		r.bundle.Entries = append(r.bundle.Entries, ParseEntry(len(r.bundle.Entries), bytes.Clone(value), r.lim))
	}
	if _, err := r.dec.ReadToken(); err != nil {
		return syntax(err)
	}
	return nil
}

// isBundle says what was seen when it is not a STIX 2.1 bundle.
func (r *bundleReader) isBundle() error {
	if r.typ == "bundle" && (r.spec == "" || r.spec == "2.1") {
		return nil
	}
	e := federation.Refuse(federation.Unsupported, "bundle", "")
	switch {
	case r.typ == "bundle":
		e.Detail = fmt.Sprintf("a bundle of STIX version %q; only 2.1 is read", clip(r.spec))
		e.Hint = "convert it to STIX 2.1 first"
	case slices.Contains(r.seen, "/discovery"):
		e.Detail = "a dump of a TAXII server (discovery, API roots, collections), not a STIX bundle"
		e.Hint = "export each collection as a bundle, or fetch it over TAXII"
	default:
		most := min(len(r.seen), 5)
		e.Detail = fmt.Sprintf("not a STIX bundle: type %q, members %s", clip(r.typ), clip(strings.Join(r.seen[:most], ", ")))
		e.Hint = `a bundle is {"type": "bundle", "id": "bundle--...", "objects": [...]}`
	}
	return e
}

// ParseEntry reads one object as the entry at a position of a file; its fault
// is in the entry. It keeps raw.
func ParseEntry(index int, raw []byte, lim Limits) Entry {
	e := Entry{Index: index, Raw: raw}
	o, err := parse(raw, lim)
	if err != nil {
		e.ID, e.Err = peekID(raw), err
		return e
	}
	e.ID, e.Object = o.id, o
	return e
}

// peekID finds the id of an object that could not be read, to name it by; ""
// when there is none to be found.
func peekID(raw []byte) string {
	dec := jsontext.NewDecoder(bytes.NewBuffer(raw), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if tok, err := dec.ReadToken(); err != nil || tok.Kind() != '{' {
		return ""
	}
	for dec.PeekKind() == '"' {
		tok, err := dec.ReadToken()
		if err != nil {
			return ""
		}
		isID := tok.String() == "id"
		value, err := dec.ReadValue()
		if err != nil {
			return ""
		}
		if isID && value.Kind() == '"' {
			return clip(strings.ToValidUTF8(unquote(value), "?"))
		}
	}
	return ""
}
