package translate

import "errors"

// Answer is what `entente translate TERM --kind KIND --to LANG|VOCABULARY`
// prints as JSON.
type Answer struct {
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

// Answer looks a term up and says what is wrong with the question: a term that
// cannot be a word, or a target that is neither a loaded vocabulary nor a
// language tag.
func (d *Dictionary) Answer(term string, kind Kind, to string) (Answer, error) {
	return Answer{}, errors.New("translate: no dictionary yet")
}
