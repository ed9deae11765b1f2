package scheme

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/entente-relay/entente/mapping"
)

// mapCase is one question and its answer.
type mapCase struct {
	name, scheme, label, made, to string

	kind  mapping.OutcomeKind
	code  string // of the answer, when mapped
	law   string
	cause mapping.Cause
	text  string
}

func (c mapCase) check(t *testing.T, tab *Tables) {
	t.Helper()
	made := now
	if c.made != "" {
		made = date(t, c.made)
	}
	l := level(t, tab, c.scheme, c.label, made)
	o := tab.Map(l, c.to, now)
	if o.Kind != c.kind || o.To.Code != c.code || o.Law != c.law || o.Cause != c.cause || !strings.Contains(o.Text, c.text) {
		t.Errorf("%s %s (%s) to %s: %s %q by %s, cause %q, rows %v: %s", c.scheme, c.label, c.made, c.to, o.Kind, o.To.Code, o.Law, o.Cause, o.Rows, o.Text)
	}
	if o.From != l {
		t.Errorf("the origin's level changed: %+v", o.From)
	}
	if o.Text == "" || (o.Kind == mapping.Mapped) != (o.Cause == mapping.CauseNone) {
		t.Errorf("an outcome without a sentence, or a cause that does not fit: %+v", o)
	}
}

const (
	refused = mapping.Refused
	mapped  = mapping.Mapped
	hold    = mapping.Hold
)

