package vocab_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/entente-relay/entente/translate"
	"github.com/entente-relay/entente/translate/language"
	"github.com/entente-relay/entente/translate/vocab"
)

// folder makes a folder of files given as name, content.
func folder(files ...string) fstest.MapFS {
	f := fstest.MapFS{}
	for i := 0; i < len(files); i += 2 {
		f[files[i]] = &fstest.MapFile{Data: []byte(files[i+1])}
	}
	return f
}

// short prints candidates as term/language/relation.
func short(cs []translate.Candidate) string {
	out := make([]string, len(cs))
	for i, c := range cs {
		out[i] = fmt.Sprintf("%s/%s/%s", c.Term, c.Language, c.Relation)
	}
	return strings.Join(out, " ")
}

const (
	galaxy = `{
  "category": "actor", "name": "Actors", "source": "Own", "type": "own-actors", "version": 3, "authors": ["x"], "uuid": "u",
  "values": [
    {"value": " Fancy Bear", "uuid": "1", "meta": {"synonyms": ["Sofacy", "Sofacy", "Pawn: Storm"], "country": "ZZ", "name-attribution": ["Pawn: Storm:p1", "nobody"]}},
    {"value": "Old", "uuid": "2", "revoked": true},
    {"value": "Bare", "description": "no meta"},
    {"value": "Composed - G0001", "uuid": "5", "meta": {"synonyms": ["Composed", "Other"]}},
    {"value": "Null", "uuid": "4", "meta": {"synonyms": null, "external_id": "G9999"}, "related": [{"dest-uuid": "1", "type": "similar"}]}
  ]
}`
	producers = `{"type": "producer", "version": 1, "category": "actor", "values": [{"value": "Trend", "uuid": "p1"}]}`
	tags      = `{"namespace": "own", "expanded": "Own list", "version": 7,
  "predicates": [{"value": "fraud", "expanded": "Fraud"}, {"value": "a:b", "expanded": "With colon"}],
  "values": [{"predicate": "fraud", "entry": [{"value": "phishing", "expanded": "Phishing"}, {"value": "scam"}]}]}`
	terms    = "scheme,version,kind,notation,language,term,source\n"
	mappings = "kind,from_scheme,from,to_scheme,to,relation,source\n"
)

func TestGalaxy(t *testing.T) {
	d, err := vocab.Load(folder("a.json", galaxy, "producer.json", producers))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ term, want string }{
		{"fancy bear", " Fancy Bear/und/exact Sofacy/und/close Pawn: Storm/und/close"},
		{"Sofacy", " Fancy Bear/und/close"}, {"Bare", "Bare/und/exact"}, {"G9999", "Null/und/exact"}, {"Old", ""},
		{"composed", "Composed - G0001/und/exact Other/und/close"}, {"G0001", "Composed - G0001/und/exact Other/und/close"},
	} {
		if got := short(d.Lookup(tt.term, translate.Actor, "own-actors")); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.term, got, tt.want)
		}
	}
	c := d.Lookup("fancy bear", translate.Actor, "de")[2]
	if c.Source != "galaxy own-actors (Own); used by Trend" || c.Version != "3" || c.Where != "a.json:4" {
		t.Errorf("the synonym says %+v", c)
	}
	info := d.Vocabularies()
	if len(info) != 1 || info[0].Name != "Actors" || info[0].Concepts != 4 || !strings.HasPrefix(info[0].Digest, "sha256:") || info[0].File != "a.json" {
		t.Errorf("vocabularies: %+v", info)
	}
}

