package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/entente-relay/entente/relay/bench"
)

// backup copies the data folder of a stopped node.
func backup(t *testing.T, r *region) (saved string) {
	t.Helper()
	saved = filepath.Join(t.TempDir(), "saved")
	if err := os.CopyFS(saved, os.DirFS(filepath.Join(r.dir, "data"))); err != nil {
		t.Fatal(err)
	}
	return saved
}

// publishAll publishes objects, one a message.
func publishAll(t *testing.T, r *region, objects [][]byte) {
	t.Helper()
	for _, raw := range objects {
		if p, err := r.node.Publish(t.Context(), "one", "", raw); err != nil || p.Taken != 1 {
			t.Fatalf("%+v, %v", p, err)
		}
	}
}

// hasAll checks that to holds everything that from holds, and nothing twice.
func hasAll(t *testing.T, what string, from, to *region) {
	t.Helper()
	eventually(t, 30*time.Second, func() string {
		has := map[string]int{}
		for _, a := range arrivals(t, to.node) {
			if has[a.ID]++; has[a.ID] > 1 {
				t.Fatalf("%s: %s holds %s twice", what, to.id, a.ID)
			}
		}
		missing := 0
		for _, a := range arrivals(t, from.node) {
			if has[a.ID] == 0 {
				missing++
			}
		}
		if missing > 0 {
			return fmt.Sprintf("%s: %s does not have %d of the objects of %s", what, to.id, missing, from.id)
		}
		return ""
	})
}

// TestSenderPutBackFromABackup puts an old copy of a sender's data in place:
// its peer was served further than its log goes now. Whether the log grows
// other entries past that place before the peer comes back, or stays behind
// it, everything published afterwards arrives; the node says what happened.
func TestSenderPutBackFromABackup(t *testing.T) {
	for name, after := range map[string]int{"the log stays behind": 3, "the log grows past it": 30} {
		t.Run(name, func(t *testing.T) {
			de, pl := pair(t)
			de.edit(`leaf: "127.0.0.1:0"`, `leaf: "`+de.node.LeafAddr()+`"`)
			publishSome(t, de, 8, 1, 1100)
			settled(t, de.node, pl.id, time.Minute)
			de.stop()
			saved := backup(t, de)
			de.start()
			lost := bench.Generate(12, 1101, time.Now())
			publishAll(t, de, lost)
			settled(t, de.node, pl.id, time.Minute)
			pl.stop()
			de.stop()
			putBack(t, saved, filepath.Join(de.dir, "data"))
			log := de.startSaying()
			publishSome(t, de, after, 1, 1102)
			pl.start()
			hasAll(t, "what came after", de, pl)
			if !log.has("the log has gone back") {
				t.Errorf("the sender does not say what happened:\n%s", log.text.String())
			}
			if !linkEvents(t, de)["log-went-back"] {
				t.Error("the sender's journal does not tell that its log went back")
			}
			publishAll(t, de, lost)
			settled(t, de.node, pl.id, time.Minute)
			hasAll(t, "what was lost, sent again", de, pl)
			if got, want := len(arrivals(t, pl.node)), 8+12+after; got != want {
				t.Errorf("the peer holds %d objects, want %d", got, want)
			}
			addsUp(t, de)
			addsUp(t, pl)
		})
	}
}

// TestReceiverPutBackFromABackup puts an old copy of a receiver's data in
// place: it gets again what it lost, and what it publishes itself in places
// of its log that its peer has read already reaches the peer.
func TestReceiverPutBackFromABackup(t *testing.T) {
	de, pl := pair(t)
	publishSome(t, de, 8, 2, 1200)
	publishSome(t, pl, 4, 1, 1201)
	settled(t, de.node, pl.id, time.Minute)
	settled(t, pl.node, de.id, time.Minute)
	pl.stop()
	saved := backup(t, pl)
	pl.start()
	publishSome(t, de, 12, 3, 1202)
	publishSome(t, pl, 6, 1, 1203)
	settled(t, de.node, pl.id, time.Minute)
	settled(t, pl.node, de.id, time.Minute)
	pl.stop()
	putBack(t, saved, filepath.Join(pl.dir, "data"))
	log := pl.startSaying()
	hasAll(t, "what the receiver lost", de, pl)
	publishSome(t, pl, 9, 1, 1204)
	hasAll(t, "what the receiver publishes", pl, de)
	if !log.has("the log has gone back") {
		t.Errorf("the receiver does not say what happened:\n%s", log.text.String())
	}
	for _, r := range []*region{de, pl} {
		addsUp(t, r)
		toldOnce(t, r)
	}
}

