package bus

import (
	"bufio"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// connectProxy is an HTTP proxy that opens tunnels, counts them and can cut them.
type connectProxy struct {
	l    net.Listener
	user string // "user:password" that it wants, or ""

	mu       sync.Mutex
	connects []string // targets of the tunnels it opened
	refused  int
	conns    map[net.Conn]bool
	wg       sync.WaitGroup
}

func newConnectProxy(t *testing.T, user string) *connectProxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &connectProxy{l: l, user: user, conns: map[net.Conn]bool{}}
	p.wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return // the test ends
			}
			p.wg.Go(func() { p.tunnel(c) })
		}
	})
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		p.cut()
		p.wg.Wait()
	})
	return p
}

// url is how a peer's proxy is written.
func (p *connectProxy) url() string {
	if p.user != "" {
		return "http://" + p.user + "@" + p.l.Addr().String()
	}
	return "http://" + p.l.Addr().String()
}

func (p *connectProxy) tunnel(c net.Conn) {
	defer func() { _ = c.Close() }()
	req, err := http.ReadRequest(bufio.NewReader(c))
	if err != nil || req.Method != http.MethodConnect {
		return
	}
	want := ""
	if p.user != "" {
		want = "Basic " + base64.StdEncoding.EncodeToString([]byte(p.user))
	}
	if req.Header.Get("Proxy-Authorization") != want {
		p.mu.Lock()
		p.refused++
		p.mu.Unlock()
		_, _ = io.WriteString(c, "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
		return
	}
	out, err := net.Dial("tcp", req.Host)
	if err != nil {
		_, _ = io.WriteString(c, "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
		return
	}
	defer func() { _ = out.Close() }()
	p.mu.Lock()
	p.connects = append(p.connects, req.Host)
	p.conns[c], p.conns[out] = true, true
	p.mu.Unlock()
	if _, err := io.WriteString(c, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		return
	}
	p.wg.Go(func() { _, _ = io.Copy(out, c); _ = out.Close() })
	_, _ = io.Copy(c, out)
}

func (p *connectProxy) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.connects)
}

// cut closes every tunnel that stands.
func (p *connectProxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		_ = c.Close()
	}
	p.conns = map[net.Conn]bool{}
}

// ways are the ways in which one node may dial another, with the address for it.
var ways = map[string]func(*Bus) string{
	SchemeLeaf:      func(b *Bus) string { return SchemeLeaf + "://" + b.LeafAddr() },
	SchemeWebsocket: func(b *Bus) string { return SchemeWebsocket + "://" + b.WebsocketAddr() },
	SchemeClient:    func(b *Bus) string { return SchemeClient + "://" + b.ClientsAddr() },
}

// openHub is a node with every kind of listener.
func openHub(t *testing.T, i id) *Bus {
	t.Helper()
	c := i.config(t)
	c.ListenWebsocket, c.ListenClients = "127.0.0.1:0", "127.0.0.1:0"
	return start(t, c)
}

// outOnly is a node that nobody can dial.
func outOnly(t *testing.T, i id) *Bus {
	t.Helper()
	c := i.config(t)
	c.ListenLeaf = ""
	return start(t, c)
}

