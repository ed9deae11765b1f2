package relay

import (
	"encoding/base64"
	"fmt"
)

// digest is the SHA-256 digest of an object disclosure: the identity of one
// version of an object of one issuer. In JSON it is base64url, as on the wire.
type digest [32]byte

// half names a set of digests: the first half of a SHA-256 over it. In JSON it
// is base64url.
type half [16]byte

// MarshalText renders it as base64url without padding.
func (h half) MarshalText() ([]byte, error) {
	return base64.RawURLEncoding.AppendEncode(nil, h[:]), nil
}

// UnmarshalText reads what MarshalText wrote, and nothing else.
func (h *half) UnmarshalText(b []byte) error {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(string(b))
	if err != nil || len(raw) != len(h) {
		return fmt.Errorf("%q is not half a SHA-256 digest in base64url", b)
	}
	copy(h[:], raw)
	return nil
}

// MarshalText renders the digest as base64url without padding.
func (d digest) MarshalText() ([]byte, error) {
	return base64.RawURLEncoding.AppendEncode(nil, d[:]), nil
}

// UnmarshalText reads what MarshalText wrote, and nothing else.
func (d *digest) UnmarshalText(b []byte) error {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(string(b))
	if err != nil || len(raw) != len(d) {
		return fmt.Errorf("%q is not a SHA-256 digest in base64url", b)
	}
	copy(d[:], raw)
	return nil
}
