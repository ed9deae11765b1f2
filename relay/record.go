package relay

import (
	"context"
	"fmt"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/link"
	"github.com/entente-relay/entente/federation/policy"
	"github.com/entente-relay/entente/mapping"
	"github.com/entente-relay/entente/relay/bus"
	"github.com/entente-relay/entente/relay/journal"
	"github.com/entente-relay/entente/relay/store"
)

// journalSubject is the one subject of the journal's stream.
const journalSubject = "record"

// journalLog lets the journal write to a stream of the bus.
type journalLog struct {
	stream *bus.Stream
	node   *Node
}

func (n *Node) journalLog() journalLog { return journalLog{n.bus.Journal(), n} }

// Append stores records if the last one has the sequence after.
func (l journalLog) Append(ctx context.Context, after uint64, records [][]byte) (last uint64, err error) {
	out := make([]bus.Record, len(records))
	for i, data := range records {
		out[i] = bus.Record{Subject: journalSubject, Data: data}
	}
	if len(out) > 0 {
		out[0].ExpectLastSubject = &after
	}
	if err := l.node.space(wantsJournal); err != nil {
		return 0, err
	}
	err = l.node.disk(writeJournal, func() error {
		last, err = l.stream.Append(ctx, out)
		return err
	})
	return last, err
}

// Read returns records in order.
func (l journalLog) Read(ctx context.Context, from uint64, limit int) ([]journal.Stored, error) {
	got, err := l.stream.Read(ctx, from, limit, 8<<20)
	if err != nil {
		return nil, err
	}
	out := make([]journal.Stored, len(got))
	for i, st := range got {
		out[i] = journal.Stored{Seq: st.Seq, Data: st.Data}
	}
	return out, nil
}

// Last returns the last record.
func (l journalLog) Last(ctx context.Context) (journal.Stored, bool, error) {
	st, ok, err := l.stream.Last(ctx, journalSubject)
	return journal.Stored{Seq: st.Seq, Data: st.Data}, ok, err
}

// recordFrame writes what was judged for a peer to the journal, before any of
// it leaves: that is what makes the peer a recorded recipient.
func (n *Node) recordFrame(ctx context.Context, d *draft, f *link.Frame, from uint64) error {
	s, err := sentRecord(d, f, from)
	if err != nil {
		return err
	}
	seq, err := n.journal.Append(ctx, &journal.Record{At: d.now, Sent: s})
	if err != nil {
		return fmt.Errorf("the journal did not take the record of a frame, so the frame does not leave: %w", forPeer(err))
	}
	if f.Count() > 0 {
		n.lane(d.peer).sent.add(sentFrameOf(s))
	}
	n.lane(d.peer).recorded = seq
	return nil
}

// sentRecord says what was judged for a peer in a frame.
func sentRecord(d *draft, f *link.Frame, from uint64) (*journal.Sent, error) {
	s := &journal.Sent{Peer: journal.Token(d.peer), Root: journal.Token(f.Root), LogFrom: from, LogTo: d.pos,
		Policy: journal.Token(d.world.Bundle.Digest())}
	if p, ok := d.world.peer(d.peer); ok {
		s.Agreement = journal.Token(p.Agreement.ID)
		for _, use := range p.Agreement.Purposes {
			s.Purpose = append(s.Purpose, journal.Token(use))
		}
	}
	if count := f.Count(); count > 0 {
		s.First, s.Last = f.FirstSeq, f.FirstSeq+uint64(count)-1
	}
	for _, j := range d.verdicts {
		m := journal.SentMessage{Log: j.seq, Issuer: journal.Token(j.issuer)}
		if j.message >= 0 {
			m.Link = f.FirstSeq + uint64(j.message)
		}
		for _, g := range j.gone {
			m.Gone = append(m.Gone, journal.Gone{Digest: journal.Digest(g.Digest), For: journal.Token(g.For)})
		}
		if j.account != nil {
			var err error
			if m, err = j.account.in(s, m); err != nil {
				return nil, err
			}
		}
		s.Messages = append(s.Messages, m)
	}
	return s, nil
}

// forPeer is an error of our journal as a peer may hear it: how full a disk is
// here does not leave. The journal's own lines in the node's log say it.
func forPeer(err error) error {
	if federation.ReasonOf(err) == federation.Quota {
		return federation.Refuse(federation.Quota, "journal", "there is no room to record what is sent")
	}
	return err
}

// sentFrameOf is what a receipt for a recorded frame is held against.
func sentFrameOf(s *journal.Sent) *sentFrame {
	n := int(s.Last - s.First + 1)
	f := &sentFrame{root: string(s.Root), first: s.First, objects: make([]uint16, n), gone: make([]uint16, n), told: make([]bool, n)}
	for _, m := range s.Messages {
		if m.Link == 0 {
			continue
		}
		f.gone[m.Link-s.First] = uint16(len(m.Gone))
		for _, o := range m.Objects {
			if o.Verdict == federation.Share || o.Verdict == federation.Redact {
				f.objects[m.Link-s.First]++
			}
		}
	}
	return f
}

