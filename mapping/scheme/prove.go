package scheme

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/entente-relay/entente/mapping"
)

// Violation is a law that the loaded tables break.
type Violation struct {
	Law  string   // "A1", "A2", "A5", "A6", "A7" or "A9"
	Text string   // what happens, and to which level
	Rows []string // the rows that do it, name and file:line
}

// String returns the violation on one line.
func (v Violation) String() string {
	return v.Law + ": " + v.Text + " [" + strings.Join(v.Rows, "; ") + "]"
}

// Prove checks the laws over everything that counts: each level of each
// scheme, mapped to each other scheme, for markings made in each period of the
// tables and judged in each later one. Everything is finite, so this is a
// proof and not a sample.
//
//   - A1: where a table of a pivot has a column for a level and for what it
//     becomes, the column does not fall.
//   - A2: a higher level never becomes a lower one than a lower level does.
//   - A5: no path over any number of borders, each re-marking what it got,
//     gives less than the start where the two compare, nor less than the direct
//     mapping, except where the direct row itself says round_up: the origin's
//     label travels, so its stated higher level holds on every path.
//   - A6: there and back again never gives less than the start.
//   - A7: where the column rises, the row says so: round_up, disputed or
//     choose.
//   - A9: in one country at one time a label names one level, so that country
//     and label together are never ambiguous.
//
// What a single row can break, Load refuses (A8, A10, A14); see the package
// comment for all laws. A path is followed even though the relay always maps
// from the origin's label (law A4): a table that would lower on some path is
// wrong by itself. The violations come in the order of the laws' numbers.
func (t *Tables) Prove() []Violation {
	p := newProof(t)
	p.checkLabels()
	var reach []bits
	for now := range len(t.epochs) + 1 {
		p.advance(now)
		if now == 0 || !p.sameSteps(now, now-1) {
			reach = p.reachable()
		}
		for created := range now + 1 {
			for s := range p.states {
				if created > 0 && p.sameAsBefore(s, created) {
					continue // nothing about this level changed since the period just checked
				}
				p.checkState(s, created, reach)
			}
		}
	}
	slices.SortFunc(p.out, func(a, b Violation) int {
		return cmp.Or(cmp.Compare(a.Law, b.Law), cmp.Compare(a.Text, b.Text))
	})
	return p.out
}

// maxShown is how many violations Check lists: one wrong row breaks laws on
// hundreds of paths, and the first ones name it.
const maxShown = 20

// Check proves the laws and returns what breaks them as an error, one a line
// with law and rows; see [Tables.Prove]. Of many it lists the first and counts
// the rest. Tables made from one another by Accept are proved once for each set
// of what is accepted: many agreements accept the same.
func (t *Tables) Check() error {
	if t.proofs == nil { // tables of nothing, which no Load made
		return t.check()
	}
	t.proofs.mu.Lock()
	defer t.proofs.mu.Unlock()
	err, done := t.proofs.of[t.digest]
	if !done {
		err = t.check()
		t.proofs.of[t.digest] = err
	}
	return err
}

// proofs are what Check found, by digest.
type proofs struct {
	mu sync.Mutex
	of map[string]error
}

func (t *Tables) check() error {
	found := t.Prove()
	var errs []error
	for _, v := range found[:min(len(found), maxShown)] {
		errs = append(errs, fmt.Errorf("law %s", v))
	}
	if more := len(found) - maxShown; more > 0 {
		errs = append(errs, fmt.Errorf("and %d more, on other paths or dates; mend the rows named above first", more))
	}
	return errors.Join(errs...)
}

// state is one level of one scheme.
type state struct {
	l    *ladder
	rank int
}

// step is what one mapping gives, in short.
type step struct {
	kind   mapping.OutcomeKind
	found  bool
	stated bool // a row says round_up
	plain  bool // no row says anything but that the levels are equivalent
	rank   int8
}

// protects is protects of results, over steps.
func (a step) protects(b step) bool {
	return a.kind < b.kind || a.kind == b.kind && a.rank > b.rank
}

// proof is the state space and what was found in it. Where it speaks of now,
// that is the period set by advance.
type proof struct {
	t       *Tables
	states  []state
	first   []int    // per ladder, the number of its first state
	valid   []bits   // per period, the levels that are in force with their schemes
	edition []int    // per period, the number of the tables then in force
	steps   [][]step // per edition: state times number of ladders plus target
	since   [][]step // per edition: the most protective from it until now
	now     int      // the period being checked
	column  [][]int  // per pivot and state, its rank there now
	seen    map[string]bool
	out     []Violation
}

// newProof tabulates every mapping of every level in every edition.
func newProof(t *Tables) *proof {
	p := &proof{t: t, first: make([]int, len(t.ladders)), seen: map[string]bool{}}
	for i, l := range t.ladders {
		p.first[i] = len(p.states)
		for rank := range l.Rungs {
			p.states = append(p.states, state{l, rank + 1})
		}
	}
	for epoch := range len(t.epochs) + 1 {
		start := t.start(epoch)
		if _, changed := slices.BinarySearchFunc(t.changes, start, time.Time.Compare); epoch == 0 || changed {
			p.steps = append(p.steps, p.tabulate(start, epoch == 0))
		}
		p.edition = append(p.edition, len(p.steps)-1)
		p.valid = append(p.valid, p.validAt(start))
	}
	return p
}

