package relay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/entente-relay/entente/configs"
	"github.com/entente-relay/entente/federation/policy"
	"github.com/entente-relay/entente/relay/dashboard"
)

// Bounds of a simulation.
const (
	flipExamples = 3 // of one group
	// simulateBatch is how many log entries are judged in one go. Between two
	// batches it rests for as long as the last one took, so that it takes at
	// most half of one core from the node, and what it knows of mentioned
	// objects is forgotten, so that it needs no more memory for a longer log.
	simulateBatch = 64
)

// errSimulating says that one runs already.
var errSimulating = errors.New("a simulation is running already: wait until it has ended")

// Simulate judges what the log holds since a moment (zero: all of it) for every
// peer, by the rules in force and by packed ones, and tells what flips. Both
// judge as of now and by the same facts, so what flips does so for the rules
// alone. What was held or refused at the way in is not judged again.
func (n *Node) Simulate(ctx context.Context, packed []byte, since time.Time) (dashboard.Simulation, error) {
	if !n.simulating.TryLock() {
		return dashboard.Simulation{}, errSimulating
	}
	defer n.simulating.Unlock()
	w := n.world.Load()
	other, err := unpackRules(packed, w.Tables)
	if err != nil {
		return dashboard.Simulation{}, fmt.Errorf("%w: %w", configs.ErrConfig, err)
	}
	s := newSimulation(ctx, n, w, other, since)
	if err := s.run(); err != nil {
		return dashboard.Simulation{}, err
	}
	return s.result(), nil
}

// simulation is one replay. It is for one goroutine.
type simulation struct {
	ctx    context.Context
	node   *Node
	world  *World
	other  *policy.Bundle
	now    time.Time
	far    far
	out    dashboard.Simulation
	groups map[flipKey]*dashboard.FlipGroup
	// rest waits between batches; tests do without.
	rest func(context.Context, time.Duration) error
}

// flipKey is what flips are grouped by.
type flipKey struct {
	effect   policy.Effect
	from, to string
	rule, by string
	reason   string
}

func newSimulation(ctx context.Context, n *Node, w *World, other *policy.Bundle, since time.Time) *simulation {
	s := &simulation{ctx: ctx, node: n, world: w, other: other, now: n.now(), groups: map[flipKey]*dashboard.FlipGroup{}, rest: pause}
	s.out = dashboard.Simulation{At: s.now, Since: since, Before: w.Bundle.Digest(), After: other.Digest(), Diff: policy.Diff(w.Bundle, other), Peers: []string{}}
	for _, p := range w.Peers {
		s.out.Peers = append(s.out.Peers, p.Agreement.Peer)
		if err := other.Check(p.Agreement, s.now); err != nil {
			s.out.Unjudged.Terms = append(s.out.Unjudged.Terms, fmt.Sprintf("%s: %v", p.Agreement.Peer, err))
		}
	}
	return s
}

// pause waits, or until ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// run walks the log, up to where it stands at the beginning.
func (s *simulation) run() error {
	last := s.node.known()
	pos, err := s.begin(last)
	if err != nil {
		return err
	}
	log := logReader{node: s.node, world: s.world, own: &s.far}
	for pos <= last {
		start := time.Now()
		batch := s.reaches()
		for range simulateBatch {
			p, err := log.at(s.ctx, pos)
			if err != nil {
				return err
			}
			if p == nil || p.seq > last {
				s.out.Unjudged.Gone += int(last + 1 - pos)
				pos = last + 1
				break
			}
			s.out.Unjudged.Gone += int(p.seq - pos)
			if err := s.entry(batch, p); err != nil {
				return err
			}
			if pos = p.seq + 1; pos > last {
				break
			}
		}
		if pos <= last {
			if err := s.rest(s.ctx, min(time.Since(start), time.Second)); err != nil {
				return err
			}
		}
	}
	return nil
}