func TestMapShippedAndVerified(t *testing.T) {
	tab := tables(t)
	for _, c := range []mapCase{
		{"lowest tier through the EU column", "de-vs", "VS-NfD", "", "eu", mapped, "R-UE/EU-R", "A1", "", "no permission to send (A15)"},
		{"two members through the EU column", "de-vs", "VS-VERTRAULICH", "", "GR", mapped, "C", "A1", "", "through CONFIDENTIEL UE/EU CONFIDENTIAL"},
		{"bilateral first", "cz-412-2005", "VYHRAZENÉ", "", "de", mapped, "VS-NfD", "A1", "", "cz-de-2001"},
		{"national rule for NATO", "nato", "NATO SECRET", "", "DE", mapped, "GEHEIM", "A1", "", "de-nato"},
		{"NATO through the EU column", "nato", "NR", "", "IT", mapped, "R", "A1", "", "eu-nato"},
		{"to NATO", "de-vs", "GEHEIM", "", "nato", mapped, "NS", "A1", "", "eu-nato"},
		{"EU to the United States", "eu", "SECRET UE", "", "US", mapped, "S", "A1", "", "eu-us-2007"},
		{"back in the own scheme", "de-vs", "Geheim", "", "DE", mapped, "GEHEIM", "A6", "", "stays as it is"},
		{"back in the own country, scheme ended", "fr-pre2021", "SECRET DÉFENSE", "2020-01-01", "FR", mapped, "SD", "A6", "", "stays as it is"},

		// T7: a missing rung is refused, never rounded by guess.
		{"EU RESTRICTED to the United States", "eu", "EU RESTRICTED", "", "us", refused, "", "A7", "no-equivalent", "eu-us-2007"},
		{"EU RESTRICTED to France", "eu", "EU RESTRICTED", "", "FR", refused, "", "A7", "no-equivalent", "eu-2013-488-app-b-2021"},
		{"VS-NfD to France", "de-vs", "VS-NfD", "", "FR", refused, "", "A7", "no-equivalent", "eu-2013-488-app-b-2021"},
		{"German confidential to new France", "de-vs", "VS-VERTRAULICH", "", "FR", refused, "", "A7", "no-equivalent", ""},
		// T9: a level newer than the tables has no equivalent in them.
		{"Belgian fourth level", "be-1998", "RESTREINT", "", "DE", refused, "", "A7", "no-equivalent", ""},
		{"Belgian fourth level to NATO", "be-1998", "RESTREINT", "", "nato", refused, "", "A7", "no-equivalent", "be-nato-eu"},
		{"NATO RESTRICTED to Belgium", "nato", "NR", "", "BE", refused, "", "A7", "no-equivalent", "be-nato-eu"},
		// T10: false friends.
		{"RESERVADO in Spain", "es-national", "RESERVADO", "", "eu", mapped, "S-UE/EU-S", "A1", "", ""},
		{"SECRETO in Spain", "es-national", "SECRETO", "", "nato", mapped, "CTS", "A1", "", ""},
		{"RISERVATO in Italy", "it-national", "RISERVATO", "", "nato", mapped, "NR", "A1", "", ""},
		{"RISERVATISSIMO in Italy", "it-national", "RISERVATISSIMO", "", "nato", mapped, "NC", "A1", "", ""},
		{"YDERST HEMMELIGT in Denmark", "dk-national", "YDERST HEMMELIGT", "", "nato", mapped, "CTS", "A1", "", ""},
		{"PIIRATUD in Estonia", "ee-national", "PIIRATUD", "", "nato", mapped, "NR", "A1", "", ""},
		{"FORTROLIG in Norway is no Danish level", "no-beskyttelsesinstruks", "FORTROLIG", "", "DK", refused, "", "A7", "no-equivalent", ""},
		// Third states: the EU's agreements are no pivot for its members' own material.
		{"German secret to the United States", "de-vs", "GEHEIM", "", "US", refused, "", "A7", "no-equivalent", ""},
		{"to Japan", "de-vs", "VS-NfD", "", "JP", refused, "", "A7", "no-equivalent", "No table in force"},
		// Not verified: named, and not used.
		{"Poland without acceptance", "de-vs", "VS-NfD", "", "PL", refused, "", "A7", "unverified", "eu-2013-488-app-b-2021/PL, pl-national"},
		{"from Poland without acceptance", "pl-national", "ZASTRZEŻONE", "", "DE", refused, "", "A7", "unverified", "accept"},
		{"NATO RESTRICTED to the United States", "nato", "NR", "", "US", refused, "", "A7", "unverified", "us-cui"},
		{"Ukraine", "ua-state-secrets", "ТАЄМНО", "", "DE", refused, "", "A7", "no-equivalent", ""},
		// T1 and A3: axes do not mix.
		{"RED is not TOP SECRET", "tlp", "TLP:RED", "", "DE", refused, "", "A3", "different-axis", "audience"},
		{"PAP is not TLP", "pap", "PAP:RED", "", "tlp", refused, "", "A3", "different-axis", ""},
		// T2 and T3: between the editions of TLP.
		{"WHITE becomes CLEAR", "tlp-1.0", "TLP:WHITE", "", "tlp", mapped, "clear", "A1", "", ""},
		{"CLEAR becomes WHITE", "tlp-2.0", "TLP:CLEAR", "", "tlp-1.0", mapped, "white", "A1", "", ""},
		{"STRICT has no TLP 1.0", "tlp-2.0", "TLP:AMBER+STRICT", "", "TLP-1.0", refused, "", "A7", "no-equivalent", "clients"},
		{"RED stays RED", "tlp-2.0", "TLP:RED", "", "tlp-1.0", mapped, "red", "A1", "", ""},
		{"AMBER of TLP 1.0", "tlp-1.0", "AMBER", "", "tlp-2.0", mapped, "amber", "A1", "", "AMBER+STRICT"},
		// T8: by the day of making; of two readings the higher.
		{"old French confidential", "fr-pre2021", "CONFIDENTIEL DÉFENSE", "2020-01-01", "eu", mapped, "S-UE/EU-S", "A10", "", "Two readings"},
		{"old French secret to Germany", "fr-pre2021", "SECRET DÉFENSE", "2020-01-01", "DE", mapped, "STR. GEHEIM", "A10", "", "Two readings"},
		{"new French secret", "fr-2021", "SECRET", "", "DE", mapped, "GEHEIM", "A1", "", ""},
		// Targets.
		{"unknown target", "de-vs", "VS-NfD", "", "XX", refused, "", "A8", "unknown-scheme", "XX"},
		{"target that ended", "de-vs", "GEHEIM", "", "fr-pre2021", refused, "", "A10", "not-in-force", "until 2021-06-30"},
	} {
		t.Run(c.name, func(t *testing.T) { c.check(t, tab) })
	}
}

