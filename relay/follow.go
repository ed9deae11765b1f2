package relay

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/relay/bus"
	"github.com/entente-relay/entente/relay/journal"
	"github.com/entente-relay/entente/relay/store"
)

// onStored takes what a commit stored: it is in the log now, so from here on
// it is seen, and live peers find it in memory. The committer calls it in log
// order.
func (n *Node) onStored(seqs []uint64, entries []*entry) {
	noted := make([]store.Entry, len(entries))
	next := make([]followed, len(entries))
	w := n.world.Load()
	for i, e := range entries {
		noted[i] = e.indexed(seqs[i], w)
		next[i] = followed{seqs[i], e, noted[i], w}
		if e.lowers() {
			n.acts.Store(true)
		}
		if e.Kind == entryErased {
			n.log.learn(seqs[i], e)
		}
		p := e.ready
		switch {
		case p == nil && e.Kind == entryMessage:
			continue // read back from the log: so will be whoever needs it
		case p == nil:
			p = &prepared{kind: e.Kind}
		}
		p.seq, p.at, p.from, p.peer, p.refer, p.bytes = seqs[i], e.At, e.From, e.Peer, e.Refer, len(e.Body)
		p.check, p.lost = e.check(), e.Lost
		n.recent.add(p)
	}
	n.index.Note(noted)
	n.ahead.put(next)
	// After a commit whose fate was unknown there may be entries before these
	// that the index has not heard of: it reads them from the log.
	if seqs[0] <= n.known()+1 {
		n.noted.Store(seqs[len(seqs)-1])
	} else {
		n.ahead.unread.Store(true)
	}
	for i := range noted {
		for _, o := range noted[i].Objects {
			if o.Outcome == store.Taken {
				n.waiting.came(o.ID)
			}
		}
	}
	n.news.tell()
	n.wake()
}

// known is the last log entry that the index has heard of.
func (n *Node) known() uint64 { return max(n.noted.Load(), n.index.Applied()) }

// onJournal takes what the journal stored, for the index. It must not block.
func (n *Node) onJournal(records []*journal.Record) {
	n.written.put(records)
	n.wake()
}

// wake tells the follower that there is something to do.
func (n *Node) wake() {
	select {
	case n.queued <- struct{}{}:
	default:
	}
}

// follow keeps index and journal behind the log, off the path of messages,
// until ctx ends.
func (n *Node) follow(ctx context.Context) {
	retry := time.NewTicker(expireTick)
	defer retry.Stop()
	told := map[string]string{} // groups that waited for long
	n.decided = len(n.world.Load().decisions.In) > 0
	n.owes, n.erases = true, true // what was made of others' objects may have been taken back just before the end
	n.wake()
	var again <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-n.queued:
		case <-again:
		case <-retry.C:
			n.ahead.unread.Store(true) // a commit may have been stored that nobody was told of
			n.expires.Store(true)
			n.note(errors.Join(n.retryPending(ctx), n.dropExpired(ctx), n.tellAges(ctx, told)))
		}
		err := errors.Join(n.followBoth(ctx), n.retryWaiting(ctx), n.retryLowered(ctx))
		n.told.all()
		if err == nil && n.owes {
			if err = n.withdrawDerived(ctx); err == nil {
				n.owes = false
			}
		}
		if err == nil && n.decided { // perhaps decided just before the end
			if err = n.retryHeld(ctx); err == nil {
				n.decided = false
			}
		}
		if err == nil && n.erases {
			if err = n.eraseSpilled(ctx); err == nil {
				n.erases = false
			}
		}
		if err == nil && n.expires.Swap(false) {
			var more bool
			if more, err = n.expire(ctx); more || err != nil {
				n.expires.Store(true)
			}
			if more {
				n.wake()
			} else if err == nil {
				err = n.cutJournal(ctx)
			}
		}
		n.note(err)
		if again = nil; err != nil {
			again = time.After(followRetry)
		}
	}
}

// followRetry is how soon the follower tries again what failed: the next
// message, which would wake it, may be long in coming.
const followRetry = time.Second

func (n *Node) followBoth(ctx context.Context) error {
	if err := n.followJournal(ctx); err != nil {
		return err
	}
	return n.followLog(ctx)
}

// followJournal indexes what the journal stored.
func (n *Node) followJournal(ctx context.Context) error {
	records, spilled := n.written.take()
	if spilled {
		// Read where it is stored; what was taken out of memory is among it.
		if err := n.indexJournal(ctx); err != nil {
			n.written.back(nil, true)
			return err
		}
	}
	if len(records) == 0 || spilled {
		return nil
	}
	if err := n.index.Record(ctx, events(records)); err != nil {
		n.written.back(records, false)
		return err
	}
	return nil
}

