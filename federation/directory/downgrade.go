package directory

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/go-json-experiment/json"
)

// Kinds of JWS of a downgrade: what each of two persons signs, and the act that
// the originator makes of it and sends.
const (
	TypDowngrade        = "cti-downgrade+jwt"
	TypDowngradeConsent = "cti-downgrade-consent+jwt"
)

// downgradeConsents is how many persons must agree: the originator's two-person
// rule (classification reference §5, step 5).
const downgradeConsents = 2

// Limits of a downgrade.
const (
	maxDowngrade       = 16 << 10 // bytes of the compact JWS
	maxDowngradeReason = 1000     // bytes
	maxDowngradeAxes   = 32
	maxMarkingText     = 2000 // bytes
)

// ObjectVersion is one version of an object: its `modified` (or `created`) as
// written, and the digest under which it was issued.
type ObjectVersion struct {
	Version string   `json:"version"`
	Digest  [32]byte `json:"-"`
	Text    string   `json:"digest"` // Digest in base64url
}

// Downgrade is an originator's own act by which the newer version of an object
// may be marked lower than the older one (law A12). It fits exactly these two
// versions, and exactly the axes that it names.
type Downgrade struct {
	// ID is a UUIDv7, Issuer whose object it is.
	ID, Issuer string
	// Counter grows with every act of the issuer on that object: of two acts on
	// the same older version the higher counts.
	Counter uint64
	// Object is the object's STIX id.
	Object   string
	Old, New ObjectVersion
	// From and To say both markings in words; Axes, what of the handling goes
	// down (mapping.Handling.Below): nothing else may.
	From, To string
	Axes     []string
	// Reason is why, in the issuer's words.
	Reason string
	// IssuedAt is when it was signed, NotAfter the last moment at which a node
	// may first accept it, in whole seconds.
	IssuedAt, NotAfter time.Time
	// By are those who agreed, as the issuer names them: at least two.
	By []string
	// Raw is the compact JWS it was read from.
	Raw []byte
}

// downgradeText is what persons sign, byte for byte.
type downgradeText struct {
	Ver     int           `json:"ver"`
	ID      string        `json:"jti"`
	Issuer  string        `json:"iss"`
	Counter uint64        `json:"n"`
	Object  string        `json:"id"`
	Old     ObjectVersion `json:"old"`
	New     ObjectVersion `json:"new"`
	From    string        `json:"from"`
	To      string        `json:"to"`
	Axes    []string      `json:"axes"`
	Reason  string        `json:"reason"`
	Exp     int64         `json:"exp"`
}

// downgradeConsent is one person's signature beside the key that made it. The
// issuer's own signature around both says whose key it is.
type downgradeConsent struct {
	Key string `json:"x"`   // public key, see [PublicText]
	JWS string `json:"jws"` // of TypDowngradeConsent
}

type downgradePayload struct {
	Ver      int                `json:"ver"`
	Iss      string             `json:"iss"`
	Iat      int64              `json:"iat"`
	Text     string             `json:"text"`
	Consents []downgradeConsent `json:"consents"`
}

const downgradeVersion = 1

// Text returns what the persons sign: everything but who signs and when. By, Raw
// and IssuedAt are not read.
func (d *Downgrade) Text() ([]byte, error) {
	t := downgradeText{Ver: downgradeVersion, ID: d.ID, Issuer: d.Issuer, Counter: d.Counter, Object: d.Object, Old: d.Old.written(), New: d.New.written(),
		From: d.From, To: d.To, Axes: d.Axes, Reason: d.Reason, Exp: d.NotAfter.Unix()}
	if err := t.check(); err != nil {
		return nil, fmt.Errorf("downgrade: %w", err)
	}
	return json.Marshal(t)
}

func (v ObjectVersion) written() ObjectVersion {
	v.Text = base64.RawURLEncoding.EncodeToString(v.Digest[:])
	return v
}

