package store

import (
	"context"
	"encoding/binary"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// keyN is one of a few keys, so that each is named often.
func keyN(n int) Key {
	var k Key
	binary.BigEndian.PutUint64(k[:], uint64(n)*0x9e3779b97f4a7c15)
	return k
}

// TestMentions: what records name is found by key and peer, in the tail and in
// runs, over commits of every size and after the file was opened again.
func TestMentions(t *testing.T) {
	path := filepath.Join(t.TempDir(), "index.db")
	s, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }() // closed below, unless the test failed
	peers := []string{"", "de-cert", "pl-cert"}
	want := map[string]map[Key][]uint64{}
	seq := uint64(0)
	commit := func(records, names int) {
		t.Helper()
		var events []Event
		for range records {
			seq++
			e := Event{Seq: seq, At: time.Unix(1, 0), About: peers[seq%3]}
			for i := range names {
				k := keyN((int(seq) + i*i) % 5000)
				e.Names = append(e.Names, k)
				for _, of := range slices.Compact([]string{"", e.About}) {
					if want[of] == nil {
						want[of] = map[Key][]uint64{}
					}
					if have := want[of][k]; len(have) == 0 || have[len(have)-1] != seq {
						want[of][k] = append(have, seq)
					}
				}
			}
			events = append(events, e)
		}
		if err := s.Record(context.Background(), events); err != nil {
			t.Fatal(err)
		}
	}
	check := func(when string) {
		t.Helper()
		for _, of := range peers {
			for n := range 200 {
				k := keyN(n * 25)
				got, err := s.Mentions(context.Background(), of, k)
				if err != nil || !slices.Equal(got, want[of][k]) {
					t.Fatalf("%s, key %d of %q: %v, %v; want %v", when, n, of, got, err, want[of][k])
				}
			}
		}
		for of, k := range map[string]Key{"": keyN(99_999), "jp-carrier": keyN(1)} {
			if got, err := s.Mentions(context.Background(), of, k); err != nil || len(got) != 0 {
				t.Errorf("%s: named by nothing: %v, %v", when, got, err)
			}
		}
	}
	commit(1, 1)
	commit(400, 100)
	check("a tail")
	for range 4 {
		commit(900, 100)
	}
	commit(50, 3)
	if len(s.mentions.runs) < 2 || len(s.mentions.tail) == 0 {
		t.Fatalf("%d runs and a tail of %d", len(s.mentions.runs), len(s.mentions.tail))
	}
	check("runs and a tail")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err = Open(path, Options{}); err != nil {
		t.Fatal(err)
	}
	check("opened again")
	commit(50, 3)
	check("and gone on")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
