package generalise

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/entente-relay/entente/federation/stix"
)

// Types returns the STIX types of which a generalised version can be made:
// those of which is known what may name a victim.
func Types() []string {
	return []string{"identity", "sighting", "relationship", "observed-data", "ipv4-addr", "ipv6-addr"}
}

// Replaces returns the properties of a type in place of which the generalised
// version says less: to who gets them it says nothing new.
func Replaces(typ string) []string {
	switch typ {
	case "identity":
		return []string{"name", "sectors"}
	case "sighting":
		return []string{"where_sighted_refs", "first_seen", "last_seen", "count"}
	case "relationship":
		return []string{"target_ref", "start_time", "stop_time"}
	case "observed-data":
		return []string{"object_refs", "first_observed", "last_observed", "number_observed"}
	case "ipv4-addr", "ipv6-addr":
		return []string{"value"}
	}
	return nil
}

// Word says the rule in the words that its objects carry. It depends on the rule
// alone: not on which of it an object needed.
func (r Rule) Word() string {
	return fmt.Sprintf("victim=sector,country time=day ipv4=/%d ipv6=/%d count=from-%d", r.IPv4, r.IPv6, r.Floor)
}

// Maker is what objects are made with.
type Maker struct {
	Rule Rule
	// NewID gives a fresh id for an object of a type: random, so that it tells
	// nothing of the original.
	NewID func(typ string) string
	// Now is when they are made.
	Now time.Time
	// Around finds objects that the original is told with: the victims that it
	// refers to and where they are.
	Around []*stix.Object
}

// Objects returns the generalised version of o: the object that stands for it,
// and those that it needs, such as the class of its victim; nil when there is
// nothing to say in o's place. The markings are o's.
func (m *Maker) Objects(o *stix.Object) ([]*stix.Object, error) {
	if h := o.Handling(); h != nil && (h.Generalised != "" || h.Reoriginated != "" || h.Aggregate != "") {
		return nil, nil // it says less already, or speaks for somebody unnamed
	}
	b := &builder{Maker: m, of: o}
	switch o.Type() {
	case "identity":
		b.identity()
	case "sighting":
		b.sighting()
	case "relationship":
		b.relationship()
	case "observed-data":
		b.observed()
	case "ipv4-addr", "ipv6-addr":
		b.address()
	}
	var out []*stix.Object
	for _, props := range b.out {
		raw, err := json.Marshal(props)
		if err != nil {
			return nil, fmt.Errorf("%s, generalised: %w", o.ID(), err)
		}
		made, err := stix.Parse(raw)
		if err != nil {
			return nil, fmt.Errorf("%s, generalised: %w", o.ID(), err)
		}
		out = append(out, made)
	}
	return out, nil
}

// builder makes the objects that stand for one original.
type builder struct {
	*Maker
	of  *stix.Object
	out []map[string]any
}

// add begins a new object, with what all of them have, and returns its id too.
func (b *builder) add(typ string) (props map[string]any, id string) {
	ext := map[string]any{"extension_type": "property-extension", "generalised": b.Rule.Word(), "personal_data": false}
	if h := b.of.Handling(); h != nil {
		if len(h.Residency) > 0 {
			ext["residency"] = h.Residency
		}
		if len(h.Purpose) > 0 {
			ext["purpose"] = h.Purpose
		}
		if h.RetainDays > 0 {
			ext["retain_days"] = h.RetainDays
		}
	}
	id = b.NewID(typ)
	props = map[string]any{"type": typ, "spec_version": "2.1", "id": id, "extensions": map[string]any{stix.HandlingExtension: ext}}
	if typ != "ipv4-addr" && typ != "ipv6-addr" {
		props["created"], props["modified"] = dayText(b.Now), dayText(b.Now)
	}
	if refs := b.of.MarkingRefs(); len(refs) > 0 {
		props["object_marking_refs"] = refs
	}
	b.out = append(b.out, props)
	return props, id
}

// around returns an object that the original is told with.
func (b *builder) around(id string) *stix.Object {
	if i := slices.IndexFunc(b.Around, func(o *stix.Object) bool { return o.ID() == id }); i >= 0 {
		return b.Around[i]
	}
	return nil
}

// victim is what may be told of who was attacked.
type victim struct{ sectors, countries []string }

// victim gathers sectors and countries of identities and locations.
func (b *builder) victim(ids ...string) (v victim) {
	for _, id := range ids {
		o := b.around(id)
		if o == nil {
			continue
		}
		v.place(o)
		if o.Type() != "identity" {
			continue
		}
		v.sectors = append(v.sectors, list(o, "sectors")...)
		for _, r := range b.Around {
			if kind, _ := r.Text("relationship_type"); kind != "located-at" || text(r, "source_ref") != id {
				continue
			}
			if at := b.around(text(r, "target_ref")); at != nil {
				v.place(at)
			}
		}
	}
	v.sectors = Sectors(v.sectors)
	slices.Sort(v.countries)
	v.countries = slices.Compact(v.countries)
	return v
}

func (v *victim) place(o *stix.Object) {
	if o.Type() != "location" {
		return
	}
	if c := Country(text(o, "country")); c != "" {
		v.countries = append(v.countries, c)
	}
}

