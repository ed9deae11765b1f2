package directory

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/go-json-experiment/json"
)

// Kinds of approvals: what an approver signed for one purpose is none for
// another.
const (
	// TypDecision is a decision on what waits for a person.
	TypDecision = "cti-decision+jwt"
	// TypActivation is the consent to put another policy in force.
	TypActivation = "cti-activation+jwt"
)

const (
	approvalVersion = 1
	maxApproval     = 192 << 10 // bytes of the compact JWS
	maxApprovedText = 128 << 10
)

// Approval is one person's signature under exactly one text, for one node.
type Approval struct {
	// ID is a UUIDv7; By the person, Node the node decided for.
	ID, By, Node string
	// Text is what is approved, byte for byte. Two approvals of the same text
	// are two consents to the same act.
	Text []byte
	// IssuedAt is when it was signed, NotAfter the last moment at which it may
	// be put to use, in whole seconds.
	IssuedAt, NotAfter time.Time
	// Raw is the compact JWS it was read from.
	Raw []byte
}

// Digest identifies what is approved.
func (a *Approval) Digest() [32]byte { return sha256.Sum256(a.Text) }

type approvalPayload struct {
	Ver  int    `json:"ver"`
	Iss  string `json:"iss"`
	Aud  string `json:"aud"`
	Jti  string `json:"jti"`
	Iat  int64  `json:"iat"`
	Exp  int64  `json:"exp"`
	Text string `json:"text"`
}

func (p *approvalPayload) check() error {
	switch {
	case p.Ver < 1:
		return errors.New("ver: no version")
	case !ValidID(p.Iss) || !ValidID(p.Aud):
		return fmt.Errorf("iss %q, aud %q: want a person and a node", p.Iss, p.Aud)
	case !actID(p.Jti):
		return fmt.Errorf("jti %q: want a UUID of version 7 in lower case (RFC 9562)", p.Jti)
	case p.Iat <= 0 || p.Exp <= p.Iat:
		return errors.New("iat and exp are whole seconds, exp after iat: an approval ends")
	case p.Text == "" || len(p.Text) > maxApprovedText:
		return fmt.Errorf("text: want 1 to %d bytes", maxApprovedText)
	}
	return nil
}

// NewApproval signs a with the key of the person it names and returns the
// compact JWS. Raw of a is not read.
func NewApproval(typ string, a Approval, k Signer) ([]byte, error) {
	p := approvalPayload{Ver: approvalVersion, Iss: a.By, Aud: a.Node, Jti: a.ID, Iat: a.IssuedAt.Unix(), Exp: a.NotAfter.Unix(), Text: string(a.Text)}
	if err := p.check(); err != nil {
		return nil, fmt.Errorf("approval: %w", err)
	}
	raw, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	return SignJWS(typ, raw, k)
}

// Open reads an approval for a node and verifies that an approver signed it
// whose key counts at the moment at which it is put to use. Errors are
// *federation.Refusal: UnknownIssuer for a key that is not, or no longer, an
// approver's, RevokedKey for one past its day, WrongRecipient for another node,
// Expired, NotYetValid, BadSignature, Malformed.
func (a *Approvers) Open(typ, node string, raw []byte, at time.Time) (*Approval, error) {
	raw = bytes.TrimSpace(raw)
	if len(raw) > maxApproval {
		return nil, refusedApproval(federation.TooLarge, typ, "over %d bytes", maxApproval)
	}
	j, err := OpenJWS(raw, typ, PurposeApproval, a, at)
	if err != nil {
		if r, ok := errors.AsType[*federation.Refusal](err); ok && r.Reason == federation.UnknownIssuer {
			r.Hint = "only a key under approvers: in the configuration decides"
		}
		return nil, err
	}
	p := approvalPayload{}
	if err := json.Unmarshal(j.Payload, &p, json.RejectUnknownMembers(true)); err != nil {
		return nil, &federation.Refusal{Reason: federation.Malformed, Where: typ, Err: err}
	}
	if p.Ver > approvalVersion {
		return nil, refusedApproval(federation.Unsupported, typ, "version %d, this program reads version %d", p.Ver, approvalVersion)
	}
	if err := p.check(); err != nil {
		return nil, &federation.Refusal{Reason: federation.Malformed, Where: typ, Err: err}
	}
	out := &Approval{ID: p.Jti, By: p.Iss, Node: p.Aud, Text: []byte(p.Text), IssuedAt: seconds(p.Iat), NotAfter: seconds(p.Exp), Raw: bytes.Clone(raw)}
	switch {
	case j.Key.Owner != out.By:
		return nil, refusedApproval(federation.BadSignature, typ, "%s signed it in the name of %s", j.Key.Owner, out.By)
	case out.Node != node:
		return nil, refusedApproval(federation.WrongRecipient, typ, "it decides for %s, not for %s", out.Node, node)
	case at.Add(Skew).Before(out.IssuedAt):
		return nil, refusedApproval(federation.NotYetValid, typ, "%s signed it at %s", out.By, stamp(out.IssuedAt))
	case at.After(out.NotAfter):
		return nil, refusedApproval(federation.Expired, typ, "%s signed it to be used until %s", out.By, stamp(out.NotAfter))
	}
	return out, nil
}

// Verify reads approvals of one text and returns it with the persons who signed,
// sorted. Each must be good by itself, all of the same text, and by as many
// different persons as are wanted: a key belongs to one person, and a person has
// one key (see [NewApprovers]). Too few, or one person twice, is NotOwner.
func (a *Approvers) Verify(typ, node string, want int, at time.Time, raws ...[]byte) (text []byte, by []string, err error) {
	for _, raw := range raws {
		one, err := a.Open(typ, node, raw, at)
		if err != nil {
			return nil, nil, err
		}
		if text == nil {
			text = one.Text
		}
		if !bytes.Equal(text, one.Text) {
			return nil, nil, refusedApproval(federation.Malformed, typ, "%s and %s signed different texts", by[0], one.By)
		}
		if slices.Contains(by, one.By) {
			return nil, nil, refusedApproval(federation.NotOwner, typ, "%s signed it twice: that is one person", one.By)
		}
		by = append(by, one.By)
	}
	if len(by) < max(want, 1) {
		return nil, nil, refusedApproval(federation.NotOwner, typ, "%d of %d persons signed it", len(by), max(want, 1))
	}
	slices.Sort(by)
	return text, by, nil
}
