package relay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/entente-relay/entente/configs"
	"github.com/entente-relay/entente/federation/envelope"
	"github.com/entente-relay/entente/federation/link"
	"github.com/entente-relay/entente/relay/bus"
	"github.com/entente-relay/entente/relay/journal"
	"github.com/entente-relay/entente/relay/store"
)

// recentBytes bounds the log entries kept in memory for live peers, by their
// bodies; verified and read, they take six times as much.
const recentBytes = 12 << 20

// Options are what a caller may give a node besides its configuration. The
// zero value is right for production.
type Options struct {
	Logger  *slog.Logger
	Now     func() time.Time
	Version string
	// Watchdog is how long a link may stand while the peer answers no pull,
	// before it is cut and made anew. Zero: 40 s. Pulls wait at the peer for
	// at most half of it.
	Watchdog time.Duration
	// Fault is called at the boundaries of the steps, with their name, so that
	// tests can end or hold a node there. Nil calls nothing.
	Fault func(step string)
	// Write is called around each write to disk that the running node makes,
	// with its name ([Writes]), so that tests can put a failing disk in its
	// place. Nil writes.
	Write func(name string, do func() error) error
}

// Node is one running relay. Make it with New.
type Node struct {
	id        string
	cfg       *configs.Node
	opt       Options
	slog      *slog.Logger
	keys      *Keys
	world     atomic.Pointer[World]
	roots     *envelope.RootCache
	recent    *recent
	far       far
	audiences audiences
	packs     packs
	started   time.Time

	bus       *bus.Bus
	log       *keptLog
	journal   *journal.Writer
	index     *store.Store
	committer *committer
	server    *link.Server
	admin     []*http.Server

	simulating sync.Mutex // one replay at a time
	reloading  sync.Mutex
	shown      identity                      // as the bus has it; under reloading
	toldPeers  map[string]toldPeer           // what the journal knows of; under reloading
	observers  map[string]context.CancelFunc // of peers that are observed; under reloading
	mu         sync.Mutex
	pullers    map[string]*pulling
	lanes      map[string]*lane
	watched    map[string]watched
	flows      map[string]flowing // how traffic moves over each link
	violations map[violationKey]violation
	differing  map[string]int // objects whose marking a peer mapped otherwise
	fault      error          // why the node can take no messages, nil while it can

	ctx       context.Context
	cancel    context.CancelFunc
	wg        sync.WaitGroup
	queued    chan struct{} // wakes the follower
	told      *broadcast    // that the index went on
	acts      atomic.Bool   // one came that lets something be marked lower
	erases    bool          // something was spilled; the follower's, like spills and owes
	spills    []target      // where what was spilled waited
	expires   atomic.Bool   // something may be over
	scrub     bool          // the index is to be scrubbed of what was erased; the follower's
	askedDone *asked        // what operators wanted erased, and is; the follower's
	cutNext   time.Time     // before which the journal is not cut again
	cutBy     *World        // unless another one is in force; the follower's, both
	dueAfter  store.Due     // the last place of the log looked at for being over; the follower's
	decided   bool          // what persons decided may not have been done; the follower's
	owes      bool          // something was taken back, of which something may have been made; the follower's
	// intakeDone is the last log entry whose outcome the journal tells; after
	// the start only the follower uses it.
	intakeDone uint64
	unsure     []*journal.Record // told to the journal without an answer; the follower's
	logKnown   uint64            // the highest log sequence that the journal knew of at the start
	endMissing bool              // the last entry of the log was gone at the start
	begun      bool              // the mark that says that the node runs was made
	mostBehind int               // see maxBehind
	ahead      ahead             // stored in the log, not indexed yet
	written    written           // stored by the journal, not indexed yet

	// noted is the last log entry that the index has heard of. What the stream
	// has beyond it is not shown to peers yet: what it refers to may be in the
	// same commit.
	noted      atomic.Uint64
	news       news
	publishing publishing
	waiting    waiting
	heads      heads
	unsigned   error // why the end of the journal was not signed last; under mu
	signs      bool  // heads are signed: the node came so far
}

// pulling is one running puller.
type pulling struct {
	puller *link.Puller
	cancel context.CancelFunc
	done   chan struct{}
}

