package scheme

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
)

// maxFile is the largest data file that is read, in bytes; the largest shipped
// one has 8 KiB.
const maxFile = 1 << 20

// Load reads every .yaml file in fsys, at any depth, and checks that the
// schemes and tables are complete and refer only to what exists. Unknown keys,
// duplicates, missing rungs, cycles and unquoted country codes that YAML 1.1
// reads as truth values are refused. The error lists every problem found, one
// a line, as file:line:column: what; hint. Whether the data keeps the laws is
// a question for [Tables.Prove].
func Load(fsys fs.FS) (*Tables, error) {
	files, digest, err := readAll(fsys)
	if err != nil {
		return nil, err
	}
	c := newCompiler()
	for _, f := range files {
		c.addFile(f)
	}
	c.finish()
	if len(c.problems) > 0 {
		return nil, errors.Join(c.problems...)
	}
	return c.tables(digest), nil
}

// dataFile is the content of one file.
type dataFile struct {
	path string
	data []byte
}

// readAll returns the data files in the order of their names and a digest over
// names and contents.
func readAll(fsys fs.FS) ([]dataFile, string, error) {
	var files []dataFile
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(name) != ".yaml" {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if info.Size() > maxFile {
			return fmt.Errorf("%s: %d bytes, over the limit of %d; split the file", name, info.Size(), maxFile)
		}
		data, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		files = append(files, dataFile{name, data})
		return nil
	})
	if err != nil {
		return nil, "", fmt.Errorf("scheme data: %w", err)
	}
	if len(files) == 0 {
		return nil, "", errors.New("scheme data: no .yaml file found; name the folder that holds the schemes")
	}
	slices.SortFunc(files, func(a, b dataFile) int { return cmp.Compare(a.path, b.path) })
	sum := sha256.New()
	for _, f := range files {
		for _, part := range [][]byte{[]byte(f.path), f.data} {
			sum.Write(binary.AppendUvarint(nil, uint64(len(part))))
			sum.Write(part)
		}
	}
	return files, hex.EncodeToString(sum.Sum(nil)), nil
}

// compiler turns data files into tables and gathers what is wrong with them.
type compiler struct {
	problems []error
	file     string // the file being read

	ladders []*ladder
	byID    map[string]*ladder
	sources map[string]string // id to where it is defined
	cited   []citation
	pending []pendingTable
	tableAt map[string]string // table id to where it is defined
	rels    []*relation
	replace []replacement

	about     []Table           // what the tables say, for people
	documents map[string]Source // by id
}

// citation is a source id that must exist.
type citation struct{ where, id string }

// replacement is a scheme that says which one it took the place of.
type replacement struct {
	where string
	from  *ladder
}

// pendingTable is a table that waits until all schemes are known.
type pendingTable struct {
	file string
	at[tableYAML]
}

func newCompiler() *compiler {
	return &compiler{
		byID:    map[string]*ladder{},
		sources: map[string]string{},
		tableAt: map[string]string{},

		documents: map[string]Source{},
	}
}

// addFile decodes a file and compiles its schemes; its tables wait.
func (c *compiler) addFile(f dataFile) {
	c.file = f.path
	raw, err := decode(f.path, f.data)
	if err != nil {
		c.problems = append(c.problems, err)
		return
	}
	for _, id := range sortedKeys(raw.Sources) {
		if first, ok := c.sources[id]; ok {
			c.problem(raw.Ver.Line, raw.Ver.Col, "source %s is defined in %s too; keep one", id, first)
		}
		c.sources[id] = f.path
		c.documents[id] = Source{ID: id, Document: raw.Sources[id].Document, Section: raw.Sources[id].Section, Kind: raw.Sources[id].Kind}
		if raw.Sources[id].Document == "" {
			c.problem(raw.Ver.Line, raw.Ver.Col, "source %s names no document", id)
		}
	}
	for _, s := range raw.Schemes {
		c.addScheme(s)
	}
	for _, t := range raw.Tables {
		c.pending = append(c.pending, pendingTable{f.path, t})
	}
	if len(raw.Sources)+len(raw.Schemes)+len(raw.Tables) == 0 {
		c.problem(raw.Ver.Line, raw.Ver.Col, "the file holds no sources, schemes or tables; fill it or remove it")
	}
}

// finish compiles what needs all files: tables, sources, successions, names.
func (c *compiler) finish() {
	for _, t := range c.pending {
		c.file = t.file
		c.addTable(t.at)
		c.describeTable(t.at)
	}
	for _, cite := range c.cited {
		if _, ok := c.sources[cite.id]; !ok {
			c.problems = append(c.problems, fmt.Errorf("%s: source %q is not defined; add it under sources", cite.where, cite.id))
		}
	}
	c.checkSuccession()
	c.checkNames()
	if len(c.ladders) == 0 && len(c.problems) == 0 {
		c.problems = append(c.problems, errors.New("scheme data: no scheme is defined"))
	}
}

