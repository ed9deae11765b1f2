package scheme

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/entente-relay/entente/mapping"
)

// every lists each level of each scheme as Resolve gives it for a marking made
// long before every dated change.
func every(tab *Tables) []mapping.Level {
	var out []mapping.Level
	for _, l := range tab.ladders {
		for rank := range l.Rungs {
			out = append(out, tab.level(l, rank+1))
		}
	}
	return out
}

// Laws A4 and A5: the answer is computed from the origin's label. What hops
// made of it gives no less where it can be compared, and where the direct way
// is refused, a way round does not open it.
func TestMapKnowsNoPath(t *testing.T) {
	tab := everything(t)
	closed, compared := 0, 0
	for _, l := range every(tab) {
		for _, by := range tab.ladders {
			hop := tab.Map(l, by.ID, now)
			if hop.Kind != mapped || by.ID == l.Scheme {
				continue
			}
			for _, to := range tab.ladders {
				direct, round := tab.Map(l, to.ID, now), tab.Map(hop.To, to.ID, now)
				switch {
				case to.ID == l.Scheme || round.Kind != mapped:
				case direct.Kind != mapped:
					closed++ // stays refused or held, whatever the hop's label would become
				case round.To.Rank < direct.To.Rank && direct.Law != "A7":
					t.Errorf("%s %s: %s directly, and by %s only %s", l.Scheme, l.Code, direct.To.Code, by.ID, round.To.Code)
				default:
					compared++
				}
			}
		}
	}
	if closed == 0 || compared < 1000 {
		t.Errorf("%d ways round a refusal and %d others looked at", closed, compared)
	}
}

// Law A12: no table lowers the origin's own label. At home it stands as it was
// written, whatever it became abroad, and a table from an older scheme of a
// country into its newer one is held to the laws like any other.
func TestTablesAreNoDowngradeTool(t *testing.T) {
	tab := everything(t)
	for _, l := range every(tab) {
		for _, to := range tab.ladders {
			if o := tab.Map(l, to.ID, now); o.From != l {
				t.Errorf("%s %s to %s: the origin's level is now %+v", l.Scheme, l.Code, to.ID, o.From)
			}
		}
		if o := tab.Map(l, l.Scheme, now); o.Kind != mapped || o.To.Code != l.Code || o.Law != "A6" {
			t.Errorf("%s %s at home is %s %q by %s", l.Scheme, l.Code, o.Kind, o.To.Code, o.Law)
		}
	}
	remarked := pairs("x", "fr-pre2021", "fr-2021", sure, "[{from: CD, to: none}, {from: SD, to: S}, {from: TSD, to: S}]", "")
	found := load(t, shippedWith(t, remarked)).Prove()
	if !slices.ContainsFunc(found, func(v Violation) bool {
		return v.Law == "A1" && strings.Contains(v.String(), "TRÈS SECRET DÉFENSE (fr-pre2021) becomes SECRET (fr-2021)") && strings.Contains(v.String(), "x/TSD x-operator.yaml:12")
	}) {
		t.Errorf("marking old material anew, one rung lower, passes: %v", found)
	}
}

// Law A8: what nobody accepted by name has no say, whatever else was accepted.
func TestNothingUnacceptedCounts(t *testing.T) {
	all := tables(t)
	for _, name := range all.Unverified() {
		tab := tables(t, slices.DeleteFunc(all.Unverified(), func(n string) bool { return n == name })...)
		for _, l := range every(tab) {
			if !touches(tab, l.Scheme, name) {
				continue
			}
			for _, to := range tab.ladders {
				o := tab.Map(l, to.ID, now)
				uses := slices.ContainsFunc(o.Rows, func(r string) bool { return strings.HasPrefix(r, name+" ") })
				if uses || o.Kind == mapped && o.Law != "A6" && (l.Scheme == name || to.ID == name) {
					t.Errorf("without %s: %s %s to %s is %s by %v", name, l.Scheme, l.Code, to.ID, o.Kind, o.Rows)
				}
			}
		}
	}
}

// touches reports whether a scheme is the named one, or has the named row.
func touches(tab *Tables, id, name string) bool {
	if id == name {
		return true
	}
	for _, rels := range tab.rels {
		for _, r := range rels {
			if r.from.ID == id && slices.ContainsFunc(sortedRanks(r), func(rank int) bool { return r.cells[rank].name == name }) {
				return true
			}
		}
	}
	return false
}

func sortedRanks(r *relation) []int {
	var out []int
	for rank := range r.cells {
		out = append(out, rank)
	}
	slices.Sort(out)
	return out
}

