package link

import (
	"fmt"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/directory"
	"github.com/go-json-experiment/json"
)

// ReceiptType is the typ of a receipt's JWS.
const ReceiptType = "cti-receipt+jwt"

// Receipt is a receiver's statement of what became of one frame, made after
// the synced commit.
type Receipt struct {
	// Peer is who sent the frame, Link who received it and signs: both node ids.
	Peer, Link        string
	FirstSeq, LastSeq uint64
	// Root is the frame's hop root.
	Root string
	// Outcomes has one entry per message of the frame, in order of Seq.
	Outcomes []Outcome
	// At is when the commit was done, to the second.
	At time.Time
}

// Outcome counts what became of the objects of one message.
type Outcome struct {
	Seq       uint64
	Stored    int
	Held      int
	Refused   int
	Duplicate int
	// Reason is the first reason for which an object was held or refused, ""
	// if none was.
	Reason federation.Reason
}

// forgeries are the reasons that no honest sender's message is refused for:
// what such a message says of itself is not so.
var forgeries = map[federation.Reason]bool{
	federation.BadSignature: true, federation.Malformed: true, federation.TooLarge: true, federation.WrongRecipient: true,
	federation.UnaccountedRedaction: true, federation.Loop: true, federation.NotOwner: true, federation.Quota: true,
}

// forged reports whether a frame brought forgeries and, besides, nothing new.
func (r *Receipt) forged() bool {
	found := false
	for _, o := range r.Outcomes {
		forgery := forgeries[o.Reason]
		if o.Stored+o.Held > 0 || o.Refused > 0 && !forgery {
			return false
		}
		found = found || forgery
	}
	return found
}

// receiptClaims is a receipt as it is signed. Out has, per message from First
// on, the numbers stored, held, refused and duplicate; Why names the reasons
// by place in Out.
type receiptClaims struct {
	Ver   int                       `json:"ver"`
	Iss   string                    `json:"iss"` // the receiver
	Aud   string                    `json:"aud"` // the sender
	Iat   int64                     `json:"iat"`
	First uint64                    `json:"first"`
	Root  string                    `json:"root"`
	Out   [][4]uint32               `json:"out"`
	Why   map[int]federation.Reason `json:"why,omitempty"`
}

// SignReceipt returns the receipt as a compact JWS. Its outcomes must be those
// of FirstSeq to LastSeq, in order.
func SignReceipt(r Receipt, k directory.Signer) ([]byte, error) {
	c := receiptClaims{Ver: Version, Iss: r.Link, Aud: r.Peer, Iat: r.At.Unix(), First: r.FirstSeq, Root: r.Root, Out: make([][4]uint32, 0, len(r.Outcomes)), Why: map[int]federation.Reason{}}
	if uint64(len(r.Outcomes)) != r.LastSeq+1-r.FirstSeq || len(r.Outcomes) > MaxMessages {
		return nil, fmt.Errorf("link: receipt for messages %d to %d with %d outcomes", r.FirstSeq, r.LastSeq, len(r.Outcomes))
	}
	for i, o := range r.Outcomes {
		if o.Seq != r.FirstSeq+uint64(i) {
			return nil, fmt.Errorf("link: receipt: outcome %d is of message %d, not %d", i, o.Seq, r.FirstSeq+uint64(i))
		}
		c.Out = append(c.Out, [4]uint32{uint32(o.Stored), uint32(o.Held), uint32(o.Refused), uint32(o.Duplicate)})
		if o.Reason != "" {
			c.Why[i] = o.Reason
		}
	}
	payload, err := json.Marshal(c, json.Deterministic(true))
	if err != nil {
		return nil, fmt.Errorf("link: receipt: %w", err)
	}
	raw, err := directory.SignJWS(ReceiptType, payload, k)
	if err != nil {
		return nil, fmt.Errorf("link: receipt: %w", err)
	}
	if len(raw) > MaxReceipt {
		return nil, federation.Refuse(federation.TooLarge, "receipt", fmt.Sprintf("%d bytes, the limit is %d", len(raw), MaxReceipt))
	}
	return raw, nil
}

// OpenReceipt verifies and reads a receipt. The signer must be the participant
// that the receipt names as its receiver (Link). Whether that is the peer at
// the other end, and whether Peer is us, is the caller's to compare.
func OpenReceipt(raw []byte, keys directory.KeySource, now time.Time) (Receipt, error) {
	if len(raw) > MaxReceipt {
		return Receipt{}, federation.Refuse(federation.TooLarge, "receipt", fmt.Sprintf("%d bytes, the limit is %d", len(raw), MaxReceipt))
	}
	j, err := directory.OpenJWS(raw, ReceiptType, directory.PurposeMessage, keys, now)
	if err != nil {
		return Receipt{}, err
	}
	var c receiptClaims
	if err := json.Unmarshal(j.Payload, &c, json.RejectUnknownMembers(true)); err != nil {
		return Receipt{}, &federation.Refusal{Reason: federation.Malformed, Where: "receipt", Detail: "payload", Err: err}
	}
	if c.Ver != Version {
		return Receipt{}, &federation.Refusal{Reason: federation.Unsupported, Where: "receipt", Detail: fmt.Sprintf("version %d, this node knows %d", c.Ver, Version), Hint: "update the older of the two nodes"}
	}
	if c.Iss != j.Key.Owner {
		return Receipt{}, federation.Refuse(federation.BadSignature, "receipt", fmt.Sprintf("it says it is of %q, and %s signed it", c.Iss, j.Key.Owner))
	}
	return c.receipt(now)
}

// receipt checks the claims and gives them their shape in memory.
func (c receiptClaims) receipt(now time.Time) (Receipt, error) {
	r := Receipt{Peer: c.Aud, Link: c.Iss, FirstSeq: c.First, LastSeq: c.First + uint64(len(c.Out)) - 1, Root: c.Root, At: time.Unix(c.Iat, 0).UTC()}
	switch {
	case c.First == 0 || len(c.Out) == 0 || len(c.Out) > MaxMessages || r.LastSeq < r.FirstSeq || len(c.Root) > maxRoot || len(c.Why) > len(c.Out):
		return Receipt{}, federation.Refuse(federation.Malformed, "receipt", "its range of messages is not one of a frame")
	case r.At.After(now.Add(directory.Skew)):
		return Receipt{}, federation.Refuse(federation.NotYetValid, "receipt", "it was made in the future")
	}
	for i, n := range c.Out {
		r.Outcomes = append(r.Outcomes, Outcome{Seq: c.First + uint64(i), Stored: int(n[0]), Held: int(n[1]), Refused: int(n[2]), Duplicate: int(n[3])})
	}
	for i, why := range c.Why {
		if i < 0 || i >= len(r.Outcomes) {
			return Receipt{}, federation.Refuse(federation.Malformed, "receipt", "a reason for a message that is not in it")
		}
		if !why.Valid() {
			why = federation.Unsupported // a newer peer has a word that we do not
		}
		r.Outcomes[i].Reason = why
	}
	return r, nil
}
