package directory

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"
)

// jwks is the set of a statement's keys.
type jwks struct {
	Keys []jwk `json:"keys"`
}

// jwk is a public key as listed: a JWK (RFC 7517, RFC 8037; RFC 7518 §6.2.1 for
// one to encrypt to) with the three times and the purpose. Unknown members are refused; a private one (d) is one.
type jwk struct {
	Kty       string `json:"kty"`
	Crv       string `json:"crv"`
	X         string `json:"x"`
	Y         string `json:"y,omitempty"` // of a P-256 key only
	KID       string `json:"kid"`
	Alg       string `json:"alg"`
	Use       string `json:"use"`
	Purpose   string `json:"purpose"`
	Nbf       int64  `json:"nbf"`
	Exp       int64  `json:"exp"`
	RevokedAt int64  `json:"revoked_at,omitzero"`
}

// listKey describes a key for a statement, short of its revocation.
func listKey(key Key) (jwk, error) {
	j := jwk{Alg: key.Alg, Purpose: key.Purpose, Nbf: key.NotBefore.Unix(), Exp: key.NotAfter.Unix()}
	var err error
	if key.Enc == nil {
		j.Kty, j.Crv, j.Use, j.X = "OKP", "Ed25519", "sig", strict.EncodeToString(key.Public)
		j.KID, err = Thumbprint(key.Public)
		return j, err
	}
	point, err := key.Enc.Bytes() // SEC 1: 4, then both coordinates
	if err != nil {
		return j, fmt.Errorf("encryption key: %w", err)
	}
	j.Kty, j.Crv, j.Use = "EC", "P-256", "enc"
	j.X, j.Y = strict.EncodeToString(point[1:1+encCoordinate]), strict.EncodeToString(point[1+encCoordinate:])
	j.KID, err = encThumbprint(key.Enc)
	return j, err
}

// key checks one listed key.
func (j *jwk) key(owner string, fresh time.Time) (Key, error) {
	if j.Exp <= j.Nbf {
		return Key{}, fmt.Errorf("key %s: exp is not after nbf", j.KID)
	}
	k := Key{Alg: j.Alg, Purpose: j.Purpose, Owner: owner, Fresh: fresh,
		NotBefore: time.Unix(j.Nbf, 0).UTC(), NotAfter: time.Unix(j.Exp, 0).UTC()}
	if j.RevokedAt != 0 {
		k.RevokedAt = time.Unix(j.RevokedAt, 0).UTC()
	}
	var err error
	switch j.Purpose {
	case PurposeMessage, PurposeAgreement:
		k.Public, k.KID, err = j.signing()
	case PurposeEnc:
		k.Enc, k.KID, err = j.encryption()
	default:
		err = fmt.Errorf("purpose %q, want %s, %s or %s", j.Purpose, PurposeMessage, PurposeAgreement, PurposeEnc)
	}
	switch {
	case err != nil:
		return Key{}, fmt.Errorf("key %s: %w", j.KID, err)
	case k.KID != j.KID:
		return Key{}, fmt.Errorf("key %s: kid is not the thumbprint %s (RFC 7638)", j.KID, k.KID)
	}
	return k, nil
}

// signing reads a key that signs.
func (j *jwk) signing() (ed25519.PublicKey, string, error) {
	if j.Kty != "OKP" || j.Crv != "Ed25519" || j.Use != "sig" || j.Y != "" {
		return nil, "", fmt.Errorf("want kty OKP, crv Ed25519, use sig")
	}
	if j.Alg != AlgEdDSA && j.Alg != AlgEd25519 {
		return nil, "", fmt.Errorf("alg %q, want %s or %s", j.Alg, AlgEdDSA, AlgEd25519)
	}
	parsed, err := parseJWK(map[string]string{"kty": j.Kty, "crv": j.Crv, "x": j.X})
	if err != nil {
		return nil, "", err
	}
	pub, ok := parsed.(ed25519.PublicKey)
	if !ok {
		return nil, "", fmt.Errorf("not an Ed25519 public key")
	}
	kid, err := Thumbprint(pub)
	return pub, kid, err
}

// encryption reads a key that others encrypt to.
func (j *jwk) encryption() (*ecdsa.PublicKey, string, error) {
	if j.Kty != "EC" || j.Crv != "P-256" || j.Use != "enc" {
		return nil, "", fmt.Errorf("want kty EC, crv P-256, use enc")
	}
	if j.Alg != AlgECDH {
		return nil, "", fmt.Errorf("alg %q, want %s", j.Alg, AlgECDH)
	}
	parsed, err := parseJWK(map[string]string{"kty": j.Kty, "crv": j.Crv, "x": j.X, "y": j.Y})
	if err != nil {
		return nil, "", err
	}
	pub, ok := parsed.(*ecdsa.PublicKey)
	if !ok {
		return nil, "", fmt.Errorf("not a P-256 public key")
	}
	kid, err := encThumbprint(pub)
	return pub, kid, err
}

// parseJWK reads a public key by go-jose, which refuses points of low order and
// points that are not on their curve. Before, its coordinates pass the strict
// gate.
func parseJWK(members map[string]string) (any, error) {
	for _, name := range []string{"x", "y"} {
		if _, err := DecodeBase64(nil, []byte(members[name])); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	raw, err := json.Marshal(members)
	if err != nil {
		return nil, err
	}
	var parsed jose.JSONWebKey
	if err := parsed.UnmarshalJSON(raw); err != nil {
		return nil, err
	}
	return parsed.Key, nil
}
