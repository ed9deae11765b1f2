package relay

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/envelope"
	"github.com/entente-relay/entente/federation/link"
	"github.com/entente-relay/entente/federation/policy"
	"github.com/entente-relay/entente/relay/journal"
)

// Bounds of one frame. Its messages together stay within what one NATS
// request may carry, with room for the hop records that signing adds. It is as
// large as that allows, because each costs the receiver a commit and both sides a
// journal record, and because over a long way only one is under way at a time.
const (
	frameBytes    = 896 << 10
	frameMessages = 400
	// recordBytes and scanEntries bound how much one pull judges when most of
	// it is withheld: the cursor moves on and the peer asks again. One message
	// adds at most as much again (2,048 removals), and both fit into a record
	// of the journal.
	recordBytes = journal.MaxRecord * 2 / 5
	scanEntries = 5000
)

// exporter builds frames for peers: it is the source of every link's server.
type exporter struct{ node *Node }

// Frame answers a pull: what follows the cursor in the log, judged on what is
// in force now, redacted and signed for this peer.
func (x *exporter) Frame(ctx context.Context, peer string, p link.Pull) (link.Frame, error) {
	n := x.node
	n.at(stepExportReceived)
	if len(p.Receipt) > 0 {
		if err := n.receipt(ctx, peer, p.Receipt); err != nil {
			return link.Frame{}, err
		}
	}
	lane := n.lane(peer)
	defer lane.asks()()
	at, err := n.place(ctx, peer, p.At)
	if err != nil {
		return link.Frame{}, err
	}
	turn, newer := lane.next()
	wait := time.NewTimer(p.Wait)
	defer wait.Stop()
	lane.pos.Store(at.Pos)
	for {
		grown := n.news.next()
		lane.Lock() // one frame at a time for a peer: its journal stays in order
		// A peer asks once at a time. A pull that still waits when the next one
		// comes was sent by a process or over a link that is no more: a frame
		// for it would count as sent in place of the one that arrives.
		if lane.turn.Load() != turn {
			lane.Unlock()
			return link.Frame{Ver: link.Version, Incarnation: at.Incarnation, FirstSeq: at.Seq + 1, Then: at}, nil
		}
		lane.pos.Store(at.Pos)
		f, err := x.turn(ctx, lane, peer, at, p.MaxBytes)
		lane.Unlock()
		if err != nil || f.Count() > 0 || f.Gap != nil {
			n.at(stepExportAnswer)
			return f, err
		}
		// Where everything was withheld, the peer waits as if nothing had been
		// there, and gets a cursor either way: sealed, it tells nothing.
		if f.Then != (link.Cursor{}) {
			at = f.Then
			lane.pos.Store(at.Pos)
		}
		f.Then = at
		if f.More && ctx.Err() == nil {
			continue
		}
		select {
		case <-grown:
		case <-newer:
		case <-wait.C:
			return f, nil
		case <-ctx.Done():
			return f, nil
		}
	}
}

// turn builds the frame of the peer whose turn it is, if it has not used up its
// share. The lane is locked.
func (x *exporter) turn(ctx context.Context, l *lane, peer string, at link.Cursor, maxBytes int) (link.Frame, error) {
	if err := l.admit(at.Pos, x.node.index.Applied(), time.Now()); err != nil {
		return link.Frame{}, err
	}
	if x.node.world.Load().observes(peer) {
		return link.Frame{Ver: link.Version, Incarnation: at.Incarnation, FirstSeq: at.Seq + 1, Then: at}, nil
	}
	f, err := x.build(ctx, peer, at, maxBytes)
	if err == nil && f.Then != (link.Cursor{}) {
		l.served(at.Pos, f.Then.Pos)
	}
	return f, x.node.unsaid(peer, err)
}

// unsaid keeps to this node why a frame could not be made. Of a refusal the peer
// would be told the detail, which may be about what it does not get.
func (n *Node) unsaid(peer string, err error) error {
	if federation.ReasonOf(err) == "" {
		return err
	}
	n.slog.Error("a frame could not be made", "peer", peer, "error", err)
	return errors.New("the frame could not be made")
}

