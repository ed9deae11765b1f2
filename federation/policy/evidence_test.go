package policy

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/stix"
	"github.com/entente-relay/entente/mapping"
)

// What an explanation shows of a removed property is what kind of data it
// holds, and never the data.
func TestEvidence(t *testing.T) {
	d := newDemo(t)
	jp := NewRecipient(d.pl, SampleAgreement("JP"))
	const pesel, amount = "44051401359", "1200.50"
	s := d.subject(t, "pl-cert", indicator(object{"description": "PESEL " + pesel, "x_remark": "our tariff is " + amount + " EUR", "name": "quiet"}))
	x := d.bundle.Decide(s, jp, demoNow)
	got := x.Evidence()
	if x.Verdict() != federation.Redact || !slices.Contains(got["description"], "personal, content: national id (PL PESEL)") ||
		!slices.Contains(got["x_remark"], "commercial, content: amount of money beside words of a tariff, an offer or a contract") {
		t.Errorf("%s: %q", x.Verdict(), got)
	}
	if _, kept := got["name"]; kept {
		t.Error("a property that goes is listed")
	}
	if all := fmt.Sprint(got); strings.Contains(all, pesel) || strings.Contains(all, amount) {
		t.Errorf("it holds content: %s", all)
	}
	if whole := d.bundle.Decide(d.subject(t, "pl-cert", indicator(nil)), jp, demoNow); whole.Evidence() != nil {
		t.Errorf("nothing is removed: %q", whole.Evidence())
	}
	if (Decision{}).Evidence() != nil {
		t.Error("the zero decision has evidence")
	}
}

// An address that a relationship in its message calls a target is a victim's,
// and needs an agreement that names targets. By itself it is only a guess.
func TestTargetsOfTheMessage(t *testing.T) {
	d := newDemo(t)
	jp := NewRecipient(d.pl, sampleAgreement(t, "pl-cert--jp-carrier"))
	address := parsed(t, object{"type": "domain-name", "id": "domain-name--00000000-0000-4000-8000-000000000001", "value": "pc.victim.example",
		"object_marking_refs": []string{tlpID(mapping.TLPGreen)}})
	targets := parsed(t, other("relationship", idSecond, object{"relationship_type": "targets", "source_ref": idMalware, "target_ref": address.ID()}))
	for _, tc := range []struct {
		among []*stix.Object
		want  bool
	}{{[]*stix.Object{address}, true}, {[]*stix.Object{address, targets}, false}} {
		s := d.reader.Among(tc.among).Subject("pl-cert", [32]byte{1}, address, nil)
		if got := d.bundle.Decide(s, jp, demoNow); got.goes() != tc.want {
			t.Errorf("among %d: %s %v", len(tc.among), got.Verdict(), got.Reasons())
		} else if !tc.want && !slices.Contains(got.Evidence()["value"], "target, reference: called a target") {
			t.Errorf("evidence %v", got.Evidence())
		}
	}
}

// An organisation that was attacked is named to the team that serves it, and to
// others only where the agreement names data about targets.
func TestAttackedOrganisation(t *testing.T) {
	d := newDemo(t)
	a, err := agreementWith(t, sampleConstituency)
	if err != nil {
		t.Fatal(err)
	}
	a.Groups = nil // no sharing arrangement either
	a.Data = slices.DeleteFunc(a.Data, func(c string) bool { return c == string(federation.Target) })
	to := NewRecipient(d.de, a)
	for id, want := range map[string]federation.Verdict{
		"identity--44444444-4444-4444-8444-444444444444": federation.Share, // in their constituency
		"identity--55555555-5555-4555-8555-555555555555": federation.Withhold,
	} {
		named := parsed(t, object{"type": "identity", "spec_version": "2.1", "id": id, "created": "2026-01-05T00:00:00.000Z", "modified": "2026-01-05T00:00:00.000Z",
			"name": "Example GmbH", "identity_class": "organization", "object_marking_refs": []string{tlpID(mapping.TLPGreen)}})
		targets := parsed(t, other("relationship", idSecond, object{"relationship_type": "targets", "source_ref": idMalware, "target_ref": id}))
		s := d.reader.Among([]*stix.Object{named, targets}).Subject("de-cert", [32]byte{2}, named, nil)
		if got := d.bundle.Decide(s, to, demoNow); got.Verdict() != want {
			t.Errorf("%s: %s %v, want %s", id, got.Verdict(), got.Reasons(), want)
		}
		if got := d.bundle.Decide(d.reader.Subject("de-cert", [32]byte{2}, named, nil), to, demoNow); got.Verdict() != federation.Share {
			t.Errorf("%s, of whom nothing is said: %s", id, got.Verdict())
		}
	}
}