// note remembers a fault of the follower, so that /healthz and status show it.
func (n *Node) note(err error) {
	if err != nil && n.ctx.Err() != nil {
		return // stopping
	}
	if err != nil {
		n.slog.Error("the index does not follow the log", "error", err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.fault = err
}

// followEntries bounds how many log entries are indexed in one transaction; the
// records that the journal makes of them are one batch of it, see
// [journal.Options].
const followEntries = 400

// followLog indexes and journals what the log has beyond the index: what was
// stored just now as it lies in memory, else as the log has it.
func (n *Node) followLog(ctx context.Context) error {
	for {
		some := n.ahead.from(n.index.Applied()+1, followEntries)
		if len(some) == 0 {
			if n.index.Applied() >= n.noted.Load() && !n.ahead.unread.Load() {
				return nil
			}
			var end bool
			var err error
			if some, end, err = n.readOn(ctx); err != nil || end {
				return err
			}
		}
		if err := n.followSome(ctx, some); err != nil {
			return err
		}
	}
}

// readOn reads what the log has beyond the index, and whether that is nothing.
func (n *Node) readOn(ctx context.Context) (some []followed, end bool, err error) {
	n.ahead.unread.Store(false)
	got, err := n.log.Read(ctx, n.index.Applied()+1, 256, readBytes)
	if err == nil && len(got) == 0 {
		return nil, true, nil
	}
	n.ahead.unread.Store(true) // until nothing more comes
	if err != nil {
		return nil, false, err
	}
	w := n.world.Load()
	for _, st := range got {
		var e *entry
		if e, err = decodeEntry(st.Data); err != nil {
			return nil, false, fmt.Errorf("log sequence %d: %w", st.Seq, err)
		}
		some = append(some, followed{st.Seq, e, e.indexed(st.Seq, w), w})
	}
	return some, false, nil
}

func (n *Node) followSome(ctx context.Context, some []followed) error {
	batch := make([]store.Entry, 0, len(some))
	var intakes []*journal.Record
	w := n.world.Load()
	for i := range some {
		f := &some[i]
		if f.world != w {
			f.indexed.Due = w.retention.dues(f.entry, f.seq)
		}
		batch = append(batch, f.indexed)
		if e := f.entry; len(e.Items)+len(e.Gone)+len(e.Erased)-e.Carried > 0 && f.seq > n.intakeDone {
			intakes = append(intakes, e.intake(f.seq))
		}
	}
	if err := n.journalIntakes(ctx, intakes); err != nil {
		return err
	}
	if err := n.waitingSpills(ctx, batch); err != nil {
		return err
	}
	n.at(stepIndex)
	if err := n.index.Apply(ctx, batch); err != nil {
		return err
	}
	n.at(stepIndexed)
	for _, e := range batch {
		n.owes = n.owes || len(e.Gone)+len(e.Erased) > 0
	}
	n.news.tell()
	return nil
}

// journalIntakes tells the journal what became of entries. Records of which it
// is not known whether they are stored are given to it again exactly as they
// were, whatever came into the log meanwhile: only so does the journal know
// them again, and tells of every entry once.
func (n *Node) journalIntakes(ctx context.Context, intakes []*journal.Record) error {
	groups := [][]*journal.Record{n.unsure}
	for some := range slices.Chunk(intakes, toldTogether(len(intakes))) {
		groups = append(groups, some)
	}
	for _, some := range groups {
		for len(some) > 0 && some[0].Intake.Log <= n.intakeDone {
			some = some[1:]
		}
		if len(some) == 0 {
			continue
		}
		n.at(stepIntakeJournal)
		_, err := n.journal.Append(ctx, some...)
		n.unsure = nil
		if errors.Is(err, journal.ErrUnknown) {
			n.unsure = some
		}
		if err != nil {
			return err
		}
		n.at(stepIntakeJournalled)
		n.intakeDone = some[len(some)-1].Intake.Log
	}
	return nil
}

// toldTogether says how many of so many records are given to the journal at once.
func toldTogether(records int) int {
	if records <= bus.Few {
		return 1
	}
	return records
}

// intake is the journal's record of what became of one entry.
func (e *entry) intake(seq uint64) *journal.Record {
	in := &journal.Intake{Source: journal.Token(e.Source), Log: seq, JTI: journal.Token(e.Message)}
	if len(e.Body) > 0 {
		in.Message = sha256.Sum256(e.Body)
	}
	for _, g := range e.Gone {
		in.Issuer = journal.Token(g.Issuer)
		in.Gone = append(in.Gone, journal.Gone{Digest: journal.Digest(g.Digest), For: journal.Token(g.For)})
	}
	for _, x := range e.Erased[:len(e.Erased)-e.Carried] {
		in.Erased = append(in.Erased, journal.Erased{Log: x.Seq, Issuer: journal.Token(x.Issuer), Digest: journal.Digest(x.Digest), Reason: x.For})
	}
	in.Because = journal.Label(e.Because)
	for _, it := range e.Items {
		in.Issuer = journal.Token(it.Issuer)
		in.Objects = append(in.Objects, journal.IntakeObject{Digest: journal.Digest(it.Digest), ID: journal.ID(it.ID), Outcome: journal.Outcome(it.Outcome),
			Reason: it.Reason, Rule: journal.Token(it.Rule), Basis: journal.Label(it.Basis), Marking: journal.Label(it.Marking), Against: journal.Digest(it.Against)})
	}
	return &journal.Record{At: e.At, Intake: in}
}

// catchUp indexes what was stored before this start, so that nothing old is
// taken twice, and finds out up to which log entry the journal already tells.
func (n *Node) catchUp(ctx context.Context, logLast uint64) error {
	jl := n.journalLog()
	q := journal.Query{Kinds: []journal.Kind{journal.KindIntake, journal.KindCut}, Limit: 1}
	for {
		last, err := journal.Find(ctx, jl, q)
		if err != nil {
			return err
		}
		if len(last.Records) > 0 {
			switch r := last.Records[0]; {
			case r.Cut != nil:
				n.intakeDone = r.Cut.Log
			default:
				n.intakeDone = r.Intake.Log
			}
		}
		if n.intakeDone > 0 || last.Next == 0 {
			break
		}
		q.Before = last.Next
	}
	n.ahead.unread.Store(true)
	var err error
	if n.logKnown, err = n.knownLog(ctx); err != nil {
		return err
	}
	n.intakeDone = min(n.intakeDone, logLast) // a log that lost its end is told of anew
	if err := n.indexJournal(ctx); err != nil {
		return err
	}
	return n.followLog(ctx)
}

// catchUpBatch is how many journal records are indexed in one transaction when
// the index is behind.
const catchUpBatch = 1000

// indexJournal indexes what the journal has beyond the index. While one batch is
// written, the next is read: each takes about as long.
func (n *Node) indexJournal(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	batches := make(chan []store.Event, 1)
	var failed error
	go func() {
		defer close(batches)
		var batch []*journal.Record
		hand := func() {
			select {
			case batches <- events(batch):
			case <-ctx.Done():
			}
			batch = nil
		}
		for r, err := range journal.Records(ctx, n.journalLog(), n.index.Journaled()+1) {
			if err != nil {
				failed = err
				return
			}
			if batch = append(batch, r); len(batch) == catchUpBatch {
				hand()
			}
		}
		hand()
	}()
	for batch := range batches {
		if err := n.index.Record(ctx, batch); err != nil {
			stop()
			for range batches { // until the reader has ended
			}
			return err
		}
	}
	if failed == nil {
		return context.Cause(ctx)
	}
	return failed
}

// indexed is the entry as the index sees it, under the rules of retention of w.
func (e *entry) indexed(seq uint64, w *World) store.Entry {
	out := store.Entry{Seq: seq, Source: e.Source, At: e.At, JTI: e.Message, LinkSeq: e.LinkSeq}
	if e.From != "" {
		out.Source = e.From
	}
	switch e.Kind {
	case entryResend:
		out.Resends = e.Refer
	default:
		out.Settles = e.Refer
	}
	if e.Position != nil {
		out.Cursor = e.Position.Cursor
	}
	out.Proof = e.proved()
	out.Due = w.retention.dues(e, seq)
	for _, x := range e.Erased {
		out.Erased = append(out.Erased, store.Erasure{Seq: x.Seq, N: x.N, Issuer: x.Issuer, Digest: x.Digest, Reason: x.For})
	}
	for _, g := range e.Gone {
		out.Gone = append(out.Gone, store.Gone{Issuer: g.Issuer, Digest: g.Digest, Reason: g.For, By: g.By})
	}
	for _, it := range e.Items {
		o := store.Object{Issuer: it.Issuer, Digest: it.Digest, ID: it.ID, Version: it.Version, Type: it.Type, Expires: it.Expires,
			Revoked: it.Revoked, Marking: it.Marking, Reason: it.Reason, Rule: it.Rule, Basis: it.Basis,
			Shown: store.Shown{Hash: it.Shown, Parts: it.Parts, Whole: it.Whole}, Variant: it.Variant, Mark: it.Mark, Settles: it.Settles, Erased: it.For}
		if it.Origin != nil {
			o.MadeOf = &store.Origin{Issuer: it.Origin.Issuer, Digest: it.Origin.Digest, Less: it.Origin.Less}
		}
		switch it.Outcome {
		case taken:
			o.Outcome, o.Verdict = store.Taken, federation.Share
		case duplicate:
			o.Outcome, o.Verdict = store.Duplicate, federation.Withhold
		case held:
			o.Outcome, o.Verdict = store.Held, federation.Hold
		case refused:
			o.Outcome, o.Verdict = store.Refused, federation.Withhold
		}
		out.Objects = append(out.Objects, o)
	}
	return out
}
