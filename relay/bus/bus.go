package bus

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// MaxRequest is the most bytes of a request or an answer over a link, and of a
// NATS message altogether (the usual max_payload of NATS).
const MaxRequest = 1 << 20

// transport is where the connections of a bus come from: the embedded server
// or an external one. Everything else in this package is the same for both.
type transport interface {
	// relay connects into the account of the logs.
	relayConn() (*nats.Conn, error)
	// link connects into the account of one peer's link.
	linkConn(peer string, opts ...nats.Option) (*nats.Conn, error)
	// setPeers makes the server know peers; before is what it knew.
	setPeers(ctx context.Context, before, peers []Peer) error
	// setIdentity makes the server show another certificate to whoever connects.
	setIdentity(ctx context.Context, certPEM, keyPEM []byte, peers []Peer) error
	// kick closes the connections of a peer's link, which come back.
	kick(peer string) error
	// leafs tells the state of links by peer.
	leafs() (map[string]LinkState, error)
	// apiPrefix is the JetStream API prefix in the account of the logs.
	apiPrefix() string
	stop() error
}

// Bus is a running server, or the connections to an external one, with this
// node's streams and links. Make one with [Start].
type Bus struct {
	conf         Config
	tr           transport
	own          *nats.Conn
	log, journal *Stream
	watching     context.CancelFunc
	watch        sync.WaitGroup

	// change is held over a whole SetPeers or Stop; mu guards what follows and
	// is never held while waiting.
	change sync.Mutex
	mu     sync.Mutex
	closed bool
	peers  []Peer
	links  map[string]*peerLink
	since  map[string]LinkState // as last seen
}

// Start starts the embedded server (or connects to the external one), opens the
// two streams and returns when all of it answers. No peer is known yet, see
// [Bus.SetPeers].
func Start(ctx context.Context, c Config) (*Bus, error) {
	c, err := c.complete()
	if err != nil {
		return nil, err
	}
	b := &Bus{conf: c, links: map[string]*peerLink{}, since: map[string]LinkState{}}
	if c.External != nil {
		b.tr, err = startExternal(c)
	} else {
		b.tr, err = startEmbedded(ctx, c)
	}
	if err != nil {
		return nil, err
	}
	if err := b.open(ctx); err != nil {
		return nil, errors.Join(err, b.Stop(ctx))
	}
	return b, nil
}

// open connects to the logs and opens the streams.
func (b *Bus) open(ctx context.Context) error {
	var err error
	if b.own, err = b.tr.relayConn(); err != nil {
		return fmt.Errorf("bus: connection to the logs: %w", err)
	}
	prefix := b.tr.apiPrefix()
	js, err := jetstream.NewWithAPIPrefix(b.own, prefix)
	if err != nil {
		return fmt.Errorf("bus: JetStream: %w", err)
	}
	if err := checkLevel(ctx, js, prefix); err != nil {
		return err
	}
	if b.log, err = openStream(ctx, b.own, js, prefix, b.logSpec()); err != nil {
		return err
	}
	if b.journal, err = openStream(ctx, b.own, js, prefix, b.journalSpec()); err != nil {
		return err
	}
	watching, stop := context.WithCancel(context.Background())
	b.watching = stop
	b.watch.Go(func() { b.observeLinks(watching) })
	return nil
}

// Stop lets running requests end until ctx is done, then closes everything. The
// store is synced and unlocked when it returns.
func (b *Bus) Stop(ctx context.Context) error {
	b.change.Lock()
	defer b.change.Unlock()
	b.mu.Lock()
	if b.closed {
		b.mu.Unlock()
		return nil
	}
	b.closed = true
	links := slices.Collect(maps.Values(b.links))
	b.links = map[string]*peerLink{}
	b.mu.Unlock()

	if b.watching != nil {
		b.watching()
		b.watch.Wait()
	}
	err := closeLinks(ctx, links)
	if b.own != nil {
		b.own.Close()
	}
	return errors.Join(err, b.tr.stop())
}

