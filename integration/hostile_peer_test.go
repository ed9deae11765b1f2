package integration

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/entente-relay/entente/federation"
	wire "github.com/entente-relay/entente/federation/link"
	"github.com/entente-relay/entente/relay/dashboard"
)

// hostile is a peer with accepted terms and good link keys that runs code of
// its own: a NATS server that either dials the victim or is dialled by it, and
// a client that may do there whatever it likes. Of ours it uses the encodings.
type hostile struct {
	*region // its keys and its statement; no node of ours runs there
	victim  *region
	other   *region // an honest peer of the victim
	nc      *nats.Conn
	codec   *wire.Codec

	incarnation string
	seq         uint64 // number of the last message that the victim took
	mine        []byte // its own cursor in the victim's log

	mu      sync.Mutex
	reply   string                 // where the answer to the last pull goes
	answer  func(wire.Pull) []byte // to the next pull, nil: nothing is new
	thought chan struct{}          // there is an answer
	pulls   chan wire.Pull         // what the victim asked, the newest last

	published, inboxes atomic.Int64
	free               int // numbers the objects of a case
	arrived            *arrivedIDs
}

// arrivedIDs collects the ids of what the honest peer took.
type arrivedIDs struct {
	mu  sync.Mutex
	ids map[string]bool
}

// watch collects until the test ends.
func (a *arrivedIDs) watch(t *testing.T, r *region) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var wg sync.WaitGroup
	wg.Go(func() {
		err := r.node.Arrivals(ctx, 1, func(x dashboard.Arrival) error {
			a.mu.Lock()
			defer a.mu.Unlock()
			a.ids[x.ID] = true
			return nil
		})
		if err != nil && ctx.Err() == nil {
			t.Errorf("what arrives at %s: %v", r.id, err)
		}
	})
	t.Cleanup(func() { cancel(); wg.Wait() })
}

func (a *arrivedIDs) has(id string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.ids[id]
}

// direction says who opens the connection between the hostile peer and its victim.
type direction string

const (
	itDials   direction = "it dials"
	itListens direction = "it listens"
)

// newHostile starts a victim, pl-cert, that has an honest peer jp-carrier and a
// hostile one, de-cert.
func newHostile(t *testing.T, how direction) *hostile {
	t.Helper()
	codec, err := wire.NewCodec()
	if err != nil {
		t.Fatal(err)
	}
	h := &hostile{
		region: newRegion(t, regionSpec{id: "de-cert", country: "DE", accept: accepted}),
		victim: newRegion(t, regionSpec{id: "pl-cert", country: "PL", accept: accepted}),
		other:  newRegion(t, regionSpec{id: "jp-carrier", country: "JP"}),
		codec:  codec, incarnation: "evil-1", pulls: make(chan wire.Pull, 1024), thought: make(chan struct{}, 1), arrived: &arrivedIDs{ids: map[string]bool{}},
	}
	h.victim.watchdog = 4 * time.Second // it gives a pull up after three and a half
	h.victim.accept(h.other, terms(t, "pl-cert", "jp-carrier"), "")
	switch how {
	case itDials:
		h.victim.accept(h.region, terms(t, "pl-cert", "de-cert"), "")
		h.victim.start()
		h.connect(h.serve("leafnodes { remotes: [{ url: %q, account: EVIL, nkey: %q, tls { %s } }] }\naccounts { SYS {}, EVIL { users: [{user: evil, password: evil}] } }",
			"tls://"+h.victim.node.LeafAddr(), string(h.keys.LinkSeed), h.tls()))
	case itListens:
		srv := h.serve("leafnodes { listen: \"127.0.0.1:-1\", tls { %s, verify: true, handshake_first: true } }\naccounts { SYS {}, EVIL { users: [{nkey: %s}, {user: evil, password: evil}] } }",
			h.tls(), h.victim.keys.LinkPublic)
		v, err := srv.Varz(nil)
		if err != nil {
			t.Fatal(err)
		}
		h.victim.accept(h.region, terms(t, "pl-cert", "de-cert"), fmt.Sprintf("tls://127.0.0.1:%d", v.LeafNode.Port))
		h.connect(srv)
		h.victim.start()
	}
	h.other.accept(h.victim, terms(t, "jp-carrier", "pl-cert"), "tls://"+h.victim.node.LeafAddr())
	h.other.know(h.region)
	h.other.start()
	if _, err := h.nc.Subscribe("px."+h.id+".pull", h.pulled); err != nil {
		t.Fatal(err)
	}
	awaitLink(t, h.victim, h.id, "up")
	awaitLink(t, h.victim, h.other.id, "up")
	h.arrived.watch(t, h.other)
	return h
}

