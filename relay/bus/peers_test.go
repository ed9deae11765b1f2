package bus

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
)

// leafIDs are the server's numbers of the leaf connections of an account.
func leafIDs(t *testing.T, b *Bus, peer string) []uint64 {
	t.Helper()
	z, err := b.tr.(*embedded).srv.Leafz(&server.LeafzOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var ids []uint64
	for _, l := range z.Leafs {
		if l.Account == linkAccount(peer) {
			ids = append(ids, l.ID)
		}
	}
	return ids
}

func same(a, b []uint64) bool { return len(a) == 1 && len(b) == 1 && a[0] == b[0] }

// hub is a node aa with two peers that dial it and serve it.
func hub(t *testing.T) (a, b, c *Bus, ia, ib, ic id) {
	t.Helper()
	ia, ib, ic = newID(t, "aa"), newID(t, "bb"), newID(t, "cc")
	a, b, c = start(t, ia.config(t)), start(t, ib.config(t)), start(t, ic.config(t))
	setPeers(t, a, ib.peer(""), ic.peer(""))
	setPeers(t, b, ia.peer(a.LeafAddr()))
	setPeers(t, c, ia.peer(a.LeafAddr()))
	for peer, n := range map[string]*Bus{"bb": b, "cc": c} {
		if err := n.Serve("aa", echo(peer)); err != nil {
			t.Fatal(err)
		}
		if err := a.Serve(peer, echo("aa")); err != nil {
			t.Fatal(err)
		}
		answers(t, a, peer, "x")
		answers(t, n, "aa", "x")
	}
	return a, b, c, ia, ib, ic
}

func TestRemovedPeerIsKickedAndOthersAreNot(t *testing.T) {
	a, b, _, _, ib, ic := hub(t)
	if _, err := a.Log().Append(within(t), records(2, "s", 10)); err != nil {
		t.Fatal(err)
	}
	before := leafIDs(t, a, "cc")
	// Who looks at the links all the time does not bring the removed one back.
	ctx, enough := context.WithCancel(t.Context())
	var looking sync.WaitGroup
	looking.Go(func() {
		for ctx.Err() == nil {
			a.Links()
		}
	})
	setPeers(t, a, ic.peer(""))
	enough()
	looking.Wait()
	up(t, b, "aa", false)
	if ids := leafIDs(t, a, "bb"); len(ids) != 0 {
		t.Errorf("leaf connections of the removed peer: %v", ids)
	}
	if _, err := a.Request(within(t), "bb", nil); !errors.Is(err, ErrNoPeer) {
		t.Errorf("request to the removed peer: %v", err)
	}
	if err := a.Serve("bb", echo("aa")); !errors.Is(err, ErrNoPeer) {
		t.Errorf("serve the removed peer: %v", err)
	}
	if l, err := dialLeaf(t, a.LeafAddr(), keyPair(t, ib.cert, ib.key)); err == nil {
		if got, err := l.signIn(ib.seed); err == nil {
			t.Errorf("the removed peer is let in again: %q", got)
		}
	}
	if got := answers(t, a, "cc", "still"); got != "cc heard still" {
		t.Errorf("the other link: %q", got)
	}
	if after := leafIDs(t, a, "cc"); !same(before, after) {
		t.Errorf("the other link was made anew: %v, then %v", before, after)
	}
	if _, err := a.Log().Append(within(t), records(2, "s", 10)); err != nil {
		t.Errorf("the log after a reload: %v", err)
	}
	if len(a.Links()) != 1 {
		t.Errorf("links: %+v", a.Links())
	}
	// And it may come back.
	setPeers(t, a, ib.peer(""), ic.peer(""))
	if err := a.Serve("bb", echo("aa")); err != nil {
		t.Fatal(err)
	}
	if got := answers(t, b, "aa", "again"); got != "aa heard again" {
		t.Errorf("back again: %q", got)
	}
	if after := leafIDs(t, a, "cc"); !same(before, after) {
		t.Errorf("the other link was made anew: %v, then %v", before, after)
	}
}

func TestPausedPeer(t *testing.T) {
	a, b, _, ia, ib, ic := hub(t)
	before := leafIDs(t, a, "cc")
	paused := ib.peer("")
	paused.Paused = true
	setPeers(t, a, paused, ic.peer(""))
	up(t, b, "aa", false)
	if _, err := a.Request(within(t), "bb", nil); !errors.Is(err, ErrNoPeer) {
		t.Errorf("request to a paused peer: %v", err)
	}
	if l := a.Links()[0]; !l.Paused || l.Up {
		t.Errorf("link: %+v", l)
	}
	setPeers(t, a, ib.peer(""), ic.peer(""))
	if got := answers(t, b, "aa", "x"); got != "aa heard x" {
		t.Errorf("resumed: %q", got)
	}
	// The dialling side pauses.
	dialled := ia.peer(a.LeafAddr())
	dialled.Paused = true
	setPeers(t, b, dialled)
	up(t, a, "bb", false)
	setPeers(t, b, ia.peer(a.LeafAddr()))
	if got := answers(t, a, "bb", "x"); got != "bb heard x" {
		t.Errorf("resumed by the dialler: %q", got)
	}
	if after := leafIDs(t, a, "cc"); !same(before, after) {
		t.Errorf("the other link was made anew: %v, then %v", before, after)
	}
}

func TestPeerWithNewKeys(t *testing.T) {
	a, b, _, ia, _, ic := hub(t)
	fresh := newID(t, "bb")
	setPeers(t, a, fresh.peer(""), ic.peer(""))
	up(t, b, "aa", false)
	stop(t, b)
	b = start(t, fresh.config(t))
	setPeers(t, b, ia.peer(a.LeafAddr()))
	if got := answers(t, b, "aa", "x"); got != "aa heard x" {
		t.Errorf("with new keys: %q", got)
	}
}

// A dialler that was pointed elsewhere leaves the old address alone.
func TestPeerThatMoves(t *testing.T) {
	a, b, c, ia, _, ic := hub(t)
	moved := ia
	elsewhere := start(t, moved.config(t))
	_ = c
	setPeers(t, elsewhere, newPeerOf(b), ic.peer(""))
	if err := elsewhere.Serve("bb", echo("elsewhere")); err != nil {
		t.Fatal(err)
	}
	setPeers(t, b, ia.peer(elsewhere.LeafAddr()))
	up(t, a, "bb", false)
	if got := answers(t, b, "aa", "x"); got != "elsewhere heard x" {
		t.Errorf("got %q", got)
	}
}

// newPeerOf describes a running node to another.
func newPeerOf(b *Bus) Peer {
	public, err := PublicNKey(b.conf.Seed)
	if err != nil {
		panic(err)
	}
	return Peer{ID: b.conf.Name, NKeyPublic: public, CertPEM: b.conf.CertPEM}
}

// A handler that is asking the bus itself while its peer is removed does not
// hold the removal up.
func TestRemovalWhileAnswering(t *testing.T) {
	a, b, _, _, _, ic := hub(t)
	entered := make(chan struct{})
	if err := a.Serve("bb", func(ctx context.Context, _ []byte) []byte {
		close(entered)
		<-ctx.Done()
		a.Links()
		if _, err := a.Request(ctx, "cc", nil); err == nil {
			t.Error("a request with an ended context succeeds")
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			// The interest of a has to cross the link before b finds it.
			if _, err := b.Request(within(t), "aa", nil); !errors.Is(err, ErrNoPeer) || t.Context().Err() != nil {
				return
			}
		}
	}()
	select {
	case <-entered:
	case <-within(t).Done():
		t.Fatal("the request does not arrive")
	}
	setPeers(t, a, ic.peer(""))
	answers(t, a, "cc", "x")
}

// Many changes one after the other end in the right state.
func TestPeersComeAndGo(t *testing.T) {
	a, b, c, ia, ib, ic := hub(t)
	before := leafIDs(t, a, "cc")
	for range 10 {
		setPeers(t, a, ic.peer(""))
		setPeers(t, b)
		setPeers(t, a, ib.peer(""), ic.peer(""))
		setPeers(t, b, ia.peer(a.LeafAddr()))
	}
	if err := a.Serve("bb", echo("aa")); err != nil {
		t.Fatal(err)
	}
	if got := answers(t, b, "aa", "x"); got != "aa heard x" {
		t.Error(got)
	}
	if got := answers(t, c, "aa", "x"); got != "aa heard x" {
		t.Error(got)
	}
	if after := leafIDs(t, a, "cc"); !same(before, after) {
		t.Errorf("the other link was made anew: %v, then %v", before, after)
	}
}

func TestStoppedBusRefuses(t *testing.T) {
	a, _, _, _, ib, _ := hub(t)
	stop(t, a)
	stop(t, a)
	if err := a.SetPeers(within(t), []Peer{ib.peer("")}); !errors.Is(err, ErrClosed) {
		t.Errorf("SetPeers: %v", err)
	}
	if err := a.Serve("bb", nil); !errors.Is(err, ErrClosed) {
		t.Errorf("Serve: %v", err)
	}
	if got := a.Links(); got != nil {
		t.Errorf("Links: %v", got)
	}
	if _, err := a.Log().Append(within(t), records(1, "a", 1)); err == nil {
		t.Error("Append works")
	}
	if _, err := a.Log().Read(within(t), 1, 1, 0); err == nil || !strings.Contains(err.Error(), "closed") {
		t.Errorf("Read: %v", err)
	}
}

// A kicked link comes back as a new connection, and no other is touched.
func TestKickedLinkComesBack(t *testing.T) {
	a, b, c, _, _, _ := hub(t)
	before, other := leafIDs(t, a, "bb"), leafIDs(t, a, "cc")
	for side, kick := range map[string]func() error{
		"listener": func() error { return a.Kick("bb") },
		"dialler":  func() error { return b.Kick("aa") },
	} {
		if err := kick(); err != nil {
			t.Fatal(err)
		}
		poll(t, "another connection after the kick of the "+side, func() bool {
			ids := leafIDs(t, a, "bb")
			return len(ids) == 1 && !same(ids, before)
		})
		before = leafIDs(t, a, "bb")
		if got := answers(t, b, "aa", "x"); got != "aa heard x" {
			t.Errorf("kicked by the %s: %q", side, got)
		}
	}
	if after := leafIDs(t, a, "cc"); !same(other, after) {
		t.Errorf("the other link was made anew: %v, then %v", other, after)
	}
	if err := c.Kick("bb"); !errors.Is(err, ErrNoPeer) {
		t.Errorf("kick of a stranger: %v", err)
	}
}

// New TLS keys are for new connections: those that stand go on, and whoever
// knows the new certificate gets in afterwards, by either side's dialling.
func TestNewIdentityWhileRunning(t *testing.T) {
	a, b, c, ia, ib, ic := hub(t)
	before := map[string][]uint64{"bb": leafIDs(t, a, "bb"), "cc": leafIDs(t, a, "cc")}
	fresh := newID(t, "aa")
	if err := a.SetIdentity(within(t), fresh.cert, ia.key); err == nil {
		t.Error("a certificate with another one's key is taken")
	}
	if err := a.SetIdentity(within(t), fresh.cert, fresh.key); err != nil {
		t.Fatal(err)
	}
	for peer, ids := range before {
		if after := leafIDs(t, a, peer); !same(ids, after) {
			t.Errorf("the link to %s was made anew: %v, then %v", peer, ids, after)
		}
	}
	// bb knows the new certificate, cc does not: cc's next connection fails.
	known := ia
	known.cert = fresh.cert
	setPeers(t, b, known.peer(a.LeafAddr()))
	for _, peer := range []string{"bb", "cc"} {
		if err := a.Kick(peer); err != nil {
			t.Fatal(err)
		}
	}
	up(t, c, "aa", false)
	poll(t, "another connection of bb", func() bool { ids := leafIDs(t, a, "bb"); return len(ids) == 1 && !same(ids, before["bb"]) })
	if got := answers(t, b, "aa", "x"); got != "aa heard x" {
		t.Errorf("over the new certificate: %q", got)
	}
	if ids := leafIDs(t, a, "cc"); len(ids) != 0 {
		t.Errorf("cc accepts a certificate that it does not know: %v", ids)
	}
	setPeers(t, c, known.peer(a.LeafAddr()))
	if got := answers(t, c, "aa", "x"); got != "aa heard x" {
		t.Errorf("over the new certificate: %q", got)
	}
	// The dialling side changes its own.
	fresh = newID(t, "bb")
	if err := b.SetIdentity(within(t), fresh.cert, fresh.key); err != nil {
		t.Fatal(err)
	}
	renewed := ib
	renewed.cert = fresh.cert
	last := leafIDs(t, a, "cc")
	setPeers(t, a, renewed.peer(""), ic.peer(""))
	if got := answers(t, b, "aa", "x"); got != "aa heard x" {
		t.Errorf("over the dialler's new certificate: %q", got)
	}
	if after := leafIDs(t, a, "cc"); !same(last, after) {
		t.Errorf("the other link was made anew: %v, then %v", last, after)
	}
}
