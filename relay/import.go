package relay

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/envelope"
	"github.com/entente-relay/entente/federation/link"
	"github.com/entente-relay/entente/federation/policy"
	"github.com/entente-relay/entente/relay/bus"
	"github.com/entente-relay/entente/relay/journal"
)

// importer takes frames from one peer: it is the sink of that peer's puller.
type importer struct {
	node *Node
	peer string
	// For whoever stores, one frame at a time:
	last link.Position  // as far as known
	gap  link.Gap       // the last that the journal was told of
	wait []pendingCount // of the last frames, until the index knows of them
	// quiet says that nothing of this peer waited when that was last looked at.
	quiet bool
}

// Position reads where the link stands from the last entry of the peer's
// subject: the same write that stored its messages.
func (im *importer) Position(ctx context.Context) (link.Position, error) {
	pos, err := im.position(ctx)
	im.last = pos
	return pos, err
}

func (im *importer) position(ctx context.Context) (link.Position, error) {
	st, ok, err := im.node.log.Last(ctx, im.peer)
	if err != nil || !ok {
		return link.Position{}, err
	}
	e, err := decodeEntry(st.Data)
	if err != nil {
		return link.Position{}, err
	}
	if e.Position == nil {
		return im.positionBefore(ctx, st.Seq)
	}
	return *e.Position, nil
}

// positionBefore finds the last whole frame of a log that lost its end within
// one: its messages are asked for again, and those that are here fall out. At
// the beginning of the log there is none, so that all is asked for again.
func (im *importer) positionBefore(ctx context.Context, seq uint64) (link.Position, error) {
	const reach = 2 * bus.MaxBatch // a frame is one batch, others may stand before it
	var pos link.Position
	from := seq - min(seq-1, reach)
	whole := from == 1
	for from < seq {
		got, err := im.node.log.Read(ctx, from, readEntries, readBytes)
		if err != nil {
			return link.Position{}, err
		}
		if len(got) == 0 {
			break
		}
		for _, st := range got {
			from = st.Seq + 1
			if st.Subject != im.peer {
				continue
			}
			e, err := decodeEntry(st.Data)
			if err != nil {
				return link.Position{}, err
			}
			if e.Position != nil {
				pos = *e.Position
			}
		}
	}
	if pos.Incarnation == "" && !whole {
		return pos, errors.New("the last entries of " + im.peer + " in the log have no position: the log was written by something else")
	}
	im.node.slog.Warn("the log ends within a frame; its messages are asked for again", "peer", im.peer, "log", seq, "link_seq", pos.LastSeq)
	return pos, nil
}

// Commit verifies and judges every message of a frame, and stores what may be
// kept together with the link's new position.
func (im *importer) Commit(ctx context.Context, f link.Frame) (link.Receipt, error) {
	return im.Examine(ctx, f)(ctx)
}

// Examine verifies and judges the messages of a frame, which depends on nothing
// that is stored. What it returns does the rest of Commit.
func (im *importer) Examine(_ context.Context, f link.Frame) func(context.Context) (link.Receipt, error) {
	x := &examined{frame: f}
	if len(f.Messages) > 0 {
		im.node.at(stepImportReceived)
		x.judge(im)
	}
	return func(ctx context.Context) (link.Receipt, error) { return im.store(ctx, x) }
}

// examined is a frame whose messages are verified and judged, as of a moment.
type examined struct {
	frame    link.Frame
	world    *World
	now      time.Time
	arrivals []*arrival
}

func (x *examined) judge(im *importer) {
	x.world, x.now = im.node.world.Load(), im.node.now()
	x.arrivals = im.examine(x.world, x.frame, x.now)
}

// maxExamined is how old the judgement of a frame may be when it is stored. The
// frame before it is stored within a few milliseconds, or something is wrong.
const maxExamined = 2 * time.Second

// freshen judges a frame again that waited for the one before it while the rules
// changed, or for long.
func (x *examined) freshen(im *importer) {
	if age := im.node.now().Sub(x.now); x.world != im.node.world.Load() || age < 0 || age > maxExamined {
		x.judge(im)
	}
}

