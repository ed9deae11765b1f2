package intake

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/entente-relay/entente/federation"
)

// The structs hold what is read of a MISP event (MISP core format,
// draft-dulaunoy-misp-core-format). Lists are decoded element by element, so
// that one bad attribute does not cost the others.

type mispEvent struct {
	UUID         text         `json:"uuid"`
	Info         text         `json:"info"`
	Date         text         `json:"date"`
	Timestamp    text         `json:"timestamp"`
	Published    flag         `json:"published"`
	PublishedAt  text         `json:"publish_timestamp"`
	Distribution text         `json:"distribution"`
	Org          mispOrg      `json:"Org"`
	Orgc         mispOrg      `json:"Orgc"`
	Tag          list         `json:"Tag"`
	Attribute    list         `json:"Attribute"`
	Object       list         `json:"Object"`
	Shadow       list         `json:"ShadowAttribute"`
	Report       list         `json:"EventReport"`
	Groups       sharingGroup `json:"SharingGroup"`
}

type mispOrg struct {
	UUID text `json:"uuid"`
	Name text `json:"name"`
}

type sharingGroup struct {
	Name text `json:"name"`
}

// UnmarshalJSON takes an empty list, which is how MISP writes "none", as well.
func (g *sharingGroup) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] != '{' {
		return nil
	}
	type plain sharingGroup
	return json.Unmarshal(b, (*plain)(g))
}

type mispTag struct {
	Name text `json:"name"`
}

type mispAttribute struct {
	UUID         text `json:"uuid"`
	Type         text `json:"type"`
	Category     text `json:"category"`
	Relation     text `json:"object_relation"`
	Value        text `json:"value"`
	Comment      text `json:"comment"`
	Timestamp    text `json:"timestamp"`
	ToIDs        flag `json:"to_ids"`
	Deleted      flag `json:"deleted"`
	Distribution text `json:"distribution"`
	Tag          list `json:"Tag"`
	Shadow       list `json:"ShadowAttribute"`
	Sighting     list `json:"Sighting"`
}

type mispObject struct {
	UUID         text `json:"uuid"`
	Name         text `json:"name"`
	Comment      text `json:"comment"`
	Timestamp    text `json:"timestamp"`
	Deleted      flag `json:"deleted"`
	Distribution text `json:"distribution"`
	Attribute    list `json:"Attribute"`
	Reference    list `json:"ObjectReference"`
}

type mispSighting struct {
	UUID text `json:"uuid"`
	Type text `json:"type"`
	Date text `json:"date_sighting"`
}

// text takes a string, a number or a boolean: MISP's ids and dates come as
// either, by version and by tool.
type text string

// UnmarshalJSON decodes any scalar.
func (t *text) UnmarshalJSON(b []byte) error {
	switch {
	case len(b) == 0 || string(b) == "null":
		*t = ""
	case b[0] == '"':
		s, err := jsontext.AppendUnquote(nil, b)
		if err != nil {
			return err // invalid UTF-8 among others
		}
		*t = text(s)
	case b[0] == '{' || b[0] == '[':
		return fmt.Errorf("a text or a number is needed, not %q", b[0])
	default:
		*t = text(b)
	}
	return nil
}

// flag takes a boolean, 0 or 1, as text or not.
type flag bool

// UnmarshalJSON decodes any spelling of a boolean.
func (f *flag) UnmarshalJSON(b []byte) error {
	switch string(bytes.Trim(b, `"`)) {
	case "true", "1":
		*f = true
	case "false", "0", "", "null":
		*f = false
	default:
		return fmt.Errorf("true or false is needed, not %.20q", b)
	}
	return nil
}

// list keeps its elements raw. MISP writes an empty one as [] or {}.
type list []jsontext.Value

// UnmarshalJSON splits a list.
func (l *list) UnmarshalJSON(b []byte) error {
	if len(b) == 0 || string(b) == "null" || string(bytes.Join(bytes.Fields(b), nil)) == "{}" {
		*l = nil
		return nil
	}
	return json.Unmarshal(b, (*[]jsontext.Value)(l), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}

// outer decodes an event or an object of one: strictly itself, but not what is
// in its lists, which is decoded element by element.
func outer(raw jsontext.Value, into any) error {
	_, names := peek(raw)
	slices.Sort(names)
	if len(slices.Compact(slices.Clone(names))) != len(names) {
		return fmt.Errorf("a property name twice")
	}
	return json.Unmarshal(raw, into, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}

// misp reads {"Event": ...} or {"response": ...}, which holds one or a list.
func (r *reader) misp(raw jsontext.Value, where string) error {
	dec := permissive(raw)
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	events := 0
	for dec.PeekKind() == '"' {
		tok, err := dec.ReadToken()
		if err != nil {
			return err
		}
		name := tok.String()
		v, err := dec.ReadValue()
		if err != nil {
			return err
		}
		switch name {
		case "Event":
			events++
			err = r.event(v, where)
		case "response":
			events++
			err = r.responses(v, where)
		}
		if err != nil {
			return err
		}
	}
	if events > 1 {
		return r.refuse("", federation.Refuse(federation.Malformed, where, "more than one of Event and response in one object"))
	}
	return nil
}

// responses reads the value of response: events, each in an object of its own
// or all in one list.
func (r *reader) responses(raw jsontext.Value, where string) error {
	if raw.Kind() == '{' {
		return r.misp(raw, where)
	}
	dec := permissive(raw)
	if tok, err := dec.ReadToken(); err != nil || tok.Kind() != '[' {
		return federation.Refuse(federation.Malformed, where, "response is neither an event nor a list of events")
	}
	for dec.PeekKind() != ']' {
		v, err := dec.ReadValue()
		if err != nil {
			return err
		}
		if _, names := peek(v); v.Kind() == '{' && len(names) > 0 {
			err = r.misp(v, where)
		} else {
			err = r.refuse("", federation.Refuse(federation.Malformed, where, "not a MISP event"))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// uuidOf checks the UUID of something in MISP; it becomes that of the STIX
// object, so that the same thing read twice is one object.
func uuidOf(u text) (string, bool) {
	s := strings.ToLower(string(u))
	if len(s) != 36 {
		return "", false
	}
	for i, c := range s {
		hyphen := i == 8 || i == 13 || i == 18 || i == 23
		if hyphen != (c == '-') || !hyphen && !strings.ContainsRune("0123456789abcdef", c) {
			return "", false
		}
	}
	return s, true
}

// seconds reads a Unix time of MISP; false when it is 0 or none.
func seconds(t text) (time.Time, bool) {
	n, err := strconv.ParseInt(string(t), 10, 64)
	if err != nil || n <= 0 || n > 253402300799 { // the end of the year 9999
		return time.Time{}, false
	}
	return time.Unix(n, 0).UTC(), true
}
