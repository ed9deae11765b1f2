package scheme

import (
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/entente-relay/entente/mapping"
)

func TestResolve(t *testing.T) {
	tab := tables(t)
	for _, c := range []struct{ scheme, label, code string }{
		{"de-vs", "VS-NUR FÜR DEN DIENSTGEBRAUCH", "VS-NfD"},
		{"de-vs", "VS-NfD", "VS-NfD"},
		{"de-vs", "VS -NfD", "VS-NfD"},
		{"de-vs", " vs - nfd ", "VS-NfD"},
		{"de-vs", "VS\u00a0- NUR  FÜR\tDEN DIENSTGEBRAUCH", "VS-NfD"},
		{"de-vs", "VS-NUR FU\u0308R DEN DIENSTGEBRAUCH", "VS-NfD"}, // the umlaut as two code points
		{"DE", "streng geheim", "STR. GEHEIM"},
		{"De-Vs", "Str. Geheim", "STR. GEHEIM"},
		{"eu", "RESTREINT UE/EU RESTRICTED", "R-UE/EU-R"},
		{"eu", "RESTREINT UE / EU RESTRICTED", "R-UE/EU-R"},
		{"EU", "EU TOP SECRET", "TS-UE/EU-TS"},
		{"eu-euci", "s-ue/eu-s", "S-UE/EU-S"},
		{"NATO", "cosmic top secret", "CTS"},
		{"fr-2021", "très secret", "TS"},
		{"nl-national", "Dep. VERTROUWELIJK", "R"},
		{"nl", "departementaal vertrouwelijk", "R"},
		{"gr-national", "ΠΕΡΙΟΡΙΣΜΕΝΗΣ ΧΡΗΣΗΣ", "R"},
		{"gr-national", "Περιορισμένης Χρήσης", "R"},
		{"gr-national", "ΠΧ", "R"},
		{"fi-national", "TL IV KÄYTTÖ RAJOITETTU", "R"},
		{"fi-national", "BEGRÄNSAD TILLGÅNG", "R"},
		{"jp-government", "極秘", "極秘"},
		{"au", "official:sensitive", "O:S"},
		{"us", "S", "S"},
		{"us", "CUI", "CUI"}, // of the two schemes in force the label decides
		{"NO", "Strengt fortrolig", "SF"},
		{"tlp-1.0", "WHITE", "white"},
		{"tlp", "TLP:AMBER + STRICT", "amber+strict"},
		{"pap", "PAP:RED", "red"},
		{"", "ZASTRZEŻONE", "R"}, // one scheme only has it
	} {
		l, standing, err := tab.Resolve(c.scheme, c.label, now)
		if err != nil || standing != Classified || l.Code != c.code || l.Label != c.label || l.Rank == 0 {
			t.Errorf("Resolve(%q, %q) = %+v, %v, %v; want %s", c.scheme, c.label, l, standing, err, c.code)
		}
	}
}

