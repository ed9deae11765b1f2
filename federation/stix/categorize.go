package stix

import (
	"bytes"
	"net/netip"
	"strings"

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
	c := categorizer{o: o, out: make([]Finding, 0, len(units)+4)}
	if h := o.Handling(); h != nil && h.PersonalData != nil {
		c.stated, c.personal = true, *h.PersonalData
	}
	for i := range units {
		c.unit(&units[i])
	}
	if c.personal {
		c.originSays(units)
	}
	c.originPlaces(units)
	c.mispLabelled(units)
	if sure, known := victims[o.id]; known {
		c.victim(units, sure)
	}
	return c.out
}

// categorizer collects the findings of one object.
type categorizer struct {
	o                *Object
	out              []Finding
	stated, personal bool // the origin's personal_data
	shown            bool // some text shows personal data
	own              []netip.Addr
	ownRead          bool
	detector         detector
}

func (c *categorizer) add(u *Unit, cat federation.Category, evidence string, unsure bool) {
	c.holds(u, cat, evidence, "", unsure)
}

func (c *categorizer) holds(u *Unit, cat federation.Category, evidence, kind string, unsure bool) {
	c.out = append(c.out, Finding{Path: u.Path, Category: cat, Evidence: evidence, Holds: kind, Unsure: unsure})
}

// guess adds a personal finding that the origin can rule out.
func (c *categorizer) guess(u *Unit, evidence, kind string) {
	if !c.stated || c.personal {
		c.holds(u, federation.Personal, evidence, kind, true)
	}
}

// unit adds the findings of one unit.
func (c *categorizer) unit(u *Unit) {
	_, sealed := SealedValue(u.Value)
	switch {
	case wholeWire1(c.o.typ), u.Container:
		c.add(u, federation.Context, byPath, false) // its parts have their own findings
	case sealed:
		c.add(u, federation.FreeText, bySeal, true)
		c.guess(u, bySeal, "")
	case strings.HasPrefix(u.Path, "extensions."):
		c.extension(u)
	case u.Element:
		c.add(u, federation.Context, byPath, false)
		c.references(u)
	case u.Name == "pattern":
		c.pattern(u)
	default:
		c.property(u)
	}
}

// extension adds the findings of an entry of extensions, or of a part of ours.
func (c *categorizer) extension(u *Unit) {
	if !strings.HasPrefix(u.Path, "extensions."+HandlingExtension) {
		cat := federation.FreeText // nobody here knows what is in it
		if c.o.info.class == observable && !strings.HasPrefix(u.Name, "extension-definition--") {
			cat = federation.Technical // one of STIX's own, such as windows-pebinary-ext (§6)
		}
		c.add(u, cat, byPath, cat == federation.FreeText)
		c.content(u, cat)
		return
	}
	switch {
	case strings.HasSuffix(u.Path, ".note.contacts"):
		c.add(u, federation.Personal, byPath, false)
		c.shown = true
	case strings.Contains(u.Path, ".note."):
		c.add(u, federation.FreeText, byPath, false)
		c.content(u, federation.FreeText)
	default:
		c.add(u, federation.Context, byPath, false)
		c.content(u, federation.Context)
	}
}

// property adds the findings of a top-level property.
func (c *categorizer) property(u *Unit) {
	if checkedForm(u.Name) {
		c.add(u, federation.Context, byType, false)
		return
	}
	p := placeOf(c.o, u.Name)
	kind := placeHolds(c.o.typ, u.Name, &p)
	if p.person == no {
		c.holds(u, p.category, p.evidence, kind, p.unsure)
	} else {
		c.add(u, p.category, p.evidence, p.unsure)
	}
	switch p.person {
	case surely:
		c.holds(u, federation.Personal, p.evidence, kind, false)
		c.shown = true
	case perhaps:
		c.guess(u, p.evidence, kind)
	}
	c.content(u, p.category)
	if strings.HasSuffix(u.Name, "_ref") || strings.HasSuffix(u.Name, "_refs") {
		c.references(u)
	}
}