// tls writes the hostile server's TLS settings, with everything that its
// accepted certificate opens.
func (h *hostile) tls() string {
	h.t.Helper()
	dir := h.t.TempDir()
	for name, data := range map[string][]byte{"c": h.keys.LinkCert, "k": h.keys.LinkKey, "ca": h.victim.keys.LinkCert} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			h.t.Fatal(err)
		}
	}
	return fmt.Sprintf("cert_file: %q, key_file: %q, ca_file: %q, handshake_first: true", dir+"/c", dir+"/k", dir+"/ca")
}

// serve runs the hostile peer's own NATS server.
func (h *hostile) serve(text string, args ...any) *server.Server {
	h.t.Helper()
	opts := &server.Options{NoSigs: true, NoLog: true, DontListen: true}
	if err := opts.ProcessConfigString("server_name: evil\nmax_payload: 8388608\nsystem_account: SYS\n" + fmt.Sprintf(text, args...)); err != nil {
		h.t.Fatal(err)
	}
	srv, err := server.NewServer(opts)
	if err != nil {
		h.t.Fatal(err)
	}
	go srv.Start()
	h.t.Cleanup(func() { srv.Shutdown(); srv.WaitForShutdown() })
	if !srv.ReadyForConnections(10 * time.Second) {
		h.t.Fatal("the hostile server is not ready")
	}
	return srv
}

func (h *hostile) connect(srv *server.Server) {
	h.t.Helper()
	var err error
	h.nc, err = nats.Connect("", nats.InProcessServer(srv), nats.UserInfo("evil", "evil"), nats.CustomInboxPrefix("_INBOX_"+h.id), nats.MaxReconnects(-1),
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {})) // what it tries is refused, as it should be
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(h.nc.Close)
}

// idle is how long the hostile peer holds a pull when it has nothing in mind.
const idle = time.Second

// pulled answers the victim's pulls.
func (h *hostile) pulled(m *nats.Msg) {
	p, err := wire.DecodePull(m.Data)
	if federation.ReasonOf(err) == federation.BadSeal {
		return // where the victim's terms want a seal, its pulls are not for this peer
	}
	if err != nil {
		h.t.Errorf("a pull of the victim: %v", err)
		return
	}
	select {
	case h.pulls <- p:
	default: // nobody looks
	}
	h.mu.Lock()
	if h.answer == nil { // wait for an idea, but not for ever
		h.mu.Unlock()
		patience := time.NewTimer(idle)
		select {
		case <-h.thought:
		case <-patience.C:
		}
		patience.Stop()
		h.mu.Lock()
	}
	answer := h.answer
	h.answer, h.reply = nil, m.Reply
	var b []byte
	if answer != nil {
		b = answer(p)
	} else {
		at := uint64(0)
		_, _ = fmt.Sscanf(string(p.Cursor), "after %d", &at) // none: from the start
		b = h.frame(wire.Frame{FirstSeq: at + 1})
	}
	h.mu.Unlock()
	if b != nil {
		_ = m.Respond(b) // the victim notices an answer that did not come
	}
}

// frame encodes a frame in which what is left out is right.
func (h *hostile) frame(f wire.Frame) []byte {
	if f.Incarnation == "" {
		f.Incarnation = h.incarnation
	}
	b, err := h.codec.EncodeFrame(f)
	if err != nil {
		h.t.Errorf("hostile frame: %v", err)
	}
	return b
}

// cursor is what the victim is given as cursor after a frame.
func cursor(seq uint64) []byte { return fmt.Appendf(nil, "after %d", seq) }

// give answers the victim's next pull, and returns the pull that follows. It
// may come with the receipt.
func (h *hostile) give(answer []byte) wire.Pull {
	h.t.Helper()
	return h.giveBy(func() []byte { return answer })
}

// giveBy does the same with an answer that is made when the pull is there, with
// h locked.
func (h *hostile) giveBy(answer func() []byte) wire.Pull {
	h.t.Helper()
	asked := make(chan struct{})
	h.mu.Lock()
	h.answer = func(wire.Pull) []byte {
		for len(h.pulls) > 0 {
			<-h.pulls // what came before
		}
		close(asked)
		return answer()
	}
	h.mu.Unlock()
	select {
	case h.thought <- struct{}{}:
	default:
	}
	late := time.NewTimer(20 * time.Second)
	defer late.Stop()
	select {
	case <-asked:
	case <-late.C:
		h.t.Fatal("the victim does not pull any more")
	}
	select {
	case p := <-h.pulls:
		return p
	case <-late.C:
		h.t.Fatal("the victim does not pull again")
	}
	return wire.Pull{}
}

