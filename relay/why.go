package relay

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/policy"
	"github.com/entente-relay/entente/relay/dashboard"
	"github.com/entente-relay/entente/relay/journal"
)

// Why says what was decided on an object, by its id or digest, for a recipient
// up to a moment: as the journal has it. Where nothing was, and the object is
// here, it is decided as for that moment with the policy and terms of now, and
// the answer says so.
func (n *Node) Why(ctx context.Context, object, to string, at time.Time) (dashboard.Why, error) {
	w := n.world.Load()
	out := dashboard.Why{To: to, At: at, Policy: w.Bundle.Digest(), Objects: []dashboard.WhyObject{}}
	name, err := nameOf(object)
	if err != nil {
		return out, err
	}
	if err := n.followed(ctx); err != nil {
		return out, err
	}
	r, ex, unknown := w.explained(to)
	if unknown == nil {
		out.To, out.Country, out.Hypothetical = ex.To, ex.Country, ex.Hypothetical
	}
	if out.Objects, err = n.decidedBefore(ctx, name, out.To, at); err != nil || len(out.Objects) > 0 {
		return out, err
	}
	if unknown != nil { // nor was it ever a peer for which something was decided
		return out, federation.Refuse(federation.NoAgreement, "recipient "+to, unknown.Error())
	}
	if out.Objects, err = n.whatIf(ctx, w, name, r, out.To, at); err != nil || len(out.Objects) > 0 {
		return out, err
	}
	if out.Objects, err = n.keptOut(ctx, name, out.To, at); err != nil || len(out.Objects) > 0 {
		return out, err
	}
	return out, federation.Refuse(federation.UnresolvedReference, "object "+name.String(), "it is not here, and the journal has nothing about it up to then")
}

// decidedBefore finds the last decision on each content of an object for a peer.
func (n *Node) decidedBefore(ctx context.Context, name objectName, to string, at time.Time) ([]dashboard.WhyObject, error) {
	records, err := n.about(ctx, to, name.key())
	if err != nil {
		return nil, err
	}
	var out []dashboard.WhyObject
	seen := map[journal.Digest]int{} // place in out
	for _, r := range slices.Backward(records) {
		if r.Sent == nil || string(r.Sent.Peer) != to || r.At.After(at) {
			continue
		}
		for i := range r.Sent.Messages {
			m := &r.Sent.Messages[i]
			for j := range m.Objects {
				o := &m.Objects[j]
				if !name.is(o.ID, o.Digest) {
					continue
				}
				if k, ok := seen[o.Digest]; ok {
					out[k].Earlier++
					continue
				}
				seen[o.Digest] = len(out)
				x, err := n.recorded(ctx, r, m, o, at)
				if err != nil {
					return nil, err
				}
				out = append(out, x)
			}
		}
	}
	return out, nil
}

// recorded words one decision of the journal, as it stood at a moment.
func (n *Node) recorded(ctx context.Context, r *journal.Record, m *journal.SentMessage, o *journal.SentObject, at time.Time) (dashboard.WhyObject, error) {
	peer := string(r.Sent.Peer)
	x := dashboard.WhyObject{ID: string(o.ID), Verdict: string(o.Verdict), Removed: removedPaths(o), Marking: dashboard.Marking{From: string(o.From), To: string(o.To)},
		Reasons: []dashboard.WhyReason{}, Issuer: string(m.Issuer), Digest: digestText(o.Digest), Recorded: true, When: r.At, Journal: r.Seq,
		Policy: string(r.Sent.Policy), Release: release(r.Sent, m, o)}
	basis := map[journal.Token]journal.Label{}
	for _, c := range o.Cited {
		basis[c.Rule] = c.Basis
		x.Reasons = append(x.Reasons, dashboard.WhyReason{Reason: string(c.Reason), Rule: string(c.Rule), Basis: string(c.Basis), Text: c.Reason.Meaning()})
	}
	for _, p := range o.Removed {
		x.Reasons = append(x.Reasons, dashboard.WhyReason{Reason: string(p.Reason), Rule: string(p.Rule), Basis: string(basis[p.Rule]), Text: p.Reason.Meaning(), Path: string(p.Path)})
	}
	x.Missing = missing(x.Reasons, peer)
	var err error
	if x.Path, err = n.pathOf(ctx, m.Log); err != nil {
		return x, err
	}
	if x.Link != 0 {
		x.Path = append(x.Path, peer)
	}
	if x.Receipt, err = n.receiptFor(ctx, peer, x.Root, x.Link); err != nil || x.Link == 0 {
		return x, err
	}
	back, err := n.takenBack(ctx, peer, o.Digest)
	if back != nil && !back.At.After(at) {
		x.Withdrawn = back
	}
	return x, err
}

