package relay

import (
	"context"
	"fmt"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/policy"
	"github.com/entente-relay/entente/mapping"
	"github.com/entente-relay/entente/relay/feed"
	"github.com/entente-relay/entente/relay/store"
)

// List makes a plain block list of one kind from what this node holds. Every
// object is judged like one that goes to a peer: lists go to devices of many
// hands.
func (n *Node) List(ctx context.Context, kind string) ([]byte, error) {
	w, now := n.world.Load(), n.now()
	to := policy.NewRecipient(&w.Node, listAgreement(&w.Node))
	log := logReader{node: n, world: w}
	var in []feed.Entry
	var left []feed.Left
	for st, err := range n.index.Objects(ctx, store.Filter{Type: "indicator"}) {
		if err != nil {
			return nil, err
		}
		if n.index.Withdrawn(st.Issuer, [][32]byte{st.Digest})[0] {
			continue // at once: the index may not have applied it yet
		}
		if why, err := n.index.ErasedFor(st.Issuer, st.Digest); err != nil {
			return nil, err
		} else if why != "" {
			continue // the same
		}
		p, err := log.at(ctx, st.LogSeq)
		if err != nil {
			return nil, err
		}
		if p == nil || p.seq != st.LogSeq || p.verified == nil {
			return nil, fmt.Errorf("the log does not give entry %d again, so the list would not be whole", st.LogSeq)
		}
		for i, s := range p.subjects {
			if s.Digest() != st.Digest || p.items[i].Outcome != taken {
				continue
			}
			if why, err := n.over(w, p, i, now); err != nil || why != "" {
				if err != nil {
					return nil, err
				}
				continue
			}
			if r := w.listReason(s, w.Bundle.Decide(s, to, now)); r != "" {
				left = append(left, feed.Left{ID: st.ID, Reason: r})
				continue
			}
			in = append(in, feed.Entry{Object: s.Object()})
		}
	}
	return feed.Plain(kind, in, left, feed.Options{Node: n.id, Now: now})
}

// listAgreement are the terms under which block lists leave this node: only
// what TLP:CLEAR and GREEN allow.
func listAgreement(self *policy.Node) *policy.Agreement {
	a := policy.SampleAgreement(self.Country)
	a.ID, a.Node, a.Peer, a.Hypothetical = "block-lists", self.ID, "block-lists", false
	a.Ceiling = mapping.TLPGreen
	return a
}

// listReason says why an object stays out of block lists, "" if it may be in.
// PAP:AMBER and RED forbid blocking, which the attacker would notice.
func (w *World) listReason(s *policy.Subject, d policy.Decision) federation.Reason {
	switch d.Verdict() {
	case federation.Share, federation.Redact:
		if s.Handling().PAP >= mapping.PAPAmber {
			return federation.Purpose
		}
		return ""
	default:
		if rs := d.Reasons(); len(rs) > 0 {
			return rs[0].Reason
		}
		return federation.PolicyError
	}
}