// New reads and checks everything cfg names, and returns a node that is not
// started. It opens no port and writes no file.
func New(cfg *configs.Node, o Options) (*Node, error) {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Watchdog <= 0 {
		o.Watchdog = defaultWatchdog
	}
	n := &Node{id: cfg.Node.ID, cfg: cfg, opt: o, slog: o.Logger.With("node", cfg.Node.ID), roots: envelope.NewRootCache(4096),
		recent: newRecent(recentBytes), pullers: map[string]*pulling{}, lanes: map[string]*lane{}, observers: map[string]context.CancelFunc{}, differing: map[string]int{}, watched: map[string]watched{},
		violations: map[violationKey]violation{}, flows: map[string]flowing{}, queued: make(chan struct{}, 1), told: newBroadcast(), mostBehind: maxBehind}
	var err error
	if n.keys, err = OpenKeys(cfg); err != nil {
		return nil, err
	}
	w, err := LoadWorld(cfg, n.now())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", configs.ErrConfig, err)
	}
	if err := n.keys.stated(w.Own); err != nil {
		return nil, err
	}
	if err := n.keys.canSeal(w); err != nil {
		return nil, err
	}
	n.world.Store(w)
	return n, nil
}

// KeysDir is where a node's keys lie.
func KeysDir(cfg *configs.Node) string { return filepath.Join(cfg.Data, "keys") }

// SocketPath is the Unix socket on which a running node answers.
func SocketPath(cfg *configs.Node) string { return filepath.Join(cfg.Data, "entente.sock") }

func (n *Node) now() time.Time { return n.opt.Now() }

// ID returns the node's id.
func (n *Node) ID() string { return n.id }

// LeafAddr is where the node really listens for peers, "" if it does not.
func (n *Node) LeafAddr() string { return n.bus.LeafAddr() }

// WebsocketAddr and NATSAddr are LeafAddr for peers that come over WebSocket and
// as plain clients.
func (n *Node) WebsocketAddr() string { return n.bus.WebsocketAddr() }

// NATSAddr is described at WebsocketAddr.
func (n *Node) NATSAddr() string { return n.bus.ClientsAddr() }

// World returns what the node judges by now.
func (n *Node) World() *World { return n.world.Load() }

// Start opens store and ports and begins to relay. When it fails, everything
// it opened is closed again.
func (n *Node) Start(ctx context.Context) (err error) {
	n.started = n.now()
	n.ctx, n.cancel = context.WithCancel(context.WithoutCancel(ctx))
	defer func() {
		if err != nil {
			n.cancel()
			err = errors.Join(err, n.close(context.WithoutCancel(ctx)))
		}
	}()
	if err := n.open(ctx); err != nil {
		return err
	}
	n.wg.Go(func() { n.committer.run(n.ctx) })
	if err := n.markEnd(ctx); err != nil {
		return err
	}
	if err := n.standAtStart(ctx); err != nil {
		return err
	}
	if err := n.expireAll(ctx); err != nil {
		return err
	}
	n.wg.Go(func() { n.follow(n.ctx) })
	if err := n.serveAdmin(); err != nil {
		return err
	}
	n.shown = identity{n.keys.LinkCert, n.keys.LinkKey}
	n.toldPeers = n.World().peersNow()
	if err := n.applyPeers(ctx); err != nil {
		return err
	}
	n.watchObserved()
	n.wg.Go(func() { n.watchLinks(n.ctx) })
	if err := n.beginHeads(ctx); err != nil {
		return err
	}
	n.slog.Info("ready", "leaf", n.bus.LeafAddr(), "policy", n.World().Bundle.Digest(), "peers", len(n.World().Peers))
	return nil
}

// open starts the bus and brings journal and index up to the log.
func (n *Node) open(ctx context.Context) error {
	if err := os.MkdirAll(n.cfg.Data, 0o700); err != nil {
		return err
	}
	var err error
	if n.bus, err = bus.Start(ctx, n.busConfig()); err != nil {
		return err
	}
	if err := n.begin(); err != nil {
		return err
	}
	if n.log, err = openLog(ctx, n.bus.Log()); err != nil {
		return err
	}
	logState, err := n.log.State(ctx)
	if err != nil {
		return err
	}
	logLast := logState.Last
	if err := n.checkEnd(ctx, &logState); err != nil {
		return err
	}
	jState, err := n.bus.Journal().State(ctx)
	if err != nil {
		return err
	}
	if err := n.checkJournalEnd(ctx, &jState); err != nil {
		return err
	}
	n.index, err = store.Open(filepath.Join(n.cfg.Data, "index.db"), store.Options{
		Log:     store.Stream{ID: n.log.Incarnation(), Last: logState.Last},
		Journal: store.Stream{ID: n.bus.Journal().Incarnation(), Last: jState.Last},
		Write:   n.disk,
		Logger:  n.slog})
	if err != nil {
		return err
	}
	if n.journal, err = journal.NewWriter(ctx, n.journalLog(), journal.Options{Few: bus.Few, OnStored: n.onJournal, Logger: n.slog}); err != nil {
		return err
	}
	if err := n.catchUp(ctx, logLast); err != nil {
		return err
	}
	n.committer = newCommitter(testedLog{n.log, n}, n.index, n.slog, n.onStored)
	n.committer.end = n.index.Applied()
	n.committer.fault, n.committer.read, n.committer.mark = n.at, n.message, n.keys.mark
	cursors, err := link.NewCursorKey(n.keys.Secret)
	if err != nil {
		return err
	}
	codec, err := link.NewCodec()
	if err != nil {
		return err
	}
	n.server = &link.Server{Codec: codec, Source: &exporter{n}, Cursors: cursors, Incarnation: n.log.Incarnation, Refused: n.violated, Seal: n.sealOf, Now: n.opt.Now, Unread: n.letGo}
	return nil
}

