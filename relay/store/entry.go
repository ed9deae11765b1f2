package store

import (
	"time"

	"github.com/entente-relay/entente/federation"
)

// Outcome is what became of one object that reached this node.
type Outcome uint8

// The four outcomes. The zero value is none of them and is refused.
const (
	// Taken: held and forwarded from now on. Taken again, it counts as
	// Duplicate, unless it is a variant.
	Taken Outcome = iota + 1
	// Duplicate: the same content of the same issuer was here already.
	Duplicate
	// Held: waits for a fact or a person.
	Held
	// Refused: not kept.
	Refused
)

// Entry is one record of the log as the index sees it. An entry without
// objects only moves the position.
type Entry struct {
	// Seq is the entry's sequence in the log, from 1.
	Seq uint64
	// Source is the peer it came from, or the node's own word for its intake.
	Source string
	// At is when this node first stored it.
	At time.Time
	// JTI is the id of the message, "" if there is none.
	JTI string
	// LinkSeq is the peer's link sequence of the message and Cursor the
	// peer's own words for the position behind it; both empty for intake.
	LinkSeq uint64
	Cursor  []byte

	// Settles names an earlier entry, all of whose held objects this one
	// replaces (a pending message judged again); 0 for none.
	Settles uint64
	// Resends names an earlier entry that is to be judged again under this
	// sequence; 0 for none.
	Resends uint64

	// Objects are the message's objects with what became of each.
	Objects []Object
	// Gone are the objects that the message withdraws.
	Gone []Gone
	// Proof says that the entry proves an equivocation, nil if it does not.
	Proof *Proof
	// Due says until when places of the log, of this entry or of an earlier one,
	// may hold what they hold.
	Due []Due
	// Erased are the objects of which this entry leaves nothing but the digest.
	Erased []Erasure
}

// Due is the moment from which on item N of log entry Seq must not be here.
type Due struct {
	At  time.Time
	Seq uint64
	N   int
}

// Erasure says that item N of log entry Seq was erased. Issuer is empty where an
// object waited unsigned, Digest zero where a message waited that nobody could
// read.
type Erasure struct {
	Seq    uint64
	N      int
	Issuer string
	Digest [32]byte
	Reason federation.Reason // expired or withdrawn
}

// Object is one object of an entry. Issuer, Digest and ID are required when
// it is taken; a message that could not be read is one object without them.
type Object struct {
	Issuer  string
	Digest  [32]byte // SHA-256 of the object's disclosure
	ID      string   // "type--uuid"
	Version string   // modified, else created, else "", as written (RFC 3339, UTC)
	Type    string
	Expires time.Time // valid_until or the end of retention; zero for none
	Revoked bool      // STIX revoked: true
	Marking string    // as shown to people

	Outcome Outcome
	Verdict federation.Verdict // of the decision to store
	Reason  federation.Reason  // why it is held or refused
	Rule    string
	Basis   string

	// Shown says what this message shows of the object.
	Shown Shown
	// Variant: the object was taken before, and this message shows what no
	// earlier one does. It is no object more: the best variant stands for it.
	Variant bool
	// MadeOf is another's object that this one was made of; nil for none.
	MadeOf *Origin

	// Mark stands for issuer and id of what was refused, so that it is known
	// again when something mentions it; the node keys it, as the id itself may
	// not lie here. Zero for none.
	Mark [16]byte

	// Settles names the entry in which exactly this object was held and that
	// this outcome replaces; 0 for none.
	Settles uint64

	// Erased: nothing but the digest is left of it, for this reason; "" if it is
	// whole. It then has no ID.
	Erased federation.Reason
}

// Origin names an object by its issuer and digest.
type Origin struct {
	Issuer string
	Digest [32]byte
	// Less: what is made of it says less in its place, rather than being given on
	// under another name.
	Less bool
}

// Shown names the parts of an object that one message shows.
type Shown struct {
	Hash  [16]byte // of the set of parts
	Parts int      // how many
	Whole bool     // none is missing
}

// Gone is a withdrawal: the issuer says that the object with this digest is
// superseded or gone. It counts before the object is known, too. Of several the
// one that says most counts, see [Outranks].
type Gone struct {
	Issuer string // of the object
	Digest [32]byte
	Reason string // "superseded", "lowered", "withdrawn" or "spill"
	By     string // who signed it, "" for the issuer
}

// Event is one record of the journal as the index sees it. An event with
// nothing in it only moves the position.
type Event struct {
	// Seq is the record's sequence in the journal, from 1.
	Seq uint64
	At  time.Time

	Sent    *Sent
	Receipt *Receipt
	Settled []Settled

	// Names are the keys of what the record names, About the peer that it is
	// about, "" for none.
	Names []Key
	About string
}

// Sent says what one frame for a peer held, recorded before it left. A frame
// of which nothing left has no messages, but counts what was judged.
type Sent struct {
	Peer string
	Root string // the frame's hop root
	// LogFrom and LogTo bound the log entries that were judged:
	// LogFrom < seq <= LogTo. A later frame of the same peer that begins
	// before LogTo replaces this one, unless a receipt came for it.
	LogFrom, LogTo uint64
	Messages       []SentMessage
	// Withheld counts the objects that were judged and did not go, by reason.
	Withheld map[federation.Reason]int
	// Held are the objects that wait before they may go to this peer.
	Held []HeldOut
}

// SentMessage is one message of a frame.
type SentMessage struct {
	LogSeq  uint64 // the entry it was made from
	LinkSeq uint64 // its number on the link, from 1
	Objects []SentObject
	// Gone are the digests that the message takes back, instead of objects.
	Gone [][32]byte
}

// SentObject is one object of a sent message: Share or Redact.
type SentObject struct {
	Digest  [32]byte
	Verdict federation.Verdict
}

// HeldOut is an object that waits before it may go to a peer.
type HeldOut struct {
	LogSeq uint64
	Issuer string
	Digest [32]byte
	ID     string
	Reason federation.Reason
	Rule   string
	Basis  string
}

// Receipt is a peer's verified statement of what became of a frame. Outcomes
// for messages that were not in a recorded frame with this root, or that were
// acknowledged before, change nothing.
type Receipt struct {
	Peer     string
	Root     string
	Outcomes []ReceiptOutcome
}

// ReceiptOutcome counts what became of the objects of one message there.
type ReceiptOutcome struct {
	LinkSeq                          uint64
	Stored, Duplicate, Held, Refused int
	Reason                           federation.Reason
}

// Settled says that an object that waited before it may go to a peer waits no
// more, whichever way it was decided. What follows is a new log entry. Without
// a peer it says nothing here: what waited at the way in is settled by the log
// entry that takes or refuses it, see [Entry] and [Object].
type Settled struct {
	Peer   string
	LogSeq uint64
	Digest [32]byte
}
