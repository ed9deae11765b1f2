package stix

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// quick reads one JSON object as nearly every program writes one, in a single
// pass over the bytes. It takes a part of what scan takes and finds the same
// nodes. On anything else, be it wrong or only unusual (a name with escapes, half
// a surrogate pair, an exponent, very many members), it gives up and says
// nothing: the decoder decides, and words the refusal.
type quick struct {
	raw   []byte
	nodes []node
}

// mostMembers bounds the members of an object that quick reads: names are
// compared with each other one by one.
const mostMembers = 64

// gaveUp is what the functions of quick return instead of a position.
const gaveUp = -1

// all reads the whole text; false means that it gave up.
func (q *quick) all(depth int) bool {
	// Strings are read by byte, so that nothing but ASCII matters to them; whether
	// all of it is UTF-8 is asked once.
	if len(q.raw) == 0 || q.raw[0] != '{' || depth < 1 || !utf8.Valid(q.raw) {
		return false
	}
	return q.object(0, depth, node{}) == len(q.raw)
}

// blank returns the position of the next byte that is not white space.
func (q *quick) blank(i int) int {
	for i < len(q.raw) && q.raw[i] <= ' ' && (q.raw[i] == ' ' || q.raw[i] == '\t' || q.raw[i] == '\n' || q.raw[i] == '\r') {
		i++
	}
	return i
}

// at skips white space and returns the byte there, 0 at the end, and its
// position. A byte 0 of the text is no JSON either.
func (q *quick) at(i int) (byte, int) {
	if i < len(q.raw) && q.raw[i] > ' ' {
		return q.raw[i], i
	}
	if i = q.blank(i); i < len(q.raw) {
		return q.raw[i], i
	}
	return 0, i
}

// value reads the value at i, which begins with c, and appends its nodes. n has
// the member name.
func (q *quick) value(c byte, i, depth int, n node) (end int) {
	n.start, n.kind = uint32(i), jsontext.Kind(c)
	switch c {
	case '"':
		end = q.text(i)
	case '{', '[':
		if depth == 0 {
			return gaveUp
		}
		if c == '{' {
			return q.object(i, depth, n)
		}
		return q.list(i, depth, n)
	case 't':
		end = q.word(i, "true")
	case 'f':
		end = q.word(i, "false")
	case 'n':
		end = q.word(i, "null")
	default:
		n.kind = '0'
		end = q.number(i)
	}
	if end != gaveUp {
		n.end, n.next = uint32(end), uint32(len(q.nodes)+1)
		q.nodes = append(q.nodes, n)
	}
	return end
}

// list reads the list that opens at i.
func (q *quick) list(i, depth int, n node) int {
	at := len(q.nodes)
	q.nodes = append(q.nodes, n)
	c, i := q.at(i + 1)
	for first := true; c != ']'; first = false {
		if !first {
			if c != ',' {
				return gaveUp
			}
			c, i = q.at(i + 1)
		}
		if i = q.value(c, i, depth-1, node{}); i == gaveUp {
			return gaveUp
		}
		c, i = q.at(i)
	}
	q.nodes[at].end, q.nodes[at].next = uint32(i+1), uint32(len(q.nodes))
	return i + 1
}

// object reads the object that opens at i.
func (q *quick) object(i, depth int, n node) int {
	n.start, n.kind = uint32(i), '{'
	at := len(q.nodes)
	q.nodes = append(q.nodes, n)
	var seen [4]uint64 // the known names met, a bit each
	c, i := q.at(i + 1)
	for members := 0; c != '}'; members++ {
		if members > 0 {
			if c != ',' || members == mostMembers {
				return gaveUp
			}
			c, i = q.at(i + 1)
		}
		var m node
		if c != '"' || !q.name(i, at, &m, &seen) {
			return gaveUp
		}
		if c, i = q.at(int(m.nend)); c != ':' {
			return gaveUp
		}
		c, i = q.at(i + 1)
		if i = q.value(c, i, depth-1, m); i == gaveUp {
			return gaveUp
		}
		c, i = q.at(i)
	}
	q.nodes[at].end, q.nodes[at].next = uint32(i+1), uint32(len(q.nodes))
	return i + 1
}

