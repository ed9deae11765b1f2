package scheme

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func TestShippedTablesKeepTheLaws(t *testing.T) {
	for name, tab := range map[string]*Tables{
		"verified": tables(t), "with Poland": tables(t, polish...), "with everything": everything(t),
	} {
		for _, v := range tab.Prove() {
			t.Errorf("%s: %s", name, v)
		}
	}
}

// change is shipped data with one text replaced, as an officer might slip.
func change(t *testing.T, file, from, to string) fstest.MapFS {
	t.Helper()
	fsys := shippedWith(t, "ver: 1\nsources:\n  X1: {document: test, kind: primary}\n")
	old := string(fsys[file].Data)
	if strings.Count(old, from) != 1 {
		t.Fatalf("%s holds %q %d times", file, from, strings.Count(old, from))
	}
	fsys[file] = &fstest.MapFile{Data: []byte(strings.Replace(old, from, to, 1))}
	return fsys
}

// pairs is a file with one pairs table from a made-up treaty.
func pairs(id, from, to, head, there, back string) string {
	s := "ver: 1\nsources:\n  X1: {document: test, kind: primary}\ntables:\n  - id: " + id + "\n    kind: pairs\n    title: t\n    from_scheme: " + from +
		"\n    to_scheme: " + to + "\n    sources: [X1]\n" + head + "    there: " + there + "\n"
	if back != "" {
		s += "    back: " + back + "\n"
	}
	return s
}

const sure = "    verified: true\n"

// Each law that is proved has mutations of the data that break it: each is
// caught, under its law, with the row that does it.
func TestProveCatchesMutations(t *testing.T) {
	for _, c := range []struct {
		name   string
		data   fs.FS
		accept []string
		law    string
		row    string // among the rows named
		text   string
	}{
		{"A1: NATO SECRET handled as confidential", change(t, "tables/nato.yaml", "{from: NS, to: GEHEIM}", "{from: NS, to: VS-V}"),
			nil, "A1", "de-nato/NS", "NATO SECRET (nato) becomes VS-VERTRAULICH (de-vs)"},
		{"A1: a published table that protects Spain's highest as secret", shippedWith(t, pairs("x-es", "es-national", "nato", sure,
			"[{from: R, to: NR}, {from: C, to: NC}, {from: S, to: NC}, {from: TS, to: NS}]", "")),
			nil, "A1", "x-es/TS", "SECRETO"},
		{"A1: only in a period to come", shippedWith(t, pairs("x-es", "es-national", "nato", sure+"    from: 2031-01-01\n    to: 2031-12-31\n",
			"[{from: R, to: NR}, {from: C, to: NC}, {from: S, to: NS}, {from: TS, to: NS}]", "")),
			nil, "A1", "x-es/TS", "judged from 2031-01-01 on"},
		{"A1: an accepted row that is wrong", shippedWith(t, pairs("x-es", "es-national", "nato", "    verified: false\n",
			"[{from: R, to: NR}, {from: C, to: NC}, {from: S, to: NS}, {from: TS, to: NS}]", "")),
			[]string{"x-es/TS", "x-es/R", "x-es/C", "x-es/S"}, "A1", "x-es/TS", "SECRETO"},

		{"A2: two cells of a row changed over", change(t, "tables/eu-appendix-b.yaml", "scheme: es-national\n        cells: {R: R, C: C, S: S, TS: TS}", "scheme: es-national\n        cells: {R: R, C: C, S: TS, TS: S}"),
			nil, "A2", "eu-2013-488-app-b-2021/ES", "the higher SECRETO (es-national) becomes the lower"},
		{"A2: a crossing in a bilateral table", base(t, pairs("x", "li-one", "mc-one", sure, "[{from: L1, to: M2}, {from: L2, to: M1}, {from: L3, to: M3}]", "")),
			nil, "A2", "x/L2", "MITTEL"},

		{"A6: a way back that is lower", change(t, "tables/bilateral.yaml", "{from: S, to: T}", "{from: S, to: D}"),
			[]string{"cz-us-1995"}, "A6", "cz-us-1995/back/S", "TAJNÉ (cz-412-2005) becomes SECRET (us-eo13526) and comes back as the lower DŮVĚRNÉ"},
		{"A6: a made-up one", base(t, pairs("x", "li-one", "mc-one", sure,
			"[{from: L1, to: M1}, {from: L2, to: M2}, {from: L3, to: M3}]", "[{from: M1, to: L1}, {from: M2, to: L1}, {from: M3, to: L3}]")),
			nil, "A6", "x/back/M2", "NIEDRIG"},

		{"A5: a ring of three that comes back lower", ring(t), nil, "A5", "c/H1", "MITTEL (li-one) comes back to its own scheme as the lower NIEDRIG (li-one)"},
		{"A5: a way round a bilateral table", shippedWith(t, pairs("x-de-it", "de-vs", "it-national", sure,
			"[{from: VS-NfD, to: R}, {from: VS-V, to: S}, {from: GEHEIM, to: S}, {from: STR. GEHEIM, to: TS}]", "")),
			nil, "A5", "x-de-it/VS-V", "say round_up on the direct row"},
		{"A5: a way round a refusal, down a column", columnsRoundARefusal(t), nil, "A5", "b/V1", "which lowers it from H2 to H1 in the table of hub"},
	} {
		t.Run(c.name, func(t *testing.T) {
			tab := load(t, c.data)
			tab, err := tab.Accept(c.accept...)
			if err != nil {
				t.Fatal(err)
			}
			found := tab.Prove()
			for _, v := range found {
				named := slices.ContainsFunc(v.Rows, func(r string) bool { return strings.HasPrefix(r, c.row+" ") && strings.Contains(r, ".yaml:") })
				if v.Law == c.law && named && strings.Contains(v.String(), c.text) {
					return
				}
			}
			t.Errorf("not caught under %s with row %s and %q; found %d:", c.law, c.row, c.text, len(found))
			for _, v := range found[:min(len(found), 8)] {
				t.Log(v)
			}
		})
	}
}

