package policy

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/stix"
	"github.com/entente-relay/entente/mapping"
	"github.com/entente-relay/entente/mapping/marking"
	"github.com/entente-relay/entente/mapping/scheme"
)

// Reader makes subjects. It is safe for concurrent use, and remembers what
// objects have in common (see kind).
type Reader struct {
	tables  *scheme.Tables
	victims stix.Victims
	from    string // participant that what is read came from, "" if not stated
	memory  *memory
}

// NewReader returns a reader that resolves classifications in tables.
func NewReader(tables *scheme.Tables) *Reader { return &Reader{tables: tables, memory: newMemory()} }

// Among returns a reader for the objects of one message, which tell of each
// other who is a victim.
func (r *Reader) Among(objects []*stix.Object) *Reader {
	victims := stix.VictimsAmong(objects)
	if len(victims) == 0 {
		return r
	}
	t := *r
	t.victims = victims
	return &t
}

// From returns a reader of what came from a participant: it states so in every
// subject, as [Subject.Arrived] does.
func (r *Reader) From(from string) *Reader {
	t := *r
	t.from = from
	return &t
}

// Subject reads the markings of one object of a message. digest is that of
// the object's disclosure; defs are the marking-definitions of the same
// message and issuer, by id. What cannot be understood is carried in the
// subject and leads to a hold, never to a default.
func (r *Reader) Subject(issuer string, digest [32]byte, o *stix.Object, defs map[string]*stix.Object) *Subject {
	d := r.memory.desk()
	defer r.memory.leave(d)
	l := r.memory.layout(d, o)
	marks := d.examiner.Examine(l.Layout, r.victims)
	s := r.recall(d, l, marks, issuer, o, defs)
	if s == nil {
		s = &Subject{issuer: issuer, object: o, units: l.Units()}
		s.judge(r, d, l.Layout, marks, defs)
		r.keep(d, s)
	}
	s.digest, s.among, s.from = digest, r.victims, r.from
	s.mention(d.examiner, l.Layout)
	return s
}

// judge reads everything that a decision depends on.
func (s *Subject) judge(r *Reader, d *desk, l *stix.Layout, marks []stix.Mark, defs map[string]*stix.Object) {
	m := markings{reader: r, subject: s, defs: defs}
	for _, ref := range s.object.MarkingRefs() {
		s.handling = mapping.Join(s.handling, m.resolve(ref))
	}
	m.labels()
	m.extension()
	if s.handling.TLP == mapping.TLPUnmarked && s.problem == nil {
		m.unmarked()
	}
	own := m.granular()
	m.attribution(s.handling)
	for _, h := range own {
		if h != nil {
			m.attribution(*h)
		}
	}
	s.classify(d.examiner, l, marks, own)
	s.seal()
}

// markings reads the markings of one subject.
type markings struct {
	reader  *Reader
	subject *Subject
	defs    map[string]*stix.Object
}

// fail records the first thing that was not understood.
func (m *markings) fail(reason federation.Reason, detail string) {
	if m.subject.problem == nil {
		m.subject.problem = federation.Refuse(reason, m.subject.object.ID(), detail)
	}
}

// resolve returns the handling of a marking-definition: a published one by its
// exact identifier, or one of the same message. Anything else is unknown.
func (m *markings) resolve(id string) mapping.Handling {
	if h, ok := marking.WellKnown(id); ok {
		return h
	}
	def, ok := m.defs[id]
	if !ok {
		m.fail(federation.UnknownMarking, fmt.Sprintf("%s is neither a published marking nor in the same message", id))
		return mapping.Handling{}
	}
	said, err := marking.ReadDefinition(id, def.Raw())
	if err != nil {
		m.fault(err)
		return mapping.Handling{}
	}
	return m.understand(said)
}

// understand reads the words of schemes at the time the object was made.
func (m *markings) understand(said marking.Said) mapping.Handling {
	h, err := m.reader.tables.Understand(said, m.subject.object.Created())
	if err != nil {
		m.fault(err)
	}
	return h
}

// fault records an error of a reader of markings.
func (m *markings) fault(err error) {
	reason := federation.UnknownMarking
	if f, ok := errors.AsType[*mapping.Fault](err); ok {
		if f.Cause == mapping.NotMarking {
			return
		}
		reason = ReasonForFault(f.Cause)
	}
	m.fail(reason, err.Error())
}

// labels joins machine tags that producers put among the labels, such as
// tlp:red: they may only narrow what the markings say.
func (m *markings) labels() {
	raw, ok := m.subject.object.Get("labels")
	if !ok || bytes.IndexByte(raw, ':') < 0 {
		return
	}
	var tags []string
	if err := json.Unmarshal(raw, &tags); err != nil {
		m.fail(federation.UnknownMarking, "labels is not a list of texts")
		return
	}
	said, errs := marking.Tags(tags)
	for _, err := range errs {
		m.fault(err)
	}
	m.subject.handling = mapping.Join(m.subject.handling, m.understand(said))
}

