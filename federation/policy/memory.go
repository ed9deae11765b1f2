package policy

import (
	"bytes"
	"encoding/binary"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/stix"
	"github.com/entente-relay/entente/mapping"
	"github.com/entente-relay/entente/mapping/marking"
)

// Most objects of a stream are alike: the same properties, the same markings, the
// same kinds of data in them. What a decision depends on is then the same too,
// and is worked out once: a kind. Of each object only its form is read, what
// each of its texts shows, and whom it mentions. A kind is found by the whole of
// what it was worked out from, not by a hash of that.

// Sizes of what a reader remembers, in entries and bytes: about 2 KB each, so no
// more than some 17 MB.
const (
	mostLayouts = 1 << 9
	mostKinds   = 1 << 13
	mostKindKey = 1 << 11
	mostLists   = 1 << 10 // of labels
	mostLabels  = 1 << 8  // bytes of such a list
)

// memory is what readers of the same tables remember together.
type memory struct {
	layouts *memo[*layout]
	kinds   *memo[*Subject] // without what is of one object only
	labels  *memo[bool]     // whether lists of labels say nothing of handling
	numbers atomic.Uint64   // of layouts
	desks   sync.Pool       // of *desk
}

// layout is a form of objects.
type layout struct {
	*stix.Layout
	number  uint64 // no other layout of the reader has it; 0 for one that is not remembered
	marking []int  // the units that say how the object is to be handled
}

// desk is what one call needs; it is used again.
type desk struct {
	examiner *stix.Examiner
	key      []byte
}

func newMemory() *memory {
	return &memory{layouts: newMemo[*layout](mostLayouts), kinds: newMemo[*Subject](mostKinds), labels: newMemo[bool](mostLists)}
}

func (k *memory) desk() *desk {
	if d, ok := k.desks.Get().(*desk); ok {
		return d
	}
	return &desk{examiner: stix.NewExaminer(), key: make([]byte, 0, 1024)}
}

func (k *memory) leave(d *desk) {
	d.examiner.Release()
	k.desks.Put(d)
}

// layout returns that of an object, which the desk's examiner takes up.
func (k *memory) layout(d *desk, o *stix.Object) *layout {
	form, ok := d.examiner.Begin(o)
	if !ok {
		return &layout{Layout: stix.NewLayout(o)}
	}
	if l, ok := k.layouts.get(form); ok {
		return l
	}
	l := &layout{Layout: stix.NewLayout(o), number: k.numbers.Add(1)}
	for i, u := range l.Units() {
		if marks(&u) {
			l.marking = append(l.marking, i)
		}
	}
	k.layouts.put(form, l)
	return l
}

// marks reports whether a unit says how the object is to be handled. The note
// of our entry does not, and neither do the parts of it.
func marks(u *stix.Unit) bool {
	switch u.Path {
	case "object_marking_refs", "granular_markings", "labels":
		return true
	}
	rest, ours := strings.CutPrefix(u.Path, "extensions."+stix.HandlingExtension+".")
	return ours && rest != "note" && !strings.HasPrefix(rest, "note.")
}

// keyOf writes down everything that [Subject.judge] goes by into the desk's key:
// the form and what was found in each unit, the markings as they are written, the
// definitions they name, and which tables count. It reports whether what comes of
// it is worth remembering: of victims and of what is sealed, more counts than
// this.
func (r *Reader) keyOf(d *desk, l *layout, found []stix.Mark, issuer string, o *stix.Object, defs map[string]*stix.Object) bool {
	d.key = d.key[:0]
	if l.number == 0 || d.examiner.Sealed() || targets(o) {
		return false
	}
	buf := binary.AppendUvarint(d.key, l.number)
	buf = appendText(buf, issuer)
	buf = append(buf, flag(o.DerivedID()))
	for i := range found {
		m := &found[i]
		if m.Has(federation.Target) || m.Victim != stix.NoVictim {
			return false
		}
		buf = binary.LittleEndian.AppendUint16(buf, m.Categories)
		buf = binary.LittleEndian.AppendUint16(buf, m.Holds)
	}
	for _, i := range l.marking {
		value := d.examiner.Value(i)
		if l.Units()[i].Path == "labels" && r.memory.unmarkedLabels(value) {
			value = nil
		}
		buf = appendText(buf, value)
	}
	buf = r.appendDefinitions(buf, o, defs)
	// A classification, in our entry, in a tag or in a definition, is read by the
	// rules of the day on which the object was made.
	buf = appendMoment(buf, r.tables.NextChange(o.Created()))
	d.key = buf
	return len(buf) <= mostKindKey
}

