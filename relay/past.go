package relay

import (
	"context"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/relay/dashboard"
	"github.com/entente-relay/entente/relay/journal"
	"github.com/entente-relay/entente/relay/store"
)

// objectName is an object as a person names it: by STIX id, or by digest as the
// journal writes it or in hex. Exactly one is set.
type objectName struct {
	id     journal.ID
	digest journal.Digest
}

var stixID = regexp.MustCompile(`^[a-z0-9-]+--[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// IsObjectName reports whether a text names an object, by id or digest, rather
// than a file.
func IsObjectName(text string) bool {
	_, err := nameOf(text)
	return err == nil
}

func nameOf(text string) (o objectName, err error) {
	if stixID.MatchString(text) && len(text) <= 300 {
		return objectName{id: journal.ID(text)}, nil
	}
	if err := o.digest.UnmarshalText([]byte(text)); err == nil {
		return o, nil
	}
	if raw, err := hex.DecodeString(text); err == nil && len(raw) == len(o.digest) {
		copy(o.digest[:], raw)
		return o, nil
	}
	return objectName{}, federation.Refuse(federation.Malformed, fmt.Sprintf("object %q", text), "neither a STIX id (type--uuid) nor a digest (43 characters of base64url, or 64 of hex)")
}

func (o objectName) key() store.Key {
	if o.id != "" {
		return store.KeyOf(string(o.id))
	}
	return store.KeyOfDigest(o.digest)
}

func (o objectName) is(id journal.ID, d journal.Digest) bool {
	return o.id != "" && o.id == id || o.id == "" && o.digest == d
}

func (o objectName) String() string {
	if o.id != "" {
		return string(o.id)
	}
	return digestText(o.digest)
}

// followed waits until the journal tells what the log has by now, and the index
// has read both.
func (n *Node) followed(ctx context.Context) error {
	state, err := n.log.State(ctx)
	if err != nil {
		return err
	}
	if err := n.awaitIndex(ctx, state.Last, 0); err != nil {
		return err
	}
	return n.awaitIndex(ctx, 0, n.journal.Head().Seq)
}

// about returns the journal records about a peer ("" for any) that name one of
// the keys, in journal order, by way of the index.
func (n *Node) about(ctx context.Context, peer string, keys ...store.Key) ([]*journal.Record, error) {
	seqs, err := n.index.Mentions(ctx, peer, keys...)
	if err != nil {
		return nil, err
	}
	return n.records(ctx, seqs)
}

// records reads journal records. Those that lie next to each other are read
// together; one that is no longer kept is left out.
func (n *Node) records(ctx context.Context, seqs []uint64) ([]*journal.Record, error) {
	log := n.journalLog()
	var out []*journal.Record
	for len(seqs) > 0 {
		k := 1
		for k < len(seqs) && k < 256 && seqs[k] == seqs[0]+uint64(k) {
			k++
		}
		got, err := log.Read(ctx, seqs[0], k)
		if err != nil {
			return nil, err
		}
		for _, s := range got {
			if _, wanted := slices.BinarySearch(seqs[:k], s.Seq); !wanted {
				continue
			}
			r, err := journal.Decode(s.Data)
			if err != nil {
				return nil, fmt.Errorf("journal record %d: %w", s.Seq, err)
			}
			r.Seq = s.Seq
			out = append(out, r)
		}
		if len(got) > 0 && len(got) < k { // a page was full
			next, _ := slices.BinarySearch(seqs, got[len(got)-1].Seq+1)
			k = next
		}
		seqs = seqs[k:]
	}
	return out, nil
}

// receiptFor finds what a peer signed about one message of a frame, nil if it
// signed nothing.
func (n *Node) receiptFor(ctx context.Context, peer, root string, link uint64) (*dashboard.Receipt, error) {
	if root == "" || link == 0 {
		return nil, nil
	}
	records, err := n.about(ctx, peer, store.KeyOf(root))
	if err != nil {
		return nil, err
	}
	for _, r := range records {
		if r.Receipt == nil || string(r.Receipt.Root) != root || string(r.Receipt.Peer) != peer {
			continue
		}
		for _, o := range r.Receipt.Outcomes {
			if o.Seq == link {
				return &dashboard.Receipt{Journal: r.Seq, At: r.At, Stored: o.Stored, Duplicate: o.Duplicate, Held: o.Held, Refused: o.Refused, Reason: string(o.Reason)}, nil
			}
		}
	}
	return nil, nil
}

// release says how an object of a frame left, short of the receipt.
func release(s *journal.Sent, m *journal.SentMessage, o *journal.SentObject) dashboard.Release {
	r := dashboard.Release{Log: m.Log, Purpose: texts(s.Purpose)}
	if m.Link == 0 || o.Verdict != federation.Share && o.Verdict != federation.Redact {
		return r
	}
	r.Root, r.Link = string(s.Root), m.Link
	for _, g := range o.Grounds {
		g := s.Grounds[g]
		r.Grounds = append(r.Grounds, dashboard.Ground{Rule: string(g.Rule), Basis: string(g.Basis), Claims: string(g.Claims)})
	}
	return r
}

func texts[T ~string](in []T) []string {
	var out []string
	for _, s := range in {
		out = append(out, string(s))
	}
	return out
}

func removedPaths(o *journal.SentObject) []string {
	out := []string{}
	for _, r := range o.Removed {
		out = append(out, string(r.Path))
	}
	return out
}

// WhoGot returns every recorded sending of an object, by its id or digest.
func (n *Node) WhoGot(ctx context.Context, object string) (dashboard.GotBy, error) {
	out := dashboard.GotBy{Asked: object, Peers: []string{}, Sent: []dashboard.Sending{}}
	name, err := nameOf(object)
	if err != nil {
		return out, err
	}
	if err := n.followed(ctx); err != nil {
		return out, err
	}
	records, err := n.about(ctx, "", name.key())
	if err != nil {
		return out, err
	}
	if len(records) == 0 {
		return out, federation.Refuse(federation.UnresolvedReference, "object "+name.String(), "the journal names no such object")
	}
	for _, r := range records {
		if r.Sent == nil {
			continue
		}
		for i := range r.Sent.Messages {
			m := &r.Sent.Messages[i]
			for j := range m.Objects {
				o := &m.Objects[j]
				if !name.is(o.ID, o.Digest) || m.Link == 0 || o.Verdict != federation.Share && o.Verdict != federation.Redact {
					continue
				}
				s := dashboard.Sending{Peer: string(r.Sent.Peer), At: r.At, Journal: r.Seq, ID: string(o.ID), Issuer: string(m.Issuer), Digest: digestText(o.Digest),
					Verdict: string(o.Verdict), Removed: removedPaths(o), Marking: dashboard.Marking{From: string(o.From), To: string(o.To)},
					Policy: string(r.Sent.Policy), Release: release(r.Sent, m, o)}
				if s.Receipt, err = n.receiptFor(ctx, s.Peer, s.Root, s.Link); err != nil {
					return out, err
				}
				if s.Withdrawn, err = n.takenBack(ctx, s.Peer, o.Digest); err != nil {
					return out, err
				}
				out.Sent = append(out.Sent, s)
				if !slices.Contains(out.Peers, s.Peer) {
					out.Peers = append(out.Peers, s.Peer)
				}
			}
		}
	}
	slices.Sort(out.Peers)
	return out, nil
}

// takenBack finds how an object was taken back from a peer, nil if it was not:
// what says most, and of that the last.
func (n *Node) takenBack(ctx context.Context, peer string, d journal.Digest) (*dashboard.TakenBack, error) {
	records, err := n.about(ctx, peer, store.KeyOfDigest(d))
	if err != nil {
		return nil, err
	}
	var out *dashboard.TakenBack
	for _, r := range records {
		if r.Sent == nil {
			continue
		}
		for _, m := range r.Sent.Messages {
			i := slices.IndexFunc(m.Gone, func(g journal.Gone) bool { return g.Digest == d })
			if i < 0 || m.Link == 0 || out != nil && store.Outranks(out.For, string(m.Gone[i].For)) {
				continue
			}
			out = &dashboard.TakenBack{For: string(m.Gone[i].For), At: r.At, Journal: r.Seq, State: "sent"}
			rc, err := n.receiptFor(ctx, peer, string(r.Sent.Root), m.Link)
			switch {
			case err != nil:
				return nil, err
			case rc != nil && rc.Held+rc.Refused > 0:
				out.State, out.Reason = "not taken", rc.Reason
			case rc != nil:
				out.State = "acknowledged"
			}
		}
	}
	return out, nil
}
