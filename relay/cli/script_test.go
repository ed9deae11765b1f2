package cli

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"entente": func() { os.Exit(Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) },
		"token":   func() { os.Exit(token(os.Args[1:])) },
	})
}

// The scripts are the manual of the commands: what is typed, what comes back,
// and what goes wrong.
// In short mode, which the race detector runs in, only those are typed in which
// a node runs: there is little else to race, and the README's have two of them.
func TestScript(t *testing.T) {
	p := params("testdata/script")
	if testing.Short() {
		p.Dir = ""
		for _, name := range []string{"run", "publish"} {
			p.Files = append(p.Files, filepath.Join("testdata", "script", name+".txtar"))
		}
	}
	testscript.Run(t, p)
}

func params(dir string) testscript.Params {
	return testscript.Params{
		Dir:                 dir,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			shipped, err := filepath.Abs("../../configs")
			if err != nil {
				return err
			}
			e.Setenv("POLICIES", filepath.Join(shipped, "policies"))
			e.Setenv("SCHEMES", filepath.Join(shipped, "schemes"))
			e.Values["nodes"] = map[string]*running{}
			e.Setenv("NEXTMONTH", time.Now().UTC().AddDate(0, 1, 0).Format(time.DateOnly))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "start": start, "send": send, "halt": halt, "ends": awaited, "ports": ports, "sparse": sparse, "setenv": setenv, "sub": sub,
		},
	}
}

// exits CODE PROGRAM ARGS... runs a program and checks its exit code exactly.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	err = ts.Exec(args[1], args[2:]...)
	if e, ok := errors.AsType[*exec.ExitError](err); ok {
		got = e.ExitCode()
	} else {
		ts.Check(err)
	}
	if (got == want) == neg {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// running is a node that a script started.
type running struct {
	cmd  *exec.Cmd
	log  bytes.Buffer
	done chan error
}

// start NAME ARGS... runs "entente ARGS" until its first line, which a node prints
// when it is ready and which is then in $READY. With ! it must end before it is ready.
func start(ts *testscript.TestScript, neg bool, args []string) {
	r := &running{cmd: exec.Command("entente", args[1:]...), done: make(chan error, 1)}
	path, err := lookIn(ts.Getenv("PATH"), "entente")
	ts.Check(err)
	r.cmd.Path, r.cmd.Err = path, nil
	r.cmd.Dir = ts.MkAbs(".")
	r.cmd.Env = append(os.Environ(), "ENTENTE_CONFIG="+ts.Getenv("ENTENTE_CONFIG"), "PATH="+ts.Getenv("PATH"))
	r.cmd.Stderr = &r.log
	out, err := r.cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(r.cmd.Start())
	line, readErr := bufio.NewReader(out).ReadString('\n')
	go func() { r.done <- r.cmd.Wait() }()
	ts.Defer(func() {
		if r.cmd.ProcessState == nil {
			_ = r.cmd.Process.Kill() // it may have ended meanwhile
		}
	})
	if (readErr != nil) != neg {
		if readErr != nil {
			<-r.done
		}
		ts.Fatalf("ready line %q, %v; log:\n%s", line, readErr, r.log.String())
	}
	if neg {
		return
	}
	ts.Value("nodes").(map[string]*running)[args[0]] = r
	ts.Setenv("READY", strings.TrimSpace(line))
	ts.Logf("%s", line)
}

// lookIn finds a program on the PATH of the script.
func lookIn(path, name string) (string, error) {
	for _, dir := range strings.Split(path, string(os.PathListSeparator)) {
		p := dir + string(os.PathSeparator) + name
		if info, err := os.Stat(p); err == nil && !info.IsDir() {
			return p, nil
		}
	}
	return "", fmt.Errorf("%s is not on %s", name, path)
}

var signals = map[string]os.Signal{"HUP": syscall.SIGHUP, "INT": os.Interrupt, "TERM": syscall.SIGTERM, "KILL": os.Kill}

// send NAME SIGNAL signals a node.
func send(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(node(ts, args[0]).cmd.Process.Signal(signals[args[1]]))
}

// halt NAME [SIGNAL] ends a node (TERM unless said otherwise), waits for it,
// and leaves its log in NAME.log. Unless killed it must end with 0.
func halt(ts *testscript.TestScript, _ bool, args []string) {
	r := node(ts, args[0])
	sig := "TERM"
	if len(args) > 1 {
		sig = args[1]
	}
	ts.Check(r.cmd.Process.Signal(signals[sig]))
	err := <-r.done
	ts.Check(os.WriteFile(ts.MkAbs(args[0]+".log"), r.log.Bytes(), 0o600))
	if err != nil && sig != "KILL" {
		ts.Fatalf("%s: %v; log:\n%s", args[0], err, r.log.String())
	}
}

// ends NAME CODE waits for a program that ends by itself, checks its exit code
// and leaves its stderr in NAME.log.
func awaited(ts *testscript.TestScript, _ bool, args []string) {
	r := node(ts, args[0])
	<-r.done
	ts.Check(os.WriteFile(ts.MkAbs(args[0]+".log"), r.log.Bytes(), 0o600))
	if got := strconv.Itoa(r.cmd.ProcessState.ExitCode()); got != args[1] {
		ts.Fatalf("%s: exit code %s, want %s; stderr:\n%s", args[0], got, args[1], r.log.String())
	}
}

func node(ts *testscript.TestScript, name string) *running {
	r, ok := ts.Value("nodes").(map[string]*running)[name]
	if !ok {
		ts.Fatalf("no node %q was started", name)
	}
	return r
}

// ports VAR... puts a free port into each variable.
func ports(ts *testscript.TestScript, _ bool, args []string) {
	for _, name := range args {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		ts.Check(err)
		ts.Setenv(name, strconv.Itoa(l.Addr().(*net.TCPAddr).Port))
		ts.Check(l.Close())
	}
}

// sparse FILE BYTES makes a large file that takes no room.
func sparse(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.ParseInt(args[1], 10, 64)
	ts.Check(err)
	f, err := os.Create(ts.MkAbs(args[0]))
	ts.Check(err)
	ts.Check(f.Truncate(n))
	ts.Check(f.Close())
}

// setenv VAR REGEXP puts the first group of a match in the last stdout into a
// variable.
func setenv(ts *testscript.TestScript, _ bool, args []string) {
	m := regexp.MustCompile(args[1]).FindStringSubmatch(ts.ReadFile("stdout"))
	if m == nil {
		ts.Fatalf("no match for %q in stdout", args[1])
	}
	ts.Setenv(args[0], m[1])
}

// sub FILE OLD NEW replaces a text in a file; it must be there.
func sub(ts *testscript.TestScript, _ bool, args []string) {
	text := ts.ReadFile(args[0])
	if !strings.Contains(text, args[1]) {
		ts.Fatalf("%s has no %q", args[0], args[1])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.ReplaceAll(text, args[1], args[2])), 0o600))
}
