package scheme

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/entente-relay/entente/mapping"
)

// Query asks what a label is in another scheme.
type Query struct {
	Label string
	From  string    // scheme id, country, "eu", "nato", "tlp", "tlp-1.0", "tlp-2.0", "pap", in any case
	To    string    // the same
	Date  time.Time // when the marking was made; zero is Now
	Now   time.Time
}

// End is one side of an Answer. Level and Label are empty where there is none.
type End struct {
	Scheme string `json:"scheme"`
	Level  string `json:"level"` // the scheme's code, or "not-classified"
	Label  string `json:"label"`
}

// notClassified is the level of an End that states none.
const notClassified = "not-classified"

// Answer is the answer to a Query, in the shape that is printed as JSON.
type Answer struct {
	Outcome  string   `json:"outcome"` // "mapped", "hold" or "refused"
	From     End      `json:"from"`
	To       End      `json:"to"`
	Law      string   `json:"law"`
	Tables   []string `json:"tables"`
	Rows     []string `json:"rows"`     // name and file:line of each row used
	Accepted []string `json:"accepted"` // unverified names that count because the operator accepted them
	Reason   string   `json:"reason"`   // one or two sentences

	Unaccepted []string `json:"unaccepted,omitempty"` // unverified names that would answer if they were accepted

	// What the words beside the level say. Absent where the marking has none; a
	// release list that is there and empty lets nobody have it.
	ReleasableTo []string `json:"releasable_to,omitzero"`
	Compartments []string `json:"compartments,omitempty"`
	Caveats      []string `json:"caveats,omitempty"`

	Kind  mapping.OutcomeKind `json:"-"`
	Cause mapping.Cause       `json:"cause"` // "" when mapped
}

// Answer reads the label, with what stands beside it, and maps its level. A country stands for its schemes in
// force at the date of the query: of several the label decides on the side it
// comes from, and the tables on the side it goes to; what stays ambiguous is
// refused. A scheme's word for "not classified" needs no table: it becomes the
// other scheme's word, which states no level either.
func (t *Tables) Answer(q Query) Answer {
	if q.Date.IsZero() {
		q.Date = q.Now
	}
	read, err := t.readLine(q.From, q.Label, q.Date)
	if err != nil {
		return faulted(q, err)
	}
	from := read.in
	targets := t.named(q.To)
	if len(targets) == 0 {
		return faulted(q, &mapping.Fault{
			Cause: mapping.UnknownScheme, Law: "A8", What: q.To, Text: "no loaded scheme, country or body has this name",
			Hint: "list them with `entente schemes`" + didYouMean(q.To, sortedKeys(t.names)),
		})
	}
	if len(read.handling.Levels) == 0 {
		return t.noLevel(q, from, targets).with(read.handling)
	}
	rank := read.handling.Levels[0].Rank
	created, now := t.start(t.epoch(q.Date)), t.start(t.epoch(q.Now))
	o := t.outcome(from, rank, targets, q.To, created, now, q.Date)
	a := Answer{
		Outcome: o.Kind.String(), Kind: o.Kind, Cause: o.Cause, Law: o.Law, Reason: o.Text,
		From:   End{from.ID, from.rung(rank).Code, q.Label},
		To:     End{o.To.Scheme, o.To.Code, o.To.Label},
		Tables: notNil(o.Tables), Rows: notNil(o.Rows), Accepted: notNil(o.Accepted), Unaccepted: o.Unaccepted,
	}
	if a.To.Scheme == "" {
		a.To.Scheme = only(targets, q)
	}
	return a.with(read.handling)
}

// with returns the answer with what stands beside the level.
func (a Answer) with(h mapping.Handling) Answer {
	if h.Releasable.Restricted() {
		a.ReleasableTo = notNil(h.Releasable.Members())
	}
	a.Compartments, a.Caveats = h.Compartments, h.Caveats
	return a
}

// only names the one target in force at the date of the query, or what was
// asked for when there is none or a choice.
func only(targets []*ladder, q Query) string {
	id := ""
	for _, l := range targets {
		if l.inForce(q.Date) {
			if id != "" {
				return q.To
			}
			id = l.ID
		}
	}
	if id == "" {
		return q.To
	}
	return id
}

// noLevel answers for a word that says "not classified".
func (t *Tables) noLevel(q Query, from *ladder, targets []*ladder) Answer {
	a := refusedAnswer(q, "", "")
	a.From = End{from.ID, notClassified, q.Label}
	live := slices.DeleteFunc(slices.Clone(targets), func(l *ladder) bool { return !l.inForce(q.Date) })
	if len(live) == 0 {
		a.Law, a.Cause, a.Reason = "A10", mapping.NotInForce, notInForce(q.To, targets)
		return a
	}
	targets = live
	if i := slices.IndexFunc(targets, func(l *ladder) bool { return len(l.NotClassified) > 0 }); i > 0 {
		targets = targets[i:]
	}
	to := targets[0]
	if from.Axis != to.Axis {
		a.Law, a.Cause = "A3", mapping.DifferentAxis
		a.Reason = fmt.Sprintf("%s states %s and %s states %s; neither pays for the other.", from.ID, from.Axis, to.ID, to.Axis)
		return a
	}
	a.Outcome, a.Kind, a.Law = mapping.Mapped.String(), mapping.Mapped, "A1"
	a.To = End{Scheme: to.ID, Level: notClassified}
	a.Reason = fmt.Sprintf("%s says that there is no level, so there is none to map; audience and policy decide.", q.Label)
	if len(to.NotClassified) > 0 {
		a.To.Label = to.NotClassified[0]
	} else {
		a.Reason += " " + to.ID + " has no word for it; the origin's word is kept."
	}
	return a
}

// faulted is the answer when label or scheme were not understood.
func faulted(q Query, err error) Answer {
	fault, ok := errors.AsType[*mapping.Fault](err)
	if !ok {
		return refusedAnswer(q, "A8", err.Error())
	}
	a := refusedAnswer(q, fault.Law, fault.Error())
	a.Cause = fault.Cause
	return a
}

// refusedAnswer is an answer without a level on the other side.
func refusedAnswer(q Query, law, reason string) Answer {
	return Answer{
		Outcome: mapping.Refused.String(), Law: law, Reason: reason,
		From: End{Scheme: q.From, Label: q.Label}, To: End{Scheme: q.To},
		Tables: []string{}, Rows: []string{}, Accepted: []string{},
	}
}

// notNil makes an absent list an empty one, so that JSON shows [].
func notNil(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}
