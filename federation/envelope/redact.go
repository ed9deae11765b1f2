package envelope

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/policy"
	"github.com/go-json-experiment/json/jsontext"
)

// ErrNothing says that nothing of a message may go: nothing is sent, and the
// link's sequence number is not used.
var ErrNothing = errors.New("envelope: nothing of the message may go")

// Cleared is a message reduced to what may go to one peer. Only [Redact] and
// [Cleared.For] make one; it is immutable, and the zero value is refused by
// [SignFrame].
type Cleared struct {
	*variant

	peer   string         // "" for a message that only takes back
	common *policy.Common // nil: it goes to this peer alone
	said   *said          // by whom it is sent on, the same to all
	bundle [32]byte
	until  time.Time // zero: the decisions stand for good
	marks  []Mapped
}

// variant is what all peers of an audience share.
type variant struct {
	v        *Verified
	plan     []removal // what the decisions asked for
	out      []Out     // what is taken out, ascending
	sd       []byte    // line 1
	sdHash   [32]byte
	removed  []bool // by index into the disclosures of v; nil when nothing is
	items    []Item
	withheld []Withheld
	once     sync.Once
	head     []byte // the text without our hop, see text
}

// removal is a disclosure to be taken out, and for which class of reason.
type removal struct {
	disc  int
	class string
}

// Withheld is an object that was taken out whole, although its decision let it
// go in part: what would have been left is not a valid object.
type Withheld struct {
	Digest [32]byte
	ID     string
	Err    error // a *federation.Refusal that says why
}

// Redact leaves out of v what the decisions deny. There is exactly one valid
// decision for each item, in any order, all for the same peer and of the same
// policy bundle; anything else is an error with reason PolicyError. The result
// for one peer serves all peers of its audience through [Cleared.For]. A message
// that only takes objects back needs no decision and is cleared for everyone.
// [ErrNothing] says that nothing may go; a refusal with reason TooLarge that the
// message has no room for another hop, so that it cannot go any further.
func Redact(v *Verified, ds []policy.Decision) (*Cleared, error) {
	c := &Cleared{variant: &variant{v: v}, said: &said{}}
	if err := c.bind(ds); err != nil {
		return nil, err
	}
	os, err := demands(ds)
	if err != nil {
		return nil, err
	}
	if c.plan, err = v.m.plan(os); err != nil {
		return nil, err
	}
	if err := c.apply(); err != nil {
		return nil, err
	}
	c.mark(ds)
	c.common = policy.CommonOf(ds)
	return c, c.room()
}

// For returns the same variant for another peer of the same audience: one whose
// decisions take out exactly the same, for the same classes of reason. It fails
// when they do not; such a peer needs its own [Redact].
func (c *Cleared) For(ds []policy.Decision) (*Cleared, error) {
	if !c.valid() {
		return nil, federation.Refuse(federation.PolicyError, "redact", "not a cleared message")
	}
	other := &Cleared{variant: c.variant, said: &said{}}
	if err := other.bind(ds); err != nil {
		return nil, err
	}
	os, err := demands(ds)
	if err != nil {
		return nil, err
	}
	plan, err := c.v.m.plan(os)
	if err != nil {
		return nil, err
	}
	if !slices.Equal(plan, c.plan) {
		return nil, federation.Refuse(federation.PolicyError, "message "+c.v.ID(), "the decisions for "+other.peer+" take out something else")
	}
	other.mark(ds)
	return other, other.room()
}

// valid reports whether c was made by this package.
func (c *Cleared) valid() bool { return c != nil && c.variant != nil && c.v.valid() }

// Peer returns the participant it is cleared for, "" if for everyone.
func (c *Cleared) Peer() string { return c.peer }

// Items returns the objects as the peer will see them.
func (c *Cleared) Items() []Item {
	if !c.valid() {
		return nil
	}
	return c.items
}

// Withheld returns the objects that were taken out whole because what would have
// been left of them is not valid.
func (c *Cleared) Withheld() []Withheld {
	if !c.valid() {
		return nil
	}
	return c.withheld
}

