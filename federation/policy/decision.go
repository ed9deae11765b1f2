package policy

import (
	"slices"
	"time"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/mapping"
)

// Wire classes of a removal: all that a peer learns about why something is
// missing. The rule itself stays in the sender's journal.
const (
	ClassPolicy  = "policy"
	ClassPrivacy = "privacy"
	ClassOrigin  = "origin"
)

// Decision is the answer for one object and one recipient. Only [Bundle] and
// [Relate] make one; it is bound to the object's digest, the peer and the
// bundle. The zero value is not valid.
type Decision struct {
	subject *Subject
	peer    string
	to      *Recipient
	outcome *outcome
	verdict federation.Verdict
	gone    []goneUnit // top-most units that do not go
	extra   []Cited    // reasons that only the object or the message has
	lifted  []Cited    // decisions of persons that took a rule out of the question
	own     bool       // it rests on something elsewhere that is this peer's alone
}

// outcome is what the engine found for a class of objects: shared between all
// decisions with the same inputs, never changed.
type outcome struct {
	bundle   [32]byte
	verdict  federation.Verdict
	reasons  []Cited
	allowed  []Cited
	denied   [][]Cited // by unit class; nil where it may go
	levels   []mapping.Outcome
	from, to string
	span     span
	standing string // of the recipient's terms
	names    bool   // the rules may ask who the recipient is
}

// goneUnit is a unit that is removed, with the rule to name for it.
type goneUnit struct {
	unit  int
	cited Cited
}

// Cited is a rule that took part in a decision, with what it cites.
type Cited struct {
	// Reason is the stable word; empty for a permission that was relied upon.
	Reason federation.Reason
	// Rule is the rule's id; Basis what it rests on; Kind the kind of basis:
	// statute, guidance, agreement or custom.
	Rule, Basis, Kind string
	// Text explains in a sentence: "Rule X, which cites Y: ...".
	Text string
	// Class is the wire class: policy, privacy or origin.
	Class string
	// Hold says that this alone would hold the object rather than withhold it.
	Hold bool
	// Public says that the rule's id may be told to the peer.
	Public bool
	// Claims is, for a permission that was relied upon, the id of the law whose
	// protection the release claims, "" for none.
	Claims string
	// Decision is the id of what persons decided, if they are the rule.
	Decision string

	others string // Text in further languages: see In
}

// Removed is one property that does not go, top-most only.
type Removed struct {
	// Path is the unit's path.
	Path string
	// Reason, Class, Rule, Basis and Text are those of the first rule that
	// denied it.
	Reason            federation.Reason
	Class             string
	Rule, Basis, Text string

	others string // as in Cited
}

// Valid reports whether d was made by a bundle; the zero value was not.
func (d Decision) Valid() bool { return d.outcome != nil && d.subject != nil && d.verdict.Valid() }

// Verdict returns share, redact, withhold or hold; an invalid decision is
// withheld.
func (d Decision) Verdict() federation.Verdict {
	if !d.Valid() {
		return federation.Withhold
	}
	return d.verdict
}

// goes reports whether anything of the object goes.
func (d Decision) goes() bool {
	v := d.Verdict()
	return v == federation.Share || v == federation.Redact
}

// Removed lists the properties that do not go, top-most only, in the order of
// the object's units; empty unless the verdict is redact.
func (d Decision) Removed() []Removed {
	if d.Verdict() != federation.Redact {
		return nil
	}
	out := make([]Removed, len(d.gone))
	for i, g := range d.gone {
		out[i] = Removed{Path: d.subject.units[g.unit].Path, Reason: g.cited.Reason, Class: g.cited.Class,
			Rule: g.cited.Rule, Basis: g.cited.Basis, Text: g.cited.Text, others: g.cited.others}
	}
	return out
}

// Reasons lists the rules that denied something, most decisive first; empty
// only when everything may go by the rules alone. Last come the decisions of
// persons that it rests on.
func (d Decision) Reasons() []Cited {
	if !d.Valid() {
		return nil
	}
	return slices.Concat(d.extra, d.outcome.reasons, d.lifted)
}

// Allowed lists the permissions that were relied upon: what the journal keeps
// of a release as its purpose and basis.
func (d Decision) Allowed() []Cited {
	if !d.Valid() {
		return nil
	}
	return slices.Clone(d.outcome.allowed)
}

