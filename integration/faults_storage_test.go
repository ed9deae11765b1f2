package integration

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/entente-relay/entente/relay"
	"github.com/entente-relay/entente/relay/bench"
	"github.com/entente-relay/entente/relay/dashboard"
	"github.com/entente-relay/entente/relay/store"
)

// said keeps what a node logs.
type said struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *said) has(what string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Contains(s.text.String(), what)
}

// startSaying starts the node and keeps what it logs.
func (r *region) startSaying() *said {
	r.t.Helper()
	s := &said{}
	n, err := relay.New(r.cfg, relay.Options{Logger: slog.New(slog.NewTextHandler(s, nil)), Now: r.now})
	if err != nil {
		r.t.Fatal(err)
	}
	if err := n.Start(r.t.Context()); err != nil {
		r.t.Fatalf("%v\n%s", err, s.text.String())
	}
	r.node = n
	r.t.Cleanup(r.stop)
	return s
}

// pair starts DE and PL with a link between them.
func pair(t *testing.T) (de, pl *region) {
	t.Helper()
	de = newRegion(t, regionSpec{id: "de-cert", country: "DE", accept: accepted})
	pl = newRegion(t, regionSpec{id: "pl-cert", country: "PL", accept: accepted})
	join(t, de, pl)
	return de, pl
}

// join starts DE and PL with a link between them.
func join(t *testing.T, de, pl *region) {
	t.Helper()
	de.accept(pl, terms(t, "de-cert", "pl-cert"), "")
	de.start()
	pl.accept(de, terms(t, "pl-cert", "de-cert"), "tls://"+de.node.LeafAddr())
	pl.start()
}

// publishSome publishes n objects, so many a message.
func publishSome(t *testing.T, r *region, n, each int, seed uint64) {
	t.Helper()
	for objects := range slices.Chunk(bench.Generate(n, seed, time.Now()), each) {
		p, err := r.node.Publish(t.Context(), "some", "", bundleOf(objects))
		if err != nil || p.Taken != len(objects) {
			t.Fatalf("%+v, %v", p, err)
		}
	}
}

// answers is what a node says about what it has: the same before and after
// its index was built anew.
type answers struct {
	Objects  dashboard.Objects
	Peers    map[string]dashboard.Out
	In       map[string]dashboard.In
	Arrivals []string
}

func ask(t *testing.T, r *region) answers {
	t.Helper()
	a := answers{Peers: map[string]dashboard.Out{}, In: map[string]dashboard.In{}}
	for _, x := range arrivals(t, r.node) {
		a.Arrivals = append(a.Arrivals, x.ID)
	}
	st, err := r.node.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	a.Objects = st.Objects
	for _, p := range st.Peers {
		a.Peers[p.ID], a.In[p.ID] = p.Out, p.In
	}
	return a
}

