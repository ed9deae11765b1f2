package scheme

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// noEquivalent is the word in a table for "no equivalent" (law A7).
const noEquivalent = "none"

// relation is one direction of one table between two schemes: what each rung
// of the one becomes in the other.
type relation struct {
	table       string // table id
	name        string // table id, with the row for a table of columns
	where       string // file:line
	from, to    *ladder
	pivot       *ladder // scheme through which it may be combined, nil if none
	start, stop time.Time
	cells       map[int]*cell // by rank of from; a rung that is absent has no equivalent
}

// cell is one row of a table: the counterpart of one rung.
type cell struct {
	name     string // by which an operator accepts it: table/row
	where    string // file:line
	verified bool
	to       []int  // ranks; none means no equivalent
	highest  bool   // of several, the highest is meant (A14)
	person   string // a question that a person must answer first (A14)
	roundUp  bool   // the table itself states a higher level than the like one (A7)
	disputed int    // rank of a second reading, 0 if none; the higher counts
	note     string
}

// inForce reports whether the relation is valid at t.
func (r *relation) inForce(t time.Time) bool { return during(t, r.start, r.stop) }

// between is the relation with its ends set and no rows yet.
func (r relation) between(from, to *ladder) *relation {
	r.from, r.to, r.cells = from, to, map[int]*cell{}
	return &r
}

// addTable compiles one table.
func (c *compiler) addTable(t at[tableYAML]) {
	y := t.V
	if y.ID.V == "" || strings.Contains(y.ID.V, "/") {
		c.problem(t.Line, t.Col, "a table needs an id, without a slash")
		return
	}
	if first, ok := c.tableAt[y.ID.V]; ok {
		c.problem(y.ID.Line, y.ID.Col, "table %s is defined in %s too; keep one", y.ID.V, first)
		return
	}
	c.tableAt[y.ID.V] = c.row(t.Line)
	c.cite(y.Sources)
	c.date(y.Edition)
	if len(y.Sources) == 0 {
		c.problem(t.Line, t.Col, "table %s cites no source", y.ID.V)
	}
	switch {
	case y.Kind.V == "columns" && (y.FromID.Line != 0 || y.ToID.Line != 0 || y.BothWays || y.Verified != nil || len(y.Without)+len(y.There)+len(y.Back) > 0):
		c.problem(t.Line, t.Col, "table %s has the kind columns; from_scheme, to_scheme, both_ways, verified, without, there and back belong to pairs", y.ID.V)
	case y.Kind.V == "pairs" && len(y.Columns)+len(y.Rows) > 0:
		c.problem(t.Line, t.Col, "table %s has the kind pairs; columns and rows belong to the kind columns", y.ID.V)
	case y.Kind.V == "columns":
		c.addColumns(t)
	case y.Kind.V == "pairs":
		c.addPairs(t)
	default:
		c.problem(t.Line, t.Col, "table %s has the kind %q; write columns or pairs", y.ID.V, y.Kind.V)
	}
}

// scheme resolves a scheme id in a table.
func (c *compiler) scheme(id at[string], line, col int, key string) *ladder {
	if id.Line == 0 {
		c.problem(line, col, "%s is missing", key)
		return nil
	}
	l := c.byID[id.V]
	if l == nil {
		c.problem(id.Line, id.Col, "scheme %q is not defined%s", id.V, didYouMean(id.V, c.schemeIDs()))
	}
	return l
}

// rank resolves a level code in a table; 0 after a problem.
func (c *compiler) rank(l *ladder, code at[string]) int {
	if r, ok := l.byCode[code.V]; ok {
		return r
	}
	var known []string
	for _, r := range l.Rungs {
		known = append(known, r.Code)
	}
	c.problem(code.Line, code.Col, "%s has no level %q; it has %s", l.ID, code.V, strings.Join(known, ", "))
	return 0
}

// addColumns compiles a table with one row per scheme and one column per level
// of its pivot. Each row becomes a relation in either direction.
func (c *compiler) addColumns(t at[tableYAML]) {
	y := t.V
	pivot := c.scheme(y.Pivot, t.Line, t.Col, "pivot")
	if pivot == nil {
		return
	}
	columns := map[string]int{}
	named := map[int]bool{}
	for _, col := range y.Columns {
		r := c.rank(pivot, at[string]{col.Text, col.Line, col.Col})
		if named[r] && r != 0 {
			c.problem(col.Line, col.Col, "two columns name %s", col.Text)
		}
		columns[col.Key], named[r] = r, true
	}
	c.everyRung(pivot, named, t.Line, t.Col, "columns of "+y.ID.V)
	rows := map[string]string{}
	for _, row := range y.Rows {
		if first, ok := rows[row.V.Row]; ok || row.V.Row == "" {
			c.problem(row.Line, row.Col, "row %q of %s has no name or one that stands in %s", row.V.Row, y.ID.V, first)
		}
		rows[row.V.Row] = c.row(row.Line)
		c.addColumnRow(t, pivot, columns, row)
	}
}

