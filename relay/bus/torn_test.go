package bus

import (
	"bytes"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// tornStride is how many bytes lie between two places at which the last batch
// is cut; 1 cuts it at each.
var tornStride = flag.Int("bus.torn", 11, "cut the last batch at every n-th byte (1: at each)")

// block is the file that holds a stream's records.
func block(t *testing.T, dir, stream string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "store", "jetstream", "*", "streams", stream, "msgs", "*.blk"))
	if err != nil || len(found) != 1 {
		t.Fatalf("blocks of %s: %v, %v", stream, found, err)
	}
	return found[0]
}

// size is the length of a file.
func size(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// replace puts a copy of a folder in place of another.
func replace(t *testing.T, from, to string) {
	t.Helper()
	if err := os.RemoveAll(to); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(to, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			return os.Chmod(path, 0o700)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestLastBatchIsCutAtEveryByte cuts the files of both streams at the bytes of
// their last batch, of three records: the bus starts, what it holds is a
// beginning of what was stored, byte for byte, and it takes more behind it.
func TestLastBatchIsCutAtEveryByte(t *testing.T) {
	c := newID(t, "aa").config(t)
	c.ListenLeaf, c.Logger = "", nil // what the server says of each cut is its own
	batch := func(n int) []Record {
		var out []Record
		for i := range 3 {
			out = append(out, Record{Subject: "s", Data: fmt.Appendf(nil, "batch %d record %d", n, i)})
		}
		return out
	}
	var begin, end [2]int64
	for n := range 2 {
		b := start(t, c)
		for _, s := range []*Stream{b.Log(), b.Journal()} {
			if _, err := s.Append(within(t), batch(n)); err != nil {
				t.Fatal(err)
			}
		}
		stop(t, b)
		for i, name := range []string{"LOG", "JOURNAL"} {
			begin[i], end[i] = end[i], size(t, block(t, c.Dir, name))
		}
	}
	if begin[0] == 0 || end[0]-begin[0] < 100 || end[1]-begin[1] < end[0]-begin[0] {
		t.Fatalf("the last batches reach from %v to %v", begin, end)
	}
	saved := filepath.Join(t.TempDir(), "saved")
	if err := os.CopyFS(saved, os.DirFS(c.Dir)); err != nil {
		t.Fatal(err)
	}
	written := append(batch(0), batch(1)...)
	places := 0
	for cut := int64(0); cut < end[1]-begin[1]; cut += int64(*tornStride) {
		replace(t, saved, c.Dir)
		for i, name := range []string{"LOG", "JOURNAL"} {
			if err := os.Truncate(block(t, c.Dir, name), min(begin[i]+cut, end[i]-1)); err != nil {
				t.Fatal(err)
			}
		}
		b, err := Start(within(t), c)
		if err != nil {
			t.Fatalf("cut %d bytes into the last batch: %v", cut, err)
		}
		for _, s := range []*Stream{b.Log(), b.Journal()} {
			if err := beginningOf(t, s, written); err != nil {
				t.Errorf("cut %d bytes into the last batch: %v", cut, err)
			}
		}
		stop(t, b)
		places++
	}
	t.Logf("cut at %d places of %d bytes", places, end[1]-begin[1])
	if places < 20 {
		t.Errorf("only %d places", places)
	}
}

// beginningOf checks that a stream holds a beginning of what was written, the
// first batch at least, and goes on behind it.
func beginningOf(t *testing.T, s *Stream, written []Record) error {
	t.Helper()
	got, err := s.Read(within(t), 1, 0, 0)
	if err != nil {
		return err
	}
	if len(got) < 3 || len(got) >= len(written) {
		return fmt.Errorf("%s: %d records are left of %d", s.name, len(got), len(written))
	}
	for i, st := range got {
		if st.Seq != uint64(i+1) || !bytes.Equal(st.Data, written[i].Data) {
			return fmt.Errorf("%s: record %d is %q", s.name, st.Seq, st.Data)
		}
	}
	last, err := s.Append(within(t), []Record{{Subject: "s", Data: []byte("after")}, {Subject: "s", Data: []byte("that")}})
	if err != nil {
		return err
	}
	if again, err := s.Read(within(t), last-1, 0, 0); err != nil || len(again) != 2 || last-1 <= got[len(got)-1].Seq || string(again[1].Data) != "that" {
		return fmt.Errorf("%s: behind record %d two more ended at %d: %v, %v", s.name, len(got), last, again, err)
	}
	return nil
}
