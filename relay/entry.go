package relay

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/link"
)

// entryVersion is the version of log entries this build writes, and the
// newest it reads.
const entryVersion = 1

// sourceSelf is the source of what this node itself puts into its log: what
// its own producers publish, and what it judges again. No node id has an
// underscore.
const sourceSelf = "_self"

type entryKind string

const (
	// entryMessage holds one verified message.
	entryMessage entryKind = "message"
	// entryPending holds a message that waits for a fact, such as a key not
	// yet known. It is judged again when facts change.
	entryPending entryKind = "pending"
	// entryObject holds one producer's object that waits for a person, such
	// as one without a marking.
	entryObject entryKind = "object"
	// entryMarker holds no body: what was refused, by digest and reason, and
	// the cursor behind it.
	entryMarker entryKind = "marker"
	// entryGone holds one verified message that takes objects back.
	entryGone entryKind = "gone"
	// entryErased holds, as its body, other entries without what was erased; each
	// stands at its own sequence, see keptLog.
	entryErased entryKind = "erased"
	// entryResend asks that an earlier entry be judged again for one peer.
	entryResend entryKind = "resend"
)

// outcome is what became of one object at intake or import.
type outcome string

const (
	taken     outcome = "taken"
	duplicate outcome = "duplicate"
	held      outcome = "held"
	refused   outcome = "refused"
)

// entry is one record of the node's log: a JSON line with the facts and,
// after a line feed, the body as it came.
type entry struct {
	V    int       `json:"v"`
	Kind entryKind `json:"kind"`
	// Source is who put it here: a peer's link, or the node itself. It is the
	// subject of the entry; the last one of a peer holds the position up to
	// which this node has taken from it.
	Source string `json:"source"`
	// From is the peer a message came from, "" for this node's own.
	From string    `json:"from,omitempty"`
	At   time.Time `json:"at"` // when this node first stored it
	// Batch is the id of the commit this entry came with: after an answer
	// that got lost it tells whether the commit happened.
	Batch string `json:"batch"`

	// Position is where the link stands behind this entry: with the last entry of
	// a frame behind that, with the others before it.
	Position *link.Position `json:"position,omitempty"`
	LinkSeq  uint64         `json:"link_seq,omitempty"`
	Root     string         `json:"root,omitempty"` // of the frame it came in
	Message  string         `json:"jti,omitempty"`  // id of the message

	// Items are the outcomes of the message's objects; of one that takes back,
	// those of the digests without effect.
	Items []entryItem `json:"items,omitempty"`
	Gone  []goneItem  `json:"gone,omitempty"` // what it takes back with effect

	// Stands are the sequences at which the entries in the body stand, Lengths how
	// long each is there, Void the sequences at which nothing stands any more.
	Stands  []uint64 `json:"stands,omitempty"`
	Lengths []int    `json:"lengths,omitempty"`
	Void    []uint64 `json:"void,omitempty"`
	// Erased are the objects of those entries of which only the digest is left,
	// Because why a person wanted it.
	// The last so many of them were told of by the record before.
	Erased  []erasedItem `json:"erased,omitempty"`
	Carried int          `json:"carried,omitempty"`
	Because string       `json:"because,omitempty"`

	Peer  string `json:"peer,omitempty"`  // of a resend
	Refer uint64 `json:"refer,omitempty"` // of a resend or a retried pending: the earlier entry
	// Lost says of a marker that something stood here which the disk lost.
	Lost bool `json:"lost,omitempty"`

	// Act is the one by which two persons let this node sign a tear-line. It
	// never leaves.
	Act   string      `json:"act,omitempty"`
	Proof *entryProof `json:"proof,omitempty"`

	Body []byte `json:"-"`

	// ready is the same message prepared for export; it is not stored.
	ready *prepared
}