// checkSuccession refuses a scheme that replaces what does not exist, or is
// still valid beside it (editions of TLP and PAP are), or itself by way of
// others.
func (c *compiler) checkSuccession() {
	for _, r := range c.replace {
		if c.byID[r.from.Replaces] == nil {
			c.problems = append(c.problems, fmt.Errorf("%s: %s replaces %q, which is not defined%s", r.where, r.from.ID, r.from.Replaces, didYouMean(r.from.Replaces, c.schemeIDs())))
			continue
		}
		if before := c.byID[r.from.Replaces]; before.Axis == Secrecy && (before.Until.IsZero() || r.from.From.Before(before.Until)) {
			c.problems = append(c.problems, fmt.Errorf("%s: %s replaces %s, which is still valid when it begins (%s); give that its last day, for a marking is read by the scheme of its date (A10)", r.where, r.from.ID, before.ID, before.Where))
		}
		path := []string{r.from.ID}
		for l := c.byID[r.from.Replaces]; l != nil && len(path) <= len(c.ladders); l = c.byID[l.Replaces] {
			path = append(path, l.ID)
			if l == r.from {
				c.problems = append(c.problems, fmt.Errorf("%s: a cycle of replaces: %s; a scheme cannot replace its successor", r.where, strings.Join(path, " replaces ")))
				break
			}
		}
	}
}

// checkNames refuses a scheme id that could be taken for a country, a body or
// a family.
func (c *compiler) checkNames() {
	for _, l := range c.ladders {
		for _, o := range c.ladders {
			for _, name := range []string{o.Country, o.Body, o.Family} {
				if o != l && strings.EqualFold(name, l.ID) {
					c.problems = append(c.problems, fmt.Errorf("%s: the id %s is also the name of a country, body or family (%s); choose another", l.Where, l.ID, o.Where))
				}
			}
		}
	}
}

// problem records what is wrong at a place of the current file.
func (c *compiler) problem(line, col int, format string, args ...any) {
	c.problems = append(c.problems, fmt.Errorf("%s: %s", c.where(line, col), fmt.Sprintf(format, args...)))
}

// where names a place of the current file.
func (c *compiler) where(line, col int) string {
	return fmt.Sprintf("%s:%d:%d", c.file, line, col)
}

// row names a line of the current file, the provenance kept with each row.
func (c *compiler) row(line int) string { return fmt.Sprintf("%s:%d", c.file, line) }

// cite notes source ids for checking and returns them.
func (c *compiler) cite(ids []at[string]) []string {
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = id.V
		c.cited = append(c.cited, citation{c.where(id.Line, id.Col), id.V})
	}
	return out
}

// schemeIDs lists the known scheme ids, for hints.
func (c *compiler) schemeIDs() []string {
	ids := make([]string, len(c.ladders))
	for i, l := range c.ladders {
		ids[i] = l.ID
	}
	return ids
}

// didYouMean is the end of a message: the nearest known word, if any.
func didYouMean(got string, known []string) string {
	if near := nearest(got, known); near != "" {
		return fmt.Sprintf("; did you mean %q?", near)
	}
	return ""
}

// date reads a day; the zero position means that the key is absent.
func (c *compiler) date(d at[string]) time.Time {
	if d.Line == 0 {
		return time.Time{}
	}
	t, err := time.Parse(time.DateOnly, d.V)
	if err != nil {
		c.problem(d.Line, d.Col, "%q is no day; write it as 2021-07-01", d.V)
		return time.Time{}
	}
	return t
}

// period reads a first and a last day as [from, until).
func (c *compiler) period(from, to at[string]) (time.Time, time.Time) {
	start, last := c.date(from), c.date(to)
	if last.IsZero() {
		return start, time.Time{}
	}
	until := last.AddDate(0, 0, 1)
	if !start.Before(until) {
		c.problem(to.Line, to.Col, "the last day %s is before the first day %s", to.V, from.V)
	}
	return start, until
}

// inside refuses a part that is valid when the whole it belongs to is not (law
// A10). from and to say whether, and where, the part's own days are written.
func (c *compiler) inside(from, to at[string], start, stop, first, last time.Time, part, whole string) {
	if from.Line != 0 && start.Before(first) {
		c.problem(from.Line, from.Col, "%s begins on %s, before the %s does (A10)", part, from.V, whole)
	}
	if to.Line != 0 && !last.IsZero() && stop.After(last) {
		c.problem(to.Line, to.Col, "%s ends on %s, after the %s does (A10)", part, to.V, whole)
	}
}
