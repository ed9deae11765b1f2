package policy

import (
	"fmt"
	"maps"
	"slices"

	"github.com/cedar-policy/cedar-go/types"
)

// Effect says what a change may do to decisions.
type Effect string

// The effects. MayWiden is said of every change that is not proved to be one
// of the others.
const (
	Widens   Effect = "widens"     // something that was denied may be allowed
	MayWiden Effect = "may widen"  // nobody can say so from the text alone
	Narrows  Effect = "narrows"    // nothing that was denied is allowed
	Words    Effect = "words only" // no decision changes
)

// Difference is one change between two bundles.
type Difference struct {
	What   string   `json:"what"`   // rule, example, law, schema, tables or review
	ID     string   `json:"id"`     // of the rule; the fact of law
	Change string   `json:"change"` // added, removed or changed
	Effect Effect   `json:"effect"`
	Why    []string `json:"why,omitempty"`
	Where  string   `json:"where,omitempty"` // file:line:column of the rule
}

// Loosens reports whether anything that was denied may be allowed.
func (d Difference) Loosens() bool { return d.Effect != Narrows && d.Effect != Words }

// Diff lists what changes when after takes the place of before: rules, facts of
// law, schema, tables and reviews, by their text; then the examples of both that
// before denied and after allows.
func Diff(before, after *Bundle) []Difference {
	var out []Difference
	for _, r := range before.rules {
		if after.byID(r.id) == nil {
			out = append(out, Difference{What: "rule", ID: r.id, Change: "removed", Effect: r.gone(), Why: []string{r.effect() + ": " + r.text}, Where: r.where()})
		}
	}
	for _, r := range after.rules {
		old := before.byID(r.id)
		if old == nil {
			e := Narrows
			if r.permit {
				e = Widens
			}
			out = append(out, Difference{What: "rule", ID: r.id, Change: "added", Effect: e, Why: []string{r.effect() + ": " + r.text}, Where: r.where()})
			continue
		}
		if c := changes(old, r); len(c) > 0 {
			out = append(out, Difference{What: "rule", ID: r.id, Change: "changed", Effect: strongest(c), Why: whys(c), Where: r.where()})
		}
	}
	out = append(out, diffReviews(before.reviewed, after.reviewed)...)
	out = append(out, diffFacts(before.lawFacts, after.lawFacts)...)
	if before.schema != after.schema {
		out = append(out, Difference{What: "schema", ID: schemaFile, Change: "changed", Effect: MayWiden,
			Why: []string{"which requests a rule is asked in, and with which facts, is written there"}})
	}
	if before.tables.Digest() != after.tables.Digest() {
		out = append(out, Difference{What: "tables", ID: "equivalence tables", Change: "changed", Effect: MayWiden,
			Why: []string{"what a marking is called abroad, and whether it may be called anything, is written there"}})
	}
	return append(out, freed(before, after)...)
}

func (r *rule) effect() string {
	if r.permit {
		return "permit"
	}
	return "forbid"
}

// gone is the effect of a rule's removal.
func (r *rule) gone() Effect {
	if r.permit {
		return Narrows
	}
	return Widens
}

// why is one thing that changed, and what it does.
type why struct {
	effect Effect
	text   string
}

func whys(list []why) []string {
	out := make([]string, len(list))
	for i, w := range list {
		out[i] = string(w.effect) + ": " + w.text
	}
	return out
}

// strongest is the effect of all of them together: the one that lets most out.
func strongest(list []why) Effect {
	for _, e := range []Effect{Widens, MayWiden, Narrows} {
		if slices.ContainsFunc(list, func(w why) bool { return w.effect == e }) {
			return e
		}
	}
	return Words
}

// changes compares two rules of the same id.
func changes(a, b *rule) []why {
	if a.permit != b.permit {
		return []why{{b.gone().turned(), "it was a " + a.effect() + ", now it is a " + b.effect()}}
	}
	out := scopeChanges(a, b)
	out = append(out, conditionChanges(a, b)...)
	out = append(out, dateChanges(a, b)...)
	return append(out, noteChanges(a, b)...)
}

// turned is the opposite effect.
func (e Effect) turned() Effect {
	switch e {
	case Widens:
		return Narrows
	case Narrows:
		return Widens
	}
	return e
}

