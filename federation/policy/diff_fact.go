package policy

import (
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
)

// flatFacts writes the facts of law of a folder as one text for each place in
// a file, such as "adequacy.yaml decisions[KR].from". A list's entries go by
// their id or country, so that one more does not change the others.
func flatFacts(fsys fs.FS) (map[string]string, error) {
	names, err := fs.Glob(fsys, "*.yaml")
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, name := range names {
		raw, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, err
		}
		var v any
		if err := yaml.Unmarshal(raw, &v); err != nil {
			continue // whoever reads it as what it is says where
		}
		flatten(out, name+" ", v)
	}
	return out, nil
}

func flatten(out map[string]string, at string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for key, x := range v {
			flatten(out, strings.TrimSuffix(at, " ")+separator(at)+key, x)
		}
	case []any:
		used := map[string]int{}
		for _, x := range v {
			name := entryName(x)
			if used[name]++; used[name] > 1 {
				name = fmt.Sprintf("%s #%d", name, used[name])
			}
			flatten(out, at+"["+name+"]", x)
		}
	default:
		out[at] = fmt.Sprint(v)
	}
}

// separator stands between a place and a key in it.
func separator(at string) string {
	if strings.HasSuffix(at, " ") {
		return " "
	}
	return "."
}

// entryName is how an entry of a list is known again.
func entryName(v any) string {
	m, ok := v.(map[string]any)
	if !ok {
		return fmt.Sprint(v)
	}
	for _, key := range []string{"id", "country", "rule"} {
		if s, ok := m[key]; ok {
			return fmt.Sprint(s)
		}
	}
	return ""
}

// diffFacts compares facts of law. A rule may ask them either way round, so any
// of them may widen, but for what only people read.
func diffFacts(before, after map[string]string) []Difference {
	var out []Difference
	keys := slices.AppendSeq(slices.Collect(maps.Keys(before)), maps.Keys(after))
	slices.Sort(keys)
	for _, key := range slices.Compact(keys) {
		was, had := before[key]
		is, has := after[key]
		d := Difference{What: "law", ID: key, Change: "changed", Effect: MayWiden, Why: []string{fmt.Sprintf("%q, now %q", was, is)}}
		switch {
		case had && has && was == is:
			continue
		case !has:
			d.Change, d.Why = "removed", []string{fmt.Sprintf("%q", was)}
		case !had:
			d.Change, d.Why = "added", []string{fmt.Sprintf("%q", is)}
		}
		if last := key[strings.LastIndexAny(key, ". ")+1:]; slices.Contains([]string{"text", "title", "source"}, last) {
			d.Effect = Words
		}
		out = append(out, d)
	}
	return out
}

// diffReviews compares the operator's records of who read a rule: with one more,
// a permission counts that did not.
func diffReviews(before, after map[string]Review) []Difference {
	var out []Difference
	keys := slices.AppendSeq(slices.Collect(maps.Keys(before)), maps.Keys(after))
	slices.Sort(keys)
	for _, id := range slices.Compact(keys) {
		was, had := before[id]
		is, has := after[id]
		d := Difference{What: "review", ID: id, Change: "changed", Effect: Words,
			Why: []string{fmt.Sprintf("by %s on %s, now by %s on %s", was.By, dayText(was.On), is.By, dayText(is.On))}}
		switch {
		case had && has && was.By == is.By && was.On.Equal(is.On):
			continue
		case !has:
			d.Change, d.Effect, d.Why = "removed", Narrows, []string{fmt.Sprintf("by %s on %s", was.By, dayText(was.On))}
		case !had:
			d.Change, d.Effect, d.Why = "added", Widens, []string{fmt.Sprintf("by %s on %s", is.By, dayText(is.On))}
		case is.On.Before(was.On):
			d.Effect = Widens
		case is.On.After(was.On):
			d.Effect = Narrows
		}
		out = append(out, d)
	}
	return out
}

// dayText writes a day.
func dayText(t time.Time) string {
	if t.IsZero() {
		return "none"
	}
	return t.Format(time.DateOnly)
}
