package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/entente-relay/entente/federation"
)

// States of a frame and of a message in it, as kept in the file.
const (
	frameOpen     = 0 // some message of it is in flight, or it had none
	frameReplaced = 1 // what was judged in it does not count any more
	frameClosed   = 2

	inFlight             = 0 // no receipt yet
	acknowledged         = 1
	replaced             = 2 // asked for again before a receipt came
	replacedAcknowledged = 3 // and then a receipt came: counted where it was judged again
)

// Record indexes journal events in one transaction, under the same rules as
// Apply: in journal order, those at or below Journaled are skipped.
func (s *Store) Record(ctx context.Context, events []Event) error {
	if err := checkEvents(events); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	return s.commit(ctx, func(b *batch) error {
		for i := range events {
			e := &events[i]
			if e.Seq <= b.journaled {
				continue
			}
			if err := errors.Join(b.event(e), b.mention(e)); err != nil {
				return fmt.Errorf("journal record %d: %w", e.Seq, err)
			}
			b.journaled = e.Seq
		}
		return nil
	})
}

// checkEvents refuses what cannot be counted.
func checkEvents(events []Event) error {
	last := uint64(0)
	for i := range events {
		e := &events[i]
		if e.Seq <= last {
			return fmt.Errorf("journal record %d comes after %d", e.Seq, last)
		}
		last = e.Seq
		if e.Sent != nil {
			if err := e.Sent.check(); err != nil {
				return fmt.Errorf("journal record %d: %w", e.Seq, err)
			}
		}
		if e.Receipt != nil && e.Receipt.Peer == "" {
			return fmt.Errorf("journal record %d: receipt of nobody", e.Seq)
		}
	}
	return nil
}

func (f *Sent) check() error {
	switch {
	case f.Peer == "":
		return errors.New("frame for nobody")
	case f.LogFrom >= f.LogTo:
		return fmt.Errorf("frame for %s judges nothing: log entries after %d up to %d", f.Peer, f.LogFrom, f.LogTo)
	}
	last := uint64(0)
	for _, m := range f.Messages {
		if m.LinkSeq <= last {
			return fmt.Errorf("frame for %s: link sequence %d comes after %d", f.Peer, m.LinkSeq, last)
		}
		last = m.LinkSeq
		if len(m.Gone) > 0 && len(m.Objects) > 0 {
			return fmt.Errorf("frame for %s, link sequence %d: gives objects and takes some back", f.Peer, m.LinkSeq)
		}
		for _, o := range m.Objects {
			if o.Verdict != federation.Share && o.Verdict != federation.Redact {
				return fmt.Errorf("frame for %s, link sequence %d: an object was sent on the verdict %q", f.Peer, m.LinkSeq, o.Verdict)
			}
		}
	}
	for reason, n := range f.Withheld {
		if n < 0 || reason == "" {
			return fmt.Errorf("frame for %s: %d objects withheld for %q", f.Peer, n, reason)
		}
	}
	for _, h := range f.Held {
		if h.Reason == "" {
			return fmt.Errorf("frame for %s: object %s held without a reason", f.Peer, h.ID)
		}
	}
	return nil
}

func (b *batch) event(e *Event) error {
	for i := range e.Settled {
		if e.Settled[i].Peer == "" {
			continue // what waited at the way in is settled by its log entry
		}
		if err := b.settleOut(&e.Settled[i]); err != nil {
			return err
		}
	}
	if e.Sent != nil {
		if err := b.sent(e, e.Sent); err != nil {
			return err
		}
	}
	if e.Receipt != nil {
		return b.receipt(e, e.Receipt)
	}
	return nil
}

