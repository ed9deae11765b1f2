package bus

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"
)

// embedded is the NATS server inside this process. It is configured by
// generated text alone, never by filling in its option structs: only the parser
// sets what accounts need to keep JetStream over a reload.
type embedded struct {
	conf   Config
	log    *serverLog
	srv    *server.Server
	unlock func() error
	// relay and links are the users by which this process enters its own
	// accounts; they are made at start and live in memory only.
	relay nkeys.KeyPair
	links map[string]nkeys.KeyPair
	at    listeners
	// shown is the certificate for connections as a client.
	shown atomic.Pointer[tls.Certificate]

	mu      sync.Mutex
	peers   map[string]Peer
	outward map[string]*nats.Conn // connections into peers' servers
}

// listeners are addresses, as configured and then as bound; "" for none.
type listeners struct{ leaf, websocket, clients, client string }

// startEmbedded starts the server without any peer.
func startEmbedded(ctx context.Context, c Config) (*embedded, error) {
	e := &embedded{conf: c, log: newServerLog(c.Logger), links: map[string]nkeys.KeyPair{},
		at:    listeners{leaf: c.ListenLeaf, websocket: c.ListenWebsocket, clients: c.ListenClients, client: c.Client},
		peers: map[string]Peer{}, outward: map[string]*nats.Conn{}}
	if err := c.Write(WriteFolder, func() error { return prepareDir(c.Dir) }); err != nil {
		return nil, err
	}
	var err error
	if e.unlock, err = lockDir(c.Dir); err != nil {
		return nil, err
	}
	if err := e.start(ctx); err != nil {
		return nil, errors.Join(err, e.stop())
	}
	return e, nil
}

func (e *embedded) start(ctx context.Context) error {
	for what, addr := range map[string]string{"leaf listener": e.at.leaf, "WebSocket listener": e.at.websocket, "listener for clients of peers": e.at.clients, "client port": e.at.client} {
		if err := checkFree(what, addr); err != nil {
			return err
		}
	}
	if err := e.show(e.conf); err != nil {
		return err
	}
	if err := writeTrust(e.conf, nil); err != nil {
		return err
	}
	var err error
	if e.relay, err = nkeys.CreateUser(); err != nil {
		return err
	}
	opts, err := e.options(nil)
	if err != nil {
		return err
	}
	if e.srv, err = server.NewServer(opts); err != nil {
		return fmt.Errorf("bus: embedded server: %w", err)
	}
	e.srv.SetLoggerV2(e.log, false, false, false)
	go e.srv.Start()
	if err := e.awaitReady(ctx); err != nil {
		return err
	}
	return e.bound()
}

// options parses the configuration text for these peers.
func (e *embedded) options(peers []Peer) (*server.Options, error) {
	l := layout{Config: e.conf, at: e.at, links: map[string]string{}, peers: peers}
	var err error
	if l.relay, err = e.relay.PublicKey(); err != nil {
		return nil, err
	}
	for _, p := range peers {
		if e.links[p.ID] == nil {
			if e.links[p.ID], err = nkeys.CreateUser(); err != nil {
				return nil, err
			}
		}
		if l.links[p.ID], err = e.links[p.ID].PublicKey(); err != nil {
			return nil, err
		}
	}
	// Flags of the process that the text has no words for.
	opts := &server.Options{NoSigs: true, NoLog: true, DontListen: e.at.client == "" && e.at.clients == ""}
	if err := opts.ProcessConfigString(l.text()); err != nil {
		return nil, fmt.Errorf("bus: configuration of the embedded server: %w", err)
	}
	return opts, nil
}

// readyPoll is how often the server is asked whether it is ready; it has no
// way to tell.
const readyPoll = 5 * time.Millisecond

func (e *embedded) awaitReady(ctx context.Context) error {
	tick := time.NewTicker(readyPoll)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return fmt.Errorf("bus: embedded server did not become ready: %w", ctx.Err())
		case msg := <-e.log.fatal:
			return fmt.Errorf("bus: embedded server: %s", msg)
		case <-tick.C:
			if e.srv.ReadyForConnections(readyPoll) {
				return nil
			}
		}
	}
}

// bound learns the real ports, so that a reload names the same.
func (e *embedded) bound() error {
	v, err := e.srv.Varz(nil)
	if err != nil {
		return fmt.Errorf("bus: ports of the listeners: %w", err)
	}
	for addr, port := range map[*string]int{&e.at.leaf: v.LeafNode.Port, &e.at.websocket: v.Websocket.Port} {
		if *addr == "" {
			continue
		}
		host, _, err := net.SplitHostPort(*addr)
		if err != nil {
			return err
		}
		*addr = net.JoinHostPort(host, strconv.Itoa(port))
	}
	if e.at.client != "" {
		e.at.client = e.srv.Addr().String()
	}
	if e.at.clients != "" {
		e.at.clients = e.srv.Addr().String()
	}
	return nil
}

// show puts the node's certificate where server and clients find it.
func (e *embedded) show(c Config) error {
	pair, err := tls.X509KeyPair(c.CertPEM, c.KeyPEM)
	if err != nil {
		return fmt.Errorf("bus: link certificate and key: %w", err)
	}
	e.shown.Store(&pair)
	return writeIdentity(c)
}

// checkFree finds out whether addr can be listened at, because the server's
// own message would not say what to do.
func checkFree(what, addr string) error {
	if addr == "" {
		return nil
	}
	l, err := net.Listen("tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%w: %s: address %s is taken by another program: stop that one, or configure another port", ErrInUse, what, addr)
	}
	if err != nil {
		return fmt.Errorf("bus: %s: cannot listen at %s: %w", what, addr, err)
	}
	return l.Close()
}

// connect opens a connection of this process into one of its accounts.
func (e *embedded) connect(user nkeys.KeyPair, opts ...nats.Option) (*nats.Conn, error) {
	public, err := user.PublicKey()
	if err != nil {
		return nil, err
	}
	opts = append(opts, nats.InProcessServer(e.srv), nats.Nkey(public, user.Sign),
		nats.MaxReconnects(-1), nats.ReconnectWait(50*time.Millisecond), nats.Name("entente"))
	return nats.Connect("", opts...)
}

// stop ends the server and gives the store back.
func (e *embedded) stop() error {
	if e.srv != nil {
		e.srv.Shutdown()
		e.srv.WaitForShutdown()
	}
	return e.unlock()
}

func (e *embedded) relayConn() (*nats.Conn, error) { return e.connect(e.relay) }

func (e *embedded) linkConn(peer string, opts ...nats.Option) (*nats.Conn, error) {
	e.mu.Lock()
	delete(e.outward, peer)
	p, ok := e.peers[peer]
	key := e.links[peer]
	e.mu.Unlock()
	if !ok || !p.asClient() {
		return e.connect(key, opts...)
	}
	nc, err := e.dialOut(p, opts...) // may take a while, in which others ask for the state of links
	if err == nil {
		e.mu.Lock()
		e.outward[peer] = nc
		e.mu.Unlock()
	}
	return nc, err
}

// apiPrefix is empty-domain JetStream: this process is inside the account.
func (e *embedded) apiPrefix() string { return defaultAPIPrefix }