func TestMapAccepted(t *testing.T) {
	tab := tables(t, polish...)
	for _, c := range []mapCase{
		{"to Poland", "de-vs", "VS-NUR FÜR DEN DIENSTGEBRAUCH", "", "PL", mapped, "R", "A1", "", "Accepted by operator, unverified: eu-2013-488-app-b-2021/PL, pl-national."},
		{"from Poland", "pl-national", "Tajne", "", "de-vs", mapped, "GEHEIM", "A1", "", "Accepted by operator, unverified"},
		{"Romania still is not", "ro-national", "SECRET", "", "DE", refused, "", "A7", "unverified", "ro-national"},
		{"old French to Poland keeps the higher reading", "fr-pre2021", "CONFIDENTIEL DÉFENSE", "2020-01-01", "PL", mapped, "S", "A10", "", "Two readings"},
		{"not into France's missing rung", "pl-national", "POUFNE", "", "FR", refused, "", "A7", "no-equivalent", ""},
	} {
		t.Run(c.name, func(t *testing.T) { c.check(t, tab) })
	}
	o := tab.Map(level(t, tab, "de-vs", "VS-NfD", now), "PL", now)
	if o.To.Label != "ZASTRZEŻONE" || o.To.Country != "PL" || !slices.Equal(o.Accepted, []string{"eu-2013-488-app-b-2021/PL", "pl-national"}) {
		t.Errorf("got %+v", o)
	}
	if len(o.Rows) != 2 || !strings.HasPrefix(o.Rows[0], "eu-2013-488-app-b-2021/DE tables/eu-appendix-b.yaml:") {
		t.Errorf("rows without provenance: %v", o.Rows)
	}
}

func TestMapEverythingAccepted(t *testing.T) {
	tab := everything(t)
	for _, c := range []mapCase{
		{"rounds up by its own table", "cz-412-2005", "VYHRAZENÉ", "", "US", mapped, "C", "A7", "", "states a higher level"},
		{"and does not come back lower", "us-eo13526", "CONFIDENTIAL", "", "CZ", mapped, "D", "A1", "", ""},
		{"Romanian SECRET is the second column", "ro-national", "SECRET", "", "nato", mapped, "NC", "A1", "", ""},
		{"Romanian SECRET DE SERVICIU the first", "ro-national", "SECRET DE SERVICIU", "", "nato", mapped, "NR", "A1", "", ""},
		{"Dutch VERTROUWELIJK is the lowest", "nl-national", "Dep. VERTROUWELIJK", "", "BE", refused, "", "A7", "no-equivalent", ""},
		{"EU RESTRICTED in the United Kingdom", "eu", "EU RESTRICTED", "", "GB", mapped, "O-S", "A1", "", ""},
		{"and back", "gb-gscp", "OFFICIAL-SENSITIVE", "", "eu", mapped, "R-UE/EU-R", "A1", "", ""},
		{"EU CONFIDENTIAL in the United Kingdom", "eu", "EU CONFIDENTIAL", "", "GB", mapped, "S", "A7", "", "protected as SECRET"},
		{"one of several schemes of a country", "nato", "NR", "", "US", mapped, "CUI", "A1", "", "us-cui"},
		{"left to people", "kr-military", "II", "", "JP", hold, "", "A14", "case-by-case", "防衛秘密"},
		{"not left to people", "kr-military", "III", "", "JP", mapped, "秘", "A1", "", ""},
		{"class I is not listed", "kr-military", "I", "", "JP", refused, "", "A7", "no-equivalent", ""},
		{"bilateral none stops the pivot", "nato", "NS", "", "us-cui", refused, "", "A7", "no-equivalent", "us-foreign-restricted"},
		{"Sweden before its row", "se-national", "HEMLIG", "2019-06-01", "DE", mapped, "GEHEIM", "A1", "", ""},
		// T11: two tracks of one country are not one ladder.
		{"PROTECTED B is no CONFIDENTIAL", "ca-protected", "PROTECTED B", "", "ca-classified", refused, "", "A7", "no-equivalent", ""},
		{"PROTECTED B is nothing in the EU", "CA", "PROTECTED B", "", "eu", refused, "", "A7", "no-equivalent", ""},
		{"SENSITIVE is no RESTRICTED", "nz-policy-privacy", "SENSITIVE", "", "nz-national-security", refused, "", "A7", "no-equivalent", ""},
	} {
		t.Run(c.name, func(t *testing.T) { c.check(t, tab) })
	}
}

