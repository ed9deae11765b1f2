package envelope

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"slices"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/directory"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
)

// maxSeconds is the last second of the year 9999.
const maxSeconds = 253402300799

// digestText is the length of a SHA-256 digest in base64url.
const digestText = 43

// payload is what an issuer signs.
type payload struct {
	Ver     int        `json:"ver"`
	Iss     string     `json:"iss"`
	For     string     `json:"for,omitempty"`
	Jti     string     `json:"jti"`
	Iat     int64      `json:"iat"`
	Exp     int64      `json:"exp"`
	SDAlg   string     `json:"_sd_alg"`
	Objects []dots     `json:"objects"`
	Gone    [][]string `json:"gone,omitempty"`
}

// dots is a digest in the place of a list element (RFC 9901 §4.2.4.2).
type dots struct {
	Digest string `json:"..."`
}

// version reads `ver` alone, so that a newer message is told from a bad one.
type version struct {
	Ver  int            `json:"ver"`
	Rest jsontext.Value `json:",embed"`
}

// versioned is the content of a signed JSON object, which states its version.
type versioned interface{ version() int }

func (p *payload) version() int     { return p.Ver }
func (r *record) version() int      { return r.Ver }
func (r *rootPayload) version() int { return r.Ver }
func (p *proof) version() int       { return p.Ver }

// decodeVersioned reads a signed JSON object of our version into v, which is
// zero, strictly: no unknown members, no duplicate names, valid UTF-8.
func decodeVersioned(raw []byte, where string, v versioned) error {
	err := json.Unmarshal(raw, v, json.RejectUnknownMembers(true))
	if err == nil && v.version() == Version {
		return nil
	}
	// A newer version may well have members that we do not know: it is told from
	// a bad message by its version alone.
	var head version
	if err := json.Unmarshal(raw, &head); err != nil {
		return &federation.Refusal{Reason: federation.Malformed, Where: where, Err: err}
	}
	if head.Ver < 1 {
		return federation.Refuse(federation.Malformed, where, "no wire version")
	}
	if head.Ver > Version {
		return &federation.Refusal{Reason: federation.Unsupported, Where: where,
			Detail: fmt.Sprintf("wire version %d, this program reads %d", head.Ver, Version),
			Hint:   "a newer program may read it"}
	}
	return &federation.Refusal{Reason: federation.Malformed, Where: where, Err: err}
}

// readPayload reads the payload of a verified JWS and checks what does not
// depend on the disclosures.
func (m *message) readPayload(now time.Time) error {
	raw, key := m.jws.Payload, m.jws.Key
	var p payload
	if err := decodeVersioned(raw, "payload", &p); err != nil {
		return err
	}
	if p.Iss != key.Owner {
		return federation.Refuse(federation.BadSignature, "payload",
			fmt.Sprintf("issued by %q and signed with a key of %s", p.Iss, key.Owner))
	}
	if err := p.check(); err != nil {
		return &federation.Refusal{Reason: federation.Malformed, Where: "payload", Err: err}
	}
	m.issuer, m.owner, m.id = p.Iss, cmp.Or(p.For, p.Iss), p.Jti
	m.issued, m.expires = time.Unix(p.Iat, 0).UTC(), time.Unix(p.Exp, 0).UTC()
	switch {
	case now.Add(directory.Skew).Before(m.issued):
		return federation.Refuse(federation.NotYetValid, "message "+m.id, "issued at "+m.issued.Format(time.RFC3339))
	case now.Add(-directory.Skew).After(m.expires):
		return federation.Refuse(federation.Expired, "message "+m.id,
			"could be accepted for the first time until "+m.expires.Format(time.RFC3339))
	case len(p.Objects) > MaxObjects:
		return federation.Refuse(federation.TooLarge, "payload, objects", fmt.Sprintf("over %d", MaxObjects))
	case len(p.Gone) > MaxGone:
		return federation.Refuse(federation.TooLarge, "payload, gone", fmt.Sprintf("over %d", MaxGone))
	case len(p.Objects) > 0 && len(p.Gone) > 0:
		// What is taken back goes to others than what is given.
		return federation.Refuse(federation.Malformed, "payload, gone", "objects and gone in one message")
	}
	return m.readDigests(&p)
}

