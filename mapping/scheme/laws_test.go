package scheme

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// broken is data with one mistake that breaks one law.
type broken struct {
	law    string
	name   string
	data   fs.FS
	accept []string
	row    string // among the rows named; "" where it is the line of the file
	text   string
}

// mutations holds, for each law that is proved over data, one slip or trick
// that breaks it.
func mutations(t *testing.T) []broken {
	threeToThree := "[{from: L1, to: M1}, {from: L2, to: M2}, {from: L3, to: M3}]"
	return []broken{
		{"A1", "NATO SECRET handled as confidential", change(t, "tables/nato.yaml", "{from: NS, to: GEHEIM}", "{from: NS, to: VS-V}"),
			nil, "de-nato/NS", "NATO SECRET (nato) becomes VS-VERTRAULICH (de-vs), which lowers it from S-UE/EU-S to C-UE/EU-C in the table of eu-euci"},
		{"A2", "two rungs crossed over", base(t, pairs("x", "li-one", "mc-one", sure, "[{from: L1, to: M2}, {from: L2, to: M1}, {from: L3, to: M3}]", "")),
			nil, "x/L2", "the higher MITTEL (li-one) becomes the lower BAS (mc-one)"},
		{"A5", "a ring of three that comes back lower", ring(t), nil, "c/H1", "MITTEL (li-one) comes back to its own scheme as the lower NIEDRIG (li-one)"},
		{"A6", "a way back that is lower", base(t, pairs("x", "li-one", "mc-one", sure, threeToThree, "[{from: M1, to: L1}, {from: M2, to: L1}, {from: M3, to: L3}]")),
			nil, "x/back/M2", "comes back as the lower NIEDRIG (li-one)"},
		{"A7", "a higher level that the row does not say it means", shippedWith(t, pairs("x-de-it", "de-vs", "it-national", sure,
			"[{from: VS-NfD, to: R}, {from: VS-V, to: S}, {from: GEHEIM, to: S}, {from: STR. GEHEIM, to: TS}]", "")),
			nil, "x-de-it/VS-V", "raises it from C-UE/EU-C to S-UE/EU-S in the table of eu-euci, and no row says so"},
		{"A8", "a letter of another alphabet in a label", change(t, "bg.yaml", "СЕКРЕТНО}\n        means: secret", "CЕКРЕТНО}\n        means: secret"),
			nil, "", "mixes letters of two alphabets"},
		{"A9", "a label of two schemes of one country", base(t, `ver: 1
schemes:
  - id: li-two
    country: LI
    authority: test
    from: 2020-01-01
    verified: true
    sources: [T1]
    levels: [{code: G1, label: {de: mittel}}]
`), nil, "li-two/G1", `"mittel" is a word of li-one and of li-two at one time, from 2020-01-01 on`},
		{"A10", "a row that counts before its table does", change(t, "tables/eu-appendix-b.yaml", "from: 2019-12-30", "from: 2009-12-30"),
			nil, "", "before the table eu-2013-488-app-b-2021 does (A10)"},
		{"A14", "one of several levels, picked by nobody", base(t, pairs("x", "li-one", "mc-one", sure, "[{from: L1, to: M1}, {from: L2, to: [M2, M3]}, {from: L3, to: M3}]", "")),
			nil, "", "choose: highest, or a question under person (A14)"},
	}
}

var place = regexp.MustCompile(`\.yaml:[0-9]+`)

// caught returns what is said against data: by Load, or by Prove.
func (m broken) caught(t *testing.T) []Violation {
	t.Helper()
	tab, err := Load(m.data)
	if err != nil {
		return []Violation{{Law: m.law, Text: err.Error()}}
	}
	if tab, err = tab.Accept(m.accept...); err != nil {
		t.Fatal(err)
	}
	return tab.Prove()
}

// Each law that is proved over data has a mutation that breaks it, and that is
// caught under the law's number, with the rows or the line that does it.
func TestEachLawIsCaught(t *testing.T) {
	for _, m := range mutations(t) {
		t.Run(m.law+" "+m.name, func(t *testing.T) {
			found := m.caught(t)
			for _, v := range found {
				line := v.String()
				named := m.row == "" && strings.Contains(line, "("+m.law+")") && place.MatchString(line) ||
					slices.ContainsFunc(v.Rows, func(r string) bool { return strings.HasPrefix(r, m.row+" ") && place.MatchString(r) })
				if v.Law == m.law && named && strings.Contains(line, m.text) {
					t.Log(line)
					return
				}
			}
			t.Errorf("not caught under %s with row %s and %q; found %d:", m.law, m.row, m.text, len(found))
			for _, v := range found[:min(len(found), 4)] {
				t.Log(v)
			}
		})
	}
}

// The package comment lists every law, how it is kept, and by which tests; each
// of them exists in the package it is said to be in, and each law that is
// proved over data has its mutation.
func TestLawsAreListedWithTheirTests(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile(`(?m)^//\tA(\d+) +(data|load|code) +(.+)$`)
	more := regexp.MustCompile(`(?:([a-z][a-z/]*)\.)?(Test\w+)`)
	mutated := map[string]bool{}
	for _, m := range mutations(t) {
		mutated[m.law] = true
	}
	listed := map[string]bool{}
	for _, m := range row.FindAllStringSubmatch(string(doc), -1) {
		law := "A" + m[1]
		listed[law] = true
		tests := more.FindAllStringSubmatch(m[3], -1)
		if len(tests) == 0 {
			t.Errorf("%s names no test", law)
		}
		for _, test := range tests {
			dir := "mapping/scheme"
			if test[1] != "" {
				dir = test[1]
			}
			if !testsIn(t, dir)[test[2]] {
				t.Errorf("%s names %s, which is not in %s", law, test[2], dir)
			}
		}
		if m[2] != "code" && !mutated[law] {
			t.Errorf("%s is said to be proved over data, and no mutation breaks it", law)
		}
	}
	for _, law := range []string{"A1", "A2", "A3", "A4", "A5", "A6", "A7", "A8", "A9", "A10", "A11", "A12", "A13", "A14", "A15", "A16"} {
		if !listed[law] {
			t.Errorf("%s is not listed", law)
		}
	}
}

