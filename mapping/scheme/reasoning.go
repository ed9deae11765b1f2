package scheme

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/entente-relay/entente/mapping"
)

// laws are the laws of the classification reference that an answer can name, in
// a sentence each.
var laws = map[string]string{
	"A1":  "no mapping lowers a level: in the table that was used the answer stands no lower than the question",
	"A2":  "a higher level never maps to a lower one",
	"A3":  "secrecy, audience and use are independent: none pays for another",
	"A6":  "back at its origin a marking is what the origin wrote",
	"A7":  "what has no equivalent is rounded up by a stated rule or refused, and never read as unclassified",
	"A8":  "what is not understood is refused or held; there is no default",
	"A9":  "a label that several authorities use is refused without an authority",
	"A10": "the tables in force when the marking was made and those of now are both asked, and the more protective answer counts",
	"A14": "where a table leaves the choice to people, no relay picks",
	"A15": "an equivalence is no permission to send",
}

// Reasoning returns the answer to a query and how it came about, a sentence
// each: how the marking was read and by whose rules, the rows that were used
// with their sources, the law that decided, and what can be done about a
// refusal. "Accept" in a sentence is [Tables.Accept].
func (t *Tables) Reasoning(q Query) (Answer, []string) {
	if q.Date.IsZero() {
		q.Date = q.Now
	}
	a := t.Answer(q)
	var out []string
	read, err := t.readLine(q.From, q.Label, q.Date)
	if err == nil {
		out = append(out, t.howRead(q, read)...)
	} else {
		out = append(out, fmt.Sprintf("The marking %q could not be read as one of %s, made on %s.", q.Label, orAny(q.From), day(q.Date)))
	}
	told := map[string]bool{} // tables whose scope was told
	for _, row := range a.Rows {
		out = append(out, t.rowSentences(row, told)...)
	}
	for _, name := range a.Unaccepted {
		out = append(out, t.waiting(name)...)
	}
	out = append(out, fmt.Sprintf("Result: %s. %s", a.Outcome, sentence(a.Reason)))
	if text, ok := laws[a.Law]; ok {
		out = append(out, fmt.Sprintf("Law %s: %s.", a.Law, text))
	}
	if can := t.whatHelps(a); can != "" {
		out = append(out, "What can be done: "+can)
	}
	return a, out
}

// orAny words the absence of a scheme.
func orAny(name string) string {
	if name == "" {
		return "any one scheme"
	}
	return name
}

// sentence ends a text with a full stop.
func sentence(s string) string { return strings.TrimSuffix(s, ".") + "." }

// howRead says what the marking is, by whose rules, and what stands beside it.
func (t *Tables) howRead(q Query, read lineRead) []string {
	l := read.in
	h := read.handling
	var out []string
	switch {
	case len(h.Levels) == 0:
		out = append(out, fmt.Sprintf("%q is a word of %s for what is not classified: it states no level, and is no permission to publish.", q.Label, l.ID))
	case l.rung(h.Levels[0].Rank).Handling:
		g := l.rung(h.Levels[0].Rank)
		out = append(out, fmt.Sprintf("%q is read as %s of %s (%s, %s): a handling word, which is no classification and not unclassified either.", q.Label, g.Label, l.ID, g.Means, g.Where))
	default:
		g := l.rung(h.Levels[0].Rank)
		out = append(out, fmt.Sprintf("%q is read as %s of %s, level %d of %d (%s, %s).", q.Label, g.Label, l.ID, l.step(h.Levels[0].Rank), l.step(len(l.Rungs)), g.Means, g.Where))
	}
	if h.Releasable.Restricted() {
		out = append(out, fmt.Sprintf("The words beside it let only %s have it.", h.Releasable))
	}
	if len(h.Compartments) > 0 {
		out = append(out, fmt.Sprintf("It is in the compartment %s: only who is read into it may have it.", strings.Join(h.Compartments, ", ")))
	}
	if len(h.Caveats) > 0 {
		out = append(out, fmt.Sprintf("It bears %s, which only people can apply.", strings.Join(h.Caveats, ", ")))
	}
	out = append(out, fmt.Sprintf("Authority: %s. The scheme (%s) is valid %s, and was in force when the marking was made, on %s.",
		l.Authority, l.Where, valid(l.From, l.Until), day(q.Date)))
	return append(out, t.standsOn("The scheme", l.Verified, t.accepted[l.ID], l.Sources))
}