func TestResolveRefuses(t *testing.T) {
	tab := tables(t)
	for _, c := range []struct {
		name, scheme, label, date string
		cause                     mapping.Cause
		law, text                 string
	}{
		{"unknown scheme", "de-vz", "GEHEIM", "2026-01-06", mapping.UnknownScheme, "A8", `did you mean "de-vs"?`},
		{"unknown country", "ZZ", "GEHEIM", "2026-01-06", mapping.UnknownScheme, "A8", "no loaded scheme"},
		{"unknown label", "de-vs", "GEHEIMER", "2026-01-06", mapping.UnknownLabel, "A8", `did you mean "GEHEIM"?`},
		{"no label", "de-vs", "", "2026-01-06", mapping.UnknownLabel, "A8", "no such label"},
		{"blanks only", "de-vs", " \t", "2026-01-06", mapping.UnknownLabel, "A8", "no such label"},
		{"not UTF-8", "de-vs", "GEHEIM\xff", "2026-01-06", mapping.UnknownLabel, "A8", "no such label"},
		{"very long", "de-vs", strings.Repeat("GEHEIM ", 1000), "2026-01-06", mapping.UnknownLabel, "A8", "no such label"},
		{"padded beyond the limit", "de-vs", "GEHEIM" + strings.Repeat(" ", maxLabel), "2026-01-06", mapping.UnknownLabel, "A8", "no such label"},
		{"look-alike letter", "de-vs", "GЕHEIM", "2026-01-06", mapping.UnknownLabel, "A8", "look-alike"}, // Cyrillic
		{"another dash", "de-vs", "VS–NfD", "2026-01-06", mapping.UnknownLabel, "A8", "look-alike"},
		{"zero width", "de-vs", "GE\u200bHEIM", "2026-01-06", mapping.UnknownLabel, "A8", "look-alike"},
		{"full width", "de-vs", "ＧＥＨＥＩＭ", "2026-01-06", mapping.UnknownLabel, "A8", "look-alike"},
		{"part of a label", "de-vs", "NUR FÜR DEN DIENSTGEBRAUCH", "2026-01-06", mapping.UnknownLabel, "A8", "no such label"},
		{"more than a label", "us", "SECRET//NOFORN", "2026-01-06", mapping.UnknownLabel, "A8", "no such label"},
		{"missing accent", "fr-2021", "TRES SECRET", "2026-01-06", mapping.UnknownLabel, "A8", "TRÈS SECRET"},
		{"another country's label", "de-vs", "ZASTRZEŻONE", "2026-01-06", mapping.UnknownLabel, "A8", "no such label in de-vs"},
		{"US has no RESTRICTED", "us", "RESTRICTED", "2026-01-06", mapping.UnknownLabel, "A8", "no such label"},
		{"wrong TLP edition", "tlp-1.0", "TLP:AMBER+STRICT", "2026-01-06", mapping.UnknownLabel, "A8", "no such label"},

		{"two authorities", "", "SECRET", "2026-01-06", mapping.Ambiguous, "A9", "name the scheme"},
		{"two authorities, German", "", "GEHEIM", "2026-01-06", mapping.Ambiguous, "A9", "at-infosiv"},
		{"false friends", "", "SECRETO", "2026-01-06", mapping.Ambiguous, "A9", "es-national"},
		{"TLP or PAP", "", "RED", "2026-01-06", mapping.Ambiguous, "A9", "pap"},

		{"new word, old date", "FR", "SECRET", "2021-06-30", mapping.NotInForce, "A10", "from 2021-07-01"},
		{"old word, new date", "FR", "SECRET DÉFENSE", "2021-07-01", mapping.NotInForce, "A10", "until 2021-06-30"},
		{"old word by its scheme", "fr-pre2021", "SECRET DÉFENSE", "2026-01-06", mapping.NotInForce, "A10", "until 2021-06-30"},
		{"level before its day", "BE", "RESTREINT", "2023-12-30", mapping.NotInForce, "A10", "from 2023-12-31"},
		{"retired British word", "gb-gscp", "CONFIDENTIAL", "2026-01-06", mapping.NotInForce, "A10", "retired"},
		{"retired Australian word", "au", "RESTRICTED", "2026-01-06", mapping.NotInForce, "A10", "retired"},
		{"Swedish label of before", "SE", "HEMLIG", "2019-03-31", mapping.NotInForce, "A10", "from 2019-04-01"},
		{"WHITE in TLP 2.0", "tlp-2.0", "TLP:WHITE", "2026-01-06", mapping.NotInForce, "A10", "TLP:CLEAR"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l, standing, err := tab.Resolve(c.scheme, c.label, date(t, c.date))
			fault, ok := errors.AsType[*mapping.Fault](err)
			if !ok || fault.Cause != c.cause || fault.Law != c.law || !strings.Contains(err.Error(), c.text) {
				t.Fatalf("got %v, want %s by %s with %q", err, c.cause, c.law, c.text)
			}
			if l != (mapping.Level{}) || standing != Unknown {
				t.Errorf("refused, and yet %+v, %v", l, standing)
			}
		})
	}
}

