package envelope

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/directory"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// typProof names the kind of a proof of equivocation.
const typProof = "cti-equivocation"

// maxProof bounds the text of a proof, in bytes.
const maxProof = 2*MaxMessage + 1024

// Equivocation says that a participant signed two contents for one version of
// one object. Its salts follow from the content, so that to issue the same
// object again is none.
type Equivocation struct {
	// Issuer signed both; Owner is whose object it is, another one when the
	// issuer acts as a delegate.
	Issuer, Owner string
	// ID and Version are the object's.
	ID, Version string
	// Digests, Messages and Issued are those of the two objects and the
	// messages that they were signed in, in the order of the digests.
	Digests  [2][32]byte
	Messages [2]string
	Issued   [2]time.Time
}

// proof is the text of one: two issuer JWS, each with the disclosure of the one
// object and of nothing below it.
type proof struct {
	Typ      string   `json:"typ"`
	Ver      int      `json:"ver"`
	Messages []string `json:"messages"`
}

// IsProof reports whether a text claims to be a proof of equivocation.
func IsProof(text []byte) bool {
	var p struct {
		Typ  string         `json:"typ"`
		Rest jsontext.Value `json:",embed"`
	}
	return len(text) <= maxProof && json.Unmarshal(text, &p) == nil && p.Typ == typProof
}

// ProveEquivocation returns the proof that the messages a and b hold two
// contents, with the given digests, of one version of one object. It shows of
// the object what is always in the open, and of nothing else anything but
// digests; anybody who knows the issuer's key can check it with
// [CheckEquivocation]. It fails when the two prove nothing.
func ProveEquivocation(a *Verified, digestA [32]byte, b *Verified, digestB [32]byte) ([]byte, error) {
	if bytes.Compare(digestA[:], digestB[:]) > 0 {
		a, digestA, b, digestB = b, digestB, a, digestA
	}
	p := proof{Typ: typProof, Ver: Version}
	for _, side := range []struct {
		v      *Verified
		digest [32]byte
	}{{a, digestA}, {b, digestB}} {
		m := side.v.msg()
		at := m.find(&side.digest)
		if at < 0 {
			return nil, federation.Refuse(federation.Malformed, "proof", "no object "+digestString(side.digest)+" in the message")
		}
		p.Messages = append(p.Messages, string(m.sd[:m.head+1])+string(m.text(at))+"~")
	}
	sides := [2]*side{}
	for i, v := range []*Verified{a, b} {
		var err error
		if sides[i], err = v.msg().side([][32]byte{digestA, digestB}[i]); err != nil {
			return nil, err
		}
	}
	if _, err := compareSides(sides); err != nil {
		return nil, err
	}
	return json.Marshal(&p)
}

// CheckEquivocation verifies a proof: both signatures, with a key that could be
// used at now, as of a message that is first seen then, and that the two differ
// in content and in nothing else that makes a version of an object. The error is
// a *federation.Refusal.
func CheckEquivocation(text []byte, keys directory.KeySource, now time.Time) (e *Equivocation, err error) {
	defer func() {
		if p := recover(); p != nil {
			e, err = nil, federation.Refuse(federation.Malformed, "proof", fmt.Sprintf("reading it failed: %v", p))
		}
	}()
	if len(text) > maxProof {
		return nil, federation.Refuse(federation.TooLarge, "proof", fmt.Sprintf("over %d bytes", maxProof))
	}
	var p proof
	if err := decodeVersioned(text, "proof", &p); err != nil {
		return nil, err
	}
	if p.Typ != typProof || len(p.Messages) != 2 {
		return nil, federation.Refuse(federation.Malformed, "proof", "want typ "+typProof+" and two messages")
	}
	sides := [2]*side{}
	for i, sd := range p.Messages {
		m := &message{}
		if err := m.readSD([]byte(sd), keys, now); err != nil {
			return nil, within(fmt.Sprintf("message %d", i), err)
		}
		if len(m.discs) != 1 {
			return nil, federation.Refuse(federation.Malformed, fmt.Sprintf("message %d", i), "want the disclosure of one object and no other")
		}
		sides[i], err = m.side(m.digests[0])
		m.release()
		if err != nil {
			return nil, within(fmt.Sprintf("message %d", i), err)
		}
	}
	return compareSides(sides)
}

// side is what one of the two messages says of the object.
type side struct {
	m           *message
	digest      [32]byte
	id, version string
}

// side reads what always stands in the open of the object with a digest.
func (m *message) side(digest [32]byte) (*side, error) {
	at := m.find(&digest)
	if at < 0 || !slices.Contains(m.objects, digest) {
		return nil, federation.Refuse(federation.Malformed, "digest "+digestString(digest), "is not that of an object of the message")
	}
	b := &builder{m: m, scratch: new(scratch)}
	_, s, err := b.take(at, inMessage, -1)
	if err != nil {
		return nil, err
	}
	value, err := b.plain(&s, at)
	if err != nil {
		return nil, err
	}
	var o struct {
		ID       string         `json:"id"`
		Created  string         `json:"created"`
		Modified string         `json:"modified"`
		Rest     jsontext.Value `json:",embed"`
	}
	if err := json.Unmarshal(value, &o); err != nil {
		return nil, &federation.Refusal{Reason: federation.Malformed, Where: "digest " + digestString(digest), Err: err}
	}
	version := o.Modified
	if version == "" {
		version = o.Created
	}
	moment, err := time.Parse(time.RFC3339Nano, version)
	if o.ID == "" || err != nil {
		return nil, &federation.Refusal{Reason: federation.Malformed, Where: "digest " + digestString(digest), Detail: "has no id or no version", Err: err}
	}
	return &side{m: m, digest: digest, id: o.ID, version: moment.UTC().Format(time.RFC3339Nano)}, nil
}

// compareSides says what two messages prove.
func compareSides(s [2]*side) (*Equivocation, error) {
	a, b := s[0], s[1]
	refuse := func(detail string) (*Equivocation, error) {
		return nil, federation.Refuse(federation.Malformed, "proof", detail)
	}
	switch {
	case a.digest == b.digest:
		return refuse("both messages hold the same content: to issue it again is no equivocation")
	case bytes.Compare(a.digest[:], b.digest[:]) > 0:
		return refuse("the messages are not in the order of their objects' digests")
	case a.m.issuer != b.m.issuer:
		return refuse(fmt.Sprintf("signed by two participants, %s and %s", a.m.issuer, b.m.issuer))
	case a.m.owner != b.m.owner:
		return refuse(fmt.Sprintf("about objects of two participants, %s and %s", a.m.owner, b.m.owner))
	case a.id != b.id:
		return refuse(fmt.Sprintf("about two objects, %s and %s", a.id, b.id))
	case a.version != b.version:
		return refuse(fmt.Sprintf("about two versions, %s and %s", a.version, b.version))
	}
	e := &Equivocation{Issuer: a.m.issuer, Owner: a.m.owner, ID: a.id, Version: a.version}
	for i, x := range s {
		e.Digests[i], e.Messages[i], e.Issued[i] = x.digest, x.m.id, x.m.issued
	}
	return e, nil
}
