package policy

import (
	"strings"
	"testing"

	"github.com/entente-relay/entente/mapping/scheme"
)

// ownTable is a table that an operator wrote and nobody verified: it calls
// Spain's highest level NATO's second.
const ownTable = `ver: 1
sources:
  X1: {document: a table found somewhere, kind: secondary}
tables:
  - id: x-es
    kind: pairs
    title: t
    from_scheme: es-national
    to_scheme: nato
    verified: false
    sources: [X1]
    there: [{from: R, to: NR}, {from: C, to: NC}, {from: S, to: NS}, {from: TS, to: NS}]
`

// What an agreement accepts counts for its peer alone, and is held to the laws
// as what the node accepts: a row that lowers is refused with the terms.
func TestAcceptedRowsKeepTheLaws(t *testing.T) {
	tables, err := scheme.Load(overlay(t, "schemes", map[string]string{"x.yaml": ownTable}))
	if err != nil {
		t.Fatal(err)
	}
	if err := tables.Check(); err != nil {
		t.Fatalf("rows that nobody accepted count: %v", err)
	}
	b, err := load(t, tables, nil, nil, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		accept []string
		wrong  bool
	}{
		{nil, false},
		{[]string{"pl-national", "eu-2013-488-app-b-2021/PL"}, false},
		{[]string{"x-es"}, true},
		{[]string{"x-es/TS"}, true},
	} {
		a := sampleAgreement(t, "de-cert--pl-cert")
		a.Accept = c.accept
		a.Classified, a.Accreditation.Ceiling, a.Consents = nil, nil, nil
		for range 2 { // proved once, and answered again from what was found
			err := b.Check(a, demoNow)
			if (err != nil) != c.wrong {
				t.Errorf("accepting %v: %v", c.accept, err)
			}
			if c.wrong && (!strings.Contains(err.Error(), a.ID) || !strings.Contains(err.Error(), "law A1: SECRETO (es-national)") || !strings.Contains(err.Error(), "x-es/TS x.yaml:")) {
				t.Errorf("law, rows or terms are not named: %v", err)
			}
		}
	}
}

// Law A15: an equivalence is no permission. Each of the other gates is closed
// in turn, and nothing goes; and rules under which it would are refused when
// they are loaded.
func TestEquivalenceIsNoPermission(t *testing.T) {
	d := newDemo(t)
	classified := handlingOf(object{"origin": "DE", "scheme": "de-vs", "classification": "VS-NfD"})
	for _, c := range []struct {
		name, rule string
		terms      func(*Agreement)
	}{
		{"every gate open", "", func(*Agreement) {}},
		{"no agreement in force", "classified-under-agreement", func(a *Agreement) { a.NotBefore, a.Until = date(2020, 1, 1), date(2021, 1, 1) }},
		{"a level the agreement does not cover", "level-not-agreed", func(a *Agreement) { a.Classified = nil }},
		{"a peer that is not accredited", "peer-accreditation", func(a *Agreement) { a.Accreditation = Accreditation{} }},
		{"a release list without the peer", "release-list", nil},
	} {
		b := border{terms: c.terms, object: classified}
		if c.terms == nil {
			b.object = handlingOf(object{"origin": "DE", "scheme": "de-vs", "classification": "VS-NfD", "releasable_to": []string{"FR"}})
		}
		got := d.cross(t, b)
		if got.goes() != (c.rule == "") || c.rule != "" && !strings.Contains(strings.Join(reasonsOf(got), " "), c.rule) {
			t.Errorf("%s: %s %v", c.name, got.Verdict(), reasonsOf(got))
		}
	}
	forbids := string(readShipped(t, "policies", "40-classified.cedar"))
	examples := string(readShipped(t, "policies", "40-classified.examples.yaml"))
	for name, cut := range map[string][2]string{
		"the equivalence alone permits": {"  resource.agreedLevel == \"within\" &&\n", "@id(\"level-not-agreed\")"},
		"nobody asks the originator":    {" &&\n  (resource.consent == \"given\" || resource.consent == \"not-needed\")", "@id(\"originator-consent\")"},
	} {
		rules := strings.Replace(forbids, cut[0], "", 1)
		id := strings.TrimSuffix(strings.TrimPrefix(cut[1], "@id(\""), "\")")
		from := strings.Index(rules, cut[1])
		to := from + strings.Index(rules[from+1:], "@id(") + 1
		rules = rules[:from] + rules[to:]
		if len(rules) > len(forbids)-len(cut[0])-100 {
			t.Fatalf("%s: nothing was cut", name)
		}
		_, err := load(t, d.bundle.tables, map[string]string{"40-classified.cedar": rules, "40-classified.examples.yaml": withoutRule(examples, id)}, nil, Options{})
		if err == nil || !strings.Contains(err.Error(), "an equivalence is no permission (A15)") || !strings.Contains(err.Error(), "classified-under-agreement") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// withoutRule cuts the examples of one rule out of a file of them.
func withoutRule(text, id string) string {
	var out []string
	skip := false
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "  - rule: ") {
			skip = strings.TrimSpace(strings.TrimPrefix(line, "  - rule: ")) == id
		}
		if !skip {
			out = append(out, line)
		}
	}
	return strings.Join(out, "")
}
