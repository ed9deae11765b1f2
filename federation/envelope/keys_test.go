package envelope

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
)

// seedJWK returns the private JWK of the key made from 32 times the seed.
func seedJWK(seed byte) []byte {
	raw := bytes.Repeat([]byte{seed}, ed25519.SeedSize)
	pub := ed25519.NewKeyFromSeed(raw).Public().(ed25519.PublicKey)
	e := base64.RawURLEncoding
	return fmt.Appendf(nil, `{"kty":"OKP","crv":"Ed25519","d":"%s","x":"%s"}`, e.EncodeToString(raw), e.EncodeToString(pub))
}
