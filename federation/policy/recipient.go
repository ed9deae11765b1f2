package policy

import (
	"crypto/sha256"
	"encoding/json"
	"slices"
	"strings"
)

// Recipient is a peer as one node sees it: its agreement's facts, computed
// once per peer and reload.
type Recipient struct {
	self      Node
	agreement Agreement
	agreed    bool
	site      bool // the node's own place, for store and transit
	encKeys   []string
	key       [32]byte
	common    [32]byte // of all recipients like it: see Audience; zero for none

	exceptions []Exception // not in key: see Bundle.except
}

// NewRecipient returns the recipient that self sends to under a. With a nil
// agreement every decision is "no agreement"; use [Stranger] to name the peer.
func NewRecipient(self *Node, a *Agreement) *Recipient {
	r := &Recipient{self: self.clone()}
	if a != nil {
		r.agreement, r.agreed = a.clone(), true
	}
	r.seal()
	return r
}

// Stranger returns a recipient without an agreement, so that a refusal can
// name it.
func Stranger(self *Node, peer string) *Recipient {
	r := &Recipient{self: self.clone(), agreement: Agreement{Peer: peer}}
	r.seal()
	return r
}

// siteOf returns a node's own place as a recipient.
func siteOf(n *Node) *Recipient {
	r := &Recipient{self: n.clone(), agreement: Agreement{Peer: n.ID}, site: true}
	r.seal()
	return r
}

// siteOf is the function of that name, but for a node that is as it was when it
// was asked for last: that is always the same one, and sealing it costs more than
// all else about a decision that is known.
func (b *Bundle) siteOf(n *Node) *Recipient {
	if r := b.site.Load(); r != nil && r.self.same(n) {
		return r
	}
	r := siteOf(n)
	b.site.Store(r)
	return r
}

// WithEncKeys returns the recipient with the ids of its encryption keys: what an
// origin sealed goes to it only where one of them is named.
func (r *Recipient) WithEncKeys(kids []string) *Recipient {
	t := *r
	t.encKeys = slices.Clone(kids)
	t.seal()
	return &t
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
		Site      bool
		EncKeys   []string
	}{r.self, r.agreement, r.agreed, r.site, r.encKeys})
	if err != nil {
		// Only a time outside the years 0 to 9999 fails here. Such terms are
		// none: the recipient becomes a stranger, with a stranger's key.
		r.agreed, r.agreement = false, Agreement{Peer: r.agreement.Peer}
		all = []byte("terms without a key of " + r.agreement.Peer + " for " + r.self.ID)
	}
	r.key, r.common = sha256.Sum256(all), [32]byte{}
	if err != nil || r.site || strings.ToLower(r.agreement.Peer) != r.agreement.Peer {
		return
	}
	// Encryption keys are not in it: what is sealed is nobody's in common.
	all, err = json.Marshal(struct {
		Self      Node
		Agreement Agreement
		Agreed    bool
	}{r.self, r.agreement.faceless(), r.agreed})
	if err == nil {
		r.common = sha256.Sum256(all)
	}
}