func TestMachinetag(t *testing.T) {
	d, err := vocab.Load(folder("t.json", tags, vocab.ManifestFile, "ver: 1\nfiles:\n  - {file: t.json, kind: incident, name: Mine, licence: CC0, language: en-GB}\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ term, to, want string }{
		{"Phishing", "own", `own:fraud="phishing"/zxx/exact`}, {`own:fraud="phishing"`, "en", "Phishing/en-GB/exact"},
		{"scam", "own", `own:fraud="scam"/zxx/exact`}, {"scam", "en", ""}, {"own:a:b", "en", "With colon/en-GB/exact"},
	} {
		if got := short(d.Lookup(tt.term, translate.Incident, tt.to)); got != tt.want {
			t.Errorf("%s to %s: got %s, want %s", tt.term, tt.to, got, tt.want)
		}
	}
	if i := d.Vocabularies()[0]; i.Name != "Mine" || i.Licence != "CC0" || i.Version != "7" {
		t.Errorf("vocabulary: %+v", i)
	}
}

func TestTables(t *testing.T) {
	for name, file := range map[string]string{
		"plain":         "scheme,version,kind,notation,language,term,source\nx,1,incident,x:a,de,Wort,own\n",
		"byte order":    "\ufeffscheme,version,kind,notation,language,term,source\r\nx,1,incident,x:a,de,Wort,own\r\n",
		"semicolons":    "\ufeffsep=;\r\nterm;scheme;version;kind;notation;language;source\r\n\"Wort\";x;1;incident;x:a;de;\"own, really\"\r\n",
		"tabs":          "scheme\tversion\tkind\tnotation\tlanguage\tterm\tsource\trank\nx\t1\tincident\tx:a\tde\tWort\town\tpreferred\n",
		"capitals":      "Scheme, Version ,KIND,notation,language,term,source\n x , 1 , incident , x:a , de , Wort , own \n",
		"without break": "scheme,version,kind,notation,language,term,source\nx,1,incident,x:a,de,Wort,own",
	} {
		d, err := vocab.Load(folder("w.csv", file))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := short(d.Lookup("x:a", translate.Incident, "de")); got != "Wort/de/exact" {
			t.Errorf("%s: got %s", name, got)
		}
	}
}

func TestMappingTable(t *testing.T) {
	d, err := vocab.Load(folder("m.csv", mappings+
		"confidence,stix,40..59,wep,Even Chance,broad,own\nconfidence,stix,60,wep,Likely,broad,own\n"+
		"incident,a,word,b,,none,own\nincident,a,1..2,b,x,exact,own\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		term string
		kind translate.Kind
		to   string
		want string
	}{
		{"40", translate.Confidence, "wep", "Even Chance/zxx/broad"}, {"59", translate.Confidence, "wep", "Even Chance/zxx/broad"},
		{"60", translate.Confidence, "wep", "Likely/zxx/broad"}, {"39", translate.Confidence, "wep", ""}, {"even chance", translate.Confidence, "stix", ""},
		{"word", translate.Incident, "b", "/zxx/none"}, {"1..2", translate.Incident, "b", "x/zxx/exact"}, {"x", translate.Incident, "a", "1..2/zxx/exact"},
	} {
		if got := short(d.Lookup(tt.term, tt.kind, tt.to)); got != tt.want {
			t.Errorf("%s to %s: got %s, want %s", tt.term, tt.to, got, tt.want)
		}
	}
}

func TestFoldersAndPrecedence(t *testing.T) {
	own := folder("z.csv", terms+"x,1,incident,x:a,de,Zett,own\n", "a.csv", terms+"x,1,incident,x:a,de,Aa,own\n", "README.md", "ignored", "LICENSE", "ignored", ".hidden.csv", "ignored")
	shipped := folder("a.csv", terms+"x,1,incident,x:a,de,Geliefert,own\n")
	order := folder("z.csv", string(own["z.csv"].Data), "a.csv", string(own["a.csv"].Data), vocab.ManifestFile, "ver: 1\nfiles: [{file: z.csv}]\n")
	for _, tt := range []struct {
		folders []fs.FS
		want    string
	}{
		{[]fs.FS{own, shipped}, "Aa/de/exact Zett/de/exact Geliefert/de/exact"},
		{[]fs.FS{shipped, own}, "Geliefert/de/exact Aa/de/exact Zett/de/exact"},
		{[]fs.FS{order}, "Zett/de/exact Aa/de/exact"},
	} {
		d, err := vocab.Options{}.Load(tt.folders...)
		if err != nil {
			t.Fatal(err)
		}
		if got := short(d.Lookup("x:a", translate.Incident, "de")); got != tt.want {
			t.Errorf("got %s, want %s", got, tt.want)
		}
	}
}

func TestFallbacksReachTheDictionary(t *testing.T) {
	o := vocab.Options{Rules: language.Rules{Fallbacks: map[string][]string{"uk": {"en"}}}}
	d, err := o.Load(folder("w.csv", terms+"x,1,incident,x:a,en,Word,own\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got := short(d.Lookup("x:a", translate.Incident, "uk")); got != "Word/en/exact" {
		t.Errorf("got %s", got)
	}
}

// TestBadFiles is the list of what people get wrong. Each must be named with
// file, line and a word that tells what it is.
func TestBadFiles(t *testing.T) {
	values := func(v string) string { return `{"type":"g","version":1,"category":"tool","values":[` + v + `]}` }
	term := func(row string) string { return terms + row + "\n" }
	full := "scheme,version,kind,notation,language,term,source,rank,relation\n"
	for _, tt := range []struct{ name, file, content, want string }{
		{"not JSON", "g.json", "{", "g.json:1: not JSON"},
		{"no object", "g.json", "[1]", "g.json:1: not a JSON object"},
		{"empty", "g.json", "", "g.json:1: not a JSON object"},
		{"duplicate name", "g.json", "{\"type\":\"g\",\n\"type\":\"g\"}", "g.json:2: not JSON: "},
		{"duplicate name inside", "g.json", values("{\"value\":\"a\",\n\"meta\":{\"x\":1,\"x\":2}}"), "g.json:2: not JSON: duplicate"},
		{"bad UTF-8", "g.json", values("{\"value\":\"a\xff\"}"), "not JSON: "},
		{"two objects", "g.json", values(`{"value":"a"}`) + "\n{}", "g.json:2: data after"},
		{"no galaxy", "g.json", `{"objects":[]}`, "g.json: neither a MISP galaxy"},
		{"values no list", "g.json", `{"type":"g","version":1,"category":"tool","values":{}}`, "values is missing or no list"},
		{"version no number", "g.json", `{"type":"g","version":"1","category":"tool","values":[]}`, "version is missing or no number"},
		{"no type", "g.json", `{"version":1,"category":"tool","values":[]}`, "type is missing"},
		{"kind unknown", "g.json", `{"type":"g","version":1,"category":"sector","values":[]}`, "state the kind"},
		{"cluster is a string", "g.json", values("\n\n\"a\""), "g.json:3: entry of values"},
		{"value is a number", "g.json", values("{\"uuid\":\"1\",\n\"value\":7}"), "g.json:2: entry of values is not as it should be: /value"},
		{"synonyms a string", "g.json", values(`{"value":"a","meta":{"synonyms":"b"}}`), "g.json:1: entry of values"},
		{"no value", "g.json", values("\n{\"uuid\":\"1\"}"), "g.json:2: a cluster without value"},
		{"same uuid", "g.json", values("{\"value\":\"a\",\"uuid\":\"1\"},\n{\"value\":\"b\",\"uuid\":\"1\"}"), "g.json:2: 1 stands already in line 1"},
		{"hidden character", "g.json", values("\n{\"value\":\"a\u202eb\"}"), "g.json:2: term"},
		{"an address as a name", "g.json", values("\n{\"value\":\"a\",\"meta\":{\"synonyms\":[\"192.0.2.1\"]}}"), `g.json:2: "192.0.2.1" is an indicator`},
		{"namespace no string", "t.json", `{"namespace":1,"version":1,"predicates":[]}`, "namespace is no string"},
		{"markings", "t.json", `{"namespace":"tlp","version":1,"predicates":[]}`, "tlp holds markings"},
		{"kind of namespace", "t.json", `{"namespace":"zoo","version":1,"predicates":[]}`, "it is not known of what kind"},
		{"no predicate", "t.json", `{"namespace":"rsit","version":1,"predicates":[],` + "\n" + `"values":[{"predicate":"x","entry":[]}]}`, "t.json:2: values of \"x\""},
		{"no value in entry", "t.json", `{"namespace":"rsit","version":1,"predicates":[{"value":"x"}],` + "\n" + `"values":[{"predicate":"x","entry":[{"expanded":"y"}]}]}`, "t.json:2: an entry without"},
		{"quote in value", "t.json", `{"namespace":"rsit","version":1,"predicates":[{"value":"x\"y"}]}`, "an entry without a usable value"},
		{"tag twice", "t.json", `{"namespace":"rsit","version":1,"predicates":[{"value":"x"},` + "\n" + `{"value":"x"}]}`, "t.json:2: rsit:x stands already in line 1"},
		{"label of a marking", "t.json", `{"namespace":"rsit","version":1,"predicates":[{"value":"x","expanded":"TLP:RED"}]}`, `"TLP:RED" is an indicator or label`},
		{"no header", "w.csv", "", "w.csv:1: no header"},
		{"unknown column", "w.csv", "scheme,version,kind,notation,language,term,source,colour\n", `w.csv:1: unknown column "colour"`},
		{"missing column", "w.csv", "scheme,kind,notation,language,term,source\n", `w.csv:1: no column "version"`},
		{"column twice", "w.csv", "scheme,version,kind,notation,language,term,source,term\n", `w.csv:1: column "term" stands twice`},
		{"too few cells", "w.csv", terms + "x,1,incident\n", "w.csv:2: wrong number of fields"},
		{"open quote", "w.csv", term(`x,1,incident,x:a,de,"open,own`), "w.csv:"},
		{"formula", "w.csv", term("x,1,incident,x:a,de,=cmd|' /C calc'!A0,own"), `w.csv:2: the cell of column "term" begins with "="`},
		{"formula at", "w.csv", term("x,1,incident,x:a,de,@SUM(1),own"), "begins with"},
		{"formula with blank", "w.csv", term(`x,1,incident,x:a,de," +1",own`), "begins with"},
		{"UTF-16", "w.csv", "\xff\xfes\x00", "w.csv:1: UTF-16: save the file as UTF-8"},
		{"Latin-1", "w.csv", terms + "x,1,incident,x:a,de,M\xfcll,own\n", "w.csv:2: byte 0xfc is not UTF-8"},
		{"no scheme", "w.csv", term(",1,incident,x:a,de,Wort,own"), "w.csv:2: scheme, version or notation is empty"},
		{"no source", "w.csv", term("x,1,incident,x:a,de,Wort,"), "w.csv:2: source is empty"},
		{"no language", "w.csv", term("x,1,incident,x:a,,Wort,own"), "w.csv:2: a term needs a language"},
		{"a country", "w.csv", term("x,1,incident,x:a,jp,Wort,own"), `w.csv:2: "jp" is no BCP 47 language tag`},
		{"a kind", "w.csv", term("x,1,colour,x:a,de,Wort,own"), `unknown kind "colour"`},
		{"two kinds", "w.csv", term("x,1,incident,x:a,de,Wort,own\nx,1,actor,x:a,en,word,own"), "w.csv:3: x:a is actor here and incident above"},
		{"a rank", "w.csv", full + "x,1,incident,x:a,de,Wort,own,best,\n", `w.csv:2: unknown rank "best"`},
		{"a relation", "w.csv", full + "x,1,incident,x:a,de,Wort,own,,same\n", `w.csv:2: unknown relation "same"`},
		{"relation none", "w.csv", full + "x,1,incident,x:a,de,Wort,own,,none\n", "needs a relation to its concept"},
		{"an indicator", "w.csv", term("x,1,text,x:a,de,https://evil.example/,own"), "w.csv:2: \"https://evil.example/\" is an indicator"},
		{"a label", "w.csv", term("x,1,text,TLP:RED,fr,TLP:ROUGE,own"), "w.csv:2: \"TLP:RED\" is an indicator or label (marking)"},
		{"mapping without end", "m.csv", mappings + "incident,a,x,,y,exact,own\n", "m.csv:2: from_scheme, from, to_scheme or source is empty"},
		{"mapping relation", "m.csv", mappings + "incident,a,x,b,y,near,own\n", `m.csv:2: unknown relation "near"`},
		{"none with target", "m.csv", mappings + "incident,a,x,b,y,none,own\n", "m.csv:2: a row has a target or the relation none"},
		{"exact without", "m.csv", mappings + "incident,a,x,b,,exact,own\n", "m.csv:2: a row has a target or the relation none"},
		{"range", "m.csv", mappings + "confidence,a,5..4,b,y,broad,own\n", `m.csv:2: "5..4" is no range`},
		{"huge range", "m.csv", mappings + "confidence,a,0..999999999,b,y,broad,own\n", "is no range"},
		{"format", "x.tbx", "<tbx/>", "x.tbx: format .tbx is not read"},
		{"manifest key", vocab.ManifestFile, "ver: 1\nfils: []\n", "vocabularies.yaml: [2:1]"},
		{"manifest tag", vocab.ManifestFile, "ver: 1\nfiles: !!seq\n", "vocabularies.yaml: cannot be read as YAML"},
		{"manifest version", vocab.ManifestFile, "ver: 2\n", "ver is 2, this build reads 1"},
		{"manifest without version", vocab.ManifestFile, "files: []\n", "ver is 0"},
		{"manifest twice", vocab.ManifestFile, "ver: 1\nfiles: [{file: a.csv}, {file: a.csv}]\n", "names a.csv twice"},
		{"manifest kind", vocab.ManifestFile, "ver: 1\nfiles: [{file: a.csv, kind: colour}]\n", "unknown kind"},
		{"manifest file", vocab.ManifestFile, "ver: 1\nfiles: [{file: gone.csv}]\n", "gone.csv: cannot be opened"},
		{"manifest path", vocab.ManifestFile, "ver: 1\nfiles: [{file: ../../etc/passwd}]\n", "cannot be opened"},
	} {
		d, err := vocab.Load(folder(tt.file, tt.content))
		if err == nil {
			t.Errorf("%s: loaded %+v", tt.name, d.Vocabularies())
			continue
		}
		if !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %q does not say %q", tt.name, err, tt.want)
		}
	}
}

func TestEveryFaultIsListed(t *testing.T) {
	_, err := vocab.Load(folder("a.csv", terms+"x,1,incident,x:a,de,=1,own\nx,1,incident,x:b,de,,own\n", "b.json", "[]", "c.json", galaxy[:40]))
	for _, want := range []string{"a.csv:2", "a.csv:3", "b.json:1", "c.json:2"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s is not named: %v", want, err)
		}
	}
	many := terms + strings.Repeat("x,1,incident,x:a,de,=1,own\n", 10_000)
	if _, err := vocab.Load(folder("a.csv", many)); err == nil || strings.Count(err.Error(), "\n") > 100 {
		t.Errorf("a report of %d lines", strings.Count(err.Error(), "\n"))
	}
}

func TestLimits(t *testing.T) {
	big := folder("a.csv", terms+"x,1,incident,x:a,de,Wort,own\nx,1,incident,x:b,de,Wort,own\n")
	values := make([]string, 5)
	for i := range values {
		values[i] = fmt.Sprintf(`{"value":"v%d"}`, i)
	}
	for name, tt := range map[string]struct {
		limits vocab.Limits
		fsys   fs.FS
		want   string
	}{
		"file":      {vocab.Limits{FileBytes: 50}, big, "a.csv: over 50 bytes"},
		"total":     {vocab.Limits{TotalBytes: 50}, big, "all files together are over 50 bytes"},
		"rows":      {vocab.Limits{Entries: 1}, big, "a.csv:3: over 1 rows"},
		"clusters":  {vocab.Limits{Entries: 4}, folder("g.json", `{"type":"g","version":1,"category":"tool","values":[`+strings.Join(values, ",\n")+`]}`), "g.json:5: too many entries"},
		"term":      {vocab.Limits{}, folder("a.csv", terms+"x,1,incident,x:a,de,"+strings.Repeat("w", 1025)+",own\n"), "1025 bytes, the limit is 1024"},
		"nesting":   {vocab.Limits{}, folder("g.json", `{"type":"g","values":`+strings.Repeat("[", 20_000)+strings.Repeat("]", 20_000)+"}"), "not JSON"},
		"directory": {vocab.Limits{}, folder("sub.csv/a.csv", terms), "sub.csv: cannot be read"},
	} {
		if _, err := (vocab.Options{Limits: tt.limits}).Load(tt.fsys); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %.300v does not say %q", name, err, tt.want)
		}
	}
	if _, err := (vocab.Options{Limits: vocab.Limits{FileBytes: 200, TotalBytes: 200, Entries: 2}}).Load(big); err != nil {
		t.Errorf("within the limits: %v", err)
	}
}

