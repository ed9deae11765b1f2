package relay

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/policy"
	"github.com/entente-relay/entente/relay/store"
)

// reach finds out for one peer and one frame how the objects stand that a
// message mentions and does not hold: in the index, then in the log, then by
// the same decision that they would get themselves. It is for one goroutine.
type reach struct {
	*policy.Closure

	ctx       context.Context
	node      *Node
	world     *World         // by which the log is read
	bundle    *policy.Bundle // by which it is judged: the world's, or one that is tried out
	far       *far
	recipient *policy.Recipient
	peer      string
	now       time.Time
	begun     judgedAt

	depth  int               // of questions about what says less
	lesser map[origin]string // why what says less in its place stays here, "" if it may go

	found map[mention]*finding // how ids outside their messages stand
	trail trail                // what the last verdict rests on, see audiences

	err   error // the first fault of the index or the log
	early bool  // something mentioned is being published just now
}

// mention is an id as an issuer mentions it, finding how it stands and what that
// rests on.
type (
	mention struct{ issuer, id string }
	finding struct {
		policy.Standing
		trail trail
	}
)

func newReach(ctx context.Context, n *Node, w *World, r *policy.Recipient, peer string, now time.Time) *reach {
	x := &reach{ctx: ctx, node: n, world: w, bundle: w.Bundle, far: &n.far, recipient: r, peer: peer, now: now, begun: n.judgedNow(), found: map[mention]*finding{}}
	x.Closure = policy.NewClosure(x.find)
	return x
}

// looked is how many ids outside their messages were looked up.
func (x *reach) looked() int { return len(x.found) }

// judge decides on all objects of a log entry, and closes the decisions over
// what they mention in it and elsewhere.
func (x *reach) judge(p *prepared) ([]policy.Decision, error) {
	// Each message is closed by itself over what was found for all, so that it is
	// known what its verdict rests on.
	x.Closure, x.trail = policy.NewClosure(x.find), trail{}
	ds := make([]policy.Decision, len(p.subjects))
	withdrawn := x.node.withdrawn(p)
	for i := range p.subjects {
		ds[i] = x.decide(p, i, withdrawn[i])
	}
	ds = x.Relate(ds)
	return ds, x.err
}

// decide judges one object: what its issuer took back, and what this node holds
// or refused itself, goes to nobody.
func (x *reach) decide(p *prepared, i int, withdrawn bool) policy.Decision {
	x.trail.changes = append(x.trail.changes, x.node.index.ChangeOfDigest(p.subjects[i].Digest()))
	if at := x.world.retention.due(p.from, p.at, &p.items[i]); x.now.Before(at) {
		x.trail.ends(at)
	}
	if withdrawn {
		return x.bundle.Withhold(p.subjects[i], x.recipient, federation.Withhold, federation.Withdrawn, "its issuer took it back", x.now)
	}
	if why, err := x.node.over(x.world, p, i, x.now); err != nil || why != "" {
		if err != nil {
			x.failed(err) // the frame is not made
		}
		return x.bundle.Withhold(p.subjects[i], x.recipient, federation.Withhold, cmp.Or(why, federation.Expired), wordsFor(why), x.now)
	}
	if x.world.hidden(p.verified.Owner()) {
		return x.bundle.Withhold(p.subjects[i], x.recipient, federation.Withhold, federation.NotReleasable, "its source is to stay unnamed", x.now)
	}
	it := p.items[i]
	if it.Outcome == held {
		return x.bundle.Withhold(p.subjects[i], x.recipient, federation.Hold, it.Reason, it.Text, x.now)
	}
	d := x.bundle.Decide(p.subjects[i], x.recipient, x.now)
	if len(d.Persons()) > 0 && x.world.revoked(p, x.now) {
		return x.bundle.Withhold(p.subjects[i], x.recipient, federation.Withhold, federation.RevokedKey, "who signed it revoked the key since, and no person lets it go", x.now)
	}
	if o := it.Origin; o != nil && o.Less {
		return x.sayLess(p, i, *o, d)
	}
	return d
}

// sayLess judges what says less in an object's place. It says as little as can be
// said: of a part of it nobody would be the wiser, who has the rest of the object.
func (x *reach) sayLess(p *prepared, i int, o origin, d policy.Decision) policy.Decision {
	x.trail.own = true // it hangs on what else the peer gets
	if no := x.instead(p, o); no != "" {
		return x.bundle.Withhold(p.subjects[i], x.recipient, federation.Withhold, federation.Duplicate, no, x.now)
	}
	if rs := d.Reasons(); d.Verdict() == federation.Redact && len(rs) > 0 {
		return x.bundle.Withhold(p.subjects[i], x.recipient, federation.Withhold, rs[0].Reason, rs[0].Text, x.now)
	}
	return d
}

// revoked reports whether the key under a message was revoked since it came:
// what goes by the rules goes on, for it was good when it came, but nobody
// decides for it any more.
func (w *World) revoked(p *prepared, now time.Time) bool {
	k, ok := w.Directory.Key(p.verified.KeyID())
	return !ok || !k.RevokedAt.IsZero() && !now.Before(k.RevokedAt)
}

