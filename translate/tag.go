package translate

import "strings"

// ShortForms returns the further spellings of a machine tag that mean the same
// within its scheme. For rsit:fraud="phishing" these are the bare value and
// rsit:phishing, which producers write although the MISP standard
// (draft-dulaunoy-misp-taxonomy-format) does not know it; for rsit:fraud the
// bare predicate. What is no machine tag has none.
func ShortForms(tag string) []string {
	namespace, rest, ok := strings.Cut(tag, ":")
	if !ok || rest == "" {
		return nil
	}
	predicate, value, ok := strings.Cut(rest, `="`)
	value, closed := strings.CutSuffix(value, `"`)
	if !ok || !closed || value == "" {
		return []string{rest}
	}
	if value == predicate {
		return []string{value}
	}
	return []string{value, namespace + ":" + value}
}
