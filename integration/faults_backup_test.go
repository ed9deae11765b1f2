package integration

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/entente-relay/entente/relay/bench"
	"github.com/entente-relay/entente/relay/bus"
	"github.com/entente-relay/entente/relay/journal"
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

// hasAll waits until to holds everything of its own that from holds, and
// checks that it holds nothing twice.
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
			if a.Issuer == from.id && has[a.ID] == 0 {
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
	t.Parallel()
	if testing.Short() {
		t.Skip("starts nodes again and again, which has no races that other tests do not have; runs without -short")
	}
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
	t.Parallel()
	if testing.Short() {
		t.Skip("starts nodes again and again, which has no races that other tests do not have; runs without -short")
	}
	de, pl := pair(t)
	publishSome(t, de, 8, 2, 1200)
	publishSome(t, pl, 4, 1, 1201)
	settled(t, de.node, pl.id, time.Minute)
	settled(t, pl.node, de.id, time.Minute)
	pl.stop()
	saved := backup(t, pl)
	pl.start()
	publishSome(t, de, 12, 3, 1202)
	lost := bench.Generate(6, 1203, time.Now())
	publishAll(t, pl, lost)
	settled(t, de.node, pl.id, time.Minute)
	settled(t, pl.node, de.id, time.Minute)
	pl.stop()
	putBack(t, saved, filepath.Join(pl.dir, "data"))
	log := pl.startSaying()
	hasAll(t, "what the receiver lost", de, pl)
	publishSome(t, pl, 9, 1, 1204)
	publishAll(t, pl, lost)
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
	t.Parallel()
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
	t.Parallel()
	if testing.Short() {
		t.Skip("starts nodes again and again, which has no races that other tests do not have; runs without -short")
	}
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
	for i, cut := range places {
		if i%7 != 0 && !*everyFault {
			continue // relay/bus cuts at every byte: a few whole nodes are enough
		}
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

// streamReader reads a stream of the bus as the journal's own check does.
type streamReader struct{ *bus.Stream }

func (s streamReader) Read(ctx context.Context, from uint64, most int) ([]journal.Stored, error) {
	got, err := s.Stream.Read(ctx, from, most, 0)
	out := make([]journal.Stored, len(got))
	for i, st := range got {
		out[i] = journal.Stored{Seq: st.Seq, Data: st.Data}
	}
	return out, err
}

func (s streamReader) Last(ctx context.Context) (journal.Stored, bool, error) {
	st, ok, err := s.Stream.Last(ctx, "record")
	return journal.Stored{Seq: st.Seq, Data: st.Data}, ok, err
}

// chain checks the whole chain of the journal of a stopped node.
func chain(t *testing.T, r *region) error {
	t.Helper()
	b, err := bus.Start(t.Context(), bus.Config{Name: r.id, Dir: filepath.Join(r.dir, "data", "log"), CertPEM: r.keys.LinkCert, KeyPEM: r.keys.LinkKey, Seed: r.keys.LinkSeed})
	if err != nil {
		t.Fatal(err)
	}
	head, err := journal.Verify(journal.Head{}, journal.Entries(t.Context(), streamReader{b.Journal()}, 1))
	if err == nil && head.Seq == 0 {
		err = errors.New("the journal is empty")
	}
	return errors.Join(err, b.Stop(context.Background()))
}

// TestJournalLosesItsEnd cuts the journal of a sender and of a receiver at
// places of its last records: the node starts, says so, its journal is one
// whole chain that tells of every log entry once, and the counts add up.
func TestJournalLosesItsEnd(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts nodes again and again, which has no races that other tests do not have; runs without -short")
	}
	de, pl := pair(t)
	de.edit(`leaf: "127.0.0.1:0"`, `leaf: "`+de.node.LeafAddr()+`"`)
	publishSome(t, de, 8, 2, 1500)
	settled(t, de.node, pl.id, time.Minute)
	for _, r := range []*region{de, pl} {
		r.stop()
		saved, path := backup(t, r), blockOf(t, filepath.Join(r.dir, "data"), "JOURNAL")
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, lost := range []int64{1, info.Size() / 2} {
			putBack(t, saved, filepath.Join(r.dir, "data"))
			if err := os.Truncate(path, info.Size()-lost); err != nil {
				t.Fatal(err)
			}
			log := r.startSaying()
			what := fmt.Sprintf("%s without the last %d of %d bytes of its journal", r.id, lost, info.Size())
			if !log.has("the journal lost its end") && !log.has("it is ahead of the journal") {
				t.Errorf("%s says nothing:\n%s", what, log.text.String())
			}
			arrivals(t, r.node) // until it has told of them
			toldOnce(t, r)
			addsUp(t, r)
			r.stop()
			if err := chain(t, r); err != nil {
				t.Errorf("%s: %v", what, err)
			}
		}
		r.start()
	}
	publishSome(t, de, 6, 2, 1501)
	settled(t, de.node, pl.id, time.Minute)
	sameOrder(t, de, pl)
	addsUp(t, de)
	addsUp(t, pl)
}
