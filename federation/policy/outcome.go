package policy

import (
	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/mapping"
)

// equivalentWord turns mapping's outcome into the word of the schema.
func equivalentWord(o mapping.Outcome) string {
	switch o.Kind {
	case mapping.Mapped:
		return "mapped"
	case mapping.Hold:
		return "person"
	}
	if ReasonForOutcome(o) == federation.NoEquivalent {
		return "none"
	}
	return "unknown"
}

// ReasonForOutcome is the one table that turns mapping's outcomes into the
// federation's reasons: exhaustive over [mapping.Causes], "" for a level that
// was mapped, and for a cause nobody knows the reason that stops it.
func ReasonForOutcome(o mapping.Outcome) federation.Reason {
	switch o.Kind {
	case mapping.Mapped:
		return ""
	case mapping.Hold:
		return federation.HeldForPerson
	}
	switch o.Cause {
	case mapping.NoEquivalent, mapping.Unverified, mapping.NotInForce:
		return federation.NoEquivalent
	case mapping.CaseByCase:
		return federation.HeldForPerson
	}
	return federation.UnknownMarking
}

// ReasonForFault turns what could not be read in a marking into a reason:
// whatever the cause, a marking that is not understood is unknown.
func ReasonForFault(c mapping.Cause) federation.Reason {
	switch c {
	case mapping.CauseNone:
		return ""
	case mapping.NotMarking:
		return federation.Unmarked
	}
	return federation.UnknownMarking
}