func sentObject(s *policy.Subject, d policy.Decision) journal.SentObject {
	o := journal.SentObject{Digest: s.Digest(), ID: journal.ID(s.Object().ID()), Verdict: d.Verdict(),
		From: journal.Label(d.From()), To: journal.Label(d.To())}
	o.Levels = levelsOf(d)
	for _, c := range d.Reasons() {
		o.Cited = append(o.Cited, journal.Cited{Reason: c.Reason, Rule: journal.Token(c.Rule), Basis: journal.Label(c.Basis)})
	}
	for _, r := range d.Removed() {
		o.Removed = append(o.Removed, journal.Removed{Path: journal.Path(r.Path), Class: journal.Token(r.Class), Reason: r.Reason, Rule: journal.Token(r.Rule)})
	}
	return o
}

// levelsOf is what a decision asked of the equivalence tables, for the record.
func levelsOf(d policy.Decision) []journal.SentLevel {
	var out []journal.SentLevel
	for _, l := range d.Levels() {
		level := journal.SentLevel{From: journal.Label(l.From.Scheme + "/" + l.From.Code), Outcome: journal.Token(l.Kind.String()), Law: journal.Token(l.Law)}
		if l.Kind == mapping.Mapped {
			level.To = journal.Label(l.To.Scheme + "/" + l.To.Code)
		}
		for _, row := range l.Rows {
			level.Rows = append(level.Rows, journal.Label(row))
		}
		out = append(out, level)
	}
	return out
}

// events turns journal records into what the index counts.
func events(records []*journal.Record) []store.Event {
	out, counts := make([]store.Event, len(records)), counted{}
	for i, r := range records {
		out[i] = store.Event{Seq: r.Seq, At: r.At, Sent: counts.event(r.Sent), Receipt: receiptEvent(r.Receipt)}
		if r.Settle != nil {
			out[i].Settled = []store.Settled{{Peer: string(r.Settle.Peer), LogSeq: r.Settle.Log, Digest: r.Settle.Digest}}
		}
		out[i].Names, out[i].About = counts.named(r)
	}
	return out
}

// named lists what a record names and may be asked for by: ids and digests of
// objects, of a receipt the frame; and whom it is about.
func (t counted) named(r *journal.Record) (keys []store.Key, about string) {
	object := func(id journal.ID, d journal.Digest) { keys = appendNames(keys, id, d) }
	switch {
	case r.Intake != nil:
		for i := range r.Intake.Objects {
			object(r.Intake.Objects[i].ID, r.Intake.Objects[i].Digest)
		}
		for _, g := range r.Intake.Gone {
			object("", g.Digest)
		}
		for _, e := range r.Intake.Erased {
			object("", e.Digest)
		}
		return keys, string(r.Intake.Source)
	case r.Sent != nil:
		for i := range r.Sent.Messages {
			m := &r.Sent.Messages[i]
			keys = append(keys, t.of(m).names...)
			for _, g := range m.Gone {
				object("", g.Digest)
			}
		}
		return keys, string(r.Sent.Peer)
	case r.Receipt != nil:
		return []store.Key{store.KeyOf(string(r.Receipt.Root))}, string(r.Receipt.Peer)
	case r.Settle != nil:
		object(r.Settle.ID, r.Settle.Digest)
		return keys, string(r.Settle.Peer)
	}
	return nil, ""
}

// appendNames adds what an object may be asked for by.
func appendNames(keys []store.Key, id journal.ID, d journal.Digest) []store.Key {
	if id != "" {
		keys = append(keys, store.KeyOf(string(id)))
	}
	if d != (journal.Digest{}) {
		keys = append(keys, store.KeyOfDigest(d))
	}
	return keys
}

func (t counted) event(s *journal.Sent) *store.Sent {
	if s == nil {
		return nil
	}
	out := &store.Sent{Peer: string(s.Peer), Root: string(s.Root), LogFrom: s.LogFrom, LogTo: s.LogTo, Withheld: map[federation.Reason]int{}}
	for i := range s.Messages {
		m := &s.Messages[i]
		e := t.of(m)
		sm := store.SentMessage{LogSeq: m.Log, LinkSeq: m.Link, Objects: e.sent}
		for _, g := range m.Gone {
			sm.Gone = append(sm.Gone, g.Digest)
		}
		for _, o := range e.held {
			var first journal.Cited
			if len(o.Cited) > 0 {
				first = o.Cited[0]
			}
			out.Held = append(out.Held, store.HeldOut{LogSeq: m.Log, Issuer: string(m.Issuer), Digest: o.Digest, ID: string(o.ID),
				Reason: first.Reason, Rule: string(first.Rule), Basis: string(first.Basis)})
		}
		for _, reason := range e.withheld {
			out.Withheld[reason]++
		}
		if len(sm.Objects)+len(sm.Gone) > 0 {
			out.Messages = append(out.Messages, sm)
		}
	}
	return out
}

func receiptEvent(r *journal.Receipt) *store.Receipt {
	if r == nil {
		return nil
	}
	out := &store.Receipt{Peer: string(r.Peer), Root: string(r.Root)}
	for _, o := range r.Outcomes {
		out.Outcomes = append(out.Outcomes, store.ReceiptOutcome{LinkSeq: o.Seq, Stored: o.Stored, Duplicate: o.Duplicate, Held: o.Held, Refused: o.Refused, Reason: o.Reason})
	}
	return out
}
