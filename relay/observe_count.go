package relay

import (
	"cmp"
	"slices"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/relay/dashboard"
	"github.com/entente-relay/entente/relay/journal"
)

// observedCount adds up what the journal says of an observed peer.
type observedCount struct {
	out           dashboard.Observed
	kept, removed map[observedKey]*dashboard.ObservedRule
}

type observedKey struct{ reason, rule string }

func newObservedCount() *observedCount {
	return &observedCount{kept: map[observedKey]*dashboard.ObservedRule{}, removed: map[observedKey]*dashboard.ObservedRule{}}
}

// message adds one message.
func (c *observedCount) message(m *journal.SentMessage) {
	if m.Link != 0 {
		c.out.Messages++
	}
	for i := range m.Objects {
		c.object(&m.Objects[i])
	}
}

func (c *observedCount) object(o *journal.SentObject) {
	c.out.Judged++
	switch o.Verdict {
	case federation.Share:
		c.out.Shared++
		return
	case federation.Redact:
		c.out.Redacted++
		for _, r := range o.Removed {
			add(c.removed, r.Reason, r.Rule, "", string(o.ID)+" "+string(r.Path))
		}
		return
	case federation.Hold:
		c.out.Held++
	default:
		c.out.Withheld++
	}
	if len(o.Cited) > 0 {
		add(c.kept, o.Cited[0].Reason, o.Cited[0].Rule, o.Cited[0].Basis, string(o.ID))
	}
}

func add(to map[observedKey]*dashboard.ObservedRule, reason federation.Reason, rule journal.Token, basis journal.Label, example string) {
	k := observedKey{string(reason), string(rule)}
	if to[k] == nil {
		to[k] = &dashboard.ObservedRule{Reason: k.reason, Rule: k.rule, Basis: string(basis), Example: example}
	}
	to[k].Count++
}

// into writes what was counted.
func (c *observedCount) into(o *dashboard.Observed) {
	o.Messages, o.Judged, o.Shared, o.Redacted, o.Withheld, o.Held = c.out.Messages, c.out.Judged, c.out.Shared, c.out.Redacted, c.out.Withheld, c.out.Held
	o.Rules, o.Removed = sortedRules(c.kept), sortedRules(c.removed)
}

func sortedRules(m map[observedKey]*dashboard.ObservedRule) []dashboard.ObservedRule {
	out := []dashboard.ObservedRule{}
	for _, r := range m {
		out = append(out, *r)
	}
	slices.SortFunc(out, func(a, b dashboard.ObservedRule) int {
		return cmp.Or(b.Count-a.Count, cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Reason, b.Reason))
	})
	return out
}
