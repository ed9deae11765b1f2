package policy

import (
	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/stix"
	"github.com/entente-relay/entente/mapping"
)

// Subject is one object as policy sees it: its handling understood, each of
// its units placed in a class. [Reader.Subject] makes it once per message; it
// is immutable.
type Subject struct {
	issuer   string
	from     string // participant it came from, "" if not stated
	digest   [32]byte
	object   *stix.Object
	among    stix.Victims // whom the objects of its message call victims
	handling mapping.Handling
	problem  *federation.Refusal
	dangling []string // selectors of granular markings that point at nothing
	follows  bool     // a definition without markings of its own: see Relate
	mentions []mention
	loose    bool        // whatever it mentions is removed, something of it still goes
	units    []stix.Unit // without values
	classOf  []uint16    // unit index -> index in classes
	holds    contents    // found anywhere in it
	named    []victims   // victims of the classes; the first is all of the object's
	impact   string      // the origin's word, "" if there is none
	counted  bool        // a count over many: see Aggregated
	classes  []unitClass
	own      []handled // handlings of the classes; the first is the object's
	base     string    // canonical form of all facts but handling and classes
	key      [32]byte  // hash of everything a decision depends on
}

// unitClass is what policy can tell units of one object apart by.
type unitClass struct {
	found   findings
	holds   contents
	named   int  // index of its victims in Subject.named, -1 for none
	own     int  // index of its handling in Subject.handlings
	pinned  bool // fixed or required: it cannot be removed
	derives bool // the object's id is computed from it
	// sealed is, for what its origin sealed, sealedMark and the key ids of those
	// who may have it, each ended by a blank; else "".
	sealed string
}

// sealedMark begins unitClass.sealed.
const sealedMark = "sealed: "

// handled is a handling with its cache key.
type handled struct {
	handling mapping.Handling
	key      string
}

// findings is the set of categories found in a unit; see [stix.Mark].
type findings uint16

// contents is a set of kinds of content; see [stix.Mark].
type contents uint16

// words lists the kinds.
func (c contents) words() []string {
	if c == 0 {
		return nil
	}
	var out []string
	for i, kind := range stix.Contents() {
		if c&(1<<i) != 0 {
			out = append(out, kind)
		}
	}
	return out
}

// each lists the categories.
func (f findings) each(yield func(c federation.Category, unsure bool) bool) {
	for i, c := range federation.Categories() {
		if f&(1<<(2*i)) != 0 && !yield(c, false) {
			return
		}
		if f&(1<<(2*i+1)) != 0 && !yield(c, true) {
			return
		}
	}
}

// Handling returns what the object's markings mean together.
func (s *Subject) Handling() mapping.Handling { return s.handling }

// Object returns the object.
func (s *Subject) Object() *stix.Object { return s.object }

// Issuer returns the participant that issued the object's message.
func (s *Subject) Issuer() string { return s.issuer }

// Digest returns the digest of the object's disclosure.
func (s *Subject) Digest() [32]byte { return s.digest }

// Problem returns what in the markings was not understood, or nil.
func (s *Subject) Problem() *federation.Refusal { return s.problem }

// Arrived returns the subject with the participant stated that the message
// came from. TLP:AMBER goes on to clients only from its first recipient, so
// without this, or with another than the issuer, it goes no further.
func (s *Subject) Arrived(from string) *Subject {
	t := *s
	t.from = from
	return &t
}

// Aggregated returns the subject of an object that the node itself made as a
// count over many, with the floor on small counts kept: no peer's word says so.
func (s *Subject) Aggregated() *Subject {
	t := *s
	t.counted = true
	t.seal()
	return &t
}

// direct reports whether the object came from its issuer itself.
func (s *Subject) direct() bool { return s.from != "" && s.from == s.issuer }

// canonicalKey is the cache key of a handling: of all its fields but those
// that no rule can ask about.
func canonicalKey(h mapping.Handling) string {
	h.RetainDays = 0 // travels and is enforced by the receiver; not a fact here
	if len(h.Statements) > 0 {
		h.Statements = []string{""} // only their presence is a fact
	}
	return h.Key()
}

// effective returns the handling that the rules judge. A definition without
// markings of its own is judged as public, and then goes only with what it
// marks (see [Relate]).
func (s *Subject) effective() mapping.Handling {
	if !s.follows {
		return s.handling
	}
	h := s.handling
	h.TLP = mapping.TLPClear
	return h
}
