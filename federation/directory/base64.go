package directory

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// strict decodes base64url without padding and refuses stray low bits in the
// last character, so that no two texts of one length stand for the same bytes
// (RFC 4648 §3.5). It still skips CR and LF: DecodeBase64 refuses those.
var strict = base64.RawURLEncoding.Strict()

// DecodeBase64 appends the bytes that text stands for to dst. Exactly one text
// is accepted for any bytes: no padding, no line breaks, no stray bits.
func DecodeBase64(dst, text []byte) ([]byte, error) {
	if out, ok := decodeQuick(dst, text); ok {
		return out, nil
	}
	return decodeStrict(dst, text) // and says what is wrong
}

// decodeStrict is DecodeBase64 by the library.
func decodeStrict(dst, text []byte) ([]byte, error) {
	out, err := strict.AppendDecode(dst, text)
	if err != nil {
		return dst, fmt.Errorf("base64url: %w", err)
	}
	// A line break, which the decoder skips, leaves fewer bytes than a text of
	// that length has. (No text has a length of 1 modulo 4.)
	if len(text)%4 == 1 || len(out)-len(dst) != strict.DecodedLen(len(text)) {
		return dst, errors.New("base64url: a line break, or a length that no text has")
	}
	return out, nil
}

// alphabet is that of base64url (RFC 4648 §5).
const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// pairs are the two characters for each twelve bits, the first in the low byte.
// It is never written to after it is made.
var pairs = func() *[1 << 12]uint16 {
	t := new([1 << 12]uint16)
	for i := range t {
		t[i] = uint16(alphabet[i>>6]) | uint16(alphabet[i&63])<<8
	}
	return t
}()

// AppendBase64 appends the one text that [DecodeBase64] takes for src.
func AppendBase64(dst, src []byte) []byte {
	at := len(dst)
	dst = slices.Grow(dst, strict.EncodedLen(len(src)))
	out := dst[at:cap(dst)]
	for len(src) >= 3 && len(out) >= 4 {
		x := uint32(src[0])<<16 | uint32(src[1])<<8 | uint32(src[2])
		binary.LittleEndian.PutUint32(out, uint32(pairs[x>>12])|uint32(pairs[x&0xfff])<<16)
		src, out = src[3:], out[4:]
		at += 4
	}
	return strict.AppendEncode(dst[:at], src) // the rest of less than three bytes
}

// sextets is what a character stands for, as the highest six of 24 bits; bit 31
// where it stands for nothing.
type sextets [256]uint32

// noSextet marks a character that is not of the alphabet.
const noSextet = 1 << 31

// The values of the characters, moved to each of the four places of a group. They
// are never written to after they are made.
var place1, place2, place3, place4 = newSextets(18), newSextets(12), newSextets(6), newSextets(0)

func newSextets(shift int) *sextets {
	t := new(sextets)
	for i := range t {
		t[i] = noSextet
	}
	for i, c := range alphabet {
		t[c] = uint32(i) << shift
	}
	return t
}

// decodeQuick is DecodeBase64 for what is right; it says no more of the rest.
func decodeQuick(dst, text []byte) ([]byte, bool) {
	start := len(dst)
	dst = slices.Grow(dst, len(text)/4*3+2)
	out := dst[start:cap(dst)]
	var all uint32
	for len(text) >= 8 && len(out) >= 8 { // six bytes, and two that the next ones replace
		x := place1[text[0]] | place2[text[1]] | place3[text[2]] | place4[text[3]]
		y := place1[text[4]] | place2[text[5]] | place3[text[6]] | place4[text[7]]
		all |= x | y
		binary.BigEndian.PutUint64(out, uint64(x)<<40|uint64(y)<<16)
		text, out = text[8:], out[6:]
		start += 6
	}
	for len(text) >= 4 && len(out) >= 3 {
		x := place1[text[0]] | place2[text[1]] | place3[text[2]] | place4[text[3]]
		all |= x
		out[0], out[1], out[2] = byte(x>>16), byte(x>>8), byte(x)
		text, out = text[4:], out[3:]
		start += 3
	}
	switch len(text) { // the bits that no byte is made of are zero
	case 0:
	case 2:
		x := place1[text[0]] | place2[text[1]]
		all |= x | x&0xffff<<16
		out[0] = byte(x >> 16)
		start++
	case 3:
		x := place1[text[0]] | place2[text[1]] | place3[text[2]]
		all |= x | x&0xff<<24
		out[0], out[1] = byte(x>>16), byte(x>>8)
		start += 2
	default:
		return nil, false
	}
	if all >= 1<<24 {
		return nil, false
	}
	return dst[:start], true
}
