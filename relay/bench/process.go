package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// process is one child: a node, a bare server or what pulls. It is spoken to
// in lines of JSON, and ends when its standard input does: so none outlives
// the command, however that ends.
type process struct {
	name    string
	cmd     *exec.Cmd
	in      io.WriteCloser
	answers chan json.RawMessage
	said    *tail
	done    chan error
}

// Times of a child.
const (
	answerTimeout = 5 * time.Minute  // until it has done what it was asked
	endTimeout    = 20 * time.Second // until it has ended by itself
)

// order is one line to a child.
type order struct {
	Do   string          `json:"do"` // "usage", or what its role knows
	With json.RawMessage `json:"with,omitempty"`
}

// outcome is a child's answer to one order.
type outcome struct {
	Error string          `json:"error,omitempty"`
	Value json.RawMessage `json:"value,omitempty"`
}

// usage is what a process used of the machine so far.
type usage struct {
	CPU time.Duration `json:"cpu"` // user and system
	RSS int64         `json:"rss"` // bytes now, 0 where the system does not say
}

// spawn starts this program as a child with a role.
func spawn(program []string, name string, args ...string) (*process, error) {
	p := &process{name: name, answers: make(chan json.RawMessage, 1), said: &tail{}, done: make(chan error, 1)}
	p.cmd = exec.Command(program[0], append(program[1:len(program):len(program)], args...)...)
	p.cmd.Stderr = p.said
	var err error
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("bench: %s: %w", name, err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("bench: %s: %w", name, err)
	}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("bench: %s: %w", name, err)
	}
	go func() {
		lines := bufio.NewScanner(out)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			p.answers <- json.RawMessage(append([]byte(nil), lines.Bytes()...))
		}
		close(p.answers)
		p.done <- p.cmd.Wait()
	}()
	return p, nil
}

// line waits for one line of the child.
func (p *process) line(ctx context.Context) (json.RawMessage, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	select {
	case l, ok := <-p.answers:
		if !ok {
			return nil, fmt.Errorf("bench: %s ended: %s", p.name, p.said.text())
		}
		return l, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("bench: %s: %w", p.name, context.Cause(ctx))
	}
}

// ask gives one order and reads the answer into value, unless that is nil.
func (p *process) ask(ctx context.Context, do string, with, value any) error {
	o := order{Do: do}
	var err error
	if o.With, err = json.Marshal(with); err != nil {
		return fmt.Errorf("bench: %s: %w", p.name, err)
	}
	text, err := json.Marshal(o)
	if err != nil {
		return fmt.Errorf("bench: %s: %w", p.name, err)
	}
	if _, err := p.in.Write(append(text, '\n')); err != nil {
		return fmt.Errorf("bench: %s: %w: %s", p.name, err, p.said.text())
	}
	raw, err := p.line(ctx)
	if err != nil {
		return err
	}
	var a outcome
	if err := json.Unmarshal(raw, &a); err != nil {
		return fmt.Errorf("bench: %s: %w", p.name, err)
	}
	if a.Error != "" {
		return fmt.Errorf("bench: %s: %s", p.name, a.Error)
	}
	if value == nil {
		return nil
	}
	return json.Unmarshal(a.Value, value)
}

// usage asks the child what it has used.
func (p *process) usage(ctx context.Context) (u usage, err error) {
	err = p.ask(ctx, "usage", nil, &u)
	return u, err
}

// end closes the child's input, waits for it, and kills it if that is in vain.
func (p *process) end() error {
	p.in.Close()
	kill := time.AfterFunc(endTimeout, func() { _ = p.cmd.Process.Kill() }) // it may have ended this moment
	defer kill.Stop()
	for range p.answers { // nobody waits for what it still says
	}
	if err := <-p.done; err != nil {
		return fmt.Errorf("bench: %s: %w: %s", p.name, err, p.said.text())
	}
	return nil
}

// tail keeps the end of what a child says on stderr.
type tail struct {
	mu   sync.Mutex
	last []byte
}

// Write keeps the last of it.
func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = append(t.last, b...)
	if over := len(t.last) - 4<<10; over > 0 {
		t.last = t.last[over:]
	}
	return len(b), nil
}

func (t *tail) text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.last))
}

// role is what a child does on an order, other than "usage".
type role interface {
	do(ctx context.Context, do string, with json.RawMessage) (any, error)
	close() error
}

// StepsRole is the role of a child that does the steps of a border, without a
// node around them: it wants the settings of a node's process.
const StepsRole = "steps"

// Child is a child of [Run]: it reads orders from in, a line each, writes the
// answers to out, and ends with in. args name its role; run runs the node of a
// configuration until its context ends, as `entente run` does, and prints one
// line on stdout when it is ready.
func Child(ctx context.Context, args []string, in io.Reader, out io.Writer, run func(ctx context.Context, config string) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if len(args) == 0 {
		return errors.New("bench: a child needs a role")
	}
	var r role
	ended := make(chan error, 1)
	switch args[0] {
	case "node":
		if len(args) != 2 {
			return errors.New("bench: a node needs a configuration")
		}
		go func() {
			defer cancel() // a node that could not start takes no orders
			ended <- run(ctx, args[1])
		}()
		r = nodeRole{}
	case "bare":
		r = &bareRole{}
		ended <- nil
	case "framed":
		r = &framedRole{}
		ended <- nil
	case "pull":
		r = &pullRole{}
		ended <- nil
	case StepsRole:
		r = &stepRole{}
		ended <- nil
	default:
		return fmt.Errorf("bench: no role %q", args[0])
	}
	err := serve(ctx, r, in, out)
	cancel()
	return errors.Join(err, r.close(), <-ended)
}

// serve answers orders until in ends or ctx does.
func serve(ctx context.Context, r role, in io.Reader, out io.Writer) error {
	orders := make(chan order)
	go func() {
		defer close(orders)
		lines := bufio.NewScanner(in)
		lines.Buffer(nil, 16<<20)
		for lines.Scan() {
			var o order
			if json.Unmarshal(lines.Bytes(), &o) != nil {
				return // not from our parent
			}
			select {
			case orders <- o:
			case <-ctx.Done():
				return
			}
		}
	}()
	enc := json.NewEncoder(out)
	for {
		select {
		case o, ok := <-orders:
			if !ok {
				return nil
			}
			if err := enc.Encode(obey(ctx, r, o)); err != nil {
				return err
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// obey carries out one order.
func obey(ctx context.Context, r role, o order) outcome {
	var v any
	var err error
	if o.Do == "usage" {
		v, err = ownUsage()
	} else {
		v, err = r.do(ctx, o.Do, o.With)
	}
	if err != nil {
		return outcome{Error: err.Error()}
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return outcome{Error: err.Error()}
	}
	return outcome{Value: raw}
}

// nodeRole is a node, which is spoken to over its socket.
type nodeRole struct{}

func (nodeRole) do(context.Context, string, json.RawMessage) (any, error) {
	return nil, errors.New("a node takes no orders here")
}
func (nodeRole) close() error { return nil }

// pages are what a resident size is counted in.
func pages(n int64) int64 { return n * int64(os.Getpagesize()) }
