package dashboard

import (
	"encoding/json"
	"time"
)

// Published says what became of each object of one published file, in file
// order. Taken + Duplicate + Held + Refused == len(Items).
type Published struct {
	Name      string `json:"name"`
	Taken     int    `json:"taken"`
	Duplicate int    `json:"duplicate"`
	Held      int    `json:"held"`
	Refused   int    `json:"refused"`
	Messages  int    `json:"messages"` // signed messages the taken objects went into
	Items     []Item `json:"items"`
}

// Item is the outcome for one object: taken, duplicate, held or refused.
// Reason is a federation.Reason, empty when taken.
type Item struct {
	Index   int    `json:"index"`
	ID      string `json:"id,omitempty"`
	Outcome string `json:"outcome"`
	Reason  string `json:"reason,omitempty"`
	Text    string `json:"text,omitempty"`
}

// Status is one screen about a node.
//
// The counts add up: Objects.Seen == Taken + Duplicate + Held + Refused; for
// each peer Out.Judged == Sent + Withheld + Held, Out.Sent == Acknowledged +
// InFlight, In.Received == Stored + Duplicate + Held + Refused.
type Status struct {
	Node     string    `json:"node"`
	Country  string    `json:"country"`
	Version  string    `json:"version"`
	Started  time.Time `json:"started"`
	Now      time.Time `json:"now"`
	LogLast  uint64    `json:"log_last"`
	Indexed  uint64    `json:"indexed"`
	Policy   string    `json:"policy"`
	Exercise bool      `json:"exercise"`
	Objects  Objects   `json:"objects"`
	Peers    []Peer    `json:"peers"`
	Warnings []string  `json:"warnings"`
	Waiting  Waiting   `json:"waiting"`

	Equivocations Equivocations `json:"equivocations"`
}

// Proof is an equivocation that this node can prove: two contents, signed by the
// same participant, for one version of an object.
type Proof struct {
	Seq     uint64    `json:"seq"` // of the log; the text is there
	At      time.Time `json:"at"`
	Signer  string    `json:"signer"` // who signed both
	Issuer  string    `json:"issuer"` // whose object it is
	ID      string    `json:"id"`
	Version string    `json:"version"`
	Kept    string    `json:"kept"` // digest of the content that stayed
	Refused string    `json:"refused"`
}

// Equivocations counts what a node can prove of others.
type Equivocations struct {
	Proved int            `json:"proved"`
	By     map[string]int `json:"by,omitempty"` // who signed two contents
}

// Withdrawal is an object that its issuer took back, and whom that has reached.
type Withdrawal struct {
	ID      string    `json:"id,omitempty"` // unknown where the object never came
	Version string    `json:"version,omitempty"`
	Issuer  string    `json:"issuer"`
	Digest  string    `json:"digest"`
	Reason  string    `json:"reason"` // superseded, withdrawn, spill
	By      string    `json:"by"`     // who signed it
	At      time.Time `json:"at"`     // when this node stored it
	Seq     uint64    `json:"seq"`
	// Recipients are the peers to which this node had sent the object, by the
	// journal. What they passed on, they take back themselves.
	Recipients []Reached `json:"recipients,omitempty"`
}

// Reached is how far a withdrawal has come with one peer.
type Reached struct {
	Peer string `json:"peer"`
	// State is "acknowledged" by a signed receipt, "sent", "not taken" (Reason
	// says why the peer held or refused it), or "outstanding".
	State  string    `json:"state"`
	Since  time.Time `json:"since"`
	Reason string    `json:"reason,omitempty"`
	Link   string    `json:"link"` // up, down, paused, or removed: no peer any more
}

// Reoriginated is an object that the node gives on as its own, and of what it
// was made. Only this machine is told.
type Reoriginated struct {
	ID         string `json:"id"`
	Original   string `json:"original"`
	Source     string `json:"source"`
	Commitment string `json:"commitment"`
	Seq        uint64 `json:"seq"`
}

// Aggregate is what was counted over a period, without what is below the floor.
type Aggregate struct {
	Period  string  `json:"period"` // first and last day
	Floor   int     `json:"floor"`
	Marking string  `json:"marking"`
	Tables  []Table `json:"tables"`
	// Counted is how many objects are counted, Left how many of the period are
	// not: better protected than the marking, or without their issuer's permission.
	// Both are for this machine alone.
	Counted int    `json:"counted"`
	Left    int    `json:"left"`
	ID      string `json:"id,omitempty"` // once published
	Seq     uint64 `json:"seq,omitempty"`
}

// Table is the counts of one kind: type, sector, country or malware.
type Table struct {
	Name  string `json:"name"`
	Cells []Cell `json:"cells"`
}

// Cell is one count that may be told.
type Cell struct {
	Name  string `json:"name"`
	Count int64  `json:"count"`
}

