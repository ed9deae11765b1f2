package journal

import (
	"bytes"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/directory"
)

// TypHead is the typ of a signed head.
const TypHead = "cti-journal-head+jwt"

// headVersion is the version of the payload's layout.
const headVersion = 1

// SignedHead is a node's signed word that its chain ended with a record at a
// time. Whoever holds one can tell later whether the journal was rewritten up to
// there, or cut off before.
type SignedHead struct {
	Head
	Node string    // whose journal
	At   time.Time // when it was signed, in whole seconds
	Raw  []byte    // the compact JWS
}

// headPayload is the signed content of a head.
type headPayload struct {
	Ver  int    `json:"ver"`
	Iss  string `json:"iss"`
	Seq  uint64 `json:"seq"`
	Hash Digest `json:"hash"`
	Iat  int64  `json:"iat"`
}

// SignHead signs h as the end of the journal of node with its message key, and
// returns a compact JWS.
func SignHead(h Head, node string, at time.Time, k directory.Signer) ([]byte, error) {
	p := headPayload{Ver: headVersion, Iss: node, Seq: h.Seq, Hash: h.Hash, Iat: at.Unix()}
	if err := p.check(); err != nil { // what others would refuse is not signed
		return nil, fmt.Errorf("journal head: %w", err)
	}
	raw, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("journal head: %w", err)
	}
	return directory.SignJWS(TypHead, raw, k)
}

// OpenHead verifies a signed head: by a message key of the node it names, one
// that counted when the head says that it was signed. Errors are
// *federation.Refusal.
func OpenHead(raw []byte, keys directory.KeySource) (*SignedHead, error) {
	raw = bytes.TrimSpace(raw)
	if !isCompact(string(raw)) {
		return nil, federation.Refuse(federation.Malformed, "journal head", "not a compact JWS, or over 2,048 bytes")
	}
	p, err := readHead(raw)
	if err != nil {
		return nil, err
	}
	j, err := directory.OpenJWS(raw, TypHead, directory.PurposeMessage, keys, time.Unix(p.Iat, 0))
	if err != nil {
		return nil, err
	}
	if j.Key.Owner != p.Iss {
		return nil, federation.Refuse(federation.NotOwner, "journal head of "+p.Iss, "it is signed with a key of "+j.Key.Owner)
	}
	return &SignedHead{Head: Head{Seq: p.Seq, Hash: p.Hash}, Node: p.Iss, At: time.Unix(p.Iat, 0).UTC(), Raw: bytes.Clone(raw)}, nil
}

// readHead reads the content of a head, not yet verified: the moment at which
// its key has to count stands in it.
func readHead(raw []byte) (p headPayload, err error) {
	bad := func(err error) error {
		return &federation.Refusal{Reason: federation.Malformed, Where: "journal head", Err: err}
	}
	_, rest, _ := bytes.Cut(raw, []byte{'.'})
	part, _, _ := bytes.Cut(rest, []byte{'.'})
	text, err := directory.DecodeBase64(nil, part)
	if err != nil {
		return p, bad(err)
	}
	if err := json.Unmarshal(text, &p, json.RejectUnknownMembers(true)); err != nil {
		var v struct {
			Ver int `json:"ver"`
		}
		if json.Unmarshal(text, &v) != nil || v.Ver <= headVersion {
			return p, bad(err)
		}
		p.Ver = v.Ver
	}
	if p.Ver > headVersion {
		return p, &federation.Refusal{Reason: federation.Unsupported, Where: "journal head",
			Detail: fmt.Sprintf("version %d, this build reads up to %d", p.Ver, headVersion), Hint: "a newer program may read it"}
	}
	if err := p.check(); err != nil {
		return p, bad(err)
	}
	return p, nil
}

// check says what is wrong with the content.
func (p *headPayload) check() error {
	switch {
	case p.Ver != headVersion:
		return fmt.Errorf("version %d", p.Ver)
	case p.Iss == "" || !isToken(p.Iss):
		return fmt.Errorf("it names no node")
	case p.Seq == 0 || p.Hash == Digest{}:
		return fmt.Errorf("it names no record")
	case p.Iat <= 0 || time.Unix(p.Iat, 0).Year() > 9999:
		return fmt.Errorf("it has no time")
	}
	return nil
}

// Contradict reports two signed heads of one node that name different records
// at one place: whoever has both can prove that the node showed two journals.
func Contradict(a, b *SignedHead) error {
	if a.Node != b.Node || a.Seq != b.Seq || a.Hash == b.Hash {
		return nil
	}
	return &federation.Refusal{Reason: federation.Equivocation, Where: fmt.Sprintf("journal record %d", a.Seq),
		Detail: fmt.Sprintf("%s signed two ends of its journal there, at %s and at %s", a.Node, stamp(a.At), stamp(b.At)),
		Hint:   "keep both heads: together they prove that the journal was rewritten"}
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
