package store

import (
	"cmp"
	"slices"
	"time"

	"github.com/entente-relay/entente/federation"
)

// model answers what a store must answer, computed afresh from the two streams
// in the plainest way.
type model struct {
	objects []Stored
	seen    map[modelKey]bool
	routes  map[modelKey][]Route
	gone    map[modelKey]Withdrawal
	intake  []modelHeld
	pulls   map[string]Pull
	in      map[string]*In

	frames  []*modelFrame
	resends map[uint64][]uint64 // earlier entry to later ones
	out     map[string]*Out
}

type modelKey struct {
	issuer string
	digest [32]byte
}

type modelHeld struct {
	HeldObject
	ref uint64
	n   int
}

type modelFrame struct {
	Sent
	seq      uint64
	at       time.Time
	replaced bool
	held     []modelHeld
	messages []*modelMessage
}

type modelMessage struct {
	SentMessage
	receipt  *ReceiptOutcome
	ackedAt  time.Time
	replaced bool
	counted  bool // the receipt came before it was replaced
}

func newModel(log []Entry, journal []Event) *model {
	m := &model{
		seen: make(map[modelKey]bool), routes: make(map[modelKey][]Route), gone: make(map[modelKey]Withdrawal), pulls: make(map[string]Pull),
		in: make(map[string]*In), out: make(map[string]*Out), resends: make(map[uint64][]uint64),
	}
	for i := range log {
		m.apply(&log[i])
	}
	for i := range journal {
		m.record(&journal[i])
	}
	for i := range m.objects {
		o := &m.objects[i]
		if w, ok := m.gone[modelKey{o.Issuer, o.Digest}]; ok {
			o.Withdrawal = &w
		}
	}
	return m
}

func (m *model) apply(e *Entry) {
	m.pulls[e.Source] = Pull{Source: e.Source, LogSeq: e.Seq, LinkSeq: e.LinkSeq, Cursor: e.Cursor, At: e.At}
	if e.Settles != 0 {
		m.settle(func(h modelHeld) bool { return h.ref == e.Settles })
	}
	if e.Resends != 0 {
		m.resends[e.Resends] = append(m.resends[e.Resends], e.Seq)
	}
	in := inOf(m.in, e.Source)
	for i := range e.Objects {
		o := &e.Objects[i]
		if o.Settles != 0 {
			once := false
			m.settle(func(h modelHeld) bool {
				if once || h.ref != o.Settles || h.Issuer != o.Issuer || h.Digest != o.Digest {
					return false
				}
				once = true
				return true
			})
		}
		in.Received++
		switch k := (modelKey{o.Issuer, o.Digest}); {
		case o.Outcome == Taken && m.seen[k] && o.Variant:
			in.Taken++
			in.Variants++
			m.better(k, e, o.Shown)
			m.routes[k] = append(m.routes[k], Route{e.Seq, o.Shown})
		case o.Outcome == Duplicate || o.Outcome == Taken && m.seen[k]:
			in.Duplicate++
		case o.Outcome == Taken:
			in.Taken++
			m.seen[k] = true
			m.routes[k] = []Route{{e.Seq, o.Shown}}
			m.objects = append(m.objects, Stored{Issuer: o.Issuer, Digest: o.Digest, ID: o.ID, Version: o.Version, Type: o.Type, LogSeq: e.Seq,
				Source: e.Source, At: e.At, JTI: e.JTI, Expires: o.Expires, Revoked: o.Revoked, Marking: o.Marking, Verdict: o.Verdict})
		case o.Outcome == Held:
			in.Held++
			in.HeldFor[o.Reason]++
			m.intake = append(m.intake, modelHeld{HeldObject{Source: e.Source, LogSeq: e.Seq, Issuer: o.Issuer, Digest: o.Digest, ID: o.ID,
				Reason: o.Reason, Rule: o.Rule, Basis: o.Basis, Since: e.At}, e.Seq, i})
		case o.Outcome == Refused:
			in.Refused++
			in.RefusedFor[o.Reason]++
		}
	}
	for _, g := range e.Gone {
		m.withdraw(e, g)
	}
}

// better lets the object stand for a message that shows more than all before.
func (m *model) better(k modelKey, e *Entry, shown Shown) {
	for _, r := range m.routes[k] {
		if r.Parts >= shown.Parts {
			return
		}
	}
	i := slices.IndexFunc(m.objects, func(o Stored) bool { return o.Issuer == k.issuer && o.Digest == k.digest })
	o := &m.objects[i]
	o.LogSeq, o.Source, o.JTI = e.Seq, e.Source, e.JTI
}