func (n *Node) busConfig() bus.Config {
	c := bus.Config{Name: n.id, Dir: filepath.Join(n.cfg.Data, "log"), ListenLeaf: n.cfg.Listen.Leaf,
		ListenWebsocket: n.cfg.Listen.Websocket, ListenClients: n.cfg.Listen.NATS, Client: n.cfg.Listen.Client,
		CertPEM: n.keys.LinkCert, KeyPEM: n.keys.LinkKey, Seed: n.keys.LinkSeed, Write: n.disk, Logger: n.slog}
	if e := n.cfg.External; e != nil {
		c.External = &bus.External{Relay: bus.Endpoint{URL: e.URL, Context: e.Context, CredsFile: e.Credentials}, APIPrefix: e.APIPrefix, Links: map[string]bus.Endpoint{}}
		for peer, l := range e.Links {
			c.External.Links[peer] = bus.Endpoint{URL: l.URL, Context: l.Context, CredsFile: l.Credentials}
		}
	}
	return c
}

// Run starts the node, relays until ctx ends, and stops it.
func (n *Node) Run(ctx context.Context) error {
	if err := n.Start(ctx); err != nil {
		return err
	}
	<-ctx.Done()
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 15*time.Second)
	defer cancel()
	return n.Stop(stop)
}

// Stop ends everything the node does; what was acknowledged is on disk.
func (n *Node) Stop(ctx context.Context) error {
	n.cancel()
	return n.close(ctx)
}

func (n *Node) close(ctx context.Context) error {
	var errs []error
	for _, s := range n.admin {
		errs = append(errs, s.Close())
	}
	n.mu.Lock()
	for _, p := range n.pullers {
		p.cancel()
	}
	n.mu.Unlock()
	n.wg.Wait()
	if n.signs {
		n.signAtEnd(ctx)
	}
	if n.journal != nil {
		errs = append(errs, n.journal.Close(ctx))
	}
	if n.index != nil {
		errs = append(errs, n.index.Close())
	}
	if n.begun {
		errs = append(errs, n.end())
	}
	if n.bus != nil {
		errs = append(errs, n.bus.Stop(ctx))
	}
	return errors.Join(errs...)
}

// serveAdmin opens the Unix socket and, if configured, the loopback probes.
func (n *Node) serveAdmin() error {
	api := n.api()
	path := SocketPath(n.cfg)
	// The bus holds the lock on the data folder by now, so a socket that is
	// still there was left by a node that died.
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	socket, err := net.Listen("unix", path)
	if err != nil {
		hint := ""
		if len(path) > 100 { // sun_path holds 104 or 108 bytes
			hint = ": the path is too long for a socket: put `data` where its path is shorter"
		}
		return fmt.Errorf("the socket for commands, %s: %w%s", path, err, hint)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return errors.Join(err, socket.Close())
	}
	n.serve(socket, api.Handler())
	if n.cfg.Listen.Admin == "" {
		return nil
	}
	tcp, err := net.Listen("tcp", n.cfg.Listen.Admin)
	if err != nil {
		return fmt.Errorf("listen.admin: %w: choose another address in %s", err, n.cfg.Path)
	}
	n.serve(tcp, api.Probes())
	return nil
}

func (n *Node) serve(l net.Listener, h http.Handler) {
	s := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, BaseContext: func(net.Listener) context.Context { return n.ctx }}
	n.admin = append(n.admin, s)
	n.wg.Go(func() {
		if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			n.slog.Error("the door for commands closed", "address", l.Addr().String(), "error", err)
		}
	})
}
