package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/entente-relay/entente/configs"
	"github.com/entente-relay/entente/relay"
)

// childArg makes this test binary a child of the bench; pidsEnv names a folder
// in which each child leaves its process id.
const (
	childArg = "bench-child"
	pidsEnv  = "ENTENTE_BENCH_PIDS"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == childArg {
		if err := child(os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func child(args []string) error {
	if dir := os.Getenv(pidsEnv); dir != "" {
		if err := os.WriteFile(filepath.Join(dir, strconv.Itoa(os.Getpid())), []byte(args[0]), 0o600); err != nil {
			return err
		}
	}
	return Child(context.Background(), args, os.Stdin, os.Stdout, func(ctx context.Context, config string) error {
		cfg, err := configs.LoadNode(config)
		if err != nil {
			return err
		}
		n, err := relay.New(cfg, relay.Options{Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			return err
		}
		if err := n.Start(ctx); err != nil {
			return err
		}
		fmt.Printf("{\"ready\":%q,\"leaf\":%q,\"socket\":%q}\n", n.ID(), n.LeafAddr(), relay.SocketPath(cfg))
		<-ctx.Done()
		return n.Stop(context.WithoutCancel(ctx))
	})
}

// tiny are options for a run of few objects.
func tiny(t *testing.T, only string) Options {
	t.Helper()
	if testing.Short() {
		t.Skip("nodes in processes of their own: not in short mode")
	}
	return Options{Program: []string{os.Args[0], childArg}, Dir: shortDir(t), Only: only, Objects: 256}
}

// shortDir is a folder with a path that leaves room for sockets in it.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "b") //nolint:usetesting // t.TempDir is too long for the path of a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("left behind: %v %v", left, err)
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// The report has every row that was asked for, with figures, and the form that
// scripts rely on.
func TestRunMeasures(t *testing.T) {
	o := tiny(t, "bare/source/always,relay/one-border/8,relay/fanout/5x5,relay/step/64")
	var said []string
	o.Progress = func(text string) { said = append(said, text) }
	rep, err := Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(rep)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Rows []struct {
			Name             string   `json:"name"`
			ObjectsPerSecond float64  `json:"objects_per_second"`
			CPU              float64  `json:"cpu_us_per_object"`
			Bytes            float64  `json:"bytes_per_object"`
			Baseline         *string  `json:"baseline"`
			Ratio            *float64 `json:"ratio"`
		} `json:"rows"`
		Noise struct {
			Verdict string `json:"verdict"`
		} `json:"noise"`
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, r := range got.Rows {
		names = append(names, r.Name)
		if r.ObjectsPerSecond <= 0 || r.CPU <= 0 || r.Bytes <= 0 || r.Baseline == nil {
			t.Errorf("%+v", r)
		}
		if compared := r.Name == "relay/one-border/8"; compared != (r.Ratio != nil) {
			t.Errorf("%s: ratio %v to %q", r.Name, r.Ratio, *r.Baseline)
		}
	}
	if strings.Join(names, ",") != o.Only {
		t.Errorf("rows %v, want %s", names, o.Only)
	}
	if v := got.Noise.Verdict; v != "quiet" && v != "noisy" || rep.Noise.Text == "" || rep.Noise.FsyncMS <= 0 {
		t.Errorf("noise %+v", rep.Noise)
	}
	if m := rep.Machine; m.Cores == 0 || m.Go == "" || m.System == "" || len(said) < 4 {
		t.Errorf("machine %+v, said %q", m, said)
	}
}

// When the command is interrupted, its children end and its folder goes.
func TestCancelEndsTheChildren(t *testing.T) {
	o := tiny(t, "relay/two-borders/64")
	pids := t.TempDir()
	t.Setenv(pidsEnv, pids)
	ctx, cancel := context.WithCancelCause(t.Context())
	interrupted := errors.New("interrupted")
	looked := make(chan struct{})
	o.Progress = func(string) {
		go func() { // as soon as two nodes run
			defer close(looked)
			tick := time.NewTicker(5 * time.Millisecond)
			defer tick.Stop()
			for range tick.C {
				if left, err := os.ReadDir(pids); err != nil || len(left) >= 2 {
					cancel(interrupted)
					return
				}
			}
		}()
	}
	_, err := Run(ctx, o)
	if !errors.Is(err, interrupted) {
		t.Errorf("the run ended with %v", err)
	}
	<-looked
	left, err := os.ReadDir(pids)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range left {
		pid, err := strconv.Atoi(f.Name())
		if err != nil {
			t.Fatal(err)
		}
		p, err := os.FindProcess(pid)
		if err == nil {
			err = p.Signal(syscall.Signal(0))
		}
		if err == nil {
			t.Errorf("child %d still runs", pid)
		}
	}
	if len(left) < 2 {
		t.Errorf("%d children", len(left))
	}
}

// A child that cannot do its work says why; the rows that need no such child are
// in the report all the same.
func TestChildSaysWhy(t *testing.T) {
	o := tiny(t, "relay/one-border/8")
	o.Program = append(o.Program, "no-such-role")
	rep, err := Run(t.Context(), o)
	if err == nil || !strings.Contains(err.Error(), "no role") || !strings.Contains(err.Error(), "relay/one-border/8: ") {
		t.Errorf("the run ended with %v", err)
	}
	if rep == nil || len(rep.Rows) != 0 || rep.Noise.Verdict == "" {
		t.Errorf("the report of a row that failed: %+v", rep)
	}
	if _, err := Run(t.Context(), Options{}); err == nil {
		t.Error("a run without a program")
	}
}

// Every row is explained in the manual, and CI looks for those of a short run.
func TestRowsAreListed(t *testing.T) {
	read := func(path string) string {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	manual, ci := read("../../README.md"), read("../../.ci/run")
	for _, name := range Names(true) {
		if !strings.Contains(manual, "`"+name+"`") {
			t.Errorf("README.md does not say what %s is", name)
		}
	}
	_, list, _ := strings.Cut(ci, "bench_rows=(")
	list, _, _ = strings.Cut(list, ")")
	if got, want := strings.Join(strings.Fields(list), " "), strings.Join(Names(false), " "); got != want {
		t.Errorf(".ci/run looks for\n%s\nand there are\n%s", got, want)
	}
}
