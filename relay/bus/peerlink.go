package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"

	"github.com/nats-io/nats.go"
)

// peerLink is this process's foot in the account of one peer's link.
type peerLink struct {
	self, peer string
	nc         *nats.Conn
	log        *slog.Logger
	ctx        context.Context // ends when the peer goes or the bus stops
	cancel     context.CancelFunc
	slots      chan struct{}
	running    sync.WaitGroup

	mu  sync.Mutex
	sub *nats.Subscription
	h   func(ctx context.Context, req []byte) []byte // as last set
}

// recent remembers the last reply subjects, which are unique to a request. Two
// nodes that dial each other have two leaf connections, and a request comes over
// both, one soon after the other.
type recent struct {
	known   map[string]bool
	replies [remembered]string
	next    int
}

// remembered is how many replies are; a request takes a node far longer than
// one copy of it lags behind the other, over so many.
const remembered = 1024

// again reports whether reply was seen lately, and remembers it.
func (r *recent) again(reply string) bool {
	if r.known[reply] {
		return true
	}
	if r.known == nil {
		r.known = make(map[string]bool, remembered)
	}
	delete(r.known, r.replies[r.next])
	r.known[reply] = true
	r.replies[r.next] = reply
	r.next = (r.next + 1) % remembered
	return false
}

// linkOptions are what every connection into a link's account needs, embedded
// or external.
func linkOptions(self, peer string, log *slog.Logger) []nats.Option {
	return []nats.Option{
		nats.CustomInboxPrefix(inboxPrefix(self)),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			log.Warn("link connection", "peer", peer, "err", err)
		}),
	}
}

func newPeerLink(self, peer string, nc *nats.Conn, limit int, log *slog.Logger) *peerLink {
	ctx, cancel := context.WithCancel(context.Background())
	return &peerLink{self: self, peer: peer, nc: nc, log: log, ctx: ctx, cancel: cancel, slots: make(chan struct{}, limit)}
}

// Requests of one peer that wait for a slot; those beyond are dropped and time
// out at the peer, which backs off.
const (
	waitingRequests = 64
	waitingBytes    = 8 << 20
)

// serve sets or, with nil, removes the function that answers the peer.
func (l *peerLink) serve(h func(ctx context.Context, req []byte) []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.h = h
	return l.subscribe(h)
}

// handler is what answers the peer, or answered it when the link was closed.
func (l *peerLink) handler() func(ctx context.Context, req []byte) []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.h
}

// subscribe is serve, under the lock.
func (l *peerLink) subscribe(h func(ctx context.Context, req []byte) []byte) error {
	if l.sub != nil {
		if err := l.sub.Unsubscribe(); err != nil && !errors.Is(err, nats.ErrConnectionClosed) {
			return fmt.Errorf("bus: stop answering %s: %w", l.peer, err)
		}
		l.sub = nil
	}
	if h == nil {
		return nil
	}
	var seen recent // by the one goroutine of the subscription
	sub, err := l.nc.Subscribe(pullSubject(l.self), func(m *nats.Msg) {
		if !seen.again(m.Reply) {
			l.take(m, h)
		}
	})
	if err != nil {
		return fmt.Errorf("bus: answer %s: %w", l.peer, err)
	}
	if err := sub.SetPendingLimits(waitingRequests, waitingBytes); err != nil {
		return fmt.Errorf("bus: answer %s: %w", l.peer, err)
	}
	l.sub = sub
	return nil
}

// take waits for a free slot, which keeps later requests of the peer in the
// bounded queue, and answers in the background.
func (l *peerLink) take(m *nats.Msg, h func(ctx context.Context, req []byte) []byte) {
	// The server holds both ends to these subjects; here it is checked again,
	// because the reply subject is the one thing in a request that makes us
	// publish somewhere.
	if !strings.HasPrefix(m.Reply, inboxPrefix(l.peer)+".") {
		return
	}
	select {
	case l.slots <- struct{}{}:
	case <-l.ctx.Done():
		return
	}
	l.running.Go(func() {
		defer func() { <-l.slots }()
		answer := h(l.ctx, m.Data)
		if answer == nil {
			return
		}
		if len(answer) > MaxRequest {
			l.log.Error("answer to peer is too large and was not sent", "peer", l.peer, "bytes", len(answer), "limit", MaxRequest)
			return
		}
		// A new message: nothing of the peer's headers is copied.
		if err := l.nc.Publish(m.Reply, answer); err != nil && !errors.Is(err, nats.ErrConnectionClosed) {
			l.log.Warn("answer to peer was not sent", "peer", l.peer, "err", err)
		}
	})
}

func (l *peerLink) request(ctx context.Context, req []byte) ([]byte, error) {
	if len(req) > MaxRequest {
		return nil, fmt.Errorf("%w: request to %s has %d bytes, the limit is %d", ErrTooLarge, l.peer, len(req), MaxRequest)
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	defer context.AfterFunc(l.ctx, func() { stop(ErrClosed) })()
	m, err := l.nc.RequestWithContext(ctx, pullSubject(l.peer), req)
	switch {
	case errors.Is(err, nats.ErrNoResponders):
		return nil, fmt.Errorf("%w: %s: its link is down, or it does not serve us", ErrNoPeer, l.peer)
	case err != nil && (errors.Is(context.Cause(ctx), ErrClosed) || l.ctx.Err() != nil):
		return nil, fmt.Errorf("%w: link to %s", ErrClosed, l.peer)
	case err != nil:
		return nil, fmt.Errorf("bus: request to %s: %w", l.peer, err)
	}
	return m.Data, nil
}

// close ends the link: running handlers see their context end, and are waited
// for until ctx is done.
func (l *peerLink) close(ctx context.Context) error {
	l.cancel()
	l.mu.Lock()
	err := l.subscribe(nil)
	l.mu.Unlock()
	done := make(chan struct{})
	go func() { l.running.Wait(); close(done) }()
	select {
	case <-done:
	case <-ctx.Done():
		err = errors.Join(err, fmt.Errorf("bus: requests of %s were still being answered: %w", l.peer, ctx.Err()))
	}
	l.nc.Close()
	return err
}
