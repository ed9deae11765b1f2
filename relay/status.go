package relay

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/relay/bus"
	"github.com/entente-relay/entente/relay/dashboard"
	"github.com/entente-relay/entente/relay/store"
)

// Status is one screen about the node. Its counts are those of the index,
// which follows the log by moments; LogLast and Indexed say by how much.
func (n *Node) Status(ctx context.Context) (dashboard.Status, error) {
	w := n.world.Load()
	counts, err := n.index.Counts(ctx)
	if err != nil {
		return dashboard.Status{}, err
	}
	state, err := n.log.State(ctx)
	if err != nil {
		return dashboard.Status{}, err
	}
	st := dashboard.Status{Node: n.id, Country: w.Node.Country, Version: n.opt.Version, Started: n.started, Now: n.now(),
		LogLast: state.Last, Indexed: counts.Log, Policy: w.Bundle.Digest(), Exercise: w.Node.Accreditation.Exercise, Warnings: n.warnings(w)}
	if err := counts.Check(); err != nil {
		st.Warnings = append(st.Warnings, "the counts do not add up: "+err.Error())
	}
	for _, in := range counts.In {
		addObjects(&st.Objects, in)
	}
	links := map[string]bus.LinkState{}
	for _, l := range n.bus.Links() {
		links[l.Peer] = l
	}
	proofs, err := n.index.Proofs(ctx)
	if err != nil {
		return dashboard.Status{}, err
	}
	for _, p := range proofs {
		if st.Equivocations.By == nil {
			st.Equivocations.By = map[string]int{}
		}
		st.Equivocations.Proved++
		st.Equivocations.By[p.Signer]++
	}
	unreached, err := n.unreached(ctx, counts)
	if err != nil {
		return dashboard.Status{}, err
	}
	for _, p := range w.Peers {
		if p.Statement != nil {
			ps := n.peerStatus(p, links[p.Agreement.Peer], counts, state.Last)
			ps.Out.Withdrawals.Outstanding = unreached[ps.ID]
			st.Peers = append(st.Peers, ps)
		}
	}
	st.Warnings = append(st.Warnings, n.unreachable(unreached)...)
	groups, err := n.index.HeldGroups(ctx)
	if err != nil {
		return dashboard.Status{}, err
	}
	st.Waiting = w.heldStatus(groups, st.Now)
	if text := w.heldWarning(st.Waiting); text != "" {
		st.Warnings = append(st.Warnings, text)
	}
	return st, nil
}

func addObjects(o *dashboard.Objects, in store.In) {
	o.Seen += in.Received
	o.Taken += in.Taken
	o.Duplicate += in.Duplicate
	o.Held += in.Held
	o.Refused += in.Refused
	o.Variants += in.Variants
	if o.Reasons == nil {
		o.Reasons = map[string]uint64{}
	}
	addReasons(o.Reasons, in.HeldFor)
	addReasons(o.Reasons, in.RefusedFor)
}

func addReasons(into map[string]uint64, from map[federation.Reason]uint64) {
	for r, c := range from {
		into[string(r)] += c
	}
}

