package policy

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/entente-relay/entente/federation"
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
