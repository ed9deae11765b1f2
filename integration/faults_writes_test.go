package integration

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/entente-relay/entente/configs"
	"github.com/entente-relay/entente/relay"
	"github.com/entente-relay/entente/relay/bench"
)

var errDisk = errors.New("disk on fire")

// burning is a disk whose writes of one name fail so many times, with the data
// kept or not.
type burning struct {
	mu    sync.Mutex
	name  string
	keeps bool
	left  int
	hits  int

	under func(name string, do func() error) error // writes what does not fail; nil writes
}

func (b *burning) arm(name string, keeps bool, times int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.name, b.keeps, b.left, b.hits = name, keeps, times, 0
}

func (b *burning) write(name string, do func() error) error {
	b.mu.Lock()
	fails, keeps := name == b.name && b.left > 0, b.keeps
	if fails {
		b.left--
		b.hits++
	}
	b.mu.Unlock()
	switch {
	case !fails && b.under != nil:
		return b.under(name, do)
	case !fails:
		return do()
	case keeps:
		return errors.Join(do(), errDisk)
	}
	return errDisk
}

// out says how many writes failed, once no more will.
func (b *burning) out() (hits int, over bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.hits, b.left == 0
}

// startOn starts the node on a disk, and keeps what it logs.
func (r *region) startOn(disk *burning) (*said, error) {
	r.t.Helper()
	s := &said{}
	n, err := relay.New(r.cfg, relay.Options{Logger: slog.New(slog.NewTextHandler(s, nil)), Now: r.now, Write: disk.write})
	if err != nil {
		r.t.Fatal(err)
	}
	if err := n.Start(r.t.Context()); err != nil {
		return s, err
	}
	r.node = n
	r.t.Cleanup(r.stop)
	return s, nil
}

// writeFaults says when each write of a running node can be broken.
var writeFaults = map[string]struct {
	traffic bool   // while messages flow; else at start, reload or stop
	says    string // what the node says of it in its log
}{
	"log/append":          {traffic: true, says: "commit"},
	"journal/append":      {traffic: true, says: "disk on fire"},
	"index/commit":        {traffic: true, says: "index"},
	"data/running":        {says: "mend the disk"},
	"data/running/remove": {says: "disk on fire"},
	"bus/folder":          {says: "disk on fire"},
	"bus/identity":        {says: "disk on fire"},
	"bus/trust":           {says: "disk on fire"},
	"bus/trust/remove":    {says: "stays on disk"},
	"data/policy":         {says: "disk on fire"},
	"index/damage-mark":   {says: "TestDamageMarkBroken in relay/store"},
	"decision":            {says: "TestDecisionFileBroken in relay"},
}

// TestEveryWriteIsBrokenInBothWays breaks each write of each of two linked
// nodes, stored and not stored, once and more often than it is tried again,
// while objects are published: what was acknowledged is there, once, in order,
// at both; the counts and the journal agree; and the node said what happened.
func TestEveryWriteIsBrokenInBothWays(t *testing.T) {
	t.Parallel()
	for _, name := range relay.Writes() {
		if _, ok := writeFaults[name]; !ok {
			t.Errorf("nothing breaks the write %s", name)
		}
	}
	for _, victim := range []string{"sender", "receiver"} {
		t.Run(victim, func(t *testing.T) { breakTraffic(t, victim) })
	}
}

func breakTraffic(t *testing.T, victim string) {
	disk := &burning{}
	de, pl := pair(t)
	addr := de.node.LeafAddr()
	de.edit(`leaf: "127.0.0.1:0"`, `leaf: "`+addr+`"`)
	broken := map[string]*region{"sender": de, "receiver": pl}[victim]
	broken.stop()
	log, err := broken.startOn(disk)
	if err != nil {
		t.Fatal(err)
	}
	often := []int{1}
	if *everyFault {
		often = []int{1, 4} // more often than it is tried again
	}
	seed, acknowledged := uint64(700), map[string]bool{}
	for name, f := range writeFaults {
		if !f.traffic {
			continue
		}
		for _, keeps := range []bool{false, true} {
			for _, times := range often {
				what := fmt.Sprintf("%s of the %s fails %d times, stored: %v", name, victim, times, keeps)
				before := log.size()
				disk.arm(name, keeps, times)
				for {
					seed++
					publishStubbornly(t, what, de, seed, acknowledged)
					if _, over := disk.out(); over {
						break
					}
					if t.Failed() || seed > 2000 {
						t.Fatalf("%s: it never came to that", what)
					}
				}
				settled(t, de.node, pl.id, time.Minute)
				if !log.since(before, f.says) {
					t.Errorf("%s: the node says nothing:\n%s", what, log.after(before))
				}
				allThere(t, what, de, pl, acknowledged)
				if t.Failed() {
					return
				}
			}
		}
	}
	for _, r := range []*region{de, pl} {
		toldOnce(t, r)
	}
}