// ByContent reports whether nothing but what the object holds, of persons,
// victims, customers or sources, keeps it or parts of it from the peer: not who
// may have it, nor what this node knows of it. What holds less of that, and is
// marked alike, may then be judged in its place. Of what waits for a person
// nothing is said: that is still to be decided.
func (d Decision) ByContent() bool {
	if v := d.Verdict(); !d.Valid() || v != federation.Withhold && v != federation.Redact {
		return false
	}
	if slices.ContainsFunc(d.extra, func(c Cited) bool { return c.Rule == nodeRule }) {
		return false
	}
	whole := d.outcome.denied == nil // the object was denied before its properties were asked about
	return !whole || !slices.ContainsFunc(d.outcome.reasons, func(c Cited) bool { return c.Class != ClassPrivacy })
}

// Digest returns the digest of the object the decision is on.
func (d Decision) Digest() [32]byte {
	if !d.Valid() {
		return [32]byte{}
	}
	return d.subject.digest
}

// Peer returns the participant the decision is for.
func (d Decision) Peer() string { return d.peer }

// From returns the marking as its origin wrote it, for display.
func (d Decision) From() string {
	if !d.Valid() {
		return ""
	}
	return d.outcome.from
}

// To returns the marking as the receiver would show it.
func (d Decision) To() string {
	if !d.Valid() {
		return ""
	}
	return d.outcome.to
}

// Levels returns what each level of the origin is at the recipient, or why it is
// nothing there: with the law that decided and the rows it rests on (law A16).
// Empty for what is not classified.
func (d Decision) Levels() []mapping.Outcome {
	if !d.Valid() {
		return nil
	}
	return slices.Clone(d.outcome.levels)
}

// Bundle returns the digest of the bundle that decided.
func (d Decision) Bundle() [32]byte {
	if !d.Valid() {
		return [32]byte{}
	}
	return d.outcome.bundle
}

// Until returns the next moment at which the decision may change; zero means
// never.
func (d Decision) Until() time.Time {
	if !d.Valid() {
		return time.Time{}
	}
	return d.outcome.span.to
}

// settle finds the units that a redaction removes: those of denied classes,
// and containers of which nothing would be left. If STIX does not allow the
// object without them, the object is withheld. With listed, every denied unit
// is listed and nothing else happens.
func (d *Decision) settle(listed bool) {
	units := d.subject.units
	cited := make([]*Cited, len(units))
	for i := range units {
		if c := d.outcome.denied[d.subject.classOf[i]]; len(c) > 0 {
			cited[i] = &c[0]
			if listed {
				d.gone = append(d.gone, goneUnit{i, c[0]})
			}
		}
	}
	if !listed {
		d.collect(cited)
	}
}

// collect turns the units marked as removed into the top-most ones, and
// withholds the object where a removal cannot be.
func (d *Decision) collect(cited []*Cited) {
	units := d.subject.units
	left := make([]int, len(units))
	first := make([]*Cited, len(units))
	for i := len(units) - 1; i >= 0; i-- { // parts before what holds them
		u := &units[i]
		if cited[i] == nil && u.Container && left[i] == 0 && first[i] != nil {
			cited[i] = first[i] // STIX forbids empty ones
		}
		if u.Parent < 0 {
			continue
		}
		if cited[i] != nil {
			if f := first[u.Parent]; f == nil || cited[i].Hold || !f.Hold {
				first[u.Parent] = cited[i]
			}
		} else {
			left[u.Parent]++
		}
	}
	d.gone = d.gone[:0]
	below := make([]bool, len(units)) // a removed unit holds it
	var paths []string
	for i := range units {
		if p := units[i].Parent; p >= 0 {
			below[i] = below[p] || cited[p] != nil
		}
		if cited[i] != nil && !below[i] {
			d.gone = append(d.gone, goneUnit{i, *cited[i]})
			paths = append(paths, units[i].Path)
		}
	}
	if len(paths) > 0 && d.subject.object.Lacks(paths...) != "" {
		// Each could go alone, all of them not. Where one of them only waits,
		// so does the object.
		at := max(0, slices.IndexFunc(d.gone, func(g goneUnit) bool { return g.cited.Hold }))
		d.withhold(d.gone[at].cited)
	}
}

// withhold turns the decision into one that lets nothing out.
func (d *Decision) withhold(c Cited) {
	d.verdict, d.gone = federation.Withhold, nil
	if c.Hold {
		d.verdict = federation.Hold
	}
	if !slices.Contains(d.outcome.reasons, c) {
		d.extra = append(slices.Clip(d.extra), c)
	}
}