// What has no date, such as an observable, is read where a label means one thing
// at any time.
func TestResolveWithoutADate(t *testing.T) {
	tab := tables(t)
	for _, c := range []struct{ scheme, label, want string }{
		{"us-eo13526", "SECRET", "us-eo13526/S"}, {"US", "SECRET", "us-eo13526/S"}, {"de-vs", "VS-NfD", "de-vs/VS-NfD"}, {"fr-2021", "SECRET", "fr-2021/S"},
		{"FR", "SECRET", "fr-2021/S"}, {"FR", "SECRET DÉFENSE", "fr-pre2021/SD"}, {"FR", "DIFFUSION RESTREINTE", "fr-2021/DR"}, {"BE", "RESTREINT", "be-1998/R"},
		{"gb-gscp", "SECRET", "gb-gscp/S"}, {"GB", "SECRET", "ambiguous-label"}, {"CZ", "TAJNÉ", "ambiguous-label"}, {"", "SECRET", "ambiguous-label"},
		{"SE", "HEMLIG", "ambiguous-label"}, {"gb-gscp", "CONFIDENTIAL", "not-in-force"}, {"US", "RESTRICTED", "unknown-label"},
		{"US", "(S//NF)", "us-eo13526/S"}, {"", "OFFEN", "not classified"},
	} {
		h, standing, err := tab.Read(c.scheme, c.label, time.Time{})
		got := "not classified"
		if fault, ok := errors.AsType[*mapping.Fault](err); ok {
			got = string(fault.Cause)
		} else if standing == Classified {
			got = h.Levels[0].Scheme + "/" + h.Levels[0].Code
			if !h.Levels[0].Created.IsZero() {
				t.Errorf("%s %s was made %s", c.scheme, c.label, h.Levels[0].Created)
			}
		}
		if got != c.want {
			t.Errorf("%s %s: %s, %v, want %s", c.scheme, c.label, got, err, c.want)
		}
	}
}

// A level without a date maps to no less than the same level of today.
func TestMapWithoutADateIsNoLower(t *testing.T) {
	tab := everything(t)
	mappedBoth := 0
	for _, l := range tab.ladders {
		for i, g := range l.Rungs {
			undated := mapping.Level{Scheme: l.ID, Country: l.Country, Code: g.Code, Label: g.Label, Rank: i + 1}
			today := undated
			today.Created = tab.start(tab.epoch(now))
			for _, to := range []string{"eu", "nato", "DE", "FR", "US", "PL"} {
				a, b := tab.Map(undated, to, now), tab.Map(today, to, now)
				if got := mapping.MoreProtective(a, b); got.Kind != a.Kind || got.To.Rank != a.To.Rank {
					t.Errorf("%s %s to %s: undated %s %s, of today %s %s", l.ID, g.Code, to, a.Kind, a.To.Code, b.Kind, b.To.Code)
				}
				if a.Kind == mapped && b.Kind == mapped {
					mappedBoth++
				}
			}
		}
	}
	if mappedBoth < 100 {
		t.Errorf("only %d mapped", mappedBoth)
	}
}

func TestLevel(t *testing.T) {
	tab := tables(t)
	for name, code := range map[string]string{
		"de-vs/VS-NfD": "VS-NfD", "de-vs/vs -nfd": "VS-NfD", "DE-VS/STR. GEHEIM": "STR. GEHEIM",
		"pl-national/R": "R", "pl-national/ZASTRZEŻONE": "R", "eu-euci/R-UE/EU-R": "R-UE/EU-R", "es-national/S": "S", "fr-2021/DR": "DR",
	} {
		if l, err := tab.Level(name, now); err != nil || l.Code != code || l.Scheme != strings.ToLower(name[:strings.Index(name, "/")]) {
			t.Errorf("Level(%s) = %+v, %v", name, l, err)
		}
	}
	for name, cause := range map[string]mapping.Cause{
		"VS-NfD": mapping.UnknownScheme, "DE/VS-NfD": mapping.UnknownScheme, "": mapping.UnknownScheme, "/": mapping.UnknownScheme,
		"de-vs": mapping.UnknownLabel, "de-vs/": mapping.UnknownLabel, "de-vs/R": mapping.UnknownLabel, "de-vs/OFFEN": mapping.UnknownLabel,
		"pl-national/r": mapping.UnknownLabel, "fr-pre2021/SD": mapping.NotInForce, "gb-gscp/RESTRICTED": mapping.NotInForce,
	} {
		if l, err := tab.Level(name, now); !errors.Is(err, &mapping.Fault{Cause: cause}) || l != (mapping.Level{}) {
			t.Errorf("Level(%q) = %+v, %v; want %s", name, l, err, cause)
		}
	}
	// A code is not a mark: an origin that writes it is not understood.
	if _, _, err := tab.Resolve("pl-national", "R", now); !errors.Is(err, &mapping.Fault{Cause: mapping.UnknownLabel}) {
		t.Errorf("a code was read as a marking: %v", err)
	}
}

