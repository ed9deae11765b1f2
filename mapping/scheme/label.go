package scheme

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// maxLabel is the longest label that is looked up, in bytes. The longest
// shipped one has 77.
const maxLabel = 256

// normal returns the form in which labels are compared: NFC, case folded,
// runs of blanks one space, none at the ends or beside - / : +, so that
// "vs -NfD" is "VS-NfD" (trap T16). Nothing else is forgiven: accents,
// dashes of another kind, full-width forms and look-alike letters stay what
// they are and do not match. It reports false for what no label can be: too
// long, empty, not UTF-8.
func normal(label string) (string, bool) {
	if len(label) > maxLabel || !utf8.ValidString(label) {
		return "", false
	}
	// The library folds Cherokee small letters to capitals and capitals to
	// small ones; lower case after it makes folding twice the same as once.
	folded := norm.NFC.String(strings.ToLower(cases.Fold().String(label)))
	var b strings.Builder
	b.Grow(len(folded))
	blank, joined := false, true // joined: no blank is wanted after what stands before
	for _, r := range folded {
		if unicode.IsSpace(r) {
			blank = true
			continue
		}
		joins := r == '-' || r == '/' || r == ':' || r == '+'
		if blank && !joined && !joins {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
		blank, joined = false, joins
	}
	return b.String(), b.Len() > 0
}

// alphabets are those whose letters are taken for one another.
var alphabets = [...]*unicode.RangeTable{unicode.Latin, unicode.Cyrillic, unicode.Greek}

// mixedScripts returns the first word of a label with letters of two of the
// alphabets: a slip, or a look-alike planted beside the true label (trap T16).
// It returns "" when there is none.
func mixedScripts(label string) string {
	for word := range strings.FieldsFuncSeq(label, func(r rune) bool { return !unicode.IsLetter(r) }) {
		found := 0
		for _, a := range alphabets {
			if strings.ContainsFunc(word, func(r rune) bool { return unicode.Is(a, r) }) {
				found++
			}
		}
		if found > 1 {
			return word
		}
	}
	return ""
}