// store stores what may be kept of a frame, together with the link's position
// behind it.
func (im *importer) store(ctx context.Context, x *examined) (link.Receipt, error) {
	n, f := im.node, x.frame
	rc := link.Receipt{Peer: im.peer, Link: n.id, FirstSeq: f.FirstSeq, LastSeq: f.FirstSeq + uint64(len(f.Messages)) - 1, Root: f.Root}
	if err := im.tell(ctx, f); err != nil {
		return link.Receipt{}, err
	}
	if len(f.Messages) == 0 {
		return rc, nil // nothing crossed: the position moves with the next message
	}
	if err := n.room(ctx); err != nil {
		return link.Receipt{}, err
	}
	x.freshen(im)
	w, now, arrivals := x.world, x.now, x.arrivals
	if err := im.boundWaiting(ctx, arrivals); err != nil {
		return link.Receipt{}, err
	}
	n.at(stepImportVerified)
	im.compareMappings(arrivals)
	// Of a frame that is stored in part, the whole is asked for again.
	before, pos := im.last, f.After()
	lesser, err := n.lessers(ctx, w, arrivals, nil, now, maxJobEntries-len(arrivals))
	if err != nil {
		return link.Receipt{}, err
	}
	res, err := n.committer.do(ctx, job{source: im.peer, apart: len(lesser) == 0, done: make(chan result, 1), build: func(v *view) ([]*entry, error) {
		entries, err := settleFrame(v, arrivals)
		if err != nil {
			return nil, err
		}
		for i, e := range entries {
			e.Source, e.From, e.At, e.LinkSeq, e.Root = im.peer, im.peer, now, f.FirstSeq+uint64(i), f.Root
			e.Position = &before
		}
		entries[len(entries)-1].Position = &pos
		more, err := lesserEntries(v, lesser, entries, now)
		if err != nil {
			return nil, err
		}
		return append(entries, more...), nil
	}})
	if err != nil {
		return link.Receipt{}, err
	}
	im.waits(res)
	rc.At, im.last = n.now(), pos
	for _, e := range res.entries {
		if e.lesser() {
			continue // this node's own
		}
		rc.Outcomes = append(rc.Outcomes, e.receipt())
	}
	n.at(stepImportAnswer)
	return rc, nil
}

// tell journals what a frame says about the peer's log: a gap that was not
// told before, and that the log is another one than up to now.
func (im *importer) tell(ctx context.Context, f link.Frame) error {
	var rs []*journal.Record
	event := func(e journal.LinkEvent) {
		e.Peer = journal.Token(im.peer)
		rs = append(rs, &journal.Record{At: im.node.now(), Link: &e})
	}
	if len(f.Messages) > 0 && im.last.Incarnation != "" && f.Incarnation != im.last.Incarnation {
		event(journal.LinkEvent{Event: "incarnation"})
	}
	if f.Gap != nil && *f.Gap != im.gap {
		event(journal.LinkEvent{Event: "gap", Reason: f.Gap.Reason, Since: f.Gap.Since, Until: f.Gap.Until})
	}
	if len(rs) == 0 {
		return nil
	}
	if _, err := im.node.journal.Append(ctx, rs...); err != nil {
		return err
	}
	if f.Gap != nil {
		im.gap = *f.Gap
	}
	return nil
}

// pendingCount counts the messages of one frame that wait for a fact.
type pendingCount struct{ seq, messages uint64 }

// waits remembers how many messages of a frame wait.
func (im *importer) waits(res result) {
	w := pendingCount{seq: res.seqs[len(res.seqs)-1]}
	for _, e := range res.entries {
		if e.Kind == entryPending {
			w.messages++
		}
	}
	if w.messages > 0 {
		im.quiet = false
		im.wait = append(im.wait, w)
	}
}

