package scheme

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/entente-relay/entente/mapping"
	"github.com/entente-relay/entente/mapping/marking"
)

// readCase is a marking as it is written, and what it says.
type readCase struct {
	name, text   string
	scheme, code string // of the level, "" for none
	only         string // release list as it prints, "any" for none
	compartments string
	caveats      string
}

func (c readCase) check(t *testing.T, tab *Tables) {
	t.Helper()
	h, standing, err := tab.Read(c.name, c.text, now)
	if err != nil {
		t.Errorf("Read(%q, %q): %v", c.name, c.text, err)
		return
	}
	scheme, code := "", ""
	if len(h.Levels) == 1 {
		scheme, code = h.Levels[0].Scheme, h.Levels[0].Code
	}
	if scheme != c.scheme || code != c.code || len(h.Levels) > 1 || (standing == Classified) != (code != "") {
		t.Errorf("Read(%q, %q): levels %+v, standing %v, want %s %s", c.name, c.text, h.Levels, standing, c.scheme, c.code)
	}
	if got := h.Releasable.String(); got != c.only {
		t.Errorf("Read(%q, %q): goes to %s, want %s", c.name, c.text, got, c.only)
	}
	if got := strings.Join(h.Compartments, "+"); got != c.compartments {
		t.Errorf("Read(%q, %q): compartments %q, want %q", c.name, c.text, got, c.compartments)
	}
	if got := strings.Join(h.Caveats, "+"); got != c.caveats {
		t.Errorf("Read(%q, %q): caveats %q, want %q", c.name, c.text, got, c.caveats)
	}
}

