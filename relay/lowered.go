package relay

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/directory"
	"github.com/entente-relay/entente/federation/envelope"
	"github.com/entente-relay/entente/federation/policy"
)

// A newer version of an object may be marked higher by publishing it. Marked
// lower, on any axis and in any property, it counts only with its originator's
// own signed act (law A12), which comes with the withdrawal of the version
// before. Until that is here the message waits as a whole; at the originator
// itself nothing is signed without it.

// lowered compares a newer version with the one that is here, and reports
// whether that decides. Where the content of the older is no longer kept there
// is nothing to compare with, nor anything left here that it protects.
func (a *arrival) lowered(v *view, it *entryItem, i int, old digest) (settled bool, err error) {
	m, err := v.holding(it.Issuer, old)
	if err != nil || m == nil {
		return false, err
	}
	before := a.world.subjectIn(m, old)
	if before == nil {
		return false, nil
	}
	below := a.subjects[i].Below(before)
	if len(below) == 0 {
		return false, nil
	}
	act, err := v.actOn(a.world.Directory, it.Issuer, old)
	if err != nil {
		return false, err
	}
	text := lacks(act, it, below)
	if text == "" {
		return false, nil
	}
	it.Outcome, it.Reason, it.Text = refused, federation.Lowered, text
	if a.from != "" {
		it.Outcome = held
	}
	return true, nil
}

// subjectIn reads one object of a message as policy sees it, for its handling: of
// the others only the definitions are looked at. It is nil if it is not there.
func (w *World) subjectIn(m *envelope.Verified, d digest) *policy.Subject {
	at := itemOf(m, d)
	if at < 0 {
		return nil
	}
	items := m.Items()
	return w.Reader.Subject(m.Issuer(), d, items[at].Object, definitions(items))
}

// lacks says what an act does not allow of a version that is below the one before
// on these axes; "" if it allows all.
func lacks(act *directory.Downgrade, it *entryItem, below []string) string {
	lower := "it is marked lower than the version before (" + strings.Join(below, ", ") + ")"
	switch {
	case act == nil:
		return lower + ", and no act of its originator says so"
	case act.Object != it.ID || act.New.Digest != [32]byte(it.Digest):
		return lower + ", and the act of its originator is about another version"
	}
	for _, axis := range below {
		if !slices.Contains(act.Axes, axis) {
			return fmt.Sprintf("%s, and the act of its originator does not lower %s", lower, axis)
		}
	}
	return ""
}

// actOn returns the act by which a version may be replaced by one that is marked
// lower, nil if there is none. It was verified when it came.
func (v *view) actOn(keys *directory.Directory, issuer string, old digest) (*directory.Downgrade, error) {
	m := v.acts[objectKey{issuer, old}]
	if m == nil {
		w, ok, err := v.index.Withdrawal(issuer, old)
		if err != nil || !ok || w.Reason != envelope.GoneLowered {
			return nil, err
		}
		if m, err = v.read(w.LogSeq); err != nil || m == nil {
			return nil, err
		}
	}
	for _, g := range m.Gone() {
		if g.Digest == old && g.Act != "" {
			act, err := directory.ParseDowngrade([]byte(g.Act), keys, m.Issued())
			if federation.ReasonOf(err) != "" {
				return nil, nil // a key that counted then is gone from the directory: as if there were none
			}
			return act, err
		}
	}
	return nil, nil
}

// mayLower refuses an act that is not the owner's own about that version, and
// one that is no newer than what is here.
func (a *arrival) mayLower(v *view, owner string, g envelope.Gone, have string) error {
	act, err := directory.ParseDowngrade([]byte(g.Act), a.world.Directory, a.now)
	if err != nil {
		return err
	}
	if act.Issuer != owner || act.Old.Digest != g.Digest {
		return federation.Refuse(federation.NotOwner, directory.TypDowngrade, "the act is about another version, or by another than its owner")
	}
	if have != envelope.GoneLowered {
		return nil
	}
	before, err := v.actOn(a.world.Directory, owner, g.Digest)
	if err != nil {
		return err
	}
	if before != nil && act.Counter <= before.Counter {
		return federation.Refuse(federation.Duplicate, directory.TypDowngrade, fmt.Sprintf("number %d is here", before.Counter))
	}
	return nil
}

// waitsForAct makes the entry of a message of which an object is marked lower
// than before: it waits whole, because what else is in it was signed with it.
func (a *arrival) waitsForAct(it entryItem) *entry {
	item := entryItem{Outcome: held, Reason: it.Reason, Text: it.ID + ": " + it.Text}
	e := &entry{Kind: entryPending, Body: a.raw}
	if a.full {
		item.Outcome, item.Reason, item.Text = refused, federation.Quota, fmt.Sprintf("more than %d messages of its peer wait for a fact that is missing", maxPending)
		e.Kind, e.Body = entryMarker, nil
	}
	e.Items = []entryItem{item}
	return e
}

// retryLowered judges again what waits for an act, when one has come.
func (n *Node) retryLowered(ctx context.Context) error {
	if !n.acts.Swap(false) {
		return nil
	}
	if err := n.retryFor(ctx, federation.Lowered); err != nil {
		n.acts.Store(true)
		return err
	}
	return nil
}

// lowers reports whether an entry brings an act.
func (e *entry) lowers() bool {
	return slices.ContainsFunc(e.Gone, func(g goneItem) bool { return g.For == envelope.GoneLowered })
}
