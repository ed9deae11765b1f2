package journal

import (
	"time"

	"github.com/entente-relay/entente/federation"
)

// Version is the version of records this build writes, and the newest it reads.
const Version = 1

// MaxRecord is the most bytes of one record. It leaves room for headers within
// a NATS message of 1 MiB.
const MaxRecord = 1_000_000

// Record is one record. Exactly one of the pointers is set.
type Record struct {
	// Seq is its sequence in the stream: set when read, not written.
	Seq uint64 `json:"-"`
	// Ver and Prev are set by the writer. Prev is the SHA-256 of the record
	// before, zero in the first.
	Ver  int       `json:"ver"`
	Prev Digest    `json:"prev"`
	At   time.Time `json:"at"`

	Intake *Intake `json:"intake,omitzero"`
	Sent   *Sent   `json:"sent,omitzero"`
	// Observed is what would have left for a peer that is only observed: nothing
	// of it did, so it makes nobody a recipient. It has no root, and its link
	// sequences number the messages in the record.
	Observed *Sent       `json:"observed,omitzero"`
	Receipt  *Receipt    `json:"receipt,omitzero"`
	Settle   *Settle     `json:"settle,omitzero"`
	Link     *LinkEvent  `json:"link,omitzero"`
	Peer     *PeerChange `json:"peer,omitzero"`
	Reload   *Reload     `json:"reload,omitzero"`
	Cut      *Cut        `json:"cut,omitzero"`
	Head     *Attested   `json:"head,omitzero"`
}

// Cut says that the records up to one were removed because their time was over.
// It is written before they are, and is what a chain goes back to that does not
// begin at the beginning.
type Cut struct {
	Seq  uint64 `json:"seq,omitzero"`  // of the last record that goes
	Hash Digest `json:"hash,omitzero"` // SHA-256 of it
	// Log is the log entry up to which the journal has told of what came in.
	Log uint64 `json:"log,omitzero"`
}

// Attested is the node's signed word for where its chain ended at a time; see
// [OpenHead].
type Attested struct {
	Signed Compact `json:"signed"`
}

// Intake says what became of one message, or of one file's object, coming in.
type Intake struct {
	Source  Token             `json:"source,omitzero"`  // peer id, or the node's word for its own intake
	Log     uint64            `json:"log,omitzero"`     // sequence of the log entry
	Message Digest            `json:"message,omitzero"` // SHA-256 of the message as it came
	Issuer  Token             `json:"iss,omitzero"`
	JTI     Token             `json:"jti,omitzero"`
	Reason  federation.Reason `json:"reason,omitzero"` // of a message refused or held as a whole
	Objects []IntakeObject    `json:"objects,omitzero"`
	Gone    []Gone            `json:"gone,omitzero"` // withdrawals that took effect
	// Erased is what was erased from the log, Because why a person wanted it.
	Erased  []Erased `json:"erased,omitzero"`
	Because Label    `json:"because,omitzero"`
}

// Erased is an object of which a log entry keeps the digest alone: its time was
// over ("expired"), or the operator wanted it ("withdrawn").
type Erased struct {
	Log    uint64            `json:"log,omitzero"`
	Issuer Token             `json:"iss,omitzero"`
	Digest Digest            `json:"digest,omitzero"`
	Reason federation.Reason `json:"reason,omitzero"`
}

// Gone is an object that was taken back, and for what: "superseded",
// "withdrawn" or "spill".
type Gone struct {
	Digest Digest `json:"digest,omitzero"`
	For    Token  `json:"for,omitzero"`
}

// IntakeObject is one object of an intake. ID and Marking are not written for
// what was refused for residency.
type IntakeObject struct {
	Digest  Digest            `json:"digest,omitzero"`
	ID      ID                `json:"id,omitzero"`
	Outcome Outcome           `json:"outcome,omitzero"`
	Reason  federation.Reason `json:"reason,omitzero"`
	Rule    Token             `json:"rule,omitzero"`
	Basis   Label             `json:"basis,omitzero"`
	Marking Label             `json:"marking,omitzero"`
	// Against is the digest of the content that was here before, when the
	// issuer signed two for one version.
	Against Digest `json:"against,omitzero"`
}