// say adds the objects that stand for a victim, and returns their ids.
func (b *builder) say(v victim) (refs []string) {
	if len(v.sectors) > 0 {
		p, id := b.add("identity")
		p["identity_class"], p["sectors"] = "class", v.sectors
		p["name"] = strings.Join(v.sectors, ", ")
		refs = append(refs, id)
	}
	for _, c := range v.countries {
		p, id := b.add("location")
		p["country"] = c
		refs = append(refs, id)
	}
	return refs
}

// identity becomes the class of its sectors, located in its country.
func (b *builder) identity() {
	if class, _ := b.of.Text("identity_class"); class == "class" {
		return // names nobody
	}
	v := b.victim(b.of.ID())
	if v.sectors = Sectors(list(b.of, "sectors")); len(v.sectors) == 0 {
		return // of a country alone, that somebody is there says nothing
	}
	refs := b.say(v)
	for _, place := range refs[1:] {
		p, _ := b.add("relationship")
		p["relationship_type"], p["source_ref"], p["target_ref"] = "located-at", refs[0], place
	}
}

// attackers are the types whose ids a generalised object may name: what was
// seen or who attacked, which is no victim.
func attackers(id string) bool {
	typ, _, _ := strings.Cut(id, "--")
	switch typ {
	case "attack-pattern", "campaign", "indicator", "infrastructure", "intrusion-set", "malware", "threat-actor", "tool", "vulnerability":
		return true
	}
	return false
}

// sighting keeps what was seen; where, becomes a class and a country.
func (b *builder) sighting() {
	of := text(b.of, "sighting_of_ref")
	if !attackers(of) {
		return
	}
	p, _ := b.add("sighting")
	p["sighting_of_ref"] = of
	b.day(p, "first_seen")
	b.day(p, "last_seen")
	b.confidence(p)
	if n, ok := b.number("count"); ok {
		p["count"] = n
	}
	if refs := b.say(b.victim(list(b.of, "where_sighted_refs")...)); len(refs) > 0 {
		p["where_sighted_refs"] = refs
	}
}

// relationship keeps who attacks; the target becomes a class, or a country.
func (b *builder) relationship() {
	from := text(b.of, "source_ref")
	if text(b.of, "relationship_type") != "targets" || !attackers(from) {
		return
	}
	v := b.victim(text(b.of, "target_ref"))
	if len(v.sectors)+len(v.countries) == 0 {
		return
	}
	refs := b.say(v)
	for _, to := range refs {
		p, _ := b.add("relationship")
		p["relationship_type"], p["source_ref"], p["target_ref"] = "targets", from, to
		b.day(p, "start_time")
		b.day(p, "stop_time")
		b.confidence(p)
	}
	// What stands for the original comes first.
	b.out = append(b.out[len(refs):], b.out[:len(refs)]...)
}

// observed keeps the networks of the addresses that were observed.
func (b *builder) observed() {
	networks := map[string]string{} // to their type
	for _, id := range list(b.of, "object_refs") {
		if o := b.around(id); o != nil {
			if value := b.network(o); value != "" {
				networks[value] = o.Type()
			}
		}
	}
	if len(networks) == 0 {
		return
	}
	p, _ := b.add("observed-data")
	var refs []string
	for _, value := range slices.Sorted(maps.Keys(networks)) { // not in the original's order
		a, id := b.add(networks[value])
		a["value"] = value
		refs = append(refs, id)
	}
	p["object_refs"] = refs
	b.day(p, "first_observed")
	b.day(p, "last_observed")
	b.confidence(p)
	// STIX requires it, and a small one is not told: at least once.
	p["number_observed"] = int64(1)
	if n, ok := b.number("number_observed"); ok {
		p["number_observed"] = n
	}
}

// address becomes the network around it.
func (b *builder) address() {
	if value := b.network(b.of); value != "" {
		p, _ := b.add(b.of.Type())
		p["value"] = value
	}
}

// network is what is told of an address object, "" for nothing.
func (b *builder) network(o *stix.Object) string {
	if o.Type() != "ipv4-addr" && o.Type() != "ipv6-addr" {
		return ""
	}
	return b.Rule.Address(text(o, "value"))
}

// day takes a time over as its day.
func (b *builder) day(into map[string]any, name string) {
	if at, err := time.Parse(time.RFC3339Nano, text(b.of, name)); err == nil {
		into[name] = dayText(at)
	}
}

func (b *builder) confidence(into map[string]any) {
	if n, ok := b.of.Confidence(); ok {
		into["confidence"] = n
	}
}

// number returns a count that may be told.
func (b *builder) number(name string) (int64, bool) {
	raw, ok := b.of.Get(name)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseInt(string(raw), 10, 64)
	if err != nil {
		return 0, false // none, or none that can be compared: nothing is told
	}
	return b.Rule.Count(n)
}

// text returns a string property, "" for none.
func text(o *stix.Object, name string) string {
	s, _ := o.Text(name)
	return s
}

// list returns a property that is a list of texts, nil for anything else.
func list(o *stix.Object, name string) []string {
	raw, ok := o.Get(name)
	var out []string
	if !ok || json.Unmarshal(raw, &out) != nil {
		return nil
	}
	return out
}
