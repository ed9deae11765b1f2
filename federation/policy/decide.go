package policy

import (
	"crypto/sha256"
	"slices"
	"time"

	"github.com/cedar-policy/cedar-go/types"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/mapping"
)

// question is what is asked about a whole object: which requests make it up.
type question uint8

const (
	toSend question = iota
	toStore
	toTransit
	toTranslate
)

// outcomeKey holds, hashed, every input of a decision but the bundle, which
// owns the cache, and the time, which the outcome's span bounds.
type outcomeKey struct {
	subject, peer [32]byte
	ask           question
	direct        bool
	without       string
}

// answerKey is the same for one request to the engine.
type answerKey struct {
	item, peer [32]byte
	action     types.EntityUID
	direct     bool
	without    string
}

// Decide says what of s may go to a peer at a time: share (and reshare, when
// the node is not the issuer), then disclose per property. Close the decisions
// of one message with [Relate].
func (b *Bundle) Decide(s *Subject, to *Recipient, now time.Time) Decision {
	d := b.decide(toSend, s, to, now)
	if len(to.exceptions) > 0 {
		d = b.except(d, s, to, now)
	}
	return d
}

// DecideStore says whether a node may keep s, at intake and at import: Share
// means yes.
func (b *Bundle) DecideStore(s *Subject, at *Node, now time.Time) Decision {
	return b.decide(toStore, s, b.siteOf(at), now)
}

// DecideTransit says whether s may pass through a node that does not keep it.
func (b *Bundle) DecideTransit(s *Subject, through *Node, now time.Time) Decision {
	return b.decide(toTransit, s, b.siteOf(through), now)
}

// DecideTranslate says which texts of s may go to a translation service under
// an agreement; the others are listed as removed.
func (b *Bundle) DecideTranslate(s *Subject, service *Recipient, now time.Time) Decision {
	return b.decide(toTranslate, s, service, now)
}

// decide answers from the cache while the cached outcome holds.
func (b *Bundle) decide(q question, s *Subject, to *Recipient, now time.Time) Decision {
	return b.decideWithout(q, s, to, now, "")
}

// decideWithout leaves rules out of the question: their ids, sorted and
// separated by blanks.
func (b *Bundle) decideWithout(q question, s *Subject, to *Recipient, now time.Time, without string) Decision {
	key := outcomeKey{s.key, to.key, q, s.direct(), without}
	o, ok := b.outcomes.get(key)
	if !ok || !o.span.holds(now) {
		o = b.work(q, s, to, now, without)
		b.outcomes.put(key, o)
	}
	d := Decision{subject: s, peer: to.agreement.Peer, to: to, outcome: o, verdict: o.verdict}
	if o.verdict == federation.Redact {
		d.settle(q == toTranslate)
	}
	if s.follows && q == toSend && d.goes() {
		d.waits()
	}
	return d
}

// work asks the engine.
func (b *Bundle) work(q question, s *Subject, to *Recipient, now time.Time, without string) *outcome {
	v := b.view(to, now)
	w := &worker{b: b, s: s, v: v, now: now, without: without, out: &outcome{bundle: b.digest, from: written(s.handling), standing: v.facts.agreement, names: b.names}}
	w.out.span = v.span
	w.items = make([]*itemFacts, len(s.own))
	whole := w.item(0)
	w.out.to = whole.to
	if s.follows {
		w.out.to = w.out.from // it has no marking that could be called otherwise
	}
	switch q {
	case toStore:
		w.object(actionStore)
	case toTransit:
		w.object(actionTransit)
	case toTranslate:
		w.properties(actionTranslate)
	default:
		w.object(actionShare)
		if w.out.verdict == federation.Share && whole.hop != "origin" {
			w.object(actionReshare)
		}
		if w.out.verdict == federation.Share {
			w.properties(actionDisclose)
		}
	}
	w.b.byOrder(w.out.reasons)
	w.levels()
	return w.out
}

// levels keeps what was asked of the equivalence tables: for the object, and for
// properties that have levels of their own.
func (w *worker) levels() {
	for _, f := range w.items {
		if f == nil {
			continue
		}
		for _, l := range f.levels {
			if !slices.ContainsFunc(w.out.levels, func(o mapping.Outcome) bool { return o.From == l.From }) {
				w.out.levels = append(w.out.levels, l)
			}
		}
	}
}

// worker builds one outcome.
type worker struct {
	attrs   types.RecordMap // see record
	attrsOf int

	b       *Bundle
	s       *Subject
	v       *peerView
	now     time.Time
	without string       // rules left out
	items   []*itemFacts // of each of the subject's handlings, nil until needed
	out     *outcome
}

