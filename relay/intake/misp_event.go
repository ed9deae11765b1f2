package intake

import (
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/stix"
	"github.com/entente-relay/entente/mapping"
	"github.com/entente-relay/entente/mapping/marking"
)

// event is one MISP event on its way to STIX objects: an identity for its
// organisation, one object or more for each attribute, and a report (a
// grouping, if it is not published) that ties them together.
type event struct {
	r     *reader
	where string
	mispEvent
	creator string // id of the identity, "" if the event names none
	report  string // id of the report or grouping
	at      time.Time
	marks   mapping.Handling // of the event's tags
	labels  []string
	refs    []string // what the report refers to
	kept    map[string]bool
}

// organisationSince is the time of an organisation's identity: MISP states
// none, and a fixed one makes the same organisation the same object each time.
const organisationSince = "1970-01-01T00:00:00.000Z"

// event reads one event.
func (r *reader) event(raw jsontext.Value, where string) error {
	e := &event{r: r, where: where, kept: map[string]bool{}}
	if err := outer(raw, &e.mispEvent); err != nil {
		return r.refuse("", &federation.Refusal{Reason: federation.Malformed, Where: where, Detail: "not a MISP event", Err: short(err)})
	}
	id, ok := uuidOf(e.UUID)
	if !ok {
		return r.refuse("", federation.Refuse(federation.Malformed, where, "a MISP event without a UUID"))
	}
	e.report = "grouping--" + id
	if e.Published {
		e.report = "report--" + id
	}
	e.at = e.time()
	e.marks, e.labels = readTags(e.Tag)
	steps := []func() error{e.identity, e.attributes, e.objects, e.notRead, e.summary}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// time is the event's own time: its last change, else its date, else now.
func (e *event) time() time.Time {
	if t, ok := seconds(e.Timestamp); ok {
		return t
	}
	if t, err := time.Parse(time.DateOnly, string(e.Date)); err == nil {
		return t
	}
	return e.r.now.UTC().Truncate(time.Millisecond)
}

// readTags divides tags into what they say about handling and labels. A tag
// about handling that is not understood stays a label, where policy meets it
// and holds the object.
func readTags(tags list) (mapping.Handling, []string) {
	var h mapping.Handling
	var labels []string
	for _, raw := range tags {
		var t mispTag
		if err := json.Unmarshal(raw, &t); err != nil || t.Name == "" {
			labels = append(labels, "tlp:unreadable") // it might have been a TLP tag
			continue
		}
		said, err := marking.Tag(string(t.Name))
		if err != nil {
			labels = append(labels, string(t.Name))
			continue
		}
		h = mapping.Join(h, said)
	}
	return h, labels
}

// distributions are MISP's levels of distribution. They say how MISP servers
// pass an event on; they are noted, and are no marking.
var distributions = map[text]string{"0": "your-organisation-only", "1": "this-community-only", "2": "connected-communities",
	"3": "all-communities", "4": "sharing-group"}

// distributed returns the label that notes a distribution; 5 and none inherit.
func distributed(levels ...text) []string {
	for _, l := range levels {
		if name, ok := distributions[l]; ok {
			return []string{fmt.Sprintf("misp:distribution=%q", name)}
		}
	}
	return nil
}

func (e *event) identity() error {
	org := e.Orgc
	if org.Name == "" {
		org = e.Org
	}
	id, ok := uuidOf(org.UUID)
	if !ok || org.Name == "" {
		return nil // the event names no organisation
	}
	creator := "identity--" + id
	taken, err := e.add(creator, nil, member{"type", "identity"}, member{"spec_version", "2.1"}, member{"id", creator},
		member{"created", organisationSince}, member{"modified", organisationSince},
		member{"name", string(org.Name)}, member{"identity_class", "organization"})
	if taken {
		e.creator = creator
	}
	return err
}

// add builds an object and lists it, or why it could not be built; it reports
// whether there is an object.
func (e *event) add(id string, err error, members ...member) (bool, error) {
	var raw []byte
	if err == nil {
		raw, err = build(members...)
	}
	if err != nil {
		return false, e.r.refuse(id, within(e.where, err))
	}
	return e.addRaw(raw)
}

func (e *event) addRaw(raw []byte) (bool, error) {
	entry := stix.ParseEntry(len(e.r.entries), raw, e.r.limits)
	return entry.Err == nil, e.r.add(entry, e.where)
}

// head returns the first properties of an object of the event.
func (e *event) head(typ, uuid string, at time.Time) []member {
	return []member{{"type", typ}, {"spec_version", "2.1"}, {"id", typ + "--" + uuid}, {"created_by_ref", e.creator},
		{"created", stamp(at)}, {"modified", stamp(at)}}
}

// tail returns the last ones: labels and marking.
func tail(labels []string, h mapping.Handling) []member {
	slices.Sort(labels)
	return []member{{"labels", slices.Compact(labels)}, {"object_marking_refs", handlingRefs(h)}}
}

// attributes reads the attributes of the event itself.
func (e *event) attributes() error {
	for _, raw := range e.Attribute {
		if err := e.attribute(raw, "", e.Distribution); err != nil {
			return err
		}
	}
	return nil
}

// notRead lists what belongs to the event and is not read, so that nothing is
// dropped without a word.
func (e *event) notRead() error {
	if err := e.unsupported("a proposal (ShadowAttribute)", e.Shadow); err != nil {
		return err
	}
	return e.unsupported("a report in Markdown (EventReport)", e.Report)
}

func (e *event) unsupported(what string, all list) error {
	for range all {
		if err := e.r.refuse("", federation.Refuse(federation.Unsupported, e.where, "MISP: "+what+" is not read")); err != nil {
			return err
		}
	}
	return nil
}

// summary lists the report or grouping of the event.
func (e *event) summary() error {
	typ, uuid := e.report[:len(e.report)-38], e.report[len(e.report)-36:]
	refs := e.refs
	if len(refs) == 0 && e.creator != "" {
		refs = []string{e.creator} // STIX wants at least one
	}
	if len(refs) == 0 {
		return e.r.refuse(e.report, federation.Refuse(federation.Unsupported, e.where, "nothing of the MISP event could be read"))
	}
	info := string(e.Info)
	if info == "" {
		info = "MISP event " + uuid
	}
	members := append(e.head(typ, uuid, e.at), member{"name", info})
	if typ == "report" {
		published := e.at
		if t, ok := seconds(e.PublishedAt); ok {
			published = t
		}
		members = append(members, member{"published", stamp(published)})
	} else {
		members = append(members, member{"context", "suspicious-activity"})
	}
	members = append(members, member{"object_refs", refs})
	labels := slices.Concat(e.labels, distributed(e.Distribution))
	if e.Groups.Name != "" {
		labels = append(labels, fmt.Sprintf("misp:sharing-group=%q", string(e.Groups.Name)))
	}
	_, err := e.add(e.report, nil, append(members, tail(labels, e.marks)...)...)
	return err
}

// short bounds an error of the JSON decoder.
func short(err error) error { return fmt.Errorf("%s", clip(err.Error())) }
