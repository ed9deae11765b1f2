package vocab

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/entente-relay/entente/translate"
)

// producerGalaxy is the type of the MISP galaxy that lists who names things.
// It holds no words; other galaxies refer to it by UUID.
const producerGalaxy = "producer"

// cluster is one value of a MISP galaxy cluster file
// (draft-dulaunoy-misp-galaxy-format). meta is an open bag; only what is used
// here is decoded.
type cluster struct {
	Value   string `json:"value"`
	UUID    string `json:"uuid"`
	Revoked bool   `json:"revoked"`
	Meta    struct {
		Synonyms    []string       `json:"synonyms"` // may be missing, null or hold duplicates
		ExternalID  jsontext.Value `json:"external_id"`
		Attribution []string       `json:"name-attribution"` // NAME:PRODUCER-UUID
	} `json:"meta"`
}

// galaxyKind returns the kind of the names in a galaxy: what the operator
// states, else what its category says.
func galaxyKind(f *source) (translate.Kind, bool) {
	switch category := f.doc.text("category"); {
	case f.Kind != "":
		return f.Kind, true
	case category == "actor":
		return translate.Actor, true
	case category == "tool":
		return translate.Malware, true
	}
	return "", false
}

// readGalaxy reads a galaxy. Its type is the scheme. A cluster is a concept;
// its value is the name, its synonyms are close to it and not the same, since
// the clusters of different vendors do not cover the same activity. An external
// id (S0367) is understood and not offered.
func (l *loader) readGalaxy(f *source, flt *faults) []translate.Vocabulary {
	v := translate.Vocabulary{Scheme: f.doc.text("type"), Version: f.doc.version(flt), Name: f.doc.text("name"), Source: f.doc.text("source")}
	kind, ok := galaxyKind(f)
	switch {
	case v.Scheme == "":
		flt.add(f.doc.line("type"), "type is missing or no string", "a galaxy needs a type, which is its id here")
	case !ok:
		flt.add(f.doc.line("category"), fmt.Sprintf("category %q does not tell whether these are actors or malware", f.doc.text("category")),
			"state the kind of "+f.File+" in "+ManifestFile)
	}
	stated := "galaxy " + v.Scheme
	if v.Source != "" {
		stated += " (" + v.Source + ")"
	}
	seen := map[string]int{}
	each(f.doc, "values", l.limits.Entries, flt, func(c cluster, line int) {
		id := c.UUID
		if id == "" {
			id = c.Value
		}
		switch {
		case c.Value == "":
			flt.add(line, "a cluster without value", "every cluster needs a name")
			return
		case seen[id] > 0:
			flt.add(line, fmt.Sprintf("%s stands already in line %d", id, seen[id]), "remove one of the two")
			return
		case c.Revoked:
			return // its names are no longer what the galaxy says
		}
		seen[id] = line
		v.Concepts = append(v.Concepts, l.concept(&c, id, kind, stated, where(f.File, line)))
	})
	return []translate.Vocabulary{v}
}

// concept makes the concept of one cluster.
func (l *loader) concept(c *cluster, id string, kind translate.Kind, stated, at string) translate.Concept {
	out := translate.Concept{
		ID: id, Kind: kind, Term: c.Value, Language: translate.Undetermined, Short: nameAndID(c.Value), Source: stated, Where: at,
	}
	users := l.users(c.Meta.Attribution)
	listed := map[string]bool{c.Value: true}
	for _, s := range out.Short {
		listed[s] = true
	}
	add := func(name string, rank translate.Rank, relation translate.Relation) {
		if listed[name] {
			return
		}
		listed[name] = true
		source := stated
		if u := users[name]; u != "" {
			source += "; used by " + u
		}
		out.Labels = append(out.Labels, translate.Label{
			Text: name, Language: translate.Undetermined, Rank: rank, Relation: relation, Source: source, Where: at,
		})
	}
	for _, name := range externalIDs(c.Meta.ExternalID) {
		add(name, translate.Hidden, translate.Exact)
	}
	for _, name := range c.Meta.Synonyms {
		add(name, translate.Alternative, translate.Close)
	}
	return out
}

// catalogueID is an id as ATT&CK (G0018, S0367) and the lists of 360 and QiAnXin
// (APT-C-00) have it.
var catalogueID = regexp.MustCompile(`^(?:[A-Z]{1,3}[0-9]{4}|APT-[A-Z]-[0-9]{2,4})$`)

// nameAndID splits values such as "Emotet - S0367", which some galaxies make of
// a name and its id in their catalogue: both are the cluster's own name.
func nameAndID(value string) []string {
	i := strings.LastIndex(value, " - ")
	if i < 0 || !catalogueID.MatchString(value[i+3:]) {
		return nil
	}
	return []string{value[:i], value[i+3:]}
}

// externalIDs reads meta.external_id, which is a string or a list of them.
func externalIDs(raw jsontext.Value) []string {
	var one string
	var many []string
	switch {
	case len(raw) == 0:
		return nil
	case json.Unmarshal(raw, &one) == nil && one != "":
		return []string{one}
	case json.Unmarshal(raw, &many) == nil:
		return many
	}
	return nil // meta is an open bag: what is no id here is not ours to read
}

// users reads meta.name-attribution: which producer uses which name. Names may
// hold colons, so the UUID follows the last one.
func (l *loader) users(attribution []string) map[string]string {
	out := map[string]string{}
	for _, a := range attribution {
		i := strings.LastIndexByte(a, ':')
		if i < 0 {
			continue
		}
		if producer := l.producers[a[i+1:]]; producer != "" {
			if out[a[:i]] != "" {
				producer = out[a[:i]] + ", " + producer
			}
			out[a[:i]] = producer
		}
	}
	return out
}

// readProducers reads the galaxy of producers.
func (l *loader) readProducers(f *source, flt *faults) {
	each(f.doc, "values", l.limits.Entries, flt, func(c cluster, _ int) {
		if c.UUID != "" {
			l.producers[c.UUID] = c.Value
		}
	})
}