func (t *downgradeText) check() error {
	switch {
	case t.Ver < 1:
		return errors.New("ver: no version")
	case !actID(t.ID):
		return fmt.Errorf("jti %q: want a UUID of version 7 in lower case (RFC 9562)", t.ID)
	case !ValidID(t.Issuer):
		return fmt.Errorf("iss %q: want the id of a participant", t.Issuer)
	case t.Counter == 0:
		return errors.New("n: the first act on an object is number 1")
	case !objectIDForm.MatchString(t.Object):
		return fmt.Errorf("id: %q is no id of a STIX object", t.Object)
	case t.Old.Version == "" || t.New.Version == "" || t.Old.Text == t.New.Text:
		return errors.New("old and new: want two versions of the object, with their digests")
	case len(t.Axes) == 0 || len(t.Axes) > maxDowngradeAxes || !slices.IsSorted(t.Axes) || slices.Contains(t.Axes, ""):
		return errors.New("axes: want what goes down, sorted")
	case len(t.From) > maxMarkingText || len(t.To) > maxMarkingText || t.From == "" || t.To == "":
		return fmt.Errorf("from and to: want both markings in words, at most %d bytes", maxMarkingText)
	case t.Reason == "" || len(t.Reason) > maxDowngradeReason:
		return fmt.Errorf("reason: say why, in at most %d bytes", maxDowngradeReason)
	case t.Exp <= 0:
		return errors.New("exp: an act ends, in whole seconds")
	}
	return nil
}

// NewDowngrade makes the act of what persons agreed to and signs it with an
// agreement key of its issuer. Consents are those of [Approvers] of this node,
// read by Verify with TypDowngradeConsent before; keys are the public keys that
// made them, in the same order.
func NewDowngrade(text []byte, consents [][]byte, keys []string, at time.Time, k Signer) ([]byte, error) {
	t, err := readDowngradeText(text)
	if err != nil {
		return nil, err
	}
	if len(consents) != len(keys) {
		return nil, fmt.Errorf("downgrade: %d consents and %d keys", len(consents), len(keys))
	}
	p := downgradePayload{Ver: downgradeVersion, Iss: t.Issuer, Iat: at.Unix(), Text: string(text)}
	for i, c := range consents {
		p.Consents = append(p.Consents, downgradeConsent{Key: keys[i], JWS: string(bytes.TrimSpace(c))})
	}
	if _, err := p.agreed(at); err != nil { // what others would refuse is not signed
		return nil, err
	}
	raw, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	if len(raw) > maxDowngrade/2 {
		return nil, fmt.Errorf("downgrade: %d bytes, at most %d are read", len(raw), maxDowngrade/2)
	}
	return SignJWS(TypDowngrade, raw, k)
}

// ParseDowngrade reads a downgrade and verifies that an agreement key of its
// issuer signed it, one that could be used at a given moment, and that two
// different persons consented to this very text. Errors are *federation.Refusal:
// NotOwner where too few agreed or another participant signed, Expired,
// NotYetValid, BadSignature, Malformed, TooLarge, Unsupported. Whose object it is
// about is for the caller to compare.
func ParseDowngrade(raw []byte, keys KeySource, at time.Time) (*Downgrade, error) {
	if len(raw) > maxDowngrade {
		return nil, federation.Refuse(federation.TooLarge, TypDowngrade, fmt.Sprintf("over %d bytes", maxDowngrade))
	}
	var p downgradePayload
	raw, owner, err := openAct(raw, TypDowngrade, keys, at, &p)
	if err != nil {
		return nil, err
	}
	if owner != p.Iss {
		return nil, federation.Refuse(federation.NotOwner, TypDowngrade, fmt.Sprintf("%s signed it in the name of %q: nobody lowers what is another's", owner, p.Iss))
	}
	t, err := readDowngradeText([]byte(p.Text))
	if err != nil {
		return nil, err
	}
	if t.Issuer != p.Iss {
		return nil, federation.Refuse(federation.NotOwner, TypDowngrade, fmt.Sprintf("persons agreed for %s, and %s signed", t.Issuer, p.Iss))
	}
	issued := seconds(p.Iat)
	by, err := p.agreed(issued)
	if err != nil {
		return nil, err
	}
	d := &Downgrade{ID: t.ID, Issuer: t.Issuer, Counter: t.Counter, Object: t.Object, Old: t.Old, New: t.New, From: t.From, To: t.To, Axes: t.Axes,
		Reason: t.Reason, IssuedAt: issued, NotAfter: seconds(t.Exp), By: by, Raw: raw}
	switch {
	case at.Add(Skew).Before(d.IssuedAt):
		return nil, federation.Refuse(federation.NotYetValid, TypDowngrade, "signed at "+stamp(d.IssuedAt))
	case at.Add(-Skew).After(d.NotAfter):
		return nil, federation.Refuse(federation.Expired, TypDowngrade, "could be accepted for the first time until "+stamp(d.NotAfter))
	}
	return d, nil
}