// name reads the member name at i of the object whose node is at. It gives up on
// one that is there already, that has escapes, or that could be one SD-JWT
// reserves.
func (q *quick) name(i, at int, m *node, seen *[4]uint64) bool {
	end := q.text(i)
	if end == gaveUp {
		return false
	}
	name := q.raw[i+1 : end-1]
	if len(name) > 0 && (name[0] == '_' || name[0] == '.') || bytes.IndexByte(name, '\\') >= 0 {
		return false
	}
	m.name, m.nend, m.known = uint32(i), uint32(end), names.numberOf(name)
	if m.known != unknownName {
		bit := uint64(1) << (m.known % 64)
		if seen[m.known/64]&bit != 0 {
			return false
		}
		seen[m.known/64] |= bit
		return true
	}
	for c := at + 1; c < len(q.nodes); c = int(q.nodes[c].next) {
		if o := &q.nodes[c]; o.known == unknownName && bytes.Equal(q.raw[o.name+1:o.nend-1], name) {
			return false
		}
	}
	return true
}

// Eight bytes at a time: a 1 in each, and the highest bit of each.
const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// special marks the bytes of x that end a run of plain ones in a string: a quote,
// a backslash, a control character. The lowest mark is right; those above it
// may not be (the borrow of a subtraction goes up).
func special(x uint64) uint64 {
	quote, slash := x^ones*'"', x^ones*'\\'
	return ((quote-ones)&^quote | (slash-ones)&^slash | (x-ones*' ')&^x) & highs
}

// text reads the string at i and returns where it ends, after its quote.
func (q *quick) text(i int) int {
	for i++; ; {
		for i+8 <= len(q.raw) {
			m := special(binary.LittleEndian.Uint64(q.raw[i:]))
			if m != 0 {
				i += bits.TrailingZeros64(m) / 8
				break
			}
			i += 8
		}
		if i >= len(q.raw) {
			return gaveUp
		}
		switch c := q.raw[i]; {
		case c == '"':
			return i + 1
		case c == '\\':
			if i = q.escape(i + 1); i == gaveUp {
				return gaveUp
			}
		case c < ' ':
			return gaveUp
		default:
			i++
		}
	}
}

// escape reads an escape from behind its backslash.
func (q *quick) escape(i int) int {
	if i >= len(q.raw) {
		return gaveUp
	}
	switch q.raw[i] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 1
	case 'u':
		if i+5 > len(q.raw) || q.raw[i+1]|0x20 == 'd' && q.raw[i+2] >= '8' {
			return gaveUp // perhaps half a surrogate pair
		}
		for _, c := range q.raw[i+1 : i+5] {
			if (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'f') {
				return gaveUp
			}
		}
		return i + 5
	}
	return gaveUp
}

// word reads one of the three words of JSON.
func (q *quick) word(i int, word string) int {
	if len(q.raw)-i >= len(word) && string(q.raw[i:i+len(word)]) == word {
		return i + len(word)
	}
	return gaveUp
}

// mostDigits is how long a number without an exponent can be to be a double for
// certain, with room to spare; longer ones go to the decoder, as do exponents.
const mostDigits = 40

// number reads a number without an exponent (RFC 8259 section 6).
func (q *quick) number(i int) int {
	start := i
	if i < len(q.raw) && q.raw[i] == '-' {
		i++
	}
	whole := q.digits(i)
	if whole == i || q.raw[i] == '0' && whole > i+1 {
		return gaveUp
	}
	if i = whole; i < len(q.raw) && q.raw[i] == '.' {
		if i = q.digits(whole + 1); i == whole+1 {
			return gaveUp
		}
	}
	if i-start > mostDigits {
		return gaveUp
	}
	return i
}

// digits returns where the digits from i on end. A letter behind them, as in an
// exponent, is no separator, so that whoever reads on gives up.
func (q *quick) digits(i int) int {
	for i < len(q.raw) && q.raw[i] >= '0' && q.raw[i] <= '9' {
		i++
	}
	return i
}