// ring is three directed tables of which no two are a round trip.
func ring(t *testing.T) fs.FS {
	fsys := base(t, pairs("a", "li-one", "mc-one", sure, "[{from: L1, to: M1}, {from: L2, to: M2}, {from: L3, to: M3}]", ""))
	fsys["b.yaml"] = &fstest.MapFile{Data: []byte(strings.Replace(pairs("b", "mc-one", "hub", sure, "[{from: M1, to: H1}, {from: M2, to: H1}, {from: M3, to: H2}]", ""), "  X1:", "  X2:", 1))}
	fsys["c.yaml"] = &fstest.MapFile{Data: []byte(strings.Replace(pairs("c", "hub", "li-one", sure, "[{from: H1, to: L1}, {from: H2, to: L3}]", ""), "  X1:", "  X3:", 1))}
	return fsys
}

// columnsRoundARefusal has two schemes in one table of columns, a bilateral
// table that refuses between them, and a third scheme that leads around.
func columnsRoundARefusal(t *testing.T) fs.FS {
	return base(t, `ver: 1
schemes:
  - id: va-one
    country: VA
    authority: test
    verified: true
    sources: [T1]
    levels: [{code: V1, label: {la: ARCANUM}}]
tables:
  - id: cols
    kind: columns
    title: t
    pivot: hub
    sources: [T1]
    columns: {A: H1, B: H2}
    rows:
      - {row: LI, scheme: li-one, verified: true, sources: [T1], cells: {A: L1, B: L2}, without: [L3]}
      - {row: MC, scheme: mc-one, verified: true, sources: [T1], cells: {A: M1, B: M2}, without: [M3]}
  - {id: no, kind: pairs, title: t, from_scheme: li-one, to_scheme: mc-one, verified: true, sources: [T1], there: [{from: L1, to: none}, {from: L2, to: none}, {from: L3, to: none}]}
  - {id: a, kind: pairs, title: t, from_scheme: li-one, to_scheme: va-one, verified: true, sources: [T1], there: [{from: L1, to: V1}, {from: L2, to: V1}, {from: L3, to: V1}]}
  - {id: b, kind: pairs, title: t, from_scheme: va-one, to_scheme: mc-one, verified: true, sources: [T1], there: [{from: V1, to: M1}]}
`)
}

