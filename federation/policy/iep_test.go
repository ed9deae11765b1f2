package policy

import (
	"testing"

	"github.com/entente-relay/entente/federation"
)

const iepMarking = "marking-definition--22222222-2222-4222-8222-222222222222"

// iepPolicy is an IEP 2.0 policy with one field changed.
func iepPolicy(field, value string) object {
	policy := object{"extension_type": "property-extension", "iep_version": 2.0, "tlp": "green", "encrypt_in_transit": "may",
		"permitted_actions": "externally-visible-direct-actions", "affected_party_notifications": "may",
		"provider_attribution": "may", "unmodified_resale": "may"}
	if field != "" {
		policy[field] = value
	}
	return object{"type": "marking-definition", "spec_version": "2.1", "id": iepMarking, "created": "2026-01-05T00:00:00.000Z",
		"extensions": object{"extension-definition--762e2e97-ee51-43e5-a9ea-165fbb862c4a": policy}}
}

// An IEP 2.0 policy binds the recipient: what the agreement does not name does
// not go, and what nobody here understands is held.
func TestIEPObligations(t *testing.T) {
	d := newDemo(t)
	for _, c := range []struct {
		name, field, value, to, from string
		terms                        func(*Agreement)
		verdict                      federation.Verdict
		reason                       federation.Reason
		rule, says                   string
	}{
		{name: "nothing but green", verdict: federation.Share},
		{name: "amber onward", field: "tlp", value: "amber", to: "pl-cert--jp-carrier", from: "de-cert",
			verdict: federation.Withhold, reason: federation.TLPAudience, rule: "tlp-amber-onward"},
		{name: "red", field: "tlp", value: "red", terms: func(a *Agreement) { a.Ceiling = 5 },
			verdict: federation.Withhold, reason: federation.TLPAudience, rule: "tlp-red-nobody"},
		{name: "no resale, no term", field: "unmodified_resale", value: "must-not", terms: func(a *Agreement) { a.Resale = "forbidden" },
			verdict: federation.Withhold, reason: federation.Contract, rule: "contract-terms", says: "iep2-no-resale"},
		{name: "no resale, and it may sell", field: "unmodified_resale", value: "must-not",
			terms:   func(a *Agreement) { a.Contracts = []string{"iep2-no-resale"}; a.Resale = "allowed" },
			verdict: federation.Withhold, reason: federation.Contract, rule: "no-resale"},
		{name: "no resale, agreed", field: "unmodified_resale", value: "must-not",
			terms:   func(a *Agreement) { a.Contracts = []string{"iep2-no-resale"}; a.Resale = "forbidden" },
			verdict: federation.Share},
		{name: "no notification", field: "affected_party_notifications", value: "must-not",
			terms: func(a *Agreement) {
				a.Contracts, a.Resale = []string{"iep2-no-notification"}, "forbidden"
				a.Purposes = []string{"network-security", "victim-notification"}
			},
			verdict: federation.Withhold, reason: federation.Purpose, rule: "iep-no-notification"},
		{name: "no attribution, first hand", field: "provider_attribution", value: "must-not",
			terms:   func(a *Agreement) { a.Contracts, a.Resale = []string{"iep2-no-attribution"}, "forbidden" },
			verdict: federation.Share},
		{name: "no attribution, onward", field: "provider_attribution", value: "must-not", to: "pl-cert--jp-carrier", from: "de-cert",
			terms:   func(a *Agreement) { a.Contracts, a.Resale = []string{"iep2-no-attribution"}, "forbidden" },
			verdict: federation.Hold, reason: federation.NotReleasable, rule: "iep-no-attribution"},
		{name: "passive use only", field: "permitted_actions", value: "externally-visible-indirect-actions",
			terms:   func(a *Agreement) { a.Purposes = []string{"network-security", "blocking"} },
			verdict: federation.Withhold, reason: federation.Purpose, rule: "pap-passive-only", says: "PAP:AMBER"},
		{name: "ask first", field: "permitted_actions", value: "none",
			verdict: federation.Hold, reason: federation.UnknownMarking, rule: "marking-unknown", says: `permitted_actions "none"`},
		{name: "its end", field: "end_date", value: "2026-01-05T12:00:00Z",
			verdict: federation.Withhold, reason: federation.Expired, rule: "validity-over"},
		{name: "its beginning", field: "start_date", value: "2026-02-01T00:00:00Z",
			verdict: federation.Hold, reason: federation.NotYetValid, rule: "validity-early"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := border{to: c.to, from: c.from, terms: c.terms, object: object{"object_marking_refs": []string{iepMarking}},
				defs: []object{iepPolicy(c.field, c.value)}, verdict: c.verdict, reason: c.reason, rule: c.rule, says: c.says}
			b.check(t, d.cross(t, b))
		})
	}
}
