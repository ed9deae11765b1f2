package language

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Visible shows the characters of a text that would act instead of being seen
// as escapes: otherwise a name in somebody's file could move a terminal's
// cursor, change the direction of the text around it, or fake a line
// (CVE-2021-42574).
func Visible(s string) string {
	if !strings.ContainsFunc(s, acts) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if acts(r) {
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// acts reports whether a character acts on what shows it: controls, format
// characters such as those of Unicode's bidirectional algorithm (UAX #9), and
// line and paragraph separators.
func acts(r rune) bool {
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) || r == utf8.RuneError
}