// TestWritesAtStartAreBroken breaks in both ways what a node writes when it
// starts: it does not start, and says why; the next start finds everything.
func TestWritesAtStartAreBroken(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts nodes again and again, which has no races that other tests do not have; runs without -short")
	}
	disk := &burning{}
	de, pl := pair(t)
	publishSome(t, de, 12, 4, 900)
	settled(t, de.node, pl.id, time.Minute)
	want := ask(t, pl)
	for _, name := range []string{"bus/folder", "bus/identity", "bus/trust", "data/running"} {
		for _, keeps := range []bool{false, true} {
			pl.stop()
			disk.arm(name, keeps, 1)
			_, err := pl.startOn(disk)
			if !errors.Is(err, errDisk) || !strings.Contains(err.Error(), writeFaults[name].says) {
				t.Errorf("%s, stored %v: the start says %v", name, keeps, err)
			}
			log, err := pl.startOn(disk)
			if err != nil {
				t.Fatalf("%s, stored %v: the next start: %v", name, keeps, err)
			}
			if log.has("did not end by itself") {
				t.Errorf("%s, stored %v: a node that never ran is said to have died", name, keeps)
			}
			if got := ask(t, pl); !reflect.DeepEqual(got, want) {
				t.Errorf("%s, stored %v: the answers changed\nwas %+v\nis  %+v", name, keeps, want, got)
			}
		}
	}
	for _, keeps := range []bool{false, true} {
		disk.arm("data/running/remove", keeps, 1)
		if err := pl.node.Stop(t.Context()); !errors.Is(err, errDisk) {
			t.Errorf("stored %v: the stop says %v", keeps, err)
		}
		log, err := pl.startOn(disk)
		if err != nil {
			t.Fatal(err)
		}
		if log.has("did not end by itself") == keeps {
			t.Errorf("stored %v: the next start says %q", keeps, log.text.String())
		}
		if got := ask(t, pl); !reflect.DeepEqual(got, want) {
			t.Errorf("stored %v: the answers changed\nwas %+v\nis  %+v", keeps, want, got)
		}
	}
}

// TestWritesOfAReloadAreBroken breaks in both ways what a node writes when its
// peers change: the reload fails, nothing flows that was to end, and the same
// reload given again does it.
func TestWritesOfAReloadAreBroken(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts nodes again and again, which has no races that other tests do not have; runs without -short")
	}
	disk := &burning{}
	de, pl := pair(t)
	de.edit(`leaf: "127.0.0.1:0"`, `leaf: "`+de.node.LeafAddr()+`"`)
	de.stop()
	log, err := de.startOn(disk)
	if err != nil {
		t.Fatal(err)
	}
	reload := func(what string, fails bool) {
		t.Helper()
		err := de.node.Reload(t.Context())
		if fails != errors.Is(err, errDisk) || !fails && err != nil {
			t.Fatalf("%s: the reload says %v", what, err)
		}
	}
	dir, seed := relay.AgreementsDir(de.dir), uint64(950)
	for _, keeps := range []bool{false, true} {
		what := fmt.Sprintf("stored %v", keeps)
		if _, err := relay.PausePeer(dir, pl.id, "broken disk", de.now()); err != nil {
			t.Fatal(err)
		}
		disk.arm("bus/trust", keeps, 1)
		reload(what, true)
		seed++
		publishSome(t, de, 3, 1, seed)
		before := len(arrivals(t, pl.node))
		reload(what, false)
		if _, p := peerOf(t, de.node, pl.id); p.Link != "paused" {
			t.Errorf("%s: after the second reload the link is %s", what, p.Link)
		}
		if got := len(arrivals(t, pl.node)); got != before {
			t.Errorf("%s: %d objects went to a peer that was to be paused", what, got-before)
		}
		if _, err := relay.ResumePeer(dir, pl.id); err != nil {
			t.Fatal(err)
		}
		disk.arm("bus/trust", keeps, 1)
		reload(what, true)
		reload(what, false)
		settled(t, de.node, pl.id, time.Minute)
		policy := de.node.World().Bundle.Digest()
		narrower(t, de, keeps)
		disk.arm("data/policy", keeps, 1)
		reload(what, true)
		if de.node.World().Bundle.Digest() != policy {
			t.Errorf("%s: rules that are not on record are in force", what)
		}
		reload(what, false)
		if de.node.World().Bundle.Digest() == policy {
			t.Errorf("%s: the second reload changed nothing", what)
		}
		if err := relay.RemovePeer(dir, pl.id); err != nil {
			t.Fatal(err)
		}
		disk.arm("bus/trust/remove", keeps, 1)
		size := log.size()
		reload(what, false)
		if !log.since(size, writeFaults["bus/trust/remove"].says) {
			t.Errorf("%s: the node says nothing of the file that stays:\n%s", what, log.after(size))
		}
		de.accept(pl, terms(t, de.id, pl.id), "")
		reload(what, false)
		settled(t, de.node, pl.id, time.Minute)
		sameOrder(t, de, pl)
		addsUp(t, de)
	}
}

