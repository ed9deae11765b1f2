package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/entente-relay/entente/relay"
	"github.com/entente-relay/entente/relay/dashboard"
)

// producer hands bundles to a node over its socket, several at once, as the
// tools of a CERT do.
type producer struct {
	http    *http.Client
	objects [][]byte
	size    int // objects in a bundle, and so in a message
	next    atomic.Int64
	// ahead is how many objects may be published that were not judged yet, 0 for
	// any number; judged is told by who watches.
	ahead  int64
	judged atomic.Int64

	mu    sync.Mutex
	fates dashboard.Published // sums
}

// newProducer publishes objects at a node, so many in a bundle.
func newProducer(at *region, objects [][]byte, size int) *producer {
	socket := relay.SocketPath(at.cfg)
	return &producer{objects: objects, size: size, http: &http.Client{Transport: &http.Transport{
		MaxIdleConnsPerHost: 64,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", socket)
		}}}}
}

// atOnce is how many bundles are on their way to the node at a time: the fewer
// objects in each, the more.
func (p *producer) atOnce() int {
	switch {
	case p.size >= 32:
		return 8
	case p.size >= 4:
		return 16
	}
	return 32
}

// feed publishes up to n objects, until the time is over. Every answer has come
// when it returns.
func (p *producer) feed(n int, until time.Time) func(ctx context.Context) error {
	return func(ctx context.Context) error { return p.publish(ctx, n, until) }
}

func (p *producer) publish(ctx context.Context, n int, until time.Time) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	first := p.next.Load()
	end := min(first+int64(n), int64(len(p.objects)))
	var wg sync.WaitGroup
	for range p.atOnce() {
		wg.Go(func() {
			for ctx.Err() == nil && (until.IsZero() || time.Now().Before(until)) {
				if err := p.turn(ctx); err != nil {
					return
				}
				to := p.next.Add(int64(p.size))
				from := to - int64(p.size)
				if from >= end {
					return
				}
				if err := p.send(ctx, p.objects[from:min(to, end)]); err != nil {
					cancel(err)
				}
			}
		})
	}
	wg.Wait()
	p.next.Store(min(p.next.Load(), end))
	return context.Cause(ctx)
}

// turnEvery is how often a producer that is too far ahead looks again.
const turnEvery = 2 * time.Millisecond

// turn waits while too much is on its way.
func (p *producer) turn(ctx context.Context) error {
	if p.ahead == 0 {
		return nil
	}
	tick := time.NewTicker(turnEvery)
	defer tick.Stop()
	for p.next.Load()-p.judged.Load() >= p.ahead {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// send publishes one bundle.
func (p *producer) send(ctx context.Context, objects [][]byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://node/v1/publish?name=bench", bytes.NewReader(bytes.Join(objects, []byte("\n"))))
	if err != nil {
		return fmt.Errorf("bench: publish: %w", err)
	}
	resp, err := p.http.Do(req)
	if err != nil {
		return fmt.Errorf("bench: publish: %w", err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return fmt.Errorf("bench: publish: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("bench: publish: %s: %s", resp.Status, bytes.TrimSpace(answer))
	}
	var got dashboard.Published
	if err := json.Unmarshal(answer, &got); err != nil {
		return fmt.Errorf("bench: publish: %w", err)
	}
	if sum := got.Taken + got.Duplicate + got.Held + got.Refused; sum != len(objects) {
		return fmt.Errorf("bench: publish: %d outcomes for %d objects", sum, len(objects))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fates.Taken += got.Taken
	p.fates.Held += got.Held
	p.fates.Refused += got.Refused
	p.fates.Duplicate += got.Duplicate
	p.fates.Messages += got.Messages
	return nil
}

// total is how many objects the node has answered for.
func (p *producer) total() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return uint64(p.fates.Taken + p.fates.Held + p.fates.Refused + p.fates.Duplicate)
}

func (p *producer) close() { p.http.CloseIdleConnections() }