// TestWaysToAPeer lets a node that can only dial reach another by each way, with
// and without a proxy: requests cross in both directions, the link comes back
// when it is cut, and a removed peer is out, for good, without harm to another.
func TestWaysToAPeer(t *testing.T) {
	const direct = "direct"
	for _, x := range []struct{ way, user string }{{SchemeLeaf, ""}, {SchemeWebsocket, "node:s3cret"}, {SchemeClient, "node:s3cret"}, {SchemeClient, direct}} {
		t.Run(strings.ReplaceAll(x.way, "+", "-")+" "+x.user, func(t *testing.T) {
			if testing.Short() && x.user == direct {
				t.Skip("-short: the proxy is on the way of the direct one")
			}
			t.Parallel()
			w := &wayRig{ia: newID(t, "aa"), ib: newID(t, "bb"), ic: newID(t, "cc")}
			w.a, w.b, w.c = openHub(t, w.ia), outOnly(t, w.ib), outOnly(t, w.ic)
			w.toA = w.ia.peer("")
			w.toA.DialURL = ways[x.way](w.a)
			var p *connectProxy
			if x.user != direct {
				p = newConnectProxy(t, x.user)
				w.toA.Proxy = p.url()
			}
			w.link(t)
			w.both(t, "at first")
			up(t, w.a, "bb", true)
			up(t, w.b, "aa", true)
			if l := w.b.Links()[0]; !l.Dialled || l.Remote == "" {
				t.Errorf("b's link: %+v", l)
			}
			if l := w.a.Links()[0]; l.Dialled || l.Remote == "" {
				t.Errorf("a's link: %+v", l)
			}
			if p != nil {
				w.throughProxy(t, p)
			}
			for who, kick := range map[string]func() error{"listener": func() error { return w.a.Kick("bb") }, "dialler": func() error { return w.b.Kick("aa") }} {
				if err := kick(); err != nil {
					t.Fatal(err)
				}
				w.both(t, "after a kick by the "+who)
			}
			w.removal(t)
		})
	}
}

// wayRig is a node aa that listens, bb that dials it in some way, and another
// peer cc.
type wayRig struct {
	ia, ib, ic id
	a, b, c    *Bus
	toA        Peer
}

// link makes the three know each other and answer.
func (w *wayRig) link(t *testing.T) {
	t.Helper()
	setPeers(t, w.a, w.ib.peer(""), w.ic.peer(""))
	setPeers(t, w.b, w.toA)
	setPeers(t, w.c, w.ia.peer(w.a.LeafAddr()))
	for _, s := range []struct {
		b    *Bus
		peer string
	}{{w.a, "bb"}, {w.a, "cc"}, {w.b, "aa"}, {w.c, "aa"}} {
		if err := s.b.Serve(s.peer, echo(s.b.conf.Name)); err != nil {
			t.Fatal(err)
		}
	}
	answers(t, w.c, "aa", "z")
}

// both asks in both directions.
func (w *wayRig) both(t *testing.T, when string) {
	t.Helper()
	if got := answers(t, w.a, "bb", "x"); got != "bb heard x" {
		t.Errorf("%s: a asks b: %q", when, got)
	}
	if got := answers(t, w.b, "aa", "y"); got != "aa heard y" {
		t.Errorf("%s: b asks a: %q", when, got)
	}
}

