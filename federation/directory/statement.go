package directory

import (
	"bytes"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// TypStatement is the typ of an entity statement (the name is that of OpenID
// Federation 1.0 §3, whose other members we do not use).
const TypStatement = "entity-statement+jwt"

// Limits of a statement.
const (
	maxStatement = 64 << 10 // bytes of the compact JWS
	maxKeys      = 32
	maxURLs      = 16
)

// statementVersion is the version of the payload's layout.
const statementVersion = 1

// Statement is what a participant says about itself.
type Statement struct {
	// ID is the participant's id, such as "de-cert"; Name is for people;
	// Country is an ISO 3166-1 alpha-2 code, or EU.
	ID, Name, Country string
	// Version counts the participant's statements: a higher one replaces a
	// lower one.
	Version uint64
	// Keys are the participant's keys, at least one of each purpose that signs,
	// and usually one of PurposeEnc.
	Keys []Key
	// LinkNKey is the NATS user key of its link, LinkCert its TLS
	// certificate (PEM), LinkURLs where it can be reached; all optional.
	LinkNKey string
	LinkCert string
	LinkURLs []string
	// IssuedAt and Expires bound the statement, in whole seconds.
	IssuedAt, Expires time.Time
	// Raw is the compact JWS it was read from.
	Raw []byte
}

var (
	idForm      = regexp.MustCompile(`^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$`)
	countryForm = regexp.MustCompile(`^[A-Z]{2}$`)
)

// payload is the signed content of a statement.
type payload struct {
	Ver     int    `json:"ver"`
	Iss     string `json:"iss"`
	Sub     string `json:"sub"`
	Name    string `json:"name"`
	Country string `json:"country"`
	Version uint64 `json:"version"`
	Iat     int64  `json:"iat"`
	Exp     int64  `json:"exp"`
	JWKS    jwks   `json:"jwks"`
	Link    link   `json:"link,omitzero"`
}

type link struct {
	NKey string   `json:"nkey,omitempty"`
	Cert string   `json:"cert,omitempty"`
	URLs []string `json:"urls,omitempty"`
}

// NewStatement signs s with k, which must be one of its agreement keys, and
// returns the compact JWS. Owner, Fresh and Raw of s are not read.
func NewStatement(s Statement, k Signer) ([]byte, error) {
	p := payload{Ver: statementVersion, Iss: s.ID, Sub: s.ID, Name: s.Name, Country: s.Country, Version: s.Version,
		Iat: s.IssuedAt.Unix(), Exp: s.Expires.Unix(), Link: link{s.LinkNKey, s.LinkCert, s.LinkURLs}}
	for _, key := range s.Keys {
		j, err := listKey(key)
		if err != nil {
			return nil, fmt.Errorf("statement of %s: %w", s.ID, err)
		}
		if !key.RevokedAt.IsZero() {
			j.RevokedAt = key.RevokedAt.Unix()
		}
		p.JWKS.Keys = append(p.JWKS.Keys, j)
	}
	raw, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("statement of %s: %w", s.ID, err)
	}
	signed, err := SignJWS(TypStatement, raw, k)
	if err != nil {
		return nil, fmt.Errorf("statement of %s: %w", s.ID, err)
	}
	// What others would refuse is not handed out.
	if _, err := ParseStatement(signed, s.IssuedAt); err != nil {
		return nil, err
	}
	return signed, nil
}

// ParseStatement reads a statement and verifies that one of the agreement keys
// it lists signed it. That shows only that it is whole: whether it is the right
// one, two people find out by comparing fingerprints. Errors are
// *federation.Refusal; a statement past its end is Expired.
func ParseStatement(raw []byte, now time.Time) (*Statement, error) {
	raw = bytes.TrimRight(raw, "\r\n")
	if len(raw) > maxStatement {
		return nil, federation.Refuse(federation.TooLarge, "statement", fmt.Sprintf("over %d bytes", maxStatement))
	}
	j, _, err := splitJWS(raw, TypStatement)
	if err != nil {
		return nil, err
	}
	s, err := readPayload(j.Payload)
	if err != nil {
		return nil, err
	}
	own := make(listed, len(s.Keys))
	for _, k := range s.Keys {
		own[k.KID] = k
	}
	if len(own) != len(s.Keys) {
		return nil, federation.Refuse(federation.Malformed, s.where("jwks"), "a key is listed twice")
	}
	if _, err := OpenJWS(raw, TypStatement, PurposeAgreement, own, now); err != nil {
		return nil, err
	}
	switch {
	case now.Add(Skew).Before(s.IssuedAt):
		return nil, federation.Refuse(federation.NotYetValid, s.where("iat"), "issued at "+stamp(s.IssuedAt))
	case now.Add(-Skew).After(s.Expires):
		return nil, &federation.Refusal{Reason: federation.Expired, Where: s.where("exp"),
			Detail: "lapsed at " + stamp(s.Expires), Hint: "ask the participant for its current statement"}
	}
	s.Raw = bytes.Clone(raw)
	return s, nil
}

