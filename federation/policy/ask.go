package policy

import (
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/types"

	"github.com/entente-relay/entente/federation"
)

// Entity types and actions of the schema.
const (
	typePeer     types.EntityType = "Peer"
	typeSite     types.EntityType = "Site"
	typeObject   types.EntityType = "Object"
	typeProperty types.EntityType = "Property"
)

var (
	actionShare     = types.NewEntityUID("Action", "share")
	actionReshare   = types.NewEntityUID("Action", "reshare")
	actionDisclose  = types.NewEntityUID("Action", "disclose")
	actionStore     = types.NewEntityUID("Action", "store")
	actionTransit   = types.NewEntityUID("Action", "transit")
	actionTranslate = types.NewEntityUID("Action", "translate")
)

// answer is what the engine said to one request.
type answer struct {
	allow bool
	cited []Cited // why not, or the permissions relied upon
	span  span    // time in which the same rules would have been asked
}

// entities are the only entities a request can reach: the two it is about and
// the actions with their groups.
type entities struct {
	principal, resource types.Entity
	judged              bool  // the principal was checked before: fault says how it went
	fault               error // what is wrong with the principal's facts
	actions             map[types.EntityUID]types.Entity
}

// Get implements types.EntityGetter.
func (e *entities) Get(uid types.EntityUID) (types.Entity, bool) {
	switch uid {
	case e.principal.UID:
		return e.principal, true
	case e.resource.UID:
		return e.resource, true
	}
	a, ok := e.actions[uid]
	return a, ok
}

// ruleList iterates over rules.
type ruleList []*rule

// All implements cedar.PolicyIterator.
func (l ruleList) All() iter.Seq2[cedar.PolicyID, *cedar.Policy] {
	return func(yield func(cedar.PolicyID, *cedar.Policy) bool) {
		for _, r := range l {
			if !yield(cedar.PolicyID(r.id), r.bare) {
				return
			}
		}
	}
}

// leaveOut returns the rules but those whose ids are in without, separated by
// blanks.
func leaveOut(rules []*rule, without string) []*rule {
	if without == "" {
		return rules
	}
	out := make([]*rule, 0, len(rules))
	ids := strings.Fields(without)
	for _, r := range rules {
		if !slices.Contains(ids, r.id) {
			out = append(out, r)
		}
	}
	return out
}

// finding is the engine's raw answer, rules named.
type finding struct {
	permits, forbids []*rule
	faults           []fault
}

// fault is a rule that failed, or a request that the schema refuses.
type fault struct {
	rule    *rule
	message string
}

// evaluate checks a request against the schema and asks some rules. A fact that
// is missing, surplus or of the wrong type never reaches a rule: Cedar would
// skip the rule, and a forbid that is skipped lets something out.
func (b *Bundle) evaluate(action types.EntityUID, e *entities, rules []*rule) finding {
	e.actions = b.actions
	if !e.judged {
		e.fault = b.validator.Entity(e.principal)
	}
	if e.fault != nil {
		return finding{faults: []fault{{message: fmt.Sprintf("the facts of %s: %s", e.principal.UID.Type, e.fault)}}}
	}
	if err := b.validator.Entity(e.resource); err != nil {
		return finding{faults: []fault{{message: fmt.Sprintf("the facts of %s: %s", e.resource.UID.Type, err)}}}
	}
	req := cedar.Request{Principal: e.principal.UID, Action: action, Resource: e.resource.UID}
	if err := b.validator.Request(req); err != nil {
		return finding{faults: []fault{{message: err.Error()}}}
	}
	_, diag := cedar.Authorize(ruleList(rules), e, req)
	var f finding
	for _, d := range diag.Errors {
		f.faults = append(f.faults, fault{b.byID(string(d.PolicyID)), d.Message})
	}
	for _, d := range diag.Reasons {
		if r := b.byID(string(d.PolicyID)); r.permit {
			f.permits = append(f.permits, r)
		} else {
			f.forbids = append(f.forbids, r)
		}
	}
	return f
}

// allowed reports the verdict: a permission, no prohibition and no fault.
func (f finding) allowed() bool {
	return len(f.faults) == 0 && len(f.forbids) == 0 && len(f.permits) > 0
}

// byID returns a loaded rule. The engine only names rules it was given.
func (b *Bundle) byID(id string) *rule { return b.ids[id] }

// ask evaluates one request and words the answer.
func (b *Bundle) ask(action types.EntityUID, p *peerView, f *itemFacts, now time.Time, without string) *answer {
	return b.askOf(action, p, f, f.record(), now, without)
}

