package translate_test

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/entente-relay/entente/translate"
	"github.com/entente-relay/entente/translate/language"
)

// name is a concept of a galaxy: a value and its synonyms.
func name(kind translate.Kind, id, value string, synonyms ...string) translate.Concept {
	c := translate.Concept{ID: id, Kind: kind, Term: value, Language: translate.Undetermined, Source: "test", Where: "g.json:1"}
	for _, s := range synonyms {
		c.Labels = append(c.Labels, translate.Label{
			Text: s, Language: translate.Undetermined, Rank: translate.Alternative, Relation: translate.Close, Source: "test", Where: "g.json:1",
		})
	}
	return c
}

// incident is a concept of a taxonomy with labels given as language:text.
func incident(tag string, labels ...string) translate.Concept {
	c := translate.Concept{ID: tag, Kind: translate.Incident, Short: translate.ShortForms(tag), Source: "test", Where: "t.csv:1"}
	for _, l := range labels {
		lang, text, _ := strings.Cut(l, ":")
		c.Labels = append(c.Labels, translate.Label{Text: text, Language: lang, Relation: translate.Exact, Source: "test", Where: "t.csv:2"})
	}
	return c
}

func newDictionary(t testing.TB, vs ...translate.Vocabulary) *translate.Dictionary {
	t.Helper()
	d, err := translate.New(vs, language.Rules{})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// short prints candidates as term/language/scheme/relation.
func short(cs []translate.Candidate) string {
	out := make([]string, len(cs))
	for i, c := range cs {
		out[i] = fmt.Sprintf("%s/%s/%s/%s", c.Term, c.Language, c.Scheme, c.Relation)
	}
	return strings.Join(out, " ")
}

// world is a small set of vocabularies with the traps of real ones.
func world(t testing.TB) *translate.Dictionary {
	rsit := translate.Vocabulary{Scheme: "rsit", Version: "1003", File: "rsit.csv", Concepts: []translate.Concept{
		incident(`rsit:fraud="phishing"`, "en:Phishing", "ja:フィッシング", "pt:Phishing"),
		incident(`rsit:intrusion-attempts="brute-force"`, "en:Login Attempts", "de:Anmeldeversuche"),
		incident(`rsit:malicious-code="infected-system"`, "en:Infected System", "de:Infiziertes System"),
		incident(`rsit:other="other"`, "en:Uncategorised"), incident("rsit:other", "en:Other"),
	}}
	rsit.Concepts[2].Labels = append(rsit.Concepts[2].Labels, translate.Label{
		Text: "Erpressungstrojaner", Language: "de", Rank: translate.Hidden, Relation: translate.Broad, Source: "test", Where: "f.csv:7",
	})
	third := translate.Vocabulary{Scheme: "third", Version: "1", File: "n.csv", Concepts: []translate.Concept{
		incident("third:infected", "fr:Système infecté", "fr-CA:Poste infecté"),
	}, Mappings: []translate.Mapping{
		row("rsit", `rsit:malicious-code="infected-system"`, "third", "third:infected", translate.Exact),
	}}
	actors := translate.Vocabulary{Scheme: "threat-actor", Version: "349", File: "g.json", Concepts: []translate.Concept{
		name(translate.Actor, "1", "CHRYSENE", "OilRig", "Greenbug"), name(translate.Actor, "2", "OilRig", "APT34"),
		name(translate.Actor, "3", "APT28", "GRIZZLY STEPPE"), name(translate.Actor, "4", "APT29", "GRIZZLY STEPPE"),
		name(translate.Actor, "5", "Carbanak"),
	}}
	malware := translate.Vocabulary{Scheme: "malpedia", Version: "7", File: "m.json", Concepts: []translate.Concept{
		name(translate.Malware, "a", "Carbanak", "Anunak"), name(translate.Malware, "b", "Cobalt Strike"),
	}}
	feeds := translate.Vocabulary{Scheme: "feed", File: "m.csv", Mappings: []translate.Mapping{
		row("feed", "logins", "rsit", `rsit:intrusion-attempts="brute-force"`, translate.Exact),
		row("feed", "dial-up fraud", "rsit", "", translate.None),
		row("feed", "bot", "rsit", `rsit:malicious-code="infected-system"`, translate.Broad),
		row("other-feed", "login", "feed", "logins", translate.Exact),
	}}
	return newDictionary(t, rsit, actors, malware, feeds, third)
}

// row is a mapping between incident words.
func row(fromScheme, from, toScheme, to string, r translate.Relation) translate.Mapping {
	return translate.Mapping{
		From: translate.Ref{Scheme: fromScheme, ID: from, Kind: translate.Incident}, Relation: r, Source: "test", Where: "m.csv:3",
		To: translate.Ref{Scheme: toScheme, ID: to, Kind: translate.Incident},
	}
}

func TestLookup(t *testing.T) {
	d := world(t)
	tests := []struct {
		why, term string
		kind      translate.Kind
		to, want  string
	}{
		{"a label to another language", "phishing", translate.Incident, "ja", "フィッシング/ja/rsit/exact"},
		{"and back, half width", "ﾌｨｯｼﾝｸﾞ", translate.Incident, "en", "Phishing/en/rsit/exact"},
		{"a machine tag", `rsit:fraud="phishing"`, translate.Incident, "ja", "フィッシング/ja/rsit/exact"},
		{"the short tag that producers write", "RSIT:phishing", translate.Incident, "ja", "フィッシング/ja/rsit/exact"},
		{"a label to its machine value", "Anmeldeversuche", translate.Incident, "rsit", `rsit:intrusion-attempts="brute-force"/zxx/rsit/exact`},
		{"another region", "phishing", translate.Incident, "pt-BR", "Phishing/pt/rsit/exact"},
		{"a language nobody has labels in", "phishing", translate.Incident, "uk", ""},
		{"the scheme in any case", "phishing", translate.Incident, "RSIT", `rsit:fraud="phishing"/zxx/rsit/exact`},
		{"predicate and value share a word", "other", translate.Incident, "rsit", `rsit:other="other"/zxx/rsit/exact rsit:other/zxx/rsit/exact`},
		{"a predicate tag is the predicate", "rsit:other", translate.Incident, "rsit", "rsit:other/zxx/rsit/exact"},
		{"a hidden word is understood", "Erpressungstrojaner", translate.Incident, "en", "Infected System/en/rsit/broad"},
		{"and never offered", "Infected System", translate.Incident, "de", "Infiziertes System/de/rsit/exact"},
		{"a word that only resembles is not mapped on", "Erpressungstrojaner", translate.Incident, "third", ""},
		{"nor to the labels there", "Erpressungstrojaner", translate.Incident, "fr", ""},
		{"the concept's own word is", "Infected System", translate.Incident, "fr", "Système infecté/fr/third/exact"},
		{"one language a concept, the best", "third:infected", translate.Incident, "fr-CA", "Poste infecté/fr-CA/third/exact"},
		{"a mapping", "logins", translate.Incident, "rsit", `rsit:intrusion-attempts="brute-force"/zxx/rsit/exact`},
		{"a mapping, then the label of its target", "logins", translate.Incident, "de", "Anmeldeversuche/de/rsit/exact"},
		{"a broad mapping keeps its relation", "bot", translate.Incident, "de", "Infiziertes System/de/rsit/broad"},
		{"an exact mapping backwards", `rsit:intrusion-attempts="brute-force"`, translate.Incident, "feed", "logins/zxx/feed/exact"},
		{"a broad one never", `rsit:malicious-code="infected-system"`, translate.Incident, "feed", ""},
		{"nor where exact ones are", "third:infected", translate.Incident, "rsit", `rsit:malicious-code="infected-system"/zxx/rsit/exact`},
		{"two exact mappings are not chained", "login", translate.Incident, "rsit", ""},
		{"nor to a label", "login", translate.Incident, "de", ""},
		{"no counterpart is an answer", "dial-up fraud", translate.Incident, "rsit", "/zxx/rsit/none"},
		{"to a vocabulary only", "dial-up fraud", translate.Incident, "de", ""},
		{"the value before the synonym", "oilrig", translate.Actor, "threat-actor", "OilRig/und/threat-actor/exact APT34/und/threat-actor/close CHRYSENE/und/threat-actor/close"},
		{"every cluster of an alias", "Grizzly Steppe", translate.Actor, "en", "APT28/und/threat-actor/close APT29/und/threat-actor/close"},
		{"alias to alias is not said", "Greenbug", translate.Actor, "de", "CHRYSENE/und/threat-actor/close"},
		{"the kind is part of the key", "Carbanak", translate.Actor, "malpedia", ""},
		{"for both kinds", "Carbanak", translate.Malware, "malpedia", "Carbanak/und/malpedia/exact Anunak/und/malpedia/close"},
		{"unknown", "Nimbus Crab", translate.Actor, "de", ""},
		{"not a term", "APT28\u200b", translate.Actor, "de", ""},
		{"unknown target", "phishing", translate.Incident, "nowhere", ""},
		{"no part of a longer text", "phishing attack", translate.Incident, "ja", ""},
		{"second key answers nothing", "Cobalt-Strike", translate.Malware, "malpedia", ""},
	}
	for _, tt := range tests {
		if got := short(d.Lookup(tt.term, tt.kind, tt.to)); got != tt.want {
			t.Errorf("%s: %s (%s) to %s:\n got %s\nwant %s", tt.why, tt.term, tt.kind, tt.to, got, tt.want)
		}
	}
}

func TestAnswer(t *testing.T) {
	d := world(t)
	a, err := d.Answer("cobalt-strike", translate.Malware, "de")
	want := translate.Answer{Term: "cobalt-strike", Candidates: []translate.Candidate{}, Suggestions: []translate.Suggestion{{Term: "Cobalt Strike", Scheme: "malpedia", Version: "7"}}}
	if err != nil || !reflect.DeepEqual(a, want) {
		t.Errorf("got %+v, %v", a, err)
	}
	if a, err := d.Answer("phishing", translate.Incident, "ja"); err != nil || len(a.Candidates) != 1 || a.Suggestions != nil {
		t.Errorf("got %+v, %v", a, err)
	}
	for name, bad := range map[string][3]string{
		"kind":   {"x", "colour", "de"},
		"term":   {"\u202e", "actor", "de"},
		"target": {"x", "actor", "jp"},
	} {
		if a, err := d.Answer(bad[0], translate.Kind(bad[1]), bad[2]); err == nil {
			t.Errorf("%s: answered %+v", name, a)
		}
	}
	_, err = d.Answer("x", translate.Actor, "nowhere")
	if err == nil || !strings.Contains(err.Error(), "malpedia") {
		t.Errorf("the error does not list the vocabularies: %v", err)
	}
}

func TestAnnotate(t *testing.T) {
	d := world(t)
	terms := []translate.Term{
		{Path: "labels.[0]", Text: " Phishing\u3000", Language: "de", Kind: translate.Incident},
		{Path: "labels.[1]", Text: "bez znaczenia", Language: "pl", Kind: translate.Incident},
		{Path: "name", Text: "a\x00b\xff", Kind: translate.Malware},
	}
	got, err := d.Annotate(terms, "ja")
	if err != nil || len(got) != len(terms) {
		t.Fatalf("%d annotations, %v", len(got), err)
	}
	for i, a := range got {
		if a.Original != terms[i].Text || a.Path != terms[i].Path || a.Language != terms[i].Language || a.Kind != terms[i].Kind || a.Candidates == nil {
			t.Errorf("term %d came back as %+v", i, a)
		}
	}
	if short(got[0].Candidates) != "フィッシング/ja/rsit/exact" || len(got[1].Candidates)+len(got[2].Candidates) != 0 {
		t.Errorf("candidates: %v", got)
	}
	if _, err := d.Annotate(terms, "jp"); err == nil {
		t.Error("a country was taken for a language")
	}
}

// TestNeverChains compares the dictionary with what single statements say, on
// random tables: a chain of two would show as a candidate too many.
func TestNeverChains(t *testing.T) {
	relations := rapid.SampledFrom([]translate.Relation{translate.Exact, translate.Close, translate.Broad, translate.Narrow})
	scheme := rapid.SampledFrom([]string{"one", "two", "three"})
	id := rapid.SampledFrom([]string{"a", "b", "c"})
	rapid.Check(t, func(rt *rapid.T) {
		var rows []translate.Mapping
		for range rapid.IntRange(1, 12).Draw(rt, "rows") {
			rows = append(rows, row(scheme.Draw(rt, "s"), id.Draw(rt, "a"), scheme.Draw(rt, "t"), id.Draw(rt, "b"), relations.Draw(rt, "r")))
		}
		d, err := translate.New([]translate.Vocabulary{{Scheme: "one", Mappings: rows}}, language.Rules{})
		if err != nil {
			rt.Fatal(err)
		}
		term, to := id.Draw(rt, "term"), scheme.Draw(rt, "to")
		var got []string
		for _, c := range d.Lookup(term, translate.Incident, to) {
			got = append(got, c.Term+" "+string(c.Relation))
		}
		slices.Sort(got)
		if want := stated(rows, term, to); !slices.Equal(got, want) {
			rt.Fatalf("%s to %s: got %v, stated %v", term, to, got, want)
		}
	})
}

// stated lists what single rows say of a word towards a scheme.
func stated(rows []translate.Mapping, term, to string) []string {
	var want []string
	for _, m := range rows {
		for _, end := range []translate.Ref{m.From, m.To} {
			if end.ID == term && end.Scheme == to {
				want = append(want, term+" exact")
			}
		}
		if m.From.ID == term && m.To.Scheme == to {
			want = append(want, m.To.ID+" "+string(m.Relation))
		}
		if m.To.ID == term && m.From.Scheme == to && m.Relation == translate.Exact {
			want = append(want, m.From.ID+" exact")
		}
	}
	slices.Sort(want)
	return slices.Compact(want)
}

func TestOrderIsFixed(t *testing.T) {
	want := ""
	for range 20 {
		d := world(t)
		got := short(d.Lookup("oilrig", translate.Actor, "en")) + short(d.Lookup("rsit:other", translate.Incident, "en")) + d.Digest()
		if want = cmp.Or(want, got); got != want {
			t.Fatalf("another order: %s, then %s", want, got)
		}
	}
}

func TestPrecedenceIsTheOrderOfVocabularies(t *testing.T) {
	own := translate.Vocabulary{Scheme: "rsit", Version: "1003-own", Concepts: []translate.Concept{incident(`rsit:fraud="phishing"`, "de:Angeln")}}
	theirs := translate.Vocabulary{Scheme: "rsit", Version: "1003", Concepts: []translate.Concept{incident(`rsit:fraud="phishing"`, "de:Phishing")}}
	for _, tt := range []struct {
		vs   []translate.Vocabulary
		want string
	}{
		{[]translate.Vocabulary{own, theirs}, "Angeln/de/rsit/exact Phishing/de/rsit/exact"},
		{[]translate.Vocabulary{theirs, own}, "Phishing/de/rsit/exact Angeln/de/rsit/exact"},
	} {
		if got := short(newDictionary(t, tt.vs...).Lookup("rsit:phishing", translate.Incident, "de")); got != tt.want {
			t.Errorf("got %s, want %s", got, tt.want)
		}
	}
}

func TestNewNamesEveryFault(t *testing.T) {
	bad := translate.Vocabulary{Scheme: "x", Version: "1", File: "x.csv", Concepts: []translate.Concept{
		{ID: "ok", Kind: translate.Incident, Where: "x.csv:2"},
		{ID: "hidden\u200b", Kind: translate.Incident, Where: "x.csv:3"},
		{ID: "kindless", Where: "x.csv:4"},
		{ID: "ok", Kind: translate.Actor, Where: "x.csv:5"},
		{ID: "l", Kind: translate.Incident, Where: "x.csv:6", Labels: []translate.Label{
			{Text: "t", Language: "German", Relation: translate.Exact, Where: "x.csv:7"}, {Text: "t", Language: "de", Where: "x.csv:8"},
		}},
		{Kind: translate.Incident, Where: "x.csv:9"},
	}, Mappings: []translate.Mapping{
		{From: translate.Ref{Scheme: "x", Version: "1", ID: "nobody"}, Relation: translate.Exact, Where: "x.csv:10"},
		{From: translate.Ref{Scheme: "x", ID: "ok"}, Relation: "same", Where: "x.csv:11"},
	}}
	_, err := translate.New([]translate.Vocabulary{bad, {File: "y.csv"}}, language.Rules{})
	if err == nil {
		t.Fatal("everything was accepted")
	}
	for line := 3; line <= 11; line++ {
		if line != 6 && !strings.Contains(err.Error(), fmt.Sprintf("x.csv:%d: ", line)) {
			t.Errorf("line %d is not named in:\n%v", line, err)
		}
	}
	if !strings.Contains(err.Error(), "y.csv: ") {
		t.Errorf("the file without scheme is not named in:\n%v", err)
	}
}

func TestConcurrentUse(t *testing.T) {
	d := world(t)
	want := short(d.Lookup("oilrig", translate.Actor, "de-AT"))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				if got := short(d.Lookup("oilrig", translate.Actor, "de-AT")); got != want {
					t.Errorf("got %s, want %s", got, want)
				}
			}
		})
	}
	wg.Wait()
}

