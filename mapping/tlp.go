package mapping

// TLP is a Traffic Light Protocol 2.0 label: an audience, not a secrecy level
// (FIRST TLP 2.0; trap: RED on an unclassified item is not TOP SECRET). Higher
// values reach fewer people.
type TLP uint8

// The labels of TLP 2.0, least to most restrictive.
const (
	TLPUnmarked    TLP = iota // nothing stated; never shareable, and the identity of Join
	TLPClear                  // the world
	TLPGreen                  // the recipient's community, no public channel
	TLPAmber                  // the recipient's organisation and its clients
	TLPAmberStrict            // the recipient's organisation only
	TLPRed                    // named persons only
)

// String returns the label as TLP 2.0 writes it, "unmarked" for TLPUnmarked,
// and "invalid TLP" for a value outside the list.
func (t TLP) String() string {
	switch t {
	case TLPUnmarked:
		return "unmarked"
	case TLPClear:
		return "TLP:CLEAR"
	case TLPGreen:
		return "TLP:GREEN"
	case TLPAmber:
		return "TLP:AMBER"
	case TLPAmberStrict:
		return "TLP:AMBER+STRICT"
	case TLPRed:
		return "TLP:RED"
	}
	return "invalid TLP"
}

// Version1 returns the label in the words of TLP 1.0. It reports false for
// AMBER+STRICT, which TLP 1.0 cannot say: writing AMBER would widen the
// audience to clients (trap T2), so the caller must refuse. Unmarked and
// invalid values report false too.
func (t TLP) Version1() (string, bool) {
	switch t {
	case TLPClear:
		return "TLP:WHITE", true
	case TLPGreen, TLPAmber, TLPRed:
		return t.String(), true
	}
	return "", false
}

// PAP is a Permissible Actions Protocol label: what a holder may do with the
// information, apart from who may hold it. Higher values permit less.
type PAP uint8

// The labels of PAP, least to most restrictive.
const (
	PAPNone  PAP = iota // no PAP stated
	PAPClear            // no restriction on use
	PAPGreen            // active measures, blocking included
	PAPAmber            // passive checks through third parties
	PAPRed              // own logs only, nothing on the network
)

// String returns the label as PAP writes it, "none" for PAPNone, and
// "invalid PAP" for a value outside the list.
func (p PAP) String() string {
	switch p {
	case PAPNone:
		return "none"
	case PAPClear:
		return "PAP:CLEAR"
	case PAPGreen:
		return "PAP:GREEN"
	case PAPAmber:
		return "PAP:AMBER"
	case PAPRed:
		return "PAP:RED"
	}
	return "invalid PAP"
}
