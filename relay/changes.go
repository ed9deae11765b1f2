package relay

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/entente-relay/entente/relay/bus"
	"github.com/entente-relay/entente/relay/journal"
)

// toldPeer is what the journal was last told about a peer.
type toldPeer struct {
	paused      bool
	observed    bool
	sealed      bool
	agreement   digest
	fingerprint string
}

func told(p *Peer) toldPeer {
	t := toldPeer{paused: p.Paused != nil, observed: p.Observed != nil, sealed: p.Seal != "", agreement: p.Digest}
	if p.Statement != nil {
		t.fingerprint = p.Statement.Fingerprint()
	}
	return t
}

// peersNow is every peer as the world has it.
func (w *World) peersNow() map[string]toldPeer {
	now := map[string]toldPeer{}
	for _, p := range w.Peers {
		now[p.Agreement.Peer] = told(p)
	}
	return now
}

// peerChanges says what happened to one peer between two states.
func peerChanges(before, after toldPeer, was, is bool) []journal.Token {
	switch {
	case was && !is:
		return []journal.Token{"removed"}
	case is && !was:
		out := []journal.Token{"added"}
		if after.observed {
			out = append(out, "observed")
		}
		if after.paused {
			out = append(out, "paused")
		}
		return out
	}
	var out []journal.Token
	switch {
	case after.observed && !before.observed:
		out = append(out, "observed")
	case before.observed && !after.observed:
		out = append(out, "sending")
	}
	if before.fingerprint != after.fingerprint {
		out = append(out, "rotated")
	}
	if before.agreement != after.agreement {
		out = append(out, "agreement")
	}
	switch {
	case after.sealed && !before.sealed:
		out = append(out, "sealed")
	case before.sealed && !after.sealed:
		out = append(out, "unsealed")
	}
	switch {
	case after.paused && !before.paused:
		out = append(out, "paused")
	case before.paused && !after.paused:
		out = append(out, "resumed")
	}
	return out
}

// tellPeers journals how peers differ from what the journal was told before. What
// it could not take is told by the next reload. The caller holds n.reloading.
func (n *Node) tellPeers(ctx context.Context) error {
	now := n.world.Load().peersNow()
	ids := maps.Clone(now)
	maps.Copy(ids, n.toldPeers)
	for _, id := range slices.Sorted(maps.Keys(ids)) {
		before, was := n.toldPeers[id]
		after, is := now[id]
		about := after
		if !is {
			about = before
		}
		for _, change := range peerChanges(before, after, was, is) {
			_, err := n.journal.Append(ctx, &journal.Record{At: n.now(), Peer: &journal.PeerChange{Peer: journal.Token(id), Change: change,
				Agreement: journal.Digest(about.agreement), Fingerprint: journal.Label(about.fingerprint)}})
			if err != nil {
				return err
			}
		}
		if is {
			n.toldPeers[id] = after
		} else {
			delete(n.toldPeers, id)
		}
	}
	return nil
}

// linkWatch is how often links are looked at, and so the most often that one
// link comes into the journal: one that flaps cannot fill it.
const linkWatch = time.Second

// watchLinks journals when links go up and down, and makes silent ones anew,
// until ctx ends.
func (n *Node) watchLinks(ctx context.Context) {
	tick := time.NewTicker(linkWatch)
	defer tick.Stop()
	last := map[string]bus.LinkState{}
	failing := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		states := n.bus.Links()
		n.connected(states, last)
		n.watchdog(ctx, states)
		n.watchFlow(ctx, states)
		err := n.tellLinks(ctx, states, last)
		if err != nil && !failing && ctx.Err() == nil {
			n.slog.Error("the journal does not take the state of links", "error", err)
		}
		failing = err != nil
	}
}

// tellLinks journals each link whose state is not that in last, and puts it
// there. What the journal refuses is told again at the next look.
func (n *Node) tellLinks(ctx context.Context, states []bus.LinkState, last map[string]bus.LinkState) error {
	gone := maps.Clone(last)
	var errs []error
	tell := func(s bus.LinkState, event journal.Token) {
		_, err := n.journal.Append(ctx, &journal.Record{At: n.now(), Link: &journal.LinkEvent{Peer: journal.Token(s.Peer), Event: event}})
		if err == nil {
			last[s.Peer] = s
		}
		errs = append(errs, err)
	}
	for _, s := range states {
		delete(gone, s.Peer)
		if event := linkEvent(last[s.Peer], s); event != "" {
			tell(s, event)
		} else {
			last[s.Peer] = s
		}
	}
	for id, s := range gone {
		if !s.Up {
			delete(last, id)
			continue
		}
		s.Up = false
		tell(s, "kicked")
	}
	return errors.Join(errs...)
}

// linkEvent is the journal's word for a change of a link, "" for none.
func linkEvent(before, after bus.LinkState) journal.Token {
	switch {
	case after.Up == before.Up:
		return ""
	case after.Up:
		return "up"
	case after.Paused:
		return "kicked"
	default:
		return "down"
	}
}
