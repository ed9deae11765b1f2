package translate

import "errors"

// Key returns the form under which a term is compared: trimmed, NFKC, dashes
// folded to "-", case folded. It refuses what cannot be a word: empty, over
// [MaxTerm], invalid UTF-8, control or bidi characters. Keys are for looking
// up in one process; they are never stored, sent or signed, because folding
// depends on the Unicode version of the build.
func Key(term string) (string, error) {
	return "", errors.New("translate: no keys yet")
}

// MaxTerm is the longest term in bytes that is looked up or loaded.
const MaxTerm = 512