func (m *model) withdraw(e *Entry, g Gone) {
	k := modelKey{g.Issuer, g.Digest}
	if have, ok := m.gone[k]; ok && slices.Index(goneReasons, have.Reason) >= slices.Index(goneReasons, g.Reason) {
		return
	}
	w := Withdrawal{g.Issuer, g.Digest, g.Reason, g.By, e.Seq, e.At}
	if w.By == "" {
		w.By = g.Issuer
	}
	m.gone[k] = w
	m.in[e.Source].Withdrawn++
	m.settle(func(h modelHeld) bool {
		if h.Issuer != g.Issuer || h.Digest != g.Digest {
			return false
		}
		in := m.in[h.Source]
		in.Received++
		in.Refused++
		in.RefusedFor[federation.Withdrawn]++
		return true
	})
}

var goneReasons = []string{"superseded", "withdrawn", "spill"}

func (m *model) settle(which func(modelHeld) bool) {
	m.intake = slices.DeleteFunc(m.intake, func(h modelHeld) bool {
		if !which(h) {
			return false
		}
		in := m.in[h.Source]
		in.Received--
		in.Held--
		if in.HeldFor[h.Reason]--; in.HeldFor[h.Reason] == 0 {
			delete(in.HeldFor, h.Reason)
		}
		return true
	})
}

func (m *model) record(e *Event) {
	for _, x := range e.Settled {
		for _, f := range m.frames {
			f.held = slices.DeleteFunc(f.held, func(h modelHeld) bool {
				return f.Peer == x.Peer && h.LogSeq == x.LogSeq && h.Digest == x.Digest
			})
		}
	}
	if f := e.Sent; f != nil {
		m.replace(f.Peer, f.LogFrom)
		mf := &modelFrame{Sent: *f, seq: e.Seq, at: e.At}
		for i, h := range f.Held {
			if _, withdrawn := m.gone[modelKey{h.Issuer, h.Digest}]; withdrawn {
				continue
			}
			since := e.At
			for _, old := range append(m.frames[:len(m.frames):len(m.frames)], mf) {
				old.held = slices.DeleteFunc(old.held, func(x modelHeld) bool {
					same := x.Peer == f.Peer && x.LogSeq == h.LogSeq && x.Digest == h.Digest
					if same && x.Since.Before(since) {
						since = x.Since
					}
					return same
				})
			}
			mf.held = append(mf.held, modelHeld{HeldObject{Peer: f.Peer, LogSeq: h.LogSeq, Issuer: h.Issuer, Digest: h.Digest, ID: h.ID,
				Reason: h.Reason, Rule: h.Rule, Basis: h.Basis, Since: since}, e.Seq, i})
		}
		o := outOf(m.out, f.Peer)
		for _, sm := range f.Messages {
			mf.messages = append(mf.messages, &modelMessage{SentMessage: sm})
			o.LinkSeq = sm.LinkSeq
		}
		o.LogSeq = f.LogTo
		m.frames = append(m.frames, mf)
	}
	if r := e.Receipt; r != nil {
		outOf(m.out, r.Peer)
		for i := range r.Outcomes {
			m.acknowledge(e.At, r, &r.Outcomes[i])
		}
	}
}

func (m *model) replace(peer string, from uint64) {
	for _, f := range m.frames {
		if f.Peer != peer || f.LogTo <= from {
			continue
		}
		some := false
		for _, sm := range f.messages {
			if sm.receipt == nil {
				sm.replaced = true
			}
			some = some || sm.counted
		}
		if !some {
			f.replaced = true
			f.held = nil
		}
	}
}

func (m *model) acknowledge(at time.Time, r *Receipt, o *ReceiptOutcome) {
	for _, f := range m.frames {
		if f.Peer != r.Peer || f.Root != r.Root {
			continue
		}
		for _, sm := range f.messages {
			if sm.LinkSeq != o.LinkSeq || sm.receipt != nil {
				continue
			}
			sm.receipt, sm.ackedAt = o, at
			if !sm.replaced {
				sm.counted = true
				x := m.out[r.Peer]
				x.AckedSeq = max(x.AckedSeq, o.LinkSeq)
			}
		}
	}
}

// counts adds up what is in the frames now.
func (m *model) counts(applied, journaled uint64) Counts {
	for _, f := range m.frames {
		o := m.out[f.Peer]
		for reason, n := range f.Withheld {
			if !f.replaced && n > 0 {
				o.Withheld += uint64(n)
				o.Judged += uint64(n)
				o.WithheldFor[reason] += uint64(n)
			}
		}
		for _, h := range f.held {
			o.Held++
			o.Judged++
			o.HeldFor[h.Reason]++
		}
		for _, sm := range f.messages {
			m.countMessage(o, sm)
		}
	}
	c := Counts{Log: applied, Journal: journaled}
	for _, in := range m.in {
		if in.Received+in.Withdrawn > 0 {
			c.In = append(c.In, *in)
		}
	}
	for _, o := range m.out {
		c.Out = append(c.Out, *o)
	}
	slices.SortFunc(c.In, func(a, b In) int { return cmp.Compare(a.Source, b.Source) })
	slices.SortFunc(c.Out, func(a, b Out) int { return cmp.Compare(a.Peer, b.Peer) })
	return c
}

