package stix

import (
	"bytes"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/entente-relay/entente/federation"
)

// This is categorising as it reads in the rules, a unit after the other and a
// text after the other, with nothing kept from one object to the next and no text
// passed over: what the quick way is compared with.

// plainCategorize finds what [CategorizeAmong] has to find.
func plainCategorize(o *Object, victims Victims) []Finding {
	units := o.Units()
	c := plainCategorizer{o: o}
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

// plainRead finds words and kinds of bytes: every word is looked for at every
// place where a word begins.
func plainRead(d *detector, text []byte) {
	d.hits, d.digits, d.seen, d.said = nil, 0, 0, 0
	inWord := false
	for i, c := range text {
		k := byteKinds[c]
		d.seen |= k
		begins := k&isWide != 0 || k&(isLetter|isLead) != 0 && !inWord
		inWord = k&(isLetter|isLead|isDigit|isJoint) != 0 || inWord && k&isRest != 0
		if digit(c) {
			d.digits++
		}
		if !begins {
			continue
		}
		for w := len(detectorWords.words) - 1; w >= 0; w-- {
			e := &detectorWords.words[w]
			if n := matches(text[i:], e.text); n > 0 && !(e.whole && letterAt(text, i+n)) {
				d.hits = append(d.hits, hit{e.topic, uint16(w), i, i + n})
				d.said |= 1 << e.topic
			}
		}
	}
	d.spoken |= d.said
}

// plainDetect looks through the text that was read last; numbers may begin at
// every letter and digit.
func plainDetect(d *detector, text []byte, foreign func(netip.Addr) bool) {
	if d.digits >= fewestDigits || d.digits >= fewestAnnounced && (d.told|d.said)&announcing != 0 {
		for i := 0; i < len(text); {
			if !alnum(text[i]) {
				i++
				continue
			}
			d.reading = number{text: text, start: i, compact: d.buf[:0:maxCompact], shape: d.buf[maxCompact:maxCompact]}
			i = d.groups(&d.reading)
		}
	}
	if d.said != 0 && d.prose {
		d.health()
		d.prices(text)
		d.victims(text, foreign)
	}
	d.told = 0
	if len(text) <= shortText {
		d.told = d.said
	}
}

// plainCategorizer collects the findings of one object.
type plainCategorizer struct {
	o                *Object
	out              []Finding
	stated, personal bool // the origin's personal_data
	shown            bool // some text shows personal data
	own              []netip.Addr
	ownRead          bool
	detector         detector
}

func (c *plainCategorizer) add(u *Unit, cat federation.Category, evidence string, unsure bool) {
	c.holds(u, cat, evidence, "", unsure)
}

func (c *plainCategorizer) holds(u *Unit, cat federation.Category, evidence, kind string, unsure bool) {
	c.out = append(c.out, Finding{Path: u.Path, Category: cat, Evidence: evidence, Holds: kind, Unsure: unsure})
}

// guess adds a personal finding that the origin can rule out.
func (c *plainCategorizer) guess(u *Unit, evidence, kind string) {
	if !c.stated || c.personal {
		c.holds(u, federation.Personal, evidence, kind, true)
	}
}

// unit adds the findings of one unit.
func (c *plainCategorizer) unit(u *Unit) {
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
func (c *plainCategorizer) extension(u *Unit) {
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
func (c *plainCategorizer) property(u *Unit) {
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
func (c *plainCategorizer) references(u *Unit) {
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
func (c *plainCategorizer) pattern(u *Unit) {
	c.add(u, federation.Technical, byType, false)
	if kind, _ := c.o.Text("pattern_type"); kind == "stix" {
		text, _ := c.o.Text("pattern")
		p, err := ParsePattern(text)
		if err != nil {
			c.add(u, federation.FreeText, byType, true)
		} else if plainAboutPersons(p) {
			c.add(u, federation.Personal, byPath, false)
			return
		}
	}
	c.content(u, federation.Technical)
}

// plainAboutPersons reports whether a pattern matches on what identifies a person.
func plainAboutPersons(p *Pattern) bool {
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
func (c *plainCategorizer) content(u *Unit, cat federation.Category) {
	email, phone, address := false, false, false
	prose := cat == federation.FreeText || cat == federation.Context || cat == federation.Target
	deep := u.Name != "pattern" // what a pattern matches is the attacker's
	d := &c.detector
	d.begin(cat == federation.FreeText || cat == federation.Target)
	plainTexts(u.Value, func(text []byte) {
		plainRead(d, text)
		email = email || d.seen&isSign != 0 && hasEmail(text)
		if prose {
			phone = phone || (d.seen&isPlus != 0 || d.said&(1<<aboutPhone) != 0 && d.digits >= fewestOfPhone) && hasPhone(text)
			address = address || (d.digits > 0 || d.seen&isRest != 0 || bytes.IndexByte(text, ':') >= 0) && addresses(text, c.foreign)
		}
		if deep {
			plainDetect(d, text, c.foreign)
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
func (c *plainCategorizer) foreign(a netip.Addr) bool {
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
func (c *plainCategorizer) originSays(units []Unit) {
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

// originPlaces adds the origin's word on what properties hold: the categories
// of our handling entry. It adds and never replaces, so no origin can call a
// person's address technical. A path that leads nowhere says nothing: a relay
// may have removed what was there.
func (c *plainCategorizer) originPlaces(units []Unit) {
	h := c.o.Handling()
	if h == nil || h.Categories == nil {
		return
	}
	for _, path := range slices.Sorted(maps.Keys(h.Categories)) {
		c.placed(units, path, h.Categories[path])
	}
}

// placed adds a category to every unit that a path covers: the unit itself, its
// parts, or the one that holds it. A path into object_refs covers all elements:
// a relay that removed one has moved those behind it.
func (c *plainCategorizer) placed(units []Unit, path string, cat federation.Category) {
	if strings.HasPrefix(path, "object_refs.[") {
		path = "object_refs"
	}
	holder, hit := -1, false
	for i := range units {
		u := &units[i]
		switch {
		case u.Path == path || below(u.Path, path):
			c.origin(u, cat)
			hit = true
		case below(path, u.Path):
			holder = i // parents come first, so the last is the closest
		}
	}
	if !hit && holder >= 0 && !units[holder].Container {
		c.origin(&units[holder], cat)
	}
}

// origin adds what the origin says of a unit. An address of a target is a
// victim's.
func (c *plainCategorizer) origin(u *Unit, cat federation.Category) {
	kind := ""
	if cat == federation.Target && plainHoldsAddress(u) {
		kind = HoldsVictim
		c.guess(u, byOrigin, HoldsAddress)
	}
	c.holds(u, cat, byOrigin, kind, false)
}

// plainHoldsAddress reports whether an IP or e-mail address is in a unit.
func plainHoldsAddress(u *Unit) bool {
	found := false
	plainTexts(u.Value, func(text []byte) {
		found = found || hasEmail(text) || addresses(text, func(netip.Addr) bool { return true })
	})
	return found
}

// mispLabelled adds what MISP's labels say about the values of the object.
func (c *plainCategorizer) mispLabelled(units []Unit) {
	c.o.mispSaid(func(says mispSays) {
		for i := range units {
			if u := &units[i]; mispValue(u.Name) && u.Parent < 0 {
				c.mispUnit(u, says)
			}
		}
	})
}

func (c *plainCategorizer) mispUnit(u *Unit, says mispSays) {
	switch {
	case says.category == federation.Target:
		c.origin(u, federation.Target)
	case says.category == federation.Personal && says.unsure:
		c.guess(u, byOrigin, says.holds)
	default:
		c.holds(u, says.category, byOrigin, says.holds, says.unsure)
		if says.category == federation.Subscriber {
			c.guess(u, byOrigin, says.holds)
		}
	}
}

// victim adds that an observable is a victim's, or an identity one.
func (c *plainCategorizer) victim(units []Unit, sure bool) {
	evidence := byTargeted
	if !sure {
		evidence = byOtherEnd
	}
	for i := range units {
		u := &units[i]
		switch {
		case u.Parent >= 0:
		case c.o.typ == "identity" && (u.Name == "name" || u.Name == "contact_information" || u.Name == "description"):
			c.holds(u, federation.Target, evidence, "", !sure)
		case c.o.typ != "identity" && u.Name == "value":
			c.holds(u, federation.Target, evidence, HoldsVictim, !sure)
		}
	}
}

// report adds what was found in a unit to the findings of its object.
func (c *plainCategorizer) report(u *Unit) {
	c.detector.calls()
	if !c.detector.any {
		return
	}
	for i, f := range c.detector.found {
		k := &detectionKinds[i]
		switch {
		case f.strength == nothing:
			continue
		case k.personal && f.strength == unsure && c.stated && !c.personal:
			continue // the origin rules it out
		}
		c.holds(u, k.category, f.evidence, k.holds, f.strength == unsure)
		if k.category == federation.Subscriber {
			c.holds(u, federation.Personal, f.evidence, k.holds, f.strength == unsure)
		}
		c.shown = c.shown || k.personal && f.strength == sure
	}
}

// plainTexts calls f with the decoded text of every string in a JSON value that
// has been accepted before, member names included, and with every number that is
// long enough to be one of a record.
func plainTexts(value []byte, f func(text []byte)) {
	for i := 0; i < len(value); i++ {
		c := value[i]
		if digit(c) {
			end := i + 1
			for end < len(value) && digit(value[end]) {
				end++
			}
			if end-i >= fewestDigits {
				f(value[i:end])
			}
			i = end - 1
			continue
		}
		if c != '"' {
			continue
		}
		end := plainStringEnd(value, i)
		if text := value[i+1 : end-1]; bytes.IndexByte(text, '\\') < 0 {
			f(text)
		} else if plain, err := jsontext.AppendUnquote(nil, value[i:end]); err == nil {
			f(plain)
		}
		i = end - 1
	}
}

// stringEnd returns the index after the string that begins at i.
func plainStringEnd(value []byte, i int) int {
	for j := i + 1; j < len(value); j++ {
		switch value[j] {
		case '\\':
			j++
		case '"':
			return j + 1
		}
	}
	return len(value)
}
