package policy

import (
	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/stix"
)

// Evidence lists, for each property that a rule denied, what was found in it and
// why we think so, surest first: "personal, content: e-mail address"; a guess is
// said to be one. It names kinds of content, never the content. It is found
// anew, so it is for those who explain, not for those who decide.
func (d Decision) Evidence() map[string][]string {
	if !d.Valid() || d.Verdict() == federation.Share {
		return nil
	}
	gone := map[string]bool{}
	for i, class := range d.subject.classOf {
		if len(d.outcome.denied) > int(class) && len(d.outcome.denied[class]) > 0 {
			gone[d.subject.units[i].Path] = true
		}
	}
	if len(gone) == 0 {
		return nil
	}
	out := map[string][]string{}
	found := stix.CategorizeAmong(d.subject.object, d.subject.units, d.subject.among)
	for _, unsure := range [...]bool{false, true} {
		for _, f := range found {
			if f.Unsure == unsure && gone[f.Path] {
				out[f.Path] = append(out[f.Path], evidence(f))
			}
		}
	}
	return out
}

func evidence(f stix.Finding) string {
	s := string(f.Category) + ", " + f.Evidence
	if f.Unsure {
		s += " (a guess)"
	}
	return s
}
