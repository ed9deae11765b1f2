package relay

import (
	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/envelope"
	"github.com/entente-relay/entente/federation/policy"
)

// newItem describes one object of a verified message; issuer is its owner.
func newItem(issuer string, it envelope.Item) entryItem {
	o := it.Object
	item := entryItem{Issuer: issuer, Digest: it.Digest, ID: o.ID(), Version: o.Version(), Type: o.Type(), Revoked: o.Revoked()}
	if until, ok := o.ValidUntil(); ok {
		item.Expires = until
	}
	return item
}

// settle finds the outcome of object i: may its signer speak for it, is it new,
// or more of what is here, and may it be kept.
func (a *arrival) settle(v *view, it *entryItem, i int) error {
	d := a.decisions[i]
	it.Marking = d.From()
	if err := a.mayReplace(v, it); err != nil {
		return it.refuse(err)
	}
	if why, err := a.over(v, it); err != nil || why != "" {
		it.Outcome, it.Reason, it.Text = refused, why, wordsFor(why)
		return err
	}
	if v.withdrawn(it.Issuer, it.Digest) {
		it.Outcome, it.Reason, it.Text = refused, federation.Withdrawn, "its issuer took it back; only a newer version can come"
		return nil
	}
	if v.seen(it.Issuer, it.Digest) {
		more, err := v.adds(it, a.shown[i])
		if err != nil {
			return err
		}
		if !more {
			it.Outcome, it.Reason = duplicate, federation.Duplicate
			return nil
		}
		it.Variant = true
	}
	if kept, text := verdictOf(d); kept == refused && text.Reason == federation.Residency {
		it.judged(d) // before anything is said of it
		return nil
	}
	if settled, err := a.order(v, it, i); settled || err != nil {
		return err
	}
	it.judged(d)
	return nil
}

// over says why an object must not be kept any more, "" if it may be: its time
// is over, or it was here and was erased.
func (a *arrival) over(v *view, it *entryItem) (federation.Reason, error) {
	if at := a.world.retention.due(a.from, a.now, it); !at.IsZero() && !a.now.Before(at) {
		return federation.Expired, nil
	}
	if a.world.asked.wants(it.Issuer, it.Digest) {
		return federation.Withdrawn, nil
	}
	return v.index.ErasedFor(it.Issuer, it.Digest)
}

// order sets a version against those that are here, and reports whether that
// decides.
func (a *arrival) order(v *view, it *entryItem, i int) (settled bool, err error) {
	if it.Version == "" {
		return false, nil
	}
	have, ok, err := v.version(it.Issuer, it.ID)
	switch {
	case err != nil || !ok || have.digest == it.Digest:
		return false, err
	case newer(it.Version, have.version):
		it.supersedes = have.digest
		return a.lowered(v, it, i, have.digest)
	case newer(have.version, it.Version):
		old, here, err := v.index.VersionAt(it.Issuer, it.ID, it.Version)
		if err != nil {
			return false, err
		}
		if here && old != it.Digest {
			return true, a.equivocates(v, it, i, old)
		}
		it.Outcome, it.Reason, it.Text = refused, federation.Stale, "version "+have.version+" is here already"
		return true, nil
	}
	return true, a.equivocates(v, it, i, have.digest)
}

// refuse settles an object by a refusal. Any other error is handed on.
func (it *entryItem) refuse(err error) error {
	reason := federation.ReasonOf(err)
	if reason == "" {
		return err
	}
	it.Outcome, it.Reason, it.Text = refused, reason, err.Error()
	return nil
}

// verdictOf says what a decision to store does with an object, and first of all
// why.
func verdictOf(d policy.Decision) (outcome, policy.Cited) {
	var first policy.Cited
	if rs := d.Reasons(); len(rs) > 0 {
		first = rs[0]
	}
	switch d.Verdict() {
	case federation.Share, federation.Redact:
		return taken, first
	case federation.Hold:
		return held, first
	default:
		return refused, first
	}
}

// judged settles an object as policy decided.
func (it *entryItem) judged(d policy.Decision) {
	kept, why := verdictOf(d)
	it.Outcome = kept
	if kept != taken {
		it.Reason, it.Rule, it.Basis, it.Text = why.Reason, why.Rule, why.Basis, why.Text
	}
}

// forget leaves, of what may not lie here for its residency or because its time
// is over, the digest and the reason alone.
func (it *entryItem) forget() {
	if it.Outcome == refused && (it.Reason == federation.Residency || it.Reason == federation.Expired) {
		*it = entryItem{Issuer: it.Issuer, Digest: it.Digest, Outcome: refused, Reason: it.Reason, Rule: it.Rule, Basis: it.Basis, Mark: it.Mark,
			name: idKey{it.Version, it.ID}}
		return
	}
	if it.Outcome != taken {
		it.Variant = false // only what is kept is one
	}
}