// throughProxy checks that the link goes through tunnels to a alone, and again
// after they are cut.
func (w *wayRig) throughProxy(t *testing.T, p *connectProxy) {
	t.Helper()
	tunnels := p.count()
	if tunnels == 0 {
		t.Fatal("no tunnel was asked for")
	}
	p.cut()
	w.both(t, "after the proxy was cut")
	if p.count() == tunnels {
		t.Error("the link came back without a tunnel")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, host := range p.connects {
		if host != strings.SplitN(w.toA.DialURL, "://", 2)[1] {
			t.Errorf("a tunnel to %s", host)
		}
	}
}

// removal takes the peer out, at once and for good, then lets it in again and has
// it pause; the other peer's link stays as it is.
func (w *wayRig) removal(t *testing.T) {
	t.Helper()
	before := leafIDs(t, w.a, "cc")
	setPeers(t, w.a, w.ic.peer(""))
	up(t, w.b, "aa", false)
	if n := peerConnections(t, w.a, "bb"); n != 0 {
		t.Errorf("%d connections of the removed peer", n)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if got, err := w.b.Request(ctx, "aa", []byte("x")); err == nil {
		t.Errorf("the removed peer is answered: %q", got)
	}
	setPeers(t, w.a, w.ib.peer(""), w.ic.peer(""))
	if err := w.a.Serve("bb", echo("aa")); err != nil {
		t.Fatal(err)
	}
	w.both(t, "let in again")
	paused := w.toA
	paused.Paused = true
	setPeers(t, w.b, paused)
	poll(t, "the paused link to go", func() bool { return peerConnections(t, w.a, "bb") == 0 })
	setPeers(t, w.b, w.toA)
	w.both(t, "resumed by the dialler")
	if after := leafIDs(t, w.a, "cc"); !same(before, after) {
		t.Errorf("the other link was made anew: %v, then %v", before, after)
	}
}

// peerConnections counts what stands between the server and a peer.
func peerConnections(t *testing.T, b *Bus, peer string) int {
	t.Helper()
	conns, err := b.tr.(*embedded).connected()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, c := range conns {
		if c.Peer == peer {
			n++
		}
	}
	return n
}

// A peer may be reached another way from one moment to the next; who answers it
// need not know.
func TestWayChanges(t *testing.T) {
	ia, ib := newID(t, "aa"), newID(t, "bb")
	a, b := openHub(t, ia), outOnly(t, ib)
	setPeers(t, a, ib.peer(""))
	if err := a.Serve("bb", echo("aa")); err != nil {
		t.Fatal(err)
	}
	for i, way := range []string{SchemeLeaf, SchemeClient, SchemeWebsocket, SchemeClient, SchemeLeaf} {
		p := ia.peer("")
		p.DialURL = ways[way](a)
		setPeers(t, b, p)
		if i == 0 {
			if err := b.Serve("aa", echo("bb")); err != nil {
				t.Fatal(err)
			}
		}
		if got := answers(t, a, "bb", way); got != "bb heard "+way {
			t.Errorf("%s: %q", way, got)
		}
		if got := answers(t, b, "aa", way); got != "aa heard "+way {
			t.Errorf("%s: %q", way, got)
		}
		poll(t, "the connection before "+way+" to go", func() bool { return peerConnections(t, a, "bb") == 1 })
	}
	// From one moment to the next through a proxy, too.
	for way, address := range ways {
		direct, tunnelled := ia.peer(""), ia.peer("")
		direct.DialURL, tunnelled.DialURL = address(a), address(a)
		proxy := newConnectProxy(t, "")
		tunnelled.Proxy = proxy.url()
		setPeers(t, b, direct)
		answers(t, b, "aa", way)
		setPeers(t, b, tunnelled)
		poll(t, way+" to go through the proxy", func() bool { return proxy.count() > 0 })
		if got := answers(t, a, "bb", way); got != "bb heard "+way {
			t.Errorf("%s through a proxy: %q", way, got)
		}
	}
}

// A proxy that refuses is told of without its password, and nothing goes past it.
func TestProxyRefuses(t *testing.T) {
	for way, address := range ways {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			ia, ib := newID(t, "aa"), newID(t, "bb")
			a, b := openHub(t, ia), outOnly(t, ib)
			p := newConnectProxy(t, "right:word")
			to := ia.peer("")
			to.DialURL, to.Proxy = address(a), "http://wrong:pa55word@"+p.l.Addr().String()
			setPeers(t, a, ib.peer(""))
			setPeers(t, b, to)
			poll(t, "the proxy to refuse", func() bool { p.mu.Lock(); defer p.mu.Unlock(); return p.refused > 0 })
			if n := peerConnections(t, a, "bb"); n != 0 || p.count() != 0 {
				t.Errorf("%d connections, %d tunnels", n, p.count())
			}
		})
	}
	_, err := proxied{"http://user:pa55word@127.0.0.1:1"}.Dial("tcp", "192.0.2.1:1")
	if err == nil || strings.Contains(err.Error(), "pa55word") {
		t.Errorf("got %v", err)
	}
}

