package relay

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/directory"
	"github.com/entente-relay/entente/relay/dashboard"
	"github.com/entente-relay/entente/relay/journal"
	"github.com/entente-relay/entente/relay/store"
)

// Propose words a decision that persons can sign: about the objects that wait
// now or, with an end date, about all that waits or will wait for the same
// cause, from the same source, for the same peer.
func (n *Node) Propose(ctx context.Context, p dashboard.Proposal) (dashboard.Proposed, error) {
	now := n.now().UTC().Truncate(time.Second)
	w := n.world.Load()
	d := &personDecision{Version: decisionVersion, ID: uuid.Must(uuid.NewV7()).String(), Node: n.id, Act: p.Act, Made: now, Until: p.Until.UTC(), Because: p.Because}
	var ended *takenDecision
	count := 0
	if p.Act == actEnd {
		if ended, _ = w.decisions.find(p.What); ended == nil {
			return dashboard.Proposed{}, fmt.Errorf("there is no decision %s: `entente quarantine rules` lists them", p.What)
		}
		d.Ends, d.Until = p.What, now.Add(usualRelease)
	} else {
		rows, err := n.heldRows(ctx, p.What, 1<<20)
		if err != nil {
			return dashboard.Proposed{}, err
		}
		if count, err = d.about(w, rows, p.Peer, now); err != nil {
			return dashboard.Proposed{}, err
		}
	}
	text, err := d.Text()
	if err != nil {
		return dashboard.Proposed{}, &federation.Refusal{Reason: federation.Malformed, Where: "decision", Err: err}
	}
	return dashboard.Proposed{Text: string(text), Persons: d.persons(w.Bundle, ended), Objects: count}, nil
}

// about fills in what rows have in common, and refuses what persons cannot
// decide.
func (d *personDecision) about(w *World, rows []store.HeldObject, peer string, now time.Time) (count int, err error) {
	if peer != "" {
		rows = slices.DeleteFunc(rows, func(h store.HeldObject) bool { return h.Peer != peer })
	}
	groups := map[string]bool{}
	for _, h := range rows {
		groups[groupID(groupOf(h))] = true
	}
	switch {
	case len(rows) == 0:
		return 0, fmt.Errorf("nothing of it waits for %s", peer)
	case len(groups) > 1:
		return 0, fmt.Errorf("it waits in %d groups: name the peer with --to, or a group", len(groups))
	case rows[0].Peer == "" && d.Act == actReject && d.Until.IsZero():
		return len(rows), d.aboutIn(rows, now)
	case rows[0].Peer == "":
		return 0, federation.Refuse(federation.HeldForPerson, rows[0].ID, "it waits at the way in, for "+needed(rows[0].Reason))
	}
	h := rows[0]
	to, ok := w.peer(h.Peer)
	if !ok {
		return 0, federation.Refuse(federation.NoAgreement, h.Peer, "there are no terms with it any more")
	}
	l, err := w.Bundle.Liftable(h.Rule)
	if d.Act == actRelease && err != nil {
		return 0, &federation.Refusal{Reason: h.Reason, Where: h.ID, Err: err}
	}
	d.Peer, d.Terms, d.Source, d.Reason, d.Rule, d.Print = h.Peer, to.Digest, h.Issuer, h.Reason, h.Rule, l.Print
	if d.Until.IsZero() {
		d.Until = now.Add(usualRelease)
		if d.Act == actReject {
			d.Until = now.Add(longestDecision)
		}
		return len(rows), d.list(rows)
	}
	for _, h := range rows {
		if typ, _, _ := strings.Cut(h.ID, "--"); !slices.Contains(d.Types, typ) {
			d.Types = append(d.Types, typ)
		}
	}
	slices.Sort(d.Types)
	return len(rows), nil
}

