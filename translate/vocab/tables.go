package vocab

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/entente-relay/entente/translate"
)

// place identifies a vocabulary within a file.
type place struct{ scheme, version string }

// readTerms reads a table of words. A table may speak of several schemes; each
// becomes a vocabulary, in the order of their first rows.
func readTerms(f *source, rows []row, flt *faults) []translate.Vocabulary {
	var vs []translate.Vocabulary
	index := map[place]int{}
	concepts := map[place]map[[2]string]int{}
	for _, r := range rows {
		p := place{r.get("scheme"), r.get("version")}
		if p.scheme == "" || p.version == "" || r.get("notation") == "" {
			flt.add(r.line, "scheme, version or notation is empty", "name the scheme, its version and the concept in every row")
			continue
		}
		if _, ok := index[p]; !ok {
			index[p] = len(vs)
			concepts[p] = map[[2]string]int{}
			vs = append(vs, translate.Vocabulary{Scheme: p.scheme, Version: p.version})
		}
		v := &vs[index[p]]
		id := [2]string{r.get("list"), r.get("notation")}
		i, ok := concepts[p][id]
		if !ok {
			i = len(v.Concepts)
			concepts[p][id] = i
			v.Concepts = append(v.Concepts, newConcept(f, r))
		}
		addLabel(&v.Concepts[i], f, r, flt)
		addSource(v, r.get("source"))
	}
	return vs
}

// addSource notes one more source of a table, which names them row by row.
func addSource(v *translate.Vocabulary, source string) {
	switch {
	case source == "" || slices.Contains(strings.Split(v.Source, sourceBreak), source):
	case v.Source == "":
		v.Source = source
	default:
		v.Source += sourceBreak + source
	}
}

// sourceBreak stands between the sources of a vocabulary.
const sourceBreak = "; "

// newConcept makes the concept that a row is the first to name.
func newConcept(f *source, r row) translate.Concept {
	return translate.Concept{
		ID: r.get("notation"), List: r.get("list"), Kind: translate.Kind(r.get("kind")), Short: translate.ShortForms(r.get("notation")),
		Source: r.get("source"), Where: where(f.File, r.line),
	}
}

// addLabel adds the word of a row to its concept. A row without term only
// states the concept.
func addLabel(c *translate.Concept, f *source, r row, flt *faults) {
	switch {
	case string(c.Kind) != r.get("kind"):
		flt.add(r.line, fmt.Sprintf("%s is %s here and %s above", c.ID, r.get("kind"), c.Kind), "state one kind")
		return
	case r.get("source") == "":
		flt.add(r.line, "source is empty", "say who states this word")
		return
	case r.get("term") == "" && r.get("language") == "":
		return
	case r.get("term") == "" || r.get("language") == "":
		flt.add(r.line, "a term needs a language and a language a term", "fill in both, or neither to state only the concept")
		return
	}
	l := translate.Label{Text: r.get("term"), Language: r.get("language"), Relation: translate.Close, Source: r.get("source"), Where: where(f.File, r.line)}
	switch rank := r.get("rank"); rank {
	case "", "preferred":
		l.Rank, l.Relation = translate.Preferred, translate.Exact
	case "alternative":
		l.Rank = translate.Alternative
	case "hidden":
		l.Rank = translate.Hidden
	default:
		flt.add(r.line, fmt.Sprintf("unknown rank %q", rank), "use preferred, alternative or hidden")
		return
	}
	if stated := r.get("relation"); stated != "" {
		relation, err := translate.ParseRelation(stated)
		if err != nil {
			flt.add(r.line, err.Error(), "")
			return
		}
		l.Relation = relation
	}
	c.Labels = append(c.Labels, l)
}

// readMappings reads a table of mappings. They are grouped by where they lead,
// so that the list of vocabularies shows what a file speaks of.
func readMappings(f *source, rows []row, flt *faults) []translate.Vocabulary {
	var vs []translate.Vocabulary
	index := map[place]int{}
	for _, r := range rows {
		p := place{r.get("from_scheme"), r.get("from_version")}
		if p.scheme == "" || r.get("from") == "" || r.get("to_scheme") == "" || r.get("source") == "" {
			flt.add(r.line, "from_scheme, from, to_scheme or source is empty", "fill in all four")
			continue
		}
		ms := newMappings(f, r, flt)
		if _, ok := index[p]; !ok {
			index[p] = len(vs)
			vs = append(vs, translate.Vocabulary{Scheme: p.scheme, Version: p.version})
		}
		v := &vs[index[p]]
		v.Mappings = append(v.Mappings, ms...)
		addSource(v, r.get("source"))
	}
	return vs
}

// newMappings makes the statements of one row: several where from is a range.
func newMappings(f *source, r row, flt *faults) []translate.Mapping {
	relation, err := translate.ParseRelation(r.get("relation"))
	if err != nil {
		flt.add(r.line, err.Error(), "")
		return nil
	}
	if (relation == translate.None) != (r.get("to") == "") {
		flt.add(r.line, "a row has a target or the relation none", "fill in to, or write none")
		return nil
	}
	kind := translate.Kind(r.get("kind"))
	m := translate.Mapping{
		From:     translate.Ref{Scheme: r.get("from_scheme"), Version: r.get("from_version"), List: r.get("from_list"), Kind: kind},
		To:       translate.Ref{Scheme: r.get("to_scheme"), Version: r.get("to_version"), List: r.get("to_list"), ID: r.get("to"), Kind: kind},
		Relation: relation, Source: r.get("source"), Note: r.get("note"), Where: where(f.File, r.line),
	}
	if k := r.get("to_kind"); k != "" {
		m.To.Kind = translate.Kind(k)
	}
	ids, err := expand(r.get("from"), kind)
	if err != nil {
		flt.add(r.line, err.Error(), "write a range of a confidence scale as 40..59")
		return nil
	}
	out := make([]translate.Mapping, len(ids))
	for i, id := range ids {
		out[i] = m
		out[i].From.ID = id
	}
	return out
}

// maxRange is the width of the widest range: the numbers of STIX confidence
// run from 0 to 100 (STIX 2.1, Appendix A).
const maxRange = 101

// expand turns a range of a confidence scale into its numbers; anything else
// is itself.
func expand(from string, kind translate.Kind) ([]string, error) {
	low, high, ok := strings.Cut(from, "..")
	if !ok || kind != translate.Confidence {
		return []string{from}, nil
	}
	a, errA := strconv.Atoi(low)
	b, errB := strconv.Atoi(high)
	if errA != nil || errB != nil || a < 0 || b < a || b-a >= maxRange {
		return nil, fmt.Errorf("%q is no range of numbers from 0 to 100", from)
	}
	var ids []string
	for n := a; n <= b; n++ {
		ids = append(ids, strconv.Itoa(n))
	}
	return ids, nil
}
