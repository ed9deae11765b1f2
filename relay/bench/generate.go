package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// The shares of [Workload], in thousandths. They were counted in what CERTs
// exchange; the numbers that follow a name belong to its share.
const (
	sharePersonal  = 180 // personal data: a victim's address in the note
	shareNoteRed   = 400 // of these, with the note alone marked TLP:RED
	shareNote      = 380 // of all others, a note without a person in it
	shareResidency = 350 // a list of where it may be kept
	sharePort      = 250 // of IPv4 addresses, with a port
	shareMD5       = 420 // of files, with two hashes
	shareOwnWords  = 650 // in the language of the sender
	shareUntil     = 600 // with an end of validity
	shareTechnique = 550 // with a phase and a technique
	shareCase      = 420 // with the number of a case at the sender
	shareLong      = 270 // with a second sentence of description
	shareSecond    = 400 // with a second label
)

// choice is something that is drawn with a weight.
type choice[T any] struct {
	weight int
	what   T
}

// draw picks one of the choices by weight.
func draw[T any](r *rand.Rand, from []choice[T]) T {
	sum := 0
	for _, c := range from {
		sum += c.weight
	}
	x := r.IntN(sum)
	for _, c := range from {
		if x -= c.weight; x < 0 {
			return c.what
		}
	}
	panic("bench: weights do not add up") // x is below their sum
}

func chance(r *rand.Rand, thousandths int) bool { return r.IntN(1000) < thousandths }

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

// mix is what a generator draws from.
type mix struct {
	markings   []choice[string] // id of the marking-definition, "" for none
	classes    []choice[int]    // step of the sender's scheme, 0 for not classified
	residency  []choice[[]string]
	senders    []choice[sender]
	kinds      []choice[kind]
	redNotes   bool // some notes are marked TLP:RED by themselves
	victimNote bool // some notes name a victim
}

// Generate makes n STIX indicators that the sample agreements between two
// member states of the European Union let through, some without a note: the
// mix of [Workload] without what the rules keep back. The same seed gives the
// same objects. Every value is from the ranges and names reserved for
// documentation and benchmarking.
func Generate(n int, seed uint64, now time.Time) [][]byte { return generate(n, seed, now, flowing()) }

// Workload makes n STIX indicators in the mix that CERTs exchange: a quarter
// names, a quarter IPv4 addresses, a fifth each file hashes and URLs, some
// e-mail and IPv6 addresses; 80 % TLP 2.0, 14 % TLP 1.0, 6 % without any
// marking; three steps of national classification; residency, retention and
// personal data in our property extension. Much of it is held or withheld.
func Workload(n int, seed uint64, now time.Time) [][]byte { return generate(n, seed, now, whole()) }

