package intake

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/stix"
)

// Read reads a file that a producer hands in: a STIX 2.1 bundle, a bare object,
// a list of objects or JSON lines of any of these, MISP events, or CSV. name is
// the file's name, for errors; profile may be nil, and then unmarked objects
// are held; now is the time of the reading. A fault of the whole file is the
// error, a *federation.Refusal; a fault of one object is in its item.
func Read(data []byte, name string, profile *Profile, now time.Time) (*Result, error) {
	r := &reader{name: name, now: now, limits: stix.DefaultLimits()}
	m, err := newMarker(profile)
	if err != nil {
		return nil, err
	}
	if len(data) > r.limits.MaxBytes {
		return nil, federation.Refuse(federation.TooLarge, name, fmt.Sprintf("%d bytes, at most %d are read", len(data), r.limits.MaxBytes))
	}
	if err := r.file(data); err != nil {
		return nil, r.whole(err)
	}
	r.check()
	m.mark(r.entries)
	return r.result(), nil
}

// reader collects the objects of one file.
type reader struct {
	name    string
	now     time.Time
	limits  stix.Limits
	entries []entry
}

// entry is one object of a file on its way to an item.
type entry struct {
	id      string
	object  *stix.Object // nil when refused
	outcome Outcome
	reason  federation.Reason
	text    string
}

// byteOrderMark may stand before UTF-8 text (RFC 8259 §8.1 lets a reader
// ignore it; spreadsheets write it into CSV).
var byteOrderMark = []byte("\xef\xbb\xbf")

// file tells by the first character what the file is.
func (r *reader) file(data []byte) error {
	data = bytes.TrimPrefix(data, byteOrderMark)
	text := bytes.TrimSpace(data)
	switch {
	case len(text) == 0:
		return federation.Refuse(federation.Malformed, "", "the file is empty")
	case text[0] == '{' || text[0] == '[':
		return r.json(data)
	}
	return r.csv(data)
}

// json reads one JSON value, or one a line.
func (r *reader) json(data []byte) error {
	dec := permissive(data)
	first, err := dec.ReadValue()
	if err == nil && len(bytes.TrimSpace(data[dec.InputOffset():])) == 0 {
		return r.value(bytes.TrimSpace(first), "")
	}
	line, _, _ := bytes.Cut(bytes.TrimSpace(data), []byte("\n"))
	if !jsontext.Value(line).IsValid(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)) {
		if err == nil {
			return federation.Refuse(federation.Malformed, fmt.Sprintf("byte %d", dec.InputOffset()), "something follows the JSON value; write one value a line")
		}
		return syntax(err)
	}
	return r.lines(data)
}

// lines reads JSON lines. A line that cannot be read does not cost the others.
func (r *reader) lines(data []byte) error {
	n := 0
	for line := range bytes.Lines(data) {
		n++
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		where := fmt.Sprintf("line %d", n)
		dec := permissive(line)
		_, err := dec.ReadValue()
		if err == nil && int(dec.InputOffset()) != len(line) {
			err = federation.Refuse(federation.Malformed, "", "something follows the JSON value")
		}
		if err == nil {
			err = r.value(line, where)
		}
		if federation.ReasonOf(err) == federation.TooLarge && r.full() {
			return err
		}
		if err != nil {
			if err := r.refuse("", within(where, syntax(err))); err != nil {
				return err
			}
		}
	}
	return nil
}

// value reads one JSON value: a bundle, an object, a list or MISP events.
func (r *reader) value(raw jsontext.Value, where string) error {
	switch raw.Kind() {
	case '[':
		return r.list(raw, where)
	case '{':
	default:
		return federation.Refuse(federation.Malformed, "", "neither a JSON object nor a list of them")
	}
	typ, names := peek(raw)
	switch {
	case slices.Contains(names, "Event"), slices.Contains(names, "response"):
		return r.misp(raw, where)
	case typ != "bundle" && slices.Contains(names, "type") && slices.Contains(names, "id"):
		return r.add(stix.ParseEntry(len(r.entries), bytes.Clone(raw), r.limits), where)
	}
	limits := r.limits
	limits.MaxObjects -= len(r.entries)
	b, err := stix.ParseBundle(raw, limits)
	if err != nil {
		return err // says what was seen
	}
	for _, e := range b.Entries {
		if err := r.add(e, where); err != nil {
			return err
		}
	}
	return nil
}

