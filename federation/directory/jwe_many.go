package directory

import (
	"fmt"
	"slices"

	"github.com/entente-relay/entente/federation"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// MaxReaders is how many keys something is sealed to at most.
const MaxReaders = 16

// sealedMany is a JWE in general JSON form (RFC 7516 §7.2.1), with these members
// and no other.
type sealedMany struct {
	Protected  string         `json:"protected"`
	Recipients []sealedReader `json:"recipients"`
	IV         string         `json:"iv"`
	Ciphertext string         `json:"ciphertext"`
	Tag        string         `json:"tag"`
}

// sealedReader is one recipient: its header, and the content key wrapped for it.
type sealedReader struct {
	Header readerHeader `json:"header"`
	Key    string       `json:"encrypted_key"`
}

type readerHeader struct {
	Alg string    `json:"alg"`
	EPK ephemeral `json:"epk"`
	KID string    `json:"kid"`
}

// manyHeader is the protected header of a JWE to many.
type manyHeader struct {
	Ctx string `json:"ctx"`
	Enc string `json:"enc"`
	Typ string `json:"typ"`
}

// SealMany encrypts plaintext to 2 to [MaxReaders] keys of [PurposeEnc], and
// returns a JWE in general JSON form: what [SealJWE] makes, for more than one
// reader. Each reader opens its own part.
func SealMany(typ, context string, plaintext []byte, to []Key) (jsontext.Value, error) {
	if len(to) < 2 || len(to) > MaxReaders {
		return nil, fmt.Errorf("seal %s: %d readers, 2 to %d are possible", typ, len(to), MaxReaders)
	}
	var recipients []jose.Recipient
	for _, k := range to {
		if k.Enc == nil {
			return nil, fmt.Errorf("seal %s: %s has no key to encrypt to", typ, k.Owner)
		}
		recipients = append(recipients, jose.Recipient{Algorithm: jose.ECDH_ES_A256KW, Key: k.Enc, KeyID: k.KID})
	}
	opts := (&jose.EncrypterOptions{}).WithType(jose.ContentType(typ)).WithHeader("ctx", Place{Context: context}.hash())
	e, err := jose.NewMultiEncrypter(jose.A256GCM, recipients, opts)
	if err != nil {
		return nil, fmt.Errorf("seal %s: %w", typ, err)
	}
	sealed, err := e.Encrypt(plaintext)
	if err != nil {
		return nil, fmt.Errorf("seal %s: %w", typ, err)
	}
	// go-jose writes a member too many: encrypted_key belongs to the flattened form
	// alone (RFC 7516 §7.2.2).
	var m sealedMany
	if err := json.Unmarshal([]byte(sealed.FullSerialize()), &m); err != nil {
		return nil, fmt.Errorf("seal %s: %w", typ, err)
	}
	text, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("seal %s: %w", typ, err)
	}
	return text, nil
}

// OpenMany decrypts what [SealMany] made, of the given typ and context, if one of
// its readers is this key. Only the part for this key is tried. Errors are as
// those of [EncKey.Open].
func (k *EncKey) OpenMany(raw []byte, typ, context string) ([]byte, error) {
	m, err := readMany(raw, typ)
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(m.Recipients, func(r sealedReader) bool { return r.Header.KID == k.kid })
	if at < 0 {
		return nil, federation.Refuse(federation.WrongRecipient, typ, "it is sealed to other keys than "+k.kid)
	}
	if err := m.check(typ, context, m.Recipients[at]); err != nil {
		return nil, err
	}
	// One recipient is left, in flattened form: go-jose cannot try another.
	one, err := json.Marshal(struct {
		Protected  string       `json:"protected"`
		Header     readerHeader `json:"header"`
		Key        string       `json:"encrypted_key"`
		IV         string       `json:"iv"`
		Ciphertext string       `json:"ciphertext"`
		Tag        string       `json:"tag"`
	}{m.Protected, m.Recipients[at].Header, m.Recipients[at].Key, m.IV, m.Ciphertext, m.Tag})
	if err != nil {
		return nil, badSeal(typ, "it cannot be read", err)
	}
	plaintext, err := k.decrypt(func() (*jose.JSONWebEncryption, error) {
		return jose.ParseEncryptedJSON(string(one), []jose.KeyAlgorithm{jose.ECDH_ES_A256KW}, []jose.ContentEncryption{jose.A256GCM})
	})
	if err != nil {
		return nil, badSeal(typ, "it was changed, or sealed to another key", err)
	}
	return plaintext, nil
}

// Readers lists the keys that a JWE to many is sealed to; it need not be for us.
func Readers(raw []byte, typ string) ([]string, error) {
	m, err := readMany(raw, typ)
	if err != nil {
		return nil, err
	}
	kids := make([]string, len(m.Recipients))
	for i, r := range m.Recipients {
		kids[i] = r.Header.KID
	}
	return kids, nil
}

// readMany reads the shape, and nothing that is encrypted.
func readMany(raw []byte, typ string) (*sealedMany, error) {
	m := &sealedMany{}
	if err := json.Unmarshal(raw, m, json.RejectUnknownMembers(true)); err != nil {
		return nil, badSeal(typ, "it is no JWE of ours", err)
	}
	if len(m.Recipients) == 0 || len(m.Recipients) > MaxReaders {
		return nil, badSeal(typ, fmt.Sprintf("%d recipients", len(m.Recipients)), nil)
	}
	return m, nil
}

// check holds everything but the ciphertext to the one form that we know.
func (m *sealedMany) check(typ, context string, own sealedReader) error {
	if len(m.Protected) > maxSealHeader {
		return federation.Refuse(federation.TooLarge, typ, fmt.Sprintf("the header is over %d bytes", maxSealHeader))
	}
	var raw []byte
	for _, part := range []struct {
		name, text string
		size       int
	}{{"ciphertext", m.Ciphertext, -1}, {"key", own.Key, sealedKeySize}, {"iv", m.IV, nonceSize}, {"tag", m.Tag, sealTagSize}, {"protected", m.Protected, -1}} {
		b, err := DecodeBase64(nil, []byte(part.text))
		if err == nil && part.size >= 0 && len(b) != part.size {
			err = fmt.Errorf("%d bytes, want %d", len(b), part.size)
		}
		if err != nil {
			return badSeal(typ, part.name, err)
		}
		raw = b // the last is the header
	}
	var h manyHeader
	if err := json.Unmarshal(raw, &h, json.RejectUnknownMembers(true)); err != nil {
		return badSeal(typ, "the header has members that do not belong there", err)
	}
	switch {
	case own.Header.Alg != AlgECDH || h.Enc != string(jose.A256GCM):
		return badSeal(typ, fmt.Sprintf("alg %q and enc %q, want %s and %s", own.Header.Alg, h.Enc, AlgECDH, jose.A256GCM), nil)
	case h.Typ != typ:
		return badSeal(typ, fmt.Sprintf("typ is %q", h.Typ), nil)
	case h.Ctx != (Place{Context: context}).hash():
		return badSeal(typ, "it is sealed for another place", nil)
	}
	if err := own.Header.EPK.check(); err != nil {
		return badSeal(typ, "epk", err)
	}
	return nil
}