// Law A9: a label without an authority means something only where exactly one
// loaded scheme has it then, be it as half of a label; for every label of every
// scheme.
func TestLabelsOfSeveralSchemes(t *testing.T) {
	tab := tables(t)
	ambiguous := 0
	for _, at := range []time.Time{date(t, "2012-01-01"), date(t, "2020-01-01"), now} {
		for _, l := range tab.ladders {
			for _, word := range l.spellings() {
				var meant []*ladder
				part := false // some scheme has it as a part of several marks
				for _, o := range tab.ladders {
					r, ok := o.find(word)
					if ok && o.inForce(at) && (r.usable(o, at) || r.partial != nil) {
						meant = append(meant, o)
					}
					part = part || ok && o.inForce(at) && r.partial != nil
				}
				if len(meant) == 1 {
					if r, _ := meant[0].find(word); r.partial != nil {
						continue
					}
				}
				got, standing, err := tab.Resolve("", word, at)
				fault, _ := err.(*mapping.Fault)
				switch {
				case part && fault != nil && fault.Law == "A9":
					ambiguous++
				case len(meant) == 1:
					if err != nil || standing == Classified && got.Scheme != meant[0].ID {
						t.Errorf("%q is of %s alone: %+v, %v", word, meant[0].ID, got, err)
					}
				case fault == nil || got != (mapping.Level{}) || standing != Unknown:
					t.Errorf("%q is of %s: %+v, %v", word, idsOf(meant), got, err)
				case len(meant) > 1:
					ambiguous++
					if fault.Cause != mapping.Ambiguous || fault.Law != "A9" {
						t.Errorf("%q is of %s: %v", word, idsOf(meant), err)
					}
				}
			}
		}
	}
	if ambiguous < 30 {
		t.Errorf("only %d ambiguous labels; SECRET alone is of many", ambiguous)
	}
}

// Law A10: whatever editions a table goes through, what was marked before is
// never lower later than it was once.
func TestUpdatesNeverLower(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		n := rapid.IntRange(2, 4).Draw(r, "editions")
		var b strings.Builder
		b.WriteString("ver: 1\ntables:\n")
		for i := range n {
			to := rapid.SampledFrom([]string{"none", "M1", "M2", "M3", "[M1, M2], person: which"})
			fmt.Fprintf(&b, "  - {id: e%d, kind: pairs, title: t, from: 20%d0-01-01, to: 20%d9-12-31, from_scheme: li-one, to_scheme: mc-one, verified: true, sources: [T1], there: [{from: L1, to: %s}, {from: L2, to: M2}, {from: L3, to: M3}]}\n",
				i, i, i, to.Draw(r, "to"))
		}
		tab := load(t, base(t, b.String()))
		for made := range n {
			l := level(t, tab, "li-one", "NIEDRIG", date(t, fmt.Sprintf("20%d5-06-01", made)))
			before := tab.Map(l, "MC", date(t, fmt.Sprintf("20%d5-06-01", made)))
			for judged := made; judged < n; judged++ {
				o := tab.Map(l, "MC", date(t, fmt.Sprintf("20%d5-06-01", judged)))
				if o.Kind > before.Kind || o.Kind == mapped && before.Kind == mapped && o.To.Rank < before.To.Rank {
					r.Fatalf("made under edition %d, %s %s, and under edition %d %s %s: %s", made, before.Kind, before.To.Code, judged, o.Kind, o.To.Code, o.Text)
				}
				before = o
			}
		}
	})
}

// An edition between the two counts too, and the answer says which it is.
func TestUpdateBetween(t *testing.T) {
	edition := func(id, from, to, level string) string {
		return "  - {id: " + id + ", kind: pairs, title: t, from: " + from + ", to: " + to + ", from_scheme: li-one, to_scheme: mc-one, verified: true, sources: [T1], there: [{from: L1, to: " + level + "}, {from: L2, to: M2}, {from: L3, to: M3}]}\n"
	}
	tab := load(t, base(t, "ver: 1\ntables:\n"+edition("a", "2010-01-01", "2014-12-31", "M1")+edition("b", "2015-01-01", "2018-12-31", "M2")+edition("c", "2019-01-01", "2030-12-31", "M1")))
	for made, want := range map[string]string{"2012-01-01": "M2", "2016-01-01": "M2", "2020-01-01": "M1"} {
		o := tab.Map(level(t, tab, "li-one", "NIEDRIG", date(t, made)), "MC", now)
		if o.To.Code != want || strings.Contains(o.Text, "in force from 2015-01-01, after the marking was made") != (made == "2012-01-01") {
			t.Errorf("made %s: %s by %s: %s", made, o.To.Code, o.Law, o.Text)
		}
	}
}

// Law A16: every answer names the law, and what it rests on with file and line.
func TestOutcomesSayWhy(t *testing.T) {
	tab := everything(t)
	for _, l := range every(tab) {
		for _, to := range tab.ladders {
			o := tab.Map(l, to.ID, now)
			rests := o.Kind != refused || o.Cause == mapping.NoEquivalent && !strings.HasPrefix(o.Text, "No table in force")
			if o.Law == "" || o.Text == "" || rests && o.Law != "A6" && (len(o.Tables) == 0 || len(o.Rows) == 0) {
				t.Errorf("%s %s to %s: %+v", l.Scheme, l.Code, to.ID, o)
			}
			for _, r := range o.Rows {
				if !place.MatchString(r) {
					t.Errorf("%s %s to %s: the row %q has no place", l.Scheme, l.Code, to.ID, r)
				}
			}
		}
	}
}

