package translate

import "errors"

// Languages tells which languages may stand in for another. translate/language
// has the implementation; this package only needs the answer.
type Languages interface {
	// Match returns the indices of have that a reader of want accepts, best
	// first, and none if want is no language tag.
	Match(want string, have []string) []int
}

// Dictionary holds the words of all loaded vocabularies. It is immutable.
type Dictionary struct{}

// New joins vocabularies into a dictionary. Their order is their precedence.
// Errors are joined, one a row, each naming file and line.
func New(vs []Vocabulary, languages Languages) (*Dictionary, error) {
	return nil, errors.New("translate: no dictionary yet")
}