// Outcome is what became of one object coming in.
type Outcome string

// The four outcomes.
const (
	Taken     Outcome = "taken"
	Duplicate Outcome = "duplicate"
	Held      Outcome = "held"
	Refused   Outcome = "refused"
)

// Sent says what was judged for a peer and what of it left in one frame. It is
// written before the frame leaves.
type Sent struct {
	Peer    Token  `json:"peer,omitzero"`
	Root    Token  `json:"root,omitzero"`  // the frame's hop root; none when nothing left
	First   uint64 `json:"first,omitzero"` // link sequences, inclusive
	Last    uint64 `json:"last,omitzero"`
	LogFrom uint64 `json:"log_from,omitzero"` // judged: log_from < seq <= log_to
	LogTo   uint64 `json:"log_to,omitzero"`
	Policy  Token  `json:"policy,omitzero"` // digest of the policy bundle
	// Agreement is the id of the terms it was judged under.
	Agreement Token `json:"agreement,omitzero"`
	// Purpose lists the uses that the agreement allows the peer, Claims the laws
	// whose protection is claimed for what left, Grounds the permissions that
	// were relied upon for it.
	Purpose  []Token       `json:"purpose,omitzero"`
	Claims   []Token       `json:"claims,omitzero"`
	Grounds  []Ground      `json:"grounds,omitzero"`
	Messages []SentMessage `json:"messages,omitzero"`
}

// Ground is a permission that was relied upon: the rule, what it cites, and the
// law whose protection it claims, if any.
type Ground struct {
	Rule   Token `json:"rule,omitzero"`
	Basis  Label `json:"basis,omitzero"`
	Claims Token `json:"claims,omitzero"`
}

// SentMessage is one message as judged for the peer. Link is 0 when all of it
// stayed here.
type SentMessage struct {
	Log     uint64       `json:"log,omitzero"`
	Link    uint64       `json:"link,omitzero"`
	Issuer  Token        `json:"iss,omitzero"`
	Objects []SentObject `json:"objects"`
	Gone    []Gone       `json:"gone,omitzero"` // what the message takes back

	shared *Objects // that Objects came from, nil if they are the message's own
}

// goes reports whether any of the object left.
func (o *SentObject) goes() bool {
	return o.Verdict == federation.Share || o.Verdict == federation.Redact
}

// SentObject is the decision on one object.
type SentObject struct {
	Digest  Digest             `json:"digest,omitzero"`
	ID      ID                 `json:"id,omitzero"`
	Verdict federation.Verdict `json:"verdict,omitzero"`
	From    Label              `json:"from,omitzero"` // marking before and after
	To      Label              `json:"to,omitzero"`
	// Levels is what each level of its origins is at the peer, for what is
	// classified.
	Levels  []SentLevel `json:"levels,omitzero"`
	Cited   []Cited     `json:"cited,omitzero"`
	Removed []Removed   `json:"removed,omitzero"`
	// Grounds are those of the frame on which it left, by their places in the
	// frame's list: many objects leave on the same few.
	Grounds []int `json:"grounds,omitzero"`
}

// SentLevel is one level of an origin and what the equivalence tables say of it:
// "mapped" to another, "hold" or "refused", by which law (A1 to A15), and the
// rows, each with file and line.
type SentLevel struct {
	From    Label   `json:"from,omitzero"` // scheme/code
	To      Label   `json:"to,omitzero"`
	Outcome Token   `json:"outcome,omitzero"`
	Law     Token   `json:"law,omitzero"`
	Rows    []Label `json:"rows,omitzero"`
}

// Cited is a reason with the rule that gave it and what the rule cites.
type Cited struct {
	Reason federation.Reason `json:"reason,omitzero"`
	Rule   Token             `json:"rule,omitzero"`
	Basis  Label             `json:"basis,omitzero"`
}

