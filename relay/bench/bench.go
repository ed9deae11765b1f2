package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Options say what is measured, and with which program.
type Options struct {
	// Program starts this program as a child: its path, and arguments that stand
	// before those of [Child].
	Program []string
	// Dir is on the disk that is measured; "" is the system's folder for
	// temporary files. Everything is written into one new folder in it.
	Dir string
	// Full adds what takes long, Only names the rows to measure: patterns of
	// path.Match, with commas between them. "" is all.
	Full bool
	Only string
	// Objects is how many objects each row is measured with, at most. Zero: as
	// many as go through in about five seconds.
	Objects int
	// Version of this program, for the report.
	Version string
	// Progress is told what is done now. Nil tells nobody.
	Progress func(text string)
}

// Bounds of one run.
const (
	runFor     = 5 * time.Second // of each row and round
	maxObjects = 120_000         // published at most in one round
	maxBare    = 160_000         // the same, unsigned and one to a message
	rounds     = 3               // of the rows that the headline ratio is made of, at most
	// roundsWithin is after what time no further round begins.
	roundsWithin = 75 * time.Second

	// maxSocketPath is how long the path of a Unix socket may be: sun_path holds
	// 104 bytes with the closing zero on macOS, 108 on Linux.
	maxSocketPath = 103
)

// bench is one run.
type bench struct {
	o        Options
	dir      string
	objects  [][]byte // that all flow
	noise    prober
	round    int
	folders  int
	mu       sync.Mutex
	children []*process
}

// Run measures. What cannot be measured is an error beside the report of all that
// can. When ctx ends, so do the children, and there is no report. Nothing is left
// behind.
func Run(ctx context.Context, o Options) (rep *Report, err error) {
	if len(o.Program) == 0 || o.Objects < 0 {
		return nil, errors.New("bench: no program, or a number of objects below 0")
	}
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	chosen, err := choose(o)
	if err != nil {
		return nil, err
	}
	b := &bench{o: o}
	if b.dir, err = os.MkdirTemp(o.Dir, "entente-"); err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.dir)) }()
	if b.dir, err = filepath.Abs(b.dir); err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	if longest := filepath.Join(b.dir, "99", "de-cert", "data", "entente.sock"); len(longest) > maxSocketPath {
		return nil, fmt.Errorf("bench: the path of %s is too long for the sockets of nodes in it: name another folder with --dir", filepath.Dir(b.dir))
	}
	began := time.Now()
	if rep, err = b.measure(ctx, chosen); rep != nil {
		rep.Full, rep.Seconds = o.Full, round(time.Since(began).Seconds(), 1)
	}
	return rep, err
}

