package language

import (
	"errors"
	"fmt"
	"strings"
)

// Sealed is a text whose protected spans have been replaced by tokens, ready
// to be given to a translator, human or machine.
type Sealed struct {
	// Text is what may be translated.
	Text  string
	parts []part
}

// part is one token and what it stands for.
type part struct{ token, original string }

// ErrSeal is wrapped by the error of [Sealed.Open].
var ErrSeal = errors.New("protected part lost in translation")

// Seal replaces the protected spans of text (see [Protect]) by tokens that do
// not occur in it.
func Seal(text string, names ...string) Sealed {
	prefix := "ZQX"
	for strings.Contains(strings.ToUpper(text), prefix) {
		prefix += "X"
	}
	var s Sealed
	var out strings.Builder
	at := 0
	for i, span := range Protect(text, names...) {
		token := fmt.Sprintf("%s%04dQ", prefix, i)
		out.WriteString(text[at:span.Start])
		out.WriteString(token)
		s.parts = append(s.parts, part{token, text[span.Start:span.End]})
		at = span.End
	}
	out.WriteString(text[at:])
	s.Text = out.String()
	return s
}

// Open puts the protected parts back into a translation of s.Text, byte for
// byte. It refuses a translation in which a token is missing or stands twice,
// and one that contains an indicator, an identifier or a marking label of its
// own: the caller then shows the original. Tokens may change places.
func (s Sealed) Open(translated string) (string, error) {
	known := map[string]bool{}
	for _, span := range Protect(s.Text) { // the tokens, and what stands beside them
		known[s.Text[span.Start:span.End]] = true
	}
	for _, span := range Protect(translated) {
		added := translated[span.Start:span.End]
		if span.Kind != SpanCode && span.Kind != SpanName && !known[added] {
			return "", fmt.Errorf("%w: the translation adds the %s %q", ErrSeal, span.Kind, added)
		}
	}
	pairs := make([]string, 0, 2*len(s.parts))
	for _, p := range s.parts {
		if n := strings.Count(translated, p.token); n != 1 {
			return "", fmt.Errorf("%w: %q came back %d times, not once", ErrSeal, p.original, n)
		}
		pairs = append(pairs, p.token, p.original)
	}
	return strings.NewReplacer(pairs...).Replace(translated), nil
}
