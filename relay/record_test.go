package relay

import (
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/entente-relay/entente/configs"
	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/policy"
	"github.com/entente-relay/entente/federation/stix"
	"github.com/entente-relay/entente/mapping/scheme"
	"github.com/entente-relay/entente/relay/journal"
)

// Law A16: what was made of a level is in the record of the decision, with law,
// table and row, whether it went or not.
func TestRecordNamesTablesAndRows(t *testing.T) {
	tables, err := scheme.Load(configs.Schemes())
	must(t, err)
	b, err := LoadBundle(&configs.Node{Reviewed: []configs.Review{{Rule: "classified-under-agreement", By: "EXERCISE", On: configs.Date{Time: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}}}}, Folders{})
	must(t, err)
	text, err := fs.ReadFile(configs.Agreements(), "de-cert--pl-cert.yaml")
	must(t, err)
	terms, err := policy.ParseAgreement(text, "de-cert--pl-cert.yaml")
	must(t, err)
	self := &policy.Node{ID: "de-cert", Country: "DE", Kind: "authority", Accreditation: policy.Accreditation{
		Authority: "EXERCISE", ID: "EXERCISE", Ceiling: []string{"de-vs/GEHEIM"}, Until: time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC), Exercise: true}}
	now := time.Date(2026, 1, 6, 12, 0, 0, 0, time.UTC)
	for label, want := range map[string]struct {
		verdict federation.Verdict
		level   journal.SentLevel
		row     string
	}{
		"VS-NfD": {federation.Share, journal.SentLevel{From: "de-vs/VS-NfD", To: "pl-national/R", Outcome: "mapped", Law: "A1"}, "eu-2013-488-app-b-2021/PL tables/eu-appendix-b.yaml:"},
		"GEHEIM": {federation.Withhold, journal.SentLevel{From: "de-vs/GEHEIM", To: "pl-national/S", Outcome: "mapped", Law: "A1"}, "eu-2013-488-app-b-2021/DE tables/eu-appendix-b.yaml:"},
	} {
		o, err := stix.Parse([]byte(strings.Replace(classifiedSample, "LABEL", label, 1)))
		must(t, err)
		s := policy.NewReader(tables).Subject("de-cert", [32]byte{1}, o, nil)
		got := sentObject(s, b.Decide(s, policy.NewRecipient(self, terms), now))
		if got.Verdict != want.verdict || len(got.Levels) != 1 {
			t.Fatalf("%s: %s, levels %v, %v", label, got.Verdict, got.Levels, got.Cited)
		}
		l := got.Levels[0]
		if !slices.ContainsFunc(l.Rows, func(r journal.Label) bool { return strings.HasPrefix(string(r), want.row) }) {
			t.Errorf("%s: the row %s is not among %v", label, want.row, l.Rows)
		}
		for _, r := range l.Rows { // it is written as it is, not as unfit
			if text, err := r.AppendText(nil); err != nil || string(text) != string(r) {
				t.Errorf("%s: the row %q is written as %q", label, r, text)
			}
		}
		if l.Rows = nil; l.From != want.level.From || l.To != want.level.To || l.Outcome != want.level.Outcome || l.Law != want.level.Law {
			t.Errorf("%s: %+v, want %+v", label, l, want.level)
		}
	}
}

const classifiedSample = `{"type":"indicator","spec_version":"2.1","id":"indicator--11111111-1111-4111-8111-111111111111",
"created":"2026-01-05T00:00:00.000Z","modified":"2026-01-05T00:00:00.000Z","name":"EXERCISE","indicator_types":["malicious-activity"],
"pattern":"[domain-name:value = 'a.example']","pattern_type":"stix","valid_from":"2026-01-05T00:00:00.000Z",
"object_marking_refs":["marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421"],
"extensions":{"extension-definition--7a5c4f0e-1d6b-4c83-9f2e-3b8d50a6e917":{"extension_type":"property-extension","scheme":"de-vs","classification":"LABEL"}}}`

// What the configuration says of special regimes is what decisions ask.
func TestNodeIsReadIntoCompartments(t *testing.T) {
	s := newSolo(t)
	s.edit("\naccept:", "\naccreditation: {authority: EXERCISE, id: EXERCISE, ceiling: [nato/NR], until: 2030-12-31, exercise: true, compartments: [ATOMAL]}\naccept:")
	w, err := LoadWorld(s.cfg, time.Now())
	must(t, err)
	if !slices.Equal(w.Node.Compartments, []string{"ATOMAL"}) {
		t.Errorf("read into %v", w.Node.Compartments)
	}
}