func TestReadAsItIsWritten(t *testing.T) {
	tab := tables(t)
	for _, c := range []readCase{
		// Levels alone.
		{"de-vs", "VS -NfD", "de-vs", "VS-NfD", "any", "", ""},
		{"DE", "VS - NUR FÜR DEN DIENSTGEBRAUCH", "de-vs", "VS-NfD", "any", "", ""},
		{"DE", "OFFEN", "", "", "any", "", ""},
		{"gr-national", "Άκρως Απόρρητο", "gr-national", "TS", "any", "", ""},
		{"bg-national", "Строго секретно", "bg-national", "TS", "any", "", ""},
		// Portion marks.
		{"us", "(S//NF)", "us-eo13526", "S", "US", "", ""},
		{"us", "(C)", "us-eo13526", "C", "any", "", ""},
		{"us", "(U)", "", "", "any", "", ""},
		{"us", "(U//FOUO)", "us-eo13526", "FOUO", "any", "", ""},
		{"us", "(U//NF)", "", "", "US", "", ""},
		{"us", "(TS//SI//REL TO USA, FVEY/NF)", "", "", "", "", ""},
		{"us", "(S//REL TO USA, GBR)", "us-eo13526", "S", "GB US", "", ""},
		{"de-vs", "(VS-NfD)", "de-vs", "VS-NfD", "any", "", ""},
		{"sg-gov", "OFFICIAL (CLOSED)", "sg-gov", "OC", "any", "", ""},
		// US banners.
		{"us-eo13526", "SECRET//REL TO USA, GBR", "us-eo13526", "S", "GB US", "", ""},
		{"us", "SECRET // REL TO USA, AUS, CAN, GBR, NZL", "us-eo13526", "S", "AU CA GB NZ US", "", ""},
		{"us", "TOP SECRET//SI//NOFORN", "us-eo13526", "TS", "US", "SI", ""},
		{"us", "TOP SECRET//SI/TK//ORCON/NOFORN", "us-eo13526", "TS", "US", "SI+TK", "ORCON"},
		{"us", "top secret//si-g//noforn", "us-eo13526", "TS", "US", "SI-G", ""},
		{"us", "SECRET//DISPLAY ONLY", "us-eo13526", "S", "nobody", "", ""},
		{"us", "SECRET//REL TO USA, GBR//NOFORN", "us-eo13526", "S", "US", "", ""},
		{"us", "SECRET//RD", "us-eo13526", "S", "any", "RD", ""},
		{"us", "UNCLASSIFIED//FOUO//NOFORN", "us-eo13526", "FOUO", "US", "", ""},
		// CUI.
		{"us", "CUI", "us-cui", "CUI", "any", "", ""},
		{"us", "CUI//SP-PRVCY", "us-cui", "CUI", "any", "", "SP-PRVCY"},
		{"us-cui", "CONTROLLED//CTI/PROPIN//FEDCON", "us-cui", "CUI", "any", "", "FEDCON+SP-CTI+SP-PROPIN"},
		{"us", "CUI//NOFORN", "us-cui", "CUI", "US", "", ""},
		// NATO and the EU.
		{"nato", "NATO SECRET", "nato", "NS", "any", "", ""},
		{"nato", "COSMIC TOP SECRET ATOMAL", "nato", "CTS", "any", "ATOMAL", ""},
		{"nato", "NATO SECRET-ATOMAL", "", "", "", "", ""},
		{"nato", "NATO CONFIDENTIAL//ATOMAL", "nato", "NC", "any", "ATOMAL", ""},
		{"nato", "NATO RESTRICTED RELEASABLE TO SWE, FIN", "nato", "NR", "FI SE", "", ""},
		{"us", "//NATO SECRET//ATOMAL", "nato", "NS", "any", "ATOMAL", ""},
		{"us", "(//CTS//BOHEMIA)", "nato", "CTS", "any", "BOHEMIA", ""},
		{"us", "//DEU GEHEIM", "de-vs", "GEHEIM", "any", "", ""},
		{"us", "//GBR S", "gb-gscp", "S", "any", "", ""},
		{"eu", "SECRET UE/EU SECRET", "eu-euci", "S-UE/EU-S", "any", "", ""},
		{"eu", "RESTREINT UE/EU RESTRICTED RELEASABLE TO: NOR, CHE", "eu-euci", "R-UE/EU-R", "CH NO", "", ""},
		// The United Kingdom.
		{"gb", "OFFICIAL-SENSITIVE COMMERCIAL", "gb-gscp", "O-S", "any", "", "COMMERCIAL"},
		{"gb", "OFFICIAL-SENSITIVE - [COMMERCIAL]", "gb-gscp", "O-S", "any", "", "COMMERCIAL"},
		{"gb", "OFFICIAL-SENSITIVE [PERSONAL]", "gb-gscp", "O-S", "any", "", ""},
		{"gb", "UK SECRET - UK EYES ONLY", "gb-gscp", "S", "GB", "", ""},
		{"gb", "TOP SECRET STRAP1 UK EYES ONLY", "", "", "", "", ""},
		{"gb", "TOP SECRET//STRAP1//UK EYES ONLY", "gb-gscp", "TS", "GB", "STRAP1", ""},
		{"gb", "SECRET UK/US EYES ONLY", "gb-gscp", "S", "GB US", "", ""},
		// Others.
		{"fr", "SECRET SPÉCIAL FRANCE", "fr-2021", "S", "FR", "", ""},
		{"fr", "DIFFUSION RESTREINTE - SPECIAL FRANCE", "fr-2021", "DR", "FR", "", ""},
		{"fr", "TRÈS SECRET CLASSIFICATION SPÉCIALE", "fr-2021", "TS", "any", "CLASSIFICATION SPÉCIALE", ""},
		{"au", "PROTECTED//AUSTEO", "au-pspf", "P", "AU", "", ""},
		{"au", "SECRET REL AUS/GBR/USA", "au-pspf", "S", "AU GB US", "", ""},
		{"ca", "SECRET//CEO", "ca-classified", "S", "CA", "", ""},
		{"nz", "RESTRICTED//NZEO", "nz-national-security", "R", "NZ", "", ""},
		{"de", "VS-VERTRAULICH - AMTLICH GEHEIMGEHALTEN", "de-vs", "VS-V", "any", "", "AMTLICH GEHEIMGEHALTEN"},
	} {
		if c.only == "" {
			if h, _, err := tab.Read(c.name, c.text, now); err == nil {
				t.Errorf("Read(%q, %q) = %+v, want a refusal", c.name, c.text, h)
			}
			continue
		}
		c.check(t, tab)
	}
}