// testsIn lists the tests of a package folder of this project.
func testsIn(t *testing.T, dir string) map[string]bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", filepath.FromSlash(dir), "*_test.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no tests in %s: %v", dir, err)
	}
	names := map[string]bool{}
	for _, name := range files {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil {
				names[fn.Name.Name] = true
			}
		}
	}
	return names
}

// Words that two schemes of one country may share: at different times, for no
// level, and among the editions of TLP.
func TestLabelsThatAreNotAmbiguous(t *testing.T) {
	for name, extra := range map[string]string{
		"one after the other": "  - {id: va-one, country: VA, authority: t, to: 2020-12-31, verified: true, sources: [T1], levels: [{code: A, label: {la: ARCANUM}}]}\n" +
			"  - {id: va-two, country: VA, authority: t, from: 2021-01-01, verified: true, sources: [T1], levels: [{code: A, label: {la: ARCANUM}}]}\n",
		"a level that ended": "  - {id: va-one, country: VA, authority: t, verified: true, sources: [T1], levels: [{code: A, label: {la: ARCANUM}, to: 2020-12-31}, {code: B, label: {la: SECRETUM}}]}\n" +
			"  - {id: va-two, country: VA, authority: t, from: 2021-01-01, verified: true, sources: [T1], levels: [{code: A, label: {la: ARCANUM}}]}\n",
		"not classified in both": "  - {id: li-two, country: LI, authority: t, verified: true, sources: [T1], levels: [{code: A, label: {de: ANDERS}}], not_classified: [{word: FREI, sources: [T1]}]}\n",
		"another country":        "  - {id: va-one, country: VA, authority: t, verified: true, sources: [T1], levels: [{code: A, label: {de: MITTEL}}]}\n",
	} {
		for _, v := range load(t, base(t, "ver: 1\nschemes:\n"+extra)).Prove() {
			t.Errorf("%s: %s", name, v)
		}
	}
	both := base(t, "ver: 1\nschemes:\n  - {id: li-two, country: LI, authority: t, verified: true, sources: [T1], levels: [{code: A, label: {de: FREI}}]}\n")
	found := load(t, both).Prove()
	if len(found) != 1 || found[0].Law != "A9" || !strings.HasPrefix(found[0].Rows[0], "li-one base.yaml:") {
		t.Errorf("a level here and no level there: %v", found)
	}
}

// A loss that only shows after many borders is found, and the path is named.
func TestPathsOfManyBorders(t *testing.T) {
	for _, borders := range []int{3, 5, 8} {
		found := load(t, base(t, longRing(borders))).Prove()
		if !slices.ContainsFunc(found, func(v Violation) bool {
			return v.Law == "A5" && strings.HasPrefix(v.Text, "HIGH 1 (ring-1) comes back to its own scheme as the lower LOW 1 (ring-1)") &&
				strings.Count(v.Text, " → ") == borders && len(v.Rows) == borders
		}) {
			t.Errorf("%d borders: %v", borders, found)
		}
	}
}

// longRing is a ring of tables, one after each border, of which the last gives a
// lower level than the first began with.
func longRing(borders int) string {
	var schemes, tables strings.Builder
	for i := range borders {
		fmt.Fprintf(&schemes, "  - {id: ring-%d, body: RING%d, authority: t, verified: true, sources: [T1], levels: [{code: LOW, label: {en: LOW %d}}, {code: HIGH, label: {en: HIGH %d}}]}\n", i, i, i, i)
		high := "HIGH"
		if i == borders-1 {
			high = "LOW"
		}
		fmt.Fprintf(&tables, "  - {id: t%d, kind: pairs, title: t, from_scheme: ring-%d, to_scheme: ring-%d, verified: true, sources: [T1], there: [{from: LOW, to: LOW}, {from: HIGH, to: %s}]}\n",
			i, i, (i+1)%borders, high)
	}
	return "ver: 1\nschemes:\n" + schemes.String() + "tables:\n" + tables.String()
}

// What is proved is remembered by what is accepted, and by nothing less; tables
// of nothing break nothing.
func TestCheckRemembersByWhatIsAccepted(t *testing.T) {
	if err := new(Tables).Check(); err != nil {
		t.Error(err)
	}
	tab := load(t, shippedWith(t, pairs("x-es", "es-national", "nato", "    verified: false\n",
		"[{from: R, to: NR}, {from: C, to: NC}, {from: S, to: NS}, {from: TS, to: NS}]", "")))
	for _, c := range []struct {
		accept []string
		wrong  bool
	}{{nil, false}, {[]string{"x-es/TS"}, true}, {[]string{"x-es/S"}, false}, {[]string{"x-es/TS"}, true}, {nil, false}} {
		made, err := tab.Accept(c.accept...)
		if err != nil {
			t.Fatal(err)
		}
		if err := made.Check(); (err != nil) != c.wrong || c.wrong && !strings.Contains(err.Error(), "law A1") {
			t.Errorf("accepting %v: %v", c.accept, err)
		}
	}
}
