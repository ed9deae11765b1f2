package stix

import "github.com/entente-relay/entente/federation"

// Handling is the content of our property extension: what the origin says
// about how the object must be handled, in the origin's words. A nil list
// means that nothing was said; an empty list is refused at parsing.
type Handling struct {
	// Origin is the originating country (ISO 3166-1 alpha-2) or
	// organisation (EU, NATO).
	Origin string
	// Scheme names the classification scheme, Classification the origin's
	// own word in it ("VS-NfD"), Caveats its additions ("REL TO USA, GBR").
	Scheme, Classification string
	Caveats                []string
	// ReleasableTo lists the only countries or organisations that may
	// receive it; Residency the only places that may store or carry it.
	ReleasableTo, Residency []string
	// Purpose lists the only purposes it may be used for.
	Purpose []string
	// RetainDays is how many days a receiver may keep it, 0 if not stated.
	RetainDays int
	// Contract names the contract terms that bind it.
	Contract string
	// PersonalData is the origin's word on whether it holds personal data,
	// nil if not stated.
	PersonalData *bool
	// Categories is the origin's word on what kind of data a property holds, by
	// STIX selector. It adds to what is found here and takes nothing away.
	Categories map[string]federation.Category
	// DefaultMarking names the source profile that supplied the object's
	// marking at intake, "" if the producer marked it.
	DefaultMarking string
	// Reoriginated says that the issuer gives on under its own name what somebody
	// else observed, who is not to be named: a secret commitment to the original,
	// "" for what is the issuer's own. It corroborates nothing.
	Reoriginated string
	// Generalised says that the issuer tells less than it knows, as its own
	// statement: the rule by which, "" for what is told as it is. It corroborates
	// nothing.
	Generalised string
	// Aggregate says that it counts over many and no small number is in it: the
	// period and the floor, "" for anything else.
	Aggregate string
	// Impact is the origin's word for what the object means to those it concerns,
	// one of [Impacts], "" if not stated. It can be removed.
	Impact string
	// Note is text for human readers, nil if absent.
	Note *Note
}

// Impacts lists the words an origin can say about impact, least first; with
// unknown it says that it does not know.
func Impacts() []string { return []string{"none", "low", "medium", "high", "critical", "unknown"} }

// Note is a text that travels with an object; it can be removed as a whole or
// part by part.
type Note struct {
	Abstract, Content string
	Contacts          []string
}