// choose picks what is measured: whatever gives one of the rows that are asked
// for.
func choose(o Options) ([]measurement, error) {
	var out []measurement
	for _, m := range measurements() {
		named := false
		for _, name := range m.names() {
			ok, err := matches(o.Only, name)
			if err != nil {
				return nil, err
			}
			named = named || ok
		}
		if named && (o.Only != "" || o.Full || !m.full) {
			out = append(out, m)
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("bench: no row is called %q; there are: %s", o.Only, strings.Join(Names(true), ", "))
	}
	return out, nil
}

// matches reports whether one of the patterns, with commas between them, is
// that of a name. No pattern is that of all.
func matches(patterns, name string) (bool, error) {
	if patterns == "" {
		return true, nil
	}
	any := false
	for p := range strings.SplitSeq(patterns, ",") {
		ok, err := path.Match(strings.TrimSpace(p), name)
		if err != nil {
			return false, fmt.Errorf("bench: the pattern %q: %w", p, err)
		}
		any = any || ok
	}
	return any, nil
}

// Names lists the rows, with those that take long if full.
func Names(full bool) []string {
	var out []string
	for _, m := range measurements() {
		if full || !m.full {
			out = append(out, m.names()...)
		}
	}
	return out
}

// measure runs the rows. Those that are compared with each other are measured
// in turn, round by round, so that what the machine does meanwhile hits all.
func (b *bench) measure(ctx context.Context, chosen []measurement) (*Report, error) {
	rep, began := &Report{Machine: b.machine()}, time.Now()
	b.noise.begin(b.dir)
	got, failed := map[string][]figures{}, map[string]bool{}
	var faults []error
	for i := 0; i < len(chosen); {
		j := i + 1
		for j < len(chosen) && chosen[j].rounds == chosen[i].rounds {
			j++
		}
		times := max(1, chosen[i].rounds)
		if b.o.Objects > 0 {
			times = 1
		}
		for b.round = range times {
			if b.round > 0 && time.Since(began) > roundsWithin {
				break // a slow machine: what is left shall be measured in time, too
			}
			for _, m := range chosen[i:j] {
				if failed[m.rows[0].name] {
					continue
				}
				b.noise.probe(b.dir)
				b.say(m)
				fs, err := b.one(ctx, m)
				if ctx.Err() != nil {
					return nil, fmt.Errorf("%s: %w", m.rows[0].name, errors.Join(context.Cause(ctx), err))
				}
				if err != nil { // the other rows can be measured all the same
					faults = append(faults, fmt.Errorf("%s: %w", m.rows[0].name, err))
					failed[m.rows[0].name] = true
				}
				for k, f := range fs {
					got[m.rows[k].name] = append(got[m.rows[k].name], f)
				}
			}
		}
		i = j
	}
	rep.Noise = b.noise.end(b.dir)
	rep.Machine.FsyncMS = rep.Noise.FsyncMS
	for _, m := range chosen {
		for _, r := range m.rows {
			if len(got[r.name]) > 0 {
				rep.Rows = append(rep.Rows, rowOf(r, got[r.name]))
			}
		}
	}
	compare(rep.Rows)
	return rep, errors.Join(faults...)
}

func (b *bench) say(m measurement) {
	text := "measuring " + strings.Join(m.names(), ", ")
	if m.rounds > 1 && b.o.Objects == 0 {
		text += fmt.Sprintf(", round %d of %d", b.round+1, m.rounds)
	}
	b.o.Progress(text)
}

// one measures one row once, in a folder of its own that is removed with the
// children.
func (b *bench) one(ctx context.Context, m measurement) (fs []figures, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	b.folders++
	dir := filepath.Join(b.dir, strconv.Itoa(b.folders))
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	fs, err = m.run(ctx, b, dir)
	if err != nil && ctx.Err() == nil {
		err = errors.Join(err, b.lastWords())
	}
	err = errors.Join(err, b.endAll())
	return fs, errors.Join(err, os.RemoveAll(dir))
}

// spawn starts a child, which ends with the row.
func (b *bench) spawn(name string, args ...string) (*process, error) {
	p, err := spawn(b.o.Program, name, args...)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.children = append(b.children, p)
	return p, nil
}

// endOne ends one child before the row does.
func (b *bench) endOne(p *process) error {
	b.mu.Lock()
	b.children = slices.DeleteFunc(b.children, func(c *process) bool { return c == p })
	b.mu.Unlock()
	return p.end()
}

// lastWords is what the children said last, of what went wrong.
func (b *bench) lastWords() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	var errs []error
	for _, p := range b.children {
		if text := p.said.text(); text != "" {
			errs = append(errs, fmt.Errorf("%s said: %s", p.name, text))
		}
	}
	return errors.Join(errs...)
}

// endAll ends all children, at once, and waits for them.
func (b *bench) endAll() error {
	b.mu.Lock()
	all := b.children
	b.children = nil
	b.mu.Unlock()
	errs := make([]error, len(all))
	var wg sync.WaitGroup
	for i, p := range all {
		wg.Go(func() { errs[i] = p.end() })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// flowing are objects that all flow, made once.
func (b *bench) flowing(n int) [][]byte {
	if b.o.Objects > 0 {
		n = min(n, b.o.Objects+warmObjects)
	}
	if len(b.objects) < n {
		b.objects = Generate(n, 1, time.Now())
	}
	return b.objects[:n]
}

// until is when a row that begins now has measured enough.
func (b *bench) until() time.Time {
	if b.o.Objects > 0 {
		return time.Time{}
	}
	return time.Now().Add(runFor)
}

// most is how many objects a row measures at most, of n.
func (b *bench) most(n int) int {
	if b.o.Objects > 0 {
		return min(n, b.o.Objects)
	}
	return n
}