// find says how an id stands, looked up once for all messages.
func (x *reach) find(issuer, id string) policy.Standing {
	k := mention{issuer, id}
	f := x.found[k]
	if f == nil {
		before := x.trail
		x.trail = trail{changes: []store.Change{x.node.index.ChangeOfID(id)}}
		f = &finding{Standing: x.lookUp(issuer, id)}
		x.found[k], f.trail, x.trail = f, x.trail, before
	}
	x.trail.follow(&f.trail)
	return f.Standing
}

// lookUp says how an id stands. What cannot be read counts as held, and the
// frame is not made.
func (x *reach) lookUp(issuer, id string) policy.Standing {
	places, err := x.node.index.Places(issuer, id)
	if err != nil {
		return x.failed(err)
	}
	if len(places) == 0 {
		return x.absent(issuer, id)
	}
	var s policy.Standing
	for _, place := range places {
		if err := x.stand(&s, place); err != nil {
			return x.failed(err)
		}
	}
	// What no longer verifies, or is no longer kept, goes to nobody either.
	s.Held = len(s.Decisions) == 0
	return s
}

// stand adds the decisions on one object. One that came by several messages
// goes if any of them lets it.
func (x *reach) stand(s *policy.Standing, place store.Place) error {
	seqs := []uint64{place.LogSeq}
	for first := true; len(seqs) > 0; first = false {
		p, err := x.node.entryIn(x.ctx, x.far, x.world, seqs[0])
		if err != nil {
			return err
		}
		seqs = seqs[1:]
		if p != nil && p.verified != nil {
			if i := slices.IndexFunc(p.subjects, func(sub *policy.Subject) bool { return sub.Digest() == place.Digest }); i >= 0 {
				d := x.decide(p, i, x.node.index.Withdrawn(place.Issuer, [][32]byte{place.Digest})[0])
				s.Theirs = s.Theirs || p.passed(x.peer)
				x.trail.ends(d.Until())
				x.trail.parties = append(x.trail.parties, p.parties()...)
				s.Decisions = append(s.Decisions, d)
				if s.Theirs || d.Verdict() == federation.Share || d.Verdict() == federation.Redact {
					return nil
				}
			}
		}
		if !first {
			continue
		}
		ways, err := x.node.index.Routes(x.ctx, place.Issuer, place.Digest)
		if err != nil {
			return err
		}
		for _, w := range ways {
			if w.LogSeq != place.LogSeq {
				seqs = append(seqs, w.LogSeq)
			}
		}
	}
	return nil
}

// absent says how an id stands that no object taken here has.
func (x *reach) absent(issuer, id string) policy.Standing {
	mark := x.node.keys.mark(issuer, id)
	x.trail.absent = append(x.trail.absent, id)
	x.trail.changes = append(x.trail.changes, x.node.index.ChangeOfMark(mark))
	waits, err := x.node.index.Waits(id)
	if err != nil {
		return x.failed(err)
	}
	if !waits {
		refused, err := x.node.index.Refused(mark)
		if err != nil {
			return x.failed(err)
		}
		if refused {
			return policy.Standing{Refused: true}
		}
	}
	if !waits && x.node.publishing.has(id) {
		x.early, waits = true, true
	}
	return policy.Standing{Held: waits}
}

func (x *reach) failed(err error) policy.Standing {
	if x.err == nil {
		x.err = err
	}
	return policy.Standing{Held: true}
}

// farBytes bounds the log entries kept that were read again.
const farBytes = 8 << 20

// far keeps log entries that were read again, for peers that are behind and
// because others refer to them, the oldest reading first to go. They belong to
// one world.
type far struct {
	mu      sync.Mutex
	world   *World
	entries map[uint64]*prepared
	order   []uint64
	bytes   int
}

func (f *far) get(w *World, seq uint64) *prepared {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.world != w {
		f.world, f.entries, f.order, f.bytes = w, map[uint64]*prepared{}, nil, 0
	}
	return f.entries[seq]
}

func (f *far) put(w *World, p *prepared) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.world != w || f.entries[p.seq] != nil {
		return
	}
	f.entries[p.seq] = p
	f.order = append(f.order, p.seq)
	for f.bytes += p.bytes; f.bytes > farBytes && len(f.order) > 1; f.order = f.order[1:] {
		f.bytes -= f.entries[f.order[0]].bytes
		delete(f.entries, f.order[0])
	}
}

// forget empties it: an entry was written anew.
func (f *far) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.world = nil
}

// entryAt returns the log entry with exactly that sequence, nil if it is no
// longer kept.
func (n *Node) entryAt(ctx context.Context, w *World, seq uint64) (*prepared, error) {
	return n.entryIn(ctx, &n.far, w, seq)
}

// entryIn is entryAt with what was read again kept elsewhere, so that one who
// reads a lot takes nothing from the peers.
func (n *Node) entryIn(ctx context.Context, f *far, w *World, seq uint64) (*prepared, error) {
	if p := n.recent.get(seq); p != nil {
		return p, nil
	}
	if p := f.get(w, seq); p != nil {
		return p, nil
	}
	st, ok, err := n.stored(ctx, seq)
	if err != nil || !ok {
		return nil, err
	}
	p, err := (&logReader{node: n, world: w}).prepare(st)
	if err != nil {
		return nil, err
	}
	f.put(w, p)
	return p, nil
}
