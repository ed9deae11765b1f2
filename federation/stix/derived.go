package stix

import (
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/entente-relay/entente/federation"
)

// observableNamespace is the namespace of deterministic observable ids (STIX
// 2.1 §2.9).
var observableNamespace = uuid.MustParse("00abedb4-aa42-466c-9c01-fed23315a9b7")

// DerivedID reports whether the object's id may have been computed from its
// values, so that the id alone lets a reader test a guess at them: all IPv4
// addresses are tried in minutes. See [Derived].
func (o *Object) DerivedID() bool { return Derived(o.id) }

// Derived reports whether an id may have been computed from the values of what
// it names. It goes by the UUID's version: random and time-based ones (1, 4, 6,
// 7) are taken at their word, all others are not, nor is what is no id.
func Derived(id string) bool {
	if len(id) < uuidLen {
		return true
	}
	switch id[len(id)-uuidLen+14] {
	case '1', '4', '6', '7':
		return false
	}
	return true
}

// DerivedFrom returns the paths of the object's units whose values go into a
// derived id, or nil when the id is not derived. Removing one of them does not
// hide it, so the object must be withheld, and the references to it with it.
//
// For an observable they are its ID Contributing Properties (STIX 2.1 §6). For
// other types STIX names none, but producers in the field derive ids from
// names and patterns; every property of that kind that is there counts.
func (o *Object) DerivedFrom() []string {
	if !o.DerivedID() {
		return nil
	}
	return o.contributing()
}

// contributing returns the paths of the units whose values go into the object's
// id if that is a derived one.
func (o *Object) contributing() []string {
	from := o.info.derived
	if o.info.class != observable {
		from = []string{"name", "value", "identity_class", "abstract", "content", "opinion", "contact_information",
			"source_ref", "target_ref", "relationship_type", "sighting_of_ref", "pattern", "created_by_ref"}
	}
	var out []string
	for _, name := range from {
		c := o.member(0, name)
		if c < 0 {
			continue
		}
		out = append(out, name)
		if name == "extensions" {
			o.children(c, func(e int) bool {
				if ext := o.name(e); ext != HandlingExtension {
					out = append(out, "extensions."+ext)
				}
				return true
			})
		}
	}
	return out
}

// ObservableID returns the deterministic id of an observable, given as JSON
// without an id: a UUIDv5 over the RFC 8785 form of its ID contributing
// properties, of several hashes the first in the order MD5, SHA-1, SHA-256,
// SHA-512 (STIX 2.1 §2.9).
func ObservableID(raw []byte) (string, error) {
	nodes, err := scan(raw, DefaultLimits().MaxDepth)
	if err != nil {
		return "", err
	}
	o := &Object{raw: raw, nodes: nodes}
	typ, _ := o.Text("type")
	info := infoOf(typ)
	if info.class != observable {
		return "", federation.Refuse(federation.Unsupported, "type", clip(typ)+" is not an observable of STIX 2.1")
	}
	doc := []byte{'{'}
	for _, name := range info.derived {
		c := o.member(0, name)
		if c < 0 {
			continue
		}
		value := o.value(c)
		if name == "hashes" {
			value = o.firstHash(c)
		}
		if len(doc) > 1 {
			doc = append(doc, ',')
		}
		doc = append(append(append(doc, '"'), name...), '"', ':')
		doc = append(doc, value...)
	}
	if len(doc) == 1 {
		return "", federation.Refuse(federation.Malformed, typ, "none of the properties that an id is made from is there")
	}
	canonical := jsontext.Value(append(doc, '}'))
	if err := canonical.Canonicalize(); err != nil {
		return "", syntax(err)
	}
	return typ + "--" + uuid.NewSHA1(observableNamespace, canonical).String(), nil
}

// firstHash returns the part of a dictionary of hashes that goes into an id.
func (o *Object) firstHash(c int) []byte {
	for _, algorithm := range [...]string{"MD5", "SHA-1", "SHA-256", "SHA-512"} {
		if h := o.member(c, algorithm); h >= 0 {
			return append(append([]byte(`{"`+algorithm+`":`), o.value(h)...), '}')
		}
	}
	return o.value(c)
}
