package scheme

// fallen compares two levels by the tables of every pivot that have a cell for
// both, and returns the first pivot in which the second stands lower; nil if
// there is none.
func (p *proof) fallen(a, b state) (pivot *ladder, was, is int) {
	for i, pivot := range p.t.pivots {
		was, is := p.column[i][p.number(a)], p.column[i][p.number(b)]
		if was != 0 && is != 0 && is < was {
			return pivot, was, is
		}
	}
	return nil, 0, 0
}

// risen is fallen for a second level that stands higher.
func (p *proof) risen(a, b state) (pivot *ladder, was, is int) {
	pivot, is, was = p.fallen(b, a)
	return pivot, was, is
}

// setColumns finds the rank of every level in every pivot, as the tables
// themselves have it: a disputed second reading does not move a column. 0
// stands for none.
func (p *proof) setColumns() {
	start := p.t.start(p.now)
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
				if rel.pivot == pivot && rel.inForce(start) && k != nil && len(k.to) == 1 &&
					p.t.cellCounts(rel, k) && p.t.counts(rel.from) && p.t.counts(rel.to) {
					p.column[i][n] = max(p.column[i][n], k.to[0])
				}
			}
		}
	}
}
