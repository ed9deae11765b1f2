package mapping

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// anyHandling draws from small alphabets, so that two draws often meet.
func anyHandling() *rapid.Generator[Handling] {
	words := func(prefix string) *rapid.Generator[[]string] {
		return rapid.SliceOfN(rapid.Map(rapid.IntRange(0, 4), func(i int) string { return prefix + string(rune('a'+i)) }), 0, 4)
	}
	set := rapid.Custom(func(t *rapid.T) Set {
		if rapid.Bool().Draw(t, "free") {
			return Set{}
		}
		return SetOf(words("c").Draw(t, "members")...)
	})
	date := rapid.Map(rapid.IntRange(0, 3), func(i int) time.Time {
		if i == 0 {
			return time.Time{}
		}
		return time.Date(2020+i, 1, 1, 0, 0, 0, 0, time.UTC)
	})
	level := rapid.Custom(func(t *rapid.T) Level {
		rank := rapid.IntRange(1, 4).Draw(t, "rank")
		return Level{
			Scheme:  rapid.SampledFrom([]string{"de-vs", "pl-national", "nato"}).Draw(t, "scheme"),
			Country: rapid.SampledFrom([]string{"DE", "PL"}).Draw(t, "country"),
			Code:    string(rune('0' + rank)),
			Label:   rapid.SampledFrom([]string{"x", "y"}).Draw(t, "label"),
			Rank:    rank,
			Created: date.Draw(t, "created"),
		}
	})
	return rapid.Custom(func(t *rapid.T) Handling {
		return Handling{
			TLP:          TLP(rapid.IntRange(0, int(TLPRed)).Draw(t, "tlp")),
			TLPVersion1:  rapid.Bool().Draw(t, "v1"),
			PAP:          PAP(rapid.IntRange(0, int(PAPRed)).Draw(t, "pap")),
			Levels:       rapid.SliceOfN(level, 0, 4).Draw(t, "levels"),
			Compartments: words("k").Draw(t, "compartments"),
			Caveats:      words("v").Draw(t, "caveats"),
			Releasable:   set.Draw(t, "releasable"),
			Residency:    set.Draw(t, "residency"),
			Purposes:     set.Draw(t, "purposes"),
			NotBefore:    date.Draw(t, "from"),
			NotAfter:     date.Draw(t, "to"),
			RetainDays:   rapid.IntRange(0, 3).Draw(t, "days"),
			Contracts:    words("t").Draw(t, "contracts"),
			PersonalData: rapid.Bool().Draw(t, "personal"),
			Statements:   words("s").Draw(t, "statements"),
		}
	})
}

// Law A13: the result does not depend on order, grouping or repetition.
func TestJoinIsASemilattice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := anyHandling().Draw(t, "a"), anyHandling().Draw(t, "b"), anyHandling().Draw(t, "c")
		if Join(a, b).Key() != Join(b, a).Key() {
			t.Fatal("join is not commutative")
		}
		if Join(Join(a, b), c).Key() != Join(a, Join(b, c)).Key() {
			t.Fatal("join is not associative")
		}
		once := Join(a, a)
		if Join(once, once).Key() != once.Key() || Join(once, a).Key() != once.Key() {
			t.Fatal("join is not idempotent")
		}
		if Join(once, Handling{}).Key() != once.Key() {
			t.Fatal("the zero handling is not the identity")
		}
	})
}

// A join protects at least as well as its parts, and no better than something
// that is at least both.
func TestJoinIsTheLeastUpperBound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := anyHandling().Draw(t, "a"), anyHandling().Draw(t, "b"), anyHandling().Draw(t, "c")
		j := Join(a, b)
		if !j.AtLeast(a) || !j.AtLeast(b) {
			t.Fatalf("join %+v is less protective than a part", j)
		}
		upper := Join(j, c)
		if !upper.AtLeast(j) {
			t.Fatal("join is not monotone")
		}
		if c.AtLeast(a) && c.AtLeast(b) && !c.AtLeast(j) {
			t.Fatalf("%+v is at least both parts but not their join %+v", c, j)
		}
		if !Join(a, c).AtLeast(a) || Join(b, c).AtLeast(a) && !Join(j, c).AtLeast(a) {
			t.Fatal("adding something lowered the protection")
		}
	})
}

func TestAtLeastIsAPreorder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := anyHandling().Draw(t, "a"), anyHandling().Draw(t, "b"), anyHandling().Draw(t, "c")
		if !a.AtLeast(a) {
			t.Fatal("not reflexive")
		}
		if a.AtLeast(b) && b.AtLeast(c) && !a.AtLeast(c) {
			t.Fatal("not transitive")
		}
	})
}

