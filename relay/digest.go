package relay

import (
	"encoding/base64"
	"fmt"
)

// digest is the SHA-256 digest of an object disclosure: the identity of one
// version of an object of one issuer. In JSON it is base64url, as on the wire.
type digest [32]byte

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