// boundWaiting refuses messages that would have to wait for a fact when too
// many of this peer wait already: they are kept whole, and nobody can say yet
// whether anybody stands behind them.
func (im *importer) boundWaiting(ctx context.Context, arrivals []*arrival) error {
	pending := func(a *arrival) bool { return pendingReasons[federation.ReasonOf(a.err)] }
	if im.quiet && !slices.ContainsFunc(arrivals, pending) {
		return nil
	}
	counts, err := im.node.index.Counts(ctx)
	if err != nil {
		return err
	}
	count := uint64(0)
	im.wait = slices.DeleteFunc(im.wait, func(w pendingCount) bool { return w.seq <= counts.Log })
	for _, w := range im.wait {
		count += w.messages
	}
	for _, in := range counts.In {
		if in.Source == im.peer {
			for reason := range pendingReasons {
				count += in.HeldFor[reason]
			}
		}
	}
	im.quiet = count == 0
	for _, a := range arrivals {
		a.full = count >= maxPending // one that turns out to wait only when it is settled
		if !pending(a) {
			continue
		}
		if count++; count > maxPending {
			a.err = &federation.Refusal{Reason: federation.Quota, Where: "messages of " + im.peer,
				Detail: fmt.Sprintf("more than %d of them wait for a fact that is missing", maxPending), Hint: "add the missing statements, then ask the peer to publish again", Err: a.err}
		}
	}
	return nil
}

// settleFrame makes the entries of a frame. Two of its messages may hold the
// same object, or two versions of it, so each sees those before it; v does not,
// for the frame may still fail.
func settleFrame(v *view, arrivals []*arrival) ([]*entry, error) {
	v = v.fork()
	entries := make([]*entry, len(arrivals))
	for i, a := range arrivals {
		var err error
		if entries[i], err = a.entry(v); err != nil {
			return nil, err
		}
		v.add(entries[i : i+1])
	}
	return entries, nil
}

// compareMappings sets what the sender says a marking is called here beside
// what this node finds itself. This node goes by its own reading of the
// origin's marking; a difference means that one of the two has other tables,
// and is an alarm.
func (im *importer) compareMappings(arrivals []*arrival) {
	for _, a := range arrivals {
		if a.err != nil {
			continue
		}
		hops := a.verified.Hops()
		theirs := map[[32]byte]string{}
		for _, m := range hops[len(hops)-1].Map {
			theirs[m.Object] = m.To
		}
		for i, s := range a.subjects {
			if to, said := theirs[s.Digest()]; said && to != a.decisions[i].To() {
				im.node.mappingDiffers(im.peer, s.Object().ID(), to, a.decisions[i].To())
			}
		}
	}
}

// receipt counts what became of the objects of one entry.
func (e *entry) receipt() link.Outcome {
	o := link.Outcome{Seq: e.LinkSeq, Stored: len(e.Gone)}
	for _, it := range e.Items {
		switch it.Outcome {
		case taken:
			o.Stored++
		case duplicate:
			o.Duplicate++
		case held:
			o.Held++
		case refused:
			o.Refused++
		}
		if o.Reason == "" && (it.Outcome == held || it.Outcome == refused) {
			o.Reason = it.Reason
		}
	}
	return o
}

// arrival is one received message on its way into the log.
type arrival struct {
	raw       []byte
	from      string // the peer it came from, "" for our own
	verified  *envelope.Verified
	err       error
	subjects  []*policy.Subject
	decisions []policy.Decision // whether this node may keep each object
	shown     []envelope.Shown  // what the message shows of each
	world     *World            // they were judged by, at the time now
	now       time.Time
	proof     *entryProof // of an equivocation, found on the way into the log
	full      bool        // too many messages of its peer wait already
}

// examine verifies and judges messages, on all processors, and returns them
// in their order.
func (im *importer) examine(w *World, f link.Frame, now time.Time) []*arrival {
	messages := f.Messages
	out := make([]*arrival, len(messages))
	var wg sync.WaitGroup
	next := make(chan int)
	for range min(runtime.GOMAXPROCS(0), len(messages)) {
		wg.Go(func() {
			for i := range next {
				out[i] = im.node.examineOne(w, im.peer, messages[i], now)
				out[i].inPlace(f.FirstSeq+uint64(i), f.Root)
			}
		})
	}
	for i := range messages {
		next <- i
	}
	close(next)
	wg.Wait()
	return out
}