// list names the objects one by one.
func (d *personDecision) list(rows []store.HeldObject) error {
	if len(rows) > maxDecided {
		return fmt.Errorf("%d objects wait there, and a decision lists at most %d: decide with --until, for all of the kind", len(rows), maxDecided)
	}
	for _, h := range rows {
		if o := digest(h.Digest); !slices.Contains(d.Objects, o) {
			d.Objects = append(d.Objects, o)
		}
	}
	return nil
}

// Decide takes a decision that persons signed: it is recorded, kept, put in
// force, and then everything that it is about is decided again. Given again, it
// does what was not yet done.
func (n *Node) Decide(ctx context.Context, approvals []string) (dashboard.Decided, error) {
	n.reloading.Lock()
	defer n.reloading.Unlock()
	raws := make([][]byte, len(approvals))
	for i, a := range approvals {
		raws[i] = []byte(a)
	}
	w, now := n.world.Load(), n.now()
	d, err := w.signedBy(raws, now)
	if err != nil {
		return dashboard.Decided{}, err
	}
	out := dashboard.Decided{ID: d.ID, By: d.By, Act: d.Act}
	if have, ended := w.decisions.find(d.ID); have != nil || d.Act == actEnd && w.decisions.Ends[d.Ends] != nil {
		if ended {
			return out, federation.Refuse(federation.Expired, "decision "+d.ID, "it was ended, and does not come back")
		}
		out.Before = true
	} else if err := n.putInForce(ctx, w, d, raws, now); err != nil {
		return out, err
	}
	n.at(stepDecided)
	switch {
	case d.Act == actEnd:
		return out, n.comeBack(ctx, d.Ends)
	case len(d.In) > 0:
		out.Rejected, err = n.rejectIn(ctx, d)
		return out, err
	}
	err = n.settleDecided(ctx, d, &out)
	return out, err
}

// comeBack has the objects judged again of which persons had decided that they
// stay. Those of a rule that went on are not known one by one: they wait again
// with their next version.
func (n *Node) comeBack(ctx context.Context, ended string) error {
	d, _ := n.world.Load().decisions.find(ended)
	if d == nil || d.Act != actReject {
		return nil
	}
	for _, o := range d.Objects {
		ways, err := n.index.Routes(ctx, d.Source, o)
		if err != nil {
			return err
		}
		if len(ways) == 0 {
			continue
		}
		if err := n.resend(ctx, d.Peer, ways[0].LogSeq); err != nil {
			return err
		}
	}
	return nil
}

// signedBy verifies who signed a decision, and that it still fits.
func (w *World) signedBy(raws [][]byte, now time.Time) (*takenDecision, error) {
	text, by, err := w.Approvers.Verify(directory.TypDecision, w.Node.ID, 1, now, raws...)
	if err != nil {
		return nil, err
	}
	p, err := readDecision(text)
	if err != nil {
		return nil, err
	}
	d := &takenDecision{personDecision: *p, By: by, Taken: now.UTC().Truncate(time.Second)}
	where := "decision " + d.ID
	var ended *takenDecision
	if d.Act == actEnd {
		if ended, _ = w.decisions.find(d.Ends); ended == nil {
			return nil, federation.Refuse(federation.Malformed, where, "it ends "+d.Ends+", which this node does not have")
		}
	}
	switch to, ok := w.peer(d.Peer); {
	case d.Node != w.Node.ID:
		return nil, federation.Refuse(federation.WrongRecipient, where, "it decides for "+d.Node)
	case !now.Before(d.Until):
		return nil, federation.Refuse(federation.Expired, where, "it ended at "+d.Until.Format(time.RFC3339))
	case now.Add(directory.Skew).Before(d.Made):
		return nil, federation.Refuse(federation.NotYetValid, where, "it was made at "+d.Made.Format(time.RFC3339))
	case len(by) < d.persons(w.Bundle, ended):
		return nil, &federation.Refusal{Reason: federation.HeldForPerson, Where: where, Detail: fmt.Sprintf("%d of %d persons signed it", len(by), d.persons(w.Bundle, ended)),
			Hint: "another one signs the same text: `entente quarantine sign FILE`"}
	case d.Act == actEnd || len(d.In) > 0:
		return d, nil
	case !ok:
		return nil, federation.Refuse(federation.NoAgreement, where, "there are no terms with "+d.Peer)
	case d.Terms != to.Digest:
		return nil, federation.Refuse(federation.NoAgreement, where, "it was made under other terms with "+d.Peer)
	case d.Act == actRelease:
		l, err := w.Bundle.Liftable(d.Rule)
		if err == nil && l.Print != d.Print {
			err = fmt.Errorf("rule %s was changed since", d.Rule)
		}
		if err != nil {
			return nil, &federation.Refusal{Reason: d.Reason, Where: where, Err: err}
		}
	}
	return d, nil
}

