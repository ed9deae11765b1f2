package directory

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/go-jose/go-jose/v4"
)

// Purposes that a key can have. A key has exactly one, so that a stolen message
// key cannot sign terms or a new statement.
const (
	// PurposeMessage keys sign messages, hop roots and receipts.
	PurposeMessage = "message"
	// PurposeAgreement keys sign what people stand behind: agreements and the
	// participant's own statement.
	PurposeAgreement = "agreement"
	// PurposeEnc keys sign nothing: others encrypt to them what only their
	// owner may read. A participant may have none.
	PurposeEnc = "enc"
)

// Names of the one signature algorithm, Ed25519. RFC 8037 calls it EdDSA;
// RFC 9864 deprecates that for the fully specified Ed25519. We sign with the
// former, which every JOSE library knows, and accept both for an Ed25519 key.
const (
	AlgEdDSA   = "EdDSA"
	AlgEd25519 = "Ed25519"
)

// AlgECDH is the one way in which a content key is wrapped for an encryption
// key, on P-256 (RFC 7518 §4.6): an Ed25519 key cannot serve for it.
const AlgECDH = "ECDH-ES+A256KW"

// Skew is by how much two clocks may differ before a time counts as wrong.
const Skew = 6 * time.Minute

// Key is a participant's public key, as its own statement describes it.
type Key struct {
	// KID is the base64url SHA-256 thumbprint of the key (RFC 7638), so that
	// nobody can take over another key's id.
	KID string
	// Public is 32 bytes, never a point of low order; nil in a key of
	// PurposeEnc, which has Enc instead.
	Public ed25519.PublicKey
	// Enc is the point on P-256 of a key of PurposeEnc, else nil.
	Enc *ecdsa.PublicKey
	// Alg is AlgEdDSA or AlgEd25519, and AlgECDH of a key of PurposeEnc.
	Alg string
	// Purpose is PurposeMessage, PurposeAgreement or PurposeEnc.
	Purpose string
	// NotBefore and NotAfter are the first and the last moment at which
	// something signed with this key is accepted for the first time.
	NotBefore, NotAfter time.Time
	// Owner is the id of the participant.
	Owner string
	// RevokedAt is the moment from which the owner no longer stands behind
	// the key, or zero.
	RevokedAt time.Time
	// Fresh is when the statement that lists the key lapses. Afterwards
	// nothing new is known about the key, so what it signs waits.
	Fresh time.Time
}

// Usable reports why something that the key signed cannot be accepted for the
// first time at a given moment, or nothing more be encrypted to it, or nil. UnknownIssuer and NotYetValid may cure
// themselves with a newer statement or with time; RevokedKey does not.
func (k Key) Usable(purpose string, at time.Time) error {
	where := "key " + k.KID
	switch {
	case len(k.Public) != ed25519.PublicKeySize && k.Enc == nil:
		return federation.Refuse(federation.UnknownIssuer, where, "the key is empty")
	case k.Purpose != purpose || (k.Enc == nil) != (purpose != PurposeEnc):
		return federation.Refuse(federation.BadSignature, where,
			fmt.Sprintf("a %s key of %s is used where a %s key must be", k.Purpose, k.Owner, purpose))
	case !k.RevokedAt.IsZero() && !at.Before(k.RevokedAt):
		return federation.Refuse(federation.RevokedKey, where,
			fmt.Sprintf("%s revoked it as of %s", k.Owner, stamp(k.RevokedAt)))
	case at.Add(Skew).Before(k.NotBefore):
		return federation.Refuse(federation.NotYetValid, where, "is valid only from "+stamp(k.NotBefore))
	case at.Add(-Skew).After(k.NotAfter):
		return federation.Refuse(federation.RevokedKey, where,
			fmt.Sprintf("nothing new is done with it after %s", stamp(k.NotAfter)))
	case at.Add(-Skew).After(k.Fresh):
		return &federation.Refusal{Reason: federation.UnknownIssuer, Where: where,
			Detail: fmt.Sprintf("the statement of %s lapsed at %s", k.Owner, stamp(k.Fresh)),
			Hint:   "ask the participant for its current statement"}
	}
	return nil
}

// stamp renders a time in error texts.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// KeySource finds a key by its id. *Directory is one.
type KeySource interface {
	// Key returns the key with that id; false when no participant has it.
	Key(kid string) (Key, bool)
}

// Thumbprint returns the key id of a public key: the base64url SHA-256
// thumbprint of RFC 7638. It fails for a wrong length and for points of low
// order, under which signatures can be made that fit any message.
func Thumbprint(pub ed25519.PublicKey) (string, error) {
	sum, err := (&jose.JSONWebKey{Key: pub}).Thumbprint(crypto.SHA256)
	if err != nil {
		return "", fmt.Errorf("thumbprint of an Ed25519 key: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(sum), nil
}
