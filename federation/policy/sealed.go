package policy

import (
	"slices"
	"strings"

	"github.com/entente-relay/entente/federation"
)

// What an origin sealed cannot be judged by what is in it. So it goes where two
// things hold: the rules let unread free text go there, which may be personal
// unless the origin says otherwise; and the origin names a key of the peer among
// those the value is for, as a reader or as one who carries it to a reader. A
// relay does not work out who might be on the way to whom: with an origin that
// named nobody, and a guess that was wrong, the value would be where it was not
// meant to be.

// sealedFor is the form in which a class of units keeps for whom it is.
func sealedFor(kids []string) string {
	sorted := slices.Clone(kids)
	slices.Sort(sorted)
	var b strings.Builder
	b.WriteString(sealedMark)
	for _, k := range sorted {
		if !strings.Contains(k, " ") {
			b.WriteString(k)
			b.WriteByte(' ')
		}
	}
	return b.String()
}

// holds reports whether one of the recipient's keys is among those of a class.
func (r *Recipient) holds(sealed string) bool {
	for kid := range strings.FieldsSeq(strings.TrimPrefix(sealed, sealedMark)) {
		if slices.Contains(r.encKeys, kid) {
			return true
		}
	}
	return false
}

// sealedCited says why a sealed property does not go.
func sealedCited() Cited {
	return Cited{Reason: federation.NotReleasable, Rule: "sealed-for-others", Basis: "what cannot be read cannot be judged", Kind: "custom", Class: ClassOrigin,
		Text: "The origin sealed this, and names no key of the recipient among those it is for."}
}
