package envelope

import "time"

// Version is the wire version (`ver`) that this package reads and writes. The
// list of properties that are never disclosures is closed per version.
const Version = 1

// Limits, all checked before anything is decoded. A message that exceeds one is
// refused as a whole.
const (
	// MaxObjects bounds the objects of one message.
	MaxObjects = 64
	// MaxDisclosures bounds its disclosures.
	MaxDisclosures = 2048
	// MaxMessage bounds its first line, the SD-JWT, in bytes.
	MaxMessage = 256 << 10
	// MaxHops bounds its hops, MaxHopBytes all their lines together.
	MaxHops     = 16
	MaxHopBytes = 64 << 10
	// MaxJSON bounds a message in JSON form, in bytes. It leaves room for white
	// space beside the largest message.
	MaxJSON = 512 << 10
	// MaxGone bounds the digests that one message withdraws.
	MaxGone = 1024
	// maxAct bounds the act that goes with one of them, in bytes.
	maxAct = 16 << 10
	// MaxFrame bounds the messages that one hop root covers.
	MaxFrame = 1024
)

// DefaultExpiry is how long after its issue a message may be accepted for the
// first time, unless the issuer says otherwise.
const DefaultExpiry = 90 * 24 * time.Hour

// GoneExpiry is the same for a message that takes objects back: a peer that was
// away for long still has to obey it.
const GoneExpiry = 10 * 365 * 24 * time.Hour

// Kinds of JWS in a message (`typ`).
const (
	typMessage = "cti+sd-jwt"
	typRoot    = "cti-hops+jwt"
)