// draft is a frame in the making.
type draft struct {
	peer      string
	world     *World
	recipient *policy.Recipient
	audience  policy.Audience
	now       time.Time
	pos       uint64 // log sequence judged so far
	check     uint64 // of what stands there
	cleared   []*envelope.Cleared
	bytes     int
	record    int // estimate of the journal record so far, in bytes
	verdicts  []judged
	log       logReader
	gap       *link.Gap
	reach     *reach
}

// judged is what was decided on one log entry, for the journal and the index.
type judged struct {
	seq       uint64
	issuer    string
	message   int // index into cleared, -1 when nothing of it goes
	decisions []policy.Decision
	subjects  []*policy.Subject
	waitsFor  []string   // ids for which something of it is held or removed
	lacking   int        // how many parts are removed for them
	account   *account   // the same for the journal
	weight    int        // estimate of what it takes in the journal, in bytes
	gone      []goneItem // what the message takes back
}

// errEarly says that an entry mentions what is being published just now: it is
// judged when that is in the log.
var errEarly = errors.New("what it refers to is on its way into the log")

// build walks the log from a cursor and makes one frame of what may go.
func (x *exporter) build(ctx context.Context, peer string, at link.Cursor, maxBytes int) (link.Frame, error) {
	n := x.node
	d := x.draft(ctx, peer, at.Pos)
	limit := frameBytes
	if maxBytes > 0 {
		limit = min(limit, maxBytes)
	}
	more := false
	for scanned := 0; ; scanned++ {
		if d.bytes >= limit || len(d.cleared) >= frameMessages || d.record >= recordBytes || scanned >= scanEntries || d.reach.looked() >= scanEntries {
			more = true
			break
		}
		if d.pos >= n.known() {
			break // the index does not know more yet, and a look at the log's end costs a question to the server
		}
		p, err := d.log.at(ctx, d.pos+1)
		if err != nil {
			return link.Frame{}, err
		}
		if p == nil || p.seq > n.known() {
			break // or the index does not know it yet
		}
		if p.seq != d.pos+1 {
			d.gap = &link.Gap{Until: p.at, Reason: federation.Expired}
		}
		// A message that would overfill the frame opens the next one.
		if len(d.cleared) > 0 && d.bytes+p.bytes > limit {
			more = true
			break
		}
		err = x.judge(ctx, d, p)
		if errors.Is(err, errEarly) {
			break // its end is news
		}
		if errors.Is(err, errNextFrame) {
			more = true
			break
		}
		if err != nil {
			return link.Frame{}, err
		}
		if p.lost {
			d.gap = &link.Gap{Until: p.at, Reason: federation.Lost}
		}
		d.pos, d.check = p.seq, p.check
		n.at(stepExportJudged)
	}
	f := link.Frame{Ver: link.Version, Incarnation: at.Incarnation, FirstSeq: at.Seq + 1, More: more, Gap: d.gap}
	if d.pos == at.Pos {
		return f, nil
	}
	if err := n.seal(ctx, d, at.Pos, &f); err != nil {
		return link.Frame{}, err
	}
	f.Then = link.Cursor{Incarnation: at.Incarnation, Pos: d.pos, Seq: at.Seq + uint64(len(d.cleared)), Check: d.check}
	return f, nil
}

// judge decides on one log entry for the draft's peer, and adds what may go.
func (x *exporter) judge(ctx context.Context, d *draft, p *prepared) error {
	if p.kind == entryResend {
		if p.peer != d.peer {
			return nil
		}
		earlier := logReader{node: x.node, world: d.world}
		old, err := earlier.at(ctx, p.refer)
		if err != nil || old == nil || old.seq != p.refer {
			return err
		}
		p = old
	}
	if p.kind == entryGone && !p.passed(d.peer) {
		return x.takeBack(ctx, d, p)
	}
	if p.kind != entryMessage || p.passed(d.peer) {
		return nil
	}
	j, c, err := x.verdict(ctx, d, p)
	if err != nil {
		return err
	}
	if c != nil {
		j.message = len(d.cleared)
		d.cleared = append(d.cleared, c)
		d.bytes += c.Len() + hopAllowance
	}
	d.verdicts = append(d.verdicts, j)
	d.record += j.weight
	return nil
}