func TestReadRefuses(t *testing.T) {
	tab := tables(t)
	for _, c := range []struct {
		name, text string
		cause      mapping.Cause
		law, says  string
	}{
		{"us", "SECRET//REL TO USA, FVEY", mapping.UnknownMarking, "A8", "REL TO USA, FVEY"},
		{"us", "SECRET//REL TO USA, XYZ", mapping.UnknownMarking, "A8", "no such caveat"},
		{"us", "SECRET//REL TO TO", mapping.UnknownMarking, "A8", "REL TO TO"}, // Tonga is TON
		{"us", "SECRET//REL TO", mapping.UnknownMarking, "A8", "REL TO"},
		{"us", "TOP SECRET//SI-UMBRA//NOFORN", mapping.UnknownMarking, "A8", "SI-UMBRA"},
		{"us", "TOP SECRET//SI/BUTTERFLY", mapping.UnknownMarking, "A8", "SI/BUTTERFLY"},
		{"us", "CUI//SP-NOBODY", mapping.UnknownMarking, "A8", "SP-NOBODY"},
		{"us", "SECRET//SECRET", mapping.UnknownMarking, "A8", "no such caveat"}, // a level is no caveat
		{"us", "RESTRICTED//NOFORN", mapping.UnknownLabel, "A8", "no such label"},
		{"us", "SECRETS//NOFORN", mapping.UnknownLabel, "A8", "no such label"},
		{"us", "SECRET//", mapping.Malformed, "A8", "empty"},
		{"us", "SECRET////NOFORN", mapping.Malformed, "A8", "empty"},
		{"us", "//", mapping.Malformed, "A8", "empty"},
		{"us", "(S//NF", mapping.Malformed, "A8", "brackets"},
		{"us", "(S)(NF)", mapping.Malformed, "A8", "brackets"},
		{"us", "//DEU S", mapping.UnknownLabel, "A8", "no such label in de-vs"},
		{"us", "//JOINT S USA GBR", mapping.UnknownScheme, "A8", "country's three letters"},
		{"us", "//SECRET", mapping.UnknownMarking, "A8", "names no authority"},
		{"us", "SECRET//" + strings.Repeat("X", marking.MaxBanner), mapping.Malformed, "A8", "over the limit"},
		{"", "SECRET//NOFORN", mapping.Ambiguous, "A9", "name the scheme"}, // only the US know NOFORN; the level decides
		{"", "CONFIDENTIAL//REL TO USA", mapping.Ambiguous, "A9", "name the scheme"},
		{"", "PROTECTED", mapping.Ambiguous, "A9", "PROTECTED A, B or C"},
		{"CA", "PROTECTED", mapping.Ambiguous, "A9", "PROTECTED A, B or C"},
		{"gb", "CONFIDENTIAL//UK EYES ONLY", mapping.UnknownLabel, "A8", "no such label"},
		{"de", "GEHEIM Schutzwort ALPHA", mapping.UnknownMarking, "A8", "Schutzwort ALPHA"},
		{"nato", "NATO SECRET BOHEMIAN", mapping.UnknownMarking, "A8", "BOHEMIAN"},
		{"fr-2021", "SECRET DÉFENSE", mapping.UnknownMarking, "A8", "DÉFENSE"}, // never new SECRET and a remark
		{"ro", "SECRETE DE SERVICIU", mapping.UnknownLabel, "A8", "no such label"},
		{"us", "SECRET DE SERVICIU", mapping.UnknownMarking, "A8", "DE SERVICIU"},
	} {
		h, standing, err := tab.Read(c.name, c.text, now)
		fault, ok := errors.AsType[*mapping.Fault](err)
		if !ok || fault.Cause != c.cause || fault.Law != c.law || !strings.Contains(err.Error(), c.says) {
			t.Errorf("Read(%q, %.40q): %v, want %s by %s with %q", c.name, c.text, err, c.cause, c.law, c.says)
		}
		if h.Key() != (mapping.Handling{}).Key() || standing != Unknown {
			t.Errorf("Read(%q, %.40q): refused, and yet %+v, %v", c.name, c.text, h, standing)
		}
	}
}

// The level, its period and the origin's words are those that Resolve gives.
func TestReadKeepsTheOriginsWords(t *testing.T) {
	tab := tables(t)
	h, _, err := tab.Read("us", "(ts//si//nf)", now)
	if err != nil {
		t.Fatal(err)
	}
	want := level(t, tab, "us", "ts", now)
	if !slices.Equal(h.Levels, []mapping.Level{want}) {
		t.Errorf("%+v, want %+v", h.Levels, want)
	}
	if _, _, err := tab.Read("us", "(ts//si//nf)", date(t, "2005-01-01")); !errors.Is(err, &mapping.Fault{Cause: mapping.UnknownLabel}) {
		t.Errorf("read by rules that were not in force: %v", err)
	}
}