// send gives messages as the next frame and returns the victim's receipt for it.
// The frame itself is right, so the victim stores what it makes of it.
func (h *hostile) send(messages [][]byte, root string) wire.Receipt {
	h.t.Helper()
	first, last := h.seq+1, h.seq+uint64(len(messages))
	answer := h.frame(wire.Frame{FirstSeq: first, Messages: messages, Root: root, Next: cursor(last)})
	p := h.giveBy(func() []byte { return answer })
	for range 5 { // an answer is lost when the link is made anew just then
		if bytes.Equal(p.Cursor, cursor(last)) {
			break
		}
		p = h.giveBy(func() []byte { return answer })
	}
	h.mu.Lock()
	h.seq = last
	h.mu.Unlock()
	for range 50 {
		if len(p.Receipt) > 0 {
			rc, err := wire.OpenReceipt(p.Receipt, h.victim.node.World().Directory, time.Now())
			if err != nil {
				h.t.Fatalf("the victim's receipt: %v", err)
			}
			if rc.FirstSeq == first {
				return rc
			}
		}
		select {
		case p = <-h.pulls:
		case <-time.After(10 * time.Second):
			h.t.Fatal("no receipt came")
		}
	}
	h.t.Fatal("no receipt for the frame")
	return wire.Receipt{}
}

// ask sends the victim a pull by hand, and returns the frame, or the fault.
func (h *hostile) ask(p wire.Pull) (wire.Frame, error) {
	h.t.Helper()
	req, err := wire.EncodePull(p)
	if err != nil {
		h.t.Fatal(err)
	}
	return h.askRaw(req)
}

func (h *hostile) askRaw(req []byte) (wire.Frame, error) {
	h.t.Helper()
	var m *nats.Msg
	eventually(h.t, 20*time.Second, func() (said string) {
		var err error
		if m, err = h.nc.Request("px."+h.victim.id+".pull", req, 10*time.Second); err != nil {
			return "the victim does not answer: " + err.Error() // its watchdog may have cut the link just then
		}
		return ""
	})
	return h.codec.DecodeFrame(m.Data)
}

// honest publishes one object at the victim and waits until the honest peer
// has it: that is what every attack must leave as it was. It returns how long
// it took.
func (h *hostile) honest() time.Duration {
	h.t.Helper()
	n := 1_000_000 + int(h.published.Add(1))
	started := time.Now()
	object := freeIndicator(n, started)
	if p, err := h.victim.node.Publish(h.t.Context(), "honest", "", []byte(object)); err != nil || p.Taken != 1 {
		h.t.Fatalf("publishing at the victim: %+v, %v", p, err)
	}
	id := fmt.Sprintf("indicator--00000000-0000-4000-8000-%012d", n)
	eventually(h.t, 20*time.Second, func() string {
		if !h.arrived.has(id) {
			return "the honest peer does not get " + id
		}
		return ""
	})
	return time.Since(started)
}

// seen is what the victim has of the hostile peer so far.
func (h *hostile) seen() (dashboard.Status, dashboard.Peer) {
	h.t.Helper()
	var st dashboard.Status
	var p dashboard.Peer
	eventually(h.t, 10*time.Second, func() string {
		if st, p = peerOf(h.t, h.victim.node, h.id); st.Indexed != st.LogLast {
			return "the victim has not indexed its log"
		}
		return ""
	})
	return st, p
}

// journalled counts the refusals of the hostile peer that the victim's journal
// tells of, by reason.
func (h *hostile) journalled() map[string]int {
	h.t.Helper()
	out := map[string]int{}
	ctx, cancel := context.WithTimeout(h.t.Context(), 10*time.Second)
	defer cancel()
	for r, err := range h.victim.node.Records(ctx, 1) {
		switch {
		case errors.Is(err, context.DeadlineExceeded):
			h.t.Fatal("the journal is not read in time")
		case err != nil:
			h.t.Fatal(err)
		case r.Link != nil && string(r.Link.Peer) == h.id && r.Link.Reason != "":
			out[string(r.Link.Event)+" "+string(r.Link.Reason)]++
		case r.Intake != nil && string(r.Intake.Source) == h.id:
			for _, o := range r.Intake.Objects {
				out[string(o.Outcome)+" "+string(o.Reason)]++
			}
		}
	}
	return out
}

// awaitJournal waits until the victim's journal tells of the peer what ends in
// word, such as "refused malformed" or "malformed", and returns it. The journal
// follows the log, so a receipt may be here first.
func (h *hostile) awaitJournal(word string) string {
	h.t.Helper()
	var found string
	eventually(h.t, 10*time.Second, func() string {
		all := h.journalled()
		for told := range all {
			if told == word || strings.HasSuffix(told, " "+word) {
				found = told
				return ""
			}
		}
		return fmt.Sprintf("the journal does not tell of %s: %v", word, all)
	})
	return found
}
