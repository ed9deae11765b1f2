package policy

import (
	"encoding/hex"
	"sync/atomic"
	"time"

	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/schema/validate"

	"github.com/entente-relay/entente/mapping/scheme"
)

// Bundle is everything a decision rests on besides the object and the peer:
// rules, facts of law, equivalence tables and reviews, loaded and proved
// together. It is immutable, but for its caches, and safe for concurrent use.
type Bundle struct {
	digest    [32]byte
	rules     []*rule // in the order of files and places
	ids       map[string]*rule
	asked     map[types.EntityUID][]*rule
	actions   map[types.EntityUID]types.Entity
	validator *validate.Validator
	law       *law
	tables    *scheme.Tables
	reviewed  map[string]Review
	moments   []time.Time // at which a rule begins, ends or counts
	names     bool        // a rule asks who the peer is: nothing is decided for an audience

	// What is only compared, see Diff: the schema as Cedar writes it, each fact
	// of law by its place in its file, the examples.
	schema   string
	lawFacts map[string]string
	trials   []Trial

	outcomes *cache[outcomeKey, *outcome]
	answers  *cache[answerKey, *answer]
	peers    *cache[[32]byte, *peerView]
	site     *atomic.Pointer[Recipient] // the place of the node that asked last: see siteOf
}

// Options are what the operator adds to what ships.
type Options struct {
	// Reviewed records, by rule id, who read a rule that allows personal or
	// classified material, and when. Without it such a rule does not count.
	Reviewed map[string]Review
}

// Review is the operator's record that somebody with the authority to do so
// has read a rule.
type Review struct {
	// By is a role or a person, as the operator wishes to be shown.
	By string
	// On is the day of the review; the rule counts from then on.
	On time.Time
}

// Digest names this exact bundle: rules, facts of law, reviews and tables, in
// hexadecimal.
func (b *Bundle) Digest() string { return hex.EncodeToString(b.digest[:]) }

// Rule describes one loaded rule for people.
type Rule struct {
	// ID, Basis, Kind, Text are those of the rule; Where is file:line:column.
	ID, Basis, Kind, Text, Where string
	// NeedsReview says that it allows personal or classified material;
	// Reviewed that the operator recorded a review.
	NeedsReview, Reviewed bool
}

// Rules lists the loaded rules in order.
func (b *Bundle) Rules() []Rule {
	out := make([]Rule, len(b.rules))
	for i, r := range b.rules {
		_, done := b.reviewed[r.id]
		out[i] = Rule{ID: r.id, Basis: r.basis, Kind: r.kind, Text: r.text, Where: r.where(), NeedsReview: r.sensitive(), Reviewed: done}
	}
	return out
}

// counts reports whether a rule takes part at a time: in force and, where it
// needs one, reviewed.
func (b *Bundle) counts(r *rule, now time.Time) bool {
	if !r.active(now) {
		return false
	}
	if !r.sensitive() {
		return true
	}
	v, ok := b.reviewed[r.id]
	return ok && !now.Before(v.On)
}

// ruleSpan is the time around now in which the same rules count.
func (b *Bundle) ruleSpan(now time.Time) span {
	var s span
	for _, m := range b.moments {
		s = s.cut(m, now)
	}
	return s
}
