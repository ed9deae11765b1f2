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