// Removed is a property that did not go. Class is what the wire says of it:
// "policy", "privacy" or "origin".
type Removed struct {
	Path   Path              `json:"path"`
	Class  Token             `json:"class,omitzero"`
	Reason federation.Reason `json:"reason,omitzero"`
	Rule   Token             `json:"rule,omitzero"`
}

// Receipt is a peer's verified receipt.
type Receipt struct {
	Peer     Token            `json:"peer,omitzero"`
	Root     Token            `json:"root,omitzero"`
	First    uint64           `json:"first,omitzero"`
	Last     uint64           `json:"last,omitzero"`
	Signed   Digest           `json:"signed,omitzero"` // SHA-256 of the receipt as it came
	At       time.Time        `json:"at,omitzero"`     // the peer's word
	Outcomes []ReceiptOutcome `json:"outcomes,omitzero"`
}

// ReceiptOutcome counts what became of the objects of one message there.
type ReceiptOutcome struct {
	Seq       uint64            `json:"seq,omitzero"`
	Stored    int               `json:"stored,omitzero"`
	Duplicate int               `json:"duplicate,omitzero"`
	Held      int               `json:"held,omitzero"`
	Refused   int               `json:"refused,omitzero"`
	Reason    federation.Reason `json:"reason,omitzero"`
}

// Settle is the decision on an object that waited, by persons or by a fact
// that arrived.
type Settle struct {
	Peer    Token   `json:"peer,omitzero"` // for whom it waited; none for the way in
	Log     uint64  `json:"log,omitzero"`  // the entry it waited in
	Issuer  Token   `json:"iss,omitzero"`
	Digest  Digest  `json:"digest,omitzero"`
	ID      ID      `json:"id,omitzero"`
	Release bool    `json:"release,omitzero"` // false: it does not go, for Reason
	By      []Token `json:"by,omitzero"`
	// Reason is why it does not go; of a person's rejection held-for-person.
	Reason federation.Reason `json:"reason,omitzero"`
	// Decision is the id of what persons decided. The record of the decision
	// itself has no Digest; Rule held what it is about, and it ends at Until.
	Decision Token     `json:"decision,omitzero"`
	Rule     Token     `json:"rule,omitzero"`
	Until    time.Time `json:"until,omitzero"`
}

// LinkEvent is something that happened to a link: "up", "down", "slow",
// "stalled" and, when that is over, "flows", "gap", "incarnation", "kicked",
// "refused".
type LinkEvent struct {
	Peer   Token             `json:"peer,omitzero"`
	Event  Token             `json:"event,omitzero"`
	Reason federation.Reason `json:"reason,omitzero"`
	// Since and Until bound what a gap took away, when known.
	Since time.Time `json:"since,omitzero"`
	Until time.Time `json:"until,omitzero"`
}

// PeerChange is a change to who may link or on what terms: "added", "paused",
// "resumed", "removed", "rotated", "agreement", "sealed", "unsealed", "observed"
// and, when sending begins, "sending".
type PeerChange struct {
	Peer        Token  `json:"peer,omitzero"`
	Change      Token  `json:"change,omitzero"`
	Agreement   Digest `json:"agreement,omitzero"` // SHA-256 of the agreement as signed
	Fingerprint Label  `json:"fingerprint,omitzero"`
}

// Reload is an attempt to put another configuration, policy or set of tables
// in force: "all" by a reload, "start" by a start that found another than was in
// force before. Before and After are digests; they are equal when it was refused.
type Reload struct {
	What   Token             `json:"what,omitzero"`
	Before Token             `json:"before,omitzero"`
	After  Token             `json:"after,omitzero"`
	Reason federation.Reason `json:"reason,omitzero"` // why it was refused
	// By are those who consented to something being allowed that was denied:
	// two persons, or "alone" where nobody else is named.
	By []Token `json:"by,omitzero"`
}
