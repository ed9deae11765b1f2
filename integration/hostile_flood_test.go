package integration

import (
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	wire "github.com/entente-relay/entente/federation/link"
)

// floodAttacks are too many of what is allowed, and what is not allowed at all,
// written to the wire by hand.
func floodAttacks() []attack {
	return []attack{
		{name: "ten thousand pulls at once", stops: "eight at work, 64 wait, the rest is dropped", run: func(h *hostile) {
			h.flood(func() { h.pullAll(10_000, 100*time.Millisecond, "") })
		}},
		{name: "ten thousand pulls that wait for a millisecond", stops: "eight at work, and the quota of pulls", run: func(h *hostile) {
			h.flood(func() { h.pullAll(10_000, time.Millisecond, "") })
		}},
		{name: "ten thousand pulls, each with a receipt that is none", stops: "eight at work; the journal tells once a minute", run: func(h *hostile) {
			before := h.journalled()["refused malformed"]
			h.flood(func() { h.pullAll(10_000, 0, strings.Repeat("x", 1000)) })
			if n := h.journalled()["refused malformed"]; n > before+2 {
				h.t.Errorf("the journal has %d records of it", n-before)
			}
		}},
		{name: "two thousand subscriptions", stops: "64 a link; the server hangs up", run: func(h *hostile) {
			h.flood(func() {
				var subs []*nats.Subscription
				into := make(chan *nats.Msg)
				for i := range 2000 {
					s, err := h.nc.ChanSubscribe(fmt.Sprintf("_INBOX_%s.many.%d", h.id, i), into)
					if err != nil {
						h.t.Fatal(err)
					}
					subs = append(subs, s)
				}
				h.flushed()
				for _, s := range subs {
					if err := s.Unsubscribe(); err != nil {
						h.t.Fatal(err)
					}
				}
				h.flushed()
			})
			awaitLink(h.t, h.victim, h.id, "up")
		}},
		{name: "a hundred thousand subscriptions written by hand", stops: "64 a link, the rest is dropped", run: func(h *hostile) {
			h.flood(func() {
				l := h.dialRaw()
				for i := range 100_000 {
					l.send("LS+ _INBOX_%s.raw.%d\r\n", h.id, i)
				}
				_ = l.conn.Close() // the victim may have
			})
		}},
		{name: "a message that says it has 100 MB", stops: "max_payload, before memory is taken; the server hangs up", run: func(h *hostile) {
			h.flood(func() {
				if _, hungUp := h.tried(fmt.Sprintf("LMSG px.%s.pull _INBOX_%s.x 104857600\r\n", h.victim.id, h.id)); !hungUp {
					h.t.Error("the victim does not hang up")
				}
			})
		}},
		{name: "a message that says it has 2 GB", stops: "max_payload, before memory is taken; the server hangs up", run: func(h *hostile) {
			h.flood(func() {
				if _, hungUp := h.tried(fmt.Sprintf("LMSG px.%s.pull _INBOX_%s.x 2147483647\r\n", h.victim.id, h.id)); !hungUp {
					h.t.Error("the victim does not hang up")
				}
			})
		}},
		{name: "a line of a megabyte without an end", stops: "the server's limit on a line", run: func(h *hostile) {
			h.flood(func() {
				if _, hungUp := h.tried("LMSG " + strings.Repeat("a", 1<<20)); !hungUp {
					h.t.Error("the victim does not hang up")
				}
			})
		}},
		{name: "a pull a byte at a time", stops: "it waits by itself", run: func(h *hostile) {
			l := h.dialRaw()
			for _, c := range []byte(fmt.Sprintf("LMSG px.%s.pull _INBOX_%s.slow 8\r\neL", h.victim.id, h.id)) {
				l.send("%c", c)
				if c == '.' {
					h.honest()
				}
			}
			h.honest()
		}},
		{name: "a pull of the victim's that is never answered", stops: "given up after its time, and asked again", run: func(h *hostile) {
			h.giveBy(func() []byte { return nil })
		}},
		{name: "forty-seven subjects that are not its own", stops: "the link's account has two subjects and no JetStream", run: func(h *hostile) {
			for _, s := range foreign {
				if got, _ := h.tried(fmt.Sprintf("LMSG %s _INBOX_%s.evil 2\r\n{}\r\n", s, h.id)); got != nil {
					h.t.Errorf("%s was answered: %v", s, got)
				}
			}
		}},
		{name: "interest in what is not its own", stops: "the link's account; allow lists for its user", run: func(h *hostile) {
			for _, s := range []string{">", "*", "*.>", "log.>", "journal.>", "$JS.>", "$SYS.>", "_INBOX_pl-cert.>", "_INBOX_jp-carrier.>", "_INBOX.>", "px.jp-carrier.pull", "px.pl-cert.pull", "px.*.pull", "px.>"} {
				l := h.dialRaw()
				l.send("LS+ %s\r\n", s)
				h.honest()
				last := h.inbox()
				pull, err := wire.EncodePull(wire.Pull{Cursor: h.mine})
				if err != nil {
					h.t.Fatal(err)
				}
				l.send("LMSG px.%s.pull %s %d\r\n%s\r\n", h.victim.id, last, len(pull), pull)
				if got, _ := l.messages(last); got != nil {
					h.t.Errorf("interest in %s was answered: %v", s, got)
				}
				_ = l.conn.Close() // it may be closed already
			}
		}},
		{name: "a pull whose answer goes to somebody else", stops: "a reply must be in the peer's own inbox, asked twice", run: func(h *hostile) {
			fromStart := func(reply string) string {
				return fmt.Sprintf("LMSG px.%s.pull %s 8\r\neLP\x01\x00\x00\x00\x00\r\n", h.victim.id, reply)
			}
			h.next() // so that the good pull behind each attack gets nothing
			before := h.sentTo()
			if h.tried(fromStart(h.inbox())); h.sentTo() != before+1 {
				h.t.Fatal("a good pull makes no frame, so this shows nothing")
			}
			before = h.sentTo()
			for _, reply := range append([]string{"_INBOX_de-certx.1", "_INBOX_de-cert", "_INBOX_jp-carrier.1", "_INBOX_pl-cert.1", "px.pl-cert.pull"}, foreign...) {
				h.tried(fromStart(reply))
			}
			if after := h.sentTo(); after != before {
				h.t.Errorf("%d frames were made for answers to others", after-before)
			}
		}},
		{name: "headers that are commands to a server", stops: "no header is read or copied", run: func(h *hostile) { h.headers() }},
	}
}