// workloadClasses are the words that senders of sixteen countries write, from
// the lowest up; none marks what the first one means.
var workloadClasses = map[string]struct {
	words [3]string
	none  bool
}{
	"de-vs":            {[3]string{"OFFEN", "VS-NUR FÜR DEN DIENSTGEBRAUCH", "VS-VERTRAULICH"}, true},
	"fr-2021":          {[3]string{"NON PROTÉGÉ", "DIFFUSION RESTREINTE", "SECRET"}, true},
	"nl-national":      {[3]string{"ONGERUBRICEERD", "DEPARTEMENTAAL VERTROUWELIJK", "STG. CONFIDENTIEEL"}, true},
	"pl-national":      {[3]string{"JAWNE", "ZASTRZEŻONE", "POUFNE"}, true},
	"it-national":      {[3]string{"NON CLASSIFICATO", "RISERVATO", "RISERVATISSIMO"}, true},
	"es-national":      {[3]string{"SIN CLASIFICAR", "DIFUSIÓN LIMITADA", "CONFIDENCIAL"}, true},
	"se-national":      {[3]string{"ÖPPEN", "BEGRÄNSAT HEMLIG", "KONFIDENTIELL"}, true},
	"fi-national":      {[3]string{"JULKINEN", "TL IV KÄYTTÖ RAJOITETTU", "TL III LUOTTAMUKSELLINEN"}, true},
	"us-eo13526":       {[3]string{"UNCLASSIFIED", "UNCLASSIFIED//FOUO", "CONFIDENTIAL"}, true},
	"gb-gscp":          {[3]string{"OFFICIAL", "OFFICIAL-SENSITIVE", "SECRET"}, false},
	"jp-government":    {[3]string{"公開", "取扱注意", "秘"}, true},
	"ua-state-secrets": {[3]string{"ВІДКРИТА", "ДЛЯ СЛУЖБОВОГО КОРИСТУВАННЯ", "ТАЄМНО"}, true},
	"ro-national":      {[3]string{"NECLASIFICAT", "SECRET DE SERVICIU", "SECRET"}, true},
	"ee-national":      {[3]string{"AVALIK", "PIIRATUD", "KONFIDENTSIAALNE"}, true},
	"ch-isg":           {[3]string{"NICHT KLASSIFIZIERT", "INTERN", "VERTRAULICH"}, true},
	"gr-national":      {[3]string{"ΑΔΙΑΒΑΘΜΗΤΟ", "ΠΕΡΙΟΡΙΣΜΕΝΗΣ ΧΡΗΣΗΣ", "ΕΜΠΙΣΤΕΥΤΙΚΟ"}, true},
}

func TestEveryWordThatSendersWrite(t *testing.T) {
	tab := tables(t)
	for scheme, c := range workloadClasses {
		var ranks [3]int
		for i, word := range c.words {
			l, standing, err := tab.Resolve(scheme, word, now)
			want := Classified
			if i == 0 && c.none {
				want = Unclassified
			}
			if err != nil || standing != want {
				t.Errorf("%s %q: %v, %v; want standing %v", scheme, word, standing, err, want)
			}
			ranks[i] = l.Rank
		}
		if ranks[0] >= ranks[1] || ranks[1] >= ranks[2] {
			t.Errorf("%s: ranks %v are not in order", scheme, ranks)
		}
	}
}