// readDigests reads the digests of the payload.
func (m *message) readDigests(p *payload) error {
	m.objects = make([][32]byte, len(p.Objects))
	for i, o := range p.Objects {
		d, err := readDigest([]byte(o.Digest))
		if err != nil {
			return &federation.Refusal{Reason: federation.Malformed, Where: "payload, objects", Err: err}
		}
		m.objects[i] = d
	}
	for _, texts := range p.Gone {
		g, err := readGone(texts)
		if err != nil {
			return &federation.Refusal{Reason: federation.Malformed, Where: "payload, gone", Err: err}
		}
		m.gone = append(m.gone, g)
	}
	return nil
}

// readGone reads one element of `gone`.
func readGone(texts []string) (g Gone, err error) {
	if len(texts) != 2 && len(texts) != 3 {
		return g, fmt.Errorf("an element has %d texts, not a digest, a reason and perhaps an act", len(texts))
	}
	if g.Digest, err = readDigest([]byte(texts[0])); err != nil {
		return g, err
	}
	g.Reason = texts[1]
	if len(texts) == 3 {
		g.Act = texts[2]
	}
	return g, g.check()
}

// check reports what is wrong with a withdrawal by itself. Whether the act is
// what it should be is for who obeys it to say.
func (g *Gone) check() error {
	switch {
	case !goneReason(g.Reason):
		return fmt.Errorf("unknown reason %q", g.Reason)
	case g.Reason == GoneLowered && (g.Act == "" || len(g.Act) > maxAct):
		return fmt.Errorf("%s goes with the act that allows it, at most %d bytes", GoneLowered, maxAct)
	case g.Reason != GoneLowered && g.Act != "":
		return fmt.Errorf("%s goes without an act", g.Reason)
	}
	return nil
}

// texts writes one element of `gone`.
func (g *Gone) texts() []string {
	out := []string{digestString(g.Digest), g.Reason}
	if g.Act != "" {
		out = append(out, g.Act)
	}
	return out
}

// check reports what is wrong with a payload whatever the time.
func (p *payload) check() error {
	switch {
	case p.SDAlg != "sha-256":
		return fmt.Errorf("_sd_alg %q: only sha-256 is read", p.SDAlg)
	case !messageID(p.Jti):
		return fmt.Errorf("jti %q: want a UUID of version 7 in lower case (RFC 9562)", p.Jti)
	case p.Iat <= 0 || p.Exp <= p.Iat || p.Exp > maxSeconds:
		return fmt.Errorf("iat %d, exp %d: want whole seconds up to the year 9999, exp after iat", p.Iat, p.Exp)
	case p.For != "" && (!directory.ValidID(p.For) || p.For == p.Iss):
		return fmt.Errorf("for %q: want the id of another participant, on whose behalf %s acts", p.For, p.Iss)
	case p.Objects == nil:
		return fmt.Errorf("objects is missing")
	case len(p.Objects) == 0 && len(p.Gone) == 0:
		return fmt.Errorf("neither objects nor gone: the message says nothing")
	}
	return nil
}

// messageID reports whether id is a UUIDv7 in its one lower-case spelling.
func messageID(id string) bool {
	u, err := uuid.Parse(id)
	return err == nil && u.Version() == 7 && u.String() == id
}

// goneReason reports whether r is one of the reasons of a withdrawal.
func goneReason(r string) bool {
	return slices.Contains([]string{GoneSuperseded, GoneLowered, GoneWithdrawn, GoneSpill}, r)
}

// readDigest reads the one text of a SHA-256 digest.
func readDigest(text []byte) (d [32]byte, err error) {
	if len(text) != digestText {
		return d, fmt.Errorf("a digest has %d characters, not %d", digestText, len(text))
	}
	var buf [33]byte
	out, err := directory.DecodeBase64(buf[:0], text)
	if err != nil {
		return d, fmt.Errorf("digest: %w", err)
	}
	copy(d[:], out)
	return d, nil
}

// appendDigest appends the text of a digest.
func appendDigest(dst []byte, d [32]byte) []byte {
	return directory.AppendBase64(dst, d[:])
}

// digestString returns the text of a digest.
func digestString(d [32]byte) string { return base64.RawURLEncoding.EncodeToString(d[:]) }

// encode returns the payload's text.
func (p *payload) encode() ([]byte, error) {
	raw, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("payload: %w", err)
	}
	return raw, nil
}
