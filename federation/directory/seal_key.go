package directory

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// encCoordinate is the size of a coordinate on P-256 in bytes.
const encCoordinate = 32

// EncKey is the private half of a key of [PurposeEnc]: what others encrypted to
// it, [EncKey.Open] reads.
type EncKey struct {
	key *ecdsa.PrivateKey
	kid string
}

// GenerateEncKey makes a new random key on P-256.
func GenerateEncKey() (*EncKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("generate a P-256 key: %w", err)
	}
	return newEncKey(key)
}

func newEncKey(key *ecdsa.PrivateKey) (*EncKey, error) {
	kid, err := encThumbprint(&key.PublicKey)
	if err != nil {
		return nil, err
	}
	return &EncKey{key: key, kid: kid}, nil
}

// encThumbprint is [Thumbprint] for a key to encrypt to, which must be on P-256.
func encThumbprint(pub *ecdsa.PublicKey) (string, error) {
	if pub == nil || pub.Curve != elliptic.P256() {
		return "", errors.New("an encryption key must be on P-256")
	}
	sum, err := (&jose.JSONWebKey{Key: pub}).Thumbprint(crypto.SHA256)
	if err != nil {
		return "", fmt.Errorf("thumbprint of a P-256 key: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(sum), nil
}

// ParseEncKey reads a private JWK (RFC 7518 §6.2, kty EC, crv P-256).
func ParseEncKey(jwk []byte) (*EncKey, error) {
	var parsed jose.JSONWebKey
	if err := parsed.UnmarshalJSON(jwk); err != nil {
		return nil, fmt.Errorf("private JWK: %w", err)
	}
	key, ok := parsed.Key.(*ecdsa.PrivateKey)
	if !ok {
		return nil, errors.New("private JWK: not a P-256 private key")
	}
	k, err := newEncKey(key)
	if err != nil {
		return nil, fmt.Errorf("private JWK: %w", err)
	}
	if parsed.KeyID != "" && parsed.KeyID != k.kid {
		return nil, fmt.Errorf("private JWK: kid %q is not the key's thumbprint %q", parsed.KeyID, k.kid)
	}
	return k, nil
}

// LoadEncKey reads the file that Save wrote, under the rule of [LoadPrivateKey].
func LoadEncKey(path string) (*EncKey, error) {
	jwk, err := readPrivate(path)
	if err != nil {
		return nil, err
	}
	k, err := ParseEncKey(jwk)
	if err != nil {
		return nil, fmt.Errorf("load private key: %s: %w", path, err)
	}
	return k, nil
}

// Save writes the key as a JWK into a new file that only its owner can read.
// It never replaces a file.
func (k *EncKey) Save(path string) error {
	jwk, err := (&jose.JSONWebKey{Key: k.key, KeyID: k.kid, Algorithm: AlgECDH, Use: "enc"}).MarshalJSON()
	if err != nil {
		return fmt.Errorf("save private key: %w", err)
	}
	return savePrivate(path, jwk)
}

// KeyID returns the key's RFC 7638 thumbprint.
func (k *EncKey) KeyID() string { return k.kid }

// Key describes the public half, for a statement.
func (k *EncKey) Key(notBefore, notAfter time.Time) Key {
	return Key{KID: k.kid, Enc: &k.key.PublicKey, Alg: AlgECDH, Purpose: PurposeEnc, NotBefore: notBefore, NotAfter: notAfter}
}
