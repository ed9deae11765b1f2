package directory

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/entente-relay/entente/federation"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"
)

// Sizes of a JWE's parts, in bytes: the text of the protected header at most;
// the content key of A256GCM wrapped by A256KW (RFC 7518 §4.4); nonce and tag
// of A256GCM (§5.3).
const (
	maxSealHeader = 1024
	sealedKeySize = 40
	nonceSize     = 12
	sealTagSize   = 16
)

// SealSize is the most that sealing adds to a plaintext of n bytes, plus the
// plaintext: base64url makes four characters of three bytes.
func SealSize(n int) int { return maxSealHeader + (n+2)/3*4 + 96 }

// Place is where a sealed text belongs. Both of it are associated data: the same
// text at another place does not open.
type Place struct {
	// Context names, in whatever words the two sides share, the link and the
	// direction. It travels as a SHA-256 hash.
	Context string
	// Seq is the text's number within the context.
	Seq uint64
}

// sealHeader is the protected header of a sealed text, all of it authenticated:
// these members and no other. zip, crit, jku, p2c and whatever else makes a
// decrypter do more than decrypt is refused with everything that is not listed.
type sealHeader struct {
	Alg string    `json:"alg"`
	Ctx string    `json:"ctx"`
	Enc string    `json:"enc"`
	EPK ephemeral `json:"epk"`
	KID string    `json:"kid"`
	Seq uint64    `json:"seq"`
	Typ string    `json:"typ"`
}

// ephemeral is the sender's one-time public key.
type ephemeral struct {
	Kty string `json:"kty"`
	Crv string `json:"crv"`
	X   string `json:"x"`
	Y   string `json:"y"`
}

// hash is how a context travels.
func (p Place) hash() string {
	sum := sha256.Sum256([]byte(p.Context))
	return strict.EncodeToString(sum[:])
}

// SealJWE encrypts plaintext to a key of [PurposeEnc] and returns a compact JWE
// (RFC 7516 §7.1): ECDH-ES+A256KW on P-256, A256GCM, never compressed. It says
// nothing of who made it.
func SealJWE(typ string, at Place, plaintext []byte, to Key) ([]byte, error) {
	if to.Enc == nil {
		return nil, fmt.Errorf("seal %s: %s has no key to encrypt to", typ, to.Owner)
	}
	opts := (&jose.EncrypterOptions{}).WithType(jose.ContentType(typ)).WithHeader("ctx", at.hash()).WithHeader("seq", at.Seq)
	e, err := jose.NewEncrypter(jose.A256GCM, jose.Recipient{Algorithm: jose.ECDH_ES_A256KW, Key: to.Enc, KeyID: to.KID}, opts)
	if err != nil {
		return nil, fmt.Errorf("seal %s: %w", typ, err)
	}
	sealed, err := e.Encrypt(plaintext)
	if err != nil {
		return nil, fmt.Errorf("seal %s: %w", typ, err)
	}
	text, err := sealed.CompactSerialize()
	if err != nil {
		return nil, fmt.Errorf("seal %s: %w", typ, err)
	}
	return []byte(text), nil
}

// Open decrypts what [SealJWE] made for this key, of the given typ and context,
// and returns the number it was sealed under. The caller bounds len(compact).
// Errors are *federation.Refusal: WrongRecipient for what is sealed to another
// key, BadSeal for everything else that does not open, without saying why to
// whoever sent it.
func (k *EncKey) Open(compact []byte, typ, context string) (seq uint64, plaintext []byte, err error) {
	h, err := k.readSeal(compact, typ)
	if err != nil {
		return 0, nil, err
	}
	if h.Ctx != (Place{Context: context}).hash() {
		return 0, nil, badSeal(typ, "it is sealed for another link or direction", nil)
	}
	plaintext, err = k.decrypt(func() (*jose.JSONWebEncryption, error) {
		return jose.ParseEncryptedCompact(string(compact), []jose.KeyAlgorithm{jose.ECDH_ES_A256KW}, []jose.ContentEncryption{jose.A256GCM})
	})
	if err != nil {
		return 0, nil, badSeal(typ, "it was changed, or sealed to another key", err)
	}
	return h.Seq, plaintext, nil
}

// decrypt is go-jose's part, behind the gate; should it panic, nothing opens.
func (k *EncKey) decrypt(parse func() (*jose.JSONWebEncryption, error)) (plaintext []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			plaintext, err = nil, fmt.Errorf("decryption failed: %v", p)
		}
	}()
	sealed, err := parse()
	if err != nil {
		return nil, err
	}
	return sealed.Decrypt(k.key)
}

// readSeal checks the five parts and reads the protected header: nothing is
// decrypted before it says that it is for this key, in the one way that we know.
func (k *EncKey) readSeal(compact []byte, typ string) (sealHeader, error) {
	var h sealHeader
	parts := bytes.SplitN(compact, []byte{'.'}, 6)
	if len(parts) != 5 {
		return h, badSeal(typ, "a compact JWE has five parts", nil)
	}
	if len(parts[0]) > maxSealHeader {
		return h, federation.Refuse(federation.TooLarge, typ, fmt.Sprintf("the header is over %d bytes", maxSealHeader))
	}
	var raw []byte
	for i, size := range [5]int{-1, sealedKeySize, nonceSize, -1, sealTagSize} {
		part, err := DecodeBase64(nil, parts[i])
		if err == nil && size >= 0 && len(part) != size {
			err = fmt.Errorf("%d bytes, want %d", len(part), size)
		}
		if err != nil {
			return h, badSeal(typ, fmt.Sprintf("part %d", i+1), err)
		}
		if i == 0 {
			raw = part
		}
	}
	if err := json.Unmarshal(raw, &h, json.RejectUnknownMembers(true)); err != nil {
		return h, badSeal(typ, "the header has members that do not belong there", err)
	}
	switch {
	case h.Alg != AlgECDH || h.Enc != string(jose.A256GCM):
		return h, badSeal(typ, fmt.Sprintf("alg %q and enc %q, want %s and %s", h.Alg, h.Enc, AlgECDH, jose.A256GCM), nil)
	case h.Typ != typ:
		return h, badSeal(typ, fmt.Sprintf("typ is %q", h.Typ), nil)
	case h.KID != k.kid:
		return h, federation.Refuse(federation.WrongRecipient, typ, "it is sealed to another key than "+k.kid)
	}
	if err := h.EPK.check(); err != nil {
		return h, badSeal(typ, "epk", err)
	}
	return h, nil
}

// check holds the one-time key to the curve of ours, in its only spelling.
func (e ephemeral) check() error {
	if e.Kty != "EC" || e.Crv != "P-256" {
		return errors.New("want a key on P-256")
	}
	for _, c := range []string{e.X, e.Y} {
		b, err := DecodeBase64(nil, []byte(c))
		if err != nil {
			return err
		}
		if len(b) != encCoordinate {
			return fmt.Errorf("a coordinate of %d bytes", len(b))
		}
	}
	return nil
}

func badSeal(typ, detail string, err error) error {
	return &federation.Refusal{Reason: federation.BadSeal, Where: typ, Detail: detail, Err: err}
}
