package integration

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/entente-relay/entente/relay/bench"
)

// proxy passes TCP connections on to a target. It can cut them all, or swallow
// what they carry while they stand.
type proxy struct {
	listener net.Listener
	target   string
	delay    time.Duration // of each byte, one way; set before the first connection

	mu    sync.Mutex
	cut   bool
	conns map[net.Conn]*carried
	wg    sync.WaitGroup
}

func newProxy(t testing.TB, target string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: l, target: target, conns: map[net.Conn]*carried{}}
	p.wg.Go(p.accept)
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		p.setCut(true)
		p.wg.Wait()
	})
	return p
}

func (p *proxy) addr() string { return p.listener.Addr().String() }

// setCut closes every connection and lets none stand while cut is true.
func (p *proxy) setCut(cut bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = cut
	if cut {
		for c := range p.conns {
			_ = c.Close() // a connection that is gone already is cut too
		}
	}
}

// carried is what one connection, with both its ends, is to the proxy.
type carried struct{ swallow atomic.Bool }

// swallow makes black holes of the connections that stand now: neither end
// hears that the other no longer does. Later connections pass. It returns how
// many there are.
func (p *proxy) swallow() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		c.swallow.Store(true)
	}
	return len(p.conns) / 2
}

// add remembers a connection; false when the link is cut.
func (p *proxy) add(c *carried, cs ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cut {
		return false
	}
	for _, end := range cs {
		p.conns[end] = c
	}
	return true
}

func (p *proxy) accept() {
	for {
		in, err := p.listener.Accept()
		if err != nil {
			return // closed by the test's end
		}
		out, err := net.Dial("tcp", p.target)
		if err != nil {
			_ = in.Close()
			continue
		}
		c := &carried{}
		if !p.add(c, in, out) {
			_, _ = in.Close(), out.Close()
			continue
		}
		p.wg.Go(func() { p.pipe(c, in, out) })
		p.wg.Go(func() { p.pipe(c, out, in) })
	}
}

// Write passes on, or swallows.
func (w holed) Write(b []byte) (int, error) {
	if w.c.swallow.Load() {
		return len(b), nil
	}
	return w.to.Write(b)
}

// holed is the way to one end of a connection.
type holed struct {
	c  *carried
	to net.Conn
}

// pipe copies one way; when it ends, for whatever reason, both ends are
// closed: but the end of a black hole is swallowed as well, until the test
// cuts it.
func (p *proxy) pipe(c *carried, to, from net.Conn) {
	if p.delay > 0 {
		bench.Late(holed{c, to}, from, p.delay)
	} else {
		_, _ = io.Copy(holed{c, to}, from)
	}
	if c.swallow.Load() {
		_ = from.Close()
		return
	}
	_, _ = to.Close(), from.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, to)
	delete(p.conns, from)
}
