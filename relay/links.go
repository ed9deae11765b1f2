package relay

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/entente-relay/entente/configs"
	"github.com/entente-relay/entente/federation/link"
	"github.com/entente-relay/entente/relay/bus"
	"github.com/entente-relay/entente/relay/journal"
)

// Reload reads configuration, data, terms and statements again and puts them
// in force at once. When anything in them is wrong, all of it stays as it was.
// Of the node's keys only the TLS certificate of its links is read again, for
// connections made from then on; its id and addresses are not.
//
// A change by which something that was denied may be allowed needs the consent
// of two persons, see Activate.
func (n *Node) Reload(ctx context.Context) error {
	_, err := n.Activate(ctx, false)
	return err
}

// reload is Reload; the caller holds n.reloading. Without an activation nothing
// has changed.
func (n *Node) reload(ctx context.Context, alone bool) (*activation, error) {
	cfg, err := configs.LoadNode(n.cfg.Path)
	if err != nil {
		return nil, err
	}
	if cfg.Node.ID != n.id {
		return nil, fmt.Errorf("%w: node.id changed from %s to %s: an id cannot change", configs.ErrConfig, n.id, cfg.Node.ID)
	}
	w, err := LoadWorld(cfg, n.now())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", configs.ErrConfig, err)
	}
	if err := n.keys.canSeal(w); err != nil {
		return nil, err
	}
	shown, err := n.newIdentity(w)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", configs.ErrConfig, err)
	}
	a, err := n.judgeChange(ctx, w, alone)
	if err != nil {
		return nil, err
	}
	if !a.before.same(a.after) {
		if err := n.keepStand(n.cfg, w); err != nil {
			return nil, err
		}
	}
	before := n.world.Swap(w)
	n.recent.drop()
	n.watchObserved()
	n.expires.Store(true) // by other rules, or another clock
	n.wake()
	// A journal that refuses does not keep a peer from being cut off.
	_, err = n.journal.Append(ctx, &journal.Record{At: n.now(), Reload: &journal.Reload{What: "all",
		Before: journal.Token(before.Bundle.Digest()), After: journal.Token(w.Bundle.Digest()), By: tokens(a.by)}})
	if err := errors.Join(err, n.applyPeers(ctx), n.tellPeers(ctx), n.showIdentity(ctx, shown)); err != nil {
		return a, err
	}
	n.slog.Info("reloaded", "policy", w.Bundle.Digest(), "peers", len(w.Peers))
	if err := n.retryPending(ctx); err != nil {
		return a, err
	}
	return a, n.retryHeld(ctx)
}

// applyPeers makes links and pullers follow the accepted terms.
func (n *Node) applyPeers(ctx context.Context) error {
	w := n.world.Load()
	var peers []bus.Peer
	want := map[string]bool{}
	for _, p := range w.Peers {
		if p.Statement == nil || p.Statement.LinkNKey == "" {
			continue // a recipient without traffic
		}
		id := p.Agreement.Peer
		if p.Paused == nil {
			want[id] = true
		}
		peers = append(peers, bus.Peer{ID: id, NKeyPublic: p.Statement.LinkNKey, CertPEM: []byte(p.Statement.LinkCert), DialURL: p.Dial, Proxy: p.Proxy, Paused: p.Paused != nil})
	}
	n.stopPullers(want)
	if err := n.bus.SetPeers(ctx, peers); err != nil {
		return fmt.Errorf("links: %w", err)
	}
	var errs []error
	for id := range want {
		errs = append(errs, n.startPeer(id))
	}
	return errors.Join(errs...)
}

// stopPullers ends pulling from peers that are not wanted, and answering them,
// and waits for the pullers.
func (n *Node) stopPullers(want map[string]bool) {
	n.mu.Lock()
	var gone []*pulling
	for id, p := range n.pullers {
		if !want[id] {
			gone = append(gone, p)
			delete(n.pullers, id)
		}
	}
	n.mu.Unlock()
	for _, p := range gone {
		p.cancel()
		<-p.done
	}
}

