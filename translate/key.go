package translate

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// MaxTerm is the longest term in bytes that is looked up or loaded. The
// longest name in the public MISP galaxies has fewer than 200, the longest
// label in the public taxonomies, which is a sentence, 515.
const MaxTerm = 1024

// ErrNotATerm is wrapped by the error of [Key].
var ErrNotATerm = errors.New("not a term")

// Key returns the form under which terms are compared: trimmed, blanks
// collapsed, NFKC (Unicode Standard Annex 15), every dash "-", case folded. It
// refuses what cannot be a word: an empty one, one over [MaxTerm], invalid
// UTF-8, and control, bidi and other invisible characters, which make two
// different words look alike. Look-alike letters of other scripts stay
// different: merging them needs a person.
//
// Keys are for comparing in one process. They are never stored, sent or
// signed: folding depends on the Unicode version of the build.
func Key(term string) (string, error) {
	var buf [MaxTerm]byte
	k, err := appendKey(buf[:0], term)
	return string(k), err
}

// Loose returns a key without blanks, "-", "_" and ".". Different actors can
// share it, so it serves to suggest and never to answer.
func Loose(key string) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case ' ', '-', '_', '.':
			return -1
		}
		return r
	}, key)
}

// appendKey appends the key of term to dst, without allocation for ASCII.
func appendKey(dst []byte, term string) ([]byte, error) {
	term = strings.TrimSpace(term)
	switch {
	case term == "":
		return nil, fmt.Errorf("%w: empty", ErrNotATerm)
	case len(term) > MaxTerm:
		return nil, fmt.Errorf("%w: %d bytes, the limit is %d", ErrNotATerm, len(term), MaxTerm)
	}
	for i := 0; i < len(term); i++ {
		c := term[i]
		switch {
		case c >= utf8.RuneSelf:
			return appendUnicodeKey(dst[:0], term)
		case c < ' ' || c == 0x7f:
			return nil, fmt.Errorf("%w: control character U+%04X at byte %d", ErrNotATerm, c, i)
		case c == ' ' && term[i-1] == ' ': // term is trimmed, so i > 0
		case 'A' <= c && c <= 'Z':
			dst = append(dst, c+'a'-'A')
		default:
			dst = append(dst, c)
		}
	}
	return dst, nil
}

// appendUnicodeKey is appendKey for what is not ASCII.
func appendUnicodeKey(dst []byte, term string) ([]byte, error) {
	if !utf8.ValidString(term) {
		return nil, fmt.Errorf("%w: not valid UTF-8", ErrNotATerm)
	}
	prev := rune(0)
	for i, r := range term {
		if invisible(r, prev) {
			return nil, fmt.Errorf("%w: control, bidi or invisible character U+%04X at byte %d", ErrNotATerm, r, i)
		}
		prev = r
	}
	s := foldCase(norm.NFKC.String(term))
	s = strings.Join(strings.Fields(strings.Map(dash, s)), " ")
	if s == "" {
		return nil, fmt.Errorf("%w: only blanks", ErrNotATerm)
	}
	return append(dst, s...), nil
}

// foldCase folds the case of an NFKC string and restores NFKC. Folding can
// undo normal form and the reverse (U+0345 does both), hence two rounds, as
// NFKC_Casefold has it (Unicode Standard, 3.13).
func foldCase(s string) string {
	if !strings.ContainsFunc(s, cased) {
		return s
	}
	fold := cases.Fold()
	for range 2 {
		s = norm.NFKC.String(fold.String(s))
	}
	return s
}

// cased reports whether folding may change r. Scripts without case, such as
// kana and Han, skip the folding, which is most of the cost of a key.
func cased(r rune) bool {
	if r < utf8.RuneSelf {
		return 'A' <= r && r <= 'Z'
	}
	return unicode.SimpleFold(r) != r || unicode.In(r, unicode.Lu, unicode.Ll, unicode.Lt)
}

// dash maps the Unicode dashes to "-": hyphens U+2010 to U+2015 and the minus
// sign. NFKC alone turns U+2011 into U+2010, which is still not "-".
func dash(r rune) rune {
	if r >= 0x2010 && r <= 0x2015 || r == 0x2212 {
		return '-'
	}
	return r
}

// invisible reports characters that may not be part of a term. The joiners
// U+200C and U+200D are letters of Persian and the scripts of India and are
// let through there, directly after a letter or mark that is not Latin, Greek
// or Cyrillic.
func invisible(r, prev rune) bool {
	switch r {
	case 0x200C, 0x200D:
		return !unicode.In(prev, unicode.L, unicode.M) ||
			unicode.In(prev, unicode.Latin, unicode.Greek, unicode.Cyrillic)
	case utf8.RuneError, 0x2800: // lost bytes; the blank braille pattern
		return true
	case 0x115F, 0x1160, 0x3164, 0xFFA0: // Hangul fillers, letters without a shape
		return true
	}
	if unicode.IsLetter(r) {
		return false
	}
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Cs, unicode.Zl, unicode.Zp,
		unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}