// Every caveat and compartment that ships is read behind each level of its
// scheme, in each of its spellings, and only narrows.
func TestEveryShippedCaveatNarrows(t *testing.T) {
	tab := tables(t)
	n := 0
	for _, l := range tab.ladders {
		for _, k := range slices.Concat(l.Caveats, l.Compartments) {
			for _, word := range append([]string{k.Word}, k.Also...) {
				if k.List {
					word += " DEU, FRA"
				}
				for _, r := range l.Rungs {
					if r.Code == "S" && l.ID == "fr-2021" && word == "DÉFENSE" {
						continue
					}
					h, _, err := tab.Read(l.ID, r.Label+"//"+word, dayIn(l))
					if err != nil {
						t.Errorf("%s: %s//%s: %v", l.ID, r.Label, word, err)
						continue
					}
					plain, _, err := tab.Read(l.ID, r.Label, dayIn(l))
					if err != nil || !h.AtLeast(plain) || h.Key() == plain.Key() {
						t.Errorf("%s: %s//%s says no more than %s: %+v, %v", l.ID, r.Label, word, r.Label, h, err)
					}
					n++
				}
			}
		}
	}
	if n < 300 {
		t.Errorf("only %d lines read", n)
	}
}

// Read remembers only what it would find anew, whatever was read before.
func TestReadRememberedIsReadAnew(t *testing.T) {
	tab := tables(t)
	parts := []string{"SECRET", "TOP SECRET", "VS-NfD", "U", "CUI", "//", "NF", "REL TO USA", ", GBR", "(", ")", " ", "/", "SI", "ATOMAL", "-", "UK EYES ONLY", "[COMMERCIAL]"}
	names := []string{"us", "US", "us-eo13526", "de-vs", "gb", "nato", "", "fr"}
	days := []string{"2026-01-06", "2013-01-01", "2021-06-30"}
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(rapid.SampledFrom(parts), 0, 6).Draw(t, "text"), "")
		name := rapid.SampledFrom(names).Draw(t, "name")
		at := now
		for _, d := range days {
			if d == rapid.SampledFrom(days).Draw(t, "day") {
				at = at.AddDate(-7*len(d)%20, 0, 0)
			}
		}
		anew, wantErr := tab.readLine(name, text, at)
		want, standing := anew.handling, anew.standing
		for range 2 {
			got, s, err := tab.Read(name, text, at)
			if got.Key() != want.Key() || s != standing || (err == nil) != (wantErr == nil) || err != nil && err.Error() != wantErr.Error() {
				t.Fatalf("%q in %q: %+v, %v, %v; anew %+v, %v, %v", text, name, got, s, err, want, standing, wantErr)
			}
		}
	})
}

