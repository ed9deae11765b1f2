package directory

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
)

// Kinds of JWS by which an issuer lets another participant act for it, and
// takes that back.
const (
	TypDelegation = "cti-delegation+jwt"
	TypRevocation = "cti-delegation-end+jwt"
)

// What a delegate may do with an object of the issuer.
const (
	// ActSupersede replaces it by a newer version.
	ActSupersede = "supersede"
	// ActWithdraw takes it back.
	ActWithdraw = "withdraw"
)

// Limits of a delegation.
const (
	maxDelegation = 128 << 10 // bytes of the compact JWS
	maxScope      = 1000      // types or ids
)

// delegationVersion is the version of the payload's layout.
const delegationVersion = 1

// Scope says on which objects of the issuer a delegate may act: all, or those
// of some types, or some by id. Exactly one of the three is set.
type Scope struct {
	All   bool     `json:"all,omitzero"`
	Types []string `json:"types,omitempty"`
	IDs   []string `json:"ids,omitempty"`
}

// Delegation is an issuer's signed act: another participant may supersede or
// withdraw some of its objects for some time. It cannot be passed on.
type Delegation struct {
	// ID is a UUIDv7, by which it can be revoked.
	ID string
	// Issuer lets Delegate act on its objects.
	Issuer, Delegate string
	Scope            Scope
	// What lists ActSupersede, ActWithdraw or both.
	What []string
	// IssuedAt is when it was signed. An act is good that a node first
	// accepts from NotBefore to NotAfter, in whole seconds.
	IssuedAt, NotBefore, NotAfter time.Time
	// Raw is the compact JWS it was read from.
	Raw []byte
}

// Revocation ends a delegation of the same issuer.
type Revocation struct {
	// ID is that of the delegation.
	ID, Issuer string
	// At is when it was signed.
	At time.Time
	// Raw is the compact JWS it was read from.
	Raw []byte
}

type delegationPayload struct {
	Ver   int      `json:"ver"`
	Iss   string   `json:"iss"`
	Sub   string   `json:"sub"`
	Jti   string   `json:"jti"`
	Iat   int64    `json:"iat"`
	Nbf   int64    `json:"nbf"`
	Exp   int64    `json:"exp"`
	What  []string `json:"what"`
	Scope Scope    `json:"scope"`
}

type revocationPayload struct {
	Ver int    `json:"ver"`
	Iss string `json:"iss"`
	Jti string `json:"jti"`
	Iat int64  `json:"iat"`
}

// NewDelegation signs d with an agreement key of its issuer and returns the
// compact JWS. Raw of d is not read.
func NewDelegation(d Delegation, k Signer) ([]byte, error) {
	p := delegationPayload{Ver: delegationVersion, Iss: d.Issuer, Sub: d.Delegate, Jti: d.ID, Iat: d.IssuedAt.Unix(),
		Nbf: d.NotBefore.Unix(), Exp: d.NotAfter.Unix(), What: d.What, Scope: d.Scope}
	if err := p.check(); err != nil { // what others would refuse is not signed
		return nil, fmt.Errorf("delegation: %w", err)
	}
	return signAct(TypDelegation, p, k)
}

// NewRevocation signs the end of a delegation with an agreement key of its
// issuer and returns the compact JWS.
func NewRevocation(r Revocation, k Signer) ([]byte, error) {
	p := revocationPayload{Ver: delegationVersion, Iss: r.Issuer, Jti: r.ID, Iat: r.At.Unix()}
	if err := p.check(); err != nil {
		return nil, fmt.Errorf("end of a delegation: %w", err)
	}
	return signAct(TypRevocation, p, k)
}

func signAct(typ string, payload any, k Signer) ([]byte, error) {
	raw, err := json.Marshal(payload)
	if err != nil {
		return nil, err
	}
	if len(raw) > maxDelegation/2 {
		return nil, fmt.Errorf("%s: %d bytes, at most %d are read: name types instead of ids", typ, len(raw), maxDelegation/2)
	}
	return SignJWS(typ, raw, k)
}

// ParseDelegation reads a delegation and verifies that an agreement key of its
// issuer signed it, one that could be used at a given moment: the moment at
// which this node first took it. Errors are *federation.Refusal. Whether it is
// in force is for [Directory.MayAct] to say.
func ParseDelegation(raw []byte, keys KeySource, at time.Time) (*Delegation, error) {
	var p delegationPayload
	raw, owner, err := openAct(raw, TypDelegation, keys, at, &p)
	if err == nil {
		err = actError(TypDelegation, owner, p.Iss, p.check)
	}
	if err != nil {
		return nil, err
	}
	d := &Delegation{ID: p.Jti, Issuer: p.Iss, Delegate: p.Sub, Scope: p.Scope, What: p.What, IssuedAt: seconds(p.Iat),
		NotBefore: seconds(p.Nbf), NotAfter: seconds(p.Exp), Raw: raw}
	if at.Add(Skew).Before(d.IssuedAt) {
		return nil, federation.Refuse(federation.NotYetValid, "delegation "+d.ID, "signed at "+stamp(d.IssuedAt))
	}
	return d, nil
}

// ParseRevocation reads the end of a delegation, as [ParseDelegation] does.
func ParseRevocation(raw []byte, keys KeySource, at time.Time) (*Revocation, error) {
	var p revocationPayload
	raw, owner, err := openAct(raw, TypRevocation, keys, at, &p)
	if err == nil {
		err = actError(TypRevocation, owner, p.Iss, p.check)
	}
	if err != nil {
		return nil, err
	}
	return &Revocation{ID: p.Jti, Issuer: p.Iss, At: seconds(p.Iat), Raw: raw}, nil
}