// references marks a unit that names an object whose id is made from an e-mail
// address or an account name.
func (c *categorizer) references(u *Unit) {
	rest := string(u.Value)
	for _, typ := range [...]string{"email-addr--", "user-account--"} {
		kind := ""
		if typ == "email-addr--" {
			kind = HoldsEmail
		}
		for at := 0; ; {
			i := strings.Index(rest[at:], typ)
			if i < 0 {
				break
			}
			at += i + len(typ)
			if id := rest[at:min(at+uuidLen, len(rest))]; len(id) == uuidLen && Derived(id) {
				c.holds(u, federation.Personal, byReference, kind, false)
				c.shown = true
				return
			}
		}
	}
}

// pattern adds the findings of an indicator's pattern.
func (c *categorizer) pattern(u *Unit) {
	c.add(u, federation.Technical, byType, false)
	if kind, _ := c.o.Text("pattern_type"); kind == "stix" {
		text, _ := c.o.Text("pattern")
		p, err := ParsePattern(text)
		if err != nil {
			c.add(u, federation.FreeText, byType, true)
		} else if aboutPersons(p) {
			c.add(u, federation.Personal, byPath, false)
			return
		}
	}
	c.content(u, federation.Technical)
}

// aboutPersons reports whether a pattern matches on what identifies a person.
func aboutPersons(p *Pattern) bool {
	for _, cmp := range p.comparisons {
		switch cmp.ObjectType {
		case "email-addr", "email-message", "user-account":
			return true
		}
		if strings.Contains(cmp.Path, "creator_user_ref") || strings.Contains(cmp.Path, "belongs_to_ref") {
			return true
		}
	}
	return false
}

// content adds what the text of a unit shows.
func (c *categorizer) content(u *Unit, cat federation.Category) {
	email, phone, address := false, false, false
	prose := cat == federation.FreeText || cat == federation.Context || cat == federation.Target
	deep := u.Name != "pattern" // what a pattern matches is the attacker's
	d := &c.detector
	d.begin(cat == federation.FreeText || cat == federation.Target)
	eachText(u.Value, func(text []byte) {
		d.read(text)
		email = email || d.seen&isSign != 0 && hasEmail(text)
		if prose {
			phone = phone || (d.seen&isPlus != 0 || d.said&(1<<aboutPhone) != 0 && d.digits >= fewestOfPhone) && hasPhone(text)
			address = address || (d.digits > 0 || d.seen&isRest != 0 || bytes.IndexByte(text, ':') >= 0) && addresses(text, c.foreign)
		}
		if deep {
			d.text(text, c.foreign)
		}
	})
	if email {
		c.holds(u, federation.Personal, byEmail, HoldsEmail, false)
	}
	if phone {
		c.holds(u, federation.Personal, byPhone, HoldsPhone, false)
	}
	c.shown = c.shown || email || phone
	if address {
		c.guess(u, byAddress, HoldsAddress)
	}
	c.report(u)
}

// foreign reports whether an address in prose is not one that the object is
// about anyway.
func (c *categorizer) foreign(a netip.Addr) bool {
	if !c.ownRead {
		c.ownRead = true
		for _, path := range [...]string{"pattern", "value"} {
			text, _ := c.o.Text(path)
			addresses([]byte(text), func(own netip.Addr) bool {
				c.own = append(c.own, own)
				return false
			})
		}
	}
	for _, own := range c.own {
		if own == a {
			return false
		}
	}
	return true
}

// originSays applies personal_data: true.
func (c *categorizer) originSays(units []Unit) {
	cats := make(map[string]federation.Category, len(units))
	for _, f := range c.out {
		if _, ok := cats[f.Path]; !ok {
			cats[f.Path] = f.Category // the first is the place's own
		}
	}
	for i := range units {
		u := &units[i]
		switch {
		case cats[u.Path] == federation.FreeText:
			c.add(u, federation.Personal, byOrigin, c.shown)
		case !c.shown && (u.Name == "pattern" || c.o.info.class == observable && cats[u.Path] == federation.Technical):
			c.add(u, federation.Personal, byOrigin, false)
		}
	}
}