// alone decides on an entry for the draft's peer by itself.
func (x *exporter) alone(ctx context.Context, d *draft, p *prepared) (judged, *envelope.Cleared, error) {
	j := judged{seq: p.seq, issuer: p.verified.Owner(), message: -1, subjects: p.subjects}
	var err error
	if j.decisions, err = d.reach.judge(p); err != nil {
		return j, nil, err
	}
	if d.reach.early {
		return j, nil, errEarly
	}
	j.waitsFor, j.lacking = d.reach.waitsFor(j.decisions)
	c, err := envelope.Redact(p.verified, j.decisions)
	if err == nil && p.variants() {
		c, err = x.withoutSpare(ctx, d, p, &j, c)
	}
	switch {
	case err == nil:
		for _, w := range c.Withheld() {
			d.keepBack(&j, w.Digest, federation.ReasonOf(w.Err), w.Err.Error())
		}
	case errors.Is(err, envelope.ErrNothing):
		c = nil
	case federation.ReasonOf(err) == federation.TooLarge:
		// No room for another hop: it ends here, and says so.
		for _, s := range p.subjects {
			d.keepBack(&j, s.Digest(), federation.TooLarge, err.Error())
		}
		c = nil
	default:
		return j, nil, fmt.Errorf("log entry %d for %s: %w", p.seq, d.peer, err)
	}
	j.weight, j.account = j.size(), newAccount(j.subjects, j.decisions)
	return j, c, nil
}

// keepBack replaces the decision on one object by a restrictive one, for the
// journal: the message cannot carry what policy would have let go.
func (d *draft) keepBack(j *judged, object [32]byte, r federation.Reason, text string) {
	for i, s := range j.subjects {
		if s.Digest() == object {
			j.decisions[i] = d.world.Bundle.Withhold(s, d.recipient, federation.Withhold, r, text, d.now)
		}
	}
}

// size estimates, from above, what the decisions take in the journal.
func (j *judged) size() int {
	n := 200
	for _, d := range j.decisions {
		n += 360 + len(d.From()) + len(d.To())
		for _, c := range d.Reasons() {
			n += 80 + len(c.Rule) + min(len(c.Basis), 256)
		}
		for _, r := range d.Removed() {
			n += 90 + len(r.Path) + len(r.Rule)
		}
	}
	return n
}

// hopAllowance is what our hop record adds to a message at most, in bytes,
// short of long lists of removals.
const hopAllowance = 2 << 10

// passed reports whether the message came from or through a participant, who
// therefore need not get it again.
func (p *prepared) passed(peer string) bool {
	return p.from == peer || p.verified.Issuer() == peer ||
		slices.ContainsFunc(p.verified.Hops(), func(h envelope.Hop) bool { return h.Iss == peer })
}

// parties are the participants of whom [prepared.passed] is true.
func (p *prepared) parties() []string {
	out := []string{p.from, p.verified.Issuer()}
	for _, h := range p.verified.Hops() {
		out = append(out, h.Iss)
	}
	return out
}

// sent are the log entries that the draft's messages were made of.
func (d *draft) sent() []uint64 {
	out := make([]uint64, 0, len(d.cleared))
	for i := range d.verdicts {
		if d.verdicts[i].message >= 0 {
			out = append(out, d.verdicts[i].seq)
		}
	}
	return out
}

// seal signs the draft's messages, records in the journal what leaves and
// what does not, and fills the frame. Nothing leaves unrecorded.
func (n *Node) seal(ctx context.Context, d *draft, from uint64, f *link.Frame) error {
	n.at(stepExportVerified)
	var signed []*envelope.Signed
	if len(d.cleared) > 0 {
		var err error
		signed, err = envelope.SignFrame(d.cleared, envelope.Dispatch{Self: n.id, Key: n.keys.Message, Peer: d.peer,
			Now: d.now, FirstSeq: f.FirstSeq, Tables: d.world.Tables.Digest()})
		if err != nil {
			return err
		}
		f.Root = signed[0].Root()
		for _, s := range signed {
			f.Tails = append(f.Tails, s.Tail())
		}
		f.Blocks = n.blocks(signed, d.sent())
	}
	if len(d.verdicts) == 0 {
		return nil
	}
	n.at(stepExportJournal)
	if err := n.recordFrame(ctx, d, f, from); err != nil {
		return err
	}
	n.at(stepExportJournalled)
	for _, j := range d.verdicts {
		if len(j.waitsFor) > 0 {
			if err := n.awaits(j.waitsFor, waiter{d.peer, j.seq, j.lacking}, d.reach.begun); err != nil {
				return err
			}
		}
	}
	return nil
}