// step counts the classifications up to a rank: handling words are no steps of
// the ladder.
func (l *ladder) step(rank int) int {
	n := 0
	for _, g := range l.Rungs[:rank] {
		if !g.Handling {
			n++
		}
	}
	return n
}

// valid words a period; both ends may be open.
func valid(from, until time.Time) string {
	if from.IsZero() && until.IsZero() {
		return "without a first or last day on record"
	}
	return span(from, until)
}

// standsOn says what an entry rests on, and whether it counts.
func (t *Tables) standsOn(what string, verified, accepted bool, ids []string) string {
	on := t.documents(ids)
	switch {
	case verified:
		return fmt.Sprintf("%s was read in its source: %s.", what, on)
	case accepted:
		return fmt.Sprintf("%s was not verified and counts because the operator accepted it by name. It rests on %s.", what, on)
	}
	return fmt.Sprintf("%s was not verified and does not count until the operator accepts it by name. It rests on %s.", what, on)
}

// documents names sources in full.
func (t *Tables) documents(ids []string) string {
	docs := make([]string, len(ids))
	for i, id := range ids {
		docs[i] = t.Source(id).String()
	}
	return strings.Join(docs, "; ")
}

// rowSentences says which row of which table was used.
func (t *Tables) rowSentences(row string, told map[string]bool) []string {
	name, where, _ := strings.Cut(row, " ")
	if r := t.about.rows[where]; r != nil {
		id, _, _ := strings.Cut(name, "/")
		table := t.table(id)
		s := fmt.Sprintf("Row %s (%s) of %q says: %s.", name, where, table.Title, r.Says)
		if table.Scope != "" && !told[id] {
			told[id] = true
			s += " The table speaks of " + sentence(table.Scope)
		}
		accepted := t.accepted[r.Name] || t.accepted[id]
		return []string{s, t.standsOn("The row", r.Verified, accepted, r.Sources)}
	}
	table := t.about.tableAt[where]
	if table == nil {
		return []string{fmt.Sprintf("Row %s (%s) was used.", name, where)}
	}
	return []string{fmt.Sprintf("The table %s (%s), %q, has no row for it.", table.ID, where, table.Title),
		"The table rests on " + t.documents(table.Sources) + "."}
}

// waiting says what stands behind a name that does not count.
func (t *Tables) waiting(name string) []string {
	if l := t.byID[name]; l != nil {
		return []string{t.standsOn(fmt.Sprintf("The scheme %s (%s)", name, l.Where), l.Verified, false, l.Sources)}
	}
	for where, r := range t.about.rows {
		if r.Name == name {
			return []string{fmt.Sprintf("Row %s (%s) says: %s.", name, where, r.Says), t.standsOn("The row", r.Verified, false, r.Sources)}
		}
	}
	return nil
}

// table returns the description of a table.
func (t *Tables) table(id string) Table {
	if i := slices.IndexFunc(t.about.tables, func(x Table) bool { return x.ID == id }); i >= 0 {
		return t.about.tables[i]
	}
	return Table{ID: id}
}

// whatHelps says what an operator can do about an answer that is not mapped.
func (t *Tables) whatHelps(a Answer) string {
	switch a.Cause {
	case mapping.Unverified:
		return fmt.Sprintf("compare them with their sources, and write accept: [\"%s\"] in the configuration. They stay marked, and every result says so.", strings.Join(a.Unaccepted, `", "`))
	case mapping.NoEquivalent:
		return "nothing here: ask the originator for another marking, or put a table of your own, with its source, beside the shipped ones. `entente check` refuses one that lowers a level on any path."
	case mapping.NotInForce:
		return "give the day on which it was marked (--date), or ask the originator for a marking of today."
	case mapping.CaseByCase:
		return "ask the authority that the row names, and let two persons decide the case."
	case mapping.Ambiguous:
		return "name the scheme by its id; `entente schemes list` shows them."
	case mapping.UnknownLabel, mapping.UnknownScheme, mapping.UnknownMarking, mapping.Malformed:
		return "compare it letter by letter with `entente schemes show`; ask the originator what is meant. Nothing is guessed."
	case mapping.DifferentAxis:
		return "ask for each axis apart: TLP for the audience, PAP for the use, a classification for secrecy."
	}
	return ""
}