// addColumnRow compiles one row of a columns table.
func (c *compiler) addColumnRow(t at[tableYAML], pivot *ladder, columns map[string]int, row at[columnRowYAML]) {
	l := c.scheme(row.V.Scheme, row.Line, row.Col, "scheme")
	if l == nil {
		return
	}
	c.cite(row.V.Sources)
	if row.V.Verified == nil {
		c.problem(row.Line, row.Col, "row %s does not say whether it is verified; write verified: true or false", row.V.Row)
		return
	}
	from, to := t.V.From, t.V.To
	if row.V.From.Line != 0 {
		from = row.V.From
	}
	if row.V.To.Line != 0 {
		to = row.V.To
	}
	start, stop := c.period(from, to)
	tableStart, tableStop := c.period(t.V.From, t.V.To)
	c.inside(row.V.From, row.V.To, start, stop, tableStart, tableStop, "row "+row.V.Row, "table "+t.V.ID.V)
	base := relation{table: t.V.ID.V, name: t.V.ID.V + "/" + row.V.Row, where: c.row(row.Line), pivot: pivot, start: start, stop: stop}
	there, back := base.between(l, pivot), base.between(pivot, l)
	named := c.fillColumns(there, back, columns, row)
	c.without(l, row.V.Without, named)
	c.everyRung(l, named, row.Line, row.Col, "row "+row.V.Row)
	c.noOverlap(there)
	c.rels = append(c.rels, there, back)
}

// fillColumns compiles the cells of one row in both directions and returns the
// rungs it names.
func (c *compiler) fillColumns(there, back *relation, columns map[string]int, row at[columnRowYAML]) map[int]bool {
	named := map[int]bool{}
	for _, name := range sortedKeys(columns) {
		code, ok := row.V.Cells[name]
		if !ok {
			c.problem(row.Line, row.Col, "row %s has no cell %s; write the level, or none where there is no equivalent", row.V.Row, name)
			continue
		}
		k := cell{name: there.name, where: there.where, verified: *row.V.Verified, note: row.V.Note}
		if code.V == noEquivalent {
			back.cells[columns[name]] = &k
			continue
		}
		rank := c.rank(there.from, code)
		if rank == 0 {
			continue
		}
		if named[rank] {
			c.problem(code.Line, code.Col, "level %s stands in two columns of row %s", code.V, row.V.Row)
		}
		named[rank] = true
		up, down := k, k
		up.to, down.to = []int{columns[name]}, []int{rank}
		there.cells[rank], back.cells[columns[name]] = &up, &down
	}
	for _, name := range sortedKeys(row.V.Cells) {
		if _, ok := columns[name]; !ok {
			code := row.V.Cells[name]
			c.problem(code.Line, code.Col, "the table has no column %s", name)
		}
	}
	return named
}

// addPairs compiles a table of directed rows between two schemes.
func (c *compiler) addPairs(t at[tableYAML]) {
	y := t.V
	a := c.scheme(y.FromID, t.Line, t.Col, "from_scheme")
	b := c.scheme(y.ToID, t.Line, t.Col, "to_scheme")
	if a == nil || b == nil {
		return
	}
	switch {
	case a == b:
		c.problem(y.ToID.Line, y.ToID.Col, "table %s maps %s to itself", y.ID.V, a.ID)
		return
	case a.Axis != b.Axis:
		c.problem(y.ToID.Line, y.ToID.Col, "table %s relates %s to %s; one axis never pays for another (A3)", y.ID.V, a.Axis, b.Axis)
		return
	case y.Verified == nil:
		c.problem(t.Line, t.Col, "table %s does not say whether it is verified; write verified: true or false", y.ID.V)
		return
	case y.BothWays && len(y.Back) > 0:
		c.problem(y.Back[0].Line, y.Back[0].Col, "table %s has both_ways and back; keep one", y.ID.V)
		return
	}
	var pivot *ladder
	if y.Pivot.Line != 0 {
		if pivot = c.scheme(y.Pivot, t.Line, t.Col, "pivot"); pivot != a && pivot != b && pivot != nil {
			c.problem(y.Pivot.Line, y.Pivot.Col, "the pivot of %s is neither of its two schemes", y.ID.V)
		}
	}
	start, stop := c.period(y.From, y.To)
	base := relation{table: y.ID.V, name: y.ID.V, where: c.row(t.Line), pivot: pivot, start: start, stop: stop}
	there, back := base.between(a, b), base.between(b, a)
	c.fill(there, t, y.There, "")
	c.addRelation(there, t, nil)
	switch {
	case y.BothWays:
		c.invert(there, back, t)
		c.addRelation(back, t, y.Without)
	case len(y.Back) > 0:
		c.fill(back, t, y.Back, "back/")
		c.addRelation(back, t, y.Without)
	case len(y.Without) > 0:
		c.problem(y.Without[0].Line, y.Without[0].Col, "without belongs to a table that is read both ways")
	}
}

