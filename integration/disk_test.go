//go:build linux || darwin

package integration

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/relay/bench"
)

// smallDisk names a folder on a small disk of its own, which the tests fill.
const smallDisk = "ENTENTE_SMALL_DISK"

// onSmallDisk makes a region whose folder lies on the small disk.
func onSmallDisk(t *testing.T, s regionSpec) (r *region, disk string) {
	t.Helper()
	disk = os.Getenv(smallDisk)
	if disk == "" {
		t.Skip("needs a small disk of its own to fill: `bash .ci/run disk` mounts one and names it in " + smallDisk)
	}
	var info syscall.Statfs_t
	if err := syscall.Statfs(disk, &info); err != nil || info.Blocks*uint64(info.Bsize) > 512<<20 {
		t.Fatalf("%s is no disk of at most 512 MiB (%v): it would take long to fill, and is perhaps needed", disk, err)
	}
	var err error
	if s.base, err = os.MkdirTemp(disk, "region-"); err != nil { //nolint:usetesting // on the small disk
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(s.base); err != nil {
			t.Error(err)
		}
	})
	return newRegion(t, s), disk
}

// fill writes a file until so much of the disk is left, and returns how to
// take it away.
func fill(t *testing.T, disk string, leave uint64) (free func()) {
	t.Helper()
	path := filepath.Join(disk, "filler")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	chunk := make([]byte, 64<<10)
	for {
		var info syscall.Statfs_t
		if err := syscall.Statfs(disk, &info); err != nil {
			t.Fatal(err)
		}
		if left := info.Bavail * uint64(info.Bsize); left <= leave {
			break
		} else if left-leave < uint64(len(chunk)) {
			chunk = chunk[:left-leave]
		}
		if _, err := f.Write(chunk); err != nil {
			if errors.Is(err, syscall.ENOSPC) {
				break
			}
			t.Fatal(err)
		}
	}
	return func() {
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Error(err)
		}
	}
}

// publishUntilRefused publishes until the node refuses, and returns what it
// said. What it acknowledged is noted.
func publishUntilRefused(t *testing.T, r *region, seed uint64, acknowledged map[string]bool) error {
	t.Helper()
	for ; ; seed++ {
		objects := bench.Generate(60, seed, time.Now())
		p, err := r.node.Publish(t.Context(), "load", "", bundleOf(objects))
		if err != nil {
			return err
		}
		if p.Taken != len(objects) {
			t.Fatalf("%+v", p)
		}
		for _, it := range p.Items {
			acknowledged[it.ID] = true
		}
	}
}

// saysFull checks that an error says what, where and what to do.
func saysFull(t *testing.T, err error, dir string) {
	t.Helper()
	if federation.ReasonOf(err) != federation.Quota || !strings.Contains(err.Error(), "disk is full") ||
		!strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), "free space") {
		t.Errorf("the refusal does not say what, where and what to do: %v", err)
	}
}

// TestSenderOnAFullDisk fills the disk under a loaded node: it refuses what is
// published, with a reason, before its log is in danger; what it acknowledged
// still goes to its peer; and with space it goes on by itself.
func TestSenderOnAFullDisk(t *testing.T) {
	de, disk := onSmallDisk(t, regionSpec{id: "de-cert", country: "DE", accept: accepted})
	pl := newRegion(t, regionSpec{id: "pl-cert", country: "PL", accept: accepted})
	join(t, de, pl)
	acknowledged := map[string]bool{}
	free := fill(t, disk, 40<<20)
	defer free()
	saysFull(t, publishUntilRefused(t, de, 3000, acknowledged), de.cfg.Data)
	saysFull(t, de.node.Healthy(), de.cfg.Data)
	st, _ := peerOf(t, de.node, pl.id)
	if !strings.Contains(strings.Join(st.Warnings, "\n"), "the disk is full") {
		t.Errorf("the status does not show it: %q", st.Warnings)
	}
	t.Logf("%d objects were acknowledged before the disk was full", len(acknowledged))
	settled(t, de.node, pl.id, time.Minute)
	allThere(t, "while the disk is full", de, pl, acknowledged)
	free()
	if err := de.node.Healthy(); err != nil {
		t.Errorf("with space again: %v", err)
	}
	publishSome(t, de, 6, 2, 4000)
	settled(t, de.node, pl.id, time.Minute)
	sameOrder(t, de, pl)
	toldOnce(t, de)
}