// shippedDir is where the shipped vocabularies lie in the repository.
var shippedDir = filepath.Join("..", "..", "configs", "vocabularies")

func shipped(t testing.TB) *translate.Dictionary {
	t.Helper()
	d, err := vocab.Load(os.DirFS(shippedDir))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// FuzzLoad gives arbitrary bytes to every loader, with every extension.
func FuzzLoad(f *testing.F) {
	for _, s := range []string{galaxy, producers, tags, terms + "x,1,incident,x:a,de,Wort,own\n", mappings + "confidence,a,0..100,b,y,broad,own\n", "\ufeffsep=;\na;b\n"} {
		f.Add([]byte(s))
	}
	entries, err := os.ReadDir(shippedDir)
	if err != nil || len(entries) < 8 {
		f.Fatalf("the shipped files, which are seeds, are gone: %d, %v", len(entries), err)
	}
	for _, e := range entries {
		if data, err := os.ReadFile(filepath.Join(shippedDir, e.Name())); err == nil {
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, name := range []string{"a.json", "a.csv", vocab.ManifestFile} {
			d, err := vocab.Load(folder(name, string(data)))
			if (d == nil) == (err == nil) {
				t.Fatalf("%s: dictionary %v, error %v", name, d, err)
			}
			if err == nil {
				d.Lookup("Wort", translate.Incident, "de")
			}
		}
	})
}