// putInForce records a decision, keeps it, and judges by it from now on: in this
// order, so that nothing leaves by a decision that is not recorded.
func (n *Node) putInForce(ctx context.Context, w *World, d *takenDecision, raws [][]byte, now time.Time) error {
	s := &journal.Settle{Peer: journal.Token(d.Peer), Issuer: journal.Token(d.Source), Release: d.Act == actRelease, By: tokens(d.By), Decision: journal.Token(d.ID),
		Rule: journal.Token(d.Rule), Until: d.Until}
	switch d.Act {
	case actReject:
		s.Reason = federation.HeldForPerson
	case actEnd:
		s.Decision, s.Rule = journal.Token(d.Ends), personRule
	}
	if _, err := n.journal.Append(ctx, &journal.Record{At: now, Settle: s}); err != nil {
		return err
	}
	n.at(stepDecisionJournalled)
	if len(d.In) > 0 {
		return nil // what comes of it is in the log, and stays
	}
	dir := decisionsDir(filepath.Dir(n.cfg.Path))
	if err := (files{write: n.disk}).keepDecision(dir, d.ID, raws, n.keys.Terms, now); err != nil {
		return err
	}
	n.at(stepDecisionKept)
	n.world.Store(w.decided(w.decisions.with(d)))
	n.slog.Info("persons decided", "decision", d.ID, "act", d.Act, "by", d.By, "peer", d.Peer, "source", d.Source, "rule", d.Rule, "until", d.Until)
	return nil
}

// tokens are words for the journal, nil for none.
func tokens(words []string) []journal.Token {
	var out []journal.Token
	for _, w := range words {
		out = append(out, journal.Token(w))
	}
	return out
}

// personRule is what the journal names for the end of a decision.
const personRule = "person-decision"

// settleDecided decides again on what waits and a decision is about.
func (n *Node) settleDecided(ctx context.Context, d *takenDecision, out *dashboard.Decided) error {
	if err := n.caughtUp(ctx); err != nil {
		return err
	}
	rows, err := n.index.Held(ctx, store.HeldFilter{Peer: d.Peer, Issuer: d.Source, Reason: d.Reason})
	if err != nil {
		return err
	}
	rows = slices.DeleteFunc(rows, func(h store.HeldObject) bool { return !d.in(h.Peer, h.Issuer, h.ID, h.Rule, h.Reason, h.Digest) })
	w := n.world.Load()
	x := newReach(ctx, n, w, w.Recipient(d.Peer), d.Peer, n.now())
	for seq, some := range bySeq(rows) {
		came, err := n.retryEntry(ctx, x, waiter{peer: d.Peer, seq: seq}, some)
		if err != nil {
			return err
		}
		for _, c := range came {
			switch {
			case c.free:
				out.Released++
			case c.rejected():
				out.Rejected++
			default:
				out.Stay = append(out.Stay, dashboard.DecidedStays{ID: c.ID, Peer: c.Peer, Reason: string(c.why.Reason), Rule: c.why.Rule, Text: c.why.Text})
			}
		}
	}
	slices.SortFunc(out.Stay, func(a, b dashboard.DecidedStays) int { return strings.Compare(a.ID, b.ID) })
	return nil
}
