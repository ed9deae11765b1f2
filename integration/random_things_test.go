package integration

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// handlingExt carries the origin's words on handling.
const handlingExt = "extension-definition--7a5c4f0e-1d6b-4c83-9f2e-3b8d50a6e917"

// ranks order the labels of TLP, the strictest last.
var ranks = map[string]int{"clear": 1, "green": 2, "amber": 3, "strict": 4, "red": 5}

// thing is one object of a random federation, as its author meant it. What is
// published is made of it by json, what the oracle judges is this.
type thing struct {
	at    int    // the region that publishes it
	round int    // 0, or 1: when all else has come to rest
	kind  string // indicator, relationship or report
	id    string
	token string // occurs in the object and in no other

	marks                          []string // ids of marking-definitions without their prefix
	unmarked                       bool     // the marks are the region's, not the producer's
	scheme, class                  string
	residency, releasable, purpose []string
	personal                       string   // the origin's word: yes, no or nothing
	mail                           bool     // the pattern is an e-mail address
	contact                        string   // address of a person, in the note alone
	noteRed                        bool     // a granular marking makes the note TLP:RED
	refs                           []string // what it cannot go without; a report, without all of
	mention                        string   // an id in its description
}

// label is the strictest of a thing's markings, "" for none.
func (o *thing) label() string {
	out := ""
	for _, m := range o.marks {
		if l := tlpOf[m]; ranks[l] > ranks[out] {
			out = l
		}
	}
	return out
}

// mixed reports whether the markings are not all one label.
func (o *thing) mixed() bool {
	return slices.ContainsFunc(o.marks, func(m string) bool { return tlpOf[m] != o.label() })
}

// classified reports whether the origin's word is a level.
func (o *thing) classified() bool { return o.class != notClassified[o.scheme] }

// newThings makes n things, published at any of the regions. A relationship or
// report follows what it refers to: near it, or anywhere before.
func newThings(r *rand.Rand, defaults []string, n int) []thing {
	var out []thing
	for i := range n {
		o := newThing(r, i, i*len(defaults)/n, defaults)
		if own := ofRegion(out, o.at); len(own) > 8 {
			near := own[len(own)-8:]
			switch r.IntN(16) {
			case 0, 1:
				o.refer(r, near)
			case 2:
				o.refer(r, own)
			case 3:
				o.mention = own[r.IntN(len(own))].id
			}
		}
		o.name(r)
		out = append(out, o)
	}
	return out
}

// newThing makes an indicator without an id.
func newThing(r *rand.Rand, i, at int, defaults []string) thing {
	o := thing{at: at, kind: "indicator", token: fmt.Sprintf("o%06dz%08x", i, r.Uint32())}
	o.mark(r, slices.Sorted(keysOf(tlpOf)))
	if len(o.marks) == 0 && defaults[at] != "" {
		o.marks, o.unmarked = []string{strings.TrimPrefix(tlpMark[defaults[at]], "marking-definition--")}, true
	}
	o.classify(r)
	o.limit(r)
	o.write(r, i)
	return o
}

// name gives an id: random, or of a form that may be computed from values.
func (o *thing) name(r *rand.Rand) {
	version := 4
	if r.IntN(8) == 0 {
		version = 5
	}
	o.id = fmt.Sprintf("%s--%08x-%04x-%d%03x-8%03x-%012x", o.kind, r.Uint32(), r.IntN(1<<16), version, r.IntN(1<<12), r.IntN(1<<12), r.Uint64N(1<<48))
}

// moreThings makes the things of the second round: half of them refer to what
// has come to their region from anywhere.
func (e *experiment) moreThings(r *rand.Rand, n int) []thing {
	rulings := e.rule()
	here := make([][]thing, len(e.countries))
	for _, o := range e.things {
		for at, there := range rulings[o.id].must {
			if there {
				here[at] = append(here[at], o)
			}
		}
	}
	var out []thing
	for i := range n {
		o := newThing(r, len(e.things)+i, r.IntN(len(e.countries)), e.defaults)
		o.round = 1
		if known := here[o.at]; len(known) > 8 {
			switch r.IntN(4) {
			case 0:
				o.refer(r, known)
			case 1:
				o.mention = known[r.IntN(len(known))].id
			}
		}
		o.name(r)
		out = append(out, o)
	}
	return out
}