// sent writes one frame.
func (b *batch) sent(e *Event, f *Sent) error {
	peer, err := b.name(f.Peer)
	if err != nil {
		return err
	}
	if err := b.replaceFrames(f.Peer, peer, f.LogFrom); err != nil {
		return err
	}
	withheld, err := json.Marshal(f.Withheld)
	if err != nil {
		return err
	}
	if _, err := b.exec("INSERT INTO frames (id, peer, root, log_from, log_to, at, withheld, messages, acked, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, ?)",
		int64(e.Seq), peer, f.Root, int64(f.LogFrom), int64(f.LogTo), micros(e.At), string(withheld), len(f.Messages), int64(frameOpen)); err != nil {
		return err
	}
	b.countWithheld(f.Peer, f.Withheld, 1)
	for i := range f.Held {
		h := &f.Held[i]
		if known(b.s.memory, b.s.memory.gone, b.gone, b.key(h.Issuer, &h.Digest)) != 0 {
			continue // withdrawn meanwhile: it waits for nothing
		}
		since, err := b.heldSince(e, f.Peer, peer, h)
		if err != nil {
			return err
		}
		b.count(counter{sideOut, f.Peer, outJudged, ""}, 1)
		b.count(counter{sideOut, f.Peer, outHeld, string(h.Reason)}, 1)
		if err := b.hold(heldRow{peer: f.Peer, ref: e.Seq, n: int64(i), seq: h.LogSeq, issuer: h.Issuer, digest: h.Digest, id: h.ID,
			reason: string(h.Reason), rule: h.Rule, basis: h.Basis, since: since}); err != nil {
			return err
		}
	}
	at := b.lane(f.Peer)
	at.seq = f.LogTo
	for i := range f.Messages {
		if err := b.message(e.Seq, f.Peer, peer, &f.Messages[i]); err != nil {
			return err
		}
		at.link = f.Messages[i].LinkSeq
	}
	b.lanes[f.Peer] = at
	return nil
}

func (b *batch) lane(peer string) lane {
	if l, ok := b.lanes[peer]; ok {
		return l
	}
	return b.s.counts.lane(peer)
}

func (b *batch) countWithheld(peer string, withheld map[federation.Reason]int, sign int64) {
	for reason, n := range withheld {
		b.count(counter{sideOut, peer, outJudged, ""}, sign*int64(n))
		b.count(counter{sideOut, peer, outWithheld, string(reason)}, sign*int64(n))
	}
}

// message writes one message of a frame.
func (b *batch) message(frame uint64, peer string, id int64, m *SentMessage) error {
	variant, err := b.variant(m)
	if err != nil {
		return err
	}
	redacted := int64(0)
	for _, o := range m.Objects {
		redacted += boolInt(o.Verdict == federation.Redact)
	}
	n := int64(len(m.Objects))
	b.count(counter{sideOut, peer, outJudged, ""}, n)
	b.count(counter{sideOut, peer, outSent, ""}, n)
	b.count(counter{sideOut, peer, outInFlight, ""}, n)
	b.count(counter{sideOut, peer, outRedacted, ""}, redacted)
	gone := int64(len(m.Gone))
	b.count(counter{sideOut, peer, outGoneSent, ""}, gone)
	b.count(counter{sideOut, peer, outGoneInFlight, ""}, gone)
	_, err = b.exec(`INSERT INTO deliveries (peer, link, frame, variant, objects, redacted, gone, state, acked, stored, duplicate, held, refused, reason)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 0, 0, 0, 0)`, id, int64(m.LinkSeq), int64(frame), variant, n, redacted, gone, int64(inFlight))
	return err
}

// delivery is what replacing and acknowledging need of a row.
type delivery struct{ link, frame, objects, redacted, gone, state int64 }

func readDelivery(row scanner) (d delivery, err error) {
	err = row.Scan(&d.link, &d.frame, &d.objects, &d.redacted, &d.gone, &d.state)
	return d, err
}

type openFrame struct {
	id       int64
	withheld string
	acked    int64
}

func readOpenFrame(row scanner) (f openFrame, err error) {
	err = row.Scan(&f.id, &f.withheld, &f.acked)
	return f, err
}

// replaceFrames takes out of the counts what was judged for the peer beyond a
// log position and not acknowledged: the peer asks from there again, so it
// did not commit it, and all of it is judged anew.
func (b *batch) replaceFrames(peer string, id int64, from uint64) error {
	return each(b, readOpenFrame, func(f openFrame) error { return b.replaceFrame(peer, id, f) },
		"SELECT id, withheld, acked FROM frames WHERE peer = ? AND log_to > ? AND state = 0", id, int64(from))
}