// TestLostEndIsAGap takes the last record of a sender's log that its peer has
// not yet fetched: the peer gets a gap record, and what comes afterwards.
func TestLostEndIsAGap(t *testing.T) {
	de, pl := pair(t)
	de.edit(`leaf: "127.0.0.1:0"`, `leaf: "`+de.node.LeafAddr()+`"`)
	publishSome(t, de, 4, 2, 1300)
	settled(t, de.node, pl.id, time.Minute)
	pl.stop()
	lost := bench.Generate(1, 1301, time.Now())
	if p, err := de.node.Publish(t.Context(), "one", "", lost[0]); err != nil || p.Taken != 1 {
		t.Fatalf("%+v, %v", p, err)
	}
	arrivals(t, de.node) // until the journal has told of it
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
	publishSome(t, de, 3, 1, 1302)
	pl.start()
	hasAll(t, "after the gap", de, pl)
	if !linkEvents(t, pl)["gap lost"] {
		t.Error("the peer's journal tells of no gap")
	}
	// The one that was lost can be published again.
	if p, err := de.node.Publish(t.Context(), "one", "", lost[0]); err != nil || p.Taken != 1 {
		t.Fatalf("%+v, %v", p, err)
	}
	hasAll(t, "the lost one, again", de, pl)
	addsUp(t, de)
	addsUp(t, pl)
}

// linkEvents is what a node's journal tells of links, and of why.
func linkEvents(t *testing.T, r *region) map[string]bool {
	t.Helper()
	out := map[string]bool{}
	for rec, err := range r.node.Records(t.Context(), 1) {
		if err != nil {
			t.Fatal(err)
		}
		if rec.Link != nil {
			out[string(rec.Link.Event)] = true
			out[strings.TrimSpace(string(rec.Link.Event)+" "+string(rec.Link.Reason))] = true
		}
	}
	return out
}

// TestFrameIsCutOff cuts the log of a receiver at many places of its last
// frame, which brought several messages: what is missing comes again, and what
// is there of the frame does not count twice.
func TestFrameIsCutOff(t *testing.T) {
	de, pl := pair(t)
	publishSome(t, de, 4, 2, 1400)
	settled(t, de.node, pl.id, time.Minute)
	pl.stop()
	before, err := os.Stat(lastBlock(t, filepath.Join(pl.dir, "data")))
	if err != nil {
		t.Fatal(err)
	}
	publishSome(t, de, 6, 1, 1401) // piles up: one frame of six messages
	pl.start()
	settled(t, de.node, pl.id, time.Minute)
	want := ask(t, pl)
	pl.stop()
	saved, block := backup(t, pl), lastBlock(t, filepath.Join(pl.dir, "data"))
	whole, err := os.Stat(block)
	if err != nil {
		t.Fatal(err)
	}
	places := cuts(before.Size(), whole.Size())
	if testing.Short() {
		places = places[:4]
	}
	for _, cut := range places {
		putBack(t, saved, filepath.Join(pl.dir, "data"))
		if err := os.Truncate(block, cut); err != nil {
			t.Fatal(err)
		}
		log := pl.startSaying()
		if !log.has("the log lost its end") {
			t.Errorf("cut at %d: the node does not say that something is missing\n%s", cut, log.text.String())
		}
		hasAll(t, fmt.Sprintf("cut at %d of %d to %d", cut, before.Size(), whole.Size()), de, pl)
		if got := ask(t, pl); !slices.Equal(got.Arrivals, want.Arrivals) {
			t.Errorf("cut at %d: the arrivals changed\nwas %v\nis  %v", cut, want.Arrivals, got.Arrivals)
		}
		addsUp(t, pl)
		toldOnce(t, pl)
		pl.stop()
	}
}
