package stix

// number is a run of digits and letters in text, in one piece or in groups
// with single separators between them, as people write numbers of records.
type number struct {
	text       []byte // all of the text
	start, end int
	// compact is the number without separators, in upper case.
	compact []byte
	// shape shows how it is written: "9" for a digit, "A" for a letter, the
	// separators as they are ("999-99-9999").
	shape []byte
	// joint is set once groups are joined by another sign than a blank or a
	// hyphen.
	joint bool
	// letters counts the letters; lower says that one is of lower case.
	letters int
	lower   bool
	// whole says that it is no part of a longer number or name; alone, that
	// only blanks and punctuation surround it.
	whole, alone bool
}

// Bounds of a number: an IBAN has up to 34 characters (ISO 13616), in groups
// of four.
const (
	maxCompact = 34
	maxShape   = 44
	maxGroups  = 10
	// mostLetters is how many letters a group has that is no word: a bank's code
	// in an IBAN has four.
	mostLetters = 4
)

// numbers judges every number of text that holds a digit, in each way to take
// adjacent groups together.
func (d *detector) numbers(text []byte) {
	for i := 0; i < len(text); {
		if !alnum(text[i]) {
			i++
			continue
		}
		if end, digits := run(text, i); !digits && end-i > 2 && !capitals(text[i:end]) {
			i = end // a word, as groups would say
			continue
		}
		n := &d.reading
		*n = number{text: text, start: i, compact: d.buf[:0:maxCompact], shape: d.buf[maxCompact:maxCompact]}
		i = d.groups(n)
	}
}

// run returns the end of the digits and letters that begin at a place, and whether
// one of them is a digit.
func run(text []byte, i int) (end int, digits bool) {
	all := byteKind(0)
	for ; i < len(text); i++ {
		k := byteKinds[text[i]] & (isLetter | isDigit)
		if k == 0 {
			break
		}
		all |= k
	}
	return i, all&isDigit != 0
}

// groups reads the number that begins at n.start group by group, judges it
// after each and returns the end of the first.
func (d *detector) groups(n *number) (first int) {
	digits, at := false, n.start
	left, free := n.left()
	for g := range maxGroups {
		end, before := at, n.letters
		for end < len(n.text) && alnum(n.text[end]) {
			c := n.text[end]
			if len(n.compact) < maxCompact && len(n.shape) < maxShape {
				digits = n.put(c) || digits
			} else {
				left = false
			}
			end++
		}
		if g == 0 {
			first = end
		}
		if letters := n.letters - before; !left || n.word(digits, g) || letters > mostLetters && letters == end-at {
			return first
		}
		if digits {
			n.end = end
			n.bounds(free)
			d.number(n)
		}
		if end+1 >= len(n.text) || !separator(n.text[end]) || !alnum(n.text[end+1]) || len(n.shape) == maxShape {
			return first
		}
		n.shape = append(n.shape, n.text[end])
		n.joint = n.joint || n.text[end] != ' ' && n.text[end] != '-'
		at = end + 1
	}
	return first
}

// word reports whether what was read up to a group begins with a word: letters
// that no digit is with. Two groups of three capitals are none: a codice fiscale
// that is written in groups begins so.
func (n *number) word(digits bool, group int) bool {
	if digits {
		return group == 1 && len(n.shape) > 4 && string(n.shape[:4]) == "AAA "
	}
	shape := string(n.shape)
	return len(shape) > 2 && (n.lower || shape != "AAA" && shape != "AAA AAA")
}

// capitals reports whether text is three capitals.
func capitals(text []byte) bool {
	return len(text) == 3 && text[0] < 'a' && text[1] < 'a' && text[2] < 'a'
}

// put adds a character and reports whether it is a digit.
func (n *number) put(c byte) bool {
	if digit(c) {
		n.compact, n.shape = append(n.compact, c), append(n.shape, '9')
		return true
	}
	n.letters++
	n.lower = n.lower || c >= 'a'
	n.compact, n.shape = append(n.compact, c&^0x20), append(n.shape, 'A')
	return false
}

// left judges what is before the number: it must not be the rest of a longer
// one, of a telephone number, an address or a path.
func (n *number) left() (whole, alone bool) {
	if n.start == 0 {
		return true, true
	}
	c := n.text[n.start-1]
	before := byte(' ')
	if n.start > 1 {
		before = n.text[n.start-2]
	}
	switch c {
	case '+', '@', '%', '/', '\\':
		return false, false
	case '-', '.', ',', ':', '_', '&':
		return !digit(before), false
	}
	return true, blankOr(c, "([\"'")
}

// bounds judges what follows, and with what is before, whether the number
// stands for itself.
func (n *number) bounds(left bool) {
	n.whole, n.alone = true, left
	if n.end == len(n.text) {
		return
	}
	c := n.text[n.end]
	after := byte(' ')
	if n.end+1 < len(n.text) {
		after = n.text[n.end+1]
	}
	switch c {
	case '-', '.', '_': // "44051401359.pdf" is whole, but stands not alone
		n.whole = !digit(after)
		n.alone = n.alone && !alnum(after) && c != '_'
	case '/', ':', '@', '%', '&', '\\', ',', '=':
		n.whole = !alnum(after)
		n.alone = n.alone && n.whole && (c == ':' || c == ',')
	default:
		n.alone = n.alone && blankOr(c, ")];!?\"'")
	}
}

// blankOr reports whether c is white space, begins or ends a character beyond
// ASCII, or is one of the others.
func blankOr(c byte, others string) bool {
	if c <= ' ' || c >= 0x80 {
		return true
	}
	for i := range len(others) {
		if others[i] == c {
			return true
		}
	}
	return false
}

func separator(c byte) bool { return c == ' ' || c == '-' || c == '.' || c == '/' || c == '+' }

func alnum(c byte) bool { return byteKinds[c]&(isLetter|isDigit) != 0 }

// plain reports whether the number is written in one piece.
func (n *number) plain() bool { return len(n.shape) == len(n.compact) }