// What protects more, and says so, is no violation; nor is what does not
// count.
func TestProveLetsStricterTablesPass(t *testing.T) {
	stricter := "[{from: VS-NfD, to: R}, {from: VS-V, to: S, round_up: true}, {from: GEHEIM, to: S}, {from: STR. GEHEIM, to: TS}]"
	for name, data := range map[string]fs.FS{
		"a stated higher level": shippedWith(t, pairs("x-de-it", "de-vs", "it-national", sure, stricter, "")),
		"a wrong table that nobody accepted": shippedWith(t, pairs("x-es", "es-national", "nato", "    verified: false\n",
			"[{from: R, to: NR}, {from: C, to: NR}, {from: S, to: NR}, {from: TS, to: NR}]", "")),
		"a table of refusals": shippedWith(t, pairs("x-es", "es-national", "nato", sure,
			"[{from: R, to: none}, {from: C, to: none}, {from: S, to: none}, {from: TS, to: none}]", "")),
	} {
		for _, v := range load(t, data).Prove() {
			t.Errorf("%s: %s", name, v)
		}
	}
}

// The proof tabulates in its own short form; what it calls mapped is what Map
// answers, for every level, scheme and pair of periods, and where editions of
// a table rise and fall again.
func TestProofSpeaksOfWhatMapDoes(t *testing.T) {
	if n := comparedWithMap(t, everything(t), 7, 5); n < 1000 {
		t.Errorf("only %d mappings compared", n)
	}
	var b strings.Builder
	for i, to := range []string{"M2", "M1", "none", "M3", "M1"} {
		fmt.Fprintf(&b, "  - {id: e%d, kind: pairs, title: t, from: 20%d0-01-01, to: 20%d9-12-31, from_scheme: li-one, to_scheme: mc-one, verified: true, sources: [T1], there: [{from: L1, to: %s}, {from: L2, to: M2}, {from: L3, to: M3}]}\n", i, i, i, to)
	}
	if n := comparedWithMap(t, load(t, base(t, "ver: 1\ntables:\n"+b.String())), 1, 1); n < 20 {
		t.Errorf("only %d mappings compared", n)
	}
}

// comparedWithMap compares what the proof and Map make of every level, judged in
// every so many periods and made in every so many, and counts what is mapped.
func comparedWithMap(t *testing.T, tab *Tables, everyJudged, everyMade int) int {
	t.Helper()
	p, compared := newProof(tab), 0
	for judged := range len(tab.epochs) + 1 {
		p.advance(judged)
		if judged%everyJudged != 0 && judged != len(tab.epochs) {
			continue
		}
		for made := 0; made <= judged; made += everyMade {
			for i, s := range p.states {
				for _, to := range tab.ladders {
					if to == s.l {
						continue
					}
					r, ok := p.mapped(i, to, made)
					o := tab.outcome(s.l, s.rank, []*ladder{to}, to.ID, tab.start(made), tab.start(judged), tab.start(judged))
					if ok != (o.Kind == mapped) || ok && int(r.rank) != o.To.Rank {
						t.Fatalf("%s to %s: the proof has %+v %v, Map %s %q: %s", s, to.ID, r, ok, o.Kind, o.To.Code, o.Text)
					}
					if ok {
						compared++
					}
				}
			}
		}
	}
	return compared
}

func BenchmarkProve(b *testing.B) {
	tab := everything(b)
	for b.Loop() {
		if len(tab.Prove()) > 0 {
			b.Fatal("the shipped tables break a law")
		}
	}
}

func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		if _, err := Load(shippedFS()); err != nil {
			b.Fatal(err)
		}
	}
}