// The memory is bounded, and what falls out is read again.
func TestReadForgets(t *testing.T) {
	tab := load(t, base(t, "ver: 1\nsources:\n  T2: {document: test, kind: primary}\n"))
	for i := range maxSeen + 10 {
		if _, _, err := tab.Read("li-one", strings.Repeat(" ", i%200)+"HOCH"+strings.Repeat(" ", i/200), now); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(tab.seen.was); n > maxSeen {
		t.Errorf("%d markings remembered, the bound is %d", n, maxSeen)
	}
	if h, _, err := tab.Read("li-one", "HOCH", now); err != nil || len(h.Levels) != 1 {
		t.Errorf("%+v, %v", h, err)
	}
}

// A marking that was read before costs no allocation.
func TestReadSeenDoesNotAllocate(t *testing.T) {
	tab := tables(t)
	for _, text := range []string{"SECRET//REL TO USA, GBR", "(TS//SI//NF)", "SECRET"} {
		if n := testing.AllocsPerRun(100, func() {
			if _, _, err := tab.Read("us-eo13526", text, now); err != nil {
				t.Fatal(err)
			}
			tab.Caveat("us-eo13526", "REL TO USA, GBR")
		}); n != 0 {
			t.Errorf("%q: %v allocations", text, n)
		}
	}
}

func TestCaveat(t *testing.T) {
	tab := tables(t)
	for _, c := range []struct {
		name, text string
		want       mapping.Handling
	}{
		{"", "noforn", mapping.Handling{Releasable: mapping.SetOf("US")}},
		{"DE", "NOFORN", mapping.Handling{Releasable: mapping.SetOf("US")}},
		{"", "REL  TO USA, GBR", mapping.Handling{Releasable: mapping.SetOf("US", "GB")}},
		{"gb", "uk eyes only", mapping.Handling{Releasable: mapping.SetOf("GB")}},
		{"", "DISPLAY ONLY", mapping.Handling{Releasable: mapping.SetOf()}},
		{"nato", "ATOMAL", mapping.Handling{Compartments: []string{"ATOMAL"}}},
		{"us-cui", "SP-PRVCY", mapping.Handling{PersonalData: true, Caveats: []string{"SP-PRVCY"}}},
		{"us-cui", "PRVCY", mapping.Handling{PersonalData: true}},
		{"", "burn after  reading", mapping.Handling{Caveats: []string{"BURN AFTER READING"}}},
		{"us", "REL TO FVEY", mapping.Handling{Caveats: []string{"REL TO FVEY"}}},
		{"us", "SI", mapping.Handling{Compartments: []string{"SI"}}},
		{"us-eo13526", "PROPIN", mapping.Handling{Caveats: []string{"PROPIN"}}},
		{"", "", mapping.Handling{Caveats: []string{""}}},
	} {
		if h := tab.Caveat(c.name, c.text); h.Key() != c.want.Key() {
			t.Errorf("Caveat(%q, %q) = %+v, want %+v", c.name, c.text, h, c.want)
		}
	}
}

// readSeeds are lines near the edge between understood and not.
func readSeeds() []string {
	return []string{"SECRET//REL TO USA, GBR", "(S//NF)", "TOP SECRET//SI/TK//ORCON/NOFORN", "CUI//SP-PRVCY", "//NATO SECRET//ATOMAL", "//DEU GEHEIM",
		"OFFICIAL-SENSITIVE - [COMMERCIAL]", "SECRET UK/US EYES ONLY", "SECRET//", "(((", "VS -NfD", "SECRET DE SERVICIU", "\xff//\xff", "REL TO", "ΑΠΟΡΡΗΤΟ//NF"}
}

// FuzzRead: whatever the line, the answer is a handling or a Fault, never both;
// a level that is read stands at the beginning of what was written, and without
// an authority no level is taken that two schemes have.
func FuzzRead(f *testing.F) {
	seeds := readSeeds()
	if len(seeds) < 10 {
		f.Fatal("the seed corpus is missing")
	}
	for _, s := range seeds {
		for _, name := range []string{"", "us", "de-vs"} {
			f.Add(name, s)
		}
	}
	tab := tables(f)
	f.Fuzz(func(t *testing.T, name, text string) {
		h, standing, err := tab.Read(name, text, now)
		if err != nil {
			if fault, ok := errors.AsType[*mapping.Fault](err); !ok || fault.Cause == mapping.CauseNone || fault.Law == "" {
				t.Fatalf("error without a cause: %v", err)
			}
			if h.Key() != (mapping.Handling{}).Key() || standing != Unknown {
				t.Fatalf("refused, and yet %+v, %v", h, standing)
			}
			return
		}
		if standing == Unknown || (standing == Classified) != (len(h.Levels) > 0) {
			t.Fatalf("%q: standing %v with %+v", text, standing, h.Levels)
		}
		if h.TLP != 0 || h.PAP != 0 {
			t.Fatalf("%q became another axis: %+v", text, h)
		}
		for _, l := range h.Levels {
			if !strings.Contains(text, l.Label) {
				t.Fatalf("%q has the level %q, which is not in it", text, l.Label)
			}
			if name == "" && !strings.Contains(text, "//") {
				if _, _, err := tab.Resolve("", l.Label, now); err != nil {
					t.Fatalf("%q was taken for %s without an authority", text, l.Scheme)
				}
			}
		}
	})
}

// A hostile line costs little: it is not searched.
func BenchmarkReadHostile(b *testing.B) {
	tab := tables(b)
	line := strings.Repeat("S ", marking.MaxBanner/2)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := tab.Read("", line, now); err == nil {
			b.Fatal("read")
		}
	}
}

func BenchmarkReadSeen(b *testing.B) {
	tab := tables(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := tab.Read("us-eo13526", "SECRET//REL TO USA, GBR", now); err != nil {
			b.Fatal(err)
		}
	}
}
