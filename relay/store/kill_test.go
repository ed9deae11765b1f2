package store

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestKilled kills a process that applies without pause. What is then in the
// file is the log up to its position, and no less than it had reported.
func TestKilled(t *testing.T) {
	if path := os.Getenv("ENTENTE_TEST_KILLED_STORE"); path != "" {
		applyUntilKilled(t, path)
		return
	}
	path := filepath.Join(t.TempDir(), "index.db")
	for round := range 3 {
		cmd := exec.Command(os.Args[0], "-test.run=^TestKilled$")
		cmd.Env = append(os.Environ(), "ENTENTE_TEST_KILLED_STORE="+path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		var reported uint64
		lines := bufio.NewScanner(out)
		for n := 0; n < 20+30*round && lines.Scan(); n++ {
			if _, err := fmt.Sscan(lines.Text(), &reported); err != nil {
				t.Fatalf("%q: %v", lines.Text(), err)
			}
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // "signal: killed" is what we want
		s := openAt(t, path, Options{})
		counts, err := s.Counts(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if reported == 0 || s.Applied() < reported || counts.In[0].Taken != s.Applied()*10 {
			t.Fatalf("reported %d, applied %d, counts %+v", reported, s.Applied(), counts.In)
		}
		n := uint64(0)
		for _, err := range s.Objects(context.Background(), Filter{}) {
			if err != nil {
				t.Fatal(err)
			}
			n++
		}
		if n != s.Applied()*10 {
			t.Fatalf("%d objects at position %d", n, s.Applied())
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func applyUntilKilled(t *testing.T, path string) {
	s, err := Open(path, Options{Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	for {
		if err := s.Apply(context.Background(), sampleEntries(int(s.Applied())+1, 3, 10)); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(os.Stdout, s.Applied())
	}
}