// askOf is ask for a caller that has the facts as attributes.
func (b *Bundle) askOf(action types.EntityUID, p *peerView, f *itemFacts, attrs types.RecordMap, now time.Time, without string) *answer {
	kind := typeProperty
	if action == actionShare || action == actionReshare || action == actionStore || action == actionTransit {
		kind = typeObject
	}
	e := &entities{
		principal: p.entity, judged: true, fault: p.fault,
		resource: types.Entity{UID: types.NewEntityUID(kind, "it"), Attributes: types.NewRecord(attrs)},
	}
	found := b.evaluate(action, e, leaveOut(p.rules.count[action], without))
	a := &answer{allow: found.allowed(), span: p.span.meet(f.span)}
	switch {
	case len(found.faults) > 0:
		for _, x := range found.faults {
			a.cited = append(a.cited, faultCited(x))
		}
	case a.allow:
		for _, r := range found.permits {
			a.cited = append(a.cited, r.relied(&p.facts, f))
		}
	case len(found.forbids) > 0 && p.facts.standing():
		for _, r := range understood(found.forbids, f) {
			a.cited = append(a.cited, r.cite(r.reason, r.says.fill(&p.facts, f), r.inOthers(false, &p.facts, f)))
		}
	default:
		a.cited = b.unmet(action, p, f, now)
	}
	return a
}

// understood returns the rules to name. Of a marking that is not understood
// that alone is said: what else denied it was judged on half a marking, and the
// first step of enforcement is to understand it.
func understood(forbids []*rule, f *itemFacts) []*rule {
	if f.marking == "understood" {
		return forbids
	}
	var about []*rule
	for _, r := range forbids {
		if slices.Contains(r.reads, "resource.marking") {
			about = append(about, r)
		}
	}
	if len(about) == 0 {
		return forbids
	}
	return about
}

// standing reports whether there are terms to judge by. Without them the one
// thing to say is that they are missing; what else would have stopped it is
// noise.
func (p *peerFacts) standing() bool { return p.agreement == "in-force" || p.agreement == "self" }

// faultCited words a failure of the engine: always a deny and a hold.
func faultCited(x fault) Cited {
	c := Cited{Reason: federation.PolicyError, Rule: "policy-error", Kind: "custom", Class: ClassPolicy, Hold: true,
		Basis: "a rule that fails is a no",
		Text:  "The rules could not be evaluated: " + x.message + "."}
	if x.rule != nil {
		c.Rule, c.Basis, c.Kind = x.rule.id, x.rule.basis, x.rule.kind
		c.Text = fmt.Sprintf("Rule %s, which cites %s, failed: %s.", x.rule.id, x.rule.basis, x.message)
	}
	return c
}

// unmet words a denial for want of a permission: which permission there would
// be, and why it does not apply.
func (b *Bundle) unmet(action types.EntityUID, p *peerView, f *itemFacts, now time.Time) []Cited {
	var out []Cited
	for _, r := range f.concerned(p.rules.asked[action]) {
		review, reviewed := b.reviewed[r.id]
		switch {
		case !r.active(now) && now.Before(r.since):
			out = append(out, r.cite(r.reason, fmt.Sprintf("it would allow this only from %s on.", r.since.Format(time.DateOnly)), ""))
		case !r.active(now):
			out = append(out, r.cite(r.reason, fmt.Sprintf("it no longer allows this since %s.", r.until.Format(time.DateOnly)), ""))
		case r.sensitive() && !reviewed:
			out = append(out, r.cite(r.reason, "it counts only once the operator has recorded who reviewed it (reviewed: in the configuration).", ""))
		case r.sensitive() && now.Before(review.On):
			out = append(out, r.cite(r.reason, fmt.Sprintf("it counts only from its review on %s on.", review.On.Format(time.DateOnly)), ""))
		default:
			out = append(out, r.cite(r.reason, r.unmetSays.fill(&p.facts, f), r.inOthers(true, &p.facts, f)))
		}
	}
	if len(out) == 0 {
		out = append(out, defaultDeny(f.category))
	}
	return out
}

// concerned returns the permissions that would allow such a thing. Those of
// named victims and of counts are left out where it names none and is none,
// unless there are no others: that they do not apply explains nothing.
func (f *itemFacts) concerned(rules []*rule) []*rule {
	var out, beside []*rule
	for _, r := range rules {
		switch {
		case !r.permit || r.category != f.category || (f.category == "object" && r.restricted != f.restricted):
		case f.victim == "none" && r.asks("resource.victim", "resource.victimConsent", "resource.victimContract"),
			!f.aggregate && r.asks("resource.aggregate"):
			beside = append(beside, r)
		default:
			out = append(out, r)
		}
	}
	if len(out) == 0 {
		return beside
	}
	return out
}

// asks reports whether a rule reads one of some facts.
func (r *rule) asks(facts ...string) bool {
	return slices.ContainsFunc(facts, func(f string) bool { return slices.Contains(r.reads, f) })
}

// defaultDeny is cited where no rule at all permits a kind of thing.
func defaultDeny(category string) Cited {
	reason := federation.Purpose
	switch federation.Category(category) {
	case federation.Personal, federation.Subscriber:
		reason = federation.PersonalData
	case federation.Commercial:
		reason = federation.Contract
	case federation.Source:
		reason = federation.NotReleasable
	}
	return Cited{Reason: reason, Rule: "default-deny", Basis: "what no rule permits is denied", Kind: "custom", Class: ClassPolicy,
		Text: fmt.Sprintf("No loaded rule permits this for %s.", category)}
}