// openAct verifies one of the two and decodes its payload; owner is whose key
// signed it.
func openAct(raw []byte, typ string, keys KeySource, at time.Time, into any) (text []byte, owner string, err error) {
	raw = bytes.TrimRight(raw, "\r\n")
	if len(raw) > maxDelegation {
		return nil, "", federation.Refuse(federation.TooLarge, typ, fmt.Sprintf("over %d bytes", maxDelegation))
	}
	j, err := OpenJWS(raw, typ, PurposeAgreement, keys, at)
	if err != nil {
		return nil, "", err
	}
	var head struct {
		Ver  int            `json:"ver"`
		Rest jsontext.Value `json:",embed"`
	}
	if err := json.Unmarshal(j.Payload, &head); err != nil {
		return nil, "", &federation.Refusal{Reason: federation.Malformed, Where: typ, Err: err}
	}
	if head.Ver > delegationVersion {
		return nil, "", &federation.Refusal{Reason: federation.Unsupported, Where: typ + ", ver",
			Detail: fmt.Sprintf("version %d, this program reads version %d", head.Ver, delegationVersion), Hint: "a newer program may read it"}
	}
	if err := json.Unmarshal(j.Payload, into, json.RejectUnknownMembers(true)); err != nil {
		return nil, "", &federation.Refusal{Reason: federation.Malformed, Where: typ, Err: err}
	}
	return bytes.Clone(raw), j.Key.Owner, nil
}

// actError checks what both kinds have in common, then the rest.
func actError(typ, owner, iss string, rest func() error) error {
	if owner != iss {
		return federation.Refuse(federation.NotOwner, typ, fmt.Sprintf("%s signed it in the name of %q: nobody can delegate what is another's", owner, iss))
	}
	if err := rest(); err != nil {
		return &federation.Refusal{Reason: federation.Malformed, Where: typ, Err: err}
	}
	return nil
}

// objectTypeForm and objectIDForm are the names of STIX 2.1 §2.9 and §3.1.
var (
	objectTypeForm = regexp.MustCompile(`^[a-z][a-z0-9-]{2,249}$`)
	objectIDForm   = regexp.MustCompile(`^[a-z][a-z0-9-]{2,249}--[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
)

func (p *delegationPayload) check() error {
	switch {
	case p.Ver < 1:
		return errors.New("ver: no version")
	case !ValidID(p.Iss) || !ValidID(p.Sub):
		return fmt.Errorf("iss %q, sub %q: want the ids of two participants", p.Iss, p.Sub)
	case p.Iss == p.Sub:
		return errors.New("iss and sub are the same: an issuer needs no delegation")
	case !actID(p.Jti):
		return fmt.Errorf("jti %q: want a UUID of version 7 in lower case (RFC 9562)", p.Jti)
	case p.Iat <= 0 || p.Nbf <= 0 || p.Exp <= p.Nbf:
		return errors.New("iat, nbf and exp are whole seconds, exp after nbf: a delegation ends")
	case len(p.What) == 0 || len(p.What) > 2:
		return fmt.Errorf("what: %s, %s or both", ActSupersede, ActWithdraw)
	}
	for i, w := range p.What {
		if w != ActSupersede && w != ActWithdraw || slices.Contains(p.What[:i], w) {
			return fmt.Errorf("what: %q: want %s, %s or both, each once", w, ActSupersede, ActWithdraw)
		}
	}
	return p.Scope.check()
}

func (s *Scope) check() error {
	named := 0
	for _, set := range []bool{s.All, len(s.Types) > 0, len(s.IDs) > 0} {
		if set {
			named++
		}
	}
	if named != 1 {
		return errors.New("scope: exactly one of all, types and ids")
	}
	if len(s.Types) > maxScope || len(s.IDs) > maxScope {
		return fmt.Errorf("scope: over %d types or ids", maxScope)
	}
	for _, t := range s.Types {
		if !objectTypeForm.MatchString(t) {
			return fmt.Errorf("scope: %q is no type of a STIX object", t)
		}
	}
	for _, id := range s.IDs {
		if !objectIDForm.MatchString(id) {
			return fmt.Errorf("scope: %q is no id of a STIX object", id)
		}
	}
	return nil
}

func (p *revocationPayload) check() error {
	switch {
	case p.Ver < 1:
		return errors.New("ver: no version")
	case !ValidID(p.Iss):
		return fmt.Errorf("iss %q: want the id of a participant", p.Iss)
	case !actID(p.Jti):
		return fmt.Errorf("jti %q: want the id of a delegation", p.Jti)
	case p.Iat <= 0:
		return errors.New("iat: want whole seconds")
	}
	return nil
}

// actID reports whether id is a UUIDv7 in its one lower-case spelling.
func actID(id string) bool {
	u, err := uuid.Parse(id)
	return err == nil && u.Version() == 7 && u.String() == id
}

func seconds(s int64) time.Time { return time.Unix(s, 0).UTC() }

// covers reports whether an object is in scope. id and typ may be unknown ("").
func (s *Scope) covers(id, typ string) bool {
	return s.All || typ != "" && slices.Contains(s.Types, typ) || id != "" && slices.Contains(s.IDs, id)
}

// Names reports whether the scope lists that very object.
func (s *Scope) Names(id string) bool { return slices.Contains(s.IDs, id) }