func keysOf(m map[string]string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func ofRegion(things []thing, at int) []thing {
	from := slices.IndexFunc(things, func(o thing) bool { return o.at == at })
	if from < 0 {
		return nil
	}
	return things[from:]
}

// mark gives no, one or several markings of either version; half of all are
// CLEAR or GREEN, as in life.
func (o *thing) mark(r *rand.Rand, all []string) {
	switch n := r.IntN(20); {
	case n == 0:
	case n < 10:
		for o.label() != "clear" && o.label() != "green" {
			o.marks = []string{all[r.IntN(len(all))]}
		}
	case n < 17:
		o.marks = []string{all[r.IntN(len(all))]}
	default:
		a, b := r.IntN(len(all)), 1+r.IntN(len(all)-1)
		o.marks = []string{all[a], all[(a+b)%len(all)]}
	}
}

// levels are words that classify.
var levels = []struct{ scheme, word string }{
	{"de-vs", "VS-NUR FÜR DEN DIENSTGEBRAUCH"}, {"de-vs", "GEHEIM"}, {"fr-2021", "DIFFUSION RESTREINTE"},
	{"pl-national", "ZASTRZEŻONE"}, {"us-eo13526", "SECRET"}, {"nl-national", "DEPARTEMENTAAL VERTROUWELIJK"},
}

// classify gives most things their scheme's word for "not classified".
func (o *thing) classify(r *rand.Rand) {
	schemes := slices.Sorted(keysOf(notClassified))
	switch n := r.IntN(10); {
	case n < 2: // the origin says nothing
	case n < 9:
		o.scheme = schemes[r.IntN(len(schemes))]
		o.class = notClassified[o.scheme]
	default:
		l := levels[r.IntN(len(levels))]
		o.scheme, o.class = l.scheme, l.word
	}
}

// limit gives some things lists of places, recipients and uses.
func (o *thing) limit(r *rand.Rand) {
	if r.IntN(5) == 0 {
		o.residency = [][]string{{"EU"}, {"EEA"}, {"DE", "PL"}, {"FR"}, {"JP", "DE", "PL", "FR"}, {"EU", "CH"}}[r.IntN(6)]
	}
	if r.IntN(12) == 0 {
		o.releasable = [][]string{{"DE"}, {"PL", "FR"}, {"JP", "US"}}[r.IntN(3)]
	}
	if r.IntN(12) == 0 {
		o.purpose = [][]string{{"network-security"}, {"research"}}[r.IntN(2)]
	}
}

// write gives some things an e-mail address as a pattern, and half a note.
func (o *thing) write(r *rand.Rand, i int) {
	o.mail = r.IntN(12) == 0
	o.personal = []string{"", "no", "no", "yes"}[r.IntN(4)]
	if r.IntN(3) == 0 {
		o.contact = fmt.Sprintf("n%06dz%08x@victim.example", i, r.Uint32())
		o.noteRed = r.IntN(3) == 0
	}
}

// refer makes a relationship or a report over things of the same region. It is
// always marked: an unmarked one is given a marking by what it joins, which
// these rules do not foretell.
func (o *thing) refer(r *rand.Rand, among []thing) {
	o.kind, o.mail, o.contact, o.noteRed = "report", false, "", false
	if len(o.marks) == 0 || o.unmarked {
		o.marks, o.unmarked = []string{"55d920b0-5e8b-4f79-9ee9-91f868d9b421"}, false
	}
	for n := 2 + r.IntN(3); len(o.refs) < n; {
		if id := among[r.IntN(len(among))].id; !slices.Contains(o.refs, id) {
			o.refs = append(o.refs, id)
		}
	}
	if r.IntN(2) == 0 {
		o.kind, o.refs = "relationship", o.refs[:2]
	}
}

// json is the thing as it is published, or as its region sends it on: marked by
// the region where its producer had not.
func (o *thing) json(now time.Time, sent bool) ([]byte, error) {
	at := now.Add(-24 * time.Hour).UTC().Format("2006-01-02T15:04:05.000Z")
	h := map[string]any{"extension_type": "property-extension"}
	v := map[string]any{"type": o.kind, "spec_version": "2.1", "id": o.id, "created": at, "modified": at, "extensions": map[string]any{handlingExt: h}}
	for k, list := range map[string][]string{"residency": o.residency, "releasable_to": o.releasable, "purpose": o.purpose} {
		if len(list) > 0 {
			h[k] = list
		}
	}
	if o.scheme != "" {
		h["scheme"], h["classification"] = o.scheme, o.class
		h["origin"] = strings.ToUpper(o.scheme[:2])
	}
	if o.personal != "" {
		h["personal_data"] = o.personal == "yes"
	}
	if o.contact != "" {
		h["note"] = map[string]any{"abstract": "Observation", "content": "Reported by " + o.contact + " yesterday.", "contacts": []string{o.contact}}
	}
	if o.noteRed {
		v["granular_markings"] = []any{map[string]any{"marking_ref": "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1",
			"selectors": []string{"extensions." + handlingExt + ".note"}}}
	}
	var marks []string
	for _, m := range o.marks {
		marks = append(marks, "marking-definition--"+m)
	}
	if len(marks) > 0 && (sent || !o.unmarked) {
		v["object_marking_refs"] = marks
	}
	if o.unmarked && sent {
		h["default_marking"] = "unmarked-feed"
	}
	if o.mention != "" {
		v["description"] = "Compare " + o.mention + "."
	}
	o.body(v, at)
	return json.Marshal(v)
}

// body adds what is particular to a type.
func (o *thing) body(v map[string]any, at string) {
	switch o.kind {
	case "relationship":
		v["relationship_type"], v["source_ref"], v["target_ref"], v["description"] = "related-to", o.refs[0], o.refs[1], "seen together: "+o.token
	case "report":
		v["name"], v["published"], v["report_types"], v["object_refs"] = "Campaign "+o.token, at, []string{"campaign"}, o.refs
	default:
		v["name"], v["pattern_type"], v["valid_from"] = "Phishing", "stix", at
		v["indicator_types"] = []string{"malicious-activity"}
		v["pattern"] = o.pattern()
	}
}

func (o *thing) pattern() string {
	if o.mail {
		return "[email-addr:value = 'billing." + o.token + "@host.example']"
	}
	return "[domain-name:value = '" + o.token + ".example']"
}
