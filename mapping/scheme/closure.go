package scheme

import "slices"

// bits is a set of states.
type bits []uint64

func (b bits) add(i int)      { b[i/64] |= 1 << (i % 64) }
func (b bits) has(i int) bool { return b[i/64]&(1<<(i%64)) != 0 }

// union adds o to b and reports whether that changed b.
func (b bits) union(o bits) bool {
	grown := false
	for i := range b {
		if more := b[i] | o[i]; more != b[i] {
			b[i], grown = more, true
		}
	}
	return grown
}

// reachable returns, per state, the states that re-marking at any number of
// borders can lead to now, itself included: the closure over scheme and level.
// It needs no paths, of which there are too many, and no limit to their length.
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
	for grown := true; grown; {
		grown = false
		for s := range reach {
			for _, n := range next[s] {
				grown = reach[s].union(reach[n]) || grown
			}
		}
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