// A level that was not resolved here (another rank, another code) is refused.
func TestMapRefusesForgedLevels(t *testing.T) {
	tab := tables(t)
	good := level(t, tab, "de-vs", "GEHEIM", now)
	for name, forge := range map[string]func(*mapping.Level){
		"rank below its code": func(l *mapping.Level) { l.Rank = 1 },
		"rank zero":           func(l *mapping.Level) { l.Rank = 0 },
		"rank off the ladder": func(l *mapping.Level) { l.Rank = 99 },
		"another code":        func(l *mapping.Level) { l.Code = "VS-NfD" },
		"another scheme":      func(l *mapping.Level) { l.Scheme = "de-vx" },
		"nothing":             func(l *mapping.Level) { *l = mapping.Level{} },
	} {
		l := good
		forge(&l)
		for _, to := range []string{"DE", "eu"} {
			if o := tab.Map(l, to, now); o.Kind != mapping.Refused || o.Law != "A8" {
				t.Errorf("%s to %s: %s by %s: %s", name, to, o.Kind, o.Law, o.Text)
			}
		}
	}
}

// Law A10: two editions of a table, and the marking between them.
func TestMapTakesTheMoreProtectiveDate(t *testing.T) {
	tab := load(t, base(t, `ver: 1
tables:
  - id: old
    kind: pairs
    title: old edition
    to: 2020-12-31
    from_scheme: li-one
    to_scheme: mc-one
    verified: true
    sources: [T1]
    there:
      - {from: L1, to: M2}
      - {from: L2, to: M2}
      - {from: L3, to: none}
  - id: new
    kind: pairs
    title: new edition
    from: 2021-01-01
    to: 2030-12-31
    from_scheme: li-one
    to_scheme: mc-one
    verified: true
    sources: [T1]
    there:
      - {from: L1, to: M1}
      - {from: L2, to: M3}
      - {from: L3, to: M3}
`))
	for _, c := range []struct {
		name, label, made, judged string
		kind                      mapping.OutcomeKind
		code, law                 string
		table                     string
	}{
		{"made under the stricter edition", "NIEDRIG", "2020-06-01", "2026-01-06", mapped, "M2", "A10", "old"},
		{"made under the milder edition", "MITTEL", "2020-06-01", "2026-01-06", mapped, "M3", "A1", "new"},
		{"made and judged now", "NIEDRIG", "2026-01-01", "2026-01-06", mapped, "M1", "A1", "new"},
		{"refused by the old edition", "HOCH", "2020-12-31", "2021-01-01", refused, "", "A10", "old"},
		{"judged when it was made", "NIEDRIG", "2020-06-01", "2020-12-31", mapped, "M2", "A1", "old"},
		{"no table any more", "NIEDRIG", "2026-01-01", "2031-01-01", refused, "", "A10", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := tab.Map(level(t, tab, "li-one", c.label, date(t, c.made)), "mc-one", date(t, c.judged))
			if o.Kind != c.kind || o.To.Code != c.code || o.Law != c.law || strings.Join(o.Tables, " ") != c.table {
				t.Errorf("%s %q by %s, tables %v: %s", o.Kind, o.To.Code, o.Law, o.Tables, o.Text)
			}
		})
	}
	if next := tab.NextChange(now); !next.Equal(date(t, "2031-01-01")) {
		t.Errorf("the next change after %s is %s", now, next)
	}
	if next := tab.NextChange(date(t, "2031-01-01")); !next.IsZero() {
		t.Errorf("a change after the last one: %s", next)
	}
}