// Handling words are levels of their own: never unclassified, and with an
// equivalent only where a table names them.
func TestHandlingWordsAreNotUnclassified(t *testing.T) {
	tab := everything(t)
	for _, c := range []struct{ scheme, label, to string }{
		{"fr-2021", "DIFFUSION RESTREINTE", "DE"},
		{"fr-2021", "DIFFUSION RESTREINTE", "eu"},
		{"gb-gscp", "OFFICIAL-SENSITIVE", "DE"},
		{"us-eo13526", "UNCLASSIFIED//FOUO", "eu"},
		{"us-eo13526", "UNCLASSIFIED//FOUO", "DE"},
		{"us-cui", "CUI", "PL"},
		{"jp-government", "取扱注意", "KR"},
		{"ch-isg", "INTERN", "DE"},
		{"nato", "NATO UNCLASSIFIED", "DE"},
		{"nato", "NATO UNCLASSIFIED", "eu"},
		{"gb-gscp", "OFFICIAL", "DE"},
		{"gb-gscp", "OFFICIAL", "eu"}, // the lowest tier is a level, and refused, not held
		{"au-pspf", "OFFICIAL: Sensitive", "eu"},
	} {
		o := tab.Map(level(t, tab, c.scheme, c.label, now), c.to, now)
		if o.Kind != mapping.Refused || o.Cause != mapping.NoEquivalent || o.Law != "A7" {
			t.Errorf("%s %s to %s: %s %s %s: %s", c.scheme, c.label, c.to, o.Kind, o.Cause, o.Law, o.Text)
		}
	}
}

// A period, not a second, is what the date of a marking says: two markings
// under the same tables have one key.
func TestCreatedIsThePeriod(t *testing.T) {
	tab := tables(t)
	a := level(t, tab, "de-vs", "VS-NfD", now)
	b := level(t, tab, "de-vs", "VS-NfD", now.Add(-17*time.Hour))
	old := level(t, tab, "de-vs", "VS-NfD", date(t, "2012-05-01"))
	if a != b || a.Created.After(now) || a.Created.IsZero() {
		t.Errorf("%+v and %+v differ", a, b)
	}
	if a == old {
		t.Error("a marking from before the tables looks like one of now")
	}
}

func TestNormalIsStable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.String().Draw(t, "label")
		n, ok := normal(s)
		if !ok {
			return
		}
		if again, ok := normal(n); !ok || again != n {
			t.Fatalf("normal(%q) = %q, normal of that = %q, %v", s, n, again, ok)
		}
		if padded, _ := normal("\t " + s + "  "); len(s) < maxLabel-8 && padded != n {
			t.Fatalf("blanks at the ends changed %q to %q", n, padded)
		}
	})
}

// normalSeeds are labels near the edge of being the same.
func normalSeeds() []string {
	return []string{"VS -NfD", "VS–NfD", "TRÈS SECRET", "TRE\u0300S SECRET", "ΑΠΟΡΡΗΤΟ", "Straße", "İSTANBUL", "a\u200bb", "\xff", "", " ", "OFFICIAL: Sensitive", "R-UE / EU-R", "秘"}
}

// FuzzNormal: no input makes two different labels of the shipped tables one,
// and what resolves does so by a known spelling.
func FuzzNormal(f *testing.F) {
	seeds := normalSeeds()
	if len(seeds) == 0 {
		f.Fatal("the seed corpus is missing")
	}
	for _, s := range seeds {
		f.Add(s)
	}
	tab := tables(f)
	f.Fuzz(func(t *testing.T, s string) {
		n, ok := normal(s)
		if ok && (!utf8.ValidString(n) || n == "" || strings.TrimSpace(n) != n) {
			t.Fatalf("normal(%q) = %q", s, n)
		}
		for _, l := range tab.ladders {
			r, found := l.find(s)
			if !found {
				continue
			}
			if !ok {
				t.Fatalf("%q is no label and means something in %s", s, l.ID)
			}
			if want := l.labels[n]; want != r {
				t.Fatalf("%q means %+v in %s, its normal form %+v", s, r, l.ID, want)
			}
		}
	})
}

func BenchmarkResolve(b *testing.B) {
	tab := tables(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := tab.Resolve("de-vs", "VS-NUR FÜR DEN DIENSTGEBRAUCH", now); err != nil {
			b.Fatal(err)
		}
	}
}