// unmarkedLabels reports whether labels say nothing of how the object is to be
// handled, as nearly all do: their producers name what they saw in them.
func (k *memory) unmarkedLabels(raw []byte) bool {
	if bytes.IndexByte(raw, ':') < 0 {
		return true // no machine tag
	}
	if len(raw) > mostLabels {
		return false
	}
	if none, ok := k.labels.get(raw); ok {
		return none
	}
	var tags []string
	none := json.Unmarshal(raw, &tags) == nil
	if none {
		said, errs := marking.Tags(tags)
		none = len(errs) == 0 && len(said.Words) == 0 && said.Handling.Key() == (mapping.Handling{}).Key()
	}
	k.labels.put(raw, none)
	return none
}

// targets reports whether an object is a relationship that names a victim.
func targets(o *stix.Object) bool {
	if o.Type() != "relationship" {
		return false
	}
	kind, _ := o.Text("relationship_type")
	return kind == "targets"
}

// appendDefinitions adds what the markings of an object refer to.
func (r *Reader) appendDefinitions(buf []byte, o *stix.Object, defs map[string]*stix.Object) []byte {
	if len(defs) == 0 {
		return append(buf, 0)
	}
	buf = append(buf, 1)
	add := func(id string) {
		if def, ok := defs[id]; ok {
			buf = appendText(append(buf, 1), def.Raw())
		} else {
			buf = append(buf, 0)
		}
	}
	for _, id := range o.MarkingRefs() {
		add(id)
	}
	for _, g := range o.Granular() {
		add(g.MarkingRef)
	}
	return buf
}

func appendText[T string | []byte](buf []byte, text T) []byte {
	return append(binary.AppendUvarint(buf, uint64(len(text))), text...)
}

// appendMoment adds a moment, of which the zero time is one like any other.
func appendMoment(buf []byte, t time.Time) []byte {
	return binary.AppendVarint(binary.AppendVarint(buf, t.Unix()), int64(t.Nanosecond()))
}

// recall returns the subject of an object of a kind that is known, else nil.
func (r *Reader) recall(d *desk, l *layout, found []stix.Mark, issuer string, o *stix.Object, defs map[string]*stix.Object) *Subject {
	if !r.keyOf(d, l, found, issuer, o, defs) {
		d.key = d.key[:0]
		return nil
	}
	kind, ok := r.memory.kinds.get(d.key)
	if !ok {
		return nil
	}
	s := *kind
	s.issuer, s.object = issuer, o
	if s.problem != nil {
		s.problem = federation.Refuse(s.problem.Reason, o.ID(), s.problem.Detail)
	}
	return &s
}

// keep remembers the kind of a subject under the desk's key. What was not
// understood is worded for the one object, but for the want of a marking.
func (r *Reader) keep(d *desk, s *Subject) {
	if len(d.key) == 0 || s.problem != nil && s.problem.Reason != federation.Unmarked {
		return
	}
	kind := *s
	kind.object = nil
	r.memory.kinds.put(d.key, &kind)
}

// memo is a bounded map from texts, for many readers. It keeps two generations:
// when the young one is full it becomes the old one, and what was the old one
// goes. An entry in use is found again in the old generation and moved up.
type memo[V any] struct {
	limit      int // entries of one generation
	mu         sync.RWMutex
	young, old map[string]V
}

// newMemo returns a map that holds at most size entries.
func newMemo[V any](size int) *memo[V] { return &memo[V]{limit: max(1, size/2)} }

// get returns the entry of a text.
func (m *memo[V]) get(text []byte) (V, bool) {
	m.mu.RLock()
	v, ok := m.young[string(text)]
	old := false
	if !ok {
		v, old = m.old[string(text)]
	}
	m.mu.RUnlock()
	if old {
		m.put(text, v)
	}
	return v, ok || old
}

// put stores an entry.
func (m *memo[V]) put(text []byte, v V) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.young) >= m.limit {
		m.young, m.old = nil, m.young
	}
	if m.young == nil {
		m.young = make(map[string]V, 16)
	}
	m.young[string(text)] = v
}