// startPeer answers a peer's pulls and begins to pull from it.
func (n *Node) startPeer(id string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if _, running := n.pullers[id]; running {
		return nil
	}
	ctx, cancel := context.WithCancel(n.ctx)
	// What is being answered when the peer is paused or removed ends at once,
	// and nothing more is.
	err := n.bus.Serve(id, func(asked context.Context, req []byte) []byte {
		asked, stop := context.WithCancel(asked)
		defer stop()
		defer context.AfterFunc(ctx, stop)()
		answer := n.server.Serve(asked, id, req)
		if ctx.Err() != nil {
			return nil
		}
		return answer
	})
	if err != nil {
		cancel()
		return fmt.Errorf("peer %s: %w", id, err)
	}
	// A request that was lost is given up before the watchdog acts, and made
	// again on the link that stands.
	wait := min(link.DefaultWait, n.opt.Watchdog/2)
	p := &pulling{cancel: cancel, done: make(chan struct{}), puller: &link.Puller{Peer: id, Self: n.id,
		Transport: peerTransport{n.bus, id}, Sink: &importer{node: n, peer: id}, Signer: n.keys.Message, Log: n.slog, Stamp: n.now,
		Seal: func() (*link.Seal, error) { return n.sealOf(id) },
		Wait: wait, Margin: (n.opt.Watchdog - wait) * 3 / 4,
		Refused: func(err error) { n.violated(id, err) }}}
	n.pullers[id] = p
	n.wg.Go(func() {
		defer close(p.done)
		if err := p.puller.Run(ctx); ctx.Err() == nil {
			n.slog.Error("pulling from a peer ended", "peer", id, "error", err)
		}
	})
	return nil
}

// linkPoll is how often a waiting request looks whether its link still stands.
const linkPoll = 500 * time.Millisecond

// peerTransport asks one peer over the bus.
type peerTransport struct {
	bus  *bus.Bus
	peer string
}

// Request asks and waits for the answer, but no longer than the connection
// stands over which it asked: a long poll would else outlive a cut by its
// whole length.
func (t peerTransport) Request(ctx context.Context, req []byte) ([]byte, error) {
	over, _ := t.link()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go t.watch(ctx, over, cancel)
	resp, err := t.bus.Request(ctx, t.peer, req)
	if err != nil && errors.Is(context.Cause(ctx), link.ErrCut) {
		return nil, link.ErrCut
	}
	return resp, err
}

// watch cancels a request when the connection it went over is gone.
func (t peerTransport) watch(ctx context.Context, over string, cancel context.CancelCauseFunc) {
	tick := time.NewTicker(linkPoll)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if remote, up := t.link(); !up || remote != over {
				cancel(link.ErrCut)
				return
			}
		}
	}
}

// link tells whether the connection to the peer stands, and its other end.
func (t peerTransport) link() (remote string, up bool) {
	for _, l := range t.bus.Links() {
		if l.Peer == t.peer {
			return l.Remote, l.Up
		}
	}
	return "", false
}

// lane is the state of what goes to one peer.
type lane struct {
	sync.Mutex
	turn atomic.Uint64 // number of the newest pull
	pos  atomic.Uint64 // log sequence up to which the peer's last pull had it
	// asked is when the peer's last pull began or ended, in nanoseconds of Unix
	// time by the machine's clock; asking, how many wait here now.
	asked  atomic.Int64
	asking atomic.Int32
	high   uint64 // log sequence up to which the log was ever judged for the peer

	pulls, again budget
	sent         sentFrames
	// recorded is the journal's last record of a frame for the peer since the
	// start, under the mutex.
	recorded uint64

	turning sync.Mutex
	newer   chan struct{} // closed when another pull comes
}

// next gives a pull its turn. The channel is closed when a newer one comes:
// the pull that waits then ends at once, or those of processes that are no
// more would fill all places of the peer for as long as they were to wait.
func (l *lane) next() (turn uint64, newer <-chan struct{}) {
	l.turning.Lock()
	defer l.turning.Unlock()
	if l.newer != nil {
		close(l.newer)
	}
	l.newer = make(chan struct{})
	return l.turn.Add(1), l.newer
}

func (n *Node) lane(peer string) *lane {
	n.mu.Lock()
	defer n.mu.Unlock()
	l, ok := n.lanes[peer]
	if !ok {
		l = &lane{}
		n.lanes[peer] = l
	}
	return l
}
