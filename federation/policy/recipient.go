package policy

import (
	"crypto/sha256"
	"encoding/json"
	"slices"
)

// Recipient is a peer as one node sees it: its agreement's facts, computed
// once per peer and reload.
type Recipient struct {
	self      Node
	agreement Agreement
	agreed    bool
	key       [32]byte
}

// NewRecipient returns the recipient that self sends to under a. With a nil
// agreement every decision is "no agreement"; use [Stranger] to name the peer.
func NewRecipient(self *Node, a *Agreement) *Recipient {
	r := &Recipient{self: *self}
	r.self.Storage = slices.Clone(self.Storage)
	if a != nil {
		r.agreement, r.agreed = *a, true
	}
	r.seal()
	return r
}

// Stranger returns a recipient without an agreement, so that a refusal can
// name it.
func Stranger(self *Node, peer string) *Recipient {
	r := &Recipient{self: *self, agreement: Agreement{Peer: peer}}
	r.seal()
	return r
}

// Peer returns the recipient's participant id.
func (r *Recipient) Peer() string { return r.agreement.Peer }

// seal computes the cache key from every field that a decision can depend on.
// Encoding the whole structs leaves no field out, whatever is added later.
func (r *Recipient) seal() {
	all, err := json.Marshal(struct {
		Self      Node
		Agreement Agreement
		Agreed    bool
	}{r.self, r.agreement, r.agreed})
	if err != nil {
		// Only a time outside the years 0 to 9999 can fail here; the raw
		// bytes of nothing are then a key that no other recipient shares,
		// and the facts of such a recipient deny (see peerFacts).
		r.agreed = false
	}
	r.key = sha256.Sum256(all)
}