// Objects counts the objects this node has judged at intake and import.
type Objects struct {
	Seen      uint64 `json:"seen"`
	Taken     uint64 `json:"taken"`
	Duplicate uint64 `json:"duplicate"`
	Held      uint64 `json:"held"`
	Refused   uint64 `json:"refused"`
	// Variants, of those taken, were here before and came again by another
	// way, showing more: Taken - Variants is how many objects are here.
	Variants uint64            `json:"variants"`
	Reasons  map[string]uint64 `json:"reasons,omitempty"` // of those held or refused
}

// Peer is the state of one link.
type Peer struct {
	ID    string    `json:"id"`
	Link  string    `json:"link"`           // up, down, paused
	Since time.Time `json:"since,omitzero"` // when Link last changed
	State string    `json:"state,omitempty"`
	// Flow is how traffic moves while the link is up: "" as it should, "slow"
	// or "stalled" when something waits, since FlowSince; FlowWhy says what.
	Flow      string    `json:"flow,omitempty"`
	FlowWhy   string    `json:"flow_why,omitempty"`
	FlowSince time.Time `json:"flow_since,omitzero"`
	LastPull  time.Time `json:"last_pull,omitzero"`
	Backlog   uint64    `json:"backlog"` // log entries not yet judged for this peer
	Out       Out       `json:"out"`
	In        In        `json:"in"`
	// Violations counts, since the start and by reason, what the peer asked or
	// answered against the protocol of the link. Nothing came of any of it.
	Violations map[string]uint64 `json:"violations,omitempty"`
}

// Out counts the objects judged for a peer.
type Out struct {
	Judged       uint64 `json:"judged"`
	Sent         uint64 `json:"sent"`
	Redacted     uint64 `json:"redacted"` // of those sent, with properties removed
	Withheld     uint64 `json:"withheld"`
	Held         uint64 `json:"held"`
	Acknowledged uint64 `json:"acknowledged"`
	// Withdrawals counts what was taken back from the peer.
	Withdrawals Withdrawals       `json:"withdrawals"`
	InFlight    uint64            `json:"in_flight"`
	Reasons     map[string]uint64 `json:"reasons,omitempty"` // of those withheld or held
}

// Withdrawals counts objects that were taken back from a peer. Sent ==
// Acknowledged + NotTaken + InFlight; Outstanding are those that it has not
// obeyed, sent or not; of many that are not sent, at least so many.
type Withdrawals struct {
	Sent         uint64 `json:"sent"`
	Acknowledged uint64 `json:"acknowledged"`
	NotTaken     uint64 `json:"not_taken"`
	InFlight     uint64 `json:"in_flight"`
	Outstanding  uint64 `json:"outstanding"`
}

// In counts the objects received from a peer.
type In struct {
	Received  uint64 `json:"received"`
	Stored    uint64 `json:"stored"`
	Duplicate uint64 `json:"duplicate"`
	Held      uint64 `json:"held"`
	Refused   uint64 `json:"refused"`
	Withdrawn uint64 `json:"withdrawn"` // withdrawals that took effect
}

// Arrival is one object that this node took, as its readers see it: the
// object untouched, the markings and terms beside it.
type Arrival struct {
	Seq     uint64          `json:"seq"`
	At      time.Time       `json:"at"`
	Source  string          `json:"source"`       // peer, or "self"
	Issuer  string          `json:"issuer"`       // whose object it is
	By      string          `json:"by,omitempty"` // the delegate who signed it on the issuer's behalf
	Path    []string        `json:"path"`         // who signed it, then each relay, then this node
	ID      string          `json:"id"`
	Type    string          `json:"type"`
	Marking Marking         `json:"marking"`
	Removed int             `json:"removed"` // properties that relays declared removed from the message
	Object  json.RawMessage `json:"object,omitempty"`
	// Withdrawn says that the object was taken back: what is no longer shown,
	// or, where it happens, that it is from now on.
	Withdrawn   *Withdrawn   `json:"withdrawn,omitempty"`
	Annotations []Annotation `json:"annotations,omitempty"`
	Opened      []Opened     `json:"opened,omitempty"`
}

// Withdrawn says who took an object back, when this node stored that, and why.
type Withdrawn struct {
	By     string    `json:"by"`
	At     time.Time `json:"at"`
	Reason string    `json:"reason"`
}

// Opened is a property that its origin sealed, as this node reads it: beside the
// object, in which it stays sealed. Without a value, Reason says why.
type Opened struct {
	Path  string          `json:"path"`
	Value json.RawMessage `json:"value,omitempty"`
	// Categories are the kinds of data that the value shows.
	Categories []string `json:"categories,omitempty"`
	Reason     string   `json:"reason,omitempty"`
}

// Marking is what the origin wrote and what it is called here.
type Marking struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// Annotation is a term of an object in the reader's words, never in its place.
type Annotation struct {
	Path     string `json:"path"`
	Original string `json:"original"`
	Term     string `json:"term"`
	Language string `json:"language,omitempty"`
	Scheme   string `json:"scheme,omitempty"`
	Relation string `json:"relation"`
	Source   string `json:"source"`
}
