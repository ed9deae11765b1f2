package scheme

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestSchemesPage compares the page that lists every scheme and table with what
// is loaded, so that an officer who reads it reads what the relay does.
func TestSchemesPage(t *testing.T) {
	tab := tables(t)
	path := filepath.Join("..", "..", "configs", "schemes", "SCHEMES.md")
	page := pageOf(tab)
	if *update {
		if err := os.WriteFile(path, []byte(page), 0o644); err != nil { //nolint:gosec // it is published
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != page {
		t.Errorf("%s is not what is loaded: run go test ./mapping/scheme -run SchemesPage -update", path)
	}
	for _, s := range tab.Schemes() {
		if !strings.Contains(page, "### `"+s.ID+"`") {
			t.Errorf("%s is not on the page", s.ID)
		}
	}
	for _, x := range tab.Equivalences() {
		if !strings.Contains(page, "### `"+x.ID+"`") {
			t.Errorf("%s is not on the page", x.ID)
		}
		for _, r := range x.Rows {
			if !strings.Contains(page, "| `"+r.Name+"` |") {
				t.Errorf("row %s is not on the page", r.Name)
			}
		}
	}
	for _, s := range tab.Sources() {
		if !strings.Contains(page, "| "+s.ID+" | ") {
			t.Errorf("source %s is not on the page", s.ID)
		}
	}
}

func pageOf(tab *Tables) string {
	var p strings.Builder
	schemes, equivalences := tab.Schemes(), tab.Equivalences()
	unverified, rows := 0, 0
	for _, s := range schemes {
		if !s.Verified {
			unverified++
		}
	}
	for _, x := range equivalences {
		rows += len(x.Rows)
	}
	fmt.Fprintf(&p, `# All schemes and equivalence tables

Generated from the files of this folder; do not edit. %d schemes, %d of them not verified; %d tables with %d rows. What is
**not verified** was not read in its source: it ships to be checked, and counts only where the operator accepts it by name
(%s in the configuration). An equivalence is no permission to send. %s shows one scheme with its file and
lines, %s how one marking becomes another and why.

## Schemes

Levels stand from the least to the most protected. A *handling word* is in use without being a classification; it is never
read as unclassified.
`, len(schemes), unverified, len(equivalences), rows, "`accept:`", "`entente schemes show`", "`entente map --explain`")
	for _, s := range schemes {
		pageScheme(&p, tab, s)
	}
	p.WriteString("\n## Equivalence tables\n")
	for _, x := range equivalences {
		pageTable(&p, x)
	}
	p.WriteString("\n## Sources\n\n*primary* is the text itself, *secondary* reports it, *community-reference* is a public reference work; *memory* was\nnot read again, and what rests on it alone is not verified.\n\n| id | document | part | kind |\n|---|---|---|---|\n")
	for _, s := range tab.Sources() {
		fmt.Fprintf(&p, "| %s | %s | %s | %s |\n", s.ID, escaped(s.Document), escaped(s.Section), s.Kind)
	}
	return p.String()
}

func pageScheme(p *strings.Builder, tab *Tables, s Scheme) {
	of := s.Country
	if of == "" {
		of = s.Body
	}
	fmt.Fprintf(p, "\n### `%s`\n\n%s. %s, axis %s, %s. %s\n\n| level | marks | means |\n|---|---|---|\n", s.ID, of, s.Authority, s.Axis, days(s.From, s.Until), flagged(s.Verified, s.Sources))
	for _, r := range s.Rungs {
		means := r.Means
		if r.Handling {
			means += " (*handling word*)"
		}
		if !r.From.IsZero() || !r.Until.IsZero() {
			means += ", " + days(r.From, r.Until)
		}
		fmt.Fprintf(p, "| `%s` | %s | %s |\n", r.Code, escaped(strings.Join(append([]string{r.Label}, r.Also...), ", ")), escaped(means))
	}
	for _, list := range [...]struct {
		what  string
		words []string
	}{{"Not classified", s.NotClassified}, {"No level alone", s.NeedsMore}, {"Retired", s.Retired}, {"Caveats", beside(s.Caveats)}, {"Compartments", beside(s.Compartments)}} {
		if len(list.words) > 0 {
			fmt.Fprintf(p, "\n%s: %s.\n", list.what, escaped(strings.Join(list.words, "; ")))
		}
	}
	for _, n := range s.Notes {
		fmt.Fprintf(p, "\n%s\n", escaped(n))
	}
	var in []string
	for _, x := range tab.Naming(s.ID) {
		in = append(in, "`"+x.ID+"`")
	}
	if len(in) > 0 {
		fmt.Fprintf(p, "\nTables: %s.\n", strings.Join(in, ", "))
	} else {
		p.WriteString("\nNo table names it: nothing maps to or from it.\n")
	}
}

// beside words what stands beside a level.
func beside(list []Caveat) []string {
	var out []string
	for _, k := range list {
		s := strings.Join(append([]string{k.Word}, k.Also...), ", ")
		if k.Means != "" {
			s += " (" + k.Means + ")"
		}
		if !k.Regime {
			s += ": " + k.Effect()
		}
		out = append(out, s)
	}
	return out
}

func pageTable(p *strings.Builder, x Table) {
	fmt.Fprintf(p, "\n### `%s`\n\n%s, %s", x.ID, escaped(x.Title), days(x.From, x.Until))
	if !x.Edition.IsZero() {
		fmt.Fprintf(p, ", edition %s", x.Edition.Format(time.DateOnly))
	}
	if x.Scope != "" {
		fmt.Fprintf(p, ". Scope: %s", escaped(x.Scope))
	}
	fmt.Fprintf(p, ". Sources: %s.\n", strings.Join(x.Sources, ", "))
	for _, n := range x.Notes {
		fmt.Fprintf(p, "\n%s\n", escaped(strings.TrimSpace(n)))
	}
	p.WriteString("\n| row | says | sources |\n|---|---|---|\n")
	for _, r := range x.Rows {
		says := r.Says
		for _, more := range []string{r.Person, r.Note} {
			if more != "" {
				says += ". " + more
			}
		}
		fmt.Fprintf(p, "| `%s` | %s | %s |\n", r.Name, escaped(says), flagged(r.Verified, r.Sources))
	}
}

// flagged lists sources, after a mark on what was not read in them.
func flagged(verified bool, sources []string) string {
	list := strings.Join(sources, ", ")
	if verified {
		return list
	}
	return "**not verified**: " + list
}

// days words a period with its last day.
func days(from, until time.Time) string {
	if from.IsZero() && until.IsZero() {
		return "no day on record"
	}
	return span(from, until)
}

// escaped is text that cannot end a cell of a table.
func escaped(s string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(s), " "), "|", `\|`)
}

