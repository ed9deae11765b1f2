package bus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// external is a NATS server or cluster that somebody else runs. What it lets
// whom do is its operator's work: one account per link without JetStream, and
// one with JetStream for the logs that no peer can enter.
type external struct {
	conf Config
	ext  External

	mu    sync.Mutex
	links map[string]*nats.Conn // to tell their state
}

func startExternal(c Config) (*external, error) {
	e := &external{conf: c, ext: *c.External, links: map[string]*nats.Conn{}}
	relay, err := e.ext.Relay.resolve()
	if err != nil {
		return nil, fmt.Errorf("bus: external NATS: %w", err)
	}
	e.ext.APIPrefix = strings.TrimSuffix(e.ext.APIPrefix, ".")
	if e.ext.APIPrefix == "" {
		e.ext.APIPrefix = relay.apiPrefix
	}
	if e.ext.APIPrefix == "" {
		e.ext.APIPrefix = defaultAPIPrefix
	}
	return e, nil
}

func (e *external) apiPrefix() string { return e.ext.APIPrefix }

func (e *external) relayConn() (*nats.Conn, error) { return e.connect(e.ext.Relay) }

func (e *external) linkConn(peer string, opts ...nats.Option) (*nats.Conn, error) {
	nc, err := e.connect(e.ext.Links[peer], opts...)
	if err == nil {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.links[peer] = nc
	}
	return nc, err
}

// connect opens a connection that comes back by itself when the server goes
// away, for as long as the node runs.
func (e *external) connect(p Endpoint, opts ...nats.Option) (*nats.Conn, error) {
	r, err := p.resolve()
	if err != nil {
		return nil, err
	}
	own, err := r.options()
	if err != nil {
		return nil, err
	}
	log := e.conf.Logger
	opts = append(append(own, nats.Name("entente "+e.conf.Name), nats.MaxReconnects(-1), nats.ReconnectWait(500*time.Millisecond),
		nats.DisconnectErrHandler(func(nc *nats.Conn, err error) {
			log.Warn("external NATS is gone", "url", nc.ConnectedUrlRedacted(), "err", err)
		}),
		nats.ReconnectHandler(func(nc *nats.Conn) { log.Info("external NATS is back", "url", nc.ConnectedUrlRedacted()) })), opts...)
	nc, err := nats.Connect(r.URL, opts...)
	if errors.Is(err, nats.ErrAuthorization) {
		return nil, fmt.Errorf("bus: external NATS at %s refuses the credentials: %w", r.redacted(), err)
	}
	if err != nil {
		return nil, fmt.Errorf("bus: external NATS at %s: %w", r.redacted(), err)
	}
	return nc, nil
}

// setPeers has nothing to tell the server; Start's caller configured it.
func (e *external) setPeers(_ context.Context, before, peers []Peer) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, p := range before {
		if !slices.ContainsFunc(peers, func(q Peer) bool { return q.ID == p.ID }) {
			delete(e.links, p.ID)
		}
	}
	return nil
}

func (e *external) setIdentity(context.Context, []byte, []byte, []Peer) error { return nil }

// kick makes our side's connection anew. What stands between the external
// server and the peer is that server's operator's.
func (e *external) kick(peer string) error {
	e.mu.Lock()
	nc := e.links[peer]
	e.mu.Unlock()
	if nc == nil {
		return nil
	}
	return nc.ForceReconnect()
}

// leafs tells whether our side of each link stands; how the peer's side does is
// known only to the external server.
func (e *external) leafs() (map[string]LinkState, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	states := map[string]LinkState{}
	for peer, nc := range e.links {
		if nc.IsConnected() {
			states[peer] = LinkState{Peer: peer, Up: true, Remote: nc.ConnectedAddr()}
		}
	}
	return states, nil
}

func (e *external) stop() error { return nil }
