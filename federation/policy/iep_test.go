package policy

import (
	"testing"

	"github.com/entente-relay/entente/federation"
)

const iepMarking = "marking-definition--22222222-2222-4222-8222-222222222222"

// An IEP 2.0 policy binds the recipient: what the agreement does not name does
// not go, and what nobody here understands is held.
func TestIEPCrossings(t *testing.T) {
	d := newDemo(t)
	for _, c := range []struct {
		name, change, to, from string
		terms                  func(*Agreement)
		verdict                federation.Verdict
		reason                 federation.Reason
		rule, says             string
	}{
		{name: "nothing but green", verdict: federation.Share},
		{name: "amber onward", change: "tlp=amber", to: "pl-cert--jp-carrier", from: "de-cert",
			verdict: federation.Withhold, reason: federation.TLPAudience, rule: "tlp-amber-onward"},
		{name: "red", change: "tlp=red", terms: func(a *Agreement) { a.Ceiling = 5 },
			verdict: federation.Withhold, reason: federation.TLPAudience, rule: "tlp-red-nobody"},
		{name: "no resale, no term", change: "unmodified_resale=must-not", terms: func(a *Agreement) { a.Resale = "forbidden" },
			verdict: federation.Withhold, reason: federation.Contract, rule: "contract-terms", says: "iep2-no-resale"},
		{name: "no resale, and it may sell", change: "unmodified_resale=must-not",
			terms:   func(a *Agreement) { a.Contracts = []string{"iep2-no-resale"}; a.Resale = "allowed" },
			verdict: federation.Withhold, reason: federation.Contract, rule: "no-resale"},
		{name: "no resale, agreed", change: "unmodified_resale=must-not",
			terms:   func(a *Agreement) { a.Contracts = []string{"iep2-no-resale"}; a.Resale = "forbidden" },
			verdict: federation.Share},
		{name: "no notification", change: "affected_party_notifications=must-not",
			terms: func(a *Agreement) {
				a.Contracts, a.Resale = []string{"iep2-no-notification"}, "forbidden"
				a.Purposes = []string{"network-security", "victim-notification"}
			},
			verdict: federation.Withhold, reason: federation.Purpose, rule: "iep-no-notification"},
		{name: "no attribution, first hand", change: "provider_attribution=must-not",
			terms:   func(a *Agreement) { a.Contracts, a.Resale = []string{"iep2-no-attribution"}, "forbidden" },
			verdict: federation.Share},
		{name: "no attribution, onward", change: "provider_attribution=must-not", to: "pl-cert--jp-carrier", from: "de-cert",
			terms:   func(a *Agreement) { a.Contracts, a.Resale = []string{"iep2-no-attribution"}, "forbidden" },
			verdict: federation.Hold, reason: federation.NotReleasable, rule: "iep-no-attribution"},
		{name: "passive use only", change: "permitted_actions=externally-visible-indirect-actions",
			terms:   func(a *Agreement) { a.Purposes = []string{"network-security", "blocking"} },
			verdict: federation.Withhold, reason: federation.Purpose, rule: "pap-passive-only", says: "PAP:AMBER"},
		{name: "ask first", change: "permitted_actions=none",
			verdict: federation.Withhold, reason: federation.Contract, rule: "contract-terms", says: "iep2-contact-first"},
		{name: "a word nobody knows", change: "permitted_actions=everything",
			verdict: federation.Hold, reason: federation.UnknownMarking, rule: "marking-unknown", says: "permitted_actions"},
		{name: "its end", change: "end_date=2026-01-05T12:00:00Z",
			verdict: federation.Withhold, reason: federation.Expired, rule: "validity-over"},
		{name: "its beginning", change: "start_date=2026-02-01T00:00:00Z",
			verdict: federation.Hold, reason: federation.NotYetValid, rule: "validity-early"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := border{to: c.to, from: c.from, terms: c.terms, object: object{"object_marking_refs": []string{iepMarking}},
				defs: []object{iep(iepMarking, c.change)}, verdict: c.verdict, reason: c.reason, rule: c.rule, says: c.says}
			b.check(t, d.cross(t, b))
		})
	}
}
