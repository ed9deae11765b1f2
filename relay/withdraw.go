package relay

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/directory"
	"github.com/entente-relay/entente/federation/envelope"
	"github.com/entente-relay/entente/relay/dashboard"
	"github.com/entente-relay/entente/relay/store"
)

// Withdraw takes back every version of this node's own objects with these ids
// that still stands, for a reason ("withdrawn" or "spill"). It returns after the
// synced commit. If one of the ids cannot be withdrawn, nothing is.
func (n *Node) Withdraw(ctx context.Context, ids []string, reason string) ([]dashboard.Withdrawal, error) {
	return n.WithdrawFor(ctx, "", ids, reason)
}

// WithdrawFor does the same with the objects of another participant, whose
// delegate this node is. Owner is "" for this node itself.
func (n *Node) WithdrawFor(ctx context.Context, owner string, ids []string, reason string) ([]dashboard.Withdrawal, error) {
	if owner == n.id {
		owner = ""
	}
	if reason != envelope.GoneWithdrawn && reason != envelope.GoneSpill {
		return nil, &federation.Refusal{Reason: federation.Unsupported, Where: "withdraw", Detail: fmt.Sprintf("reason %q", reason),
			Hint: "use withdrawn or spill; superseded comes by itself with a newer version"}
	}
	state, err := n.log.State(ctx)
	if err != nil {
		return nil, err
	}
	if err := n.awaitIndex(ctx, state.Last, 0); err != nil {
		return nil, err
	}
	var all []envelope.Gone
	for _, id := range ids {
		gone, err := n.standing(ctx, owner, id, reason)
		if err != nil {
			return nil, err
		}
		all = append(all, gone...)
	}
	var out []dashboard.Withdrawal
	for gone := range slices.Chunk(all, maxJobEntries) {
		res, err := takenBack{}.commit(ctx, n.committer, n.world.Load(), n.keys, n.now(), owner, func(*view) ([]*entry, []envelope.Gone, error) { return nil, gone, nil })
		if err != nil {
			return nil, err
		}
		if err := n.awaitIndex(ctx, res.seqs[len(res.seqs)-1], 0); err != nil {
			return nil, err
		}
		ws, err := n.index.Withdrawals(ctx, res.seqs[0]-1, 0)
		if err != nil {
			return nil, err
		}
		for _, w := range ws {
			if !slices.Contains(res.seqs, w.LogSeq) {
				continue
			}
			shown, err := n.showWithdrawal(ctx, w)
			if err != nil {
				return nil, err
			}
			out = append(out, shown)
		}
	}
	return out, nil
}

// standing lists the versions of an own object, or one of owner's, that a
// withdrawal for reason would change.
func (n *Node) standing(ctx context.Context, owner, id, reason string) ([]envelope.Gone, error) {
	owner = cmp.Or(owner, n.id)
	typ, _, _ := strings.Cut(id, "--")
	if err := n.world.Load().Directory.MayAct(owner, n.id, directory.ActWithdraw, id, typ, n.now()); err != nil {
		return nil, err
	}
	var out []envelope.Gone
	others, known := map[string]bool{}, false
	for o, err := range n.index.Objects(ctx, store.Filter{ID: id}) {
		switch {
		case err != nil:
			return nil, err
		case o.Issuer != owner:
			others[o.Issuer] = true
			continue
		}
		known = true
		if o.Withdrawal == nil || store.Outranks(reason, o.Withdrawal.Reason) {
			out = append(out, envelope.Gone{Digest: o.Digest, Reason: reason})
		}
	}
	switch {
	case known && len(out) == 0:
		return nil, &federation.Refusal{Reason: federation.Duplicate, Where: id, Detail: "it is withdrawn already", Hint: "`entente withdraw --status` shows whom that has reached"}
	case known && strings.HasPrefix(id, "marking-definition--"):
		return nil, &federation.Refusal{Reason: federation.Unsupported, Where: id, Detail: "others are marked with it", Hint: "withdraw the objects that it marks"}
	case known:
		return out, nil
	case len(others) > 0:
		return nil, federation.Refuse(federation.NotOwner, id, "it is an object of "+joined(others))
	}
	return nil, &federation.Refusal{Reason: federation.UnresolvedReference, Where: id, Detail: "no such object was published here"}
}

