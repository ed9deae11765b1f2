package bus

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

func TestClientPort(t *testing.T) {
	i := newID(t, "aa")
	c := i.config(t)
	b := start(t, c)
	if b.ClientAddr() != "" {
		t.Errorf("a client port is open at %s though none is configured", b.ClientAddr())
	}
	seed, public, err := NewNKey()
	if err != nil {
		t.Fatal(err)
	}
	c = i.config(t)
	c.Client = "127.0.0.1:0"
	c.ClientKeys = map[string]string{public: "RELAY"}
	b = start(t, c)
	if nc, err := nats.Connect("nats://" + b.ClientAddr()); err == nil {
		nc.Close()
		t.Error("anybody may sign in at the client port")
	}
	file := filepath.Join(t.TempDir(), "seed")
	if err := os.WriteFile(file, seed, 0o600); err != nil {
		t.Fatal(err)
	}
	sign, err := nats.NkeyOptionFromSeed(file)
	if err != nil {
		t.Fatal(err)
	}
	nc, err := nats.Connect("nats://"+b.ClientAddr(), sign)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.Stream(within(t), "LOG"); err != nil {
		t.Errorf("the operator's user does not see the log: %v", err)
	}
	// A reload keeps the port.
	at := b.ClientAddr()
	setPeers(t, b, newID(t, "bb").peer(""))
	if _, err := js.Stream(within(t), "LOG"); err != nil || b.ClientAddr() != at {
		t.Errorf("after a reload, at %s: %v", b.ClientAddr(), err)
	}
}

// syncBuffer is a buffer for a log that other goroutines write.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// Whatever goes through the bus, the log holds none of it.
func TestNoPayloadIsLogged(t *testing.T) {
	ia, ib := newID(t, "aa"), newID(t, "bb")
	var out syncBuffer
	c := ia.config(t)
	c.Logger = slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	a, b := start(t, c), start(t, ib.config(t))
	setPeers(t, a, ib.peer(""))
	setPeers(t, b, ia.peer(a.LeafAddr()))
	if err := a.Serve("bb", func(_ context.Context, req []byte) []byte { return append(req, "SECRET-ANSWER"...) }); err != nil {
		t.Fatal(err)
	}
	answers(t, b, "aa", "SECRET-REQUEST")
	if _, err := a.Log().Append(within(t), []Record{{Subject: "s", Data: []byte("SECRET-RECORD")}}); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Log().Append(within(t), []Record{{Subject: "s", Data: []byte("SECRET-RECORD"), ExpectLastSubject: ptr(9)}}); err == nil {
		t.Fatal("a conflict passes")
	}
	stop(t, a)
	if got := out.String(); strings.Contains(got, "SECRET") || !strings.Contains(got, "Server is ready") {
		t.Errorf("log:\n%s", got)
	}
	if strings.Contains(out.String(), string(ia.seed)) {
		t.Error("the link's seed is in the log")
	}
}

// A flood of lines is cut, and said to be.
func TestLogFloodIsCut(t *testing.T) {
	var out syncBuffer
	l := newServerLog(slog.New(slog.NewTextHandler(&out, nil)))
	for range 10 * maxLogRate {
		l.Errorf("%s", strings.Repeat("x", 10*maxLogLine))
	}
	l.second = time.Now().Add(-2 * time.Second)
	l.Warnf("next")
	got := out.String()
	if n := strings.Count(got, "level=ERROR"); n != maxLogRate {
		t.Errorf("%d lines in a second, the limit is %d", n, maxLogRate)
	}
	if !strings.Contains(got, "count=180") || !strings.Contains(got, "msg=next") {
		t.Errorf("the end of the log: %s", got[len(got)-300:])
	}
	if longest := len(strings.SplitN(got, "\n", 2)[0]); longest > maxLogLine+200 {
		t.Errorf("a line of %d bytes", longest)
	}
}