// SetPeers makes peers the whole list of who may link. It may be called at any
// time: the links of peers that stay as they were are not disturbed, and the
// leaf connections of those that are gone, paused or changed are closed. On an
// error the old list stays in force, but peers that were to go are no longer
// answered.
func (b *Bus) SetPeers(ctx context.Context, peers []Peer) error {
	if err := b.conf.checkPeers(peers); err != nil {
		return err
	}
	peers = slices.Clone(peers)
	slices.SortFunc(peers, func(x, y Peer) int { return cmp.Compare(x.ID, y.ID) })
	b.change.Lock()
	defer b.change.Unlock()
	before, gone, err := b.dropLinks(peers)
	if err != nil {
		return err
	}
	errs := []error{closeLinks(ctx, gone)}
	if err := b.tr.setPeers(ctx, before, peers); err != nil {
		return errors.Join(append(errs, err)...)
	}
	b.mu.Lock()
	b.peers = peers
	// With the list and not before: a look at the links in between would put the
	// state of who goes back, and nobody would see that the link is no more.
	maps.DeleteFunc(b.since, func(id string, _ LinkState) bool {
		return !slices.ContainsFunc(peers, func(p Peer) bool { return p.ID == id })
	})
	b.mu.Unlock()
	for _, p := range peers {
		errs = append(errs, b.addLink(p.ID))
	}
	// A peer that is reached another way now is answered as before.
	for _, l := range gone {
		if h := l.handler(); h != nil && slices.ContainsFunc(peers, func(p Peer) bool { return p.ID == l.peer }) {
			errs = append(errs, b.Serve(l.peer, h))
		}
	}
	return errors.Join(errs...)
}

// dropLinks takes the links of peers that are not in keep, or are reached another
// way there, out of use.
func (b *Bus) dropLinks(keep []Peer) (before []Peer, gone []*peerLink, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, nil, ErrClosed
	}
	for id, l := range b.links {
		i := slices.IndexFunc(keep, func(p Peer) bool { return p.ID == id })
		was := slices.IndexFunc(b.peers, func(p Peer) bool { return p.ID == id })
		if i >= 0 && was >= 0 && keep[i].sameWay(b.peers[was]) {
			continue
		}
		gone = append(gone, l)
		delete(b.links, id)
	}
	return b.peers, gone, nil
}

// addLink connects to the account of a peer's link, unless it is already.
func (b *Bus) addLink(peer string) error {
	b.mu.Lock()
	known := b.links[peer] != nil
	b.mu.Unlock()
	if known {
		return nil
	}
	nc, err := b.tr.linkConn(peer, linkOptions(b.conf.Name, peer, b.conf.Logger)...)
	if err != nil {
		return fmt.Errorf("bus: connection to the link with %s: %w", peer, err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.links[peer] = newPeerLink(b.conf.Name, peer, nc, b.conf.ServeLimit, b.conf.Logger)
	return nil
}

// closeLinks ends links, all at once.
func closeLinks(ctx context.Context, links []*peerLink) error {
	for _, l := range links {
		l.cancel()
	}
	var errs []error
	for _, l := range links {
		errs = append(errs, l.close(ctx))
	}
	return errors.Join(errs...)
}

// Log is the stream of messages.
func (b *Bus) Log() *Stream { return b.log }

// Journal is the stream of decisions.
func (b *Bus) Journal() *Stream { return b.journal }

// Serve sets the function that answers the requests of one peer, which must be
// in the last SetPeers; nil stops answering. The function runs for up to
// [Config.ServeLimit] requests of the peer at once; its context ends when the
// peer goes or the bus stops. What it answers is sent, unless that is nil.
func (b *Bus) Serve(peer string, h func(ctx context.Context, req []byte) []byte) error {
	l, err := b.link(peer)
	if err != nil {
		return err
	}
	return l.serve(h)
}

// Request asks a peer and waits for its answer until ctx is done. Requests and
// answers are at most [MaxRequest] bytes.
func (b *Bus) Request(ctx context.Context, peer string, req []byte) ([]byte, error) {
	l, err := b.link(peer)
	if err != nil {
		return nil, err
	}
	return l.request(ctx, req)
}

func (b *Bus) link(peer string) (*peerLink, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, ErrClosed
	}
	l, ok := b.links[peer]
	if !ok {
		return nil, fmt.Errorf("%w: %s is not among the peers of this node", ErrNoPeer, peer)
	}
	return l, nil
}

// linkCheck is how often the state of links is looked at, so that
// [LinkState.Since] is right to about this much.
const linkCheck = time.Second

// observeLinks notes when links go up and down.
func (b *Bus) observeLinks(ctx context.Context) {
	tick := time.NewTicker(linkCheck)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			b.Links()
		}
	}
}