// examineOne verifies one message and judges whether its objects may be kept.
func (n *Node) examineOne(w *World, from string, raw []byte, now time.Time) *arrival {
	a := &arrival{raw: raw, from: from}
	a.verified, a.err = envelope.Verify(raw, envelope.VerifyOptions{Self: n.id, From: from, Keys: w.Directory, Now: now, Roots: n.roots})
	if a.err != nil {
		return a
	}
	a.judge(w, now)
	return a
}

// inPlace refuses a message whose last hop was made for another place: another
// number on the link, or another frame. So what was sent once cannot be sent
// again as something new, and a receipt speaks of what its root covers.
func (a *arrival) inPlace(seq uint64, root string) {
	if a.err != nil {
		return
	}
	hops := a.verified.Hops()
	if h := hops[len(hops)-1]; h.Seq != seq || h.Root != root {
		a.err = federation.Refuse(federation.Malformed, fmt.Sprintf("hop %d", h.N),
			fmt.Sprintf("made as number %d of the link, sent as number %d, or for another frame", h.Seq, seq))
	}
}

func (a *arrival) judge(w *World, now time.Time) {
	a.world, a.now = w, now
	a.subjects = subjectsOf(w.Reader, a.verified, a.from)
	a.decisions = make([]policy.Decision, len(a.subjects))
	a.shown = make([]envelope.Shown, len(a.subjects))
	for i, s := range a.subjects {
		a.decisions[i] = w.Bundle.DecideStore(s, &w.Node, now)
		a.shown[i] = a.verified.Shown(i)
	}
}

// pendingReasons are those that time, a newer statement or an act can cure: the
// message waits and is judged again.
var pendingReasons = map[federation.Reason]bool{federation.UnknownIssuer: true, federation.NotYetValid: true, federation.Lowered: true}

// entry makes the log entry of an arrival, with the outcome of each object.
// It runs in the committer.
func (a *arrival) entry(v *view) (*entry, error) {
	if a.err != nil {
		return a.refusedEntry()
	}
	if len(a.verified.Gone()) > 0 {
		return a.goneEntry(v)
	}
	e := &entry{Kind: entryMessage, Message: a.verified.ID()}
	a.proof = nil // the committer may ask again
	for i, it := range a.verified.Items() {
		item := newItem(ownerOf(a.verified, it.Object), it)
		item.Keep, item.Holds = a.subjects[i].KeepUntil(a.verified.Issued()), a.subjects[i].Holds()
		item.Shown, item.Parts, item.Whole = a.shown[i].Hash(), len(a.shown[i].Digests), a.shown[i].Whole
		if err := a.settle(v, &item, i); err != nil {
			return nil, err
		}
		if a.from != "" && item.Outcome == held && item.Reason == federation.Lowered {
			a.proof = nil
			return a.waitsForAct(item), nil
		}
		if item.Outcome == refused {
			item.Mark = v.mark(item.Issuer, item.ID)
		}
		item.forget()
		e.Items = append(e.Items, item)
	}
	e.Proof = a.proof
	if !e.keeps() {
		e.Kind = entryMarker
		return e, nil
	}
	gone := e.dropped()
	kept := a.verified
	if len(gone) > 0 {
		var err error
		if kept, err = envelope.Drop(kept, gone); err != nil {
			return nil, err
		}
	}
	e.Body = kept.Raw()
	e.ready = &prepared{kind: entryMessage, verified: kept}
	for i, it := range e.Items {
		if !it.dropped() {
			e.ready.subjects = append(e.ready.subjects, a.subjects[i])
			e.ready.items = append(e.ready.items, it)
		}
	}
	return e, nil
}

// refusedEntry makes the entry of a message that does not verify: kept whole
// when a fact is missing, else only its reason. How many objects it held is
// not known, so it counts as one.
func (a *arrival) refusedEntry() (*entry, error) {
	reason := federation.ReasonOf(a.err)
	if reason == "" {
		return nil, a.err
	}
	item := entryItem{Outcome: refused, Reason: reason, Text: a.err.Error()}
	e := &entry{Kind: entryMarker}
	if pendingReasons[reason] {
		item.Outcome = held
		e.Kind, e.Body = entryPending, a.raw
	}
	e.Items = []entryItem{item}
	return e, nil
}