// addRelation checks that a pair relation names every rung and keeps it.
func (c *compiler) addRelation(r *relation, t at[tableYAML], without []at[string]) {
	named := map[int]bool{}
	for rank := range r.cells {
		named[rank] = true
	}
	c.without(r.from, without, named)
	c.everyRung(r.from, named, t.Line, t.Col, fmt.Sprintf("rows of %s from %s", r.table, r.from.ID))
	c.rels = append(c.rels, r)
}

// fill compiles the rows of one direction of a pairs table.
func (c *compiler) fill(r *relation, t at[tableYAML], rows []at[pairYAML], prefix string) {
	for _, p := range rows {
		y := p.V
		c.cite(y.Sources)
		from := c.rank(r.from, y.From)
		if from == 0 {
			continue
		}
		if first := r.cells[from]; first != nil {
			c.problem(p.Line, p.Col, "level %s stands in %s too; one row a level, with a list under to", y.From.V, first.where)
			continue
		}
		k := &cell{
			name: r.table + "/" + prefix + y.From.V, where: c.row(p.Line), verified: *t.V.Verified,
			person: y.Person, roundUp: y.RoundUp, note: y.Note,
		}
		if y.Verified != nil {
			k.verified = *y.Verified
		}
		c.targets(r, k, p)
		r.cells[from] = k
	}
}

// targets compiles what a row of a pairs table leads to.
func (c *compiler) targets(r *relation, k *cell, p at[pairYAML]) {
	y := p.V
	for _, code := range y.To {
		if code.V == noEquivalent {
			continue
		}
		if rank := c.rank(r.to, code); rank != 0 {
			k.to = append(k.to, rank)
		}
	}
	switch none := slices.ContainsFunc(y.To, func(s at[string]) bool { return s.V == noEquivalent }); {
	case len(y.To) == 0:
		c.problem(p.Line, p.Col, "the row leads nowhere; write to: LEVEL, or to: none where there is no equivalent")
	case none && len(y.To) > 1:
		c.problem(p.Line, p.Col, "none stands beside a level; there is an equivalent or there is none")
	case none && (y.Person != "" || y.RoundUp || y.Disputed != nil):
		c.problem(p.Line, p.Col, "a row without an equivalent has no person, round_up or disputed")
	case y.Choose.Line != 0 && y.Choose.V != "highest":
		c.problem(y.Choose.Line, y.Choose.Col, "unknown choice %q; write highest, or a question under person", y.Choose.V)
	case len(y.To) > 1 && y.Choose.Line == 0 && y.Person == "":
		c.problem(p.Line, p.Col, "several levels: write choose: highest, or a question under person (A14)")
	}
	k.highest = y.Choose.V == "highest"
	if y.Disputed != nil {
		c.cite(y.Disputed.Sources)
		k.disputed = c.rank(r.to, y.Disputed.Reading)
	}
}

// invert fills back with the rows of there read the other way. A row that has
// no plain inverse is refused.
func (c *compiler) invert(there, back *relation, t at[tableYAML]) {
	for _, p := range t.V.There {
		rank := there.from.byCode[p.V.From.V]
		k := there.cells[rank]
		if k == nil || len(k.to) == 0 {
			continue
		}
		if len(k.to) > 1 || k.roundUp || k.person != "" || k.disputed != 0 || back.cells[k.to[0]] != nil {
			c.problem(p.Line, p.Col, "the row has no plain inverse; write the other direction under back instead of both_ways")
			continue
		}
		inverse := *k
		inverse.to = []int{rank}
		back.cells[k.to[0]] = &inverse
	}
}

// without marks rungs that a table leaves out on purpose.
func (c *compiler) without(l *ladder, codes []at[string], named map[int]bool) {
	for _, code := range codes {
		r := c.rank(l, code)
		if named[r] && r != 0 {
			c.problem(code.Line, code.Col, "level %s is named and left out at the same time", code.V)
		}
		named[r] = true
	}
}

// everyRung refuses a table that forgets a level. Handling words may be left
// out: without a row they have no equivalent.
func (c *compiler) everyRung(l *ladder, named map[int]bool, line, col int, what string) {
	for i, r := range l.Rungs {
		if !named[i+1] && !r.Handling {
			c.problem(line, col, "missing rung: %s of %s is not among the %s; name it, with none or without if it has no equivalent", r.Code, l.ID, what)
		}
	}
}

// noOverlap refuses two rows of one table for one scheme at one time.
func (c *compiler) noOverlap(r *relation) {
	for _, o := range c.rels {
		if o.table != r.table || o.from != r.from || o.to != r.to {
			continue
		}
		if (o.stop.IsZero() || r.start.Before(o.stop)) && (r.stop.IsZero() || o.start.Before(r.stop)) {
			c.problems = append(c.problems, fmt.Errorf("%s: %s has a second row for %s at the same time", c.tableAt[r.table], r.table, r.from.ID))
		}
	}
}

// sortedKeys returns the keys of a map in order.
func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
