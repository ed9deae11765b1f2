package directory

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Signer makes Ed25519 signatures without showing the key, so that the key can
// live in a hardware module. Sign receives the bytes to be signed, not a hash.
type Signer interface {
	KeyID() string
	Sign(signingInput []byte) ([]byte, error)
}

// PrivateKey is an Ed25519 key in memory. It is a Signer.
type PrivateKey struct {
	key ed25519.PrivateKey
	pub ed25519.PublicKey
	kid string
}

// GenerateKey makes a new random key.
func GenerateKey() (*PrivateKey, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("generate an Ed25519 key: %w", err)
	}
	return newPrivateKey(key)
}

func newPrivateKey(key ed25519.PrivateKey) (*PrivateKey, error) {
	pub, ok := key.Public().(ed25519.PublicKey)
	if !ok {
		return nil, errors.New("an Ed25519 key without its public half")
	}
	kid, err := Thumbprint(pub)
	if err != nil {
		return nil, err
	}
	return &PrivateKey{key: key, pub: pub, kid: kid}, nil
}

// ParsePrivateKey reads a private JWK (RFC 8037, kty OKP, crv Ed25519).
func ParsePrivateKey(jwk []byte) (*PrivateKey, error) {
	var parsed jose.JSONWebKey
	if err := parsed.UnmarshalJSON(jwk); err != nil {
		return nil, fmt.Errorf("private JWK: %w", err)
	}
	key, ok := parsed.Key.(ed25519.PrivateKey)
	if !ok {
		return nil, errors.New("private JWK: not an Ed25519 private key")
	}
	k, err := newPrivateKey(key)
	if err != nil {
		return nil, err
	}
	if parsed.KeyID != "" && parsed.KeyID != k.kid {
		return nil, fmt.Errorf("private JWK: kid %q is not the key's thumbprint %q", parsed.KeyID, k.kid)
	}
	return k, nil
}

// LoadPrivateKey reads the file that Save wrote. A file that others than its
// owner can read is refused.
func LoadPrivateKey(path string) (*PrivateKey, error) {
	jwk, err := readPrivate(path)
	if err != nil {
		return nil, err
	}
	k, err := ParsePrivateKey(jwk)
	if err != nil {
		return nil, fmt.Errorf("load private key: %s: %w", path, err)
	}
	return k, nil
}

// readPrivate reads a file that nobody but its owner can read.
func readPrivate(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("load private key: %w", err)
	}
	if perm := info.Mode().Perm(); perm&0o077 != 0 {
		return nil, fmt.Errorf("load private key: %s: mode %04o lets others read it; run chmod 600 on it", path, perm)
	}
	jwk, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("load private key: %w", err)
	}
	return jwk, nil
}

// Save writes the key as a JWK into a new file that only its owner can read.
// It never replaces a file.
func (k *PrivateKey) Save(path string) error {
	jwk, err := (&jose.JSONWebKey{Key: k.key, KeyID: k.kid, Algorithm: AlgEdDSA, Use: "sig"}).MarshalJSON()
	if err != nil {
		return fmt.Errorf("save private key: %w", err)
	}
	return savePrivate(path, jwk)
}

// savePrivate writes a new file that only its owner can read.
func savePrivate(path string, jwk []byte) (err error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("save private key: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("save private key: %w", err), os.Remove(path))
		}
	}()
	if _, err := f.Write(append(jwk, '\n')); err != nil {
		return errors.Join(err, f.Close())
	}
	return errors.Join(f.Sync(), f.Close())
}

// KeyID returns the key's RFC 7638 thumbprint.
func (k *PrivateKey) KeyID() string { return k.kid }

// Public returns the public half.
func (k *PrivateKey) Public() ed25519.PublicKey { return k.pub }

// Sign returns the 64-byte signature over the given bytes.
func (k *PrivateKey) Sign(signingInput []byte) ([]byte, error) {
	return ed25519.Sign(k.key, signingInput), nil
}

// Key describes the public half, for a statement.
func (k *PrivateKey) Key(purpose string, notBefore, notAfter time.Time) Key {
	return Key{KID: k.kid, Public: k.Public(), Alg: AlgEdDSA, Purpose: purpose,
		NotBefore: notBefore, NotAfter: notAfter}
}
