package scheme

import "slices"

// maxBorders is the length of the longest path that Prove looks at.
const maxBorders = 5

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
// maxBorders-1 borders can lead to now, itself included: a closure
// over scheme and level.
func (p *proof) reachable() []bits {
	words := (len(p.states) + 63) / 64
	next := make([][]int, len(p.states))
	reach := make([]bits, len(p.states))
	for s := range p.states {
		reach[s] = make(bits, words)
		reach[s].add(s)
		for _, to := range p.t.ladders {
			if r, ok := p.mapped(s, to, p.now); ok {
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

// path finds a shortest path of re-markings from one state to another.
func (p *proof) path(from, to, created int) []state {
	before := map[int]int{from: -1}
	queue := []int{from}
	for len(queue) > 0 {
		s := queue[0]
		queue = queue[1:]
		made := p.now
		if s == from {
			made = created
		}
		for _, l := range p.t.ladders {
			r, ok := p.mapped(s, l, made)
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
