package scheme

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Source is a document that schemes, tables and rows rest on.
type Source struct {
	ID       string
	Document string
	Section  string
	Kind     string // "primary", "secondary", "community-reference" or "memory"
}

// Table describes one equivalence table. Slices are read-only.
type Table struct {
	ID      string
	Kind    string // "columns" or "pairs"
	Title   string
	Scope   string // what it speaks of
	From    time.Time
	Until   time.Time
	Edition time.Time
	Schemes []string // ids of the schemes it names, the pivot first
	Sources []string // ids
	Notes   []string
	Where   string // file:line
	Rows    []Row
}

// Row describes one row of a table.
type Row struct {
	Name     string // by which an operator accepts it: table/row
	Of       string // scheme id that the row is of, "" in a table of pairs
	Says     string // in the codes of the schemes
	Person   string // a question that people answer first
	Note     string
	Verified bool
	Accepted bool // not verified, but accepted by the operator
	Sources  []string
	Where    string // file:line
}

// catalogue is what is told about the data, beside what answers are made of.
type catalogue struct {
	tables  []Table
	sources map[string]Source
	rows    map[string]*Row   // by file:line
	tableAt map[string]*Table // by file:line
}

// describeTable keeps what a table says for people. It is called after the
// table was compiled; what is wrong with it has been said.
func (c *compiler) describeTable(y at[tableYAML]) {
	v := y.V
	t := Table{
		ID: v.ID.V, Kind: v.Kind.V, Title: v.Title, Scope: v.Scope, Notes: v.Notes,
		From: dayOf(v.From), Edition: dayOf(v.Edition), Where: c.row(y.Line), Sources: idsIn(v.Sources),
	}
	if last := dayOf(v.To); !last.IsZero() {
		t.Until = last.AddDate(0, 0, 1)
	}
	for _, id := range []string{v.Pivot.V, v.FromID.V, v.ToID.V} {
		if id != "" && !slices.Contains(t.Schemes, id) {
			t.Schemes = append(t.Schemes, id)
		}
	}
	for _, r := range v.Rows {
		t.Schemes = append(t.Schemes, r.V.Scheme.V)
		t.Rows = append(t.Rows, c.columnRow(&t, v.Columns, r))
	}
	for _, dir := range [...]struct {
		rows   []at[pairYAML]
		prefix string
	}{{v.There, ""}, {v.Back, "back/"}} {
		for _, p := range dir.rows {
			t.Rows = append(t.Rows, c.pairRow(&t, v, p, dir.prefix))
		}
	}
	c.about = append(c.about, t)
}

// columnRow words a row of a table of columns.
func (c *compiler) columnRow(t *Table, columns words, r at[columnRowYAML]) Row {
	var says []string
	for _, col := range columns {
		says = append(says, fmt.Sprintf("%s = %s", col.Text, orNone(r.V.Cells[col.Key].V)))
	}
	return Row{
		Name: t.ID + "/" + r.V.Row, Of: r.V.Scheme.V, Says: r.V.Scheme.V + ": " + strings.Join(says, ", "), Note: r.V.Note,
		Verified: r.V.Verified != nil && *r.V.Verified, Sources: idsIn(r.V.Sources), Where: c.row(r.Line),
	}
}

// pairRow words a row of a table of pairs.
func (c *compiler) pairRow(t *Table, v tableYAML, p at[pairYAML], prefix string) Row {
	from, to := v.FromID.V, v.ToID.V
	if prefix != "" {
		from, to = to, from
	}
	var codes []string
	for _, code := range p.V.To {
		codes = append(codes, orNone(code.V))
	}
	joint, verb := " or ", "becomes"
	if v.BothWays {
		verb = "is"
	}
	row := Row{
		Name: t.ID + "/" + prefix + p.V.From.V, Says: fmt.Sprintf("%s (%s) %s %s (%s)", p.V.From.V, from, verb, strings.Join(codes, joint), to),
		Person: p.V.Person, Note: p.V.Note, Verified: v.Verified != nil && *v.Verified, Sources: idsIn(p.V.Sources), Where: c.row(p.Line),
	}
	if p.V.Verified != nil {
		row.Verified = *p.V.Verified
	}
	switch {
	case p.V.RoundUp:
		row.Says += ", a higher level stated"
	case p.V.Disputed != nil:
		row.Says += ", by a second reading " + p.V.Disputed.Reading.V
	}
	if len(row.Sources) == 0 {
		row.Sources = t.Sources
	}
	return row
}

// dayOf reads a day that has been checked.
func dayOf(d at[string]) time.Time {
	t, err := time.Parse(time.DateOnly, d.V)
	if err != nil {
		return time.Time{}
	}
	return t
}

// orNone words "no equivalent".
func orNone(code string) string {
	if code == noEquivalent || code == "" {
		return "no equivalent"
	}
	return code
}

// idsIn returns the texts of a list of source ids.
func idsIn(ids []at[string]) []string {
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = id.V
	}
	return out
}

// catalogue makes what was described ready to be found.
func (c *compiler) catalogue() *catalogue {
	slices.SortFunc(c.about, func(a, b Table) int { return cmp.Compare(a.ID, b.ID) })
	k := &catalogue{tables: c.about, sources: c.documents, rows: map[string]*Row{}, tableAt: map[string]*Table{}}
	for i := range k.tables {
		t := &k.tables[i]
		k.tableAt[t.Where] = t
		for j := range t.Rows {
			k.rows[t.Rows[j].Where] = &t.Rows[j]
		}
	}
	return k
}

// Equivalences lists the loaded tables by id. What the operator accepted by
// name shows in their rows.
func (t *Tables) Equivalences() []Table {
	out := slices.Clone(t.about.tables)
	for i := range out {
		out[i].Rows = slices.Clone(out[i].Rows)
		for j := range out[i].Rows {
			r := &out[i].Rows[j]
			r.Accepted = !r.Verified && (t.accepted[r.Name] || t.accepted[out[i].ID])
		}
	}
	return out
}

// Named lists the schemes that a name stands for, whether in force or not: a
// scheme id, a country, a body such as "eu" or "nato", or a family such as
// "tlp", in any case.
func (t *Tables) Named(name string) []Scheme {
	if l := t.byID[strings.ToLower(name)]; l != nil {
		return []Scheme{t.describe(l)}
	}
	var out []Scheme
	for _, l := range t.named(name) {
		out = append(out, t.describe(l))
	}
	return out
}

// Naming lists the tables that name a scheme, by id.
func (t *Tables) Naming(scheme string) []Table {
	return slices.DeleteFunc(t.Equivalences(), func(x Table) bool { return !slices.Contains(x.Schemes, scheme) })
}

// Sources lists the documents of the loaded data by id.
func (t *Tables) Sources() []Source {
	var out []Source
	for _, id := range sortedKeys(t.about.sources) {
		out = append(out, t.about.sources[id])
	}
	slices.SortFunc(out, func(a, b Source) int { return cmp.Or(len(a.ID)-len(b.ID), cmp.Compare(a.ID, b.ID)) })
	return out
}

// Source returns the document of an id, its id alone when it is not known.
func (t *Tables) Source(id string) Source {
	if s, ok := t.about.sources[id]; ok {
		return s
	}
	return Source{ID: id}
}

// String names the document and the part of it that was read.
func (s Source) String() string {
	text := s.ID
	if s.Document != "" {
		text += " " + s.Document
	}
	if s.Section != "" {
		text += ", " + s.Section
	}
	return text
}
