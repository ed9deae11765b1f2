package directory

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"
)

// maxHeader bounds the base64url text of a protected header, in bytes.
const maxHeader = 512

// JWS is a compact JWS whose signature has been verified: its three parts,
// decoded, and the key.
type JWS struct {
	Key                        Key
	Header, Payload, Signature []byte
}

// SignJWS returns payload as a compact JWS (RFC 7515 §7.1) with the protected
// header {"alg":"EdDSA","kid":...,"typ":typ} and nothing else in it.
func SignJWS(typ string, payload []byte, k Signer) ([]byte, error) {
	if k == nil {
		return nil, errors.New("sign " + typ + ": no key")
	}
	opts := (&jose.SignerOptions{}).WithType(jose.ContentType(typ)).WithHeader("kid", k.KeyID())
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.EdDSA, Key: opaque{k}}, opts)
	if err != nil {
		return nil, fmt.Errorf("sign %s: %w", typ, err)
	}
	signed, err := s.Sign(payload)
	if err != nil {
		return nil, fmt.Errorf("sign %s: %w", typ, err)
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		return nil, fmt.Errorf("sign %s: %w", typ, err)
	}
	return []byte(text), nil
}

// opaque shows a Signer to go-jose.
type opaque struct{ Signer }

// Public returns nil: the key id goes into the header by name instead.
func (opaque) Public() *jose.JSONWebKey { return nil }

// Algs returns the one algorithm we sign with.
func (opaque) Algs() []jose.SignatureAlgorithm { return []jose.SignatureAlgorithm{jose.EdDSA} }

// SignPayload signs and checks the signature's length.
func (o opaque) SignPayload(input []byte, _ jose.SignatureAlgorithm) ([]byte, error) {
	sig, err := o.Sign(input)
	if err == nil && len(sig) != ed25519.SignatureSize {
		err = fmt.Errorf("the signer returned %d bytes, not %d", len(sig), ed25519.SignatureSize)
	}
	return sig, err
}

// OpenJWS verifies a compact JWS of the given typ, signed with a key that its
// owner lists for purpose and that is usable at the moment of first acceptance.
// The caller bounds len(compact). Errors are *federation.Refusal: Malformed for
// what is no such JWS, UnknownIssuer for a key that keys does not know,
// BadSignature, RevokedKey or NotYetValid.
func OpenJWS(compact []byte, typ, purpose string, keys KeySource, at time.Time) (*JWS, error) {
	j, input, err := splitJWS(compact, typ)
	if err != nil {
		return nil, err
	}
	head, err := readHeader(compact, j.Header, typ)
	if err != nil {
		return nil, err
	}
	key, ok := keys.Key(head.KID)
	if !ok {
		return nil, &federation.Refusal{Reason: federation.UnknownIssuer, Where: "key " + head.KID,
			Detail: "no participant in the directory has it", Hint: "add the signer's statement"}
	}
	if key.Alg != AlgEdDSA && key.Alg != AlgEd25519 {
		return nil, federation.Refuse(federation.BadSignature, "key "+key.KID, "the statement gives it algorithm "+key.Alg)
	}
	if err := key.Usable(purpose, at); err != nil {
		return nil, err
	}
	if !ed25519.Verify(key.Public, input, j.Signature) {
		return nil, federation.Refuse(federation.BadSignature, typ, "the signature of "+key.Owner+" does not verify")
	}
	j.Key = key
	return j, nil
}

// splitJWS decodes the three parts and returns the signing input.
func splitJWS(compact []byte, typ string) (*JWS, []byte, error) {
	bad := func(part string, err error) error {
		return &federation.Refusal{Reason: federation.Malformed, Where: typ, Detail: part, Err: err}
	}
	end := bytes.LastIndexByte(compact, '.')
	if end < 0 || bytes.Count(compact, []byte{'.'}) != 2 {
		return nil, nil, bad("a compact JWS has three parts", nil)
	}
	mid := bytes.IndexByte(compact, '.')
	if mid > maxHeader {
		return nil, nil, federation.Refuse(federation.TooLarge, typ, fmt.Sprintf("the header is over %d bytes", maxHeader))
	}
	buf, err := DecodeBase64(make([]byte, 0, len(compact)), compact[:mid])
	if err != nil {
		return nil, nil, bad("header", err)
	}
	h := len(buf)
	if buf, err = DecodeBase64(buf, compact[mid+1:end]); err != nil {
		return nil, nil, bad("payload", err)
	}
	p := len(buf)
	if buf, err = DecodeBase64(buf, compact[end+1:]); err != nil {
		return nil, nil, bad("signature", err)
	}
	if len(buf)-p != ed25519.SignatureSize {
		return nil, nil, bad(fmt.Sprintf("the signature has %d bytes, not %d", len(buf)-p, ed25519.SignatureSize), nil)
	}
	return &JWS{Header: buf[:h:h], Payload: buf[h:p:p], Signature: buf[p:len(buf):len(buf)]}, compact[:end], nil
}

// header is the protected header: these three members and no other. Keys,
// certificates and addresses of keys (jwk, x5c, jku, x5u), crit, b64 and zip are
// refused with everything else that is not listed.
type header struct {
	Alg string `json:"alg"`
	KID string `json:"kid"`
	Typ string `json:"typ"`
}

// readHeader reads the protected header. The text that SignJWS writes is
// recognised as it stands; any other order or spacing is read by go-jose, with
// its allow-list of algorithms.
func readHeader(compact, raw []byte, typ string) (header, error) {
	h, ok := fixedHeader(raw)
	if !ok {
		if err := json.Unmarshal(raw, &h, json.RejectUnknownMembers(true)); err != nil {
			return h, &federation.Refusal{Reason: federation.Malformed, Where: typ + " header",
				Detail: "alg, kid and typ are allowed and nothing else", Err: err}
		}
		if _, err := jose.ParseSignedCompact(string(compact), []jose.SignatureAlgorithm{AlgEdDSA, AlgEd25519}); err != nil {
			return h, &federation.Refusal{Reason: federation.BadSignature, Where: typ + " header", Err: err}
		}
	}
	if h.Typ != typ {
		return h, federation.Refuse(federation.Malformed, typ, fmt.Sprintf("typ is %q", h.Typ))
	}
	if h.KID == "" {
		return h, federation.Refuse(federation.UnknownIssuer, typ, "no kid in the header")
	}
	return h, nil
}

// fixedHeader cuts the header text that SignJWS writes.
func fixedHeader(raw []byte) (header, bool) {
	rest, ok := bytes.CutPrefix(raw, []byte(`{"alg":"EdDSA","kid":"`))
	if !ok {
		return header{}, false
	}
	kid, rest, ok := bytes.Cut(rest, []byte(`","typ":"`))
	if !ok {
		return header{}, false
	}
	typ, ok := bytes.CutSuffix(rest, []byte(`"}`))
	if !ok || !plain(kid) || !plain(typ) {
		return header{}, false
	}
	return header{Alg: AlgEdDSA, KID: string(kid), Typ: string(typ)}, true
}

// plain reports whether b is a JSON string's content without quote, escape or
// anything beyond printable ASCII.
func plain(b []byte) bool {
	for _, c := range b {
		if c < 0x20 || c > 0x7e || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}