// bind checks that the decisions are made for exactly these items and one peer.
func (c *Cleared) bind(ds []policy.Decision) error {
	v := c.v
	if !v.valid() {
		return federation.Refuse(federation.PolicyError, "redact", "not a verified message")
	}
	refuse := func(format string, args ...any) error {
		return federation.Refuse(federation.PolicyError, "message "+v.ID(), fmt.Sprintf(format, args...))
	}
	if len(ds) != len(v.items) {
		return refuse("%d decisions for %d objects", len(ds), len(v.items))
	}
	for i, d := range ds {
		switch {
		case !d.Valid():
			return refuse("decision %d was not made by a policy bundle", i)
		case d.Peer() == "":
			return refuse("decision %d is for nobody", i)
		case d.Peer() != ds[0].Peer():
			return refuse("decisions for %s and for %s", ds[0].Peer(), d.Peer())
		case d.Bundle() != ds[0].Bundle():
			return refuse("decisions of two policy bundles")
		}
		if until := d.Until(); !until.IsZero() && (c.until.IsZero() || until.Before(c.until)) {
			c.until = until
		}
		c.peer, c.bundle = d.Peer(), d.Bundle()
	}
	return nil
}

// demand is what a decision asks to be done to one object.
type demand struct {
	digest [32]byte
	whole  bool   // take it out,
	class  string // for this class of reason
	parts  []part // else take out these
}

// part is one property to take out.
type part struct{ path, class string }

// demands reads what the decisions ask for.
func demands(ds []policy.Decision) ([]demand, error) {
	out := make([]demand, len(ds))
	for i := range ds {
		d, o := &ds[i], &out[i]
		o.digest = d.Digest()
		switch d.Verdict() {
		case federation.Share:
			continue
		case federation.Redact:
			for _, r := range d.Removed() {
				o.parts = append(o.parts, part{r.Path, wireClass(r.Class)})
			}
			if len(o.parts) == 0 {
				return nil, federation.Refuse(federation.PolicyError, "digest "+digestString(o.digest),
					"to be redacted, and no property is named")
			}
		default: // withhold, hold, and whatever else there may be
			o.whole, o.class = true, ClassPolicy
			if rs := d.Reasons(); len(rs) > 0 {
				o.class = wireClass(rs[0].Class)
			}
		}
	}
	return out, nil
}

// plan lists the disclosures that go, in the order of their digests. There is
// one demand for each item.
func (m *message) plan(ds []demand) ([]removal, error) {
	var out []removal
	done := make([]bool, len(m.items))
	for i, o := range ds {
		at := i
		if m.items[at].digest != o.digest {
			at = slices.IndexFunc(m.items, func(s span) bool { return s.digest == o.digest })
		}
		if at < 0 || done[at] {
			return nil, federation.Refuse(federation.PolicyError, "message "+m.id,
				"a decision is for no object of the message, or the second for one: "+digestString(o.digest))
		}
		done[at] = true
		out = m.planItem(out, o, m.items[at])
	}
	slices.SortFunc(out, func(a, b removal) int { return a.disc - b.disc })
	return out, nil
}

// planItem adds what goes of one object.
func (m *message) planItem(out []removal, o demand, s span) []removal {
	own, start := int(m.order[s.from]), len(out)
	if o.whole {
		return append(out, removal{own, o.class})
	}
	for _, p := range o.parts {
		at := m.covering(s, p.path)
		if at < 0 {
			// It stands in the open and cannot be taken out: the object goes.
			return append(out[:start], removal{own, p.class})
		}
		if !slices.ContainsFunc(out[start:], func(x removal) bool { return x.disc == at }) {
			out = append(out, removal{at, p.class})
		}
	}
	return out
}

// wireClass returns a class as it may stand on the wire.
func wireClass(class string) string {
	if class == ClassPrivacy || class == ClassOrigin {
		return class
	}
	return ClassPolicy
}

// covering returns the innermost disclosure of an object that holds the part at
// a path, or -1.
func (m *message) covering(s span, path string) int {
	found := -1
	for _, at := range m.order[s.from+1 : s.to] {
		if m.discs[at].covers(path, m.name(int(at))) {
			found = int(at) // parents come first
		}
	}
	return found
}

// covers reports whether the part at a path is what d, whose property has a name,
// holds, or in it.
func (d *disclosure) covers(path string, name []byte) bool {
	switch d.place {
	case inExtensions, inNote:
		prefix := d.place.container()
		if len(path) <= len(prefix) || path[:len(prefix)] != prefix || path[len(prefix)] != '.' {
			return false
		}
		path = path[len(prefix)+1:]
	case inHandling, inRefs:
		own := d.place.path(name, int(d.index))
		return len(path) >= len(own) && path[:len(own)] == own && (len(path) == len(own) || path[len(own)] == '.')
	}
	n := len(name)
	return len(path) >= n && path[:n] == string(name) && (len(path) == n || path[n] == '.')
}