func generate(n int, seed uint64, now time.Time, m mix) [][]byte {
	r := rand.New(rand.NewPCG(seed, 0x5eed))
	out := make([][]byte, n)
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	for i := range out {
		b.Reset()
		if err := enc.Encode(m.one(r, now)); err != nil {
			panic("bench: a generated object cannot be encoded: " + err.Error()) // structs of strings and numbers always can
		}
		out[i] = bytes.Clone(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
	}
	return out
}

// object is one indicator, in the order in which it is written.
type object struct {
	Type           string              `json:"type"`
	SpecVersion    string              `json:"spec_version"`
	ID             string              `json:"id"`
	CreatedBy      string              `json:"created_by_ref"`
	Created        string              `json:"created"`
	Modified       string              `json:"modified"`
	Labels         []string            `json:"labels"`
	Lang           string              `json:"lang"`
	Confidence     int                 `json:"confidence"`
	References     []reference         `json:"external_references,omitempty"`
	Markings       []string            `json:"object_marking_refs,omitempty"`
	Granular       []granular          `json:"granular_markings,omitempty"`
	Name           string              `json:"name"`
	Description    string              `json:"description"`
	IndicatorTypes []string            `json:"indicator_types"`
	Pattern        string              `json:"pattern"`
	PatternType    string              `json:"pattern_type"`
	PatternVersion string              `json:"pattern_version"`
	ValidFrom      string              `json:"valid_from"`
	ValidUntil     string              `json:"valid_until,omitempty"`
	Phases         []phase             `json:"kill_chain_phases,omitempty"`
	Extensions     map[string]handling `json:"extensions"`
}

type reference struct {
	Source string `json:"source_name"`
	ID     string `json:"external_id"`
	URL    string `json:"url,omitempty"`
}

type granular struct {
	Marking   string   `json:"marking_ref"`
	Selectors []string `json:"selectors"`
}

type phase struct {
	Chain string `json:"kill_chain_name"`
	Name  string `json:"phase_name"`
}

// handling is our property extension.
type handling struct {
	Type           string   `json:"extension_type"`
	Origin         string   `json:"origin"`
	Scheme         string   `json:"scheme"`
	Classification string   `json:"classification"`
	Residency      []string `json:"residency,omitempty"`
	PersonalData   bool     `json:"personal_data"`
	RetainDays     int      `json:"retain_days,omitempty"`
	Note           *note    `json:"note,omitempty"`
}

type note struct {
	Abstract string   `json:"abstract"`
	Content  string   `json:"content"`
	Contacts []string `json:"contacts,omitempty"`
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// one makes one indicator.
func (m *mix) one(r *rand.Rand, now time.Time) object {
	from := draw(r, m.senders)
	lang := from.lang
	if lang == "" || !chance(r, shareOwnWords) {
		lang = draw(r, languages)
	}
	th := draw(r, threats)
	shown, pattern := draw(r, m.kinds)(r)
	made := now.Add(-time.Duration(r.IntN(48*3600)) * time.Second)
	at := stamp(made)
	o := object{Type: "indicator", SpecVersion: "2.1", ID: "indicator--" + uuid4(r), CreatedBy: from.identity, Created: at, Modified: at,
		Labels: []string{th.word[lang]}, Lang: lang, Confidence: 5 * r.IntN(21), Name: th.word[lang] + ": " + shown,
		Description: sentences(r, lang, 1), IndicatorTypes: []string{th.kind}, Pattern: pattern, PatternType: "stix", PatternVersion: "2.1", ValidFrom: at}
	if chance(r, shareLong) {
		o.Description += " " + sentences(r, lang, 1)
	}
	if chance(r, shareSecond) {
		o.Labels = append(o.Labels, pick(r, []string{"rsit:" + th.rsit, th.word[draw(r, languages)]}))
	}
	if chance(r, shareUntil) {
		o.ValidUntil = stamp(made.AddDate(0, 0, 7+r.IntN(84)))
	}
	if chance(r, shareTechnique) {
		o.Phases = []phase{{"mitre-attack", th.phase}}
		o.References = append(o.References, reference{Source: "mitre-attack", ID: th.technique})
	}
	if chance(r, shareCase) {
		o.References = append(o.References, reference{Source: from.name, ID: fmt.Sprintf("%s-%d-%06d", from.country, made.Year(), r.IntN(1e6)),
			URL: fmt.Sprintf("https://cases.%s.example/%012x", strings.ToLower(from.country), r.Uint64()>>16)})
	}
	if id := draw(r, m.markings); id != "" {
		o.Markings = []string{id}
	}
	h := handling{Type: "property-extension", Origin: from.country, Scheme: from.scheme, Classification: from.words[draw(r, m.classes)],
		RetainDays: pick(r, []int{0, 30, 90, 180, 365})}
	if chance(r, shareResidency) {
		h.Residency = draw(r, m.residency)
		if h.Residency == nil {
			h.Residency = []string{from.country}
		}
	}
	m.annotate(r, &o, &h, th, lang)
	o.Extensions = map[string]handling{extension: h}
	return o
}

// annotate writes the note, in some of which a victim is named.
func (m *mix) annotate(r *rand.Rand, o *object, h *handling, th threat, lang string) {
	switch {
	case m.victimNote && chance(r, sharePersonal):
		person := fmt.Sprintf("%s%d@%s", pick(r, victims), r.IntN(1000), pick(r, victimHosts))
		h.PersonalData = true
		h.Note = &note{th.word[lang], fmt.Sprintf("%s (%s, 203.0.113.%d, tel. +00 000 %06d)", sentences(r, lang, 1+r.IntN(2)), person, 1+r.IntN(254), r.IntN(1e6)), []string{person}}
		if m.redNotes && chance(r, shareNoteRed) {
			o.Granular = []granular{{tlpRed, []string{"extensions." + extension + ".note"}}}
		}
	case chance(r, shareNote):
		h.Note = &note{Abstract: th.word[lang], Content: sentences(r, lang, 1)}
	}
}

// sentences joins n sentences of a language.
func sentences(r *rand.Rand, lang string, n int) string {
	all := remarks[lang]
	at := r.IntN(len(all))
	text := all[at]
	for i := 1; i < n; i++ {
		text += " " + all[(at+i)%len(all)]
	}
	return text
}

func uuid4(r *rand.Rand) string {
	a, b := r.Uint64(), r.Uint64()
	a = a&^0xf000 | 0x4000
	b = b&^(3<<62) | 2<<62
	return fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", a>>32, a>>16&0xffff, a&0xffff, b>>48, b&0xffffffffffff)
}
