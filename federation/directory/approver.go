package directory

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/entente-relay/entente/federation"
)

// PurposeApproval is the purpose of an approver's key: it signs what a person
// decides for one node, and nothing that leaves the node.
const PurposeApproval = "approval"

// Approver is a person who may decide for a node, as its configuration names
// them. An approver is no participant: nobody outside knows of them.
type Approver struct {
	// ID is the word by which journal and lists name the person.
	ID string
	// Public is the key that the person alone has, KID its thumbprint.
	Public ed25519.PublicKey
	KID    string
	// Until is the first moment at which nothing new is decided with the key;
	// zero means never.
	Until time.Time
}

// NewApprover describes a person by id and by the text of a key, as
// [PublicText] writes it.
func NewApprover(id, key string, until time.Time) (Approver, error) {
	if !ValidID(id) {
		return Approver{}, fmt.Errorf("approver %q: use lower case letters, digits and single hyphens", id)
	}
	pub, err := DecodeBase64(nil, []byte(key))
	if err != nil || len(pub) != ed25519.PublicKeySize {
		return Approver{}, fmt.Errorf("approver %s: key %q: want the %d characters that `entente approver new` printed", id, key, base64.RawURLEncoding.EncodedLen(ed25519.PublicKeySize))
	}
	kid, err := Thumbprint(pub)
	if err != nil {
		return Approver{}, fmt.Errorf("approver %s: %w", id, err)
	}
	return Approver{ID: id, Public: pub, KID: kid, Until: until}, nil
}

// PublicText writes a public key for a configuration: base64url of its 32 bytes,
// as the member x of a JWK (RFC 8037 §2).
func PublicText(pub ed25519.PublicKey) string { return base64.RawURLEncoding.EncodeToString(pub) }

// Approvers are the persons who may decide for a node. The nil value is nobody.
type Approvers struct{ byKID map[string]Approver }

// NewApprovers refuses one person under two keys and one key under two names:
// two signatures must be two persons.
func NewApprovers(list ...Approver) (*Approvers, error) {
	out := &Approvers{byKID: map[string]Approver{}}
	names := map[string]bool{}
	var errs []error
	for _, a := range list {
		if names[a.ID] {
			errs = append(errs, fmt.Errorf("approver %s is there twice: one person has one key", a.ID))
		}
		names[a.ID] = true
		if other, ok := out.byKID[a.KID]; ok {
			errs = append(errs, fmt.Errorf("approvers %s and %s have the same key: each needs one of their own", other.ID, a.ID))
		}
		if len(a.Public) != ed25519.PublicKeySize || a.KID == "" {
			errs = append(errs, fmt.Errorf("approver %s has no key", a.ID))
		}
		out.byKID[a.KID] = a
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return out, nil
}

// Count returns how many persons may decide.
func (a *Approvers) Count() int {
	if a == nil {
		return 0
	}
	return len(a.byKID)
}

// Key makes a the source of the keys of approvals.
func (a *Approvers) Key(kid string) (Key, bool) {
	if a == nil {
		return Key{}, false
	}
	who, ok := a.byKID[kid]
	if !ok {
		return Key{}, false
	}
	end := time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)
	k := Key{KID: who.KID, Public: who.Public, Alg: AlgEdDSA, Purpose: PurposeApproval, NotAfter: end, Fresh: end, Owner: who.ID}
	k.RevokedAt = who.Until // no leeway: a day that the configuration names
	return k, true
}

// refusedApproval words why something is no approval.
func refusedApproval(r federation.Reason, where, format string, args ...any) error {
	return federation.Refuse(r, where, fmt.Sprintf(format, args...))
}

// PublicOf returns the public key of a person, see [PublicText]; "" for nobody.
func (a *Approvers) PublicOf(id string) string {
	if a == nil {
		return ""
	}
	for _, who := range a.byKID {
		if who.ID == id {
			return PublicText(who.Public)
		}
	}
	return ""
}