func (b *batch) replaceFrame(peer string, id int64, f openFrame) error {
	err := each(b, readDelivery, func(d delivery) error {
		b.count(counter{sideOut, peer, outJudged, ""}, -d.objects)
		b.count(counter{sideOut, peer, outSent, ""}, -d.objects)
		b.count(counter{sideOut, peer, outInFlight, ""}, -d.objects)
		b.count(counter{sideOut, peer, outRedacted, ""}, -d.redacted)
		b.count(counter{sideOut, peer, outReplaced, ""}, d.objects)
		b.count(counter{sideOut, peer, outGoneSent, ""}, -d.gone)
		b.count(counter{sideOut, peer, outGoneInFlight, ""}, -d.gone)
		_, err := b.exec("UPDATE deliveries SET state = ? WHERE peer = ? AND link = ? AND frame = ?", int64(replaced), id, d.link, d.frame)
		return err
	}, "SELECT link, frame, objects, redacted, gone, state FROM deliveries WHERE frame = ? AND state = 0", f.id)
	if err != nil {
		return err
	}
	if f.acked > 0 {
		// A receipt for a part shows that the peer has the frame: what was
		// withheld or held in it stays judged.
		_, err := b.exec("UPDATE frames SET state = ? WHERE id = ?", int64(frameClosed), f.id)
		return err
	}
	var withheld map[federation.Reason]int
	if err := json.Unmarshal([]byte(f.withheld), &withheld); err != nil {
		return fmt.Errorf("%w: frame %d: %w", ErrDamaged, f.id, err)
	}
	b.countWithheld(peer, withheld, -1)
	if err := each(b, readHeldKey, func(h heldKey) error { return b.unholdOut(peer, id, h) },
		selectHeldKey+"WHERE held.peer = ? AND held.ref = ?", id, f.id); err != nil {
		return err
	}
	_, err = b.exec("UPDATE frames SET state = ? WHERE id = ?", int64(frameReplaced), f.id)
	return err
}

// receipt writes what a peer acknowledged.
func (b *batch) receipt(e *Event, r *Receipt) error {
	peer, err := b.name(r.Peer)
	if err != nil {
		return err
	}
	at := b.lane(r.Peer)
	counted := make(map[int64]int64) // messages by frame
	for i := range r.Outcomes {
		o := &r.Outcomes[i]
		err := each(b, readDelivery, func(d delivery) error {
			if d.state == inFlight {
				counted[d.frame]++
				at.acked = max(at.acked, o.LinkSeq)
			}
			return b.acknowledge(e, r.Peer, peer, d, o)
		}, `SELECT link, frame, objects, redacted, gone, deliveries.state FROM deliveries JOIN frames ON frames.id = deliveries.frame
			WHERE deliveries.peer = ? AND link = ? AND deliveries.state IN (0, 2) AND root = ?`, peer, int64(o.LinkSeq), r.Root)
		if err != nil {
			return err
		}
	}
	for frame, n := range counted {
		if _, err := b.exec("UPDATE frames SET acked = acked + ?, state = CASE WHEN acked + ? >= messages THEN ? ELSE state END WHERE id = ?",
			n, n, int64(frameClosed), frame); err != nil {
			return err
		}
	}
	b.lanes[r.Peer] = at
	return nil
}

// acknowledge writes the outcome of one message. Of a message that was replaced
// it is kept, because the peer has it after all, but not counted: its objects
// count where they were judged again.
func (b *batch) acknowledge(e *Event, peer string, id int64, d delivery, o *ReceiptOutcome) error {
	reason, err := b.name(string(o.Reason))
	if err != nil {
		return err
	}
	state := int64(replacedAcknowledged)
	if d.state == inFlight {
		state = acknowledged
		b.count(counter{sideOut, peer, outAcknowledged, ""}, d.objects)
		b.count(counter{sideOut, peer, outInFlight, ""}, -d.objects)
		b.countOutcome(peer, d.objects, o)
		b.countGone(peer, d.gone, o)
	}
	_, err = b.exec(`UPDATE deliveries SET state = ?, acked = ?, stored = ?, duplicate = ?, held = ?, refused = ?, reason = ?
		WHERE peer = ? AND link = ? AND frame = ?`,
		state, micros(e.At), int64(o.Stored), int64(o.Duplicate), int64(o.Held), int64(o.Refused), reason, id, d.link, d.frame)
	return err
}

// countOutcome divides the objects of a message as its receipt says, if that
// adds up.
func (b *batch) countOutcome(peer string, objects int64, o *ReceiptOutcome) {
	parts := [...]struct {
		what what
		n    int
	}{{outStored, o.Stored}, {outDuplicate, o.Duplicate}, {outHeldThere, o.Held}, {outRefused, o.Refused}}
	sum := int64(0)
	for _, p := range parts {
		if p.n < 0 || int64(p.n) > objects {
			sum = -1
			break
		}
		sum += int64(p.n)
	}
	if sum != objects {
		b.count(counter{sideOut, peer, outDisputed, ""}, objects)
		return
	}
	for _, p := range parts {
		b.count(counter{sideOut, peer, p.what, ""}, int64(p.n))
	}
}
