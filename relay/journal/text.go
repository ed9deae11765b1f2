package journal

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Unfit stands in a record where a text did not have the shape of its field.
const Unfit = "~"

// Token is a name made by an operator, a rule's author or a program: participant
// ids, rule ids, digests, purposes. Letters, digits and "._:/-" but no link, at
// most 256 bytes.
type Token string

// ID is a STIX id, "type--uuid" (STIX 2.1 section 2.9), at most 300 bytes.
type ID string

// Path is a property path: letters, digits and "_.-[]", at most 512 bytes.
type Path string

// Label is a marking as shown, or what a rule cites: one line of printable text,
// at most 512 bytes, without the characters that patterns, addresses, links
// and markup need.
type Label string

// Compact is a compact JWS (RFC 7515 section 7.1): base64url and points, at most
// 2,048 bytes.
type Compact string

// Digest is a SHA-256 digest; in JSON base64url without padding.
type Digest [32]byte

// AppendText implements encoding.TextAppender: an unfit token is not written.
func (t Token) AppendText(b []byte) ([]byte, error) { return fold(b, string(t), isToken), nil }

// UnmarshalText refuses what AppendText would not write.
func (t *Token) UnmarshalText(b []byte) error { return unfold(t, b, isToken, "token") }

// AppendText implements encoding.TextAppender: an unfit id is not written.
func (i ID) AppendText(b []byte) ([]byte, error) { return fold(b, string(i), isID), nil }

// UnmarshalText refuses what AppendText would not write.
func (i *ID) UnmarshalText(b []byte) error { return unfold(i, b, isID, "STIX id") }

// AppendText implements encoding.TextAppender: an unfit path is not written.
func (p Path) AppendText(b []byte) ([]byte, error) { return fold(b, string(p), isPath), nil }

// UnmarshalText refuses what AppendText would not write.
func (p *Path) UnmarshalText(b []byte) error { return unfold(p, b, isPath, "property path") }

// AppendText implements encoding.TextAppender: an unfit label is not written.
func (l Label) AppendText(b []byte) ([]byte, error) { return fold(b, string(l), isLabel), nil }

// UnmarshalText refuses what AppendText would not write.
func (l *Label) UnmarshalText(b []byte) error { return unfold(l, b, isLabel, "label") }

// AppendText implements encoding.TextAppender: what is unfit is not written.
func (c Compact) AppendText(b []byte) ([]byte, error) { return fold(b, string(c), isCompact), nil }

// UnmarshalText refuses what AppendText would not write.
func (c *Compact) UnmarshalText(b []byte) error { return unfold(c, b, isCompact, "compact JWS") }

// AppendText implements encoding.TextAppender.
func (d Digest) AppendText(b []byte) ([]byte, error) {
	return base64.RawURLEncoding.AppendEncode(b, d[:]), nil
}

// UnmarshalText reads exactly what AppendText writes.
func (d *Digest) UnmarshalText(b []byte) error {
	// Strict still allows line feeds inside, which no digest has.
	if len(b) != digestText {
		return errors.New("a digest has 43 characters of base64url")
	}
	if n, err := base64.RawURLEncoding.Strict().Decode(d[:], b); err != nil || n != len(d) {
		return errors.New("not a digest in base64url")
	}
	return nil
}

// digestText is the length of a digest as text.
const digestText = 43

func fold(b []byte, s string, fits func(string) bool) []byte {
	if s == "" || fits(s) {
		return append(b, s...)
	}
	return append(b, Unfit...)
}

func unfold[T ~string](into *T, b []byte, fits func(string) bool, what string) error {
	s := string(b)
	if s != "" && s != Unfit && !fits(s) {
		return fmt.Errorf("not a %s", what)
	}
	*into = T(s)
	return nil
}

// shapes says for each byte in which texts it may stand. Bytes of letters
// outside ASCII are for labels alone, and looked at one by one there.
var shapes = func() (t [256]shape) {
	for c := range t {
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		digit := c >= '0' && c <= '9'
		if letter || digit {
			t[c] = inToken | inPath | inLabel | inCompact
		}
	}
	for _, c := range []byte("._:/-") {
		t[c] |= inToken
	}
	for _, c := range []byte("_.-[]") {
		t[c] |= inPath
	}
	for _, c := range []byte("_.-") {
		t[c] |= inCompact
	}
	for _, c := range []byte(" !#$%&()*+,-./:;?[]^_|") {
		t[c] |= inLabel
	}
	return t
}()

type shape uint8

const (
	inToken shape = 1 << iota
	inPath
	inLabel
	inCompact
)

func only(s string, maxBytes int, in shape) bool {
	if len(s) > maxBytes {
		return false
	}
	for i := range len(s) {
		if shapes[s[i]]&in == 0 {
			return false
		}
	}
	return true
}

func isToken(s string) bool { return only(s, 256, inToken) && !strings.Contains(s, "://") }

func isCompact(s string) bool { return only(s, 2048, inCompact) && strings.Count(s, ".") == 2 }

func isPath(s string) bool { return only(s, 512, inPath) }

func isID(s string) bool {
	kind, uuid, ok := strings.Cut(s, "--")
	if !ok || kind == "" || len(s) > 300 || strings.ContainsAny(kind, "._:/") || !only(kind, 300, inToken) || len(uuid) != 36 {
		return false
	}
	for i := range len(uuid) {
		c := uuid[i]
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if c != '-' {
				return false
			}
			continue
		}
		if !(c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'f') {
			return false
		}
	}
	return true
}

func isLabel(s string) bool {
	if len(s) > 512 || strings.Contains(s, "://") {
		return false
	}
	for i := range len(s) {
		if shapes[s[i]]&inLabel == 0 {
			return isWideLabel(s)
		}
	}
	return true
}

// isWideLabel looks at a label rune by rune. It allows an apostrophe only inside
// a word, as French and English need it: a quotation begins or ends at one.
func isWideLabel(s string) bool {
	before := ' '
	for i, r := range s {
		switch {
		case r == utf8.RuneError: // also for what is not UTF-8
			return false
		case r == '\'':
			next, _ := utf8.DecodeRuneInString(s[i+1:])
			if !unicode.IsLetter(before) || !unicode.IsLetter(next) {
				return false
			}
		case r < utf8.RuneSelf && shapes[r]&inLabel == 0, !unicode.IsPrint(r):
			return false
		}
		before = r
	}
	return true
}
