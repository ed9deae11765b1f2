package relay

import (
	"context"
	"time"

	"github.com/entente-relay/entente/federation/link"
	"github.com/entente-relay/entente/relay/bus"
	"github.com/entente-relay/entente/relay/journal"
)

// defaultWatchdog is how long a link may stand while the peer answers nothing:
// a pull waits for at most 20 s there ([link.DefaultWait]), the rest is for
// building a frame and for the way. It is less than the minute after which the
// server itself notices that nobody answers its pings.
const defaultWatchdog = 40 * time.Second

// maxWatchdog bounds the patience with a link that is silent again and again:
// each time in a row it doubles.
const maxWatchdog = 10 * time.Minute

// watched is the watchdog's memory of one link.
type watched struct {
	kicks   int       // in a row, without an answer since
	at      time.Time // of the last one
	silence time.Time // since when the peer has said nothing; zero: it speaks
}

// patience is how long the link may be silent before the next kick.
func (w watched) patience(limit time.Duration) time.Duration {
	for range min(w.kicks, 30) {
		limit = min(2*limit, max(maxWatchdog, limit))
	}
	return limit
}

// look judges a link: kick says that it stands, but that nothing has come over
// it for too long. All times are of the machine's clock.
func (w watched) look(l bus.LinkState, s link.Status, limit time.Duration, now time.Time) (after watched, kick bool) {
	if s.Unanswered.IsZero() {
		return watched{}, false
	}
	w.silence = s.Unanswered
	if !l.Up || s.Pending.IsZero() {
		return w, false
	}
	// A new connection gets its time, too, and is not blamed for what it was not
	// asked.
	quiet := latest(s.Pending, l.Since, w.at)
	if now.Sub(quiet) < w.patience(limit) {
		return w, false
	}
	w.kicks++
	w.at = now
	return w, true
}

func latest(ts ...time.Time) time.Time {
	var last time.Time
	for _, t := range ts {
		if t.After(last) {
			last = t
		}
	}
	return last
}

// connected tells the pullers of the connections that were not there at the
// last look.
func (n *Node) connected(states []bus.LinkState, last map[string]bus.LinkState) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, l := range states {
		was := last[l.Peer]
		if pull := n.pullers[l.Peer]; pull != nil && l.Up && (!was.Up || was.Remote != l.Remote) {
			pull.puller.Connected()
		}
	}
}

// watchdog kicks links that stand but are silent. Either side may: the one
// that dials makes a new connection.
func (n *Node) watchdog(ctx context.Context, states []bus.LinkState) {
	for _, l := range states {
		n.mu.Lock()
		pull, was := n.pullers[l.Peer], n.watched[l.Peer]
		n.mu.Unlock()
		if pull == nil {
			n.setWatched(l.Peer, watched{})
			continue
		}
		after, kick := was.look(l, pull.puller.Status(), n.opt.Watchdog, time.Now())
		n.setWatched(l.Peer, after)
		if !kick {
			continue
		}
		n.slog.Warn("the link stands but the peer answers nothing: it is cut and made anew", "peer", l.Peer, "silent_since", after.silence)
		if err := n.bus.Kick(l.Peer); err != nil {
			n.slog.Error("a silent link could not be cut", "peer", l.Peer, "error", err)
			continue
		}
		_, err := n.journal.Append(ctx, &journal.Record{At: n.now(), Link: &journal.LinkEvent{Peer: journal.Token(l.Peer), Event: "stalled", Since: after.silence}})
		if err != nil && ctx.Err() == nil {
			n.slog.Error("the journal does not take the state of a link", "peer", l.Peer, "error", err)
		}
	}
}

func (n *Node) setWatched(peer string, w watched) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if w == (watched{}) {
		delete(n.watched, peer)
		return
	}
	n.watched[peer] = w
}

// letGo closes the connections of a peer that asks and does not read: what waits
// for it there would grow with each answer. It makes a new one.
func (n *Node) letGo(peer string) {
	n.slog.Warn("the peer asks and does not read the answers: its connection is closed", "peer", peer, "bytes", link.MaxUnread)
	if err := n.bus.Kick(peer); err != nil {
		n.slog.Error("the connection of a peer that does not read could not be closed", "peer", peer, "error", err)
	}
}