// begin finds the first log entry since the moment asked for. What the log no
// longer keeps from before counts only when all of it was asked for.
func (s *simulation) begin(last uint64) (uint64, error) {
	if s.out.Since.IsZero() {
		return 1, nil
	}
	lo, hi := uint64(1), last+1
	for lo < hi {
		mid := lo + (hi-lo)/2
		got, err := s.node.log.Read(s.ctx, mid, 1, 1)
		if err != nil {
			return 0, err
		}
		if len(got) == 0 {
			hi = mid
			continue
		}
		e, err := decodeEntry(got[0].Data)
		if err != nil {
			return 0, fmt.Errorf("log sequence %d: %w", got[0].Seq, err)
		}
		if e.At.Before(s.out.Since) {
			lo = got[0].Seq + 1
		} else {
			hi = mid
		}
	}
	return lo, nil
}

// both are what is found out for one peer, by either bundle.
type both struct{ is, would *reach }

// reaches makes new ones for every peer.
func (s *simulation) reaches() map[string]both {
	out := map[string]both{}
	for _, peer := range s.out.Peers {
		r := s.world.Recipient(peer)
		b := both{newReach(s.ctx, s.node, s.world, r, peer, s.now), newReach(s.ctx, s.node, s.world, r, peer, s.now)}
		b.is.far, b.would.far, b.would.bundle = &s.far, &s.far, s.other
		out[peer] = b
	}
	return out
}

// entry judges one log entry for every peer.
func (s *simulation) entry(peers map[string]both, p *prepared) error {
	s.out.Unjudged.Erased += p.erased
	switch {
	case p.lost:
		s.out.Unjudged.Gone++
		return nil
	case p.unverified:
		s.out.Unjudged.Unverified++
		return nil
	case p.kind != entryMessage:
		return nil
	}
	s.out.Messages++
	s.out.Objects += len(p.subjects)
	for _, peer := range s.out.Peers {
		if p.passed(peer) {
			continue
		}
		b := peers[peer]
		is, err := b.is.judge(p)
		if err != nil {
			return err
		}
		would, err := b.would.judge(p)
		if err != nil {
			return err
		}
		s.out.Decisions += len(is)
		for i := range is {
			if f, ok := compare(is[i], would[i]); ok {
				s.flipped(f, dashboard.FlipExample{Peer: peer, Log: p.seq, Issuer: p.verified.Owner(), ID: p.subjects[i].Object().ID()})
			}
		}
	}
	return nil
}

// flipped counts one flip.
func (s *simulation) flipped(f flip, x dashboard.FlipExample) {
	s.out.Flipped++
	if f.effect == policy.Widens {
		s.out.Widened++
	} else {
		s.out.Narrowed++
	}
	key := flipKey{f.effect, string(f.from), string(f.to), f.rule, f.by, f.reason}
	g := s.groups[key]
	if g == nil {
		g = &dashboard.FlipGroup{Effect: f.effect, From: f.from, To: f.to, Rule: f.rule, Basis: f.basis, Reason: f.reason, By: f.by, Peers: map[string]int{}}
		s.groups[key] = g
	}
	g.Count++
	g.Peers[x.Peer]++
	if len(g.Examples) < flipExamples {
		x.Shown, x.Removed, x.Text = f.shown, f.removed, f.text
		g.Examples = append(g.Examples, x)
	}
}

// result sorts the groups: what widens first, then the largest.
func (s *simulation) result() dashboard.Simulation {
	s.out.Groups = []dashboard.FlipGroup{}
	for g := range maps.Values(s.groups) {
		s.out.Groups = append(s.out.Groups, *g)
	}
	slices.SortFunc(s.out.Groups, func(a, b dashboard.FlipGroup) int {
		if a.Effect != b.Effect {
			if a.Effect == policy.Widens {
				return -1
			}
			return 1
		}
		return cmp.Or(b.Count-a.Count, cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.By, b.By), cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To))
	})
	if s.out.Diff == nil {
		s.out.Diff = []policy.Difference{}
	}
	return s.out
}
