package stix

import (
	"bytes"
	"net/netip"
	"unicode"
	"unicode/utf8"
)

// What can be told from text alone. Each detector finds the ordinary forms and
// the ways people disarm them ("user[at]host[.]example"); none is proof that
// text without a finding holds no personal data.

// atSigns are the forms of the sign between the parts of an e-mail address:
// plain, full-width (East Asian text), percent-encoded (in URLs), disarmed.
var atSigns = [...][]byte{[]byte("@"), []byte("＠"), []byte("%40"), []byte("[at]"), []byte("(at)"), []byte("[AT]"), []byte("(AT)")}

// hasEmail reports whether text holds something of the form of an e-mail
// address (RFC 5321 §4.1.2, as people write it).
func hasEmail(text []byte) bool {
	for _, sign := range atSigns {
		if bytes.IndexByte(text, sign[0]) < 0 {
			continue // by far the most usual, and a single fast scan
		}
		for rest := text; ; {
			i := bytes.Index(rest, sign)
			if i < 0 {
				break
			}
			if aroundSign(rest[:i], rest[i+len(sign):]) {
				return true
			}
			rest = rest[i+len(sign):]
		}
	}
	return false
}

// aroundSign reports whether an address ends and begins here: the blanks on
// both sides of the sign have to be alike, which tells "user @ host.example"
// from "see @name.example".
func aroundSign(before, after []byte) bool {
	before, after = bytes.TrimRight(before, "[("), bytes.TrimLeft(after, "])\\")
	left, right := bytes.TrimRight(before, " "), bytes.TrimLeft(after, " ")
	return (len(left) == len(before)) == (len(right) == len(after)) && localBefore(left) && domainAfter(right)
}

// localBefore reports whether b ends like the local part of an address.
func localBefore(b []byte) bool {
	r, _ := utf8.DecodeLastRune(b)
	return len(b) > 0 && (unicode.IsLetter(r) || unicode.IsDigit(r) || bytes.IndexByte([]byte("._%+-\"'"), b[len(b)-1]) >= 0)
}

// domainAfter reports whether b begins like a domain name of at least two
// labels, the last one letters.
func domainAfter(b []byte) bool {
	labels, letters := 0, 0
	for len(b) > 0 {
		n, alpha := label(b)
		if n == 0 {
			break
		}
		labels++
		letters = 0
		if alpha {
			letters = n
		}
		b = b[n:]
		dot := dotLen(b)
		if dot == 0 {
			break
		}
		if next, _ := label(b[dot:]); next == 0 {
			break
		}
		b = b[dot:]
	}
	return labels >= 2 && letters >= 2
}

// label returns the length of the domain label at the start of b, and whether
// it is all letters (or an encoded one, xn--).
func label(b []byte) (n int, alpha bool) {
	alpha = true
	for n < len(b) {
		r, size := utf8.DecodeRune(b[n:])
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '-' {
			break
		}
		alpha = alpha && unicode.IsLetter(r)
		n += size
	}
	return n, alpha || bytes.HasPrefix(b[:n], []byte("xn--"))
}

// dotLen returns the length of a dot at the start of b, disarmed or not.
func dotLen(b []byte) int {
	if len(b) == 0 || b[0] >= '0' && b[0] != '[' && b[0] != '\\' && b[0] < utf8.RuneSelf {
		return 0
	}
	if b[0] == '.' {
		return 1
	}
	for _, dot := range [...]string{"[.]", "(.)", "\\.", "．"} {
		if len(b) >= len(dot) && string(b[:len(dot)]) == dot {
			return len(dot)
		}
	}
	return 0
}

// phoneWords announce a number; they are compared in lower case.
var phoneWords = [...]string{"tel", "phone", "mobil", "handy", "fax", "電話", "тел"}

// hasPhone reports whether text holds a telephone number: in international
// form (ITU-T E.123: "+" and 8 to 15 digits), or announced by a word.
func hasPhone(text []byte) bool {
	for rest := text; ; {
		i := bytes.IndexByte(rest, '+')
		if i < 0 {
			break
		}
		rest = rest[i+1:]
		if n := phoneDigits(rest); n >= 8 && n <= 15 {
			return true
		}
	}
	lower := bytes.ToLower(text)
	for _, word := range phoneWords {
		if announced(lower, []byte(word)) {
			return true
		}
	}
	return false
}

// fewestOfPhone is how many digits a text needs for a telephone number.
const fewestOfPhone = 6

// announced reports whether a number of at least 6 digits follows a word that
// begins with the given one. A Latin word must not go on to the left, as in
// "hotel".
func announced(text, word []byte) bool {
	for from := 0; ; {
		i := bytes.Index(text[from:], word)
		if i < 0 {
			return false
		}
		start := from + i
		from = start + len(word)
		if start > 0 && wordByte(text[start-1]) {
			continue
		}
		rest := bytes.TrimLeftFunc(text[from:], unicode.IsLetter)
		if phoneDigits(bytes.TrimLeft(rest, ".: +#(：")) >= 6 {
			return true
		}
	}
}

// phoneDigits counts the digits at the start of b, with single separators
// between them.
func phoneDigits(b []byte) int {
	n, gap := 0, 0
	for _, c := range b {
		switch {
		case digit(c):
			n++
			gap = 0
		case bytes.IndexByte([]byte(" -./()"), c) >= 0 && gap < 2:
			gap++
		default:
			return n
		}
	}
	return n
}

// addresses calls f with each IP address in text, disarmed or not, until f
// returns true; it reports whether f did.
func addresses(text []byte, f func(netip.Addr) bool) bool {
	return addressesAt(text, func(a netip.Addr, _, _ int) bool { return f(a) })
}

// mayHoldAddress reports whether a text may hold an IP address, going by what
// was counted in it: an IPv4 address (RFC 1123 section 2.1) has four digits and
// three dots, of which one form is a wide character; an IPv6 address (RFC 4291
// section 2.2) two colons.
func mayHoldAddress(text []byte, digits int, seen byteKind) bool {
	return digits >= 4 && (seen&isWide != 0 || bytes.Count(text, []byte{'.'}) >= 3) || bytes.Count(text, []byte{':'}) >= 2
}

// addressesAt is addresses with the place of each.
func addressesAt(text []byte, f func(a netip.Addr, start, end int) bool) bool {
	if bytes.IndexByte(text, '.') < 0 && bytes.IndexByte(text, ':') < 0 {
		return false
	}
	for i := 0; i < len(text); {
		if !addressByte(text[i]) || (i > 0 && wordByte(text[i-1])) {
			i++
			continue
		}
		var buf [64]byte
		word := buf[:0]
		j := i
		for j < len(text) && len(word) < len(buf) {
			if dot := dotLen(text[j:]); dot > 0 {
				word = append(word, '.')
				j += dot
				continue
			}
			if !addressByte(text[j]) {
				break
			}
			word = append(word, text[j])
			j++
		}
		word = bytes.TrimRight(word, ".:")
		if bytes.IndexByte(word, '.') > 0 || bytes.Count(word, []byte(":")) >= 2 {
			if a, err := netip.ParseAddr(string(word)); err == nil && (j == len(text) || !wordByte(text[j])) && f(a, i, j) {
				return true
			}
		}
		i = max(j, i+1)
	}
	return false
}

func addressByte(c byte) bool {
	return digit(c) || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F' || c == ':'
}

func wordByte(c byte) bool { return digit(c) || wordStart(c) }