func TestAnswersAreCopies(t *testing.T) {
	d := world(t)
	d.Lookup("phishing", translate.Incident, "ja")[0].Term = "changed"
	d.Vocabularies()[0].Scheme = "changed"
	if got := short(d.Lookup("phishing", translate.Incident, "ja")); got != "フィッシング/ja/rsit/exact" || d.Vocabularies()[0].Scheme != "rsit" {
		t.Errorf("a caller changed the dictionary: %s", got)
	}
}

func TestShortForms(t *testing.T) {
	for tag, want := range map[string][]string{
		`rsit:fraud="phishing"`: {"phishing", "rsit:phishing"}, "rsit:fraud": {"fraud"}, `rsit:test="test"`: {"test"},
		"phishing": nil, "x:": nil, `veris:action:malware:variety="Worm"`: {"Worm", "veris:Worm"}, `a:b="c`: {`b="c`},
	} {
		if got := translate.ShortForms(tag); !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", tag, got, want)
		}
	}
}

func BenchmarkLookup(b *testing.B) {
	d := world(b)
	for _, bb := range []struct {
		name, term string
		kind       translate.Kind
		to         string
	}{
		{"hit", "Phishing", translate.Incident, "ja"}, {"hit-japanese", "フィッシング", translate.Incident, "en"},
		{"hit-region", "Phishing", translate.Incident, "ja-JP"}, {"hit-actor", "OilRig", translate.Actor, "de"},
		{"hit-vocabulary", "Anmeldeversuche", translate.Incident, "rsit"}, {"miss", "nothing of ours", translate.Incident, "de"},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				d.Lookup(bb.term, bb.kind, bb.to)
			}
		})
	}
}

func BenchmarkAnnotate(b *testing.B) {
	d := world(b)
	terms := []translate.Term{
		{Path: "labels.[0]", Text: "Phishing", Kind: translate.Incident}, {Path: "labels.[1]", Text: "unbekannt", Kind: translate.Incident},
		{Path: "name", Text: "Carbanak", Kind: translate.Malware}, {Path: "labels.[2]", Text: "フィッシング", Kind: translate.Incident},
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.Annotate(terms, "ja"); err != nil {
			b.Fatal(err)
		}
	}
}