// Laws A7 and A14 on made-up rows: the highest of several, or a person.
func TestMapOneToMany(t *testing.T) {
	tab := load(t, base(t, `ver: 1
tables:
  - id: many
    kind: pairs
    title: one to many
    from_scheme: li-one
    to_scheme: mc-one
    verified: true
    sources: [T1]
    there:
      - {from: L1, to: [M1, M2], person: Which one did the source mean?}
      - {from: L2, to: [M1, M3, M2], choose: highest}
      - {from: L3, to: M3}
`))
	if o := tab.Map(level(t, tab, "li-one", "NIEDRIG", now), "MC", now); o.Kind != hold || o.Law != "A14" || o.To != (mapping.Level{}) || !strings.Contains(o.Text, "Which one") {
		t.Errorf("the relay picked: %+v", o)
	}
	if o := tab.Map(level(t, tab, "li-one", "MITTEL", now), "MC", now); o.Kind != mapped || o.Law != "A14" || o.To.Code != "M3" {
		t.Errorf("not the highest: %+v", o)
	}
}

// A pivot needs both rows in tables made for it; one of two pivots that says
// "none" wins over one that maps.
func TestMapPivots(t *testing.T) {
	leg := func(id, from, to, pivot, rows string) string {
		if pivot != "" {
			pivot = "\n    pivot: " + pivot
		}
		return "\n  - id: " + id + "\n    kind: pairs\n    title: t" + pivot + "\n    from_scheme: " + from + "\n    to_scheme: " + to +
			"\n    verified: true\n    sources: [T1]\n    there: " + rows
	}
	const in = "[{from: L1, to: H1}, {from: L2, to: H1, round_up: true}, {from: L3, to: H2}]"
	const out = "[{from: H1, to: M2}, {from: H2, to: M3}]"
	for _, c := range []struct {
		name, tables string
		kind         mapping.OutcomeKind
		code, law    string
	}{
		{"both legs", leg("a", "li-one", "hub", "hub", in) + leg("b", "hub", "mc-one", "hub", out), mapped, "M2", "A7"},
		{"first leg is no pivot", leg("a", "li-one", "hub", "", in) + leg("b", "hub", "mc-one", "hub", out), refused, "", "A7"},
		{"second leg is no pivot", leg("a", "li-one", "hub", "hub", in) + leg("b", "hub", "mc-one", "", out), refused, "", "A7"},
		{"one leg only", leg("a", "li-one", "hub", "hub", in), refused, "", "A7"},
		{"direct table first", leg("a", "li-one", "hub", "hub", in) + leg("b", "hub", "mc-one", "hub", out) +
			leg("c", "li-one", "mc-one", "", "[{from: L1, to: M1}, {from: L2, to: M1}, {from: L3, to: M1}]"), mapped, "M1", "A1"},
		{"direct table says none", leg("a", "li-one", "hub", "hub", in) + leg("b", "hub", "mc-one", "hub", out) +
			leg("c", "li-one", "mc-one", "", "[{from: L1, to: none}, {from: L2, to: none}, {from: L3, to: none}]"), refused, "", "A7"},
		{"two direct tables, the higher", leg("c", "li-one", "mc-one", "", "[{from: L1, to: M1}, {from: L2, to: M1}, {from: L3, to: M1}]") +
			leg("d", "li-one", "mc-one", "", "[{from: L1, to: M1}, {from: L2, to: M3}, {from: L3, to: M3}]"), mapped, "M3", "A1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			tab := load(t, base(t, "ver: 1\ntables:"+c.tables+"\n"))
			o := tab.Map(level(t, tab, "li-one", "MITTEL", now), "mc-one", now)
			if o.Kind != c.kind || o.To.Code != c.code || o.Law != c.law {
				t.Errorf("%s %q by %s: %s", o.Kind, o.To.Code, o.Law, o.Text)
			}
		})
	}
}