// extension joins what the handling extension says.
func (m *markings) extension() {
	e := m.subject.object.Handling()
	if e == nil {
		return
	}
	h := mapping.Handling{RetainDays: e.RetainDays, PersonalData: e.PersonalData != nil && *e.PersonalData}
	m.classification(e, &h)
	if len(e.ReleasableTo) > 0 {
		h.Releasable = mapping.SetOf(e.ReleasableTo...)
	}
	if len(e.Residency) > 0 {
		h.Residency = mapping.SetOf(e.Residency...)
	}
	if len(e.Purpose) > 0 {
		h.Purposes = mapping.SetOf(e.Purpose...)
	}
	if e.Contract != "" {
		h.Contracts = []string{e.Contract}
	}
	in := e.Scheme
	if in == "" {
		in = e.Origin
	}
	for _, c := range e.Caveats {
		h = mapping.Join(h, m.reader.tables.Caveat(in, c))
	}
	m.subject.handling = mapping.Join(m.subject.handling, h)
	m.subject.impact = e.Impact
}

// classification reads the origin's words in its scheme at the time the object
// was made: a level, and what stands beside it. The scheme's word for "not
// classified" is no level.
func (m *markings) classification(e *stix.Handling, h *mapping.Handling) {
	if e.Classification == "" {
		if e.Scheme != "" {
			m.fail(federation.UnknownMarking, "a scheme is named, but not the origin's word in it")
		}
		return
	}
	in := e.Scheme
	if in == "" {
		in = e.Origin // the country's schemes; with neither, the word has to be of one scheme only
	}
	read, _, err := m.reader.tables.Read(in, e.Classification, m.subject.object.Created())
	if err != nil {
		m.fault(err)
		return
	}
	for _, l := range read.Levels {
		if e.Origin != "" && l.Country != "" && e.Origin != l.Country {
			m.fail(federation.UnknownMarking, fmt.Sprintf("the origin is %s, the scheme %s is that of %s", e.Origin, l.Scheme, l.Country))
			return
		}
	}
	*h = mapping.Join(*h, read)
}

// unmarked records that no TLP was stated. A definition that others are marked
// with needs none of its own: it goes where they go (see [Relate]).
func (m *markings) unmarked() {
	switch m.subject.object.Type() {
	case "marking-definition", "extension-definition":
		m.subject.follows = true
	default:
		m.fail(federation.Unmarked, "no TLP label states who may have it")
	}
}

// attribution refuses what one policy says must be named and another says must
// not: nobody can keep both (FIRST IEP 2.0, provider_attribution).
func (m *markings) attribution(h mapping.Handling) {
	if slices.Contains(h.Contracts, marking.IEPAttribution) && slices.Contains(h.Contracts, marking.IEPNoAttribution) {
		m.fail(federation.UnknownMarking, "one policy says that its provider must be named, another that it must not")
	}
}

// granular returns the joined handling of each unit that a granular marking
// points at, nil for the others.
func (m *markings) granular() []*mapping.Handling {
	s := m.subject
	var own []*mapping.Handling
	for _, g := range s.object.Granular() {
		if g.MarkingRef == "" {
			continue // a language, not a marking
		}
		h := m.resolve(g.MarkingRef)
		for _, sel := range g.Selectors {
			if own == nil {
				own = make([]*mapping.Handling, len(s.units))
			}
			if !mark(s.units, own, s.handling, sel, h) {
				s.dangling = append(s.dangling, sel)
			}
		}
	}
	return own
}

// mark joins h into every unit that a selector covers: the unit itself, its
// parts, and the unit that holds the selected part. A selector into object_refs
// covers every element: the elements are numbered, and a relay that removed
// one has moved those behind it.
func mark(units []stix.Unit, own []*mapping.Handling, whole mapping.Handling, sel string, h mapping.Handling) bool {
	if strings.HasPrefix(sel, "object_refs.[") {
		sel = "object_refs"
	}
	hit, holder := false, -1
	for i := range units {
		path := units[i].Path
		switch {
		case path == sel || within(path, sel):
			hit = true
			join(&own[i], whole, h)
		case within(sel, path):
			holder = i // units come parents first, so the last one is the closest
		}
	}
	if !hit && holder >= 0 && !units[holder].Container {
		hit = true
		join(&own[holder], whole, h)
	}
	return hit
}

// within reports whether path lies below outer.
func within(path, outer string) bool {
	return len(path) > len(outer) && path[len(outer)] == '.' && path[:len(outer)] == outer
}

