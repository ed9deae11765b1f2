package bus

import (
	"context"
	"crypto/tls"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
)

// intoServer is a client of the peer i in a victim's server, with all that the
// peer has, and no library rule beyond NATS itself.
func intoServer(t *testing.T, i id, victim Peer) *nats.Conn {
	t.Helper()
	c, err := i.config(t).complete()
	if err != nil {
		t.Fatal(err)
	}
	e := &embedded{conf: c}
	pair, err := tls.X509KeyPair(i.cert, i.key)
	if err != nil {
		t.Fatal(err)
	}
	e.shown.Store(&pair)
	nc, err := e.dialOut(victim, nats.CustomInboxPrefix(inboxPrefix(i.name)), nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	poll(t, "the client to be in", nc.IsConnected)
	return nc
}

// A peer that comes as a client is in the same lock chamber as one that comes as
// a leaf.
func TestHostileClientReachesNothing(t *testing.T) {
	ia, ib, ic := newID(t, "aa"), newID(t, "bb"), newID(t, "cc")
	a := openHub(t, ia)
	setPeers(t, a, ib.peer(""), ic.peer(""))
	if _, err := a.Log().Append(within(t), records(3, "secret", 64)); err != nil {
		t.Fatal(err)
	}
	heard := make(chan string, 1000)
	for _, p := range []string{"bb", "cc"} {
		if err := a.Serve(p, func(_ context.Context, req []byte) []byte { heard <- p + ":" + string(req); return []byte("answer") }); err != nil {
			t.Fatal(err)
		}
	}
	victim := ia.peer("")
	victim.DialURL = SchemeClient + "://" + a.ClientsAddr()
	// The honest other peer comes the same way, and is asked by the node.
	c := outOnly(t, ic)
	setPeers(t, c, victim)
	if err := c.Serve("aa", echo("cc")); err != nil {
		t.Fatal(err)
	}
	evil := intoServer(t, ib, victim)
	ask := func() (string, error) {
		m, err := evil.Request("px.aa.pull", []byte("hello"), 2*time.Second)
		if err != nil {
			return "", err
		}
		return string(m.Data), nil
	}
	if got, err := ask(); err != nil || got != "answer" {
		t.Fatalf("the allowed request: %q %v", got, err)
	}
	stolen := make(chan *nats.Msg, 1000)
	for _, s := range []string{">", "*", "log.>", "$JS.>", "$SYS.>", "_INBOX_aa.>", "_INBOX_cc.>", "px.cc.pull", "px.aa.pull", "px.*.pull", "px.>", "_INBOX_bb.evil.>"} {
		if _, err := evil.ChanSubscribe(s, stolen); err != nil {
			t.Fatal(err)
		}
	}
	for i, s := range attacks {
		if err := evil.PublishRequest(s, fmt.Sprintf("_INBOX_bb.evil.%d", i), []byte("{}")); err != nil {
			t.Fatal(err)
		}
		// Make the node itself publish where it should not.
		if err := evil.PublishRequest("px.aa.pull", s, []byte("foreign")); err != nil {
			t.Fatal(err)
		}
	}
	if got := answers(t, a, "cc", "between us"); got != "cc heard between us" {
		t.Errorf("the other peer: %q", got)
	}
	poll(t, "the attacker's own request", func() bool { got, err := ask(); return err == nil && got == "answer" })
	for len(stolen) > 0 {
		m := <-stolen
		t.Errorf("the attacker heard %s: %.200q", m.Subject, m.Data)
	}
	unharmed(t, a, heard)
}