// Two pivots: one that says "none" refuses, if its table has the target at
// all; one that cannot speak of the target does not count.
func TestMapTwoPivots(t *testing.T) {
	const head = `ver: 1
schemes:
  - {id: nab, body: NAB, authority: test, verified: true, sources: [T1], levels: [{code: N1, label: {en: NAB ONE}}]}
tables:
  - {id: a, kind: pairs, title: t, pivot: nab, from_scheme: li-one, to_scheme: nab, verified: true, sources: [T1], there: [{from: L1, to: N1}, {from: L2, to: N1}, {from: L3, to: N1}]}
  - {id: b, kind: pairs, title: t, pivot: nab, from_scheme: nab, to_scheme: mc-one, verified: true, sources: [T1], there: [{from: N1, to: M3}]}
  - {id: c, kind: pairs, title: t, pivot: hub, from_scheme: li-one, to_scheme: hub, verified: true, sources: [T1], there: [{from: L1, to: H1}, {from: L2, to: none}, {from: L3, to: H2}]}
`
	const related = `  - {id: d, kind: pairs, title: t, pivot: hub, from_scheme: hub, to_scheme: mc-one, verified: true, sources: [T1], there: [{from: H1, to: M1}, {from: H2, to: M2}]}
`
	for _, c := range []struct {
		name, data, label string
		kind              mapping.OutcomeKind
		code              string
	}{
		{"the other pivot cannot speak of the target", head, "MITTEL", mapped, "M3"},
		{"the other pivot says none", head + related, "MITTEL", refused, ""},
		{"both map: the higher", head + related, "NIEDRIG", mapped, "M3"},
	} {
		tab := load(t, base(t, c.data))
		if o := tab.Map(level(t, tab, "li-one", c.label, now), "mc-one", now); o.Kind != c.kind || o.To.Code != c.code {
			t.Errorf("%s: %s %q: %s", c.name, o.Kind, o.To.Code, o.Text)
		}
	}
}

// Several schemes of one country that all have an answer: the relay does not
// choose (A9).
func TestMapAmbiguousCountry(t *testing.T) {
	tab := load(t, base(t, `ver: 1
schemes:
  - id: mc-two
    country: MC
    authority: test
    verified: true
    sources: [T1]
    levels:
      - {code: N1, label: {fr: BAS}}
tables:
  - {id: a, kind: pairs, title: t, from_scheme: li-one, to_scheme: mc-one, verified: true, sources: [T1], there: [{from: L1, to: M1}, {from: L2, to: M1}, {from: L3, to: M1}]}
  - {id: b, kind: pairs, title: t, from_scheme: li-one, to_scheme: mc-two, verified: true, sources: [T1], there: [{from: L1, to: N1}, {from: L2, to: N1}, {from: L3, to: N1}]}
`))
	if o := tab.Map(level(t, tab, "li-one", "HOCH", now), "MC", now); o.Cause != mapping.Ambiguous || o.Law != "A9" {
		t.Errorf("%s by %s: %s", o.Kind, o.Law, o.Text)
	}
	if o := tab.Map(level(t, tab, "li-one", "HOCH", now), "mc-two", now); o.To.Code != "N1" {
		t.Errorf("by its id: %+v", o)
	}
	if _, _, err := tab.Resolve("MC", "BAS", now); err == nil || !strings.Contains(err.Error(), "mc-one, mc-two") {
		t.Errorf("a label of two schemes of one country: %v", err)
	}
	if l, _, err := tab.Resolve("MC", "MOYEN", now); err != nil || l.Scheme != "mc-one" {
		t.Errorf("of several schemes the label decides: %+v, %v", l, err)
	}
}

