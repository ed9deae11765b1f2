package policy

import (
	"slices"
	"strings"

	"github.com/entente-relay/entente/federation"
)

// step is a step of enforcement, in the order of the classification reference
// §6.3. Of several denials the one whose step comes first is the one to name:
// what was found in a later step was judged on what an earlier one refused.
type step uint8

const (
	stepRules        step = iota // the rules themselves could not be asked
	stepMarking                  // 1, 2: markings understood, joined, valid now
	stepOriginator               // 3: the originator's grant and release list
	stepAgreement                // 4: an agreement in force, and its ceiling
	stepCompartments             // 5
	stepAudience                 // 6: TLP
	stepUse                      // 7: PAP, IEP, purposes and contracts
	stepPersonal                 // 8: the filter of personal data
	stepResidency                // 9
	stepMapping                  // 10: accreditation, equivalent, marking anew
	stepLast
)

// stepOfReason is the step that a reason belongs to.
func stepOfReason(r federation.Reason) step {
	switch r {
	case federation.PolicyError:
		return stepRules
	case federation.UnknownMarking, federation.Unmarked, federation.NotYetValid, federation.Expired:
		return stepMarking
	case federation.NotReleasable:
		return stepOriginator
	case federation.NoAgreement, federation.OverCeiling:
		return stepAgreement
	case federation.TLPAudience:
		return stepAudience
	case federation.Purpose, federation.Contract:
		return stepUse
	case federation.PersonalData:
		return stepPersonal
	case federation.Residency:
		return stepResidency
	case federation.NotAccredited, federation.NoEquivalent:
		return stepMapping
	}
	return stepLast
}

// stepOf is the step that a rule belongs to: that of the fact it turns on where
// its reason's word serves several steps, else that of the reason. An audience
// that no recipient and no terms could be in, such as TLP:RED's, is the
// originator's grant: to name the ceiling it exceeds too would say that another
// agreement could help.
func (r *rule) stepOf() step {
	at := stepOfReason(r.reason)
	switch {
	case at == stepRules || at == stepMarking:
	case at == stepAudience && !slices.ContainsFunc(r.reads, aboutPeer):
		return stepOriginator
	case slices.Contains(r.reads, "resource.boundBy"):
		return stepUse
	case r.permit: // it turns on every condition at once
	case slices.Contains(r.reads, "resource.compartments"):
		return stepCompartments
	case slices.Contains(r.reads, "resource.agreedLevel"):
		return stepAgreement
	case slices.Contains(r.reads, "resource.equivalent"):
		return stepMapping
	}
	return at
}

// aboutPeer reports whether a fact is one of the recipient's.
func aboutPeer(name string) bool { return strings.HasPrefix(name, "principal.") }

// byOrder sorts denials by the order of enforcement. Within a step a denial
// that no person can lift comes first.
func (b *Bundle) byOrder(cited []Cited) {
	rank := func(c Cited) int {
		at := stepOfReason(c.Reason)
		if r := b.byID(c.Rule); r != nil && c.Reason != federation.PolicyError {
			at = r.stepOf()
		}
		if c.Hold {
			return 2*int(at) + 1
		}
		return 2 * int(at)
	}
	slices.SortStableFunc(cited, func(x, y Cited) int { return rank(x) - rank(y) })
}
