package scheme

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// checkState checks every law for one level, one period of making and one of
// judging.
func (p *proof) checkState(s, created int, reach []bits) {
	if !p.valid[created].has(s) {
		return
	}
	paths := make(bits, len(reach[0]))
	for _, to := range p.t.ladders {
		r, ok := p.mapped(s, to, created)
		if !ok {
			continue
		}
		paths.union(reach[p.first[to.index]+int(r.rank)-1])
		p.checkStep(s, to, r, created)
	}
	for i, to := range p.states {
		if paths.has(i) {
			p.checkPath(s, to, created)
		}
	}
}

// checkStep checks A1, A2, A6 and A7 for one mapping.
func (p *proof) checkStep(s int, to *ladder, r step, created int) {
	from, there := p.states[s], state{to, int(r.rank)}
	direct := []state{from, there}
	if pivot, was, is := p.fallen(from, there); pivot != nil {
		p.report("A1", created, fmt.Sprintf("%s becomes %s, which lowers it from %s to %s in the table of %s",
			from, there, pivot.rung(was).Code, pivot.rung(is).Code, pivot.ID), direct)
	}
	if pivot, was, is := p.risen(from, there); pivot != nil && r.plain {
		p.report("A7", created, fmt.Sprintf("%s becomes %s, which raises it from %s to %s in the table of %s, and no row says so (round_up, disputed or choose)",
			from, there, pivot.rung(was).Code, pivot.rung(is).Code, pivot.ID), direct)
	}
	for rank := from.rank + 1; rank <= len(from.l.Rungs); rank++ {
		higher := state{from.l, rank}
		h, ok := p.mapped(p.number(higher), to, created)
		if ok && h.rank < r.rank {
			lower := state{to, int(h.rank)}
			p.report("A2", created, fmt.Sprintf("%s becomes %s, and the higher %s becomes the lower %s",
				from, there, higher, lower), direct, []state{higher, lower})
		}
	}
	back, ok := p.mapped(p.number(there), from.l, p.now)
	if ok && int(back.rank) < from.rank {
		end := state{from.l, int(back.rank)}
		p.report("A6", created, fmt.Sprintf("%s becomes %s and comes back as the lower %s",
			from, there, end), []state{from, there, end})
	}
}

// checkPath checks A5 for a level that some path leads to.
func (p *proof) checkPath(s int, to state, created int) {
	from := p.states[s]
	if to.l == from.l {
		if to.rank < from.rank {
			p.reportPath(s, to, created, fmt.Sprintf("%s comes back to its own scheme as the lower %s", from, to))
		}
		return
	}
	direct, ok := p.mapped(s, to.l, created)
	if ok && !direct.stated && to.rank < int(direct.rank) {
		higher := state{to.l, int(direct.rank)}
		p.reportPath(s, to, created, fmt.Sprintf("%s becomes %s directly and only %s on a path (say round_up on the direct row if its table means the higher level)",
			from, higher, to), []state{from, higher})
		return
	}
	if pivot, was, is := p.fallen(from, to); pivot != nil {
		p.reportPath(s, to, created, fmt.Sprintf("%s becomes %s on a path, which lowers it from %s to %s in the table of %s",
			from, to, pivot.rung(was).Code, pivot.rung(is).Code, pivot.ID))
	}
}

// label is a word of one scheme, as checkLabels compares it.
type label struct {
	l           *ladder
	text        string // normal form
	what        reading
	from, until time.Time
}

// checkLabels checks A9 over the words of the schemes that one country or body
// has side by side. Editions of TLP and PAP are no such schemes: a marking says
// which one it is written in.
func (p *proof) checkLabels() {
	owners := map[string][]label{}
	for _, l := range p.t.ladders {
		if l.Axis != Secrecy {
			continue
		}
		owner := strings.ToUpper(l.Country + "/" + l.Body)
		for _, text := range sortedKeys(l.labels) {
			what := l.labels[text]
			if what.retired != nil {
				continue
			}
			word := label{l, text, what, l.From, l.Until}
			if what.rank != 0 {
				g := l.rung(what.rank)
				word.from, word.until = later(l.From, g.From), sooner(l.Until, g.Until)
			}
			owners[owner] = append(owners[owner], word)
		}
	}
	for _, owner := range sortedKeys(owners) {
		words := owners[owner]
		slices.SortStableFunc(words, func(a, b label) int { return strings.Compare(a.text, b.text) })
		for i, a := range words {
			for _, b := range words[i+1:] {
				if a.text != b.text {
					break
				}
				p.checkPair(a, b)
			}
		}
	}
}

// checkPair reports two words that are one, of two schemes at one time.
func (p *proof) checkPair(a, b label) {
	from, until := later(a.from, b.from), sooner(a.until, b.until)
	if a.l == b.l || a.what.none && b.what.none || !until.IsZero() && !from.Before(until) {
		return
	}
	p.out = append(p.out, Violation{
		Law:  "A9",
		Text: fmt.Sprintf("%q is a word of %s and of %s at one time, from %s on, so the country and the word do not say what is meant; give one of the schemes its last day, or the word another form", a.text, a.l.ID, b.l.ID, day(from)),
		Rows: []string{a.place(), b.place()},
	})
}

// place names the row of a word: its scheme, or the rung in it.
func (w label) place() string {
	if w.what.rank == 0 {
		return w.l.ID + " " + w.l.Where
	}
	g := w.l.rung(w.what.rank)
	return w.l.ID + "/" + g.Code + " " + g.Where
}

// later is the later of two first moments, where zero is no limit.
func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// sooner is the earlier of two moments after the last, where zero is no limit.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