func TestAccept(t *testing.T) {
	tab := tables(t)
	if _, err := tab.Accept("pl-nationl"); err == nil || !strings.Contains(err.Error(), `did you mean "pl-national"?`) {
		t.Errorf("an unknown name: %v", err)
	}
	names := tab.Unverified()
	for _, want := range append([]string{"cz-us-1995/V", "jp-government", "ua-state-secrets"}, polish...) {
		if !slices.Contains(names, want) {
			t.Errorf("%s is not listed as unverified", want)
		}
	}
	if slices.Contains(names, "de-vs") || slices.Contains(names, "eu-2013-488-app-b-2021/DE") {
		t.Error("a verified row is listed as unverified")
	}
	one := tables(t, polish...)
	if tab.Digest() == one.Digest() || len(tab.Digest()) != 64 {
		t.Error("accepting a row does not change the digest")
	}
	if again := tables(t, polish[1], polish[0]); again.Digest() != one.Digest() {
		t.Error("the digest depends on the order of acceptance")
	}
	half := tables(t, "pl-national")
	if o := half.Map(level(t, half, "de-vs", "VS-NfD", now), "PL", now); o.Cause != mapping.Unverified || !strings.Contains(o.Text, "accept eu-2013-488-app-b-2021/PL by name") {
		t.Errorf("half accepted: %s", o.Text)
	}
	whole := tables(t, "pl-national", "eu-2013-488-app-b-2021")
	if o := whole.Map(level(t, whole, "de-vs", "VS-NfD", now), "PL", now); o.Kind != mapped || !slices.Contains(o.Accepted, "eu-2013-488-app-b-2021/PL") {
		t.Errorf("the whole table accepted: %+v", o)
	}
	// The first tables do not change when others are made from them.
	if o := tab.Map(level(t, tab, "de-vs", "VS-NfD", now), "PL", now); o.Cause != mapping.Unverified {
		t.Errorf("accepting leaked into the tables it was asked of: %s", o.Text)
	}
}

func TestSchemesOf(t *testing.T) {
	tab := tables(t)
	ids := func(name, at string) string {
		var out []string
		for _, s := range tab.SchemesOf(name, date(t, at)) {
			out = append(out, s.ID)
		}
		return strings.Join(out, " ")
	}
	for _, c := range [][3]string{
		{"FR", "2020-01-01", "fr-pre2021"}, {"fr", "2021-07-01", "fr-2021"},
		{"NO", "2026-01-06", "no-beskyttelsesinstruks no-sikkerhetsloven"}, {"US", "2026-01-06", "us-cui us-eo13526"},
		{"EU", "2026-01-06", "eu-euci"}, {"ZZ", "2026-01-06", ""},
	} {
		if got := ids(c[0], c[1]); got != c[2] {
			t.Errorf("SchemesOf(%s, %s) = %q, want %q", c[0], c[1], got, c[2])
		}
	}
	if n := len(tab.Schemes()); n != len(tab.ladders) || n < 50 {
		t.Errorf("%d schemes listed of %d", n, len(tab.ladders))
	}
}

// One question asked from many sides gives one answer; run with -race.
func TestMapIsSafeForConcurrentUse(t *testing.T) {
	tab := tables(t, polish...)
	l := level(t, tab, "de-vs", "VS-NfD", now)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for _, to := range []string{"PL", "pl", "eu", "nato", "XX", "GR", "JP"} {
				tab.Map(l, to, now.AddDate(0, 0, i))
			}
		})
	}
	wg.Wait()
	if o := tab.Map(l, "PL", now); o.To.Code != "R" {
		t.Errorf("got %+v", o)
	}
	if len(tab.cache) > 100 {
		t.Errorf("%d answers kept", len(tab.cache))
	}
}

func BenchmarkMapSeen(b *testing.B) {
	tab := tables(b, polish...)
	l := level(b, tab, "de-vs", "VS-NfD", now)
	b.ReportAllocs()
	for b.Loop() {
		if tab.Map(l, "PL", now).Kind != mapped {
			b.Fatal("not mapped")
		}
	}
}

func BenchmarkMapFirst(b *testing.B) {
	tab := tables(b, polish...)
	from, to := tab.byID["de-vs"], tab.named("PL")
	start := tab.start(tab.epoch(now))
	b.ReportAllocs()
	for b.Loop() {
		tab.outcome(from, 1, to, "PL", time.Time{}, start, start)
	}
}