// entryItem is the outcome for one object of a message, in message order.
type entryItem struct {
	Issuer  string            `json:"iss,omitempty"`
	Digest  digest            `json:"digest,omitzero"`
	ID      string            `json:"id,omitempty"`
	Version string            `json:"version,omitempty"`
	Type    string            `json:"type,omitempty"`
	Marking string            `json:"marking,omitempty"`
	Expires time.Time         `json:"expires,omitzero"`
	Revoked bool              `json:"revoked,omitempty"`
	Outcome outcome           `json:"outcome"`
	Reason  federation.Reason `json:"reason,omitempty"`
	Rule    string            `json:"rule,omitempty"`
	Basis   string            `json:"basis,omitempty"`
	Text    string            `json:"text,omitempty"`
	// Erased: the message no longer holds it, because it was spilled. With For,
	// nothing but the digest is left of it.
	Erased bool              `json:"erased,omitempty"`
	For    federation.Reason `json:"for,omitempty"`
	// Keep is until when its origin lets anybody keep it, zero for no limit; Holds
	// is what it holds, see [policy.Subject.Holds].
	Keep  time.Time `json:"keep,omitzero"`
	Holds uint32    `json:"holds,omitempty"`
	// Origin is what the object was made of, if this node gives it on as its
	// own, or says less in its place. It never leaves.
	Origin *origin `json:"origin,omitempty"`

	// Settles is the entry in which it waited at the way in until now.
	Settles uint64 `json:"settles,omitempty"`

	// Mark stands for what was refused, see [Keys.mark].
	Mark half `json:"mark,omitzero"`

	// Shown names what the message shows of the object, Parts counts it, and
	// Whole says that nothing is missing.
	Shown half `json:"shown,omitzero"`
	Parts int  `json:"parts,omitempty"`
	Whole bool `json:"whole,omitempty"`
	// Variant: it was taken before by another way, and this message shows more.
	Variant bool `json:"variant,omitempty"`
	// Against is the digest of the content that is here, of an equivocation.
	Against digest `json:"against,omitzero"`

	supersedes digest // the newest version until now; not stored
	name       idKey  // version and id of what was forgotten; not stored
}

// origin names an object of which another was made: one of a source that stays
// unnamed, or, with Less, one that not everybody may get as it is.
type origin struct {
	Issuer string `json:"iss"`
	Digest digest `json:"digest"`
	Less   bool   `json:"less,omitempty"`
}

// erasedItem is an item of an entry of which only the digest is left, for a
// reason: its time is over, or the operator wanted it.
type erasedItem struct {
	Seq    uint64            `json:"seq"`
	N      int               `json:"n"`
	Issuer string            `json:"iss,omitempty"`
	Digest digest            `json:"digest,omitzero"`
	For    federation.Reason `json:"for"`
}

// goneItem is one object that is taken back from this entry on, whether it is
// here or not.
type goneItem struct {
	Issuer string `json:"iss"` // of the object
	Digest digest `json:"digest"`
	For    string `json:"for"`          // superseded, lowered, withdrawn or spill
	By     string `json:"by,omitempty"` // who signed it, if not the issuer
}

// dropped reports whether the stored message no longer holds the object: it
// was refused, or is here already. A marking-definition stays, because the
// objects beside it resolve their markings from the same message only.
func (it *entryItem) dropped() bool {
	return it.Erased || it.Outcome == refused || it.Outcome == duplicate && it.Type != "marking-definition"
}

// dropped lists the digests of the objects that the stored message no longer
// holds.
func (e *entry) dropped() [][32]byte {
	var out [][32]byte
	for i := range e.Items {
		if e.Items[i].dropped() {
			out = append(out, e.Items[i].Digest)
		}
	}
	return out
}

// keeps reports whether anything new is in the message.
func (e *entry) keeps() bool {
	for i := range e.Items {
		if o := e.Items[i].Outcome; (o == taken || o == held) && !e.Items[i].Erased {
			return true
		}
	}
	return false
}

func (e *entry) encode() ([]byte, error) {
	e.V = entryVersion
	head, err := json.Marshal(e)
	if err != nil {
		return nil, err
	}
	out := make([]byte, 0, len(head)+1+len(e.Body))
	out = append(out, head...)
	out = append(out, '\n')
	return append(out, e.Body...), nil
}

func decodeEntry(data []byte) (*entry, error) {
	head, body, ok := bytes.Cut(data, []byte{'\n'})
	if !ok {
		return nil, fmt.Errorf("log entry without a head: the log was written by something else")
	}
	e := &entry{}
	if err := json.Unmarshal(head, e); err != nil {
		return nil, fmt.Errorf("log entry: %w", err)
	}
	if e.V > entryVersion {
		return nil, fmt.Errorf("log entry of version %d, this build reads up to %d: run a newer entente on this data folder", e.V, entryVersion)
	}
	if e.V < 1 || e.Kind == "" {
		return nil, fmt.Errorf("log entry without a version or a kind: the log was written by something else")
	}
	e.Body = body
	return e, nil
}
