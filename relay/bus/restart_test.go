package bus

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

func TestRestartKeepsLogAndIncarnation(t *testing.T) {
	i := newID(t, "aa")
	c := i.config(t)
	b, err := Start(within(t), c)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Log().Append(within(t), records(5, "a", 10)); err != nil {
		t.Fatal(err)
	}
	log, journal := b.Log().Incarnation(), b.Journal().Incarnation()
	if log == "" || log == journal {
		t.Errorf("incarnations %q and %q", log, journal)
	}
	stop(t, b)
	c.LogMaxBytes = 100 << 20 // limits may change, the stream stays
	b = start(t, c)
	if b.Log().Incarnation() != log || b.Journal().Incarnation() != journal {
		t.Error("another incarnation after a restart")
	}
	got, err := b.Log().Read(within(t), 1, 0, 0)
	if err != nil || len(got) != 5 {
		t.Errorf("read %d records: %v", len(got), err)
	}
	st, err := b.Log().State(within(t))
	if err != nil || st.MaxBytes != 100<<20 {
		t.Errorf("new limit: %+v %v", st, err)
	}
	stop(t, b)
	if err := os.RemoveAll(c.Dir); err != nil {
		t.Fatal(err)
	}
	if b = start(t, c); b.Log().Incarnation() == log {
		t.Error("a log that was lost and made again has the same incarnation")
	}
}

func TestStoreOfAnotherNodeIsRefused(t *testing.T) {
	c := newID(t, "aa").config(t)
	b, err := Start(within(t), c)
	if err != nil {
		t.Fatal(err)
	}
	stop(t, b)
	c.Name = "bb"
	if _, err := Start(within(t), c); err == nil || !strings.Contains(err.Error(), `"aa"`) {
		t.Errorf("got %v", err)
	}
	c.Name = "aa"
	start(t, c) // the refusal left the store unlocked and whole
}

// childDir names the store of a child process that TestKilledNodeKeeps starts
// and kills.
const childDir = "ENTENTE_TEST_BUS_CHILD"

const childBatch = 8

// TestMain runs the child instead of the tests when asked to.
func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		if err := child(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// child appends batches and prints the last sequence of each acknowledged one.
func child(dir string) error {
	ctx := context.Background()
	cert, key, err := NewTLSIdentity("aa", nil)
	if err != nil {
		return err
	}
	seed, _, err := NewNKey()
	if err != nil {
		return err
	}
	b, err := Start(ctx, Config{Name: "aa", Dir: dir, CertPEM: cert, KeyPEM: key, Seed: seed, MaxStore: 1 << 30})
	if err != nil {
		return err
	}
	for {
		last, err := b.Log().Append(ctx, records(childBatch, "a", 20_000))
		if err != nil {
			return err
		}
		fmt.Println(last)
	}
}

// A node that is killed in the middle of writing loses nothing it acknowledged
// and keeps no half batch.
func TestKilledNodeKeeps(t *testing.T) {
	c := newID(t, "aa").config(t)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var acknowledged uint64
	for round := range 6 {
		cmd := exec.Command(exe)
		cmd.Env = append(os.Environ(), childDir+"="+c.Dir)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); n++ {
			last, err := strconv.ParseUint(lines.Text(), 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			acknowledged = last
			if n == 7+5*round {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := cmd.Wait(); err == nil || stderr.Len() > 0 {
			t.Fatalf("the child ended by itself: %v %s", err, stderr.String())
		}
		b, err := Start(within(t), c)
		if err != nil {
			t.Fatal(err)
		}
		st, err := b.Log().State(within(t))
		if err != nil {
			t.Fatal(err)
		}
		if st.Last < acknowledged || st.Messages != st.Last || st.Last%childBatch != 0 {
			t.Errorf("round %d: acknowledged up to %d, found %+v", round, acknowledged, st)
		}
		got, err := b.Log().Read(within(t), acknowledged-childBatch+1, childBatch, 0)
		if err != nil || len(got) != childBatch {
			t.Fatalf("round %d: the last acknowledged batch: %d records, %v", round, len(got), err)
		}
		for i, want := range records(childBatch, "a", 20_000) {
			if !bytes.Equal(got[i].Data, want.Data) {
				t.Errorf("round %d: record %d is damaged", round, got[i].Seq)
			}
		}
		stop(t, b)
	}
}

func TestSecondNodeOnOneStore(t *testing.T) {
	c := newID(t, "aa").config(t)
	b := start(t, c)
	_, err := Start(within(t), c)
	if !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), c.Dir) {
		t.Errorf("second node: %v", err)
	}
	if _, err := b.Log().Append(within(t), records(1, "a", 1)); err != nil {
		t.Errorf("the first node is disturbed: %v", err)
	}
	stop(t, b)
	start(t, c)
}