// sendings lists, from the index of a stopped node, every recorded sending of
// every object.
func sendings(t *testing.T, r *region) []string {
	t.Helper()
	s, err := store.Open(filepath.Join(r.dir, "data", "index.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var out []string
	for o, err := range s.Objects(t.Context(), store.Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.Recipients(t.Context(), o.Issuer, o.Digest)
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, o.ID+" "+string(text))
	}
	return out
}

// TestIndexIsBuiltAnew deletes, cuts, overwrites and swaps the index of a
// stopped node: after the start it gives the same answers and says why it
// built the index again.
func TestIndexIsBuiltAnew(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("skipped with -short: the index is built many times")
	}
	de, pl := pair(t)
	publishSome(t, de, 60, 7, 21)
	settled(t, de.node, pl.id, time.Minute)
	withdrawOne(t, de, pl)
	regions := []*region{de, pl}
	want := map[string]answers{de.id: ask(t, de), pl.id: ask(t, pl)}
	whole := map[string]string{de.id: everything(t, de), pl.id: everything(t, pl)}
	sent := map[string][]string{}
	damage := map[string]func(path string) error{
		"deleted": os.Remove,
		"emptied": func(path string) error { return os.Truncate(path, 0) },
		"halved": func(path string) error {
			info, err := os.Stat(path)
			if err != nil {
				return err
			}
			return os.Truncate(path, info.Size()/2)
		},
		"noise in the middle": func(path string) error {
			raw, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for i := 4096; i < len(raw); i += 3 {
				raw[i] ^= 0x5a
			}
			return os.WriteFile(path, raw, 0o600)
		},
		"untouched":      func(string) error { return nil },
		"something else": func(path string) error { return os.WriteFile(path, []byte("no index"), 0o600) },
	}
	for _, name := range append(slices.Collect(maps.Keys(damage)), "untouched") {
		harm := damage[name]
		for _, r := range regions {
			r.stop()
			now := sendings(t, r)
			if sent[r.id] == nil {
				sent[r.id] = now
			}
			if !slices.Equal(now, sent[r.id]) || len(now) == 0 {
				t.Errorf("%s, before %s: the recipients changed\nwas %v\nis  %v", r.id, name, sent[r.id], now)
			}
			path := filepath.Join(r.dir, "data", "index.db")
			if err := harm(path); err != nil {
				t.Fatal(err)
			}
			log := r.startSaying()
			if name != "deleted" && name != "emptied" && name != "untouched" && !log.has("index deleted; it is built anew") {
				t.Errorf("%s, %s: the node says nothing", r.id, name)
			}
			if got := ask(t, r); !reflect.DeepEqual(got, want[r.id]) {
				t.Errorf("%s, %s: the answers changed\nwas %+v\nis  %+v", r.id, name, want[r.id], got)
			}
			if got := everything(t, r); got != whole[r.id] {
				t.Errorf("%s, %s: an answer of the API changed\n%s", r.id, name, firstDifference(whole[r.id], got))
			}
			if log.has("did not end by itself") {
				t.Errorf("%s was stopped and says that it was not", r.id)
			}
		}
	}
}

// withdrawOne takes one of a node's objects back, and waits until its peer has
// heard of it.
func withdrawOne(t *testing.T, from, to *region) {
	t.Helper()
	first := arrivals(t, to.node)[0]
	if _, err := from.node.WithdrawFor(t.Context(), "", []string{first.ID}, "withdrawn"); err != nil {
		t.Fatal(err)
	}
	settled(t, from.node, to.id, time.Minute)
	eventually(t, 20*time.Second, func() string {
		gone, err := from.node.Withdrawals(t.Context(), first.ID, 0)
		if err != nil || len(gone) == 0 {
			return fmt.Sprintf("the withdrawal is not listed: %v", err)
		}
		for _, g := range gone {
			for _, r := range g.Recipients {
				if r.State != "acknowledged" {
					return "the withdrawal is not acknowledged"
				}
			}
		}
		return ""
	})
}

// lastBlock returns the file that holds the end of a node's log.
func lastBlock(t *testing.T, data string) string { t.Helper(); return blockOf(t, data, "LOG") }

// blockOf returns the file that holds the end of one of a node's two streams.
func blockOf(t *testing.T, data, stream string) string {
	t.Helper()
	var blocks []string
	err := filepath.WalkDir(filepath.Join(data, "log"), func(path string, _ os.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".blk") && strings.Contains(path, "/streams/"+stream+"/msgs/") {
			blocks = append(blocks, path)
		}
		return err
	})
	if err != nil || len(blocks) != 1 {
		t.Fatalf("blocks of %s: %v, %v", stream, blocks, err)
	}
	return blocks[0]
}

