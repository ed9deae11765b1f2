package translate

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Languages tells which languages may stand in for another. translate/language
// has the implementation; this package only needs the answer.
type Languages interface {
	// Match returns the indices of have that a reader of want accepts, best
	// first. ok is false if want is no language tag.
	Match(want string, have []string) (accepted []int, ok bool)
}

// Dictionary holds the words of all loaded vocabularies. It is immutable.
type Dictionary struct {
	vocabularies []Info
	nodes        map[nodeID]*node
	words        map[Kind]map[string][]hit   // key → concepts it names
	loose        map[Kind]map[string][]*node // loose key → concepts to suggest
	schemes      map[string]string           // folded scheme id → id
	tags         []string                    // every language that has a label
	languages    Languages
	exactTags    map[string][]string // a tag as it stands in tags → accepted ones
}

// Info describes one loaded vocabulary, for `entente vocab list`.
type Info struct {
	Scheme    string   `json:"scheme"`
	Version   string   `json:"version"`
	Digest    string   `json:"digest"`
	File      string   `json:"file"`
	Name      string   `json:"name,omitempty"`
	Source    string   `json:"source,omitempty"`
	Licence   string   `json:"licence,omitempty"`
	Languages []string `json:"languages"`
	Concepts  int      `json:"concepts"`
	Mappings  int      `json:"mappings"`
}

// nodeID identifies a concept across files.
type nodeID struct{ scheme, list, id string }

// node is one concept with what all files say of it.
type node struct {
	nodeID
	kind   Kind
	own    []Candidate // how its scheme writes it, one a version
	labels []ranked    // what to offer readers: preferred before alternative
	edges  []edge      // statements from here to other concepts
}

// ranked is a label as a candidate, with its rank and with the relation of the
// word to its concept.
type ranked struct {
	Candidate
	rank Rank
}

// edge is a mapping seen from its source.
type edge struct {
	to     *node // nil where Relation is None
	target Candidate
}

// hit is a word found: the concept, and how the concept stands to the word.
type hit struct {
	node     *node
	rank     Rank
	relation Relation
}

// New joins vocabularies into a dictionary. Their order is their precedence.
// All errors are returned at once, joined, each naming file and line.
func New(vs []Vocabulary, languages Languages) (*Dictionary, error) {
	b := builder{d: &Dictionary{
		nodes:     map[nodeID]*node{},
		words:     map[Kind]map[string][]hit{},
		loose:     map[Kind]map[string][]*node{},
		schemes:   map[string]string{},
		exactTags: map[string][]string{},
		languages: languages,
	}, declared: map[[2]string]bool{}}
	for i := range vs {
		b.concepts(&vs[i])
	}
	for i := range vs {
		b.mappings(&vs[i])
	}
	if len(b.errs) > 0 {
		return nil, errors.Join(b.errs...)
	}
	b.finish()
	return b.d, nil
}

// Vocabularies lists what is loaded, in order of precedence.
func (d *Dictionary) Vocabularies() []Info { return slices.Clone(d.vocabularies) }

// Digest identifies everything that is loaded, in its order: "sha256:" and hex.
// A stored translation names it to stay reproducible after an update.
func (d *Dictionary) Digest() string {
	h := sha256.New()
	for _, v := range d.vocabularies {
		fmt.Fprintf(h, "%q %q %q\n", v.Scheme, v.Version, v.Digest)
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}

// finish sorts what readers get and prepares the tables that make a lookup
// cheap.
func (b *builder) finish() {
	d := b.d
	for _, byKey := range d.words {
		for _, hits := range byKey {
			slices.SortStableFunc(hits, func(x, y hit) int { return cmp.Compare(x.rank, y.rank) })
		}
	}
	for _, n := range d.nodes {
		slices.SortStableFunc(n.labels, func(x, y ranked) int { return cmp.Compare(x.rank, y.rank) })
		slices.SortStableFunc(n.edges, func(x, y edge) int {
			return cmp.Compare(x.target.Relation.strength(), y.target.Relation.strength())
		})
	}
	slices.Sort(d.tags)
	for _, t := range d.tags {
		if tags, ok := d.accepted(t); ok {
			d.exactTags[t] = tags
		}
	}
}

// accepted returns the language tags that a reader of want is shown, best
// first.
func (d *Dictionary) accepted(want string) ([]string, bool) {
	if tags, ok := d.exactTags[want]; ok {
		return tags, true
	}
	indices, ok := d.languages.Match(want, d.tags)
	if !ok {
		return nil, false
	}
	tags := make([]string, 0, len(indices))
	for _, i := range indices {
		if t := d.tags[i]; t != Undetermined && t != NoLanguage {
			tags = append(tags, t)
		}
	}
	return tags, true
}

// foldID folds an id of a scheme for comparison.
func foldID(id string) string { return strings.ToLower(id) }
