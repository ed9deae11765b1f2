package relay

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/policy"
	"github.com/entente-relay/entente/relay/dashboard"
	"github.com/entente-relay/entente/relay/store"
)

// maxShown bounds the objects of one group that are judged again to be shown.
const maxShown = 500

// groupID names a group by all that makes it one, so that it keeps its name
// whatever else waits.
func groupID(g store.HeldGroup) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{g.Peer, g.Source, g.Issuer, string(g.Reason), g.Rule}, "\x00")))
	return "held-" + hex.EncodeToString(sum[:5])
}

func groupOf(h store.HeldObject) store.HeldGroup {
	return store.HeldGroup{Peer: h.Peer, Source: h.Source, Issuer: h.Issuer, Reason: h.Reason, Rule: h.Rule}
}

// HeldGroups lists what waits, by cause, source and recipient, the oldest first.
func (n *Node) HeldGroups(ctx context.Context) ([]dashboard.HeldGroup, error) {
	if err := n.caughtUp(ctx); err != nil {
		return nil, err
	}
	groups, err := n.index.HeldGroups(ctx)
	if err != nil {
		return nil, err
	}
	w, now := n.world.Load(), n.now()
	out := make([]dashboard.HeldGroup, 0, len(groups))
	for _, g := range groups {
		persons, needs := w.needs(g.Peer, g.Rule, g.Reason)
		out = append(out, dashboard.HeldGroup{ID: groupID(g), Peer: g.Peer, Source: cmp.Or(g.Source, g.Issuer), Reason: string(g.Reason), Rule: g.Rule,
			Count: g.Count, Oldest: g.Oldest, Age: w.age(g.Oldest, now), Sample: g.Sample, Types: g.Types, Persons: persons, Needs: needs})
	}
	return out, nil
}

// caughtUp waits until the index knows all that log and journal have now.
func (n *Node) caughtUp(ctx context.Context) error {
	log, err := n.log.State(ctx)
	if err != nil {
		return err
	}
	last, _, err := n.journalLog().Last(ctx)
	if err != nil {
		return err
	}
	return n.awaitIndex(ctx, log.Last, last.Seq)
}

// needs says what it takes that something may go on which a rule holds: so many
// persons, or what no person here can give.
func (w *World) needs(peer, rule string, r federation.Reason) (persons int, text string) {
	if peer == "" {
		return 0, needed(r)
	}
	if _, ok := w.peer(peer); !ok {
		return 0, "there are no terms with " + peer + " any more"
	}
	l, err := w.Bundle.Liftable(rule)
	switch {
	case err != nil:
		return 0, needed(r)
	case w.Approvers.Count() < 2:
		return 2, "two persons under approvers: in the configuration, who decide"
	case l.Origin:
		return 2, "two persons who decide, because it is the origin's own words that leave it to people"
	}
	return 2, "two persons who decide, one for a single object"
}

// needed says what a reason waits for that no person here can decide.
func needed(r federation.Reason) string {
	switch r {
	case federation.Unmarked:
		return "a marking by its source, or a source profile that states one; then publish it again"
	case federation.UnknownMarking:
		return "a marking that can be read, by its origin, or tables that know it"
	case federation.Lowered:
		return "the act of its originator that lets it be marked lower; it is taken by itself when that has come"
	case federation.UnknownIssuer:
		return "the statement of who signed it: `entente statement add`"
	case federation.UnresolvedReference:
		return "what it refers to; it goes by itself when that has come"
	case federation.NotYetValid:
		return "time: its validity, or that of its key, begins later"
	case federation.NotReleasable:
		return "the source's consent or release, recorded in the agreement with the peer"
	case federation.PolicyError:
		return "a rule that can be evaluated: see the text of the error"
	case federation.PersonalData:
		return "a permission whose review is recorded under reviewed:"
	}
	return "another marking by its origin, its recorded permission, or other terms with the peer"
}

// HeldObjects shows the objects of a group, or those with an id, as they would be
// decided now. Their content is given only where values are asked for.
func (n *Node) HeldObjects(ctx context.Context, what string, values bool) ([]dashboard.HeldObject, error) {
	rows, err := n.heldRows(ctx, what, maxShown)
	if err != nil {
		return nil, err
	}
	w, now := n.world.Load(), n.now()
	reaches := map[string]*reach{}
	out := make([]dashboard.HeldObject, 0, len(rows))
	for _, h := range rows {
		o := dashboard.HeldObject{Group: groupID(groupOf(h)), ID: h.ID, Digest: base64.RawURLEncoding.EncodeToString(h.Digest[:]), Peer: h.Peer,
			Source: cmp.Or(h.Source, h.Issuer), Seq: h.LogSeq, Since: h.Since, Age: w.age(h.Since, now), Verdict: string(federation.Hold)}
		if h.Peer != "" {
			if reaches[h.Peer] == nil {
				reaches[h.Peer] = newReach(ctx, n, w, w.Recipient(h.Peer), h.Peer, now)
			}
			err = n.showOut(ctx, reaches[h.Peer], h, &o, values)
		} else {
			err = n.showIn(ctx, h, &o, values)
		}
		if err != nil {
			return nil, err
		}
		out = append(out, o)
	}
	return out, nil
}