// stricter returns, per axis, a handling and one that is less protective on
// that axis alone. Law A3: nothing else makes up for it.
func stricter() map[string][2]Handling {
	day := time.Date(2026, 1, 6, 0, 0, 0, 0, time.UTC)
	vs := func(rank int) []Level { return []Level{{Scheme: "de-vs", Country: "DE", Rank: rank}} }
	return map[string][2]Handling{
		"TLP":            {{TLP: TLPRed}, {TLP: TLPAmberStrict}},
		"TLP version":    {{TLPVersion1: true}, {}},
		"PAP":            {{PAP: PAPAmber}, {PAP: PAPGreen}},
		"level":          {{Levels: vs(3)}, {Levels: vs(2)}},
		"no level":       {{Levels: vs(1)}, {}},
		"another origin": {{Levels: vs(1)}, {Levels: []Level{{Scheme: "pl-national", Country: "PL", Rank: 4}}}},
		"compartment":    {{Compartments: []string{"ATOMAL"}}, {}},
		"caveat":         {{Caveats: []string{"NOFORN"}}, {}},
		"release":        {{Releasable: SetOf("DE")}, {Releasable: SetOf("DE", "PL")}},
		"nobody":         {{Releasable: SetOf()}, {Releasable: SetOf("DE")}},
		"any":            {{Releasable: SetOf("DE")}, {}},
		"residency":      {{Residency: SetOf("DE")}, {}},
		"purpose":        {{Purposes: SetOf("defence")}, {}},
		"start":          {{NotBefore: day}, {}},
		"end":            {{NotAfter: day}, {NotAfter: day.Add(time.Hour)}},
		"no end":         {{NotAfter: day}, {}},
		"retention":      {{RetainDays: 30}, {RetainDays: 90}},
		"no retention":   {{RetainDays: 30}, {}},
		"contract":       {{Contracts: []string{"c1"}}, {}},
		"personal data":  {{PersonalData: true}, {}},
		"statement":      {{Statements: []string{"mine"}}, {}},
	}
}

func TestNoAxisPaysForAnother(t *testing.T) {
	top := Handling{TLP: TLPRed, TLPVersion1: true, PAP: PAPRed, Compartments: []string{"ATOMAL", "SCI"}, Caveats: []string{"NOFORN"},
		Releasable: SetOf(), Residency: SetOf(), Purposes: SetOf(), NotBefore: time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC),
		NotAfter: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), RetainDays: 1, Contracts: []string{"c1"}, PersonalData: true, Statements: []string{"mine"}}
	for axis, pair := range stricter() {
		strict, loose := pair[0], pair[1]
		if !Join(strict, loose).AtLeast(strict) {
			t.Errorf("%s: the join lost the stricter part", axis)
		}
		if loose.AtLeast(strict) {
			t.Errorf("%s: the looser handling counts as at least the stricter", axis)
		}
		if strict.Key() == loose.Key() {
			t.Errorf("%s: two handlings with one key", axis)
		}
		if axis == "level" || axis == "no level" || axis == "another origin" {
			if top.AtLeast(strict) {
				t.Errorf("%s: every other axis at its strictest made up for a missing level", axis)
			}
		}
	}
}

// The key is length-prefixed: moving a character from one text into the next
// must not give the same key.
func TestKeySeparatesTexts(t *testing.T) {
	for _, pair := range [][2]Handling{
		{{Compartments: []string{"ab", "c"}}, {Compartments: []string{"a", "bc"}}},
		{{Compartments: []string{"a"}}, {Caveats: []string{"a"}}},
		{{Statements: []string{"a\x00b"}}, {Statements: []string{"a", "b"}}},
		{{Releasable: SetOf("A")}, {Residency: SetOf("A")}},
		{{Releasable: SetOf()}, {}},
		{{Levels: []Level{{Scheme: "a", Country: "b"}}}, {Levels: []Level{{Scheme: "ab"}}}},
		{{Levels: []Level{{Code: "x", Label: "y"}}}, {Levels: []Level{{Code: "x", Label: "z"}}}},
	} {
		if pair[0].Key() == pair[1].Key() {
			t.Errorf("%+v and %+v have one key", pair[0], pair[1])
		}
	}
	var zero Handling
	if far := (Handling{NotAfter: time.Date(9999, 1, 1, 0, 0, 0, 1, time.UTC)}); far.Key() == zero.Key() {
		t.Error("a far date has the key of no date")
	}
}

