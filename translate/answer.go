package translate

import "slices"

// Answer is what `entente translate TERM --kind KIND --to LANG|VOCABULARY`
// prints as JSON.
type Answer struct {
	// Term as it was asked for.
	Term string `json:"term"`
	// Candidates is never null; an unknown term has none.
	Candidates []Candidate `json:"candidates"`
	// Suggestions are words that differ only in blanks, "-", "_" and ".".
	// They are not translations and are given only where there is none.
	Suggestions []Suggestion `json:"suggestions,omitempty"`
}

// Suggestion is a known word that looks like the one asked for.
type Suggestion struct {
	Term    string `json:"term"`
	Scheme  string `json:"scheme"`
	Version string `json:"version"`
}

// maxSuggestions bounds what is suggested for one word.
const maxSuggestions = 8

// Answer looks a term up and says what is wrong with the question: an unknown
// kind, a term that cannot be a word, or a target that is neither a loaded
// vocabulary nor a language tag.
func (d *Dictionary) Answer(term string, kind Kind, to string) (Answer, error) {
	if _, err := ParseKind(string(kind)); err != nil {
		return Answer{}, err
	}
	key, err := Key(term)
	if err != nil {
		return Answer{}, err
	}
	target, err := d.Target(to)
	if err != nil {
		return Answer{}, err
	}
	a := Answer{Term: term, Candidates: d.Find(term, kind, target)}
	if len(a.Candidates) == 0 {
		a.Candidates = []Candidate{}
		a.Suggestions = d.suggest(key, kind)
	}
	return a, nil
}

// suggest returns the names of concepts whose word has the same loose key but
// another key.
func (d *Dictionary) suggest(key string, kind Kind) []Suggestion {
	known := d.words[kind][key]
	var out []Suggestion
	for _, n := range d.loose[kind][Loose(key)] {
		if slices.ContainsFunc(known, func(h hit) bool { return h.node == n }) {
			continue
		}
		if len(out) == maxSuggestions {
			break
		}
		c := n.own[0]
		out = append(out, Suggestion{Term: c.Term, Scheme: c.Scheme, Version: c.Version})
	}
	return out
}
