package policy

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cedar-policy/cedar-go/types"
)

// slice is the rules asked about one recipient, by action: those of every
// jurisdiction that the sender and the recipient lie in. It is made once per
// recipient and time in which nothing changes, never per message.
type slice struct {
	asked map[types.EntityUID][]*rule // whether they count now or not
	count map[types.EntityUID][]*rule // those that count now
	span  span
}

// sliceFor picks the rules to ask about a recipient at a time.
func (b *Bundle) sliceFor(p *peerFacts, now time.Time) slice {
	s := slice{asked: map[types.EntityUID][]*rule{}, count: map[types.EntityUID][]*rule{}, span: b.ruleSpan(now)}
	for action, rules := range b.asked {
		s.asked[action] = b.law.reachedBy(rules, p, now, &s.span)
		for _, r := range s.asked[action] {
			if b.counts(r, now) {
				s.count[action] = append(s.count[action], r)
			}
		}
	}
	return s
}

// reachedBy returns the rules whose jurisdiction the parties lie in.
func (l *law) reachedBy(rules []*rule, p *peerFacts, now time.Time, s *span) []*rule {
	var out []*rule
	for _, r := range rules {
		if l.reached(r, p, now, s) {
			out = append(out, r)
		}
	}
	return out
}

// reached reports whether a rule is asked. A rule without a jurisdiction
// always is. A prohibition is asked in doubt: where a country is not known, and
// where the jurisdiction is only one of the places in which the recipient keeps
// what it gets or through which it passes. A permission is not.
func (l *law) reached(r *rule, p *peerFacts, now time.Time, s *span) bool {
	if len(r.jurisdiction) == 0 {
		return true
	}
	where := []string{p.sender, p.country}
	if !r.permit {
		where = append(where, p.places...)
	}
	found := false
	for _, country := range where {
		switch {
		case !isCountry(country):
			found = found || !r.permit
		case l.inside(country, r.jurisdiction, now, s):
			found = true
		}
	}
	return found
}

// inside reports whether a country is in a list of countries and regions, or
// the list says any.
func (l *law) inside(country string, list []string, now time.Time, s *span) bool {
	is := false
	for _, name := range list {
		if name == anywhere || name == country || l.in(country, name, now, s) {
			is = true
		}
	}
	return is
}

// checkJurisdiction checks that a rule names countries and regions only, and as
// its claim a fact of law.
func (l *law) checkJurisdiction(r *rule) []error {
	var errs []error
	for _, name := range r.jurisdiction {
		if _, ok := l.regions[name]; !ok && !isCountry(name) {
			errs = append(errs, fmt.Errorf("%s: rule %q: @jurisdiction: %q is neither an ISO 3166-1 country nor in regions.yaml", r.where(), r.id, name))
		}
	}
	if r.claims != "" && !slices.Contains(l.ids(), r.claims) {
		errs = append(errs, fmt.Errorf("%s: rule %q: @claims: %q is not in laws.yaml; there are %s", r.where(), r.id, r.claims, strings.Join(l.ids(), ", ")))
	}
	return errs
}