func (m *model) countMessage(o *Out, sm *modelMessage) {
	n, gone := uint64(len(sm.Objects)), uint64(len(sm.Gone))
	if sm.replaced {
		o.Replaced += n
		return
	}
	o.Withdrawals.Sent += gone
	switch r := sm.receipt; {
	case r == nil:
		o.Withdrawals.InFlight += gone
	case min(r.Stored, r.Duplicate, r.Held, r.Refused) >= 0 && uint64(r.Stored+r.Duplicate+r.Held+r.Refused) == gone:
		o.Withdrawals.Acknowledged += uint64(r.Stored + r.Duplicate)
		o.Withdrawals.NotTaken += uint64(r.Held + r.Refused)
	default:
		o.Withdrawals.NotTaken += gone
	}
	o.Sent += n
	o.Judged += n
	for _, x := range sm.Objects {
		if x.Verdict == federation.Redact {
			o.Redacted++
		}
	}
	r := sm.receipt
	switch {
	case r == nil:
		o.InFlight += n
	case min(r.Stored, r.Duplicate, r.Held, r.Refused) < 0 || uint64(r.Stored+r.Duplicate+r.Held+r.Refused) != n:
		o.Acknowledged += n
		o.Disputed += n
	default:
		o.Acknowledged += n
		o.Stored += uint64(r.Stored)
		o.Duplicate += uint64(r.Duplicate)
		o.HeldThere += uint64(r.Held)
		o.Refused += uint64(r.Refused)
	}
}

func (m *model) held() []HeldObject {
	all := slices.Clone(m.intake)
	for _, f := range m.frames {
		all = append(all, f.held...)
	}
	slices.SortFunc(all, func(a, b modelHeld) int {
		return cmp.Or(cmp.Compare(a.LogSeq, b.LogSeq), cmp.Compare(a.Peer, b.Peer), cmp.Compare(a.ref, b.ref), cmp.Compare(a.n, b.n))
	})
	var out []HeldObject
	for _, h := range all {
		out = append(out, h.HeldObject)
	}
	return out
}

func (m *model) version(issuer, id string) (best Stored, ok bool) {
	for _, o := range m.objects {
		if o.Issuer == issuer && o.ID == id && (!ok || newer(o.Version, best.Version)) {
			best, ok = o, true
		}
	}
	return best, ok
}

func (m *model) recipients(issuer string, digest [32]byte) []Recipient {
	seqs := make(map[uint64]bool)
	for _, way := range m.routes[modelKey{issuer, digest}] {
		seqs[way.LogSeq] = true
		for _, s := range m.resends[way.LogSeq] {
			seqs[s] = true
		}
	}
	var out []Recipient
	for _, f := range m.frames {
		for _, sm := range f.messages {
			carried := sm.Objects
			for _, d := range sm.Gone {
				carried = append(carried, SentObject{d, federation.Share})
			}
			i := slices.IndexFunc(carried, func(o SentObject) bool { return o.Digest == digest })
			if !seqs[sm.LogSeq] || i < 0 {
				continue
			}
			r := Recipient{Peer: f.Peer, LogSeq: sm.LogSeq, LinkSeq: sm.LinkSeq, Root: f.Root, Verdict: carried[i].Verdict, At: f.at, Replaced: sm.replaced}
			if o := sm.receipt; o != nil {
				r.Acknowledged, r.AcknowledgedAt = true, sm.ackedAt
				r.Stored, r.Duplicate, r.Held, r.Refused, r.Reason = o.Stored, o.Duplicate, o.Held, o.Refused, o.Reason
			}
			out = append(out, r)
		}
	}
	return out
}

// places is where the newest version of an object is: of issuer's, else of all
// others'.
func (m *model) places(issuer, id string) []Place {
	var out []Place
	for _, by := range issuers {
		if o, ok := m.version(by, id); ok {
			p := Place{Issuer: o.Issuer, Digest: o.Digest}
			if by == issuer {
				return []Place{p}
			}
			out = append(out, p)
		}
	}
	return out
}

// holds reports whether any of the entries holds something with an id. What
// settles it counts only when it is applied: until then the id waits.
func holds(entries []Entry, id string) bool {
	return slices.ContainsFunc(entries, func(e Entry) bool {
		return slices.ContainsFunc(e.Objects, func(o Object) bool { return o.Outcome == Held && o.ID == id })
	})
}

// refuses reports whether any of the entries refuses something with a mark.
func refuses(entries []Entry, mark [16]byte) bool {
	return slices.ContainsFunc(entries, func(e Entry) bool {
		return slices.ContainsFunc(e.Objects, func(o Object) bool { return o.Outcome == Refused && o.Mark == mark })
	})
}

// waits reports whether anything with an id waits at the way in.
func (m *model) waits(id string) bool {
	return slices.ContainsFunc(m.intake, func(h modelHeld) bool { return h.ID == id })
}
