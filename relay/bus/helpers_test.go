package bus

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"
)

// id is what a test node is known by.
type id struct {
	name            string
	cert, key, seed []byte
	nkey            string
}

func newID(t testing.TB, name string) id {
	t.Helper()
	cert, key, err := NewTLSIdentity(name, nil)
	if err != nil {
		t.Fatal(err)
	}
	seed, public, err := NewNKey()
	if err != nil {
		t.Fatal(err)
	}
	return id{name: name, cert: cert, key: key, seed: seed, nkey: public}
}

// config is a node that listens on a free loopback port.
func (i id) config(t testing.TB) Config {
	t.Helper()
	return Config{
		Name: i.name, Dir: filepath.Join(t.TempDir(), "bus"), ListenLeaf: "127.0.0.1:0",
		CertPEM: i.cert, KeyPEM: i.key, Seed: i.seed, MaxStore: 1 << 30,
		Logger: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
}

// peer is how others list the node; dial is its leaf address or "".
func (i id) peer(dial string) Peer {
	p := Peer{ID: i.name, NKeyPublic: i.nkey, CertPEM: i.cert}
	if dial != "" {
		p.DialURL = "tls://" + dial
	}
	return p
}

// within is a context for one step of a test.
func within(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func start(t testing.TB, c Config) *Bus {
	t.Helper()
	b, err := Start(within(t), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, b) })
	return b
}

func stop(t testing.TB, b *Bus) {
	t.Helper()
	if err := b.Stop(within(t)); err != nil {
		t.Errorf("stop: %v", err)
	}
}

func setPeers(t testing.TB, b *Bus, peers ...Peer) {
	t.Helper()
	if err := b.SetPeers(within(t), peers); err != nil {
		t.Fatal(err)
	}
}

// pair is two nodes of which b dials a.
func pair(t testing.TB) (a, b *Bus, ia, ib id) {
	t.Helper()
	ia, ib = newID(t, "aa"), newID(t, "bb")
	a, b = start(t, ia.config(t)), start(t, ib.config(t))
	setPeers(t, a, ib.peer(""))
	setPeers(t, b, ia.peer(a.LeafAddr()))
	return a, b, ia, ib
}

// poll asks again until ok or the test's patience ends. Servers tell nobody
// when interest has crossed a link.
func poll(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(15 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline:
			t.Fatalf("waited in vain: %s", what)
		case <-tick.C:
		}
	}
}

// echo answers with who served and what was asked.
func echo(self string) func(context.Context, []byte) []byte {
	return func(_ context.Context, req []byte) []byte { return fmt.Appendf(nil, "%s heard %s", self, req) }
}

// answers waits until a request from b to peer is answered, and returns it.
func answers(t testing.TB, b *Bus, peer, req string) string {
	t.Helper()
	var got string
	poll(t, "an answer of "+peer, func() bool {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		a, err := b.Request(ctx, peer, []byte(req))
		got = string(a)
		return err == nil
	})
	return got
}

// up waits until the link to peer is up or down.
func up(t testing.TB, b *Bus, peer string, want bool) {
	t.Helper()
	poll(t, fmt.Sprintf("link to %s up=%v", peer, want), func() bool {
		for _, l := range b.Links() {
			if l.Peer == peer {
				return l.Up == want
			}
		}
		return false
	})
}

// records makes n records of one subject.
func records(n int, subject string, size int) []Record {
	rs := make([]Record, n)
	for i := range rs {
		data := make([]byte, size)
		copy(data, fmt.Sprintf("%s %d", subject, i))
		rs[i] = Record{Subject: subject, Data: data}
	}
	return rs
}

func ptr(n uint64) *uint64 { return &n }