// apply makes the variant that the plan asks for.
func (c *Cleared) apply() error {
	m := c.v.m
	for _, d := range m.dropped {
		c.out = append(c.out, Out{Digest: d, Class: ClassPolicy})
	}
	if len(c.plan) == 0 {
		c.sd, c.sdHash, c.items = m.sd, m.sdHash, c.v.items
		c.decoyed(nil)
		slices.SortFunc(c.out, compareOut)
		return c.something()
	}
	r := &reduction{m: m, removed: make([]bool, len(m.discs)), class: make(map[int]string, len(c.plan))}
	for _, p := range c.plan {
		r.removed[p.disc], r.class[p.disc] = true, p.class
	}
	b := &builder{m: m, removed: r.removed, scratch: newScratch()}
	defer b.release()
	for i, s := range m.items {
		c.item(r, b, i, s)
	}
	c.removed = r.removed
	c.out = append(c.out, r.out()...)
	c.decoyed(r.removed)
	slices.SortFunc(c.out, compareOut)
	c.sd = r.text()
	c.sdHash = sha256.Sum256(c.sd)
	return c.something()
}

// something returns ErrNothing when there is nothing to send.
func (c *Cleared) something() error {
	if len(c.items) == 0 && len(c.v.Gone()) == 0 {
		return ErrNothing
	}
	return nil
}

// item reduces one object and keeps what is left of it. If that is no valid
// object, nothing of it is kept.
func (c *Cleared) item(r *reduction, b *builder, i int, s span) {
	first := r.reduce(s)
	own := int(r.m.order[s.from])
	switch {
	case r.removed[own]:
		return
	case first < 0:
		c.items = append(c.items, c.v.items[i])
		return
	}
	o, err := b.object(own, i)
	if err != nil {
		r.takeWhole(s, r.class[first])
		id := c.v.items[i].Object.ID()
		c.withheld = append(c.withheld, Withheld{Digest: s.digest, ID: id, Err: &federation.Refusal{
			Reason: federation.PolicyError, Where: id, Detail: "what the decision leaves of it is no valid object", Err: err}})
		return
	}
	c.items = append(c.items, Item{Digest: s.digest, Object: o})
}

// room checks that our hop will fit, so that signing a frame does not fail for
// one message in it.
func (c *Cleared) room() error {
	m := c.v.m
	record := 1024 + 64*len(c.out)
	for _, x := range c.marks {
		if len(x.From) > maxText || len(x.To) > maxText {
			return federation.Refuse(federation.TooLarge, "message "+m.id, fmt.Sprintf("a marking over %d bytes", maxText))
		}
		quoted, err := jsontext.AppendQuote(nil, x.From)
		if err == nil {
			quoted, err = jsontext.AppendQuote(quoted, x.To)
		}
		if err != nil {
			return &federation.Refusal{Reason: federation.PolicyError, Where: "message " + m.id, Detail: "a marking that is no text", Err: err}
		}
		record += 64 + len(quoted)
	}
	size := record*4/3 + 32*16*4/3 + maxRoot
	for _, h := range m.hops {
		size += len(h.line) + 1
	}
	if len(m.hops) >= MaxHops || size > MaxHopBytes {
		return federation.Refuse(federation.TooLarge, "message "+m.id,
			fmt.Sprintf("it has %d hops, and one more does not fit", len(m.hops)))
	}
	return nil
}

// mark collects what the decisions say on markings of what goes.
func (c *Cleared) mark(ds []policy.Decision) {
	for i := range ds {
		from, to := ds[i].From(), ds[i].To()
		if from == to || to == "" {
			continue
		}
		digest := ds[i].Digest()
		if slices.ContainsFunc(c.items, func(it Item) bool { return it.Digest == digest }) {
			c.marks = append(c.marks, Mapped{Object: digest, From: from, To: to})
		}
	}
	slices.SortFunc(c.marks, func(a, b Mapped) int { return compareDigests(a.Object, b.Object) })
}

func compareOut(a, b Out) int { return compareDigests(a.Digest, b.Digest) }