func TestCheckDial(t *testing.T) {
	for _, c := range []struct{ dial, proxy, want string }{
		{"", "", ""},
		{"tls://relay.example:7422", "", ""},
		{"wss://relay.example:443", "http://proxy.example:3128", ""},
		{"nats+tls://[2001:db8::1]:4222", "http://user:word@proxy.example:3128", ""},
		{"", "http://proxy.example:3128", "no address"},
		{"nats://relay.example:4222", "", "want tls://"},
		{"ws://relay.example:80", "", "want tls://"},
		{"tls://relay.example", "", "want tls://"},
		{"tls://user@relay.example:7422", "", "want tls://"},
		{"tls://relay.example:7422/x?y", "", "want tls://"},
		{"tls://relay.example:7422", "socks5://proxy.example:1080", "want http://"},
		{"tls://relay.example:7422", "http://user:pa55word@proxy.example", "want http://"},
		{"tls://relay.example:7422", "http://user:pa55word@%zz", "want http://"},
	} {
		err := CheckDial(c.dial, c.proxy)
		if (err == nil) != (c.want == "") || err != nil && (!strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "pa55word")) {
			t.Errorf("%s by %s: %v", c.dial, c.proxy, err)
		}
	}
}

// The new listeners let in whom the leaf listener does: TLS 1.3 with a known
// certificate before anything else, then the nkey.
func TestStrangersStayOutOfEveryListener(t *testing.T) {
	ia, ib, stranger := newID(t, "aa"), newID(t, "bb"), newID(t, "bb")
	a := openHub(t, ia)
	setPeers(t, a, ib.peer(""))
	trusting := ia.peer("")
	for way, address := range ways {
		trusting.DialURL = address(a)
		for name, i := range map[string]id{
			"another certificate and key":            stranger,
			"the peer's key without its certificate": {name: "bb", cert: stranger.cert, key: stranger.key, seed: ib.seed, nkey: ib.nkey},
			"the peer's certificate without its key": {name: "bb", cert: ib.cert, key: ib.key, seed: stranger.seed, nkey: stranger.nkey},
		} {
			b := outOnly(t, i)
			setPeers(t, b, trusting)
			ctx, cancel := context.WithTimeout(t.Context(), 700*time.Millisecond)
			if got, err := b.Request(ctx, "aa", []byte("x")); err == nil {
				t.Errorf("%s by %s: answered %q", name, way, got)
			}
			cancel()
			if n := peerConnections(t, a, "bb"); n != 0 {
				t.Errorf("%s by %s: %d connections stand", name, way, n)
			}
			stop(t, b)
		}
		// Before TLS nothing is said, and nothing is taken.
		c, err := net.Dial("tcp", strings.SplitN(trusting.DialURL, "://", 2)[1])
		if err != nil {
			t.Fatal(err)
		}
		if err := c.SetDeadline(time.Now().Add(300 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		if _, err := fmt.Fprint(c, "CONNECT {}\r\nPING\r\n"); err != nil {
			t.Fatal(err)
		}
		heard, _ := io.ReadAll(c)
		if strings.Contains(string(heard), "INFO") || strings.Contains(string(heard), "PONG") {
			t.Errorf("%s: heard %q before TLS", way, heard)
		}
		_ = c.Close()
	}
	// And the dialler trusts nobody but the peer.
	other := openHub(t, newID(t, "aa"))
	setPeers(t, other, ib.peer(""))
	for way, address := range ways {
		b := outOnly(t, ib)
		to := ia.peer("")
		to.DialURL = address(other)
		setPeers(t, b, to)
		ctx, cancel := context.WithTimeout(t.Context(), 700*time.Millisecond)
		if got, err := b.Request(ctx, "aa", []byte("x")); err == nil {
			t.Errorf("an impostor by %s: answered %q", way, got)
		}
		cancel()
		if n := peerConnections(t, other, "bb"); n != 0 {
			t.Errorf("an impostor by %s has %d connections", way, n)
		}
		stop(t, b)
	}
}

func TestOneClientPort(t *testing.T) {
	c := newID(t, "aa").config(t)
	c.Client, c.ListenClients = "127.0.0.1:0", "127.0.0.1:0"
	if _, err := Start(within(t), c); err == nil || !strings.Contains(err.Error(), "one port for clients") {
		t.Errorf("got %v", err)
	}
	c.Client, c.ListenClients = "", "nowhere"
	if _, err := Start(within(t), c); err == nil || !strings.Contains(err.Error(), "listener for clients of peers") {
		t.Errorf("got %v", err)
	}
}
