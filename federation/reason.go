package federation

// Reason is a stable word for why something was refused, held, removed or
// withheld. It is written to the journal, to metric labels and to the wire.
type Reason string

// The closed list of reasons, in the order of their introduction.
const (
	BadSignature         Reason = "bad-signature"
	UnknownIssuer        Reason = "unknown-issuer"
	RevokedKey           Reason = "revoked-key"
	WrongRecipient       Reason = "wrong-recipient"
	Expired              Reason = "expired"
	NotYetValid          Reason = "not-yet-valid"
	Malformed            Reason = "malformed"
	TooLarge             Reason = "too-large"
	UnaccountedRedaction Reason = "unaccounted-redaction"
	NotOwner             Reason = "not-owner"
	Equivocation         Reason = "equivocation"
	Duplicate            Reason = "duplicate"
	Stale                Reason = "stale"
	Withdrawn            Reason = "withdrawn"
	Loop                 Reason = "loop"
	UnresolvedReference  Reason = "unresolved-reference"
	UnknownMarking       Reason = "unknown-marking"
	Unmarked             Reason = "unmarked"
	NotAccredited        Reason = "not-accredited"
	NoEquivalent         Reason = "no-equivalent"
	NotReleasable        Reason = "not-releasable"
	OverCeiling          Reason = "over-ceiling"
	TLPAudience          Reason = "tlp-audience"
	Residency            Reason = "residency"
	PersonalData         Reason = "personal-data"
	Purpose              Reason = "purpose"
	Contract             Reason = "contract"
	NoAgreement          Reason = "no-agreement"
	PolicyError          Reason = "policy-error"
	Quota                Reason = "quota"
	HeldForPerson        Reason = "held-for-person"

	// Additions go here, at the end.

	Unsupported Reason = "unsupported"
	Unsealed    Reason = "unsealed"
	BadSeal     Reason = "bad-seal"
	Lost        Reason = "lost"
	Lowered     Reason = "lowered"
)

// meaning is one row of the manual's table of reasons.
type meaning struct {
	reason Reason
	text   string
}

// meanings is the list itself: its order is the order of introduction.
var meanings = [...]meaning{
	{BadSignature, "A signature does not verify over exactly the bytes that were received."},
	{UnknownIssuer, "The signer, or its key, is not in this node's directory."},
	{RevokedKey, "The key was revoked before this node first stored the message."},
	{WrongRecipient, "The last hop names another recipient than this node."},
	{Expired, "The last moment of first acceptance, or of validity, has passed."},
	{NotYetValid, "The message, the key or the rule is valid only from a later time on."},
	{Malformed, "The bytes do not follow the format they claim to be in."},
	{TooLarge, "A limit on size, count or depth is exceeded."},
	{UnaccountedRedaction, "Something is missing that no hop says it removed, or is present that a hop says it removed."},
	{NotOwner, "Only the issuer of an object, or its signed delegate, may supersede or withdraw it."},
	{Equivocation, "The same object and version exists with different content from the same issuer."},
	{Duplicate, "The same content is already here; nothing was stored a second time."},
	{Stale, "A newer version of the object is already here, or the facts needed to judge it are too old."},
	{Withdrawn, "The issuer has withdrawn the object."},
	{Loop, "The message has already passed through this node."},
	{UnresolvedReference, "Something that is referred to is neither in the message nor known here."},
	{UnknownMarking, "A marking is present that this node does not understand, so it cannot be honoured."},
	{Unmarked, "No marking says how the object may be shared, and no source profile supplies one."},
	{NotAccredited, "The object is classified above what the node or the peer is accredited to hold."},
	{NoEquivalent, "The receiver's scheme has no level that protects at least as well."},
	{NotReleasable, "The origin has not consented to release to this recipient or onward."},
	{OverCeiling, "The marking is above the ceiling that the agreement with the peer sets."},
	{TLPAudience, "The recipient is outside the audience that the TLP marking allows."},
	{Residency, "The data would be stored or carried where the origin, the law or the operator forbids it."},
	{PersonalData, "The data relates to a person and no rule allows it to go to this recipient."},
	{Purpose, "The recipient's purposes are not among those the data may be used for."},
	{Contract, "The terms of a contract on the data forbid it."},
	{NoAgreement, "No agreement with the peer is in force."},
	{PolicyError, "A policy could not be evaluated; an error is always a no."},
	{Quota, "The peer or the source has used up its share for now."},
	{HeldForPerson, "A person has to decide."},
	{Unsupported, "The input is of a kind that this node does not read."},
	{Unsealed, "It came open over a link that the terms want sealed."},
	{BadSeal, "What came sealed does not open: it was changed, moved to another link, direction or place, or is not sealed as agreed."},
	{Lost, "It was here, and the disk or a backup put back lost it; its source has to send it again."},
	{Lowered, "It is marked lower than the version before, and no signed act of its originator allows that."},
}

// Reasons returns every reason, in the order of introduction.
func Reasons() []Reason {
	out := make([]Reason, len(meanings))
	for i, m := range meanings {
		out[i] = m.reason
	}
	return out
}

// Meaning returns the one sentence that the manual prints for r, or "" when r
// is not in the list.
func (r Reason) Meaning() string {
	for _, m := range meanings {
		if m.reason == r {
			return m.text
		}
	}
	return ""
}

// Valid reports whether r is in the list.
func (r Reason) Valid() bool { return r.Meaning() != "" }