// tabulate asks the tables of one moment about every level and scheme. After the
// first moment only what the tables that begin or end then can speak of is asked
// anew: an answer rests on rows of the one scheme or of the other.
func (p *proof) tabulate(when time.Time, first bool) []step {
	table := make([]step, len(p.states)*len(p.t.ladders))
	touched := make([]bool, len(p.t.ladders))
	if !first {
		copy(table, p.steps[len(p.steps)-1])
		for _, rels := range p.t.rels {
			for _, r := range rels {
				if r.start.Equal(when) || r.stop.Equal(when) {
					touched[r.from.index], touched[r.to.index] = true, true
				}
			}
		}
	}
	for i, s := range p.states {
		for _, to := range p.t.ladders {
			if s.l == to || s.l.Axis != to.Axis || !first && !touched[s.l.index] && !touched[to.index] {
				continue
			}
			r := p.t.at(s.l, s.rank, to, when)
			table[i*len(p.t.ladders)+to.index] = step{r.kind, r.found, r.stated, r.law == "A1", int8(r.rank)}
		}
	}
	return table
}

// advance makes the next period the one that is checked.
func (p *proof) advance(now int) {
	p.now = now
	if e := p.edition[now]; e == len(p.since) {
		for _, since := range p.since {
			for i, latest := range p.steps[e] {
				if latest.found && (!since[i].found || latest.protects(since[i])) {
					since[i] = latest
				}
			}
		}
		p.since = append(p.since, slices.Clone(p.steps[e]))
	}
	p.setColumns()
}

// sameSteps reports whether two periods have the same tables, schemes and
// rungs: what leads on from a level is then the same.
func (p *proof) sameSteps(a, b int) bool {
	if p.edition[a] != p.edition[b] {
		return false
	}
	return slices.Equal(p.valid[a], p.valid[b])
}

// validAt returns the levels that are in force at a moment with their schemes.
func (p *proof) validAt(at time.Time) bits {
	b := make(bits, (len(p.states)+63)/64)
	for i, s := range p.states {
		if g := s.l.rung(s.rank); s.l.inForce(at) && during(at, g.From, g.Until) {
			b.add(i)
		}
	}
	return b
}

// sameAsBefore reports whether the tables say the same of a level made in this
// period as of one made in the period before.
func (p *proof) sameAsBefore(s, created int) bool {
	if p.valid[created].has(s) != p.valid[created-1].has(s) {
		return false
	}
	a, b := p.edition[created], p.edition[created-1]
	from, to := s*len(p.t.ladders), (s+1)*len(p.t.ladders)
	return a == b || slices.Equal(p.since[a][from:to], p.since[b][from:to])
}

// mapped returns the step from a state to a ladder as Map would give it now:
// the most protective since the marking was made. It reports false unless it
// is mapped.
func (p *proof) mapped(s int, to *ladder, created int) (step, bool) {
	i := s*len(p.t.ladders) + to.index
	r := p.steps[p.edition[p.now]][i]
	if !r.found {
		return step{}, false
	}
	if since := p.since[p.edition[created]][i]; since.protects(r) {
		r = since
	}
	return r, r.kind == mapping.Mapped && p.valid[p.now].has(p.first[to.index]+int(r.rank)-1)
}

// number is the place of a state among all.
func (p *proof) number(s state) int { return p.first[s.l.index] + s.rank - 1 }

// String names a level for people.
func (s state) String() string { return fmt.Sprintf("%s (%s)", s.l.rung(s.rank).Label, s.l.ID) }

// reportPath reports a violation of A5 with a shortest path that shows it and
// the rows of the path and of any other chains.
func (p *proof) reportPath(s int, to state, created int, text string, chains ...[]state) {
	if p.seen["A5"+text] {
		return
	}
	path := p.path(s, p.number(to), created)
	names := make([]string, len(path))
	for i, st := range path {
		names[i] = st.String()
	}
	p.report("A5", created, text, append(chains, path)...)
	last := &p.out[len(p.out)-1]
	last.Text += ": " + strings.Join(names, " → ")
}

// report keeps a violation once, whatever the number of periods it shows in,
// with the rows behind each step of the given chains.
func (p *proof) report(law string, created int, text string, chains ...[]state) {
	if p.seen[law+text] {
		return
	}
	p.seen[law+text] = true
	v := Violation{Law: law, Text: fmt.Sprintf("%s (marked from %s, judged from %s on)", text, day(p.t.start(created)), day(p.t.start(p.now)))}
	for _, chain := range chains {
		for i := range len(chain) - 1 {
			made := p.now
			if i == 0 {
				made = created
			}
			r := p.t.both(chain[i].l, chain[i].rank, chain[i+1].l, p.t.start(made), p.t.start(p.now))
			for _, u := range r.rows {
				if row := u.cell.name + " " + u.cell.where; !slices.Contains(v.Rows, row) {
					v.Rows = append(v.Rows, row)
				}
			}
		}
	}
	p.out = append(p.out, v)
}
