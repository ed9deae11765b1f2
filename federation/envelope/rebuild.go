package envelope

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/entente-relay/entente/federation/stix"
)

// builder puts objects together from their disclosures (RFC 9901 §7.1, with the
// places narrowed to our list). It writes the bytes of each object and records
// where every disclosure stands. What it writes, stix.Parse reads strictly.
type builder struct {
	m       *message
	removed []bool // by index into discs: to be left out; nil leaves out none
	record  bool   // write places, items, order and missing into m
	careful bool   // read each value by itself before it is written
	*scratch

	item   int    // of the object being written
	typ    string // its type
	refs   int    // elements of object_refs written
	gaps   []int  // positions of the elements missing from object_refs
	hidden bool   // the object has digests
}

// rebuild puts every object together and fills in m.items, m.order, m.missing
// and the places of the disclosures.
func (m *message) rebuild() ([]Item, error) {
	return m.rebuildBy(&builder{m: m, record: true, scratch: m.scratch})
}

// rebuildBy is rebuild by a new builder that records.
func (m *message) rebuildBy(b *builder) ([]Item, error) {
	m.order = make([]int16, 0, len(m.discs))
	m.items = make([]span, 0, len(m.objects))
	m.out = m.allOut()
	items := make([]Item, 0, len(m.objects))
	for i := range m.objects {
		d := &m.objects[i]
		at := m.find(d)
		if at < 0 {
			if err := m.miss(hole{digest: *d, item: -1, place: inMessage}); err != nil {
				return nil, err
			}
			continue
		}
		m.items = append(m.items, span{digest: *d, from: len(m.order)})
		o, err := b.object(at, len(m.items)-1)
		if err != nil {
			return nil, within(fmt.Sprintf("object %d, digest %s", i, digestString(*d)), err)
		}
		s := &m.items[len(m.items)-1]
		s.to, s.raw = len(m.order), o.Raw()
		items = append(items, Item{Digest: *d, Object: o})
	}
	return items, nil
}

// object writes the object whose disclosure has index at, and parses it. First it
// takes for a value whatever stands in the place of one, for reading the object
// shows whether it was. If anything is wrong, it is written once more with care,
// which says what.
func (b *builder) object(at, item int) (*stix.Object, error) {
	if b.careful {
		return b.write(at, item)
	}
	order, missing, decoys := len(b.m.order), len(b.m.missing), len(b.m.decoys)
	o, err := b.write(at, item)
	if err == nil {
		return o, nil
	}
	if b.record { // as if nothing had been read
		for _, d := range b.m.order[order:] {
			b.m.discs[d] = b.m.discs[d].unread()
		}
		b.m.order, b.m.missing, b.m.decoys = b.m.order[:order], b.m.missing[:missing], b.m.decoys[:decoys]
	}
	b.careful = true
	defer func() { b.careful = false }()
	return b.write(at, item)
}

// write writes an object and parses it.
func (b *builder) write(at, item int) (*stix.Object, error) {
	b.item, b.typ, b.refs, b.gaps, b.hidden = item, "", 0, b.gaps[:0], false
	b.out, b.json, b.sd, b.pieces = b.out[:0], b.json[:0], b.sd[:0], b.pieces[:0]
	_, s, err := b.take(at, inMessage, -1)
	if err != nil {
		return nil, err
	}
	if s.peek() != '{' {
		return nil, bad("not a JSON object")
	}
	if err := b.properties(&s, inObject, at); err != nil {
		return nil, err
	}
	if err := b.closed(&s, at); err != nil {
		return nil, err
	}
	// A copy of its own: who keeps an object keeps its bytes and not its message's.
	o, err := stix.Parse(bytes.Clone(b.out))
	if err != nil {
		return nil, err
	}
	if !o.HasValues(b.pieces) {
		return nil, bad("a disclosure holds more or less than one value")
	}
	if o.Type() != b.typ {
		return nil, bad("type is not written in the open")
	}
	if b.hidden && stix.FixedWire1(b.typ, "") {
		return nil, bad("a %s has digests and is always whole", b.typ)
	}
	return o, b.checkSelectors(o)
}

// checkSelectors refuses an object in which a marking selects an element of
// object_refs by its number while an element before it is missing: the number
// would then mean another element. That the number of a missing element may come
// to mean one that has moved up only protects that one more.
func (b *builder) checkSelectors(o *stix.Object) error {
	if len(b.gaps) == 0 {
		return nil
	}
	for _, g := range o.Granular() {
		for _, sel := range g.Selectors {
			rest, ok := strings.CutPrefix(sel, "object_refs.[")
			if !ok {
				continue
			}
			n, err := strconv.Atoi(strings.TrimSuffix(rest, "]"))
			if err != nil || n > b.gaps[0] && !slices.Contains(b.gaps, n) {
				return bad("granular_markings select %s, and an element before it was taken out", sel)
			}
		}
	}
	return nil
}

