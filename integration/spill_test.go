package integration

import (
	"bytes"
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
