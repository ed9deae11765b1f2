package relay

import (
	"slices"
	"strings"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/policy"
)

// flip is how two decisions on one object for one peer differ.
type flip struct {
	effect                  policy.Effect // Widens when more would go in any respect
	from, to                federation.Verdict
	rule, basis, reason, by string
	text                    string
	shown, removed          []string // paths that would go, and that would not, of an object that goes both times
}

// compare says how a decision differs from the one in force; ok is false when
// the peer gets the same.
func compare(is, would policy.Decision) (f flip, ok bool) {
	f = flip{effect: policy.Narrows, from: is.Verdict(), to: would.Verdict()}
	gone, stays := removedBy(is), removedBy(would)
	both := goes(f.from) && goes(f.to)
	if both {
		f.shown, f.removed = beyond(gone, stays), beyond(stays, gone)
	}
	switch {
	case both && len(f.shown)+len(f.removed) == 0, !both && f.from == f.to:
		return f, false
	case both && len(f.shown) > 0, !both && openness(f.to) > openness(f.from):
		f.effect = policy.Widens
	}
	f.name(is, would)
	return f, true
}

// name finds the rule to name: of what narrows, the one that denies now and did
// not; of what widens, the one that denied and does no longer, and the permission
// newly relied upon.
func (f *flip) name(is, would policy.Decision) {
	denies, other, paths := would, is, f.removed
	if f.effect == policy.Widens {
		denies, other, paths = is, would, f.shown
		for _, c := range would.Allowed() {
			if !cites(is.Allowed(), c.Rule) {
				f.by = c.Rule
				break
			}
		}
	}
	if len(paths) > 0 {
		for _, r := range denies.Removed() {
			if r.Path == paths[0] {
				f.rule, f.basis, f.reason, f.text = r.Rule, r.Basis, string(r.Reason), r.Text
				return
			}
		}
	}
	reasons := denies.Reasons()
	at := max(0, slices.IndexFunc(reasons, func(c policy.Cited) bool { return !cites(other.Reasons(), c.Rule) }))
	if at < len(reasons) {
		c := reasons[at]
		f.rule, f.basis, f.reason, f.text = c.Rule, c.Basis, string(c.Reason), c.Text
	}
}

func cites(list []policy.Cited, rule string) bool {
	return slices.ContainsFunc(list, func(c policy.Cited) bool { return c.Rule == rule })
}

func goes(v federation.Verdict) bool { return v == federation.Share || v == federation.Redact }

// openness orders verdicts by how much goes, now and after a person has looked.
func openness(v federation.Verdict) int {
	return slices.Index([]federation.Verdict{federation.Withhold, federation.Hold, federation.Redact, federation.Share}, v)
}

func removedBy(d policy.Decision) []string {
	var out []string
	for _, r := range d.Removed() {
		out = append(out, r.Path)
	}
	return out
}

// beyond lists the paths that are neither in other nor below one in it.
func beyond(paths, other []string) []string {
	var out []string
	for _, p := range paths {
		if !slices.ContainsFunc(other, func(q string) bool { return p == q || strings.HasPrefix(p, q+".") }) {
			out = append(out, p)
		}
	}
	return out
}
