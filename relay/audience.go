package relay

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/entente-relay/entente/federation/envelope"
	"github.com/entente-relay/entente/federation/policy"
	"github.com/entente-relay/entente/relay/store"
)

// Peers of one audience get the same of a log entry: it is judged and redacted
// for the first that asks, and the others share the result. What it rests on
// besides the audience is kept with it and looked at again for each of them:
// until when it stands, whom it would be otherwise for, and what the index was
// asked. Anything else is judged for the peer alone.

// sharedBytes bounds what is kept for audiences, in bytes.
const sharedBytes = 24 << 20

// sharedTries is how often an entry is judged for an audience in vain before
// each peer's turn is its own at once.
const sharedTries = 3

// audienceKey is what a shared verdict is for: an entry as it was read, the world
// it is judged by, and the audience, which knows all that is read of a peer.
type audienceKey struct {
	entry    *prepared
	world    *World
	audience policy.Audience
}

// shared is what was decided on one entry for one audience.
type shared struct {
	key   audienceKey
	done  chan struct{} // closed when the rest is there
	alone bool          // it holds for nobody else
	tries int

	judged  judged
	cleared *envelope.Cleared // nil when nothing of it goes
	common  *policy.Common
	since   uint64    // the index's moment before it was asked
	at      time.Time // the clock then
	trail   trail
	bytes   int
}

// trail is what a verdict rests on beside the terms of the peer.
type trail struct {
	until   time.Time      // it stands until then; zero: for good
	changes []store.Change // of what the index was asked about
	parties []string       // participants for whom it would be another: what they passed on is not kept from them
	absent  []string       // ids that nothing here answers to
	own     bool           // it may be another for each peer
}

// ends says that something changes at a moment, zero for never.
func (t *trail) ends(at time.Time) {
	if !at.IsZero() && (t.until.IsZero() || at.Before(t.until)) {
		t.until = at
	}
}

// follow adds what another verdict rests on.
func (t *trail) follow(o *trail) {
	t.ends(o.until)
	t.changes = append(t.changes, o.changes...)
	t.absent = append(t.absent, o.absent...)
	t.own = t.own || o.own
	for _, p := range o.parties {
		if !slices.Contains(t.parties, p) {
			t.parties = append(t.parties, p)
		}
	}
}

// holds reports whether what was decided stands for a draft's peer now.
func (s *shared) holds(n *Node, d *draft) bool {
	return !s.alone && !d.now.Before(s.at) && (s.trail.until.IsZero() || d.now.Before(s.trail.until)) &&
		!slices.Contains(s.trail.parties, d.peer) && s.common.Holds(d.recipient, d.now) &&
		!n.index.Changed(s.since, s.trail.changes) && !slices.ContainsFunc(s.trail.absent, n.publishing.has)
}

// audiences keeps what was decided for audiences, the oldest first to go.
type audiences struct {
	mu    sync.Mutex
	kept  map[audienceKey]*shared
	order []*shared
	bytes int
}

// take returns what is there for a key, and whether it is for the caller to make:
// nothing is, or that which is there was seen and does not hold.
func (a *audiences) take(key audienceKey, stale *shared) (s *shared, mine bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if s = a.kept[key]; s != nil && s != stale {
		return s, false
	}
	s = &shared{key: key, done: make(chan struct{})}
	if stale != nil && stale.alone {
		s.tries = stale.tries
	}
	if a.kept == nil {
		a.kept = map[audienceKey]*shared{}
	}
	a.kept[key] = s
	return s, true
}

// keep counts one that was made, and drops the oldest where there are too many.
func (a *audiences) keep(s *shared) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.order = append(a.order, s)
	for a.bytes += s.bytes; a.bytes > sharedBytes && len(a.order) > 1; a.order = a.order[1:] {
		old := a.order[0]
		a.bytes -= old.bytes
		if a.order[0] = nil; a.kept[old.key] == old {
			delete(a.kept, old.key)
		}
	}
}

// verdict decides on an entry for the draft's peer: as was decided for its
// audience where that holds, else for it alone.
func (x *exporter) verdict(ctx context.Context, d *draft, p *prepared) (judged, *envelope.Cleared, error) {
	if d.audience == (policy.Audience{}) || p.variants() {
		return x.alone(ctx, d, p)
	}
	key := audienceKey{p, d.world, d.audience}
	var stale *shared
	for range sharedTries {
		s, mine := x.node.audiences.take(key, stale)
		if mine {
			return x.first(ctx, d, p, s)
		}
		select {
		case <-s.done:
		case <-ctx.Done():
			return judged{}, nil, ctx.Err()
		}
		if s.holds(x.node, d) {
			if c, err := s.clearedFor(d); err == nil {
				return s.judged, c, nil
			}
		}
		if s.alone && s.tries >= sharedTries || slices.Contains(s.trail.parties, d.peer) {
			break
		}
		stale = s
	}
	return x.alone(ctx, d, p)
}

// clearedFor is what goes to the draft's peer, nil for nothing.
func (s *shared) clearedFor(d *draft) (*envelope.Cleared, error) {
	if s.cleared == nil {
		return nil, nil
	}
	return s.cleared.To(d.recipient, d.now)
}

// first decides for the draft's peer, and keeps what holds for its audience.
func (x *exporter) first(ctx context.Context, d *draft, p *prepared, s *shared) (judged, *envelope.Cleared, error) {
	n := x.node
	s.alone, s.tries = true, s.tries+1 // unless all goes well
	defer func() {
		close(s.done)
		n.audiences.keep(s)
	}()
	s.at, s.since, s.bytes = d.now, n.index.Moment(), 1<<10
	j, c, err := x.alone(ctx, d, p)
	if err != nil || len(j.waitsFor) > 0 {
		return j, c, err
	}
	s.judged, s.cleared, s.trail = j, c, d.reach.trail
	for i := range j.decisions {
		s.trail.ends(j.decisions[i].Until())
	}
	s.common = policy.CommonOf(j.decisions)
	s.alone = s.common == nil || s.common.Audience() != d.audience || s.trail.own || slices.Contains(s.trail.parties, d.peer)
	if !s.alone {
		s.bytes += j.weight + 512*len(j.decisions)
		if c != nil {
			s.bytes += c.Size()
		}
	}
	return j, c, nil
}
