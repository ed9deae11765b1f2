package stix

import (
	"slices"

	"github.com/entente-relay/entente/federation"
)

// Kinds of content that a finding can name, in [Finding.Holds]. They are what
// rules ask about as resource.holds, so the words are fixed.
const (
	HoldsEmail      = "email-address"
	HoldsPhone      = "telephone-number"
	HoldsAddress    = "ip-address"
	HoldsNationalID = "national-id"
	HoldsHealth     = "health"
	HoldsSubscriber = "subscriber-record"
	HoldsPayment    = "payment-data"
	HoldsPrice      = "price"
	HoldsVictim     = "victim-address"
	HoldsCalls      = "call-record"
)

// Contents lists the kinds of content in a fixed order: that of the constants.
func Contents() []string { return slices.Clone(contentKinds[:]) }

// contentKinds is what Contents lists. It is never written to.
var contentKinds = [...]string{HoldsEmail, HoldsPhone, HoldsAddress, HoldsNationalID, HoldsHealth, HoldsSubscriber, HoldsPayment,
	HoldsPrice, HoldsVictim, HoldsCalls}

// placeHolds returns the kind of content that a property holds by its place,
// "" if that tells nothing.
func placeHolds(typ, name string, p *place) string {
	switch {
	case typ == "ipv4-addr" || typ == "ipv6-addr":
		if name == "value" {
			return HoldsAddress
		}
	case typ == "network-traffic":
		if name == "src_ref" || name == "dst_ref" {
			return HoldsAddress // their ids come from the addresses
		}
	case p.unsure && p.category == federation.Subscriber: // by a telling name
		return HoldsSubscriber
	case p.unsure && p.category == federation.Commercial:
		return HoldsPrice
	}
	return ""
}
