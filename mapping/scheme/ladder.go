package scheme

import (
	"time"
)

// Axis is what a scheme limits. The axes are independent (law A3).
type Axis string

// The axes.
const (
	Secrecy  Axis = "secrecy"  // classification: how well it must be protected
	Audience Axis = "audience" // TLP: who may have it
	Use      Axis = "use"      // PAP: what may be done with it
)

// Scheme describes one loaded scheme. Slices are read-only.
type Scheme struct {
	ID        string
	Country   string // ISO 3166-1 alpha-2 or "EU", "" for an organisation
	Body      string // the organisation when there is no country, such as "NATO"
	Family    string // editions of one scheme share it, such as "tlp"
	Axis      Axis
	Authority string
	Edition   time.Time // date of the edition that was read, zero if none is given
	From      time.Time // first moment of validity, zero if not limited
	Until     time.Time // first moment after validity, zero if not limited
	Replaces  string    // id of the scheme it took the place of
	Verified  bool      // read in the cited source
	Accepted  bool      // not verified, but accepted by the operator

	Rungs         []Rung   // least to most protected; Rank is the index plus 1
	NotClassified []string // words that state no level
	NeedsMore     []string // words that are no level without a second one
	Retired       []string // words no longer given out
	Caveats       []Caveat // additions to a level that the scheme knows
	Compartments  []Caveat // code words and special regimes the scheme knows
	Notes         []string
	Sources       []string // ids of the documents it rests on
	Where         string   // file:line
}

// Rung is one level of a scheme, or a handling word beside the levels.
type Rung struct {
	Code     string
	Label    string   // the mark; several languages are joined with "/"
	Also     []string // other spellings of the mark
	Means    string   // the sense in English
	Handling bool     // in use without being a classification; not unclassified either
	From     time.Time
	Until    time.Time
	Where    string // file:line
}

// Caveat is an addition to a level, or a compartment: a word by which the
// origin narrows who may have what it marked (trap T14). One that is neither
// Only, Nobody nor List has no meaning that a machine can apply.
type Caveat struct {
	Word     string
	Also     []string // other spellings
	Means    string   // the sense in English
	Only     []string // countries that alone may have it: ISO 3166-1 alpha-2
	Nobody   bool     // nothing may be handed over, only shown
	List     bool     // the countries that alone may have it follow the word
	Personal bool     // it says that there is personal data
	Person   bool     // beside what it does by itself, a person has to decide
	Regime   bool     // a compartment: a recipient is read into it, or has it not
	Sources  []string // ids of documents, when others than the scheme's
	Where    string   // file:line
}

// ladder is a compiled scheme.
type ladder struct {
	Scheme
	index  int
	adds   map[string]addition // normal form of a caveat or compartment
	byCode map[string]int      // code to rank
	labels map[string]reading  // normal form to meaning
	exact  map[string]reading  // spellings as they are usually written, to spare normalising
}

// reading is what a label means in a scheme.
type reading struct {
	rank    int      // 0 for a word that is no rung
	none    bool     // the word says "not classified"
	retired *retired // the word is no longer given out
	partial *retired // the word needs a second one before it is a level
}

// retired is a word of the past.
type retired struct {
	until string // last day as written, "" if not known
	note  string
}

// during reports whether t is within [from, until), where zero is no limit.
func during(t, from, until time.Time) bool {
	return (from.IsZero() || !t.Before(from)) && (until.IsZero() || t.Before(until))
}

// inForce reports whether the scheme is valid at t.
func (l *ladder) inForce(t time.Time) bool { return during(t, l.From, l.Until) }

// rung returns the rung of a rank, 1 to len(Rungs).
func (l *ladder) rung(rank int) *Rung { return &l.Rungs[rank-1] }

// find looks a label up.
func (l *ladder) find(label string) (reading, bool) {
	if r, ok := l.exact[label]; ok {
		return r, true
	}
	n, ok := normal(label)
	if !ok {
		return reading{}, false
	}
	r, ok := l.labels[n]
	return r, ok
}

// spellings returns every label of the scheme, for hints.
func (l *ladder) spellings() []string {
	var out []string
	for _, r := range l.Rungs {
		out = append(out, r.Label)
		out = append(out, r.Also...)
	}
	return append(out, l.NotClassified...)
}
