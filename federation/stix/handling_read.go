package stix

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/entente-relay/entente/federation"
)

// maxRetainDays bounds retain_days: a hundred years, so that adding it to a
// date never overflows.
const maxRetainDays = 36_525

func wrongType(where, want string, got jsontext.Kind) *federation.Refusal {
	return federation.Refuse(federation.Malformed, where, "a "+want+" is needed here, not a "+kindName(got))
}

// extensions checks the extensions property and reads our entry of it.
func (o *Object) extensions(c int) *federation.Refusal {
	if o.nodes[c].kind != '{' {
		return wrongType("extensions", "dictionary", o.nodes[c].kind)
	}
	var err *federation.Refusal
	empty := true
	o.children(c, func(e int) bool {
		empty = false
		name := o.name(e)
		switch {
		case !plainName(name):
			err = federation.Refuse(federation.Malformed, "extensions", "an entry's name must not be empty or hold dots, brackets or control characters")
		case o.nodes[e].kind != '{':
			err = wrongType("extensions."+clip(name), "dictionary", o.nodes[e].kind)
		case name == HandlingExtension:
			o.handling, err = o.readHandling(e)
		}
		return err == nil
	})
	if err == nil && empty {
		err = federation.Refuse(federation.Malformed, "extensions", "an empty dictionary; leave the property out instead")
	}
	return err
}

// readHandling decodes our entry strictly: a key we do not know could be a
// restriction, so it is refused like a wrong type.
func (o *Object) readHandling(e int) (*Handling, *federation.Refusal) {
	h := new(Handling)
	var err *federation.Refusal
	stated := false
	o.children(e, func(f int) bool {
		name := o.name(f)
		where := handlingPath(clip(name))
		switch name {
		case "extension_type":
			if o.nodes[f].kind != '"' {
				err = wrongType(where, "string", o.nodes[f].kind)
			} else if string(o.bytes(f)) != "property-extension" {
				err = federation.Refuse(federation.Malformed, where, `must be "property-extension"`)
			}
			stated = true
		case "note":
			h.Note, err = o.readNote(f, where)
		default:
			err = o.handlingKey(h, f, name, where)
		}
		return err == nil
	})
	if err == nil && !stated {
		err = federation.Refuse(federation.Malformed, "extensions."+HandlingExtension, "there is no extension_type")
	}
	return h, err
}

// handlingKey reads one fixed key of our entry.
func (o *Object) handlingKey(h *Handling, f int, name, where string) (err *federation.Refusal) {
	switch name {
	case "origin":
		h.Origin, err = o.word(f, where)
	case "scheme":
		h.Scheme, err = o.word(f, where)
	case "classification":
		h.Classification, err = o.word(f, where)
	case "contract":
		h.Contract, err = o.word(f, where)
	case "default_marking":
		h.DefaultMarking, err = o.word(f, where)
	case "reoriginated":
		h.Reoriginated, err = o.word(f, where)
	case "generalised":
		h.Generalised, err = o.word(f, where)
	case "aggregate":
		h.Aggregate, err = o.word(f, where)
	case "categories":
		h.Categories, err = o.categories(f, where)
	case "impact":
		if h.Impact, err = o.word(f, where); err == nil && !slices.Contains(Impacts(), h.Impact) {
			err = federation.Refuse(federation.Malformed, where, "not one of "+strings.Join(Impacts(), ", "))
		}
	case "caveats":
		h.Caveats, err = o.list(f, where)
	case "releasable_to":
		h.ReleasableTo, err = o.list(f, where)
	case "residency":
		h.Residency, err = o.list(f, where)
	case "purpose":
		h.Purpose, err = o.list(f, where)
	case "retain_days":
		n, ok := o.integer(f)
		if !ok || n < 1 || n > maxRetainDays {
			return federation.Refuse(federation.Malformed, where, fmt.Sprintf("not a whole number from 1 to %d", maxRetainDays))
		}
		h.RetainDays = int(n)
	case "personal_data":
		var b bool
		if b, err = o.boolean(f, where); err == nil {
			h.PersonalData = &b
		}
	default:
		err = federation.Refuse(federation.Malformed, where, "a key of the handling extension that is not known here")
		err.Hint = "it may be a restriction of a newer version, so it is not skipped"
	}
	return err
}

// word reads a string that must not be empty: an empty one could be taken for
// an absent one.
func (o *Object) word(f int, where string) (string, *federation.Refusal) {
	s, err := o.text(f, where)
	if err == nil && s == "" {
		err = federation.Refuse(federation.Malformed, where, "an empty string; leave the key out instead")
	}
	return s, err
}

// categories reads which property holds what kind of data. A word that is not
// known here could be a restriction, so it is refused.
func (o *Object) categories(n int, where string) (map[string]federation.Category, *federation.Refusal) {
	if o.nodes[n].kind != '{' {
		return nil, wrongType(where, "dictionary", o.nodes[n].kind)
	}
	out := map[string]federation.Category{}
	var err *federation.Refusal
	o.children(n, func(f int) bool {
		var said string
		path := o.name(f)
		if said, err = o.text(f, where); err == nil && (path == "" || !federation.Category(said).Valid()) {
			err = federation.Refuse(federation.Malformed, where, fmt.Sprintf("%q: %q is not the path of a property with one of %v", clip(path), clip(said), federation.Categories()))
		}
		out[path] = federation.Category(said)
		return err == nil
	})
	if err == nil && len(out) == 0 {
		err = federation.Refuse(federation.Malformed, where, "an empty dictionary; leave the key out instead")
	}
	return out, err
}

func (o *Object) readNote(n int, where string) (*Note, *federation.Refusal) {
	if o.nodes[n].kind != '{' {
		return nil, wrongType(where, "dictionary", o.nodes[n].kind)
	}
	note := new(Note)
	var err *federation.Refusal
	o.children(n, func(f int) bool {
		switch name := o.name(f); name {
		case "abstract":
			note.Abstract, err = o.text(f, handlingPath("note.abstract"))
		case "content":
			note.Content, err = o.text(f, handlingPath("note.content"))
		case "contacts":
			note.Contacts, err = o.list(f, handlingPath("note.contacts"))
		default:
			err = federation.Refuse(federation.Malformed, where, fmt.Sprintf("a note has abstract, content and contacts, not %q", clip(name)))
		}
		return err == nil
	})
	return note, err
}

// integer returns the whole number at node i.
func (o *Object) integer(i int) (int64, bool) {
	if o.nodes[i].kind != '0' {
		return 0, false
	}
	n, err := strconv.ParseInt(string(o.value(i)), 10, 64)
	return n, err == nil
}
