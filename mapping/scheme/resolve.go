package scheme

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/entente-relay/entente/mapping"
)

// Standing says what kind of word a label is in its scheme.
type Standing uint8

// The standings. The zero value is no standing at all.
const (
	Unknown      Standing = iota // comes with an error
	Classified                   // a level of the scheme, or a handling word treated as one
	Unclassified                 // the scheme's word for "not classified": no level
)

// Resolve finds what a label means. The scheme is named by its id, a country,
// a body ("eu", "nato") or a family ("tlp"), in any case; a label given with a
// scheme id resolves in that scheme only. Without a name the label must mean
// something in exactly one loaded scheme (law A9). at is when the marking was
// made: a scheme, or a level, not in force then is refused (law A10). The zero time
// is of what has no date: then the label must mean one thing at any time, and its
// level counts as made before the first dated change, under every table since.
//
// Labels are compared after NFC, case folding and normalising of blanks;
// look-alikes are unknown. Handling words (DIFFUSION RESTREINTE,
// OFFICIAL-SENSITIVE, FOUO) are Classified: levels that no table need name,
// never unclassified. The error is a *mapping.Fault.
//
// A scheme that is not verified resolves all the same: its words are
// understood, and Map decides what they may become.
func (t *Tables) Resolve(name, label string, at time.Time) (mapping.Level, Standing, error) {
	l, r, err := t.resolve(name, label, at)
	if err != nil {
		return mapping.Level{}, Unknown, err
	}
	if r.none {
		return mapping.Level{}, Unclassified, nil
	}
	return mapping.Level{
		Scheme: l.ID, Country: l.Country, Code: l.rung(r.rank).Code, Label: label, Rank: r.rank,
		Created: t.start(t.epoch(at)),
	}, Classified, nil
}

// Level reads "scheme/level", as ceilings and consents are written: a scheme
// id, and the code or the label of one of its levels in force at the time. A
// code ("pl-national/R") is this project's name for a rung, so it is taken
// from an operator here, and never from an origin's marking by [Tables.Resolve].
// The error is a *mapping.Fault.
func (t *Tables) Level(name string, at time.Time) (mapping.Level, error) {
	id, label, _ := strings.Cut(name, "/")
	l := t.byID[strings.ToLower(id)]
	if l == nil {
		return mapping.Level{}, &mapping.Fault{
			Cause: mapping.UnknownScheme, Law: "A8", What: name, Text: "it does not begin with the id of a loaded scheme",
			Hint: "write scheme/level, such as de-vs/VS-NfD" + didYouMean(id, sortedKeys(t.byID)),
		}
	}
	if rank := l.byCode[label]; rank != 0 {
		label = l.rung(rank).Label
	}
	level, standing, err := t.Resolve(l.ID, label, at)
	if err == nil && standing != Classified {
		err = &mapping.Fault{Cause: mapping.UnknownLabel, Law: "A8", What: name, Text: "the word says that there is no level", Hint: "leave it out"}
	}
	return level, err
}

// resolve finds the one scheme in which the label means something.
func (t *Tables) resolve(name, label string, at time.Time) (*ladder, reading, error) {
	if l, ok := t.byID[name]; ok && l.readable(at) { // the usual case, without lists
		if r, ok := l.find(label); ok && r.usable(l, at) {
			return l, r, nil
		}
	}
	candidates := t.ladders
	if name != "" {
		if candidates = t.named(name); len(candidates) == 0 {
			return nil, reading{}, &mapping.Fault{
				Cause: mapping.UnknownScheme, Law: "A8", What: name, Text: "no loaded scheme, country or body has this name",
				Hint: "list them with `entente schemes`" + didYouMean(name, sortedKeys(t.names)),
			}
		}
	}
	var found []*ladder
	var past []string    // why it does not count at this date
	var partial []string // what it needs before it is a level
	for _, l := range candidates {
		r, ok := l.find(label)
		switch {
		case !ok:
		case r.partial != nil:
			if l.readable(at) {
				partial = append(partial, l.ID+" has no such level alone: "+r.partial.note)
			}
		case !l.readable(at) || !r.usable(l, at):
			past = append(past, r.whyNot(l, at))
		default:
			found = append(found, l)
		}
	}
	if at.IsZero() {
		found = newestOfOneWord(found, label)
	}
	switch {
	case len(found) == 1 && len(partial) == 0:
		r, _ := found[0].find(label)
		return found[0], r, nil
	case len(partial) > 0 && (len(found) > 0 || len(past) == 0):
		if len(found) > 0 {
			partial = append(partial, "it means something in "+idsOf(found))
		}
		return nil, reading{}, &mapping.Fault{
			Cause: mapping.Ambiguous, Law: "A9", What: label, Text: strings.Join(partial, "; "), Hint: "write the whole mark and name the scheme",
		}
	case len(found) > 1:
		return nil, reading{}, &mapping.Fault{
			Cause: mapping.Ambiguous, Law: "A9", What: label,
			Text: "it means something in " + idsOf(found), Hint: "name the scheme",
		}
	case len(past) > 0:
		return nil, reading{}, &mapping.Fault{
			Cause: mapping.NotInForce, Law: "A10", What: label,
			Text: fmt.Sprintf("not valid on %s: %s", at.UTC().Format(time.DateOnly), strings.Join(append(past, partial...), "; ")),
			Hint: "give the scheme and date under which it was marked",
		}
	}
	return nil, reading{}, unknownLabel(label, name, candidates)
}