// heldRows finds what a group or an object's id stands for. Nothing is an error.
func (n *Node) heldRows(ctx context.Context, what string, limit int) ([]store.HeldObject, error) {
	if err := n.caughtUp(ctx); err != nil {
		return nil, err
	}
	if strings.Contains(what, "--") {
		rows, err := n.index.Held(ctx, store.HeldFilter{ID: what, Limit: limit})
		if err == nil && len(rows) == 0 {
			err = fmt.Errorf("nothing with the id %s waits here", what)
		}
		return rows, err
	}
	groups, err := n.index.HeldGroups(ctx)
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(groups, func(g store.HeldGroup) bool { return groupID(g) == what })
	if at < 0 {
		return nil, fmt.Errorf("nothing waits under the name %s: `entente quarantine list` shows the groups", what)
	}
	g := groups[at]
	rows, err := n.index.Held(ctx, store.HeldFilter{Peer: g.Peer, Intake: g.Peer == "", Source: g.Source, Issuer: g.Issuer, Reason: g.Reason})
	if err != nil {
		return nil, err
	}
	rows = slices.DeleteFunc(rows, func(h store.HeldObject) bool { return groupID(groupOf(h)) != what })
	return rows[:min(len(rows), limit)], nil
}

// showOut judges again what waits for a peer.
func (n *Node) showOut(ctx context.Context, x *reach, h store.HeldObject, o *dashboard.HeldObject, values bool) error {
	p, err := n.entryAt(ctx, x.world, h.LogSeq)
	if err != nil {
		return err
	}
	if p == nil || p.verified == nil {
		o.Needs = []string{"nothing can let it go: the log no longer has it, or its signer is not known any more"}
		return nil
	}
	ds, err := x.judge(p)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(p.subjects, func(s *policy.Subject) bool { return s.Digest() == h.Digest })
	if i < 0 {
		return fmt.Errorf("log entry %d does not hold %s", h.LogSeq, h.ID)
	}
	d := ds[i]
	o.Verdict, o.Marking = string(d.Verdict()), dashboard.Marking{From: d.From(), To: d.To()}
	for _, c := range d.Reasons() {
		o.Why = append(o.Why, dashboard.HeldWhy{Reason: string(c.Reason), Rule: c.Rule, Basis: c.Basis, Text: c.Text})
		if _, text := x.world.needs(h.Peer, c.Rule, c.Reason); !slices.Contains(o.Needs, text) && d.Verdict() == federation.Hold || d.Verdict() == federation.Withhold {
			o.Needs = append(o.Needs, text)
		}
	}
	if values {
		o.Object = slices.Clone(p.subjects[i].Object().Raw())
	}
	return nil
}

// showIn reads again what waits at the way in.
func (n *Node) showIn(ctx context.Context, h store.HeldObject, o *dashboard.HeldObject, values bool) error {
	st, ok, err := n.stored(ctx, h.LogSeq)
	if err != nil || !ok {
		return err
	}
	e, err := decodeEntry(st.Data)
	if err != nil {
		return err
	}
	for i := range e.Items {
		if it := &e.Items[i]; it.Digest == h.Digest && it.Outcome == held {
			o.Marking.From = it.Marking
			o.Why = []dashboard.HeldWhy{{Reason: string(it.Reason), Rule: it.Rule, Basis: it.Basis, Text: it.Text}}
		}
	}
	o.Needs = []string{needed(h.Reason)}
	if !values {
		return nil
	}
	if e.Kind == entryObject {
		o.Object = slices.Clone(e.Body)
		return nil
	}
	p, err := n.entryAt(ctx, n.world.Load(), h.LogSeq)
	if err != nil || p == nil || p.verified == nil {
		return err // of a message that waits for a key nobody can say what it holds
	}
	for _, s := range p.subjects {
		if s.Digest() == h.Digest {
			o.Object = slices.Clone(s.Object().Raw())
		}
	}
	return nil
}

// DecisionRules lists what persons decided, the newest first.
func (n *Node) DecisionRules(context.Context) ([]dashboard.DecisionRule, error) {
	w, now := n.world.Load(), n.now()
	out := make([]dashboard.DecisionRule, 0, len(w.decisions.In))
	for _, d := range w.decisions.In {
		out = append(out, dashboard.DecisionRule{ID: d.ID, Act: d.Act, Peer: d.Peer, Source: d.Source, Rule: d.Rule, Types: d.Types,
			Objects: len(d.Objects), By: d.By, Because: d.Because, Taken: d.Taken, Until: d.Until, State: w.stateOf(d, now)})
	}
	slices.SortFunc(out, func(a, b dashboard.DecisionRule) int {
		return cmp.Or(b.Taken.Compare(a.Taken), cmp.Compare(b.ID, a.ID))
	})
	return out, nil
}

// stateOf says whether a decision counts.
func (w *World) stateOf(d *takenDecision, now time.Time) string {
	end, ended := w.decisions.Ends[d.ID]
	p, ok := w.peer(d.Peer)
	l, err := w.Bundle.Liftable(d.Rule)
	switch {
	case ended:
		return "ended by " + strings.Join(end.By, " and ")
	case !now.Before(d.Until):
		return "over"
	case !ok:
		return "no terms with " + d.Peer
	case d.Terms != p.Digest:
		return "made under other terms with " + d.Peer
	case d.Act == actRelease && err != nil:
		return err.Error()
	case d.Act == actRelease && l.Print != d.Print:
		return "rule " + d.Rule + " was changed since"
	case !d.counts(w.Bundle, p, nil):
		return "it takes more persons now"
	}
	return "in force"
}
