package policy

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/mapping"
)

// personRule is the rule named for what persons decided.
const personRule = "person-decision"

// Exception is what persons decided, for one peer and until a moment, about
// objects that one rule held for a person. A release takes that rule, and no
// other, out of the question, and the object is decided again: whatever else
// denies it still does. A rejection keeps it here whatever the rules say.
type Exception struct {
	// ID names the decision, By the persons.
	ID string
	By []string
	// Rule held the objects; Print is its [Liftable] print when they
	// decided: a rule that was changed since is another rule.
	Rule  string
	Print [32]byte
	// Peer is for whom they waited, Issuer whose objects they are.
	Peer, Issuer string
	// Objects lists those decided on one by one. With none, it is all of the
	// issuer of the types, now and later.
	Objects map[[32]byte]bool
	Types   []string
	// Reject says that they stay here.
	Reject bool
	// From and Until bound it: From <= t < Until. Both are needed.
	From, Until time.Time
}

// covers reports whether an exception is about an object, at whatever time.
func (e *Exception) covers(s *Subject) bool {
	if e.Issuer != s.issuer {
		return false
	}
	if len(e.Objects) > 0 {
		return e.Objects[s.digest]
	}
	return slices.Contains(e.Types, s.object.Type())
}

// WithExceptions returns the recipient with what persons decided for it.
// Decisions for other peers are not taken.
func (r *Recipient) WithExceptions(all []Exception) *Recipient {
	t := *r
	t.exceptions = nil
	for _, e := range all {
		if e.Peer == r.agreement.Peer && r.agreed && !e.From.IsZero() && !e.Until.IsZero() {
			t.exceptions = append(t.exceptions, e)
		}
	}
	slices.SortFunc(t.exceptions, func(a, b Exception) int { return strings.Compare(a.ID, b.ID) })
	return &t
}

// Liftable is what persons have to know of a rule that they may lift.
type Liftable struct {
	// Print is the digest of the rule as it is.
	Print [32]byte
	// Origin says that it stands for something that the origin wrote.
	Origin bool
}

// Liftable says whether persons may decide what a rule holds, or why not.
func (b *Bundle) Liftable(id string) (Liftable, error) {
	r := b.byID(id)
	switch {
	case r == nil:
		return Liftable{}, fmt.Errorf("no rule %q is loaded: what the node itself holds waits for a fact, not for a person", id)
	case !r.lift:
		return Liftable{}, fmt.Errorf("rule %s leaves nothing to people here: it takes another marking from the origin, its recorded permission, other terms, or time", id)
	}
	return Liftable{Print: r.print(), Origin: r.class == ClassOrigin}, nil
}

// print is a rule's digest.
func (r *rule) print() [32]byte { return sha256.Sum256(r.policy.MarshalCedar()) }

// liftable reads @lift: whether a person's decision may take the rule out of
// the question. Without it, a rule whose reason is held-for-person may be
// lifted. What only the origin or the agreement can give is never a person's to
// lift here.
func (r *rule) liftable(note string) error {
	r.lift = !r.permit && r.hold && r.reason == federation.HeldForPerson
	switch note {
	case "":
	case "no":
		r.lift = false
	case "person":
		if r.permit || !r.hold {
			return errors.New("@lift: only a forbid with @effect(\"hold\") can be left to a person")
		}
		r.lift = true
	default:
		return fmt.Errorf("@lift %q is not one of person, no", note)
	}
	for _, fact := range originFacts {
		if !r.lift || !slices.Contains(r.reads, fact) {
			continue
		}
		r.lift = false
		if note != "" {
			return fmt.Errorf("@lift: the rule asks %s, which is for the origin or the agreement to say: no person here goes beyond that", fact)
		}
	}
	return nil
}

// originFacts are those by which a marking, the source's recorded permission or
// the agreement sets a bound. A rule that asks one of them is never lifted.
var originFacts = []string{
	"resource.marking", "resource.tlpRank", "resource.consent", "resource.release", "resource.compartments",
	"resource.residency", "resource.allowedPlaces", "resource.use", "resource.allowedPurposes", "resource.boundBy",
	"resource.ownAccreditation", "resource.peerAccreditation", "resource.agreedLevel", "principal.compartments", "principal.ceiling",
}

// except applies what persons decided to a decision: d, unless an exception in
// force covers the object.
func (b *Bundle) except(d Decision, s *Subject, to *Recipient, now time.Time) Decision {
	var lifted []*Exception
	var without []string
	var hold span
	for i := range to.exceptions {
		e := &to.exceptions[i]
		if !e.covers(s) {
			continue
		}
		hold = hold.cut(e.From, now).cut(e.Until, now)
		if now.Before(e.From) || !now.Before(e.Until) {
			continue
		}
		r := b.byID(e.Rule)
		switch {
		case e.Reject:
			d = d.until(hold)
			d.withhold(e.cited("keep it here"))
			return d
		case r != nil && r.lift && r.print() == e.Print && !slices.Contains(without, r.id):
			lifted, without = append(lifted, e), append(without, r.id)
		}
	}
	if d = d.until(hold); len(without) == 0 || d.verdict != federation.Hold || beyondPersons(s) {
		return d
	}
	slices.Sort(without)
	again := b.decideWithout(toSend, s, to, now, strings.Join(without, " ")).until(hold)
	for _, e := range lifted {
		if slices.ContainsFunc(d.outcome.reasons, func(c Cited) bool { return c.Rule == e.Rule }) {
			again.lifted = append(again.lifted, e.cited("let it go"))
		}
	}
	return again
}

// beyondPersons reports what nobody here may let go, whatever the rules say: a
// marking that is not understood, and what is for its recipients' eyes only.
func beyondPersons(s *Subject) bool {
	return s.problem != nil || s.handling.TLP >= mapping.TLPRed
}

// Persons lists the decisions of persons without which the object would wait;
// empty unless it goes.
func (d Decision) Persons() []string {
	if !d.goes() {
		return nil
	}
	var out []string
	for _, c := range d.lifted {
		out = append(out, c.Decision)
	}
	return out
}

// until narrows the time in which a decision holds.
func (d Decision) until(s span) Decision {
	if s == (span{}) {
		return d
	}
	o := *d.outcome
	o.span = o.span.meet(s)
	d.outcome = &o
	return d
}

// cited names the decision in the words of a rule.
func (e *Exception) cited(what string) Cited {
	basis := fmt.Sprintf("decision %s of %s until %s", e.ID, strings.Join(e.By, " and "), e.Until.UTC().Format(time.RFC3339))
	return Cited{Reason: federation.HeldForPerson, Rule: personRule, Kind: "custom", Class: ClassPolicy, Basis: basis, Decision: e.ID,
		Text: fmt.Sprintf("Rule %s, which cites %s: it was held by rule %s, and they decided to %s.", personRule, basis, e.Rule, what)}
}
