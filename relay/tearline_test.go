package relay

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/entente-relay/entente/configs"
	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/directory"
	"github.com/entente-relay/entente/federation/envelope"
	"github.com/entente-relay/entente/federation/policy"
	"github.com/entente-relay/entente/federation/stix"
	"github.com/entente-relay/entente/mapping"
	"github.com/entente-relay/entente/mapping/scheme"
	"github.com/entente-relay/entente/relay/dashboard"
)

// partsMarked is a TLP:AMBER indicator whose pattern and description may go to
// readers of TLP:GREEN.
func partsMarked(n int) string {
	text := strings.Replace(indicatorText(n, `"description":"a login page","confidence":85,"granular_markings":[{"marking_ref":"marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb","selectors":["pattern","description"]}],`),
		`"object_marking_refs":["marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"]`, `"object_marking_refs":["marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421"]`, 1)
	return text
}

// consents signs the text of an act as persons.
func (f *office) consents(text string, by ...string) []string {
	f.t.Helper()
	var out []string
	for _, id := range by {
		raw, err := directory.NewApproval(directory.TypDowngradeConsent, directory.Approval{ID: uuid.Must(uuid.NewV7()).String(), By: id, Node: "de-cert",
			Text: []byte(text), IssuedAt: f.now(), NotAfter: f.now().Add(24 * time.Hour)}, f.people[id])
		f.o.must(err)
		out = append(out, string(raw))
	}
	return out
}

// TestTearLineForged has two persons sign what the marked parts of an object do
// not make, and one person or none sign what they make.
func TestTearLineForged(t *testing.T) {
	f := newOffice(t)
	f.publish(partsMarked(1))
	p, err := f.node.ProposeDowngrade(t.Context(), dashboard.DowngradeProposal{TearLine: indicatorName(1), To: "TLP:GREEN", Because: "block lists"})
	f.o.must(err)
	apply := func(text string, objects []json.RawMessage, by ...string) error {
		_, err := f.node.Downgrade(t.Context(), dashboard.DowngradeConsent{Objects: objects, Approvals: f.consents(text, by...)})
		return err
	}
	// The same object with more than the marked parts, agreed to by two.
	more := []json.RawMessage{json.RawMessage(strings.Replace(string(p.Objects[0]), `"a login page"`, `"a login page at the ministry"`, 1))}
	w := f.node.world.Load()
	a, err := f.node.signAgain(w, more, f.now())
	f.o.must(err)
	d, err := directory.ReadDowngradeText([]byte(p.Text))
	f.o.must(err)
	d.New.Digest = a.verified.Items()[0].Digest
	text, err := d.Text()
	f.o.must(err)
	if err := apply(string(text), more, "anna", "ben"); federation.ReasonOf(err) != federation.NotReleasable {
		t.Errorf("what was not marked: %v", err)
	}
	if err := apply(p.Text, p.Objects, "anna"); federation.ReasonOf(err) != federation.NotOwner {
		t.Errorf("one person: %v", err)
	}
	if err := apply(p.Text, p.Objects); federation.ReasonOf(err) != federation.NotOwner {
		t.Errorf("nobody: %v", err)
	}
	f.o.must(apply(p.Text, p.Objects, "anna", "ben"))
	all, err := f.node.Downgrades(t.Context())
	f.o.must(err)
	if len(all) != 1 || all[0].TearLine == "" || all[0].Object != indicatorName(1) {
		t.Fatalf("the acts: %+v", all)
	}
	// It ends with the original.
	if _, err := f.node.Withdraw(t.Context(), []string{indicatorName(1)}, envelope.GoneWithdrawn); err != nil {
		t.Fatal(err)
	}
	line := digest(a.verified.Items()[0].Digest)
	made, err := f.node.index.Derived(t.Context())
	f.o.must(err)
	for told := f.node.told.wait(); !f.node.index.Withdrawn("de-cert", [][32]byte{made[0].Own})[0]; told = f.node.told.wait() {
		<-told
	}
	if line == digest(made[0].Own) {
		t.Error("what was not marked is in the log")
	}
	if err := apply(p.Text, p.Objects, "anna", "ben"); federation.ReasonOf(err) != federation.Withdrawn {
		t.Errorf("of what was taken back: %v", err)
	}
}

// TestTearLineTakesNothingElse looks at every property of a tear-line.
func TestTearLineTakesNothingElse(t *testing.T) {
	o, err := stix.Parse([]byte(partsMarked(1)))
	if err != nil {
		t.Fatal(err)
	}
	tables, err := scheme.Load(configs.Schemes())
	if err != nil {
		t.Fatal(err)
	}
	s := policy.NewReader(tables).Subject("de-cert", [32]byte{}, o, nil)
	now := time.Date(2026, 6, 1, 13, 14, 15, 0, time.UTC)
	made, err := newTearLine(s, mapping.TLPGreen, now).object()
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(made.Raw(), &got); err != nil {
		t.Fatal(err)
	}
	const midnight = "2026-06-01T00:00:00.000Z"
	for name, want := range map[string]string{"type": "indicator", "spec_version": "2.1", "created": midnight, "modified": midnight, "valid_from": midnight,
		"description": "a login page", "pattern": "[domain-name:value = 'a1.example']", "pattern_type": "stix"} {
		if got[name] != want {
			t.Errorf("%s is %v, want %s", name, got[name], want)
		}
		delete(got, name)
	}
	if made.ID() == o.ID() || len(made.MarkingRefs()) != 1 || made.MarkingRefs()[0] != "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb" {
		t.Errorf("id %s, marked %v", made.ID(), made.MarkingRefs())
	}
	delete(got, "id")
	delete(got, "object_marking_refs")
	if len(got) > 0 {
		t.Errorf("besides it has %v", got)
	}
	again, err := newTearLine(s, mapping.TLPGreen, now).object()
	if err != nil || again.ID() == made.ID() {
		t.Errorf("two tear-lines have the id %s (%v): it is computed from something", made.ID(), err)
	}
}
