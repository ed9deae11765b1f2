package scheme

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/entente-relay/entente/mapping"
)

// referenceFile is the part of the fact table that the shipped data carries
// over.
type referenceFile struct {
	Schemes []referenceScheme `yaml:"schemes"`
	Words   struct {
		Words map[string]string `yaml:"words"`
	} `yaml:"unclassified_words"`
	Equivalences []referenceTable `yaml:"equivalences"`
	FalseFriends struct {
		Entries []struct {
			Token string `yaml:"token"`
		} `yaml:"entries"`
	} `yaml:"false_friends"`
}

type referenceScheme struct {
	ID        string   `yaml:"id"`
	Authority string   `yaml:"authority"`
	Country   string   `yaml:"country"`
	From      string   `yaml:"effective_from"`
	To        string   `yaml:"effective_to"`
	Verified  bool     `yaml:"verified"`
	Source    []string `yaml:"source"`
	Levels    []struct {
		Abbr  string            `yaml:"abbr"`
		Label map[string]string `yaml:"label"`
	} `yaml:"levels"`
	NotALevel []struct {
		Abbr  string `yaml:"abbr"`
		Label string `yaml:"label"`
	} `yaml:"not_a_level"`
	Caveats  []string `yaml:"caveats"`
	Controls []string `yaml:"dissemination_controls"`
	Special  []string `yaml:"special"`
	Retired  []string `yaml:"retired"`
}

type referenceTable struct {
	ID       string           `yaml:"id"`
	Rows     []map[string]any `yaml:"rows"`
	From     string           `yaml:"effective_from"`
	Directed *bool            `yaml:"directed"`
	Verified bool             `yaml:"verified"`
	Source   []string         `yaml:"source"`
	Pairs    [][]string       `yaml:"pairs"`
	Forward  [][]string       `yaml:"forward"`
	Backward [][]string       `yaml:"backward"`
	None     []string         `yaml:"no_equivalent"`
}