// What is told of tables agrees with what answers are made of: each row that an
// outcome names is described, with its standing.
func TestRowsAreDescribed(t *testing.T) {
	tab := everything(t)
	described := map[string]bool{}
	for _, x := range tab.Equivalences() {
		for _, r := range x.Rows {
			described[r.Name] = true
			if r.Verified == r.Accepted {
				t.Errorf("%s: verified %v, accepted %v, though all is accepted", r.Name, r.Verified, r.Accepted)
			}
			if len(r.Sources) == 0 || r.Says == "" || r.Where == "" {
				t.Errorf("%s says %q by %v at %s", r.Name, r.Says, r.Sources, r.Where)
			}
		}
	}
	for _, rels := range tab.rels {
		for _, rel := range rels {
			for _, k := range rel.cells {
				row := tab.about.rows[k.where]
				if row == nil || !described[k.name] || row.Verified != k.verified {
					t.Errorf("%s (%s) is described as %+v", k.name, k.where, row)
				}
			}
			if !slices.ContainsFunc(tab.Naming(rel.from.ID), func(x Table) bool { return x.ID == rel.table }) {
				t.Errorf("%s is not listed as naming %s", rel.table, rel.from.ID)
			}
		}
	}
}

// Every answer is told in sentences, with the law and, where it is not mapped,
// what can be done.
func TestReasoning(t *testing.T) {
	tab := tables(t)
	for _, c := range []struct {
		q    Query
		says []string
	}{
		{Query{Label: "VS-NfD", From: "DE", To: "eu"}, []string{"level 1 of 4", "Authority: BMI (VSA)", "tables/eu-appendix-b.yaml:", "read in its source: S01 Council Decision", "Law A1:"}},
		{Query{Label: "VS-NfD", From: "DE", To: "PL"}, []string{"was not verified and does not count", `accept: ["eu-2013-488-app-b-2021/PL", "pl-national"]`, "Law A7:"}},
		{Query{Label: "SECRET", From: "", To: "eu"}, []string{"could not be read as one of any one scheme", "Law A9:", "name the scheme by its id"}},
		{Query{Label: "NATO UNCLASSIFIED", From: "nato", To: "DE"}, []string{"a handling word", "not unclassified either", "Law A7:"}},
		{Query{Label: "OFFEN", From: "DE", To: "PL"}, []string{"what is not classified", "Result: mapped"}},
		{Query{Label: "RESTREINT", From: "BE", To: "nato"}, []string{"be-nato-eu/R", "no equivalent", "ask the originator"}},
		{Query{Label: "TLP:RED", From: "tlp", To: "DE"}, []string{"Law A3:", "ask for each axis apart"}},
		{Query{Label: "CONFIDENTIEL DÉFENSE", From: "FR", To: "eu", Date: date(t, "2018-05-01")}, []string{"made, on 2018-05-01", "Two readings", "Law A10:"}},
		{Query{Label: "SECRET//REL TO USA, GBR//SI", From: "US", To: "eu"}, []string{"only GB US", "compartment SI", "Result: mapped"}},
		{Query{Label: "SECRET//ORCON", From: "US", To: "eu"}, []string{"bears ORCON, which only people can apply"}},
	} {
		c.q.Now = now
		a, told := tab.Reasoning(c.q)
		text := strings.Join(told, "\n")
		for _, want := range c.says {
			if !strings.Contains(text, want) {
				t.Errorf("%s from %s to %s does not say %q:\n%s", c.q.Label, c.q.From, c.q.To, want, text)
			}
		}
		if plain := tab.Answer(c.q); plain.Outcome != a.Outcome || plain.Reason != a.Reason || plain.Law != a.Law {
			t.Errorf("%s: the answer %+v became %+v when explained", c.q.Label, plain, a)
		}
		for _, s := range told {
			if strings.Contains(s, "  ") || !strings.HasSuffix(s, ".") {
				t.Errorf("not a sentence: %q", s)
			}
		}
		if a.Outcome != "mapped" && !strings.Contains(text, "What can be done: ") {
			t.Errorf("%s: nothing says what can be done:\n%s", c.q.Label, text)
		}
	}
}
