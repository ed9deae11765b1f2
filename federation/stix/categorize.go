package stix

import (
	"bytes"
	"net/netip"
	"slices"

	"github.com/entente-relay/entente/federation"
)

// Finding says what kind of data one unit holds, and why we think so.
type Finding struct {
	// Path is the unit's path.
	Path string
	// Category is the kind of data.
	Category federation.Category
	// Evidence is what the finding rests on: "type", "path", "reference",
	// "origin says so", or "content: ..." with the kind of content, never the
	// content itself.
	Evidence string
	// Holds is the kind of content that was found, one of [Contents]; "" when
	// the finding does not rest on content.
	Holds string
	// Unsure says that it is a guess; policy decides what that means.
	Unsure bool
}

// Evidence of findings.
const (
	byType      = "type"
	byPath      = "path"
	byReference = "reference"
	byOrigin    = "origin says so"
	byEmail     = "content: e-mail address"
	byPhone     = "content: telephone number"
	byAddress   = "content: IP address"
	bySeal      = "sealed: cannot be read here"
)

// Categorize returns at least one finding for every unit of the object, in the
// order of [Object.Units]; a unit that holds several kinds of data has
// several. It goes by type and path, then by what the text shows, then by the
// origin's word:
//
//   - An indicator's pattern describes the attacker, so it is technical, except
//     that what it matches in e-mail addresses, messages and user accounts is
//     personal.
//   - Addresses of observed machines, outside a pattern, may be a victim's:
//     they are technical, and personal unless the origin rules that out.
//   - personal_data: true makes the free text personal. Where no text shows
//     what was meant, the pattern and the observed values count as personal
//     too: the origin said otherwise.
//   - personal_data: false drops the guesses, not what the text shows.
//   - categories, and the categories of MISP among the labels, add what they
//     say: the origin's word makes nothing looser.
//   - A value that its origin sealed shows nothing: free text and personal, both
//     unsure, whatever the property's name promises.
func Categorize(o *Object) []Finding { return CategorizeUnits(o, o.Units()) }

// CategorizeUnits is [Categorize] for a caller that has the object's units at
// hand.
func CategorizeUnits(o *Object, units []Unit) []Finding { return CategorizeAmong(o, units, nil) }

// CategorizeAmong is [CategorizeUnits] for an object of a message whose victims
// are known.
func CategorizeAmong(o *Object, units []Unit, victims Victims) []Finding {
	x := NewExaminer()
	x.c.explain, x.c.out = true, make([]Finding, 0, len(units)+4)
	x.Begin(o)
	x.Examine(layoutOf(o, units), victims)
	return x.c.out
}

// categorizer collects what is found in one object.
type categorizer struct {
	o                *Object
	l                *Layout
	nodes            []uint32 // of the units
	marks            []Mark   // of the units
	explain          bool     // findings are wanted, not marks alone
	out              []Finding
	stated, personal bool // the origin's personal_data
	shown            bool // some text shows personal data
	sealed           bool // the origin sealed something
	own              []netip.Addr
	ownRead          bool
	isForeign        func(netip.Addr) bool // foreign
	detector         detector
	texts            texts

	// What the texts of the unit in hand show, and what is looked for in them.
	email, phone, address, prose, deep bool
	met                                bool // an address that the object may be about

	quiet quiet
}

// begin makes it ready for the next object.
func (c *categorizer) begin(o *Object, l *Layout, nodes []uint32) {
	c.o, c.l, c.nodes = o, l, nodes
	c.marks = slices.Grow(c.marks[:0], len(nodes))[:len(nodes)]
	clear(c.marks)
	c.stated, c.personal, c.shown, c.sealed, c.ownRead, c.own = false, false, false, false, false, c.own[:0]
	if h := o.handling; h != nil && h.PersonalData != nil {
		c.stated, c.personal = true, *h.PersonalData
	}
}

// all looks through every unit.
func (c *categorizer) all(victims Victims) {
	for i := range c.l.hints {
		c.unit(i)
	}
	if c.personal {
		c.originSays()
	}
	c.originPlaces()
	c.mispLabelled()
	if len(victims) > 0 {
		if sure, known := victims[c.o.id]; known {
			c.victim(sure)
		}
	}
}

// value returns the raw value of a unit.
func (c *categorizer) value(unit int) []byte { return c.o.value(int(c.nodes[unit])) }

func (c *categorizer) add(unit int, cat federation.Category, evidence string, unsure bool) {
	c.holds(unit, cat, evidence, "", unsure)
}

func (c *categorizer) holds(unit int, cat federation.Category, evidence, kind string, unsure bool) {
	c.marks[unit].add(markOf(cat, kind, unsure))
	c.finding(unit, cat, evidence, kind, unsure)
}

// finding keeps why, for those who explain.
func (c *categorizer) finding(unit int, cat federation.Category, evidence, kind string, unsure bool) {
	if c.explain {
		c.out = append(c.out, Finding{Path: c.l.units[unit].Path, Category: cat, Evidence: evidence, Holds: kind, Unsure: unsure})
	}
}

// guesses reports whether what the origin can rule out counts.
func (c *categorizer) guesses() bool { return !c.stated || c.personal }

// guess adds a personal finding that the origin can rule out.
func (c *categorizer) guess(unit int, evidence, kind string) {
	if c.guesses() {
		c.holds(unit, federation.Personal, evidence, kind, true)
	}
}