// Links tells the state of every peer's link, ordered by peer id.
func (b *Bus) Links() []LinkState {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil
	}
	now, err := b.tr.leafs()
	if err != nil {
		b.conf.Logger.Warn("state of the links", "err", err)
	}
	for _, p := range b.peers {
		s, was := now[p.ID], b.since[p.ID]
		s.Peer, s.Paused, s.Since = p.ID, p.Paused, was.Since
		if s.Up != was.Up || was.Since.IsZero() {
			s.Since = time.Now()
			if s.Up != was.Up {
				b.conf.Logger.Info("link", "peer", p.ID, "up", s.Up, "remote", s.Remote)
			}
		}
		b.since[p.ID] = s
	}
	return slices.SortedFunc(maps.Values(b.since), func(x, y LinkState) int { return cmp.Compare(x.Peer, y.Peer) })
}

// SetIdentity puts another TLS certificate and key of this node in force, both
// PEM, for connections made from now on; those that stand go on. Peers accept
// it only once they know it by [Peer].CertPEM. On an error the old one stays in
// force. An external server's certificate is its operator's: nothing is done.
func (b *Bus) SetIdentity(ctx context.Context, certPEM, keyPEM []byte) error {
	if _, err := tls.X509KeyPair(certPEM, keyPEM); err != nil {
		return fmt.Errorf("bus: the new link certificate and its key: %w", err)
	}
	if err := checkPinnable(certPEM); err != nil {
		return fmt.Errorf("bus: the new link certificate: %w", err)
	}
	b.change.Lock()
	defer b.change.Unlock()
	b.mu.Lock()
	closed, peers := b.closed, b.peers
	b.mu.Unlock()
	if closed {
		return ErrClosed
	}
	if err := b.tr.setIdentity(ctx, certPEM, keyPEM, peers); err != nil {
		return err
	}
	b.conf.CertPEM, b.conf.KeyPEM = certPEM, keyPEM
	return nil
}

// Kick closes the connections of one peer's link. The side that dials makes a
// new one within about a second; the peer is let in again.
func (b *Bus) Kick(peer string) error {
	if _, err := b.link(peer); err != nil {
		return err
	}
	return b.tr.kick(peer)
}

// LeafAddr is the host:port at which the leaf listener really listens, "" if
// there is none.
func (b *Bus) LeafAddr() string { return b.at().leaf }

// WebsocketAddr is LeafAddr of the WebSocket listener.
func (b *Bus) WebsocketAddr() string { return b.at().websocket }

// ClientsAddr is LeafAddr of the listener for peers that come as clients.
func (b *Bus) ClientsAddr() string { return b.at().clients }

// ClientAddr is the host:port of the operator's client port, "" if there is none.
func (b *Bus) ClientAddr() string { return b.at().client }

func (b *Bus) at() listeners {
	if e, ok := b.tr.(*embedded); ok {
		return e.at
	}
	return listeners{}
}
