package stix

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// topic is what a word announces or speaks of.
type topic uint8

// hit is a word of a topic in a text.
type hit struct {
	topic      topic
	word       uint16 // which of the lexicon's entries
	start, end int
}

// lexicon finds words in text in one pass. A word is found at the start of a
// word only, in any case, and may go on ("Kundennummern"); one that ends in "."
// in the list must end there. A blank in it stands for one blank, hyphen, dot
// or underscore, or for nothing. Scripts written without blanks (those above
// U+0800) are looked up at every character.
type lexicon struct {
	words []entry
	heads [1 << hashBits]uint16 // index in links of the first of a hash, 0 if there is none
	links []link
}

// link says that a word may begin with three bytes.
type link struct {
	key        uint32
	word, next uint16
	fourth     byte // what has to follow, in lower case; 0 if that is not certain
}

// hashBits is the size of lexicon.heads: large beside the number of words, so
// that nearly every other word is passed over by one look.
const hashBits = 12

func hash3(key uint32) uint32 { return key * 0x9E3779B1 >> (32 - hashBits) }

type entry struct {
	text  string
	whole bool
	topic topic
}

func newLexicon(lists []wordList) *lexicon {
	l := &lexicon{links: make([]link, 1)} // the first stands for none
	for _, list := range lists {
		for _, w := range strings.Split(list.words, ",") {
			text, whole := strings.CutSuffix(strings.TrimSpace(w), ".")
			if text == "" {
				continue
			}
			l.words = append(l.words, entry{text, whole, list.topic})
			l.index(uint16(len(l.words) - 1))
		}
	}
	return l
}

// index enters a word under all ways to write its first three bytes.
func (l *lexicon) index(at uint16) {
	text := l.words[at].text
	for _, written := range [...]string{text, strings.ToUpper(text)} {
		for _, sep := range [...]string{" ", "-", "_", ".", ""} {
			start := strings.ReplaceAll(written, " ", sep)
			if len(start) > 2 {
				l.begins(lowered(start[0], start[1], start[2]), at)
				continue
			}
			for c := range 256 { // what follows a word of two
				l.begins(lowered(start[0], start[1], byte(c)), at)
			}
		}
	}
}

func (l *lexicon) begins(key uint32, at uint16) {
	head := &l.heads[hash3(key)]
	for i := *head; i != 0; i = l.links[i].next {
		if l.links[i].key == key && l.links[i].word == at {
			return
		}
	}
	l.links = append(l.links, link{key, at, *head, fourth(l.words[at].text)})
	*head = uint16(len(l.links) - 1)
}

// fourth returns the fourth byte of a word of plain letters, which can be written
// in one way only; 0 for other words.
func fourth(word string) byte {
	if len(word) < 4 {
		return 0
	}
	for i := range 4 {
		if byteKinds[word[i]]&isLetter == 0 {
			return 0
		}
	}
	return word[3]
}

// lowered returns three bytes with letters of ASCII in lower case.
func lowered(a, b, c byte) uint32 {
	return uint32(a|lower[a])<<16 | uint32(b|lower[b])<<8 | uint32(c|lower[c])
}

// lower is the bit that makes a letter of ASCII one of lower case, 0 for other
// bytes. It is never written to after it is made.
var lower = func() (bits [256]byte) {
	for c := range bits {
		if c >= 'A' && c <= 'Z' {
			bits[c] = 0x20
		}
	}
	return bits
}()

// scan appends the words that text holds to hits, counts its digits, and says
// which kinds of bytes it has.
func (l *lexicon) scan(text []byte, hits []hit) (found []hit, digits int, seen byteKind) {
	inWord := false
	for i, c := range text {
		k := byteKinds[c]
		seen |= k
		begins := k&isWide != 0 || k&(isLetter|isLead) != 0 && !inWord
		inWord = k&(isLetter|isLead|isDigit|isJoint) != 0 || inWord && k&isRest != 0
		if k&isDigit != 0 {
			digits++
		}
		if !begins || i+1 >= len(text) {
			continue
		}
		third := byte(0)
		if i+2 < len(text) {
			third = text[i+2]
		}
		key := lowered(c, text[i+1], third)
		if head := l.heads[hash3(key)]; head != 0 {
			hits = l.at(text, i, key, head, hits)
		}
	}
	return hits, digits, seen
}

// at appends the words that begin at a place.
func (l *lexicon) at(text []byte, i int, key uint32, head uint16, hits []hit) []hit {
	next := byte(0)
	if i+3 < len(text) {
		next = text[i+3] | lower[text[i+3]]
	}
	for ; head != 0; head = l.links[head].next {
		link := &l.links[head]
		if link.key != key || link.fourth != 0 && link.fourth != next {
			continue
		}
		w := link.word
		e := &l.words[w]
		if n := matches(text[i:], e.text); n > 0 && !(e.whole && letterAt(text, i+n)) {
			hits = append(hits, hit{e.topic, w, i, i + n})
		}
	}
	return hits
}

// matches returns how many bytes at the start of text are the word, 0 if they
// are not.
func matches(text []byte, word string) int {
	n := 0
	for i := 0; i < len(word); {
		w := word[i]
		if w == ' ' {
			i++
			if n < len(text) && (text[n] == ' ' || text[n] == '-' || text[n] == '_' || text[n] == '.') {
				n++
			}
			continue
		}
		if n >= len(text) {
			return 0
		}
		if w < utf8.RuneSelf {
			if text[n]|lower[text[n]] != w {
				return 0
			}
			i, n = i+1, n+1
			continue
		}
		want, a := utf8.DecodeRuneInString(word[i:])
		got, b := utf8.DecodeRune(text[n:])
		if got != want && unicode.ToLower(got) != want {
			return 0
		}
		i, n = i+a, n+b
	}
	return n
}

// letterAt reports whether a word goes on at a place.
func letterAt(text []byte, i int) bool {
	return i < len(text) && byteKinds[text[i]]&(isLetter|isLead) != 0
}

// byteKind says what a byte of UTF-8 text may be part of.
type byteKind uint8

const (
	isLetter byteKind = 1 << iota // A-Z, a-z
	isDigit                       // 0-9
	isLead                        // begins a character of two bytes: Latin, Greek, Cyrillic, ...
	isWide                        // begins a longer one
	isRest                        // goes on with one
	isJoint                       // joins a word to a name: "@"
	isSign                        // begins a sign of an e-mail address, see atSigns
	isPlus                        // "+"
)

// byteKinds is never written to after it is made.
var byteKinds = func() (kinds [256]byteKind) {
	for c := range kinds {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z':
			kinds[c] = isLetter
		case c >= '0' && c <= '9':
			kinds[c] = isDigit
		case c == '+':
			kinds[c] = isPlus
		case c >= 0xE0:
			kinds[c] = isWide
		case c > 0xC2: // 0xC2 begins signs and the blank that does not break
			kinds[c] = isLead
		case c >= 0x80 && c < 0xC0:
			kinds[c] = isRest
		}
	}
	for _, sign := range atSigns {
		kinds[sign[0]] |= isSign
	}
	kinds['@'] |= isJoint
	return kinds
}()