// properties writes an object whose properties may be disclosures at place p:
// first what is in the open, then what the digests under _sd stand for. It calls
// itself at most to the depth of the places.
func (b *builder) properties(s *scanner, p place, parent int) error {
	s.next('{')
	b.out = append(b.out, '{')
	start := len(b.out)
	own := b.holder(p, parent)
	from, hidden := len(b.sd), false
	for first := true; ; first = false {
		name, escaped, more, ok := s.member(first)
		if !ok {
			return bad("%s is not a JSON object", orObject(p))
		}
		if !more {
			break
		}
		if escaped {
			// A name has one spelling, or it could pass by the lists of names.
			return bad("a property name with escapes in %s", orObject(p))
		}
		if string(name) == "_sd" {
			if hidden {
				return bad("_sd occurs twice")
			}
			hidden = true
			if err := b.list(s); err != nil {
				return err
			}
			continue
		}
		if own != nil {
			own.open = true
		}
		b.name(name, start)
		if err := b.open(s, p, name, parent); err != nil {
			return err
		}
	}
	b.byName(b.sd[from:])
	for i := from; i < len(b.sd); i++ {
		d := b.sd[i] // what follows may move the list
		if err := b.property(&d, p, parent, start); err != nil {
			return err
		}
	}
	b.sd = b.sd[:from]
	b.out = append(b.out, '}')
	return nil
}

// byName orders the digests of a container by the names of what they stand for,
// those that are missing first. By digest, objects that have the same properties
// would come out in as many forms as there are orders, and what is known of a
// form (see [stix.Layout]) would never serve the next object.
func (b *builder) byName(sd [][32]byte) {
	if len(sd) < 2 {
		return
	}
	type named struct {
		name   []byte
		digest [32]byte
	}
	var buf [32]named
	all := buf[:0]
	for i := range sd {
		x := named{digest: sd[i]}
		if at := b.m.find(&sd[i]); at >= 0 {
			var plain []byte
			if plain, b.json, _ = b.m.json(at, b.json); plain != nil { // what is wrong with it is said when it is written
				x.name = propertyName(plain)
			}
		}
		all = append(all, x)
	}
	slices.SortStableFunc(all, func(x, y named) int { return bytes.Compare(x.name, y.name) })
	for i := range all {
		sd[i] = all[i].digest
	}
}

// propertyName finds the name in the JSON of a property's disclosure, which is
// [salt, name, value], without judging whether it is one: only the order rests on
// it.
func propertyName(plain []byte) []byte {
	for range 3 {
		i := bytes.IndexByte(plain, '"')
		if i < 0 {
			return nil
		}
		plain = plain[i+1:]
	}
	name, _, _ := bytes.Cut(plain, []byte{'"'})
	return name
}

// holder returns the disclosure whose value is the container at a place, to
// note what is in it; nil when the container stands in the open.
func (b *builder) holder(p place, parent int) *disclosure {
	if !b.record {
		return nil
	}
	d := &b.m.discs[parent]
	if p == inRefs || p == inExtensions && d.place == inObject || p == inNote && d.place == inHandling {
		d.holds = true
		return d
	}
	return nil
}

// orObject names the container at a place, for error texts.
func orObject(p place) string {
	if c := p.container(); c != "" {
		return c
	}
	return "the object"
}

// name writes a property's name; start is where the object's members begin.
func (b *builder) name(name []byte, start int) {
	if len(b.out) > start {
		b.out = append(b.out, ',')
	}
	b.out = append(b.out, '"')
	b.out = append(b.out, name...)
	b.out = append(b.out, '"', ':')
}

// open writes the value of a property that stands in the open.
func (b *builder) open(s *scanner, p place, name []byte, parent int) error {
	if s.peek() == '{' {
		switch {
		case p == inObject && string(name) == "extensions":
			return b.properties(s, inExtensions, parent)
		case p == inExtensions && string(name) == stix.HandlingExtension:
			if parent >= 0 && b.m.discs[parent].place == inObject {
				return bad("the handling extension arrives by disclosure")
			}
			return b.properties(s, inHandling, parent)
		case p == inHandling && string(name) == "note":
			return b.properties(s, inNote, parent)
		}
	}
	value, ok := s.value()
	if !ok {
		return bad("a property without a value")
	}
	if p == inObject && string(name) == "type" && len(value) > 2 {
		b.typ = string(value[1 : len(value)-1])
	}
	b.out = append(b.out, value...)
	return nil
}