// peerStatus gathers what is known about one link.
func (n *Node) peerStatus(peer *Peer, l bus.LinkState, counts store.Counts, logLast uint64) dashboard.Peer {
	id := peer.Agreement.Peer
	at := n.lane(id).pos.Load()
	p := dashboard.Peer{ID: id, Link: "down", Since: l.Since, Violations: n.violationsOf(id)}
	switch {
	case peer.Paused != nil:
		p.Link, p.Since, p.State = "paused", peer.Paused.Since, "since "+peer.Paused.Since.Format(time.RFC3339)
		if peer.Paused.Reason != "" {
			p.State += ": " + peer.Paused.Reason
		}
	case l.Up:
		p.Link = "up"
	}
	n.mu.Lock()
	pull, silent, flow := n.pullers[id], n.watched[id], n.flows[id]
	n.mu.Unlock()
	if flow.flow != flows {
		p.Flow, p.FlowWhy, p.FlowSince = string(flow.flow), flow.why, flow.at
	}
	if pull != nil && peer.Paused == nil {
		s := pull.puller.Status()
		p.LastPull, p.State = s.LastGood, string(s.Phase)
		if s.Err != nil {
			p.State += ": " + s.Err.Error()
		}
		if silent.kicks > 0 {
			p.State = fmt.Sprintf("stalled since %s, made anew %d times: %s", silent.silence.UTC().Format(time.RFC3339), silent.kicks, p.State)
		}
	}
	for _, o := range counts.Out {
		if o.Peer != id {
			continue
		}
		at = max(at, o.LogSeq)
		p.Out = dashboard.Out{Judged: o.Judged, Sent: o.Sent, Redacted: o.Redacted, Withheld: o.Withheld, Held: o.Held,
			Acknowledged: o.Acknowledged, InFlight: o.InFlight, Reasons: map[string]uint64{}, Withdrawals: dashboard.Withdrawals{Sent: o.Withdrawals.Sent,
				Acknowledged: o.Withdrawals.Acknowledged, NotTaken: o.Withdrawals.NotTaken, InFlight: o.Withdrawals.InFlight}}
		addReasons(p.Out.Reasons, o.WithheldFor)
		addReasons(p.Out.Reasons, o.HeldFor)
	}
	p.Backlog = logLast - min(logLast, at)
	for _, in := range counts.In {
		if in.Source == id {
			p.In = dashboard.In{Received: in.Received, Stored: in.Taken, Duplicate: in.Duplicate, Held: in.Held, Refused: in.Refused, Withdrawn: in.Withdrawn}
		}
	}
	return p
}

// warnings are what an operator should know without asking.
func (n *Node) warnings(w *World) []string {
	var out []string
	n.mu.Lock()
	fault, unsigned := n.fault, n.unsigned
	for peer, count := range n.differing {
		out = append(out, fmt.Sprintf("%s mapped the marking of %d objects otherwise than this node does: compare the tables", peer, count))
	}
	n.mu.Unlock()
	slices.Sort(out)
	if err := n.space(wantsLog); err != nil {
		out = append(out, err.Error())
	}
	if fault != nil {
		out = append(out, "the index does not follow the log: "+fault.Error())
	}
	if unsigned != nil {
		out = append(out, "the end of the journal was not signed: "+unsigned.Error())
	}
	if w.Node.Accreditation.Exercise {
		out = append(out, "the accreditation is a SAMPLE for an EXERCISE: nothing classified may be here")
	}
	if left := w.Own.Expires.Sub(n.now()); left < statementWarning {
		out = append(out, fmt.Sprintf("this node's statement lapses on %s: peers will hold what it signs afterwards", w.Own.Expires.Format("2006-01-02")))
	}
	out = append(out, w.Acts.Unusable...)
	out = append(out, w.decisions.Unusable...)
	for _, p := range w.Peers {
		if p.Observed != nil && p.Observed.Over(n.now()) {
			id := p.Agreement.Peer
			out = append(out, fmt.Sprintf("%s was to be observed until %s: `entente peer observe %s` tells what it would have got, `entente peer resume %s` begins to send", id, p.Observed.Until.Format("2006-01-02"), id, id))
		}
		if !p.Agreement.Until.IsZero() && p.Agreement.Until.Sub(n.now()) < statementWarning {
			out = append(out, fmt.Sprintf("the agreement with %s ends on %s", p.Agreement.Peer, p.Agreement.Until.Format("2006-01-02")))
		}
	}
	return out
}

// mappingDiffers notes that a peer maps a marking otherwise than this node.
func (n *Node) mappingDiffers(peer, object, theirs, ours string) {
	n.slog.Warn("the sender maps a marking otherwise than this node does: compare the tables", "peer", peer, "object", object, "theirs", theirs, "ours", ours)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.differing[peer]++
}
