package integration

import (
	"crypto/ed25519"
	"crypto/sha512"
	"encoding/json"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/entente-relay/entente/relay"
)

// The field and the order of the base point of edwards25519 (RFC 8032 §5.1).
var (
	fieldP, _ = new(big.Int).SetString("7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed", 16)
	orderL, _ = new(big.Int).SetString("1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed", 16)
)

// littleEndian reads and writes integers as RFC 8032 does.
func littleEndian(b []byte) *big.Int {
	r := slices.Clone(b)
	slices.Reverse(r)
	return new(big.Int).SetBytes(r)
}

func littleBytes(n *big.Int) []byte {
	b := n.FillBytes(make([]byte, 32))
	slices.Reverse(b)
	return b
}

// resigned makes a message with a signature that sign makes of the bytes to be
// signed.
func (h *hostile) resigned(sign func(input []byte) []byte) string {
	h.t.Helper()
	jws, rest, _ := strings.Cut(h.message(), "~")
	parts := strings.Split(jws, ".")
	input := parts[0] + "." + parts[1]
	return input + "." + b64(sign([]byte(input))) + "~" + rest
}

// addOrder adds the order of the group to S, which leaves the equation true.
func addOrder(sig []byte) []byte {
	s := littleEndian(sig[32:])
	return append(slices.Clone(sig[:32]), littleBytes(s.Add(s, orderL))...)
}

// signBy signs by hand with the hostile peer's message key. Twisted, it adds the
// point of order two, (0, -1), to R: the equation then holds only for who
// multiplies it by the cofactor. Without the twist the signature is good.
func (h *hostile) signBy(input []byte, twisted bool) []byte {
	h.t.Helper()
	text, err := os.ReadFile(filepath.Join(relay.KeysDir(h.cfg), "message.jwk"))
	if err != nil {
		h.t.Fatal(err)
	}
	var jwk struct{ D string }
	if err := json.Unmarshal(text, &jwk); err != nil {
		h.t.Fatal(err)
	}
	seed := unb64(h.t, jwk.D)
	key, nonce := ed25519.NewKeyFromSeed(seed), slices.Repeat([]byte{99}, 32)
	r := slices.Clone([]byte(ed25519.NewKeyFromSeed(nonce).Public().(ed25519.PublicKey)))
	if twisted {
		sign := r[31] >> 7
		r[31] &= 127
		r = littleBytes(new(big.Int).Sub(fieldP, littleEndian(r)))
		r[31] |= (1 - sign) << 7
	}
	sum := sha512.Sum512(append(append(slices.Clone(r), key[32:]...), input...))
	k := new(big.Int).Mod(littleEndian(sum[:]), orderL)
	s := new(big.Int).Mul(k, clamped(seed))
	s.Add(s, clamped(nonce)).Mod(s, orderL)
	sig := append(r, littleBytes(s)...)
	if !twisted && !ed25519.Verify(key.Public().(ed25519.PublicKey), input, sig) {
		h.t.Fatal("signing by hand does not work, so what it spoils proves nothing")
	}
	return sig
}

// clamped is the secret scalar of an Ed25519 seed (RFC 8032 §5.1.5).
func clamped(seed []byte) *big.Int {
	sum := sha512.Sum512(seed)
	s := sum[:32]
	s[0] &= 248
	s[31] = s[31]&127 | 64
	return littleEndian(s)
}
