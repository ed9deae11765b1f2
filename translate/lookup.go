package translate

import (
	"fmt"
	"slices"
	"strings"
)

// Candidate is one possible translation, with what a reader needs to judge it.
type Candidate struct {
	// Term in the target language or vocabulary. Empty where Relation is None.
	Term string `json:"term"`
	// Language is the BCP 47 tag of Term: [Undetermined] for names,
	// [NoLanguage] for machine values.
	Language string `json:"language"`
	// List is the part of the scheme, such as malware-type-ov; empty where the
	// scheme has no parts.
	List string `json:"list,omitempty"`
	// Scheme and Version of the vocabulary Term belongs to.
	Scheme  string `json:"scheme"`
	Version string `json:"version"`
	// Relation says how Term stands to the word looked up.
	Relation Relation `json:"relation"`
	// Source says who states it.
	Source string `json:"source"`
	// Where is the file:line of the row it rests on.
	Where string `json:"-"`
}

// sameWord reports whether two candidates would look the same to a reader,
// whoever states them.
func (c Candidate) sameWord(o Candidate) bool {
	return c.Term == o.Term && c.Language == o.Language && c.List == o.List && c.Scheme == o.Scheme &&
		c.Version == o.Version && c.Relation == o.Relation
}

// Target is where a lookup leads: a language or a vocabulary. Make one with
// [Dictionary.Target] and use it for many words.
type Target struct {
	scheme string
	tags   []string // accepted language tags, best first
}

// Target resolves the id of a loaded vocabulary or a BCP 47 tag. The id wins
// where both could be meant (tlp is also a language of Mexico). The error
// lists the vocabularies there are.
func (d *Dictionary) Target(to string) (Target, error) {
	if id, ok := d.schemes[to]; ok {
		return Target{scheme: id}, nil
	}
	if tags, ok := d.accepted(to); ok {
		if id, isScheme := d.schemes[foldID(to)]; isScheme {
			return Target{scheme: id}, nil
		}
		return Target{tags: tags}, nil
	}
	if id, ok := d.schemes[foldID(to)]; ok {
		return Target{scheme: id}, nil
	}
	ids := make([]string, 0, len(d.schemes))
	for _, id := range d.schemes {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return Target{}, fmt.Errorf("%q is neither a language tag nor a loaded vocabulary: use a BCP 47 tag such as de or one of %s",
		to, strings.Join(ids, ", "))
}

// Lookup returns every candidate for a term of a kind towards a BCP 47 tag or
// the id of a loaded vocabulary. It returns nil for an unknown term, an
// unknown target and a term that is no word (see [Key]); [Dictionary.Answer]
// tells these apart.
//
// Order: words that are a concept's own name before synonyms and words of
// feeds, then the order of vocabularies, then exact before close, broad,
// narrow and none.
func (d *Dictionary) Lookup(term string, kind Kind, to string) []Candidate {
	t, err := d.Target(to)
	if err != nil {
		return nil
	}
	return d.Find(term, kind, t)
}

// Find is [Dictionary.Lookup] with the target resolved beforehand.
func (d *Dictionary) Find(term string, kind Kind, to Target) []Candidate {
	hits := d.hits(term, kind)
	if len(hits) == 0 {
		return nil
	}
	out := make([]Candidate, 0, 4)
	for _, h := range hits {
		if to.scheme != "" {
			out = h.toScheme(out, to.scheme)
		} else {
			out = h.toLanguage(out, to.tags)
		}
	}
	return out
}

// hits returns the concepts that the term names.
func (d *Dictionary) hits(term string, kind Kind) []hit {
	var buf [MaxTerm]byte
	key, err := appendKey(buf[:0], term)
	if err != nil {
		return nil
	}
	return d.words[kind][string(key)]
}

// toScheme appends what the concept is called in a vocabulary. The statement
// that leads there starts at the concept itself: a word that only resembles
// the concept gets the concept and nothing further.
func (h hit) toScheme(out []Candidate, scheme string) []Candidate {
	if h.node.scheme == scheme {
		for _, c := range h.node.own {
			out = add(out, c, h.relation)
		}
		if h.relation == Exact {
			for _, l := range h.node.labels {
				if l.rank == Alternative {
					out = add(out, l.Candidate, l.Relation.inverse())
				}
			}
		}
	}
	if h.relation != Exact {
		return out
	}
	for _, e := range h.node.edges {
		if e.target.Scheme == scheme {
			out = add(out, e.target, e.target.Relation)
		}
	}
	return out
}

// toLanguage appends what readers of a language call the concept. Where it has
// no word of its own in that language, the words of the concepts it is mapped
// to serve, with the relation of that mapping; a mapping is followed once.
func (h hit) toLanguage(out []Candidate, tags []string) []Candidate {
	before := len(out)
	for _, l := range h.node.labels {
		if !speaks(h.node, l.Language, tags) {
			continue
		}
		if l.rank == Preferred {
			out = add(out, l.Candidate, h.relation)
		} else if h.relation == Exact {
			out = add(out, l.Candidate, l.Relation.inverse())
		}
	}
	if len(out) > before || h.relation != Exact {
		return out
	}
	for _, e := range h.node.edges {
		if e.to == nil {
			continue
		}
		for _, l := range e.to.labels {
			if l.rank == Preferred && speaks(e.to, l.Language, tags) {
				before := len(out)
				if out = add(out, l.Candidate, e.target.Relation); len(out) > before {
					out[before].Source = e.target.Source + "; label: " + l.Source
				}
			}
		}
	}
	return out
}

// speaks reports whether language is the one in which a reader is shown the
// labels of n: the best accepted one that n has, and [Undetermined] always.
func speaks(n *node, language string, tags []string) bool {
	if language == Undetermined {
		return true
	}
	for _, t := range tags {
		if t == language {
			return true
		}
		if slices.ContainsFunc(n.labels, func(l ranked) bool { return l.Language == t }) {
			return false // n has a better one
		}
	}
	return false
}

// add appends a candidate unless a reader has seen the same word already.
func add(out []Candidate, c Candidate, r Relation) []Candidate {
	c.Relation = r
	if slices.ContainsFunc(out, c.sameWord) {
		return out
	}
	return append(out, c)
}
