package intake

import (
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/mapping"
)

// objects reads the MISP objects of the event. Of a file object all hashes
// describe one file and become one object; of every other, each attribute
// stands for itself, with the object's name as a label.
func (e *event) objects() error {
	for _, raw := range e.Object {
		var o mispObject
		if err := outer(raw, &o); err != nil {
			err = &federation.Refusal{Reason: federation.Malformed, Where: "MISP object", Detail: "not readable", Err: short(err)}
			if err := e.r.refuse("", within(e.where, err)); err != nil {
				return err
			}
			continue
		}
		if err := e.object(&o); err != nil {
			return err
		}
	}
	return nil
}

func (e *event) object(o *mispObject) error {
	rest := []jsontext.Value(o.Attribute)
	if o.Deleted {
		for range rest {
			err := federation.Refuse(federation.Withdrawn, "MISP object "+clip(string(o.UUID)), "it is deleted in MISP")
			if err := e.r.refuse("", within(e.where, err)); err != nil {
				return err
			}
		}
		return nil
	}
	distribution := o.Distribution
	if distribution == "5" {
		distribution = ""
	}
	if o.Name == "file" {
		var err error
		if rest, err = e.file(o, distribution); err != nil {
			return err
		}
	}
	for _, raw := range rest {
		if err := e.attribute(raw, string(o.Name), distribution); err != nil {
			return err
		}
	}
	return e.unsupported("a relation between objects (ObjectReference)", o.Reference)
}

// file lists one object for the hashes and the name of a file object, and
// returns the attributes that are not in it.
func (e *event) file(o *mispObject, distribution text) (rest []jsontext.Value, err error) {
	id, ok := uuidOf(o.UUID)
	if !ok {
		return o.Attribute, nil // each for itself
	}
	f := fileParts{hashes: map[string]string{}}
	for _, raw := range o.Attribute {
		a, err := e.decode(raw, string(o.Name), distribution)
		if err != nil || !f.take(a) {
			rest = append(rest, raw)
		}
	}
	if len(f.hashes) == 0 {
		return o.Attribute, nil
	}
	a := f.whole
	a.uuid, a.at, a.ToIDs, a.Value, a.Comment = id, e.at, flag(f.toIDs), text(f.name), o.Comment
	if t, ok := seconds(o.Timestamp); ok {
		a.at = t
	}
	if f.toIDs {
		_, err = e.indicator(a, f.observed())
	} else {
		_, err = e.observedData(a, f.observed())
	}
	return rest, err
}

// fileParts are the attributes of a file object that go into one object.
type fileParts struct {
	hashes map[string]string
	name   string
	toIDs  bool
	whole  *attribute // labels and markings of all parts
}

// take adds an attribute if it belongs in, and reports whether it did.
func (f *fileParts) take(a *attribute) bool {
	if a.Deleted || len(a.Sighting) > 0 || len(a.Shadow) > 0 {
		return false
	}
	algorithm, isHash := hashes[lower(a.Type)]
	switch {
	case isHash:
		v, err := hashValue(algorithm, string(a.Value))
		if err != nil || f.hashes[algorithm] != "" {
			return false // listed by itself, with its fault
		}
		f.hashes[algorithm] = v
		f.toIDs = f.toIDs || bool(a.ToIDs)
	case a.Type == "filename" && f.name == "":
		f.name = string(a.Value)
	default:
		return false
	}
	if f.whole == nil {
		f.whole = &attribute{}
	}
	f.whole.marks = mapping.Join(f.whole.marks, a.marks)
	f.whole.labels = append(f.whole.labels, a.labels...)
	return true
}

// observed looks for any of the hashes: each of them alone means the file.
func (f *fileParts) observed() *observed {
	var tests []string
	for algorithm, v := range f.hashes {
		tests = append(tests, fmt.Sprintf("file:hashes.'%s' = %s", algorithm, literal(v)))
	}
	slices.Sort(tests)
	return &observed{pattern: "[" + strings.Join(tests, " OR ") + "]", kind: "stix", version: "2.1", name: f.name,
		show: one("file", member{"hashes", f.hashes}, member{"name", f.name})}
}