// reference reads the fact table, or skips.
func reference(t *testing.T) referenceFile {
	t.Helper()
	dir := os.Getenv("ENTENTE_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared")
	}
	data, err := os.ReadFile(filepath.Join(dir, "reference", "classification.yaml"))
	if err != nil {
		t.Skip("needs the fact table: set ENTENTE_SHARED to the folder that holds reference/classification.yaml")
	}
	var f referenceFile
	for _, part := range [][2]string{{"\nschemes:", "\nunclassified_words:"}, {"\nunclassified_words:", "\nequivalences:"},
		{"\nequivalences:", "\nfalse_friends:"}, {"\nfalse_friends:", "\nbad_public_mapping_vectors:"}} {
		_, after, ok := strings.Cut(string(data), part[0])
		text, _, end := strings.Cut(after, part[1])
		if !ok || !end {
			t.Fatalf("the fact table has no part from %q to %q", part[0], part[1])
		}
		if err := yaml.Unmarshal([]byte(joinFlow(part[0]+text)), &f); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

// joinFlow puts each bracketed value on one line: the fact table wraps long
// ones in a way our YAML reader does not take.
func joinFlow(s string) string {
	var out strings.Builder
	open := 0
	for line := range strings.Lines(s) {
		if open > 0 {
			line = " " + strings.TrimLeft(line, " ")
		}
		open += strings.Count(line, "{") + strings.Count(line, "[") - strings.Count(line, "}") - strings.Count(line, "]")
		if open > 0 {
			line = strings.TrimRight(line, "\n")
		}
		out.WriteString(line)
	}
	return out.String()
}

// bare is an entry of the fact table without the remark behind it.
func bare(s string) string {
	s, _, _ = strings.Cut(s, " (")
	return s
}

// Every scheme of the fact table is shipped, with its labels, their order, its
// dates, sources and verified flag.
func TestSchemesAgreeWithTheFactTable(t *testing.T) {
	tab := tables(t)
	want := reference(t).Schemes
	if len(want) != 48 {
		t.Fatalf("the fact table has %d schemes: this test expects the 48 it was written for", len(want))
	}
	for _, w := range want {
		l := tab.byID[w.ID]
		if l == nil {
			t.Errorf("%s is not shipped", w.ID)
			continue
		}
		if l.Verified != w.Verified || l.Country != w.Country || l.Authority == "" {
			t.Errorf("%s: verified %v, country %q, authority %q; the fact table has %v, %q", w.ID, l.Verified, l.Country, l.Authority, w.Verified, w.Country)
		}
		if from := l.From.Format("2006-01-02"); w.From != "" && from != w.From && l.Edition.IsZero() {
			t.Errorf("%s begins %s, in the fact table %s", w.ID, from, w.From)
		}
		if w.To != "" && l.Until.AddDate(0, 0, -1).Format("2006-01-02") != w.To {
			t.Errorf("%s ends before %s, in the fact table on %s", w.ID, l.Until, w.To)
		}
		if !slices.Equal(l.Sources, w.Source) {
			t.Errorf("%s rests on %v, in the fact table on %v", w.ID, l.Sources, w.Source)
		}
		levelsAgree(t, l, w)
		wordsAgree(t, l, w)
	}
}

// levelsAgree compares the ladder itself, rung by rung.
func levelsAgree(t *testing.T, l *ladder, w referenceScheme) {
	t.Helper()
	last, classifications := 0, 0
	for _, r := range l.Rungs {
		if !r.Handling || w.ID == "us-cui" {
			classifications++
		}
	}
	if classifications != len(w.Levels) {
		t.Errorf("%s has %d levels, in the fact table %d", w.ID, classifications, len(w.Levels))
	}
	for _, level := range w.Levels {
		rank := l.byCode[level.Abbr]
		if rank <= last {
			t.Errorf("%s: %s is at rank %d after %d", w.ID, level.Abbr, rank, last)
		}
		last = rank
		for lang, label := range level.Label {
			label, native, _ := strings.Cut(label, " (") // a romanised form in brackets
			if r, ok := l.find(label); !ok || r.rank != rank {
				t.Errorf("%s: %q (%s) is %+v, in the fact table %s", w.ID, label, lang, r, level.Abbr)
			}
			if native = strings.TrimSuffix(native, ")"); native != "" {
				if r, ok := l.find(native); !ok || r.rank != rank {
					t.Errorf("%s: %q is %+v, in the fact table %s", w.ID, native, r, level.Abbr)
				}
			}
		}
	}
}

// wordsAgree compares what stands beside the levels: words that are no level,
// caveats, special regimes, retired words.
func wordsAgree(t *testing.T, l *ladder, w referenceScheme) {
	t.Helper()
	for _, word := range w.NotALevel {
		for _, text := range []string{word.Label, word.Abbr} {
			text = strings.TrimSuffix(text, " (Daeoebi)")
			if l.ID == "sg-gov" && text == word.Abbr {
				text = l.rung(l.byCode[text]).Label // a code of the fact table, not a mark
			}
			r, ok := l.find(text)
			if !ok || !r.none && !l.rung(r.rank).Handling {
				t.Errorf("%s: %q is %+v, %v; in the fact table it is no level", l.ID, text, r, ok)
			}
		}
	}
	for _, text := range slices.Concat(w.Caveats, w.Controls) {
		text = strings.TrimPrefix(text, "national caveats, e.g. ")
		text, _, _ = strings.Cut(text, ":")
		for one := range strings.SplitSeq(text, ", ") {
			spellings := []string{bare(one)}
			if _, in, ok := strings.Cut(one, " ("); ok && in == strings.ToUpper(in) && len(in) > 2 {
				spellings = append(spellings, strings.TrimSuffix(in, ")"))
			}
			for _, s := range spellings {
				n, _ := normal(s)
				_, caveat := l.adds[n]
				_, label := l.labels[n] // FOUO states a level of handling
				if s != "Schutzwort" && !caveat && !label {
					t.Errorf("%s does not know the caveat %q", l.ID, s)
				}
			}
		}
	}
	for _, text := range w.Special {
		text = strings.TrimPrefix(bare(text), "TRÈS SECRET with ")
		known := slices.ContainsFunc(l.Compartments, func(k Caveat) bool {
			return slices.ContainsFunc(append(k.Also, k.Word), func(s string) bool { return strings.EqualFold(s, text) || strings.HasPrefix(text, s+" ") })
		})
		if !known {
			t.Errorf("%s does not know the special regime %q", l.ID, text)
		}
	}
	for _, text := range w.Retired {
		if r, ok := l.find(bare(text)); !ok || r.retired == nil {
			t.Errorf("%s: %q is %+v, in the fact table it is retired", l.ID, text, r)
		}
	}
}

// The word of each scheme for "not classified" states no level, apart from the
// one that the fact table says is a classification.
func TestUnclassifiedWordsAgreeWithTheFactTable(t *testing.T) {
	tab := tables(t)
	words := reference(t).Words.Words
	if len(words) < 16 {
		t.Fatalf("only %d words", len(words))
	}
	for scheme, word := range words {
		_, standing, err := tab.Resolve(scheme, bare(word), now)
		want := Unclassified
		if strings.Contains(word, "which is a classification") {
			want = Classified
		}
		if err != nil || standing != want {
			t.Errorf("%s: %q has standing %v, %v, want %v", scheme, word, standing, err, want)
		}
	}
}

// No false friend of the fact table is taken without an authority, apart from
// what only one scheme in force has.
func TestFalseFriendsNeedAnAuthority(t *testing.T) {
	tab := tables(t)
	alone := map[string]string{"FORTROLIG": "no-beskyttelsesinstruks", "FORTROLIGT": "dk-national", "RISERVATO": "it-national",
		"INTERNO": "si-national", "INTERN": "ch-isg", "DIFFUSION RESTREINTE": "fr-2021"}
	for _, f := range reference(t).FalseFriends.Entries {
		for word := range strings.SplitSeq(strings.ReplaceAll(f.Token, " vs ", " / "), " / ") {
			l, _, err := tab.Resolve("", word, now)
			switch {
			case alone[word] != "":
				if err != nil || l.Scheme != alone[word] {
					t.Errorf("%q: %+v, %v", word, l, err)
				}
			case err == nil:
				t.Errorf("%q was taken for %s without an authority", word, l.Scheme)
			}
		}
	}
}

// Every cell of the EU's table reads as in the fact table.
func TestEUTableAgreesWithTheFactTable(t *testing.T) {
	tab := everything(t)
	cells := 0
	for _, table := range reference(t).Equivalences {
		if table.ID != "eu-2013-488-app-b-2021" {
			continue
		}
		for _, row := range table.Rows {
			country, _ := row["country"].(string)
			for column, code := range map[string]string{"R": "R-UE/EU-R", "C": "C-UE/EU-C", "S": "S-UE/EU-S", "TS": "TS-UE/EU-TS"} {
				o := tab.Map(level(t, tab, "eu", code, now), country, now)
				labels, _ := row[column].(map[string]any)
				want := 0
				for lang, text := range labels {
					label, ok := text.(string)
					if !ok || strings.HasPrefix(lang, "valid") {
						continue // the list of old labels, a date, or no label
					}
					want++
					if got := level(t, tab, o.To.Scheme, bare(label), now); got.Code != o.To.Code {
						t.Errorf("%s %s: mapped to %q, the fact table has %q", country, column, o.To.Label, label)
					}
					cells++
				}
				if want == 0 && o.Kind != refused {
					t.Errorf("%s %s: mapped to %q, the fact table has no equivalent", country, column, o.To.Label)
				}
				if row["verified"] == true && want > 0 && o.Accepted != nil {
					t.Errorf("%s %s is verified and counts only as accepted", country, column)
				}
				if row["verified"] == false && want > 0 && !slices.Contains(o.Accepted, "eu-2013-488-app-b-2021/"+country) {
					t.Errorf("%s %s is not verified and counts without being accepted: %v", country, column, o.Accepted)
				}
			}
		}
	}
	if cells < 27*3 {
		t.Errorf("only %d cells compared", cells)
	}
}

// pairTables are the two schemes of each table of pairs of the fact table, and
// how it writes levels that are not named by code or label.
var pairTables = map[string]struct {
	from, to string
	words    map[string]string
}{
	"eu-nato": {from: "eu-euci", to: "nato"},
	"be-nato-eu": {from: "be-1998", to: "nato", words: map[string]string{
		"CONFIDENTIEL/VERTROUWELIJK": "C", "SECRET/GEHEIM": "S", "TRÈS SECRET/ZEER GEHEIM": "TS"}},
	"de-nato":    {from: "nato", to: "de-vs"},
	"cz-sk-2000": {from: "cz-148-1998", to: "sk-100-1996"},
	"cz-ee-2004": {from: "cz-412-2005", to: "ee-national"},
	"cz-de-2001": {from: "cz-412-2005", to: "de-vs"},
	"cz-us-1995": {from: "cz-412-2005", to: "us-eo13526"},
	"eu-us-2007": {from: "eu-euci", to: "us-eo13526"},
	"us-foreign-restricted": {from: "nato", to: "us-cui", words: map[string]string{
		"CUI category NATO Restricted, no E.O. 13526 level": "CUI", "foreign RESTRICTED": "", "protect and mark as CONFIDENTIAL": ""}},
	"fr-legacy-eu": {from: "fr-pre2021", to: "eu-euci"},
	"kr-jp-2012":   {from: "kr-military", to: "jp-government", words: map[string]string{"防衛秘密": ""}},
	"eu-ca-2017":   {from: "eu-euci", to: "ca-classified"},
	"eu-au-2010":   {from: "eu-euci", to: "au-pre2018"},
	"eu-gb-2021":   {from: "eu-euci", to: "gb-gscp", words: map[string]string{"C-UE/EU-C: protected as UK SECRET": ""}},
}

// Every pair of every table of the fact table is a row, in each direction that
// the fact table gives it, with its sources, its first day and its flag.
func TestPairsAgreeWithTheFactTable(t *testing.T) {
	tab := tables(t)
	tablesOf := reference(t).Equivalences
	if len(tablesOf) != 15 {
		t.Fatalf("the fact table has %d tables: this test expects the 15 it was written for", len(tablesOf))
	}
	for _, w := range tablesOf {
		p, ok := pairTables[w.ID]
		if !ok {
			if w.ID != "eu-2013-488-app-b-2021" {
				t.Errorf("nothing compares %s", w.ID)
			}
			continue
		}
		r := pairReader{t, tab, w.ID, p.words}
		there, back := r.relation(p.from, p.to), r.relation(p.to, p.from)
		if there == nil {
			t.Errorf("%s is not shipped", w.ID)
			continue
		}
		for _, pair := range slices.Concat(w.Pairs, w.Forward) {
			r.pair(there, pair[0], pair[1], w.Verified)
			if w.Directed == nil || !*w.Directed {
				r.pair(back, pair[1], pair[0], w.Verified)
			}
		}
		for _, pair := range w.Backward {
			r.pair(back, pair[0], pair[1], w.Verified)
		}
		for _, none := range w.None {
			code, _, _ := strings.Cut(bare(none), " has ")
			r.none(there, back, code)
		}
		if day := there.start.Format("2006-01-02"); w.From != "" && day != w.From {
			t.Errorf("%s begins %s, in the fact table %s", w.ID, day, w.From)
		}
	}
}

// pairReader compares the pairs of one table.
type pairReader struct {
	t     *testing.T
	tab   *Tables
	table string
	words map[string]string
}

func (r *pairReader) relation(from, to string) *relation {
	for _, rel := range r.tab.rels[r.tab.pair(r.tab.byID[from], r.tab.byID[to])] {
		if rel.table == r.table {
			return rel
		}
	}
	return nil
}

// ranks reads a side of a pair: a code or a label, or several with "or". It
// reports whether people choose among them.
func (r *pairReader) ranks(l *ladder, text string) (ranks []int, person bool) {
	text, person = strings.CutSuffix(text, ", as agreed case by case")
	for part := range strings.SplitSeq(strings.ReplaceAll(text, ", ", " or "), " or ") {
		if part = bare(part); part == "" {
			continue
		}
		if code, ok := r.words[text]; ok && code == "" {
			return nil, person
		} else if ok {
			return []int{l.byCode[code]}, person
		}
		if code, ok := r.words[part]; ok && code == "" {
			person = true // a second regime, which is no rung: people choose
			continue
		}
		rank := l.byCode[part]
		if rank == 0 {
			if found, ok := l.find(part); ok {
				rank = found.rank
			}
		}
		if rank == 0 {
			r.t.Errorf("%s: %s has no level %q", r.table, l.ID, part)
		}
		ranks = append(ranks, rank)
	}
	slices.Sort(ranks)
	return slices.Compact(ranks), person
}

func (r *pairReader) pair(rel *relation, from, to string, verified bool) {
	r.t.Helper()
	if rel == nil {
		r.t.Errorf("%s has no direction for %q to %q", r.table, from, to)
		return
	}
	froms, _ := r.ranks(rel.from, from)
	want, person := r.ranks(rel.to, to)
	for _, rank := range froms {
		k := rel.cells[rank]
		switch {
		case k == nil:
			r.t.Errorf("%s: no row for %q", r.table, from)
		case len(want) == 0:
		case !slices.Equal(slices.Sorted(slices.Values(k.to)), want) || (k.person != "") != person || k.verified != verified:
			r.t.Errorf("%s: %q becomes %v (person %q, verified %v), in the fact table %q", r.table, from, k.to, k.person, k.verified, to)
		}
	}
}

// none checks that a level has no equivalent, or a stated higher one.
func (r *pairReader) none(there, back *relation, code string) {
	r.t.Helper()
	for _, rel := range []*relation{there, back} {
		if rel == nil {
			continue
		}
		code, _, stated := strings.Cut(code, ": ")
		rank := rel.from.byCode[code]
		if rank == 0 {
			continue
		}
		if k := rel.cells[rank]; k != nil && len(k.to) > 0 && (!stated || !k.roundUp) {
			r.t.Errorf("%s: %s becomes %v, in the fact table it has no equivalent", r.table, code, k.to)
		}
	}
}

// Of the public mapping that under-protects, no row is repeated: each label
// maps to no less than its column of the EU's table, or is refused.
func TestBadPublicMappingIsNotRepeated(t *testing.T) {
	tab := everything(t)
	for _, c := range []struct{ country, label, least string }{
		{"ES", "SECRETO", "CTS"}, {"ES", "RESERVADO", "NS"}, {"IT", "RISERVATO", "NR"}, {"IT", "RISERVATISSIMO", "NC"},
		{"DK", "YDERST HEMMELIGT", "CTS"}, {"EE", "PIIRATUD", "NR"}, {"RO", "SECRET DE SERVICIU", "NR"}, {"RO", "SECRET", "NC"},
	} {
		o := tab.Map(level(t, tab, c.country, c.label, now), "nato", now)
		if o.Kind != mapping.Mapped || o.To.Code != c.least {
			t.Errorf("%s %s: %s %s, want %s", c.country, c.label, o.Kind, o.To.Code, c.least)
		}
	}
	if o := tab.Map(level(t, tab, "NZ", "RESTRICTED", now), "nato", now); o.Kind != mapping.Refused {
		t.Errorf("NZ RESTRICTED: %s, no table relates it", o.Kind)
	}
	if _, _, err := tab.Resolve("US", "RESTRICTED", now); err == nil {
		t.Error("the United States have no RESTRICTED")
	}
}