// ReadDowngradeText reads what persons sign, as [Downgrade.Text] writes it.
func ReadDowngradeText(text []byte) (*Downgrade, error) {
	t, err := readDowngradeText(text)
	if err != nil {
		return nil, err
	}
	return &Downgrade{ID: t.ID, Issuer: t.Issuer, Counter: t.Counter, Object: t.Object, Old: t.Old, New: t.New, From: t.From, To: t.To, Axes: t.Axes,
		Reason: t.Reason, NotAfter: seconds(t.Exp)}, nil
}

func readDowngradeText(text []byte) (*downgradeText, error) {
	var t downgradeText
	err := json.Unmarshal(text, &t, json.RejectUnknownMembers(true))
	if err == nil && t.Ver > downgradeVersion {
		return nil, federation.Refuse(federation.Unsupported, TypDowngrade+", text", fmt.Sprintf("version %d, this program reads version %d", t.Ver, downgradeVersion))
	}
	if err == nil {
		err = t.check()
	}
	for _, v := range []*ObjectVersion{&t.Old, &t.New} {
		if err == nil {
			err = v.read()
		}
	}
	if again, e := json.Marshal(t); err == nil && (e != nil || !bytes.Equal(again, text)) {
		err = errors.New("it is written in another way than this program writes it, so the persons may have read something else")
	}
	if err != nil {
		return nil, &federation.Refusal{Reason: federation.Malformed, Where: TypDowngrade + ", text", Err: err}
	}
	return &t, nil
}

// read fills in the digest from its text.
func (v *ObjectVersion) read() error {
	raw, err := DecodeBase64(nil, []byte(v.Text))
	if err != nil || len(raw) != len(v.Digest) {
		return fmt.Errorf("digest %q: want a SHA-256 in base64url", v.Text)
	}
	copy(v.Digest[:], raw)
	return nil
}

// agreed verifies each consent with the key beside it, and that they are by
// different persons with different keys.
func (p *downgradePayload) agreed(at time.Time) (by []string, err error) {
	var persons []Approver
	var raws [][]byte
	for _, c := range p.Consents {
		who, err := consenting(c)
		if err != nil {
			return nil, err
		}
		persons, raws = append(persons, who), append(raws, []byte(c.JWS))
	}
	known, err := NewApprovers(persons...)
	if err != nil {
		return nil, &federation.Refusal{Reason: federation.NotOwner, Where: TypDowngrade, Detail: "the consents are not by different persons", Err: err}
	}
	text, by, err := known.Verify(TypDowngradeConsent, p.Iss, downgradeConsents, at, raws...)
	if err != nil {
		return nil, err
	}
	if string(text) != p.Text {
		return nil, federation.Refuse(federation.BadSignature, TypDowngrade, "the persons signed another text")
	}
	return by, nil
}

// consenting reads who a consent says made it, without believing it: the
// signature is verified with the key beside it, see agreed.
func consenting(c downgradeConsent) (Approver, error) {
	j, _, err := splitJWS([]byte(c.JWS), TypDowngradeConsent)
	if err != nil {
		return Approver{}, err
	}
	var p approvalPayload
	if err := json.Unmarshal(j.Payload, &p, json.RejectUnknownMembers(true)); err != nil {
		return Approver{}, &federation.Refusal{Reason: federation.Malformed, Where: TypDowngradeConsent, Err: err}
	}
	who, err := NewApprover(p.Iss, c.Key, time.Time{})
	if err != nil {
		return Approver{}, &federation.Refusal{Reason: federation.Malformed, Where: TypDowngradeConsent, Err: err}
	}
	return who, nil
}
