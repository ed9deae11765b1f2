package integration

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestSpillIsErased takes back as spilled one of two objects of a message: its
// content is in no file of any node, before and after a restart with the index
// built anew, and the log reads as before otherwise: counts, positions, what is
// live, and what a peer that comes back gets.
func TestSpillIsErased(t *testing.T) {
	if testing.Short() {
		t.Skip("starts several nodes more than the race stage has time for; runs without -short")
	}
	t.Parallel()
	de, pl, jp := star(t)
	publish(t, de, indicator(1, 1, tlpGreen), indicator(2, 1, tlpGreen))
	settled(t, de.node, pl.id, time.Minute)
	settled(t, pl.node, jp.id, time.Minute)
	first, err := de.node.Message(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	pieces := holding(t, string(first), "host1.example", "sample 1,")
	for _, r := range []*region{de, pl, jp} {
		if !inFiles(t, r, pieces) {
			t.Fatalf("%s: the search does not find what is there", r.id)
		}
	}
	withdraw(t, de, "spill", indicatorNo(1))
	reachedAll(t, de, indicatorNo(1), "pl-cert")
	reachedAll(t, pl, indicatorNo(1), "jp-carrier")
	regions := []*region{de, pl, jp}
	for _, r := range regions {
		eventually(t, 20*time.Second, func() string {
			if inFiles(t, r, pieces) {
				return r.id + " still has it in a file"
			}
			return ""
		})
		raw, err := r.node.Message(t.Context(), 1)
		if err != nil || len(holding(t, string(raw), "host1.example")) != 0 || len(holding(t, string(raw), "host2.example")) == 0 {
			t.Errorf("%s shows %s, %v", r.id, raw, err)
		}
	}
	var before []string
	for _, r := range regions {
		addsUp(t, r)
		before = append(before, retold(t, r))
	}
	for _, r := range []*region{jp, de} {
		r.stop()
		if err := os.Remove(filepath.Join(r.dir, "data", "index.db")); err != nil {
			t.Fatal(err)
		}
	}
	de.start()
	if after := retold(t, de); after != before[0] {
		t.Errorf("built anew, %s says\n%s\nbefore\n%s", de.id, after, before[0])
	}
	jp.start()
	if after := retold(t, jp); after != before[2] {
		t.Errorf("built anew, %s says\n%s\nbefore\n%s", jp.id, after, before[2])
	}
	publishedGoesOn(t, pl, jp)
	for _, r := range regions {
		if lives(t, r, indicatorNo(1)) {
			t.Errorf("%s still shows it", r.id)
		}
	}
	if !lives(t, jp, indicatorNo(2)) || inFiles(t, jp, pieces) {
		t.Error("what stood beside it is gone, or it is back")
	}
	// The other object of the same message goes, too: what was written anew is
	// written anew once more.
	rest := holding(t, string(first), "host2.example", "sample 2,")
	withdraw(t, de, "spill", indicatorNo(2))
	reachedAll(t, pl, indicatorNo(2), "jp-carrier")
	for _, r := range regions {
		eventually(t, 20*time.Second, func() string {
			if inFiles(t, r, rest) {
				return r.id + " still has the second in a file"
			}
			return ""
		})
	}
	was := retold(t, jp)
	jp.stop()
	if err := os.Remove(filepath.Join(jp.dir, "data", "index.db")); err != nil {
		t.Fatal(err)
	}
	jp.start()
	if after := retold(t, jp); after != was || lives(t, jp, indicatorNo(2)) || !lives(t, jp, indicatorNo(3)) {
		t.Errorf("built anew once more, %s says\n%s\nbefore\n%s", jp.id, after, was)
	}
	addsUp(t, jp)
	// The link goes on from where it stood: no gap is told, nothing came twice.
	for rec, err := range jp.node.Records(t.Context(), 1) {
		if err != nil {
			t.Fatal(err)
		}
		if rec.Link != nil && rec.Link.Event == "gap" {
			t.Error("a gap is told")
		}
	}
	if _, p := peerOf(t, jp.node, pl.id); p.In.Duplicate != 0 {
		t.Errorf("came twice: %+v", p.In)
	}
}

// TestSpillSurvivesDeath ends the receiver when what it writes anew
// is stored and the old is not deleted: in the end it is, and nothing else is lost.
func TestSpillSurvivesDeath(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes, and the race detector does not reach into them; runs without -short")
	}
	t.Parallel()
	de, pl := twoProcesses(t)
	for i, step := range []string{"commit/after 2"} {
		one, other := 2*i, 2*i+1
		publishUntilTaken(t, de, bundled(indicator(one, 1, tlpGreen), indicator(other, 1, tlpGreen)))
		de.settledWith(pl.id, time.Minute)
		var pieces [][]byte
		for _, a := range pl.took() {
			if a.ID == indicatorNo(one) {
				raw, err := pl.client().Message(t.Context(), a.Seq)
				if err != nil {
					t.Fatal(err)
				}
				pieces = holding(t, string(raw), fmt.Sprintf("host%d.example", one))
			}
		}
		r := &region{id: pl.id, dir: pl.dir}
		if !inFiles(t, r, pieces) {
			t.Fatal("the search does not find what is there")
		}
		pl.stop()
		pl.dieAt(step)
		if _, err := de.client().Withdraw(t.Context(), []string{indicatorNo(one)}, "spill"); err != nil {
			t.Fatal(err)
		}
		pl.awaitDeath()
		pl.run()
		eventually(t, 20*time.Second, func() string {
			if inFiles(t, r, pieces) {
				return "still in a file"
			}
			return ""
		})
		publishUntilTaken(t, de, bundled(indicator(100+i, 1, tlpGreen)))
		de.settledWith(pl.id, time.Minute)
		live := map[string]bool{}
		for _, a := range pl.took() {
			live[a.ID] = a.Withdrawn == nil
		}
		if live[indicatorNo(one)] || !live[indicatorNo(other)] || !live[indicatorNo(100+i)] {
			t.Errorf("after %s: %v", step, live)
		}
	}
	journalledOnce(t, pl)
}

// publishedGoesOn sees an object cross a link.
func publishedGoesOn(t *testing.T, from, to *region) {
	t.Helper()
	publish(t, from, indicator(3, 1, tlpGreen))
	eventually(t, 30*time.Second, func() string {
		for _, a := range arrivals(t, to.node) {
			if a.ID == indicatorNo(3) {
				return ""
			}
		}
		return "nothing more comes"
	})
}

// holding returns the disclosures of a message that hold one of the words.
func holding(t *testing.T, message string, words ...string) [][]byte {
	t.Helper()
	line, _, _ := strings.Cut(message, "\n")
	var out [][]byte
	for _, part := range strings.Split(line, "~")[1:] {
		for _, w := range words {
			if strings.Contains(decoded(part), w) {
				out = append(out, []byte(part))
				break
			}
		}
	}
	return out
}

// inFiles reports whether one of the pieces is in a file of a node's data.
func inFiles(t *testing.T, r *region, pieces [][]byte) bool {
	t.Helper()
	found := false
	err := filepath.WalkDir(filepath.Join(r.dir, "data"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil // it went while we looked
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return nil
		}
		for _, p := range pieces {
			found = found || bytes.Contains(raw, p)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
