package envelope

import (
	"crypto/ed25519"
	"crypto/sha512"
	"math/big"
	"slices"
	"testing"
)

// The field and the order of the base point of edwards25519 (RFC 8032 §5.1).
var (
	fieldP, _ = new(big.Int).SetString("7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed", 16)
	orderL, _ = new(big.Int).SetString("1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed", 16)
)

// little reads and writes integers as RFC 8032 does: little-endian.
func little(b []byte) *big.Int {
	r := slices.Clone(b)
	slices.Reverse(r)
	return new(big.Int).SetBytes(r)
}

func littleBytes(n *big.Int) []byte {
	b := n.FillBytes(make([]byte, 32))
	slices.Reverse(b)
	return b
}

// scalar is the secret scalar of an Ed25519 seed (RFC 8032 §5.1.5).
func scalar(seed []byte) *big.Int {
	h := sha512.Sum512(seed)
	s := h[:32]
	s[0] &= 248
	s[31] = s[31]&127 | 64
	return little(s)
}

// signWith signs by hand. With twist it adds the point of order two, (0, -1), to
// R, that is, it negates both coordinates. The signature equation then holds only
// when both sides are multiplied by the cofactor.
func signWith(seed, nonceSeed, message []byte, twist bool) []byte {
	key := ed25519.NewKeyFromSeed(seed)
	r := slices.Clone([]byte(ed25519.NewKeyFromSeed(nonceSeed).Public().(ed25519.PublicKey))) // r·B
	if twist {
		sign := r[31] >> 7
		r[31] &= 127
		r = littleBytes(new(big.Int).Sub(fieldP, little(r)))
		r[31] |= (1 - sign) << 7
	}
	h := sha512.New()
	h.Write(r)
	h.Write(key[32:])
	h.Write(message)
	k := new(big.Int).Mod(little(h.Sum(nil)), orderL)
	s := new(big.Int).Mul(k, scalar(seed))
	s.Add(s, scalar(nonceSeed)).Mod(s, orderL)
	return append(r, littleBytes(s)...)
}

// mixedOrder returns the JWS of a message with a signature that only some
// verifiers accept.
func mixedOrder(t testing.TB, v *Verified) []byte {
	t.Helper()
	seed, nonce := slices.Repeat([]byte{1}, 32), slices.Repeat([]byte{99}, 32)
	input := []byte(b64(v.m.jws.Header) + "." + b64(v.m.jws.Payload))
	pub := ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey)
	if !ed25519.Verify(pub, input, signWith(seed, nonce, input, false)) {
		t.Fatal("signing by hand does not work, so its twist proves nothing")
	}
	return append(append(input, '.'), b64(signWith(seed, nonce, input, true))...)
}