// listed is the key source that a statement is for itself. Freshness is checked
// by ParseStatement, with its own reason.
type listed map[string]Key

func (l listed) Key(kid string) (Key, bool) {
	k, ok := l[kid]
	k.Fresh = k.NotAfter
	return k, ok
}

func (s *Statement) where(member string) string { return "statement of " + s.ID + ", " + member }

// readPayload reads the signed content, not yet verified.
func readPayload(raw []byte) (*Statement, error) {
	var v struct {
		Ver  int            `json:"ver"`
		Rest jsontext.Value `json:",embed"`
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		return nil, &federation.Refusal{Reason: federation.Malformed, Where: "statement", Err: err}
	}
	if v.Ver < 1 {
		return nil, federation.Refuse(federation.Malformed, "statement, ver", "no version")
	}
	if v.Ver > statementVersion {
		return nil, &federation.Refusal{Reason: federation.Unsupported, Where: "statement, ver",
			Detail: fmt.Sprintf("version %d, this program reads version %d", v.Ver, statementVersion),
			Hint:   "a newer program may read it"}
	}
	var p payload
	if err := json.Unmarshal(raw, &p, json.RejectUnknownMembers(true)); err != nil {
		return nil, &federation.Refusal{Reason: federation.Malformed, Where: "statement", Err: err}
	}
	s := &Statement{ID: p.Sub, Name: p.Name, Country: p.Country, Version: p.Version,
		LinkNKey: p.Link.NKey, LinkCert: p.Link.Cert, LinkURLs: p.Link.URLs,
		IssuedAt: time.Unix(p.Iat, 0).UTC(), Expires: time.Unix(p.Exp, 0).UTC()}
	if err := p.check(); err != nil {
		return nil, &federation.Refusal{Reason: federation.Malformed, Where: "statement", Err: err}
	}
	for _, j := range p.JWKS.Keys {
		k, err := j.key(p.Sub, s.Expires)
		if err != nil {
			return nil, &federation.Refusal{Reason: federation.Malformed, Where: s.where("jwks"), Err: err}
		}
		s.Keys = append(s.Keys, k)
	}
	return s, nil
}

// check reports what is wrong with the members other than the keys.
func (p *payload) check() error {
	switch {
	case p.Iss != p.Sub:
		return fmt.Errorf("iss %q and sub %q differ: a statement is about its own issuer", p.Iss, p.Sub)
	case !ValidID(p.Sub):
		return fmt.Errorf("id %q: lower-case letters, digits and hyphens, 1 to 63, a hyphen neither first nor last", p.Sub)
	case !countryForm.MatchString(p.Country):
		return fmt.Errorf("country %q: two capital letters (ISO 3166-1, or EU)", p.Country)
	case len(p.Name) > 200:
		return errors.New("name: over 200 bytes")
	case p.Version < 1:
		return errors.New("version: counts from 1")
	case p.Exp <= p.Iat:
		return errors.New("exp is not after iat")
	case len(p.JWKS.Keys) == 0 || len(p.JWKS.Keys) > maxKeys:
		return fmt.Errorf("jwks: %d keys, 1 to %d are allowed", len(p.JWKS.Keys), maxKeys)
	case len(p.Link.URLs) > maxURLs:
		return fmt.Errorf("link: %d urls, at most %d are allowed", len(p.Link.URLs), maxURLs)
	}
	return nil
}

// ValidID reports whether id can be a participant's id: lower-case letters,
// digits and hyphens, 1 to 63 of them, a hyphen neither first nor last.
func ValidID(id string) bool { return idForm.MatchString(id) }

// EncKey returns the key to which something for the participant is encrypted at
// a given moment: of those usable, the one that came last. An older statement has
// none.
func (s *Statement) EncKey(at time.Time) (Key, bool) {
	var best Key
	for _, k := range s.Keys {
		if k.Usable(PurposeEnc, at) == nil && (best.Enc == nil || k.NotBefore.After(best.NotBefore)) {
			best = k
		}
	}
	return best, best.Enc != nil
}

// crockford is base32 without the letters that sound or look like others.
var crockford = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding)

// Fingerprint is 120 bits of the statement's SHA-256 in six groups of four, to
// be read over the telephone: it covers every key, certificate and address in
// the statement.
func (s *Statement) Fingerprint() string {
	if len(s.Raw) == 0 {
		return ""
	}
	sum := sha256.Sum256(s.Raw)
	text := crockford.EncodeToString(sum[:15])
	groups := make([]string, 0, 6)
	for len(text) > 0 {
		groups = append(groups, text[:4])
		text = text[4:]
	}
	return strings.Join(groups, "-")
}
