package stix

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
func Contents() []string {
	return []string{HoldsEmail, HoldsPhone, HoldsAddress, HoldsNationalID, HoldsHealth, HoldsSubscriber, HoldsPayment,
		HoldsPrice, HoldsVictim, HoldsCalls}
}
