package intake

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/entente-relay/entente/federation/stix"
	"github.com/entente-relay/entente/mapping"
	"github.com/entente-relay/entente/mapping/marking"
)

// label is how an object is marked, in a form that can be written into another
// object: the ids of marking-definitions, and the handling facts that bind.
// Labels are interned and never changed.
type label struct {
	tlp  mapping.TLP
	refs []string // sorted
	hand handling
	// conflict says why the joined facts cannot be written as one, "" if
	// they can.
	conflict string
}

// handling is the part of stix.Handling that protects, and so passes on to the
// context. personal_data says what is in an object, not how to protect it, and
// stays behind, as do notes.
type handling struct {
	origin, scheme, classification, contract string
	caveats, releasable, residency, purpose  []string // nil: not stated
	retainDays                               int
}

// interned holds each label once, so that equal ones are the same pointer, and
// remembers the joins that were made.
type interned struct {
	byKey map[string]*label
	made  map[[2]*label]*label
}

func newInterned() *interned {
	return &interned{byKey: map[string]*label{}, made: map[[2]*label]*label{}}
}

func (in *interned) intern(l label) *label {
	var buf [512]byte
	key := l.key(buf[:0])
	if have, ok := in.byKey[string(key)]; ok {
		return have
	}
	in.byKey[string(key)] = &l
	return &l
}

