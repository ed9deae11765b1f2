package stix

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// tokenKind is what a token of the patterning language is.
type tokenKind uint8

const (
	tokEnd tokenKind = iota
	tokBad           // text says why
	tokWord
	tokString
	tokInt
	tokFloat
	tokHex
	tokBinary
	tokTime
	tokPunct // text is one of [ ] ( ) : , . * = != < <= > >=
)

// token is one token with the byte it starts at.
type token struct {
	kind tokenKind
	text string
	at   int
}

func (t token) is(text string) bool {
	return (t.kind == tokPunct || t.kind == tokWord) && t.text == text
}

// show names the token for an error, cut short.
func (t token) show() string {
	if t.kind == tokEnd {
		return "the end"
	}
	return fmt.Sprintf("%q", clip(t.text))
}

// lexer cuts a pattern into tokens.
type lexer struct {
	text string
	at   int
}

// next returns the next token; white space and comments are skipped (§9.2).
func (l *lexer) next() token {
	if why := l.skip(); why != "" {
		return token{tokBad, why, l.at}
	}
	start := l.at
	if start == len(l.text) {
		return token{tokEnd, "", start}
	}
	c := l.text[start]
	switch {
	case c == '\'':
		return l.quoted(tokString, start)
	case (c == 'h' || c == 'b' || c == 't') && start+1 < len(l.text) && l.text[start+1] == '\'':
		l.at++
		return l.prefixed(c, start)
	case wordStart(c):
		for l.at < len(l.text) && (wordStart(l.text[l.at]) || digit(l.text[l.at]) || l.text[l.at] == '-') {
			l.at++
		}
		return token{tokWord, l.text[start:l.at], start}
	case digit(c), c == '-', c == '+', c == '.' && start+1 < len(l.text) && digit(l.text[start+1]):
		return l.number(start)
	}
	return l.punct(start)
}

// skip passes white space and comments, and says what is wrong with one.
func (l *lexer) skip() string {
	for l.at < len(l.text) {
		rest := l.text[l.at:]
		switch {
		case strings.HasPrefix(rest, "//"):
			if end := strings.IndexAny(rest, "\r\n"); end >= 0 {
				l.at += end
			} else {
				l.at = len(l.text)
			}
		case strings.HasPrefix(rest, "/*"):
			end := strings.Index(rest[2:], "*/")
			if end < 0 {
				return "a comment that does not end"
			}
			l.at += end + 4
		default:
			r, size := utf8.DecodeRuneInString(rest)
			if !unicode.IsSpace(r) {
				return ""
			}
			l.at += size
		}
	}
	return ""
}

// quoted reads a string literal; a backslash stands before ' and \ only.
func (l *lexer) quoted(kind tokenKind, start int) token {
	l.at++
	var plain strings.Builder
	from := l.at
	for l.at < len(l.text) {
		switch l.text[l.at] {
		case '\'':
			text := l.text[from:l.at]
			if plain.Len() > 0 {
				plain.WriteString(text)
				text = plain.String()
			}
			l.at++
			return token{kind, text, start}
		case '\\':
			if l.at+1 == len(l.text) || (l.text[l.at+1] != '\'' && l.text[l.at+1] != '\\') {
				return token{tokBad, `a backslash in a string must stand before ' or \`, l.at}
			}
			plain.WriteString(l.text[from:l.at])
			plain.WriteByte(l.text[l.at+1])
			l.at += 2
			from = l.at
		default:
			l.at++
		}
	}
	return token{tokBad, "a string that does not end", start}
}

// prefixed reads h'..', b'..' or t'..' and checks what is inside.
func (l *lexer) prefixed(prefix byte, start int) token {
	t := l.quoted(tokHex, start)
	if t.kind == tokBad {
		return t
	}
	switch prefix {
	case 'h':
		if _, err := hex.DecodeString(t.text); err != nil || t.text == "" {
			return token{tokBad, "h'...' needs pairs of hexadecimal digits", start}
		}
	case 'b':
		t.kind = tokBinary
		if _, err := base64.StdEncoding.Strict().DecodeString(t.text); err != nil {
			return token{tokBad, "b'...' needs base64", start}
		}
	case 't':
		t.kind = tokTime
		if _, ok := timestamp([]byte(t.text)); !ok {
			return token{tokBad, "t'...' needs a timestamp such as 2026-01-06T12:00:00Z", start}
		}
	}
	return t
}

// number reads an integer or a fraction with an optional sign.
func (l *lexer) number(start int) token {
	if c := l.text[l.at]; c == '-' || c == '+' {
		l.at++
	}
	whole := l.digits()
	kind := tokInt
	if l.at+1 < len(l.text) && l.text[l.at] == '.' && digit(l.text[l.at+1]) {
		l.at++
		l.digits()
		kind = tokFloat
	}
	text := l.text[start:l.at]
	switch {
	case kind == tokInt && whole == "":
		return token{tokBad, "a sign without a number", start}
	case kind == tokInt && len(whole) > 1 && whole[0] == '0':
		return token{tokBad, "a number that begins with 0", start}
	}
	return token{kind, text, start}
}

func (l *lexer) digits() string {
	from := l.at
	for l.at < len(l.text) && digit(l.text[l.at]) {
		l.at++
	}
	return l.text[from:l.at]
}

func (l *lexer) punct(start int) token {
	two := ""
	if start+2 <= len(l.text) {
		two = l.text[start : start+2]
	}
	switch two {
	case "!=", "<=", ">=":
		l.at += 2
		return token{tokPunct, two, start}
	case "==":
		l.at += 2
		return token{tokPunct, "=", start}
	case "<>":
		l.at += 2
		return token{tokPunct, "!=", start}
	}
	if strings.IndexByte("[]():,.*=<>", l.text[start]) >= 0 {
		l.at++
		return token{tokPunct, l.text[start:l.at], start}
	}
	return token{tokBad, "a character that has no meaning in a pattern", start}
}

func wordStart(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_'
}

func digit(c byte) bool { return c >= '0' && c <= '9' }