// narrower gives a node rules of its own, or takes a permission in them away.
func narrower(t *testing.T, r *region, again bool) {
	t.Helper()
	dir := filepath.Join(r.dir, "rules")
	if !again {
		if err := os.CopyFS(dir, configs.Policies()); err != nil {
			t.Fatal(err)
		}
		r.edit(`policies: ""`, `policies: rules`)
	}
	path := filepath.Join(dir, "10-agreement.cedar")
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(raw), `when { principal.agreement == "in-force" };`, `when { principal.agreement == "in-force" } when { resource.validity == "current" };`, 1)
	if again {
		text = strings.Replace(string(raw), `when { resource.validity == "current" };`, `when { resource.validity == "current" } when { resource.tlp != "red" };`, 1)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil || text == string(raw) {
		t.Fatal("the rules are as before", err)
	}
}

// publishStubbornly publishes a few objects in several files until each is
// acknowledged.
func publishStubbornly(t *testing.T, what string, r *region, seed uint64, acknowledged map[string]bool) {
	t.Helper()
	for i, raw := range bench.Generate(4, seed, time.Now()) {
		id := idForm.FindString(string(raw[strings.Index(string(raw), `"id":"`):]))
		eventually(t, 30*time.Second, func() string {
			p, err := r.node.Publish(t.Context(), "one", "", raw)
			if err != nil {
				return what + ": " + err.Error()
			}
			if p.Taken+p.Duplicate != 1 {
				return fmt.Sprintf("%s: object %d: %+v", what, i, p)
			}
			return ""
		})
		acknowledged[id] = true
	}
}

// allThere checks that from holds exactly what it acknowledged, once, and that
// to has once and in order what from sent it.
func allThere(t *testing.T, what string, from, to *region, acknowledged map[string]bool) {
	t.Helper()
	got := map[string]int{}
	for _, a := range arrivals(t, from.node) {
		got[a.ID]++
	}
	for id := range acknowledged {
		if got[id] != 1 {
			t.Errorf("%s: %s holds %s %d times", what, from.id, id, got[id])
		}
	}
	if len(got) != len(acknowledged) {
		t.Errorf("%s: %s holds %d objects, %d were acknowledged", what, from.id, len(got), len(acknowledged))
	}
	sameOrder(t, from, to)
	addsUp(t, from)
	addsUp(t, to)
}

// toldOnce checks that the journal is whole and tells of every log entry with
// objects once.
func toldOnce(t *testing.T, r *region) {
	t.Helper()
	told := map[uint64]int{}
	for rec, err := range r.node.Records(t.Context(), 1) {
		if err != nil {
			t.Fatal(err)
		}
		if rec.Intake != nil {
			told[rec.Intake.Log]++
		}
	}
	for _, a := range arrivals(t, r.node) {
		if told[a.Seq] != 1 {
			t.Errorf("%s: the journal tells of log entry %d %d times", r.id, a.Seq, told[a.Seq])
		}
	}
}

// size, since and after look at what was said from some moment on.
func (s *said) size() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Len()
}

func (s *said) after(n int) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()[n:]
}

func (s *said) since(n int, what string) bool { return strings.Contains(s.after(n), what) }