// flood runs f and checks that memory and goroutines stay bounded, and that an
// honest peer is served meanwhile.
func (h *hostile) flood(f func()) {
	h.t.Helper()
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	routines := runtime.NumGoroutine()
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	worst := time.Duration(0)
	for going := true; going; {
		worst = max(worst, h.honest())
		if n := runtime.NumGoroutine(); n > routines+300 {
			h.t.Errorf("%d goroutines, %d before", n, routines)
		}
		select {
		case <-done:
			going = false
		default:
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if after.HeapAlloc > before.HeapAlloc+96<<20 {
		h.t.Errorf("%d MB on the heap, %d before", after.HeapAlloc>>20, before.HeapAlloc>>20)
	}
	if worst > 5*time.Second {
		h.t.Errorf("meanwhile an object took %v to an honest peer", worst)
	}
	h.t.Logf("at worst an object took %v to an honest peer", worst.Round(time.Millisecond))
}

// pullAll sends so many pulls without waiting for the answers.
func (h *hostile) pullAll(n int, wait time.Duration, receipt string) {
	h.t.Helper()
	req, err := wire.EncodePull(wire.Pull{Cursor: h.mine, Wait: wait, Receipt: []byte(receipt)})
	if err != nil {
		h.t.Error(err)
		return
	}
	for i := range n {
		if err := h.nc.PublishRequest("px."+h.victim.id+".pull", fmt.Sprintf("_INBOX_%s.flood.%d", h.id, i), req); err != nil {
			h.t.Error(err)
			return
		}
	}
	h.flushed()
}

func (h *hostile) flushed() {
	h.t.Helper()
	if err := h.nc.FlushTimeout(10 * time.Second); err != nil {
		h.t.Error(err)
	}
}

// sentTo counts the frames that the victim made for the hostile peer.
func (h *hostile) sentTo() int {
	h.t.Helper()
	n := 0
	for r, err := range h.victim.node.Records(h.t.Context(), 1) {
		if err != nil {
			h.t.Fatal(err)
		}
		if r.Sent != nil && string(r.Sent.Peer) == h.id {
			n++
		}
	}
	return n
}

// headers sends pulls with headers that mean something to a NATS server.
func (h *hostile) headers() {
	h.t.Helper()
	st, err := h.victim.node.Status(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	for _, header := range []string{
		"Nats-Msg-Id: evil", "Nats-Expected-Stream: LOG", "Nats-Expected-Last-Sequence: 0", "Nats-Expected-Last-Subject-Sequence: 0", "Nats-Rollup: all", "Nats-TTL: 1s",
		"Nats-Schedule: @every 1s", "Nats-Batch-Id: evil\r\nNats-Batch-Sequence: 1\r\nNats-Batch-Commit: 1", "Nats-Request-Info: {\"acc\":\"RELAY\"}", "Nats-Trace-Only: true",
		"Nats-Trace-Dest: _INBOX_de-cert.trace", "Nats-Trace-Dest: log.evil", "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "Status: 503",
	} {
		head, body := "NATS/1.0\r\n"+header+"\r\n\r\n", "eLP\x01\x00\x00\x00\x00"
		got, _ := h.tried(fmt.Sprintf("HMSG px.%s.pull _INBOX_%s.h %d %d\r\n%s%s\r\n", h.victim.id, h.id, len(head), len(head)+len(body), head, body))
		for _, s := range got {
			if s != "_INBOX_"+h.id+".h" {
				h.t.Errorf("%s: the victim sent something to %s", header, s)
			}
		}
	}
	after, err := h.victim.node.Status(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	if after.LogLast != st.LogLast {
		h.t.Errorf("the log has %d entries, before %d", after.LogLast, st.LogLast)
	}
}
