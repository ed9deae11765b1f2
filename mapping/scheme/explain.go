package scheme

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/entente-relay/entente/mapping"
)

// refuse is a refused outcome without rows.
func refuse(from mapping.Level, cause mapping.Cause, law, text string) mapping.Outcome {
	return mapping.Outcome{Cause: cause, From: from, Law: law, Text: text}
}

func quote(s string) string { return fmt.Sprintf("%q", s) }

// day words a moment for people; the zero time is before every dated change.
func day(t time.Time) string {
	if t.IsZero() {
		return "the earliest date"
	}
	return t.UTC().Format(time.DateOnly)
}

// notInForce says when the schemes behind a name are valid.
func notInForce(name string, targets []*ladder) string {
	spans := make([]string, len(targets))
	for i, l := range targets {
		spans[i] = l.ID + " is valid " + span(l.From, l.Until)
	}
	return fmt.Sprintf("No scheme of %s is in force at that date: %s.", name, strings.Join(spans, ", "))
}

// same answers for the origin's own scheme: the label stays what it is (law
// A6).
func (t *Tables) same(l *ladder, rank int) mapping.Outcome {
	return mapping.Outcome{
		Kind: mapping.Mapped, To: t.level(l, rank), Law: "A6",
		Text: fmt.Sprintf("%s is the origin's own scheme: %s stays as it is.", l.ID, l.rung(rank).Label),
	}
}

// level is a rung as a level, in the scheme's own words.
func (t *Tables) level(l *ladder, rank int) mapping.Level {
	g := l.rung(rank)
	return mapping.Level{Scheme: l.ID, Country: l.Country, Code: g.Code, Label: g.Label, Rank: rank}
}

// explain words a result as an outcome.
func (t *Tables) explain(from *ladder, rank int, to *ladder, r result) mapping.Outcome {
	subject := fmt.Sprintf("%s (%s)", from.rung(rank).Label, from.ID)
	o := mapping.Outcome{Kind: r.kind, Law: r.law}
	for _, u := range r.rows {
		if !slices.Contains(o.Tables, u.rel.table) {
			o.Tables = append(o.Tables, u.rel.table)
		}
		o.Rows = append(o.Rows, u.cell.name+" "+u.cell.where)
	}
	o.Accepted = t.acceptedOf(from, to, r)
	var text []string
	switch {
	case !r.found && len(r.ignored) > 0:
		o.Kind, o.Cause, o.Law = mapping.Refused, mapping.Unverified, "A7"
		slices.Sort(r.ignored)
		o.Unaccepted = slices.Compact(slices.Clone(r.ignored))
		text = append(text, fmt.Sprintf("%s has an equivalent in %s only by what is not verified: accept %s by name to use it.",
			subject, to.ID, strings.Join(slices.Compact(r.ignored), ", ")))
	case r.ended:
		o.Kind, o.Cause, o.Law = mapping.Refused, mapping.NotInForce, "A10"
		text = append(text, fmt.Sprintf("The table that related %s to %s when the marking was made is no longer in force.", subject, to.ID))
	case !r.found:
		o.Kind, o.Cause, o.Law = mapping.Refused, mapping.NoEquivalent, "A7"
		text = append(text, fmt.Sprintf("No table in force relates %s to %s.", subject, to.ID))
	case r.kind == mapping.Refused:
		o.Cause = mapping.NoEquivalent
		text = append(text, fmt.Sprintf("%s has no equivalent in %s by %s.", subject, to.ID, strings.Join(o.Tables, " and ")))
	case r.kind == mapping.Hold:
		o.Cause = mapping.CaseByCase
		text = append(text, fmt.Sprintf("%s has no single equivalent in %s by %s; a person must decide.", subject, to.ID, strings.Join(o.Tables, " and ")))
	default:
		o.To = t.level(to, r.rank)
		text = append(text, fmt.Sprintf("%s is %s (%s)%s by %s.", subject, o.To.Label, to.ID, through(r), strings.Join(o.Tables, " and ")))
	}
	text = append(text, remarks(from, rank, r)...)
	if len(o.Accepted) > 0 {
		text = append(text, "Accepted by operator, unverified: "+strings.Join(o.Accepted, ", ")+".")
	}
	if o.Kind == mapping.Mapped && to.Axis == Secrecy {
		text = append(text, "An equivalence is no permission to send (A15).")
	}
	o.Text = strings.Join(text, " ")
	return o
}

// through names the pivot's level, if one was used.
func through(r result) string {
	if r.pivot == nil {
		return ""
	}
	return fmt.Sprintf(" through %s (%s)", r.pivot.rung(r.via).Label, r.pivot.ID)
}

// remarks are the sentences that rows bring along.
func remarks(from *ladder, rank int, r result) []string {
	var out []string
	if g := from.rung(rank); g.Handling && r.kind == mapping.Refused {
		out = append(out, fmt.Sprintf("%s is a handling word, not a classification, and not unclassified.", g.Label))
	}
	for _, u := range r.rows {
		k := u.cell
		if k.person != "" && r.kind == mapping.Hold {
			out = append(out, k.person)
		}
		if k.disputed != 0 && r.kind == mapping.Mapped {
			out = append(out, fmt.Sprintf("Two readings of the row exist, %s and %s; the higher counts until it is settled.",
				u.rel.to.rung(k.to[0]).Label, u.rel.to.rung(k.disputed).Label))
		}
		if k.roundUp && r.kind == mapping.Mapped {
			out = append(out, "The table states a higher level, because the like one does not exist.")
		}
		if k.note != "" {
			out = append(out, k.note)
		}
	}
	if r.law == "A10" && r.kind != mapping.Hold && !slices.ContainsFunc(r.rows, func(u used) bool { return u.cell.disputed != 0 }) {
		out = append(out, stricter(r))
	}
	return out
}

// stricter says which tables of the past count.
func stricter(r result) string {
	if r.since.IsZero() {
		return "The table in force when the marking was made protects more than the one of now, so it counts (A10)."
	}
	return "The table in force from " + day(r.since) + ", after the marking was made, protects more than the one of now, so it counts: an update never lowers (A10)."
}

// acceptedOf lists what a result rests on without being verified.
func (t *Tables) acceptedOf(from, to *ladder, r result) []string {
	if !r.found {
		return nil
	}
	var names []string
	for _, l := range []*ladder{from, r.pivot, to} {
		if l != nil && !l.Verified && t.accepted[l.ID] {
			names = append(names, l.ID)
		}
	}
	for _, u := range r.rows {
		if !u.cell.verified {
			names = append(names, u.cell.name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