// item returns the facts of one of the subject's handlings.
func (w *worker) item(own int) *itemFacts {
	if w.items[own] == nil {
		w.items[own] = w.b.item(w.s, w.s.own[own].handling, w.v, w.now)
	}
	return w.items[own]
}

// object asks about the whole object.
func (w *worker) object(action types.EntityUID) {
	a := w.answer(action, 0, w.item(0))
	if a.allow {
		w.out.verdict = federation.Share
		w.out.allowed = cite(w.out.allowed, a.cited...)
		return
	}
	w.out.verdict = verdictOf(a.cited)
	w.out.reasons = cite(w.out.reasons, a.cited...)
}

// properties asks about each class of units. A denied class is removed; where
// it cannot be, the object goes with it.
func (w *worker) properties(action types.EntityUID) {
	w.out.verdict = federation.Share
	w.out.denied = make([][]Cited, len(w.s.classes))
	for i := range w.s.classes {
		c := &w.s.classes[i]
		cited := w.class(action, c)
		if len(cited) == 0 {
			continue
		}
		w.out.reasons = cite(w.out.reasons, cited...)
		w.out.denied[i] = cited
		switch {
		case action == actionTranslate || !c.pinned && !c.derives:
			w.out.verdict = stricter(w.out.verdict, federation.Redact)
		default:
			w.out.verdict = stricter(w.out.verdict, verdictOf(cited))
		}
	}
	if failed(w.out.reasons) {
		w.out.verdict = federation.Hold // whatever else denies: somebody must look at the rule
	}
}

// class asks about every category found in a class; all must be allowed.
func (w *worker) class(action types.EntityUID, c *unitClass) []Cited {
	var denied []Cited
	if c.sealed != "" && !w.v.to.holds(c.sealed) {
		denied = cite(denied, sealedCited())
	}
	within := w.item(c.own).within(w.s, c, w.v, w.now)
	for category, unsure := range c.found.each {
		a := w.answer(action, c.own, within.of(category, unsure))
		if a.allow {
			w.out.allowed = cite(w.out.allowed, a.cited...)
			continue
		}
		denied = cite(denied, a.cited...)
	}
	w.b.byOrder(denied)
	return denied
}

// record returns facts as attributes that are good until the next call: the
// facts that properties of one handling share are written once.
func (w *worker) record(own int, f *itemFacts) types.RecordMap {
	if w.attrs == nil || w.attrsOf != own {
		w.attrs, w.attrsOf = f.common(), own
	}
	f.own(w.attrs)
	return w.attrs
}

// answer asks the engine, or its cache.
func (w *worker) answer(action types.EntityUID, own int, f *itemFacts) *answer {
	buf := make([]byte, 0, 512)
	buf = append(buf, w.s.base...)
	buf = f.key(buf)
	buf = append(buf, w.s.own[own].key...)
	key := answerKey{item: sha256.Sum256(buf), peer: w.v.to.key, action: action, direct: w.s.direct(), without: w.without}
	a, ok := w.b.answers.get(key)
	if !ok || !a.span.holds(w.now) {
		a = w.b.askOf(action, w.v, f, w.record(own, f), w.now, w.without)
		w.b.answers.put(key, a)
	}
	// The answer may have been found for another object with the same facts,
	// which keep for another time here.
	w.out.span = w.out.span.meet(a.span).meet(f.span)
	return a
}

// verdictOf turns denials into a verdict. A failed rule always waits for a
// person; else one denial that no person can lift here withholds.
func verdictOf(cited []Cited) federation.Verdict {
	if failed(cited) {
		return federation.Hold
	}
	for _, c := range cited {
		if !c.Hold {
			return federation.Withhold
		}
	}
	return federation.Hold
}

// failed reports whether a rule could not be evaluated.
func failed(cited []Cited) bool {
	return slices.ContainsFunc(cited, func(c Cited) bool { return c.Reason == federation.PolicyError && c.Hold })
}

// stricter returns the verdict that lets less out, now and after a person has
// looked.
func stricter(a, b federation.Verdict) federation.Verdict {
	order := []federation.Verdict{federation.Share, federation.Redact, federation.Hold, federation.Withhold}
	if slices.Index(order, b) > slices.Index(order, a) {
		return b
	}
	return a
}

// cite appends citations that are not there yet.
func cite(list []Cited, more ...Cited) []Cited {
	for _, c := range more {
		if !slices.Contains(list, c) {
			list = append(list, c)
		}
	}
	return list
}
