package bus

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"
)

func TestRequestsCrossInBothDirections(t *testing.T) {
	a, b, _, _ := pair(t)
	for _, s := range []struct {
		b    *Bus
		peer string
	}{{a, "bb"}, {b, "aa"}} {
		if err := s.b.Serve(s.peer, echo("node of "+s.peer+"'s peer")); err != nil {
			t.Fatal(err)
		}
	}
	if got := answers(t, a, "bb", "x"); got != "node of aa's peer heard x" {
		t.Errorf("a asks b: %q", got)
	}
	if got := answers(t, b, "aa", "y"); got != "node of bb's peer heard y" {
		t.Errorf("b asks a: %q", got)
	}
	up(t, a, "bb", true)
	up(t, b, "aa", true)
	if l := a.Links()[0]; l.Dialled || l.Remote == "" || l.Since.IsZero() {
		t.Errorf("a's link: %+v", l)
	}
	if l := b.Links()[0]; !l.Dialled {
		t.Errorf("b's link: %+v", l)
	}
}

// Two nodes that dial each other have two leaf connections, and every request
// comes over both; it is worked on once.
func TestBothSidesDial(t *testing.T) {
	ia, ib := newID(t, "aa"), newID(t, "bb")
	a, b := start(t, ia.config(t)), start(t, ib.config(t))
	setPeers(t, a, ib.peer(b.LeafAddr()))
	setPeers(t, b, ia.peer(a.LeafAddr()))
	var heard atomic.Int32
	if err := a.Serve("bb", func(_ context.Context, req []byte) []byte {
		if string(req) != "ping" {
			heard.Add(1)
		}
		return req
	}); err != nil {
		t.Fatal(err)
	}
	poll(t, "both connections", func() bool { return len(leafIDs(t, a, "bb")) == 2 && len(leafIDs(t, b, "aa")) == 2 })
	answers(t, b, "aa", "ping")
	const n = 2 * remembered
	for i := range n {
		if got := answers(t, b, "aa", fmt.Sprint(i)); got != fmt.Sprint(i) {
			t.Fatalf("request %d: %q", i, got)
		}
	}
	if heard.Load() != n {
		t.Errorf("%d requests were worked on %d times", n, heard.Load())
	}
}

func TestOneSideOnlyDials(t *testing.T) {
	ia, ib := newID(t, "aa"), newID(t, "bb")
	a := start(t, ia.config(t))
	cb := ib.config(t)
	cb.ListenLeaf = ""
	b := start(t, cb)
	setPeers(t, a, ib.peer(""))
	setPeers(t, b, ia.peer(a.LeafAddr()))
	if err := b.Serve("aa", echo("b")); err != nil {
		t.Fatal(err)
	}
	if got := answers(t, a, "bb", "x"); got != "b heard x" {
		t.Errorf("got %q", got)
	}
	if b.LeafAddr() != "" {
		t.Errorf("b listens at %s", b.LeafAddr())
	}
}

func TestThreeNodesInATriangle(t *testing.T) {
	ia, ib, ic := newID(t, "aa"), newID(t, "bb"), newID(t, "cc")
	a, b, c := start(t, ia.config(t)), start(t, ib.config(t)), start(t, ic.config(t))
	setPeers(t, a, ib.peer(""), ic.peer(""))
	setPeers(t, b, ia.peer(a.LeafAddr()), ic.peer(""))
	setPeers(t, c, ia.peer(a.LeafAddr()), ib.peer(b.LeafAddr()))
	nodes := map[string]*Bus{"aa": a, "bb": b, "cc": c}
	for name, n := range nodes {
		for peer := range nodes {
			if peer != name {
				if err := n.Serve(peer, echo(name+" for "+peer)); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	for name, n := range nodes {
		for peer := range nodes {
			if peer == name {
				continue
			}
			want := peer + " for " + name + " heard hello"
			if got := answers(t, n, peer, "hello"); got != want {
				t.Errorf("%s asks %s: got %q, want %q", name, peer, got, want)
			}
		}
	}
}

func TestRequestErrors(t *testing.T) {
	a, b, _, _ := pair(t)
	up(t, a, "bb", true)
	if _, err := a.Request(within(t), "nobody", nil); !errors.Is(err, ErrNoPeer) {
		t.Errorf("unknown peer: %v", err)
	}
	if _, err := a.Request(within(t), "bb", nil); !errors.Is(err, ErrNoPeer) {
		t.Errorf("peer that does not serve: %v", err)
	}
	if _, err := a.Request(within(t), "bb", make([]byte, MaxRequest+1)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("large request: %v", err)
	}
	entered := make(chan struct{}, 1)
	if err := b.Serve("aa", func(ctx context.Context, req []byte) []byte {
		if string(req) == "ping" {
			return []byte("pong")
		}
		entered <- struct{}{}
		<-ctx.Done()
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	answers(t, a, "bb", "ping")
	ctx, cancel := context.WithCancel(context.Background())
	go func() { <-entered; cancel() }()
	if _, err := a.Request(ctx, "bb", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled request: %v", err)
	}
	ended := make(chan error, 1)
	go func() {
		_, err := a.Request(context.Background(), "bb", nil)
		ended <- err
	}()
	<-entered
	stop(t, a)
	if err := <-ended; !errors.Is(err, ErrClosed) {
		t.Errorf("request while stopping: %v", err)
	}
	if _, err := a.Request(within(t), "bb", nil); !errors.Is(err, ErrClosed) {
		t.Errorf("request after stop: %v", err)
	}
}

// A handler that has no answer sends none: not even an empty one.
func TestNoAnswerIsNotSent(t *testing.T) {
	a, b, _, _ := pair(t)
	if err := a.Serve("bb", func(_ context.Context, req []byte) []byte {
		switch string(req) {
		case "nothing":
			return nil
		case "empty":
			return []byte{}
		}
		return req
	}); err != nil {
		t.Fatal(err)
	}
	answers(t, b, "aa", "ping")
	if got := answers(t, b, "aa", "empty"); got != "" {
		t.Errorf("empty answer: %q", got)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if got, err := b.Request(ctx, "aa", []byte("nothing")); err == nil {
		t.Errorf("answer: %q", got)
	}
}

// A peer that asks for more than its share waits; the bus stays bounded.
func TestServeLimit(t *testing.T) {
	ia, ib := newID(t, "aa"), newID(t, "bb")
	ca := ia.config(t)
	ca.ServeLimit = 2
	a, b := start(t, ca), start(t, ib.config(t))
	setPeers(t, a, ib.peer(""))
	setPeers(t, b, ia.peer(a.LeafAddr()))
	running := make(chan struct{}, 16)
	release := make(chan struct{})
	if err := a.Serve("bb", func(ctx context.Context, req []byte) []byte {
		if string(req) == "ping" {
			return req
		}
		running <- struct{}{}
		<-release
		return req
	}); err != nil {
		t.Fatal(err)
	}
	answers(t, b, "aa", "ping")
	done := make(chan error, 5)
	for range 5 {
		go func() {
			_, err := b.Request(within(t), "aa", []byte("x"))
			done <- err
		}()
	}
	<-running
	<-running
	select {
	case <-running:
		t.Error("three at once, the limit is two")
	case <-time.After(100 * time.Millisecond):
	}
	close(release)
	for range 5 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}
