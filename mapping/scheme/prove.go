package scheme

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/entente-relay/entente/mapping"
)

// maxBorders is the length of the longest path that Prove looks at.
const maxBorders = 5

// Violation is a law that the loaded tables break.
type Violation struct {
	Law  string   // "A1", "A2", "A5" or "A6"
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
//   - A6: there and back again never gives less than the start.
//   - A5: no path of up to five borders, each re-marking what it got, gives
//     less than the start where the two compare, nor less than the direct
//     mapping, except where the direct row itself says round_up: the origin's
//     label travels, so its stated higher level holds on every path.
//
// A path is followed even though the relay always maps from the origin's label
// (law A4): a table that would lower on some path is wrong by itself.
func (t *Tables) Prove() []Violation {
	p := newProof(t)
	for now := range len(t.epochs) + 1 {
		reach := p.reachable(now)
		p.setColumns(now)
		for created := range now + 1 {
			for s := range p.states {
				if created > 0 && p.sameAsBefore(s, created) {
					continue // nothing about this level changed since the period just checked
				}
				p.checkState(s, created, now, reach)
			}
		}
	}
	slices.SortFunc(p.out, func(a, b Violation) int {
		return cmp.Or(cmp.Compare(a.Law, b.Law), cmp.Compare(a.Text, b.Text))
	})
	return p.out
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
	stated bool
	rank   int8
}

// proof is the state space and what was found in it.
type proof struct {
	t      *Tables
	states []state
	first  []int    // per ladder, the number of its first state
	steps  [][]step // per period: state times number of ladders plus target
	column [][]int  // of the period being checked: per pivot and state, its rank there
	seen   map[string]bool
	out    []Violation
}

// newProof tabulates every mapping of every level in every period.
func newProof(t *Tables) *proof {
	p := &proof{t: t, first: make([]int, len(t.ladders)), seen: map[string]bool{}}
	for i, l := range t.ladders {
		p.first[i] = len(p.states)
		for rank := range l.Rungs {
			p.states = append(p.states, state{l, rank + 1})
		}
	}
	for epoch := range len(t.epochs) + 1 {
		if epoch > 0 && !p.tablesChange(t.start(epoch)) {
			p.steps = append(p.steps, p.steps[epoch-1])
			continue
		}
		table := make([]step, len(p.states)*len(t.ladders))
		for i, s := range p.states {
			for _, to := range t.ladders {
				table[i*len(t.ladders)+to.index] = p.tabulate(s, to, t.start(epoch))
			}
		}
		p.steps = append(p.steps, table)
	}
	return p
}

// tablesChange reports whether a table begins or ends at a moment; at other
// changes only schemes or levels do.
func (p *proof) tablesChange(at time.Time) bool {
	for _, rels := range p.t.rels {
		for _, r := range rels {
			if r.start.Equal(at) || r.stop.Equal(at) {
				return true
			}
		}
	}
	return false
}

// tabulate asks the tables of one moment.
func (p *proof) tabulate(s state, to *ladder, when time.Time) step {
	if s.l == to || s.l.Axis != to.Axis {
		return step{}
	}
	r := p.t.at(s.l, s.rank, to, when)
	return step{r.kind, r.found, r.stated, int8(r.rank)}
}

// sameAsBefore reports whether the tables say the same of a level made in this
// period as of one made in the period before.
func (p *proof) sameAsBefore(s, created int) bool {
	l := p.states[s].l
	if l.inForce(p.t.start(created)) != l.inForce(p.t.start(created-1)) {
		return false
	}
	from, to := s*len(p.t.ladders), (s+1)*len(p.t.ladders)
	return slices.Equal(p.steps[created][from:to], p.steps[created-1][from:to])
}

// mapped returns the step from a state to a ladder as Map would give it: the
// more protective of then and now. It reports false unless it is mapped.
func (p *proof) mapped(s int, to *ladder, created, now int) (step, bool) {
	i := s*len(p.t.ladders) + to.index
	r, then := p.steps[now][i], p.steps[created][i]
	if !r.found || !to.inForce(p.t.start(now)) {
		return step{}, false
	}
	if then.found && (then.kind < r.kind || then.kind == r.kind && then.rank > r.rank) {
		r = then
	}
	return r, r.kind == mapping.Mapped
}

// bits is a set of states.
type bits []uint64

func (b bits) add(i int)      { b[i/64] |= 1 << (i % 64) }
func (b bits) has(i int) bool { return b[i/64]&(1<<(i%64)) != 0 }
func (b bits) union(o bits) {
	for i := range b {
		b[i] |= o[i]
	}
}

// reachable returns, per state, the states that re-marking at up to
// maxBorders-1 borders can lead to in one period, itself included: a closure
// over scheme and level.
func (p *proof) reachable(now int) []bits {
	words := (len(p.states) + 63) / 64
	next := make([][]int, len(p.states))
	reach := make([]bits, len(p.states))
	for s := range p.states {
		reach[s] = make(bits, words)
		reach[s].add(s)
		for _, to := range p.t.ladders {
			if r, ok := p.mapped(s, to, now, now); ok {
				next[s] = append(next[s], p.first[to.index]+int(r.rank)-1)
			}
		}
	}
	for range maxBorders - 1 {
		longer := make([]bits, len(reach))
		for s := range reach {
			longer[s] = slices.Clone(reach[s])
			for _, n := range next[s] {
				longer[s].union(reach[n])
			}
		}
		reach = longer
	}
	return reach
}

// checkState checks every law for one level, one period of making and one of
// judging.
func (p *proof) checkState(s, created, now int, reach []bits) {
	from := p.states[s]
	if !from.l.inForce(p.t.start(created)) {
		return
	}
	paths := make(bits, len(reach[0]))
	for _, to := range p.t.ladders {
		r, ok := p.mapped(s, to, created, now)
		if !ok {
			continue
		}
		paths.union(reach[p.first[to.index]+int(r.rank)-1])
		p.checkStep(s, to, r, created, now)
	}
	for i, to := range p.states {
		if paths.has(i) {
			p.checkPath(s, to, created, now)
		}
	}
}

// checkStep checks A1, A2 and A6 for one mapping.
func (p *proof) checkStep(s int, to *ladder, r step, created, now int) {
	from, there := p.states[s], state{to, int(r.rank)}
	direct := []state{from, there}
	if pivot, was, is := p.columns(from, there); is < was {
		p.report("A1", created, now, fmt.Sprintf("%s becomes %s, which lowers it from %s to %s in the table of %s",
			from, there, pivot.rung(was).Code, pivot.rung(is).Code, pivot.ID), direct)
	}
	for rank := from.rank + 1; rank <= len(from.l.Rungs); rank++ {
		higher := state{from.l, rank}
		h, ok := p.mapped(p.number(higher), to, created, now)
		if ok && h.rank < r.rank {
			lower := state{to, int(h.rank)}
			p.report("A2", created, now, fmt.Sprintf("%s becomes %s, and the higher %s becomes the lower %s",
				from, there, higher, lower), direct, []state{higher, lower})
		}
	}
	back, ok := p.mapped(p.number(there), from.l, now, now)
	if ok && int(back.rank) < from.rank {
		end := state{from.l, int(back.rank)}
		p.report("A6", created, now, fmt.Sprintf("%s becomes %s and comes back as the lower %s",
			from, there, end), []state{from, there, end})
	}
}

// checkPath checks A5 for a level that some path leads to.
func (p *proof) checkPath(s int, to state, created, now int) {
	from := p.states[s]
	if to.l == from.l {
		if to.rank < from.rank {
			p.reportPath(s, to, created, now, fmt.Sprintf("%s comes back to its own scheme as the lower %s", from, to))
		}
		return
	}
	direct, ok := p.mapped(s, to.l, created, now)
	if ok && !direct.stated && to.rank < int(direct.rank) {
		higher := state{to.l, int(direct.rank)}
		p.reportPath(s, to, created, now, fmt.Sprintf("%s becomes %s directly and only %s on a path (say round_up on the direct row if its table means the higher level)",
			from, higher, to), []state{from, higher})
		return
	}
	if pivot, was, is := p.columns(from, to); is < was {
		p.reportPath(s, to, created, now, fmt.Sprintf("%s becomes %s on a path, which lowers it from %s to %s in the table of %s",
			from, to, pivot.rung(was).Code, pivot.rung(is).Code, pivot.ID))
	}
}

// columns compares two levels by the tables of a pivot that have a cell for
// both; without one the pivot is nil and the ranks are equal.
func (p *proof) columns(a, b state) (pivot *ladder, was, is int) {
	for i, pivot := range p.t.pivots {
		was, is := p.column[i][p.number(a)], p.column[i][p.number(b)]
		if was != 0 && is != 0 {
			return pivot, was, is
		}
	}
	return nil, 0, 0
}

// setColumns finds the rank of every level in every pivot, as the tables
// themselves have it: a disputed second reading does not move a column. 0
// stands for none.
func (p *proof) setColumns(now int) {
	p.column = make([][]int, len(p.t.pivots))
	for i, pivot := range p.t.pivots {
		p.column[i] = make([]int, len(p.states))
		for n, s := range p.states {
			if s.l == pivot {
				p.column[i][n] = s.rank
				continue
			}
			for _, rel := range p.t.rels[p.t.pair(s.l, pivot)] {
				k := rel.cells[s.rank]
				if rel.pivot == pivot && rel.inForce(p.t.start(now)) && k != nil && len(k.to) == 1 &&
					p.t.cellCounts(rel, k) && p.t.counts(rel.from) && p.t.counts(rel.to) {
					p.column[i][n] = max(p.column[i][n], k.to[0])
				}
			}
		}
	}
}

// number is the place of a state among all.
func (p *proof) number(s state) int { return p.first[s.l.index] + s.rank - 1 }

// String names a level for people.
func (s state) String() string { return fmt.Sprintf("%s (%s)", s.l.rung(s.rank).Label, s.l.ID) }

// reportPath reports a violation of A5 with a shortest path that shows it and
// the rows of the path and of any other chains.
func (p *proof) reportPath(s int, to state, created, now int, text string, chains ...[]state) {
	if p.seen["A5"+text] {
		return
	}
	path := p.path(s, p.number(to), created, now)
	names := make([]string, len(path))
	for i, st := range path {
		names[i] = st.String()
	}
	p.report("A5", created, now, text, append(chains, path)...)
	last := &p.out[len(p.out)-1]
	last.Text += ": " + strings.Join(names, " → ")
}

// report keeps a violation once, whatever the number of periods it shows in,
// with the rows behind each step of the given chains.
func (p *proof) report(law string, created, now int, text string, chains ...[]state) {
	if p.seen[law+text] {
		return
	}
	p.seen[law+text] = true
	v := Violation{Law: law, Text: fmt.Sprintf("%s (marked from %s, judged from %s on)", text, day(p.t.start(created)), day(p.t.start(now)))}
	for _, chain := range chains {
		for i := range len(chain) - 1 {
			made := now
			if i == 0 {
				made = created
			}
			r := p.t.both(chain[i].l, chain[i].rank, chain[i+1].l, p.t.start(made), p.t.start(now))
			for _, u := range r.rows {
				if row := u.cell.name + " " + u.cell.where; !slices.Contains(v.Rows, row) {
					v.Rows = append(v.Rows, row)
				}
			}
		}
	}
	p.out = append(p.out, v)
}

// path finds a shortest path of re-markings from one state to another.
func (p *proof) path(from, to, created, now int) []state {
	before := map[int]int{from: -1}
	queue := []int{from}
	for len(queue) > 0 {
		s := queue[0]
		queue = queue[1:]
		made := now
		if s == from {
			made = created
		}
		for _, l := range p.t.ladders {
			r, ok := p.mapped(s, l, made, now)
			if !ok {
				continue
			}
			n := p.first[l.index] + int(r.rank) - 1
			if n == to {
				return p.backtrack(before, s, to)
			}
			if _, known := before[n]; !known {
				before[n] = s
				queue = append(queue, n)
			}
		}
	}
	return []state{p.states[from], p.states[to]}
}

// backtrack reads a path from the search's record.
func (p *proof) backtrack(before map[int]int, s, to int) []state {
	path := []state{p.states[to]}
	for ; s >= 0; s = before[s] {
		path = append(path, p.states[s])
	}
	slices.Reverse(path)
	return path
}