func join(own **mapping.Handling, whole, h mapping.Handling) {
	if *own == nil {
		w := whole
		*own = &w
	}
	joined := mapping.Join(**own, h)
	*own = &joined
}

// classify puts every unit in a class by category and handling. A unit about
// which nothing was found is free text, unsure.
func (s *Subject) classify(x *stix.Examiner, l *stix.Layout, marks []stix.Mark, own []*mapping.Handling) {
	derived := s.object.DerivedID()
	whole := s.effective()
	s.own = []handled{{whole, canonicalKey(whole)}}
	s.classOf = make([]uint16, len(s.units))
	s.classes = make([]unitClass, 0, 8)
	s.named = []victims{{}}
	for i := range s.units {
		u, m := &s.units[i], &marks[i]
		c := unitClass{found: findings(m.Categories), holds: contents(m.Holds), pinned: u.Fixed || u.Required, derives: derived && l.Derives(i)}
		if c.found == 0 {
			c.found = freeTextUnsure
		}
		v := s.victimsIn(x, i, m)
		c.named = s.naming(&v)
		s.holds |= c.holds
		if own != nil && own[i] != nil {
			c.own = s.handledBy(*own[i])
		}
		if !u.Container && x.Sealed() {
			if v, ok := stix.SealedValue(x.Value(i)); ok {
				c.sealed = sealedFor(v.For)
			}
		}
		at := slices.Index(s.classes, c)
		if at < 0 {
			at = len(s.classes)
			s.classes = append(s.classes, c)
		}
		s.classOf[i] = uint16(at)
	}
}

// freeTextUnsure says that nobody could place what is there.
const freeTextUnsure findings = 1 << 15

// victimsIn reads whom a unit names as a victim.
func (s *Subject) victimsIn(x *stix.Examiner, i int, m *stix.Mark) (v victims) {
	u := s.units[i]
	targeted := m.Has(federation.Target)
	if !targeted && !(u.Path == "target_ref" && s.object.Type() == "relationship") {
		return v
	}
	u.Value = x.Value(i)
	v = victimsOf(s.object, &u, stix.Finding{Category: federation.Target, Unsure: !m.Surely(federation.Target)})
	if m.Victim != stix.NoVictim {
		more := victimsOf(s.object, &u, stix.Finding{Category: federation.Target, Holds: stix.HoldsVictim, Unsure: m.Victim != stix.SurelyVictim})
		v.join(&more)
	}
	return v
}

// handledBy returns the index of a handling, added if it is new.
func (s *Subject) handledBy(h mapping.Handling) int {
	key := canonicalKey(h)
	for i := range s.own {
		if s.own[i].key == key {
			return i
		}
	}
	s.own = append(s.own, handled{h, key})
	return len(s.own) - 1
}

// naming returns the index of what a unit says about victims, added if it is
// new, and joins it into what the object says.
func (s *Subject) naming(v *victims) int {
	if v.none() {
		return -1
	}
	s.named[0].join(v)
	key := v.key()
	for i := 1; i < len(s.named); i++ {
		if s.named[i].key() == key {
			return i
		}
	}
	s.named = append(s.named, *v)
	return len(s.named) - 1
}

// seal computes the cache key.
func (s *Subject) seal() {
	buf := make([]byte, 0, 512)
	put := func(texts ...string) {
		for _, t := range texts {
			buf = binary.AppendUvarint(buf, uint64(len(t)))
			buf = append(buf, t...)
		}
	}
	put(s.issuer, s.object.Type())
	if s.problem != nil {
		put(string(s.problem.Reason), s.problem.Detail)
	} else {
		put("", "")
	}
	if s.follows {
		put("follows")
	} else {
		put("")
	}
	put(s.impact)
	buf = append(buf, flag(s.counted))
	buf = binary.AppendUvarint(buf, uint64(len(s.dangling)))
	put(s.dangling...)
	s.base = string(buf)
	buf = binary.AppendUvarint(buf, uint64(len(s.own)))
	for i := range s.own {
		put(s.own[i].key)
	}
	for i := range s.named {
		put(s.named[i].key())
	}
	buf = append(buf, '|')
	for _, c := range s.classes {
		buf = binary.AppendUvarint(buf, uint64(c.found))
		buf = binary.AppendUvarint(buf, uint64(c.own))
		buf = binary.AppendUvarint(buf, uint64(c.holds))
		buf = binary.AppendVarint(buf, int64(c.named))
		buf = append(buf, flag(c.pinned), flag(c.derives))
		put(c.sealed)
	}
	s.key = sha256.Sum256(buf)
}

func flag(b bool) byte {
	if b {
		return 1
	}
	return 0
}