// list reads a list of objects or MISP events.
func (r *reader) list(raw jsontext.Value, where string) error {
	dec := permissive(raw)
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	for dec.PeekKind() != ']' {
		v, err := dec.ReadValue()
		if err != nil {
			return err
		}
		if v.Kind() == '{' {
			if typ, names := peek(v); typ == "bundle" || slices.Contains(names, "Event") || slices.Contains(names, "response") {
				if err := r.value(bytes.Clone(v), where); err != nil {
					return err
				}
				continue
			}
		}
		if err := r.add(stix.ParseEntry(len(r.entries), bytes.Clone(v), r.limits), where); err != nil {
			return err
		}
	}
	return nil
}

// add takes one entry of a bundle, without the white space between its tokens:
// two copies that differ in layout only are then the same bytes, and get the
// same digest when they are signed.
func (r *reader) add(e stix.Entry, where string) error {
	if e.Err != nil {
		return r.refuse(e.ID, within(where, e.Err))
	}
	o, err := e.Object.Compact()
	if err != nil {
		return r.refuse(e.ID, within(where, err))
	}
	return r.append(entry{id: o.ID(), object: o, outcome: Taken})
}

// refuse lists an object that cannot be taken.
func (r *reader) refuse(id string, err error) error {
	return r.append(entry{id: id, outcome: Refused, reason: reasonOf(err), text: err.Error()})
}

func (r *reader) append(e entry) error {
	if r.full() {
		return federation.Refuse(federation.TooLarge, "", fmt.Sprintf("more than %d objects", r.limits.MaxObjects))
	}
	r.entries = append(r.entries, e)
	return nil
}

func (r *reader) full() bool { return len(r.entries) >= r.limits.MaxObjects }

// whole names the file in a fault of the whole file.
func (r *reader) whole(err error) error { return within(r.name, syntax(err)) }

func (r *reader) result() *Result {
	res := &Result{Items: make([]Item, len(r.entries))}
	for i, e := range r.entries {
		res.Items[i] = Item{Index: i, ID: e.id, Outcome: e.outcome, Reason: e.reason, Text: e.text}
		switch e.outcome {
		case Taken:
			res.Taken = append(res.Taken, e.object)
		case Held:
			res.Held = append(res.Held, e.object)
		}
	}
	return res
}

// permissive decodes JSON to find the values in it; each value is read
// strictly by itself.
func permissive(data []byte) *jsontext.Decoder {
	return jsontext.NewDecoder(bytes.NewBuffer(data), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}

// peek returns the type and the first names of a JSON object.
func peek(raw jsontext.Value) (typ string, names []string) {
	dec := permissive(raw)
	if _, err := dec.ReadToken(); err != nil {
		return "", nil
	}
	for dec.PeekKind() == '"' && len(names) < 64 {
		tok, err := dec.ReadToken()
		if err != nil {
			return "", names
		}
		name := tok.String()
		names = append(names, name)
		v, err := dec.ReadValue()
		if err != nil {
			return "", names
		}
		if name == "type" && v.Kind() == '"' {
			if text, err := jsontext.AppendUnquote(nil, v); err == nil {
				typ = string(text)
			}
		}
	}
	return typ, names
}

// within puts a place before the one that a refusal names.
func within(where string, err error) error {
	r, ok := errors.AsType[*federation.Refusal](err)
	if !ok || where == "" {
		return err
	}
	c := *r
	c.Where = strings.TrimSuffix(where+": "+r.Where, ": ")
	return &c
}

// syntax makes a refusal of an error of the JSON decoder.
func syntax(err error) error {
	if federation.ReasonOf(err) != "" {
		return err
	}
	return &federation.Refusal{Reason: federation.Malformed, Detail: "not valid JSON", Err: err}
}
