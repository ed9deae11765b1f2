package relay

import (
	"context"
	"fmt"
	"time"

	"github.com/entente-relay/entente/federation/link"
	"github.com/entente-relay/entente/relay/bus"
	"github.com/entente-relay/entente/relay/journal"
)

// flow is how traffic moves over a link that stands. Back-pressure is a state
// and no error: whoever is slow is waited for, with two frames in hand and one on
// its way, and nobody else waits for it.
type flow string

const (
	flows   flow = ""        // nothing waits for long, or the link does not stand
	slow    flow = "slow"    // something waits longer than it should
	stalled flow = "stalled" // it waits so long that a person should look
)

// limits of patience are parts of the watchdog's: a quarter of it makes a link
// slow, all of it stalled.
const slowPart = 4

// moment is what is known of one link when its flow is judged. All times are of
// the machine's clock.
type moment struct {
	up      bool
	since   time.Time   // when the link came up
	pull    link.Status // of what this node fetches
	wait    time.Duration
	backlog uint64    // log entries not yet judged for the peer
	asked   time.Time // when the peer last began or ended a pull
	asking  bool      // a pull of the peer waits here now
}

// judge says how traffic moves, and why it does not.
func (m moment) judge(now time.Time, watchdog time.Duration) (flow, string) {
	if !m.up {
		return flows, ""
	}
	worst, why := flows, ""
	look := func(since time.Time, grace time.Duration, what string) {
		waits := now.Sub(latest(since, m.since)) - grace
		switch {
		case waits >= watchdog && worst != stalled:
			worst, why = stalled, what
		case waits >= watchdog/slowPart && worst == flows:
			worst, why = slow, what
		}
	}
	if m.pull.Phase == link.Committing {
		look(m.pull.Since, 0, "a frame of the peer is being stored here")
	}
	if !m.pull.Unanswered.IsZero() && m.pull.Phase != link.Committing {
		look(m.pull.Unanswered, m.wait, "the peer does not answer")
	}
	if m.backlog > 0 && !m.asking {
		look(m.asked, 0, fmt.Sprintf("the peer does not fetch what waits for it, %d log entries", m.backlog))
	}
	return worst, why
}

// flowing is the node's memory of how one link moves.
type flowing struct {
	flow flow
	why  string
	at   time.Time // since when, by the machine's clock
}

// watchFlow judges every link, and journals when the flow of one changes.
func (n *Node) watchFlow(ctx context.Context, states []bus.LinkState) {
	now := time.Now()
	known := map[string]bool{}
	for _, l := range states {
		known[l.Peer] = true
		after := flowing{at: now}
		after.flow, after.why = n.momentOf(l).judge(now, n.opt.Watchdog)
		n.mu.Lock()
		before := n.flows[l.Peer]
		if before.flow == after.flow && !before.at.IsZero() {
			after.at = before.at
		}
		n.flows[l.Peer] = after
		n.mu.Unlock()
		if before.flow == after.flow {
			continue
		}
		event := journal.Token(after.flow)
		if after.flow == flows {
			event = "flows"
		}
		n.slog.Info("how traffic moves over a link", "peer", l.Peer, "flow", event, "why", after.why)
		_, err := n.journal.Append(ctx, &journal.Record{At: n.now(), Link: &journal.LinkEvent{Peer: journal.Token(l.Peer), Event: event}})
		if err != nil && ctx.Err() == nil {
			n.slog.Error("the journal does not take the state of a link", "peer", l.Peer, "error", err)
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for peer := range n.flows {
		if !known[peer] {
			delete(n.flows, peer)
		}
	}
}

// asks notes that a pull of the peer is here; what it returns, that it is answered.
func (l *lane) asks() func() {
	l.asking.Add(1)
	l.asked.Store(time.Now().UnixNano())
	return func() {
		l.asked.Store(time.Now().UnixNano())
		l.asking.Add(-1)
	}
}

// momentOf gathers what the flow of a link is judged by.
func (n *Node) momentOf(l bus.LinkState) moment {
	lane := n.lane(l.Peer)
	m := moment{up: l.Up, since: l.Since, asking: lane.asking.Load() > 0}
	if at := lane.asked.Load(); at > 0 {
		m.asked = time.Unix(0, at)
	}
	last, pos := n.index.Applied(), lane.pos.Load()
	m.backlog = last - min(last, pos)
	n.mu.Lock()
	pull := n.pullers[l.Peer]
	n.mu.Unlock()
	if pull == nil {
		return moment{}
	}
	m.pull, m.wait = pull.puller.Status(), pull.puller.Wait
	return m
}