// list reads an _sd array and appends its digests to those of the containers
// around it.
func (b *builder) list(s *scanner) error {
	if !s.next('[') {
		return bad("_sd is not an array")
	}
	b.hidden = true
	for first := true; ; first = false {
		more, ok := s.element(first)
		if !ok {
			return bad("_sd is not an array")
		}
		if !more {
			return nil
		}
		d, err := b.digest(s)
		if err != nil {
			return err
		}
		if !first && bytes.Compare(b.sd[len(b.sd)-1][:], d[:]) >= 0 {
			return bad("the digests of _sd are not in ascending order")
		}
		b.sd = append(b.sd, d)
	}
}

// digest reads a digest as a JSON string.
func (b *builder) digest(s *scanner) (d [32]byte, err error) {
	text, escaped, ok := s.text()
	if !ok || escaped {
		return d, bad("a digest is not a plain string")
	}
	if d, err = readDigest(text); err != nil {
		return d, bad("%v", err)
	}
	return d, nil
}

// lookup returns the disclosure of a digest, -1 if it is missing or is to be
// left out.
func (b *builder) lookup(d *[32]byte, p place) (int, error) {
	at := b.m.find(d)
	switch {
	case at < 0 && b.record:
		return at, b.m.miss(hole{digest: *d, item: b.item, place: p})
	case at >= 0 && b.removed != nil && b.removed[at]:
		return -1, nil
	}
	return at, nil
}

// property writes the property that a digest stands for.
func (b *builder) property(d *[32]byte, p place, parent, start int) error {
	at, err := b.lookup(d, p)
	if err != nil || at < 0 {
		return err
	}
	name, s, err := b.take(at, p, parent)
	if err != nil {
		return err
	}
	if !p.removable(b.typ, name) {
		return bad("%s arrives by disclosure and is always in the open", p.path(name, 0))
	}
	b.name(name, start)
	if b.record {
		b.m.discs[at].name, b.m.discs[at].nend = uint32(len(b.out)-2-len(name)), uint32(len(b.out)-2)
	}
	switch c := s.peek(); {
	case p == inObject && string(name) == "extensions" && c == '{':
		err = b.properties(&s, inExtensions, at)
	case p == inObject && string(name) == "object_refs" && c == '[':
		err = b.elements(&s, at)
	case p == inHandling && string(name) == "note" && c == '{':
		err = b.properties(&s, inNote, at)
	default:
		value, sure := b.rest(&s)
		if !sure {
			value, err = b.plain(&s, at)
		} else {
			b.pieces = append(b.pieces, [2]int{len(b.out), len(b.out) + len(value)})
		}
		b.out = append(b.out, value...)
		return err
	}
	if err != nil {
		return err
	}
	return b.closed(&s, at)
}

// elements writes object_refs: each element is a value, or a digest that
// stands for one (RFC 9901 §4.2.4.2).
func (b *builder) elements(s *scanner, parent int) error {
	s.next('[')
	b.out = append(b.out, '[')
	own := b.holder(inRefs, parent)
	for pos := 0; ; pos++ {
		more, ok := s.element(pos == 0)
		if !ok {
			return bad("object_refs is not an array")
		}
		if !more {
			b.out = append(b.out, ']')
			return nil
		}
		var value []byte
		var err error
		if s.peek() == '{' {
			value, err = b.hiddenElement(s, parent, pos)
		} else if value, ok = s.value(); !ok {
			err = bad("object_refs is not an array")
		} else if own != nil {
			own.open = true
		}
		if err != nil {
			return err
		}
		if value == nil {
			continue // taken out
		}
		if b.refs > 0 {
			b.out = append(b.out, ',')
		}
		b.refs++
		b.out = append(b.out, value...)
	}
}

// hiddenElement returns the value that {"...": digest} at a position of
// object_refs stands for, nil if it was taken out.
func (b *builder) hiddenElement(s *scanner, parent, pos int) (value []byte, err error) {
	d, err := b.dots(s)
	if err != nil {
		return nil, err
	}
	b.hidden = true
	at, err := b.lookup(&d, inRefs)
	if err != nil {
		return nil, err
	}
	if at < 0 {
		b.gaps = append(b.gaps, pos)
		return nil, nil
	}
	if b.record {
		b.m.discs[at].index = int16(b.refs)
	}
	_, inner, err := b.take(at, inRefs, parent)
	if err != nil {
		return nil, err
	}
	return b.plain(&inner, at)
}

// dots reads {"...": digest}.
func (b *builder) dots(s *scanner) (d [32]byte, err error) {
	s.next('{')
	name, escaped, more, ok := s.member(true)
	if !ok || !more || escaped || string(name) != "..." {
		return d, bad("an element of object_refs is neither a text nor a digest")
	}
	if d, err = b.digest(s); err != nil {
		return d, err
	}
	if !s.next('}') {
		return d, bad("an element of object_refs holds more than a digest")
	}
	return d, nil
}