// reaches is the effect of a rule that applies to more than before, or to less.
func (r *rule) reaches(more bool) Effect {
	if more == r.permit {
		return Widens
	}
	return Narrows
}

// scopeChanges compares whom, what and which requests two rules are about.
func scopeChanges(a, b *rule) []why {
	was, is := wordsOf(a.policy), wordsOf(b.policy)
	if was.scope == is.scope && slices.Equal(a.actions, b.actions) {
		return nil
	}
	more := func(x, y []types.EntityUID) bool {
		return slices.ContainsFunc(x, func(u types.EntityUID) bool { return !slices.Contains(y, u) })
	}
	added, removed := more(b.actions, a.actions), more(a.actions, b.actions)
	e := MayWiden
	if was.parties == is.parties && added != removed {
		e = b.reaches(added)
	}
	return []why{{e, fmt.Sprintf("it was about %s, now it is about %s", was.scope, is.scope)}}
}

// conditionChanges compares the clauses of two rules. Each clause more makes a
// rule apply to less.
func conditionChanges(a, b *rule) []why {
	was, is := wordsOf(a.policy).clauses, wordsOf(b.policy).clauses
	var added, removed []string
	for _, c := range is {
		if !slices.Contains(was, c) {
			added = append(added, c)
		}
	}
	for _, c := range was {
		if !slices.Contains(is, c) {
			removed = append(removed, c)
		}
	}
	var out []why
	for _, c := range removed {
		out = append(out, why{b.reaches(true), "no longer " + c})
	}
	for _, c := range added {
		out = append(out, why{b.reaches(false), "now " + c})
	}
	if len(added) > 0 && len(removed) > 0 {
		for i := range out {
			out[i].effect = MayWiden // one in place of the other: which is wider, no text tells
		}
	}
	return out
}

// dateChanges compares from when to when two rules count. An expired duty stays,
// so the end of a forbid changes nothing.
func dateChanges(a, b *rule) []why {
	var out []why
	if !a.since.Equal(b.since) {
		out = append(out, why{b.reaches(b.since.Before(a.since)), fmt.Sprintf("@since was %s, now %s", dayText(a.since), dayText(b.since))})
	}
	if !a.until.Equal(b.until) {
		e := Words
		if b.permit {
			e = b.reaches(b.until.IsZero() || !a.until.IsZero() && b.until.After(a.until))
		}
		out = append(out, why{e, fmt.Sprintf("@until was %s, now %s", dayText(a.until), dayText(b.until))})
	}
	return out
}

// noteChanges compares the other annotations. One that this code does not know
// to be mere words may widen.
func noteChanges(a, b *rule) []why {
	was, is := a.policy.Annotations(), b.policy.Annotations()
	var out []why
	keys := slices.AppendSeq(slices.Collect(maps.Keys(was)), maps.Keys(is))
	slices.Sort(keys)
	for _, key := range slices.Compact(keys) {
		old, value := string(was[key]), string(is[key])
		if old == value || key == "since" || key == "until" {
			continue
		}
		e := MayWiden
		switch {
		case hasWords(string(key)):
			e = Words
		case key == "effect" && value == "withhold", key == "public" && value != "yes":
			e = Narrows
		case key == "jurisdiction" && (old == "" || value == ""):
			e = b.reaches(value == "")
		}
		text := fmt.Sprintf("@%s was %q, now %q", key, old, value)
		if key == "effect" && e == MayWiden {
			text += ": a person may release what was withheld"
		}
		out = append(out, why{e, text})
	}
	return out
}

// freed lists the examples of either folder that before denied and after
// allows.
func freed(before, after *Bundle) []Difference {
	var out []Difference
	seen := map[string]bool{}
	all := slices.Concat(before.trials, after.trials)
	for i := range all {
		t := &all[i]
		if t.facts == nil || t.Kind == "missing" {
			continue
		}
		was, is := before.judge(t), after.judge(t)
		text := fmt.Sprintf("its %s example %d (%s) was %s, and is now %s", t.Kind, t.N, t.Action, was.words(), is.words())
		if was.allowed() || !is.allowed() || seen[t.Rule+text] {
			continue
		}
		seen[t.Rule+text] = true
		out = append(out, Difference{What: "example", ID: t.Rule, Change: "changed", Effect: Widens, Why: []string{text}})
	}
	return out
}
