package intake

import (
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/mapping"
)

// attribute is one attribute of an event, or of an object in it.
type attribute struct {
	mispAttribute
	uuid   string
	at     time.Time
	marks  mapping.Handling
	labels []string
}

// attribute reads one attribute and lists what becomes of it.
func (e *event) attribute(raw jsontext.Value, object string, distribution text) error {
	a, err := e.decode(raw, object, distribution)
	if err != nil {
		return e.r.refuse("", within(e.where, err))
	}
	id, err := e.convert(a)
	if err != nil {
		return err
	}
	if err := e.unsupported("a proposal (ShadowAttribute)", a.Shadow); err != nil {
		return err
	}
	return e.sightings(a, id)
}

// decode reads one attribute's fields.
func (e *event) decode(raw jsontext.Value, object string, distribution text) (*attribute, error) {
	a := &attribute{at: e.at}
	if err := json.Unmarshal(raw, &a.mispAttribute); err != nil {
		return nil, &federation.Refusal{Reason: federation.Malformed, Where: "MISP attribute", Detail: "not readable", Err: short(err)}
	}
	var ok bool
	if a.uuid, ok = uuidOf(a.UUID); !ok {
		return nil, federation.Refuse(federation.Malformed, "MISP attribute", "there is no UUID")
	}
	if t, ok := seconds(a.Timestamp); ok {
		a.at = t
	}
	own, labels := readTags(a.Tag)
	a.marks = mapping.Join(e.marks, own)
	a.labels = slices.Concat(e.labels, labels, distributed(a.Distribution, distribution, e.Distribution))
	if a.Type != "" {
		a.labels = append(a.labels, fmt.Sprintf("misp:type=%q", string(a.Type)))
	}
	if a.Category != "" {
		a.labels = append(a.labels, fmt.Sprintf("misp:category=%q", string(a.Category)))
	}
	if object != "" {
		a.labels = append(a.labels, fmt.Sprintf("misp:object=%q", object))
	}
	return a, nil
}

// convert lists the objects of an attribute, and returns the id of the one
// that stands for it, "" if there is none.
func (e *event) convert(a *attribute) (string, error) {
	where := fmt.Sprintf("MISP attribute %s of type %s", a.uuid, clip(string(a.Type)))
	if a.Deleted {
		return "", e.r.refuse("", within(e.where, federation.Refuse(federation.Withdrawn, where, "it is deleted in MISP")))
	}
	switch a.Type {
	case "comment", "text", "other", "link":
		return e.note(a)
	case "vulnerability":
		return e.vulnerability(a)
	}
	o, err := observe(lower(a.Type), string(a.Value))
	if err != nil {
		return "", e.r.refuse("", within(e.where, within(where, err)))
	}
	if bool(a.ToIDs) || o.kind != "stix" {
		return e.indicator(a, o)
	}
	if o.show == nil {
		return "", e.r.refuse("", within(e.where, federation.Refuse(federation.Unsupported, where, "read only as an indicator (to_ids)")))
	}
	return e.observedData(a, o)
}

// lower folds the case of a type; MISP has a few in capitals.
func lower(t text) string {
	b := []byte(t)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// keep remembers an object for the report, if it was taken.
func (e *event) keep(id string, members []member) (string, error) {
	taken, err := e.add(id, nil, members...)
	if !taken {
		return "", err
	}
	if !e.kept[id] {
		e.kept[id] = true
		e.refs = append(e.refs, id)
	}
	return id, err
}

func (e *event) note(a *attribute) (string, error) {
	members := append(e.head("note", a.uuid, a.at), member{"abstract", string(a.Comment)}, member{"content", string(a.Value)},
		member{"object_refs", []string{e.report}})
	return e.keep("note--"+a.uuid, append(members, tail(a.labels, a.marks)...))
}

func (e *event) vulnerability(a *attribute) (string, error) {
	members := append(e.head("vulnerability", a.uuid, a.at), member{"name", string(a.Value)}, member{"description", string(a.Comment)},
		member{"external_references", []any{map[string]string{"source_name": "cve", "external_id": string(a.Value)}}})
	return e.keep("vulnerability--"+a.uuid, append(members, tail(a.labels, a.marks)...))
}

func (e *event) indicator(a *attribute, o *observed) (string, error) {
	name := o.name
	if name == "" && o.kind == "stix" {
		name = string(a.Value)
	}
	members := append(e.head("indicator", a.uuid, a.at), member{"name", name}, member{"description", string(a.Comment)},
		member{"pattern", o.pattern}, member{"pattern_type", o.kind}, member{"pattern_version", o.version}, member{"valid_from", stamp(a.at)})
	return e.keep("indicator--"+a.uuid, append(members, tail(a.labels, a.marks)...))
}

// observedData lists the observables of an attribute and what says that they
// were seen.
func (e *event) observedData(a *attribute, o *observed) (string, error) {
	id := "observed-data--" + a.uuid
	all, err := o.show()
	if err != nil {
		return "", e.r.refuse(id, within(e.where, err))
	}
	var refs []string
	for _, s := range all {
		taken, err := e.addRaw(s.raw)
		if err != nil {
			return "", err
		}
		if taken {
			refs = append(refs, s.id)
		}
	}
	members := append(e.head("observed-data", a.uuid, a.at), member{"first_observed", stamp(a.at)}, member{"last_observed", stamp(a.at)},
		member{"number_observed", 1}, member{"object_refs", refs})
	return e.keep(id, append(members, tail(a.labels, a.marks)...))
}

// sightings lists the sightings of an attribute. STIX has them only of what a
// STIX domain object stands for, and only "seen".
func (e *event) sightings(a *attribute, of string) error {
	for _, raw := range a.Sighting {
		var s mispSighting
		err := json.Unmarshal(raw, &s)
		uuid, ok := uuidOf(s.UUID)
		at, dated := seconds(s.Date)
		switch {
		case err != nil || !ok || !dated:
			err = federation.Refuse(federation.Malformed, "MISP sighting", "without a UUID or a date")
		case s.Type != "0":
			err = federation.Refuse(federation.Unsupported, "MISP sighting "+uuid, "not of the type 0, seen")
		case of == "":
			err = federation.Refuse(federation.Unsupported, "MISP sighting "+uuid, "of something that is not read")
		}
		if err != nil {
			if err := e.r.refuse("", within(e.where, err)); err != nil {
				return err
			}
			continue
		}
		members := append(e.head("sighting", uuid, at), member{"first_seen", stamp(at)}, member{"last_seen", stamp(at)},
			member{"count", 1}, member{"sighting_of_ref", of})
		if _, err := e.keep("sighting--"+uuid, append(members, tail(nil, a.marks)...)); err != nil {
			return err
		}
	}
	return nil
}