// key appends everything that a label says, each text and list with its length
// before it: two labels with one key are equal.
func (l *label) key(b []byte) []byte {
	text := func(s string) {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	list := func(all []string) {
		n := uint64(0) // not stated
		if all != nil {
			n = 1 + uint64(len(all))
		}
		b = binary.AppendUvarint(b, n)
		for _, s := range all {
			text(s)
		}
	}
	b = binary.AppendVarint(b, int64(l.tlp))
	list(append([]string{}, l.refs...)) // none and not stated are the same here
	h := &l.hand
	for _, s := range [...]string{l.conflict, h.origin, h.scheme, h.classification, h.contract} {
		text(s)
	}
	for _, all := range [...][]string{h.caveats, h.releasable, h.residency, h.purpose} {
		list(all)
	}
	return binary.AppendVarint(b, int64(h.retainDays))
}

// join returns the label of what two labels protect: every marking of both,
// of TLP and PAP only the narrowest, and the narrower of the handling facts
// (classification laws A11, A13). Two classifications or contracts that differ
// cannot be written into one object; that is a conflict.
func (in *interned) join(a, b *label) *label {
	switch {
	case a == nil || a == b:
		return b
	case b == nil:
		return a
	}
	if have, ok := in.made[[2]*label{a, b}]; ok {
		return have
	}
	out := label{tlp: max(a.tlp, b.tlp), conflict: a.conflict}
	if out.conflict == "" {
		out.conflict = b.conflict
	}
	out.refs = narrowest(append(slices.Clone(a.refs), b.refs...))
	var why string
	if out.hand, why = joinHandling(&a.hand, &b.hand); out.conflict == "" {
		out.conflict = why
	}
	l := in.intern(out)
	in.made[[2]*label{a, b}] = l
	return l
}

// narrowest sorts references and drops those to a TLP or PAP marking that
// another one is narrower than: a reader that takes the first TLP it sees must
// not see a wider one.
func narrowest(refs []string) []string {
	slices.Sort(refs)
	refs = slices.Compact(refs)
	var all mapping.Handling
	for _, r := range refs {
		if h, ok := marking.WellKnown(r); ok {
			all = mapping.Join(all, h)
		}
	}
	return slices.DeleteFunc(refs, func(r string) bool {
		h, ok := marking.WellKnown(r)
		return ok && h.TLP < all.TLP && h.PAP == mapping.PAPNone || ok && h.PAP < all.PAP && h.TLP == mapping.TLPUnmarked
	})
}

func joinHandling(a, b *handling) (out handling, conflict string) {
	one := func(what, x, y string) string {
		if x != "" && y != "" && x != y && conflict == "" {
			conflict = fmt.Sprintf("what refers to it has two different values of %s", what)
		}
		return max(x, y)
	}
	out.scheme = one("scheme", a.scheme, b.scheme)
	out.classification = one("classification", a.classification, b.classification)
	out.contract = one("contract", a.contract, b.contract)
	// The origin belongs to the classification; without one it binds nobody.
	switch {
	case a.classification == "":
		out.origin = b.origin
	case b.classification == "":
		out.origin = a.origin
	default:
		out.origin = one("origin", a.origin, b.origin)
	}
	if a.classification == "" && b.classification == "" {
		out.origin = ""
	}
	both := func(what string, x, y []string) []string {
		if x == nil {
			return y
		}
		if y == nil {
			return x
		}
		cut := slices.DeleteFunc(slices.Clone(x), func(s string) bool { return !slices.Contains(y, s) })
		if len(cut) == 0 && conflict == "" {
			conflict = fmt.Sprintf("what refers to it leaves no %s that all allow", what)
		}
		return cut
	}
	out.releasable = both("releasable_to", a.releasable, b.releasable)
	out.residency = both("residency", a.residency, b.residency)
	out.purpose = both("purpose", a.purpose, b.purpose)
	out.caveats = slices.Compact(slices.Sorted(slices.Values(append(slices.Clone(a.caveats), b.caveats...))))
	out.retainDays = a.retainDays
	if out.retainDays == 0 || b.retainDays > 0 && b.retainDays < out.retainDays {
		out.retainDays = b.retainDays
	}
	return out, conflict
}

// standing says what the markings of an object are.
type standing uint8

const (
	unmarked standing = iota // no TLP label, and nothing that was not understood
	marked                   // a TLP label
	unread                   // something that was not understood: policy will hold it
)

// read returns how an object is marked as the node's policy will see it: by
// its marking-definitions (published ones, or those of the same file), and by
// machine tags among its labels.
func (in *interned) read(o *stix.Object, defs map[string]*stix.Object) (*label, standing) {
	l := label{}
	all := mapping.Handling{}
	for _, id := range o.MarkingRefs() {
		h, ok := resolve(id, defs)
		if !ok {
			return nil, unread
		}
		all = mapping.Join(all, h)
		l.refs = append(l.refs, id)
	}
	said, errs := marking.Tags(tags(o))
	told, ok := inFacts(said)
	if len(errs) > 0 || !ok {
		return nil, unread
	}
	all = mapping.Join(all, said.Handling)
	l.refs = append(l.refs, handlingRefs(said.Handling)...)
	l.tlp = all.TLP
	l.refs = narrowest(l.refs)
	own := handlingOf(o.Handling())
	l.hand, l.conflict = joinHandling(&own, &told)
	if all.TLP == mapping.TLPUnmarked {
		return in.intern(l), unmarked
	}
	return in.intern(l), marked
}

// resolve reads a marking-definition: a published one by its exact id, or one
// of the same file.
func resolve(id string, defs map[string]*stix.Object) (mapping.Handling, bool) {
	if h, ok := marking.WellKnown(id); ok {
		return h, true
	}
	def, ok := defs[id]
	if !ok {
		return mapping.Handling{}, false
	}
	said, err := marking.ReadDefinition(id, def.Raw())
	return said.Handling, err == nil
}

// inFacts returns what tags say as handling facts, beside TLP and PAP, which
// marking-definitions say. It reports false for what no fact can say: an object
// that takes its marking from others would lose it. Words that no table knows are
// held by policy wherever they stand.
func inFacts(s marking.Said) (h handling, ok bool) {
	x := s.Handling
	if len(x.Contracts)+len(x.Statements) > 0 || x.Residency.Restricted() || x.Purposes.Restricted() ||
		x.RetainDays != 0 || !x.NotBefore.IsZero() || !x.NotAfter.IsZero() || x.Releasable.Restricted() {
		return handling{}, false
	}
	h.caveats = slices.Concat(x.Caveats, x.Compartments)
	for _, w := range s.Words {
		if w.Level != "" {
			if h.classification != "" && (h.scheme != w.Scheme || h.classification != w.Level) {
				return handling{}, false
			}
			h.scheme, h.classification = w.Scheme, w.Level
		}
		h.caveats = append(h.caveats, w.Beside...)
	}
	slices.Sort(h.caveats)
	h.caveats = slices.Compact(h.caveats)
	if len(h.caveats) == 0 {
		h.caveats = nil // nothing stated
	}
	return h, true
}

// handlingRefs returns the marking-definitions that say what a tag said.
func handlingRefs(h mapping.Handling) []string {
	var refs []string
	if h.TLP != mapping.TLPUnmarked {
		refs = append(refs, tlpRef(h.TLP))
	}
	if h.PAP != mapping.PAPNone {
		refs = append(refs, papRef(h.PAP))
	}
	return refs
}

// tags returns the labels that may be machine tags.
func tags(o *stix.Object) []string {
	raw, ok := o.Get("labels")
	if !ok {
		return nil
	}
	var all []string
	if err := unmarshal(raw, &all); err != nil {
		return nil // not reached: parsing has checked the list
	}
	return slices.DeleteFunc(all, func(s string) bool { return !strings.Contains(s, ":") })
}

func handlingOf(h *stix.Handling) handling {
	if h == nil {
		return handling{}
	}
	return handling{origin: h.Origin, scheme: h.Scheme, classification: h.Classification, contract: h.Contract,
		caveats: h.Caveats, releasable: h.ReleasableTo, residency: h.Residency, purpose: h.Purpose, retainDays: h.RetainDays}
}