func joined(set map[string]bool) string {
	var out []string
	for s := range set {
		out = append(out, s)
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

// withdrawalsShown bounds one answer.
const withdrawalsShown = 1000

// Withdrawals lists what was taken back and whom that has reached: of one
// object, of the objects of one log entry, or all of the newest.
func (n *Node) Withdrawals(ctx context.Context, id string, seq uint64) ([]dashboard.Withdrawal, error) {
	var ws []store.Withdrawal
	var err error
	switch {
	case seq != 0:
		ws, err = n.withdrawnAt(ctx, seq)
	case id == "":
		ws, err = n.index.Withdrawals(ctx, 0, 0)
		ws = ws[max(0, len(ws)-withdrawalsShown):]
	default:
		for o, oerr := range n.index.Objects(ctx, store.Filter{ID: id}) {
			if err = oerr; err != nil {
				break
			}
			if o.Withdrawal != nil {
				ws = append(ws, *o.Withdrawal)
			}
		}
	}
	if err != nil {
		return nil, err
	}
	out := make([]dashboard.Withdrawal, 0, len(ws))
	for _, w := range ws {
		shown, err := n.showWithdrawal(ctx, w)
		if err != nil {
			return nil, err
		}
		out = append(out, shown)
	}
	return out, nil
}

// withdrawnAt lists what was taken back of the objects of one log entry.
func (n *Node) withdrawnAt(ctx context.Context, seq uint64) ([]store.Withdrawal, error) {
	st, ok, err := n.stored(ctx, seq)
	if err != nil || !ok {
		return nil, err
	}
	e, err := decodeEntry(st.Data)
	if err != nil {
		return nil, fmt.Errorf("log sequence %d: %w", seq, err)
	}
	var out []store.Withdrawal
	for _, it := range e.Items {
		if it.Outcome != taken {
			continue
		}
		w, ok, err := n.index.Withdrawal(it.Issuer, it.Digest)
		if err != nil {
			return nil, err
		}
		if ok {
			out = append(out, w)
		}
	}
	return out, nil
}

// showWithdrawal gathers who got an object and who was told that it is gone.
func (n *Node) showWithdrawal(ctx context.Context, w store.Withdrawal) (dashboard.Withdrawal, error) {
	text, _ := digest(w.Digest).MarshalText() // never fails
	out := dashboard.Withdrawal{Issuer: w.Issuer, Digest: string(text), Reason: w.Reason, By: w.By, At: w.At, Seq: w.LogSeq}
	var err error
	if out.ID, out.Version, _, err = n.index.Named(ctx, w.Issuer, w.Digest); err != nil {
		return out, err
	}
	got, err := n.index.Recipients(ctx, w.Issuer, w.Digest)
	if err != nil {
		return out, err
	}
	told, err := n.index.Told(ctx, w)
	if err != nil {
		return out, err
	}
	for _, r := range got {
		if slices.ContainsFunc(out.Recipients, func(x dashboard.Reached) bool { return x.Peer == r.Peer }) {
			continue
		}
		out.Recipients = append(out.Recipients, n.reached(r.Peer, w.At, told))
	}
	return out, nil
}

// reached says how far a withdrawal has come with one recipient of the object.
func (n *Node) reached(peer string, since time.Time, told []store.Recipient) dashboard.Reached {
	out := dashboard.Reached{Peer: peer, State: "outstanding", Since: since, Link: n.reach(peer)}
	for _, r := range told {
		switch {
		case r.Peer != peer:
		case r.Acknowledged && r.Stored+r.Duplicate > 0 && r.Held+r.Refused == 0:
			return dashboard.Reached{Peer: peer, State: "acknowledged", Since: r.AcknowledgedAt, Link: out.Link}
		case r.Acknowledged:
			out.State, out.Since, out.Reason = "not taken", r.AcknowledgedAt, string(r.Reason)
		case !r.Replaced && out.State != "not taken":
			out.State, out.Since = "sent", r.At
		}
	}
	return out
}

// reach says whether a peer can be told anything now.
func (n *Node) reach(peer string) string {
	w := n.world.Load()
	i := slices.IndexFunc(w.Peers, func(p *Peer) bool { return p.Agreement.Peer == peer })
	switch {
	case i < 0:
		return "removed"
	case w.Peers[i].Paused != nil:
		return "paused"
	}
	for _, l := range n.bus.Links() {
		if l.Peer == peer && l.Up {
			return "up"
		}
	}
	return "down"
}

// unsentLooked bounds how many withdrawals a status looks at that a peer's
// frames have not come to: behind so many, it says how many there are at least.
const unsentLooked = 200

// unreached counts, by peer, the withdrawals of what it got that it has not yet
// obeyed: not sent, sent without a receipt, or not taken there.
func (n *Node) unreached(ctx context.Context, counts store.Counts) (map[string]uint64, error) {
	out := map[string]uint64{}
	for _, o := range counts.Out {
		out[o.Peer] = o.Withdrawals.InFlight + o.Withdrawals.NotTaken
		ws, err := n.index.Withdrawals(ctx, max(o.LogSeq, n.lane(o.Peer).pos.Load()), unsentLooked)
		if err != nil {
			return nil, err
		}
		for _, w := range ws {
			got, err := n.index.Recipients(ctx, w.Issuer, w.Digest)
			if err != nil {
				return nil, err
			}
			told, err := n.index.Told(ctx, w)
			if err != nil {
				return nil, err
			}
			to := func(r store.Recipient) bool { return r.Peer == o.Peer }
			if slices.ContainsFunc(got, to) && !slices.ContainsFunc(told, to) {
				out[o.Peer]++
			}
		}
	}
	return out, nil
}

// unreachable warns of withdrawals that peers have not obeyed and that will not
// reach them by themselves.
func (n *Node) unreachable(counts map[string]uint64) []string {
	var out []string
	for peer, count := range counts {
		if count == 0 {
			continue
		}
		switch n.reach(peer) {
		case "removed":
			out = append(out, fmt.Sprintf("%d withdrawals cannot reach %s, which is no peer any more: tell it by another way", count, peer))
		case "paused":
			out = append(out, fmt.Sprintf("%d withdrawals wait for %s, which is paused", count, peer))
		}
	}
	slices.Sort(out)
	return out
}
