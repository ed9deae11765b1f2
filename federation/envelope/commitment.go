package envelope

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"

	"github.com/entente-relay/entente/federation"
)

// commitmentLabel separates the commitments of re-origination from every other
// use of the same hash and secret. It ends in a zero byte.
const commitmentLabel = "entente-reorigination-1\x00"

// Opening opens the commitment of a re-originated object: it shows which object
// of whom it was made from. Whoever made it keeps it secret until the source is
// to be known.
type Opening struct {
	Issuer string `json:"issuer"`
	Digest string `json:"digest"` // of the original's disclosure, base64url
	Salt   string `json:"salt"`   // 32 bytes, base64url
}

// OpeningOf returns the opening for an original. The salt is an HMAC of the
// node's secret, so that nothing need be kept to open a commitment later.
func OpeningOf(secret []byte, issuer string, digest [32]byte) Opening {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(commitmentLabel + issuer + "\x00")) // a hash never fails to write
	mac.Write(digest[:])
	return Opening{Issuer: issuer, Digest: digestString(digest), Salt: base64.RawURLEncoding.EncodeToString(mac.Sum(nil))}
}

// Commitment returns what the re-originated object carries: base64url of
// SHA-256(label, salt, digest, issuer). Salt and digest have 32 bytes each, so
// that no two openings spell the same bytes.
func (o Opening) Commitment() (string, error) {
	salt, err := readDigest([]byte(o.Salt))
	if err != nil {
		return "", &federation.Refusal{Reason: federation.Malformed, Where: "opening, salt", Err: err}
	}
	digest, err := readDigest([]byte(o.Digest))
	if err != nil {
		return "", &federation.Refusal{Reason: federation.Malformed, Where: "opening, digest", Err: err}
	}
	h := sha256.New()
	h.Write([]byte(commitmentLabel)) // a hash never fails to write
	h.Write(salt[:])
	h.Write(digest[:])
	h.Write([]byte(o.Issuer))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)), nil
}

// Check reports whether o opens a commitment: nil, or a refusal.
func (o Opening) Check(commitment string) error {
	own, err := o.Commitment()
	if err != nil {
		return err
	}
	if subtle.ConstantTimeCompare([]byte(own), []byte(commitment)) != 1 {
		return federation.Refuse(federation.BadSignature, "commitment", fmt.Sprintf("it was not made from object %s of %s", o.Digest, o.Issuer))
	}
	return nil
}