func TestSet(t *testing.T) {
	any, nobody, two := Set{}, SetOf(), SetOf("PL", "DE", "PL")
	for _, c := range []struct {
		name       string
		got, want  Set
		restricted bool
		text       string
	}{
		{"any and two", any.Intersect(two), two, true, "DE PL"},
		{"two and any", two.Intersect(any), two, true, "DE PL"},
		{"two and one", two.Intersect(SetOf("DE", "FR")), SetOf("DE"), true, "DE"},
		{"disjoint", two.Intersect(SetOf("FR")), nobody, true, "nobody"},
		{"any and any", any.Intersect(any), any, false, "any"},
	} {
		if c.got.String() != c.text || c.got.Restricted() != c.restricted || c.got.Within(c.want) != true || c.want.Within(c.got) != true {
			t.Errorf("%s: %s", c.name, c.got)
		}
	}
	if !any.Has("DE") || !two.Has("PL") || two.Has("pl") || nobody.Has("DE") || nobody.Has("") {
		t.Error("membership is wrong")
	}
	members := two.Members()
	members[0] = "RU"
	if two.Has("RU") || !two.Has("DE") {
		t.Error("a caller changed the set")
	}
}

// Trap T2: AMBER+STRICT has no word in TLP 1.0, and must not become AMBER.
func TestTLPVersion1(t *testing.T) {
	want := map[TLP]string{TLPClear: "TLP:WHITE", TLPGreen: "TLP:GREEN", TLPAmber: "TLP:AMBER", TLPRed: "TLP:RED"}
	for level := TLPUnmarked; level <= TLPRed+1; level++ {
		got, ok := level.Version1()
		if got != want[level] || ok != (want[level] != "") {
			t.Errorf("%s.Version1() = %q, %v", level, got, ok)
		}
	}
}

func TestWordsOfLabels(t *testing.T) {
	if got := (TLPRed + 1).String(); got != "invalid TLP" {
		t.Errorf("TLP out of range prints %q", got)
	}
	if got := (PAPRed + 1).String(); got != "invalid PAP" {
		t.Errorf("PAP out of range prints %q", got)
	}
	if PAPRed.String() != "PAP:RED" || PAPNone.String() != "none" || TLPUnmarked.String() != "unmarked" || TLPAmberStrict.String() != "TLP:AMBER+STRICT" {
		t.Error("labels are not written as their standards write them")
	}
}

func TestZeroOutcomeRefuses(t *testing.T) {
	var o Outcome
	if o.Kind != Refused || o.Kind.String() != "refused" || OutcomeKind(9).String() != "refused" {
		t.Errorf("a zero outcome is %s", o.Kind)
	}
}

func TestMoreProtective(t *testing.T) {
	at := func(scheme string, rank int) Outcome {
		return Outcome{Kind: Mapped, To: Level{Scheme: scheme, Rank: rank}}
	}
	hold, refused := Outcome{Kind: Hold, Cause: CaseByCase}, Outcome{Cause: NoEquivalent}
	for _, c := range []struct {
		a, b, want Outcome
	}{
		{at("x", 1), at("x", 2), at("x", 2)},
		{at("x", 2), hold, hold},
		{hold, refused, refused},
		{at("x", 2), refused, refused},
		{at("x", 4), at("y", 1), Outcome{Cause: Ambiguous}},
	} {
		for _, got := range []Outcome{MoreProtective(c.a, c.b), MoreProtective(c.b, c.a)} {
			if got.Kind != c.want.Kind || got.Cause != c.want.Cause || got.To.Rank != c.want.To.Rank {
				t.Errorf("of %+v and %+v: got %+v", c.a, c.b, got)
			}
		}
	}
}

func TestFaultSaysWhatWhyAndHint(t *testing.T) {
	err := error(&Fault{Cause: UnknownLabel, Law: "A8", What: "VS-NFD?", Text: "no such label in de-vs", Hint: "write VS-NfD"})
	for _, part := range []string{"unknown-label", `"VS-NFD?"`, "no such label", "write VS-NfD"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not say %q", err, part)
		}
	}
}

func TestCausesAreDistinctAndNotEmpty(t *testing.T) {
	seen := map[Cause]bool{}
	for _, c := range Causes() {
		if c == CauseNone || seen[c] {
			t.Errorf("cause %q is empty or listed twice", c)
		}
		seen[c] = true
	}
}

// seenHandling is what an ordinary marked indicator comes to.
func seenHandling() Handling {
	return Handling{
		TLP:        TLPAmber,
		Levels:     []Level{{Scheme: "de-vs", Country: "DE", Code: "VS-NfD", Label: "VS-NUR FÜR DEN DIENSTGEBRAUCH", Rank: 1}},
		Residency:  SetOf("AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK"),
		RetainDays: 90,
	}
}

func BenchmarkKey(b *testing.B) {
	h := seenHandling()
	b.ReportAllocs()
	for b.Loop() {
		_ = h.Key()
	}
}

func BenchmarkJoin(b *testing.B) {
	h, tlp := seenHandling(), Handling{TLP: TLPRed}
	b.ReportAllocs()
	for b.Loop() {
		_ = Join(h, tlp)
	}
}

func BenchmarkAtLeast(b *testing.B) {
	h := seenHandling()
	b.ReportAllocs()
	for b.Loop() {
		_ = h.AtLeast(h)
	}
}
