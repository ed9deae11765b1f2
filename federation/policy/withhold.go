package policy

import (
	"time"

	"github.com/entente-relay/entente/federation"
)

// nodeRule is the rule named for what the node itself keeps back.
const nodeRule = "held-here"

// Withhold makes a restrictive decision on the node's own account: an object
// that it held or refused when it came in does not go to a peer, whatever the
// rules would say. v is Withhold or Hold; anything else withholds, so that no
// caller can release by this way.
func (b *Bundle) Withhold(s *Subject, to *Recipient, v federation.Verdict, r federation.Reason, text string, now time.Time) Decision {
	if v != federation.Hold {
		v = federation.Withhold
	}
	d := b.Decide(s, to, now)
	d.verdict, d.gone, d.lifted = v, nil, nil
	d.extra = []Cited{{Reason: r, Rule: nodeRule, Basis: "this node's own judgement at its border", Kind: "custom",
		Text: text, Class: ClassPolicy, Hold: v == federation.Hold}}
	return d
}
