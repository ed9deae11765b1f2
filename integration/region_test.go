package integration

import (
	"context"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/entente-relay/entente/configs"
	"github.com/entente-relay/entente/relay"
	"github.com/entente-relay/entente/relay/dashboard"
	"github.com/entente-relay/entente/relay/demo"
)

// region is one node of a test federation, in this process.
type region struct {
	t    testing.TB
	id   string
	dir  string
	cfg  *configs.Node
	keys *relay.Keys
	node *relay.Node
	now  func() time.Time

	watchdog time.Duration // of the node, 0 for its default
	fault    func(string)  // called at the node's step boundaries
}

// regionSpec says what a region is.
type regionSpec struct {
	id, country string
	accept      []string
	exercise    []string // levels of a sample accreditation
	profile     string   // default marking of a default source profile, "" for none
	now         func() time.Time
	base        string // folder to put it in, "" for one of the test's
}

// accepted are the unverified rows that the sample federation accepts.
var accepted = []string{"pl-national", "eu-2013-488-app-b-2021/PL"}

// newRegion writes a node into a folder of its own.
func newRegion(t testing.TB, s regionSpec) *region {
	t.Helper()
	if s.now == nil {
		s.now = time.Now
	}
	if s.base == "" {
		s.base = t.TempDir()
	}
	r := &region{t: t, id: s.id, dir: filepath.Join(s.base, s.id), now: s.now}
	v := configs.TemplateValues{ID: s.id, Name: s.id, Country: s.country, Kind: "authority", Data: "data", Leaf: "127.0.0.1:0", Hosts: []string{"localhost"},
		Accept: s.accept, Reviewed: demo.SampleReviews(s.now())}
	if len(s.exercise) > 0 {
		v.Exercise = &configs.Accreditation{Authority: "EXERCISE", ID: "EXERCISE", Ceiling: s.exercise,
			Until: configs.Date{Time: s.now().AddDate(0, 1, 0)}, Exercise: true}
	}
	var err error
	if r.cfg, err = relay.Setup(relay.SetupOptions{Dir: r.dir, Values: v, Now: s.now()}); err != nil {
		t.Fatal(err)
	}
	if s.profile != "" {
		r.edit("profiles: []", `profiles: [{name: unmarked-feed, default_marking: "`+s.profile+`", default: true}]`)
	}
	if r.keys, err = relay.LoadKeys(relay.KeysDir(r.cfg)); err != nil {
		t.Fatal(err)
	}
	return r
}

// edit replaces text in the region's configuration.
func (r *region) edit(old, text string) {
	r.t.Helper()
	raw, err := os.ReadFile(r.cfg.Path)
	if err != nil {
		r.t.Fatal(err)
	}
	if !strings.Contains(string(raw), old) {
		r.t.Fatalf("the configuration has no %q", old)
	}
	if err := os.WriteFile(r.cfg.Path, []byte(strings.Replace(string(raw), old, text, 1)), 0o600); err != nil {
		r.t.Fatal(err)
	}
	if r.cfg, err = configs.LoadNode(r.cfg.Path); err != nil {
		r.t.Fatal(err)
	}
}

// terms is the text of a sample agreement.
func terms(t testing.TB, from, to string) string {
	t.Helper()
	text, err := fs.ReadFile(configs.Agreements(), from+"--"+to+".yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// accept takes terms with a peer. dial is where it listens, "" when it dials.
func (r *region) accept(peer *region, agreement, dial string) {
	r.t.Helper()
	statement, err := os.ReadFile(filepath.Join(peer.dir, relay.StatementFile))
	if err != nil {
		r.t.Fatal(err)
	}
	if _, err := relay.AcceptPeer(relay.AgreementsDir(r.dir), relay.Terms{Agreement: agreement, Statement: string(statement), Dial: dial}, r.keys.Terms, r.now()); err != nil {
		r.t.Fatal(err)
	}
}

// know takes the statement of an origin with which the region has no link.
func (r *region) know(origin *region) {
	r.t.Helper()
	statement, err := os.ReadFile(filepath.Join(origin.dir, relay.StatementFile))
	if err != nil {
		r.t.Fatal(err)
	}
	if _, err := relay.KnowParticipant(relay.StatementsDir(r.dir), statement, r.keys.Terms, r.now()); err != nil {
		r.t.Fatal(err)
	}
}

// start runs the node until the test ends or stop.
func (r *region) start() {
	r.t.Helper()
	n, err := relay.New(r.cfg, relay.Options{Logger: slog.New(slog.NewTextHandler(testWriter{r.t}, &slog.HandlerOptions{Level: slog.LevelWarn})), Now: r.now, Watchdog: r.watchdog, Fault: r.fault})
	if err != nil {
		r.t.Fatal(err)
	}
	if err := n.Start(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
	r.node = n
	r.t.Cleanup(r.stop)
}

// stop ends the node, if it runs.
func (r *region) stop() {
	if r.node == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := r.node.Stop(ctx); err != nil {
		r.t.Errorf("stopping %s: %v", r.id, err)
	}
	r.node = nil
}

// testWriter puts a node's log into the test's.
type testWriter struct{ t testing.TB }

func (w testWriter) Write(p []byte) (int, error) {
	w.t.Log(strings.TrimRight(string(p), "\n"))
	return len(p), nil
}

// peerOf returns what a node's status says of one peer.
func peerOf(t testing.TB, n *relay.Node, peer string) (dashboard.Status, dashboard.Peer) {
	t.Helper()
	st, err := n.Status(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range st.Peers {
		if p.ID == peer {
			return st, p
		}
	}
	t.Fatalf("%s does not know %s", n.ID(), peer)
	return st, dashboard.Peer{}
}

// settled waits until n has nothing left to send to peer and the peer has
// acknowledged all of it.
func settled(t testing.TB, n *relay.Node, peer string, within time.Duration) {
	t.Helper()
	eventually(t, within, func() string {
		st, p := peerOf(t, n, peer)
		if st.LogLast == 0 || st.Indexed != st.LogLast || p.Backlog != 0 || p.Out.InFlight != 0 || p.Out.Judged == 0 {
			return n.ID() + " to " + peer + " is not settled"
		}
		return ""
	})
}

// eventually asks until what says nothing more, and fails after within with
// what it said last.
func eventually(t testing.TB, within time.Duration, what func() string) {
	t.Helper()
	deadline := time.NewTimer(within)
	defer deadline.Stop()
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	for {
		said := what()
		if said == "" {
			return
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("after %v: %s", within, said)
		}
	}
}

// indexed waits until a node's index has all of its log.
func indexed(t testing.TB, n *relay.Node) dashboard.Status {
	t.Helper()
	var st dashboard.Status
	eventually(t, 30*time.Second, func() string {
		var err error
		if st, err = n.Status(t.Context()); err != nil {
			return err.Error()
		}
		if st.Indexed != st.LogLast {
			return n.ID() + " has not indexed its log"
		}
		return ""
	})
	return st
}

// arrivals collects everything a node took.
func arrivals(t testing.TB, n *relay.Node) []dashboard.Arrival {
	t.Helper()
	st := indexed(t, n)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var out []dashboard.Arrival
	if st.Objects.Taken == 0 {
		return nil
	}
	err := n.Arrivals(ctx, 1, func(a dashboard.Arrival) error {
		if out = append(out, a); uint64(len(out)) >= st.Objects.Taken {
			cancel()
		}
		return nil
	})
	if err != nil && ctx.Err() == nil {
		t.Fatal(err)
	}
	return out
}