// Schemes that were organised anew answer by the day the marking was made: the
// day before, the day itself, the day after.
func TestReorganisedSchemes(t *testing.T) {
	tab := everything(t)
	const past = "refused A10"
	for _, c := range []struct {
		name, country, label, to string
		days                     map[string]string
	}{
		{"United Kingdom 2014, a new word", "GB", "OFFICIAL-SENSITIVE", "eu",
			map[string]string{"2014-04-01": past, "2014-04-02": "mapped A1 R-UE/EU-R", "2014-04-03": "mapped A1 R-UE/EU-R"}},
		{"United Kingdom 2014, a word that went", "GB", "CONFIDENTIAL", "eu",
			map[string]string{"2014-04-01": "refused A7", "2014-04-02": past, "2014-04-03": past}},
		{"Sweden 2019", "SE", "BEGRÄNSAT HEMLIG", "eu",
			map[string]string{"2019-03-31": past, "2019-04-01": "mapped A1 R-UE/EU-R", "2019-04-02": "mapped A1 R-UE/EU-R", "2019-12-30": "mapped A1 R-UE/EU-R"}},
		{"Sweden 2019, a word that became a level of its own", "SE", "HEMLIG", "eu",
			map[string]string{"2019-03-31": past, "2019-04-01": "mapped A1 S-UE/EU-S", "2019-04-02": "mapped A1 S-UE/EU-S"}},
		{"France 2021, an old word", "FR", "SECRET DÉFENSE", "eu",
			map[string]string{"2021-06-30": "mapped A10 TS-UE/EU-TS", "2021-07-01": past, "2021-07-02": past}},
		{"France 2021, a new word", "FR", "SECRET", "eu",
			map[string]string{"2021-06-30": past, "2021-07-01": "mapped A1 S-UE/EU-S", "2021-07-02": "mapped A1 S-UE/EU-S"}},
		{"Belgium 2023, the new level, which no table has", "BE", "RESTREINT", "eu",
			map[string]string{"2023-12-30": past, "2023-12-31": "refused A7", "2024-01-01": "refused A7"}},
		{"Belgium 2023, a level that stayed", "BE", "CONFIDENTIEL", "eu",
			map[string]string{"2023-12-30": "mapped A1 C-UE/EU-C", "2023-12-31": "mapped A1 C-UE/EU-C", "2024-01-01": "mapped A1 C-UE/EU-C"}},
		{"Austria 2025, the words stayed", "AT", "EINGESCHRÄNKT", "eu",
			map[string]string{"2025-08-31": "mapped A1 R-UE/EU-R", "2025-09-01": "mapped A1 R-UE/EU-R", "2025-09-02": "mapped A1 R-UE/EU-R"}},
	} {
		for day, want := range c.days {
			a := tab.Answer(Query{Label: c.label, From: c.country, To: c.to, Date: date(t, day), Now: now})
			if got := strings.TrimSpace(a.Outcome + " " + a.Law + " " + a.To.Level); got != want {
				t.Errorf("%s, made on %s: %s, want %s: %s", c.name, day, got, want, a.Reason)
			}
		}
	}
}

// A level seen before costs a look-up and no memory, whatever the answer.
func TestMapAllocatesNothing(t *testing.T) {
	tab := tables(t, polish...)
	for _, c := range [][3]string{{"de-vs", "VS-NfD", "PL"}, {"de-vs", "GEHEIM", "eu"}, {"de-vs", "VS-NfD", "FR"}, {"nato", "NATO SECRET", "DE"}} {
		l := level(t, tab, c[0], c[1], now)
		tab.Map(l, c[2], now)
		if n := testing.AllocsPerRun(100, func() { tab.Map(l, c[2], now) }); n != 0 {
			t.Errorf("%s %s to %s: %v allocations", c[0], c[1], c[2], n)
		}
	}
}

// The proof is over in seconds for the shipped tables, and for ten times as
// many dates.
func TestProofIsQuick(t *testing.T) {
	fsys := shippedWith(t, manyEditions(40))
	tab := load(t, fsys)
	tab, err := tab.Accept(tab.Unverified()...)
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	for _, v := range tab.Prove() {
		t.Error(v)
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("the proof took %s", took)
	}
}

// manyEditions is a table between two countries that comes out anew every year.
func manyEditions(n int) string {
	var b strings.Builder
	b.WriteString("ver: 1\nsources:\n  X1: {document: test, kind: primary}\ntables:\n")
	for i := range n {
		fmt.Fprintf(&b, "  - {id: x%d, kind: pairs, title: t, from: %d-01-01, to: %d-12-31, from_scheme: de-vs, to_scheme: it-national, verified: true, sources: [X1], there: [{from: VS-NfD, to: R}, {from: VS-V, to: C}, {from: GEHEIM, to: S}, {from: STR. GEHEIM, to: TS}]}\n",
			i, 2000+i, 2000+i)
	}
	return b.String()
}