// TestReceiverOnAFullDisk: a node without room takes nothing more from its
// peer, and says so; nothing is lost, and with space it goes on by itself.
func TestReceiverOnAFullDisk(t *testing.T) {
	pl, disk := onSmallDisk(t, regionSpec{id: "pl-cert", country: "PL", accept: accepted})
	de := newRegion(t, regionSpec{id: "de-cert", country: "DE", accept: accepted})
	join(t, de, pl)
	publishSome(t, de, 20, 5, 3500)
	settled(t, de.node, pl.id, time.Minute)
	had := len(arrivals(t, pl.node))
	free := fill(t, disk, 20<<20)
	defer free()
	publishSome(t, de, 60, 5, 3501)
	eventually(t, 20*time.Second, func() string {
		if _, p := peerOf(t, pl.node, de.id); !strings.Contains(p.State, "the disk is full") {
			return "the receiver's state is " + p.State
		}
		return ""
	})
	if got := len(arrivals(t, pl.node)); got != had {
		t.Errorf("%d objects were taken onto a full disk", got-had)
	}
	free()
	settled(t, de.node, pl.id, 90*time.Second)
	sameOrder(t, de, pl)
	addsUp(t, de)
	addsUp(t, pl)
}

// TestNoByteLeft takes the last byte away between the moment at which a node
// looked whether there is space and its write, to the log or to the journal:
// what no reserve can stop. The node refuses and says why; what it had
// acknowledged is there, once, when it has been started again with space.
func TestNoByteLeft(t *testing.T) {
	for _, name := range []string{"log/append", "journal/append", "index/commit"} {
		t.Run(strings.ReplaceAll(name, "/", "-"), func(t *testing.T) { noByteLeft(t, name) })
	}
}

// gobbler fills a disk just before the n-th write of a name.
type gobbler struct {
	t    *testing.T
	name string
	left atomic.Int64
	disk string
	free func()
	full chan struct{}
}

func (g *gobbler) write(name string, do func() error) error {
	if name == g.name && g.left.Add(-1) == 0 {
		g.free = fill(g.t, g.disk, 0)
		close(g.full)
	}
	return do()
}

func noByteLeft(t *testing.T, name string) {
	de, disk := onSmallDisk(t, regionSpec{id: "de-cert", country: "DE", accept: accepted})
	pl := newRegion(t, regionSpec{id: "pl-cert", country: "PL", accept: accepted})
	join(t, de, pl)
	de.edit(`leaf: "127.0.0.1:0"`, `leaf: "`+de.node.LeafAddr()+`"`)
	de.stop()
	g := &gobbler{t: t, name: name, disk: disk, full: make(chan struct{}), free: func() {}}
	g.left.Store(12)
	log, err := de.startOn(&burning{under: g.write})
	if err != nil {
		t.Fatal(err)
	}
	acknowledged := map[string]bool{}
	heard := publishUntilRefused(t, de, 5000, acknowledged)
	<-g.full
	t.Logf("the publisher hears: %v", heard)
	if err := de.node.Healthy(); err == nil {
		t.Error("a node without a byte of space is well")
	}
	if !log.has("disk is full") && !log.has("no space left") {
		t.Errorf("the node's log does not say why:\n%s", log.text.String())
	}
	de.stop()
	if _, err := de.startOn(&burning{}); err == nil {
		t.Error("a node started without a byte of space")
	} else if !strings.Contains(err.Error(), "no space left") && !strings.Contains(err.Error(), "disk is full") {
		t.Errorf("the start says %v", err)
	}
	g.free()
	if log, err = de.startOn(&burning{}); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d objects were acknowledged; after the start:\n%s", len(acknowledged), log.text.String())
	publishSome(t, de, 6, 2, 6000)
	settled(t, de.node, pl.id, time.Minute)
	got := map[string]int{}
	for _, a := range arrivals(t, de.node) {
		got[a.ID]++
	}
	for id := range acknowledged {
		if got[id] != 1 {
			t.Errorf("%s, which was acknowledged, is there %d times", id, got[id])
		}
	}
	sameOrder(t, de, pl)
	addsUp(t, de)
	addsUp(t, pl)
	toldOnce(t, de)
}
