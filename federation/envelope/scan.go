package envelope

import (
	"encoding/binary"
	"math/bits"
)

// scanner walks JSON text without decoding it: it finds where values begin and
// end. It is exact on valid JSON and bounded on anything else. It does not
// validate: whatever it cuts out is put together to an object that stix.Parse
// reads strictly, and a piece that is not valid JSON makes that object invalid,
// because a strict parser and this scanner agree on where a valid value ends.
type scanner struct {
	b []byte
	i int
}

// space skips white space.
func (s *scanner) space() {
	for s.i < len(s.b) {
		switch s.b[s.i] {
		case ' ', '\t', '\n', '\r':
			s.i++
		default:
			return
		}
	}
}

// next skips white space and then c; false if something else comes.
func (s *scanner) next(c byte) bool {
	s.space()
	if s.i < len(s.b) && s.b[s.i] == c {
		s.i++
		return true
	}
	return false
}

// peek returns the next byte that is not white space, or 0 at the end.
func (s *scanner) peek() byte {
	s.space()
	if s.i < len(s.b) {
		return s.b[s.i]
	}
	return 0
}

// end reports whether only white space is left.
func (s *scanner) end() bool { return s.peek() == 0 && s.i >= len(s.b) }

// text cuts a string without its quotes. escaped says that it holds a
// backslash, so that its bytes are not what it means.
func (s *scanner) text() (content []byte, escaped, ok bool) {
	if !s.next('"') {
		return nil, false, false
	}
	b, start, i := s.b, s.i, s.i
	for {
		for i+8 <= len(b) {
			m := ends(binary.LittleEndian.Uint64(b[i:]))
			if m != 0 {
				i += bits.TrailingZeros64(m) / 8
				break
			}
			i += 8
		}
		if i >= len(b) {
			return nil, false, false
		}
		switch b[i] {
		case '"':
			s.i = i + 1
			return b[start:i], escaped, true
		case '\\':
			escaped = true
			i++ // and what it stands before
		}
		i++
	}
}

// ends marks the quotes and backslashes among eight bytes of a string, by the
// highest bit of each. The lowest mark is right; those above it may not be.
func ends(x uint64) uint64 {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	quote, slash := x^ones*'"', x^ones*'\\'
	return ((quote-ones)&^quote | (slash-ones)&^slash) & highs
}

// value cuts the next value, whatever it is.
func (s *scanner) value() (raw []byte, ok bool) {
	c := s.peek()
	start := s.i
	switch c {
	case 0, ',', ':', ']', '}':
		return nil, false
	case '"':
		if _, _, ok := s.text(); !ok {
			return nil, false
		}
	case '{', '[':
		if !s.nested() {
			return nil, false
		}
	default:
		for s.i < len(s.b) && !terminal[s.b[s.i]] {
			s.i++
		}
	}
	return s.b[start:s.i], true
}

// terminal are the bytes that end a number or a literal.
var terminal = [256]bool{' ': true, '\t': true, '\n': true, '\r': true, ',': true, ':': true,
	'[': true, ']': true, '{': true, '}': true, '"': true}

// nested skips an array or an object.
func (s *scanner) nested() bool {
	depth := 0
	for s.i < len(s.b) {
		switch s.b[s.i] {
		case '"':
			if _, _, ok := s.text(); !ok {
				return false
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				s.i++
				return true
			}
		}
		s.i++
	}
	return false
}

// member cuts the next member of an object that the scanner stands in, after
// its opening brace. more is false at the closing brace.
func (s *scanner) member(first bool) (name []byte, escaped, more, ok bool) {
	if s.next('}') {
		return nil, false, false, true
	}
	if !first && !s.next(',') {
		return nil, false, false, false
	}
	name, escaped, ok = s.text()
	if !ok || !s.next(':') {
		return nil, false, false, false
	}
	return name, escaped, true, true
}

// element steps to the next element of an array, after its opening bracket.
// more is false at the closing bracket.
func (s *scanner) element(first bool) (more, ok bool) {
	if s.next(']') {
		return false, true
	}
	if !first && !s.next(',') {
		return false, false
	}
	return true, true
}