// unit adds the findings of one unit.
func (c *categorizer) unit(i int) {
	h := &c.l.hints[i]
	value := c.value(i)
	if value[0] == '{' && !c.l.units[i].Container && isSealed(value) {
		c.sealed = true
		if !h.whole {
			c.add(i, federation.FreeText, bySeal, true)
			c.guess(i, bySeal, "")
			return
		}
	}
	c.byPlace(i, h)
	switch h.look {
	case lookText:
		c.content(i, value, h.first)
	case lookPattern:
		c.pattern(i, value)
	}
	if h.refs {
		c.references(i, value)
	}
}

// byPlace adds what the place of a unit tells.
func (c *categorizer) byPlace(i int, h *hint) {
	c.marks[i].add(h.sure)
	guesses := c.guesses()
	if guesses {
		c.marks[i].add(h.guess)
	}
	c.shown = c.shown || h.shown
	if !c.explain {
		return
	}
	for _, t := range h.told {
		if !t.guess || guesses {
			c.finding(i, t.category, t.evidence, t.kind, t.unsure)
		}
	}
}

// references marks a unit that names an object whose id is made from an e-mail
// address or an account name.
func (c *categorizer) references(i int, value []byte) {
	if kind, ok := derivedPerson(value); ok {
		c.holds(i, federation.Personal, byReference, kind, false)
		c.shown = true
	}
}

// derivedPerson finds the derived id of an e-mail address or an account in a
// value, and the kind of content it stands for.
func derivedPerson(value []byte) (kind string, found bool) {
	for _, typ := range [...]string{"email-addr--", "user-account--"} {
		for at := 0; ; {
			i := bytes.Index(value[at:], []byte(typ))
			if i < 0 {
				break
			}
			at += i + len(typ)
			if id := value[at:min(at+uuidLen, len(value))]; len(id) == uuidLen && Derived(string(id)) {
				if typ == "email-addr--" {
					kind = HoldsEmail
				}
				return kind, true
			}
		}
	}
	return "", false
}

// pattern adds the findings of an indicator's pattern.
func (c *categorizer) pattern(i int, value []byte) {
	if c.l.kind >= 0 && isText(c.value(c.l.kind), "stix") {
		persons, err := patternAboutPersons(unquote(value))
		if err != nil {
			c.add(i, federation.FreeText, byType, true)
		} else if persons {
			c.add(i, federation.Personal, byPath, false)
			return
		}
	}
	c.content(i, value, federation.Technical)
}

// content adds what the text of a unit shows.
func (c *categorizer) content(i int, value []byte, cat federation.Category) {
	if k := value[0]; k == 't' || k == 'f' || k == 'n' {
		return // true, false, null
	}
	c.email, c.phone, c.address, c.met = false, false, false, false
	c.prose = cat == federation.FreeText || cat == federation.Context || cat == federation.Target
	c.deep = c.l.hints[i].look != lookPattern // what a pattern matches is the attacker's
	unsure := cat == federation.FreeText || cat == federation.Target
	var known *quietSlot
	if !c.explain { // who explains looks at one object only
		known = c.quiet.find(value, c.prose, c.deep, unsure)
	}
	if known != nil && known.is(value) {
		return
	}
	c.detector.begin(unsure)
	c.texts.begin(value)
	for text, ok := c.texts.next(); ok; text, ok = c.texts.next() {
		c.text(text)
	}
	if c.email {
		c.holds(i, federation.Personal, byEmail, HoldsEmail, false)
	}
	if c.phone {
		c.holds(i, federation.Personal, byPhone, HoldsPhone, false)
	}
	c.shown = c.shown || c.email || c.phone
	if c.address {
		c.guess(i, byAddress, HoldsAddress)
	}
	c.report(i)
	if known != nil && !c.email && !c.phone && !c.met && !c.detector.any {
		known.keep(value)
	}
}

// text looks through one text of the unit in hand.
func (c *categorizer) text(text []byte) {
	if !c.prose && !c.deep {
		c.email = c.email || hasEmail(text)
		return
	}
	d := &c.detector
	d.read(text)
	c.email = c.email || d.seen&isSign != 0 && hasEmail(text)
	if c.prose {
		c.phone = c.phone || (d.seen&isPlus != 0 || d.said&(1<<aboutPhone) != 0 && d.digits >= fewestOfPhone) && hasPhone(text)
		c.address = c.address || mayHoldAddress(text, d.digits, d.seen) && addresses(text, c.isForeign)
	}
	if c.deep {
		d.text(text, c.isForeign)
	}
}

// foreign reports whether an address in prose is not one that the object is
// about anyway.
func (c *categorizer) foreign(a netip.Addr) bool {
	c.met = true
	if !c.ownRead {
		c.ownRead = true
		for _, name := range [...]string{"pattern", "value"} {
			if p := c.o.member(0, name); p >= 0 && c.o.nodes[p].kind == '"' {
				c.readOwn(c.o.value(p))
			}
		}
	}
	return !slices.Contains(c.own, a)
}

// readOwn adds the addresses in a string.
func (c *categorizer) readOwn(quoted []byte) {
	text := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(text, '\\') >= 0 {
		text = []byte(unquote(quoted))
	}
	addresses(text, func(own netip.Addr) bool {
		c.own = append(c.own, own)
		return false
	})
}

// originSays applies personal_data: true.
func (c *categorizer) originSays() {
	for i := range c.l.units {
		first := c.l.hints[i].first // the place's own
		if c.sealed && !c.l.hints[i].whole && isSealed(c.value(i)) {
			first = federation.FreeText
		}
		switch {
		case first == federation.FreeText:
			c.add(i, federation.Personal, byOrigin, c.shown)
		case !c.shown && (c.l.units[i].Name == "pattern" || c.o.info.class == observable && first == federation.Technical):
			c.add(i, federation.Personal, byOrigin, false)
		}
	}
}
