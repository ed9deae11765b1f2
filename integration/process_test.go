package integration

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/entente-relay/entente/relay/dashboard"
)

// programDir is the folder of the binary, made by TestMain.
var programDir string

// program is the entente binary, built once for all tests of this package.
var program = sync.OnceValues(func() (string, error) {
	path := filepath.Join(programDir, "entente")
	out, err := exec.Command("go", "build", "-o", path, "..").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("building entente: %w\n%s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	if path := os.Getenv(faultConfig); path != "" {
		if err := faultNode(path, os.Getenv(faultStep)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if err := overlap(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	var err error
	if programDir, err = os.MkdirTemp("", "entente-test-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	if err := os.RemoveAll(programDir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// overlap lets twice as many tests run at once as there are processors, unless
// the command line says how many: nodes mostly wait for each other. Short runs
// are those of the race detector, which has no processor to spare.
func overlap() error {
	flag.Parse()
	said := testing.Short()
	flag.Visit(func(f *flag.Flag) { said = said || f.Name == "test.parallel" })
	if said {
		return nil
	}
	return flag.Set("test.parallel", strconv.Itoa(2*runtime.GOMAXPROCS(0)))
}

// process is one node in a process of its own.
type process struct {
	t      *testing.T
	id     string
	dir    string
	cmd    *exec.Cmd
	leaf   string
	stderr *tail
	waited chan error
}

// entente runs one command to its end and returns what it printed.
func entente(t *testing.T, want int, args ...string) string {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err = cmd.Run()
	code := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	if code != want {
		t.Fatalf("entente %s: exit %d, want %d\n%s%s", strings.Join(args, " "), code, want, out.String(), errs.String())
	}
	return out.String()
}

// newProcess runs `init` for a node.
func newProcess(t *testing.T, id, country string, extra ...string) *process {
	t.Helper()
	p := &process{t: t, id: id, dir: filepath.Join(t.TempDir(), id)}
	entente(t, 0, append([]string{"init", id, "--country", country, "--dir", p.dir, "--listen", "127.0.0.1:0", "--host", "localhost"}, extra...)...)
	return p
}

func (p *process) config() string { return filepath.Join(p.dir, "entente.yaml") }

// client talks to the node as the commands do.
func (p *process) client() *dashboard.Client {
	return dashboard.NewClient(filepath.Join(p.dir, "data", "entente.sock"))
}

// accept exchanges the two files by which a peer is made.
func (p *process) accept(peer *process, agreement, dial string) {
	p.t.Helper()
	file := filepath.Join(p.t.TempDir(), "terms.yaml")
	if err := os.WriteFile(file, []byte(agreement), 0o600); err != nil {
		p.t.Fatal(err)
	}
	args := []string{"--config", p.config(), "peer", "accept", filepath.Join(peer.dir, "statement.jwt"), "--terms", file}
	if dial != "" {
		args = append(args, "--dial", dial)
	}
	entente(p.t, 0, args...)
}

var leafForm = regexp.MustCompile(`"?leaf"?[=:] ?"?(127\.0\.0\.1:[0-9]+)`)

// run starts the node and waits until it is ready.
func (p *process) run() {
	p.t.Helper()
	path, err := program()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := p.launch(exec.Command(path, "--config", p.config(), "run")); err != nil {
		p.t.Fatal(err)
	}
}

// launch starts a command that runs the node, and waits until it is ready.
func (p *process) launch(cmd *exec.Cmd) error {
	p.t.Helper()
	p.cmd = cmd
	pipe, err := p.cmd.StderrPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.stderr = &tail{ready: make(chan string, 1)}
	read := make(chan struct{})
	go func() { p.stderr.read(pipe); close(read) }()
	p.waited = make(chan error, 1)
	waited := p.waited
	go func() { <-read; waited <- cmd.Wait() }()
	p.t.Cleanup(p.kill)
	select {
	case p.leaf = <-p.stderr.ready:
	case err := <-p.waited:
		p.waited <- err // for kill
		return fmt.Errorf("%s ended at once: %v\n%s", p.id, err, p.stderr.text())
	case <-time.After(30 * time.Second):
		return fmt.Errorf("%s is not ready after 30 s\n%s", p.id, p.stderr.text())
	}
	return nil
}

// kill ends the process as a power cut would (SIGKILL), and reaps it.
func (p *process) kill() {
	if p.cmd == nil {
		return
	}
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.t.Errorf("killing %s: %v", p.id, err)
	}
	<-p.waited
	p.cmd = nil
}

// tail keeps the end of what a process says, and finds its leaf address.
type tail struct {
	mu    sync.Mutex
	lines []string
	ready chan string
}

func (l *tail) read(r io.Reader) {
	s := bufio.NewScanner(r)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		l.mu.Lock()
		if l.lines = append(l.lines, s.Text()); len(l.lines) > 200 {
			l.lines = l.lines[1:]
		}
		l.mu.Unlock()
		if m := leafForm.FindStringSubmatch(s.Text()); m != nil && strings.Contains(s.Text(), "ready") {
			select {
			case l.ready <- m[1]:
			default:
			}
		}
	}
}

func (l *tail) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, "\n")
}

// status asks a running node; a node that does not answer gives an error.
func (p *process) status() (dashboard.Status, error) {
	ctx, cancel := context.WithTimeout(p.t.Context(), 10*time.Second)
	defer cancel()
	return p.client().Status(ctx)
}

// settledWith waits until the node has nothing left for a peer.
func (p *process) settledWith(peer string, within time.Duration) {
	p.t.Helper()
	eventually(p.t, within, func() string {
		st, err := p.status()
		if err != nil {
			return err.Error()
		}
		for _, x := range st.Peers {
			if x.ID == peer {
				if st.LogLast == 0 || st.Indexed != st.LogLast || x.Backlog != 0 || x.Out.InFlight != 0 {
					text, _ := json.Marshal(x)
					return fmt.Sprintf("%s is not settled with %s: %s", p.id, peer, text)
				}
				return ""
			}
		}
		return p.id + " does not know " + peer
	})
}

// took lists what a node took, in order.
func (p *process) took() []dashboard.Arrival {
	p.t.Helper()
	var st dashboard.Status
	var err error
	eventually(p.t, 30*time.Second, func() string {
		if st, err = p.status(); err != nil {
			return err.Error()
		}
		if st.Indexed != st.LogLast {
			return p.id + " has not indexed its log"
		}
		return ""
	})
	var out []dashboard.Arrival
	if st.Objects.Taken == 0 {
		return out
	}
	enough := errors.New("enough")
	err = p.client().Arrivals(p.t.Context(), 1, func(a dashboard.Arrival) error {
		if out = append(out, a); uint64(len(out)) >= st.Objects.Taken {
			return enough
		}
		return nil
	})
	if err != nil && !errors.Is(err, enough) {
		p.t.Fatal(err)
	}
	return out
}

// fixPort gives the node a free port of its own in its configuration, so that
// peers find it again after it was killed.
func (p *process) fixPort() {
	p.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		p.t.Fatal(err)
	}
	p.leaf = l.Addr().String()
	if err := l.Close(); err != nil {
		p.t.Fatal(err)
	}
	raw, err := os.ReadFile(p.config())
	if err != nil {
		p.t.Fatal(err)
	}
	text := strings.Replace(string(raw), `leaf: "127.0.0.1:0"`, `leaf: "`+p.leaf+`"`, 1)
	if text == string(raw) {
		p.t.Fatal("the configuration has no leaf address to replace")
	}
	if err := os.WriteFile(p.config(), []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
}