// TestLogLosesItsEnd cuts the file of the log at many places of its last
// record: the node starts, keeps everything before, says what is missing, and
// gets it again from the peer. What is published later arrives as well.
func TestLogLosesItsEnd(t *testing.T) {
	t.Parallel()
	de, pl := pair(t)
	publishSome(t, de, 20, 4, 31)
	settled(t, de.node, pl.id, time.Minute)
	pl.stop()
	before, err := os.Stat(lastBlock(t, filepath.Join(pl.dir, "data")))
	if err != nil {
		t.Fatal(err)
	}
	pl.start()
	publishSome(t, de, 1, 1, 32) // the last record is one message
	settled(t, de.node, pl.id, time.Minute)
	want := ask(t, pl)
	pl.stop()
	data, saved := filepath.Join(pl.dir, "data"), filepath.Join(t.TempDir(), "saved")
	if err := os.CopyFS(saved, os.DirFS(data)); err != nil {
		t.Fatal(err)
	}
	block := lastBlock(t, data)
	whole, err := os.Stat(block)
	if err != nil {
		t.Fatal(err)
	}
	begin, end := before.Size(), whole.Size()
	if end-begin < 100 {
		t.Fatalf("the last record has only %d bytes", end-begin)
	}
	places := cuts(begin, end)
	if testing.Short() {
		places = places[:5]
	}
	for _, cut := range places {
		putBack(t, saved, data)
		if err := os.Truncate(block, cut); err != nil {
			t.Fatal(err)
		}
		log := pl.startSaying()
		if !log.has("the log lost its end") {
			t.Errorf("cut at %d of %d to %d: the node does not say that something is missing\n%s", cut, begin, end, log.text.String())
		}
		eventually(t, 20*time.Second, func() string {
			if got := arrivals(t, pl.node); len(got) != len(want.Arrivals) {
				return "not all is back"
			}
			return ""
		})
		if got := ask(t, pl); !slices.Equal(got.Arrivals, want.Arrivals) {
			t.Errorf("cut at %d: the arrivals changed\nwas %v\nis  %v", cut, want.Arrivals, got.Arrivals)
		}
		addsUp(t, pl)
		pl.stop()
	}
	pl.start()
	publishSome(t, de, 6, 2, 33)
	settled(t, de.node, pl.id, time.Minute)
	sameOrder(t, de, pl)
	addsUp(t, de)
}

// cuts are places in a record: its edges, and some between.
func cuts(begin, end int64) []int64 {
	out := []int64{begin, begin + 1, begin + 4, begin + 21, begin + 22, begin + 23, end - 9, end - 8, end - 7, end - 1}
	for i := int64(1); i <= 10; i++ {
		out = append(out, begin+(end-begin)*i/11)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// putBack replaces a folder by a copy made earlier.
func putBack(t *testing.T, from, to string) {
	t.Helper()
	if err := os.RemoveAll(to); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	// CopyFS opens what it copies to others; a node refuses that.
	err := filepath.WalkDir(to, func(path string, d os.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			return os.Chmod(path, 0o700)
		}
		return os.Chmod(path, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestPublisherLosesItsEnd takes the last record of the log of a node whose
// peer already has it: what is published afterwards still arrives, because no
// place in the log is used twice.
func TestPublisherLosesItsEnd(t *testing.T) {
	t.Parallel()
	de, pl := pair(t)
	publishSome(t, de, 12, 4, 41)
	settled(t, de.node, pl.id, time.Minute)
	addr := de.node.LeafAddr()
	de.edit(`leaf: "127.0.0.1:0"`, `leaf: "`+addr+`"`)
	had := len(arrivals(t, pl.node))
	de.stop()
	block := lastBlock(t, filepath.Join(de.dir, "data"))
	info, err := os.Stat(block)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(block, info.Size()-20); err != nil {
		t.Fatal(err)
	}
	log := de.startSaying()
	if !log.has("the log lost its end") {
		t.Error("the node does not say that something is missing")
	}
	objects := bench.Generate(3, 42, time.Now())
	for _, raw := range objects {
		if p, err := de.node.Publish(t.Context(), "one", "", raw); err != nil || p.Taken != 1 {
			t.Fatalf("%+v, %v", p, err)
		}
	}
	eventually(t, 20*time.Second, func() string {
		if got := len(arrivals(t, pl.node)); got < had+len(objects) {
			return "what was published after the loss does not arrive"
		}
		return ""
	})
	addsUp(t, de)
	addsUp(t, pl)
}