// readable reports whether the scheme may have been that of a marking made at a
// time. The zero time is that of what states none, such as an observable: any
// scheme may then be meant, so that only a word of one of them is understood.
func (l *ladder) readable(at time.Time) bool { return at.IsZero() || l.inForce(at) }

// newestOfOneWord keeps, of schemes that follow each other and have a label as
// the same handling word, the newest: no date is needed to know what it says.
func newestOfOneWord(found []*ladder, label string) []*ladder {
	for _, l := range found {
		r, _ := l.find(label)
		older := slices.IndexFunc(found, func(o *ladder) bool { return o.ID == l.Replaces })
		if older < 0 || r.rank == 0 || !l.rung(r.rank).Handling {
			continue
		}
		o, _ := found[older].find(label)
		if g := found[older].rung(max(o.rank, 1)); o.rank != 0 && g.Handling && g.Code == l.rung(r.rank).Code {
			found = slices.Delete(slices.Clone(found), older, older+1)
		}
	}
	return found
}

// usable reports whether the word may be used at a time within its scheme.
func (r reading) usable(l *ladder, at time.Time) bool {
	switch {
	case r.retired != nil, r.partial != nil:
		return false
	case r.none:
		return true
	}
	g := l.rung(r.rank)
	return at.IsZero() || during(at, g.From, g.Until)
}

// whyNot says why a word does not count at a time.
func (r reading) whyNot(l *ladder, at time.Time) string {
	switch {
	case r.retired != nil:
		s := "it was retired from " + l.ID
		if r.retired.until != "" {
			s += ", last day " + r.retired.until
		}
		if r.retired.note != "" {
			s += " (" + r.retired.note + ")"
		}
		return s
	case !l.readable(at):
		return fmt.Sprintf("%s is valid %s", l.ID, span(l.From, l.Until))
	}
	g := l.rung(r.rank)
	return fmt.Sprintf("%s of %s is valid %s", g.Label, l.ID, span(g.From, g.Until))
}

// span words a period for people, with its last day.
func span(from, until time.Time) string {
	last := until.AddDate(0, 0, -1).Format(time.DateOnly)
	switch {
	case from.IsZero():
		return "until " + last
	case until.IsZero():
		return "from " + from.Format(time.DateOnly) + " on"
	}
	return "from " + from.Format(time.DateOnly) + " to " + last
}

// unknownLabel is the fault for a label that no candidate knows. The hint is
// for the person who reads it; nothing is guessed.
func unknownLabel(label, name string, candidates []*ladder) *mapping.Fault {
	f := &mapping.Fault{Cause: mapping.UnknownLabel, Law: "A8", What: label, Text: "no loaded scheme has this label"}
	if name == "" {
		f.Hint = "name the scheme, or check the spelling letter by letter"
		return f
	}
	f.Text = "no such label in " + idsOf(candidates)
	f.Hint = "look-alike letters and other dashes do not match"
	var known []string
	for _, l := range candidates {
		known = append(known, l.spellings()...)
	}
	if len(label) <= maxLabel {
		f.Hint += didYouMean(strings.ToUpper(label), known)
	}
	return f
}

// idsOf lists scheme ids for people.
func idsOf(ladders []*ladder) string {
	ids := make([]string, len(ladders))
	for i, l := range ladders {
		ids[i] = l.ID
	}
	return strings.Join(ids, ", ")
}