// pathOf is the way by which a log entry came, this node last; nil when the
// entry is no longer kept.
func (n *Node) pathOf(ctx context.Context, log uint64) ([]string, error) {
	p, err := n.entryAt(ctx, n.world.Load(), log)
	if err != nil || p == nil || p.verified == nil {
		return nil, err
	}
	return p.path(n.id), nil
}

// path is who signed the message, each relay, and this node.
func (p *prepared) path(self string) []string {
	out := []string{p.verified.Issuer()}
	for _, h := range p.verified.Hops() {
		out = append(out, h.Aud)
	}
	if out[len(out)-1] != self {
		out = append(out, self)
	}
	return out
}

// missing says what would have let an object go, in the order of the reasons.
func missing(reasons []dashboard.WhyReason, to string) []string {
	var out []string
	for _, r := range reasons {
		text, ok := missingFor[federation.Reason(r.Reason)]
		if !ok {
			continue
		}
		if text = fmt.Sprintf(text, to); !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	return out
}

// missingFor words, by reason, what a person can bring about: a consent, an
// agreement, a review. What nobody can is not in it.
var missingFor = map[federation.Reason]string{
	federation.NoAgreement:         "an agreement with %s that is in force",
	federation.NotReleasable:       "the originator's consent to release it to %s",
	federation.OverCeiling:         "a ceiling in the agreement with %s that reaches up to the marking",
	federation.TLPAudience:         "a place for %s in the audience that the marking allows",
	federation.NotAccredited:       "an accreditation of %s for the level",
	federation.NoEquivalent:        "a level at %s that protects as well, by a table that was accepted",
	federation.Residency:           "an agreement by which %s keeps and carries the data only where it may lie",
	federation.PersonalData:        "a permission, reviewed, that lets personal data go to %s",
	federation.Purpose:             "a purpose in the agreement with %s that the data may be used for",
	federation.Contract:            "a contract that lets the data go to %s",
	federation.HeldForPerson:       "a decision by a person that it goes to %s",
	federation.UnresolvedReference: "what it refers to, so that it can be judged for %s",
}

// whatIf decides now on what is here of an object.
func (n *Node) whatIf(ctx context.Context, w *World, name objectName, r *policy.Recipient, to string, at time.Time) ([]dashboard.WhyObject, error) {
	places, err := n.entriesOf(ctx, name)
	if err != nil {
		return nil, err
	}
	var out []dashboard.WhyObject
	for _, seq := range places {
		p, err := n.entryAt(ctx, w, seq)
		if err != nil {
			return nil, err
		}
		if p == nil || p.verified == nil {
			continue
		}
		ds, err := newReach(ctx, n, w, r, to, at).judge(p)
		if err != nil {
			return nil, err
		}
		for i, s := range p.subjects {
			if name.is(journal.ID(s.Object().ID()), s.Digest()) {
				out = append(out, wouldBe(p, ds[i], s, n.id, to))
			}
		}
	}
	return out, nil
}

// wouldBe words a decision that was made just now.
func wouldBe(p *prepared, d policy.Decision, s *policy.Subject, self, to string) dashboard.WhyObject {
	e := explainDecision(s.Object().ID(), d)
	x := dashboard.WhyObject{ID: e.ID, Verdict: string(e.Verdict), Removed: e.Removed, Marking: dashboard.Marking(e.Marking), Reasons: []dashboard.WhyReason{},
		Issuer: p.verified.Owner(), Digest: digestText(s.Digest()), Path: p.path(self), Release: dashboard.Release{Log: p.seq}}
	for _, c := range e.Reasons {
		x.Reasons = append(x.Reasons, dashboard.WhyReason{Reason: string(c.Reason), Rule: c.Rule, Basis: c.Basis, Text: c.Text, Path: c.Path})
	}
	if p.passed(to) {
		x.Verdict, x.Removed = string(federation.Withhold), []string{}
		x.Reasons = append(x.Reasons, dashboard.WhyReason{Reason: string(federation.Loop), Text: "it came from " + to + " or through it, so it does not go back there"})
	}
	for _, c := range d.Allowed() {
		if e.Verdict == federation.Share || e.Verdict == federation.Redact {
			x.Grounds = append(x.Grounds, dashboard.Ground{Rule: c.Rule, Basis: c.Basis, Claims: c.Claims})
		}
	}
	x.Missing = missing(x.Reasons, to)
	return x
}

// entriesOf lists the log entries where what is here of an object stands.
func (n *Node) entriesOf(ctx context.Context, name objectName) ([]uint64, error) {
	var out []uint64
	if name.id != "" {
		places, err := n.index.Places("", string(name.id))
		for _, p := range places {
			if p.LogSeq != 0 {
				out = append(out, p.LogSeq)
			}
		}
		return out, err
	}
	for _, issuer := range n.index.Owners(name.digest) {
		ways, err := n.index.Routes(ctx, issuer, name.digest)
		if err != nil {
			return nil, err
		}
		if len(ways) > 0 {
			out = append(out, ways[0].LogSeq)
		}
	}
	return out, nil
}

// keptOut finds why an object never got in: what was held or refused at the way
// in goes to nobody.
func (n *Node) keptOut(ctx context.Context, name objectName, to string, at time.Time) ([]dashboard.WhyObject, error) {
	records, err := n.about(ctx, "", name.key())
	if err != nil {
		return nil, err
	}
	for _, r := range slices.Backward(records) {
		if r.Intake == nil || r.At.After(at) {
			continue
		}
		if x := erasedHere(r, name); x != nil {
			return []dashboard.WhyObject{*x}, nil
		}
		for _, o := range r.Intake.Objects {
			if !name.is(o.ID, o.Digest) || o.Outcome != journal.Held && o.Outcome != journal.Refused {
				continue
			}
			from := string(r.Intake.Source)
			if from == sourceSelf {
				from = "a producer of this node"
			}
			x := dashboard.WhyObject{ID: string(o.ID), Verdict: string(federation.Withhold), Removed: []string{}, Marking: dashboard.Marking{From: string(o.Marking)},
				Issuer: string(r.Intake.Issuer), Digest: digestText(o.Digest), Recorded: true, When: r.At, Journal: r.Seq, Release: dashboard.Release{Log: r.Intake.Log},
				Reasons: []dashboard.WhyReason{{Reason: string(o.Reason), Rule: string(o.Rule), Basis: string(o.Basis),
					Text: string(o.Outcome) + " at the way in, from " + from + ": " + o.Reason.Meaning()}}}
			if o.Outcome == journal.Held {
				x.Verdict = string(federation.Hold)
			}
			x.Missing = missing(x.Reasons, to)
			return []dashboard.WhyObject{x}, nil
		}
	}
	return nil, nil
}

// erasedHere says that a record tells of the erasure of an object, which its
// digest alone names; nil if it does not.
func erasedHere(r *journal.Record, name objectName) *dashboard.WhyObject {
	for _, e := range r.Intake.Erased {
		if !name.is("", e.Digest) {
			continue
		}
		return &dashboard.WhyObject{Verdict: string(federation.Withhold), Removed: []string{}, Issuer: string(e.Issuer), Digest: digestText(e.Digest), Recorded: true,
			When: r.At, Journal: r.Seq, Release: dashboard.Release{Log: e.Log},
			Reasons: []dashboard.WhyReason{{Reason: string(e.Reason), Text: "erased here: " + e.Reason.Meaning()}}}
	}
	return nil
}
