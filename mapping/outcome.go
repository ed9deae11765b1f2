package mapping

import "fmt"

// OutcomeKind is what became of a request to map a level.
type OutcomeKind uint8

// The kinds of outcome, from the one that stops to the one that goes on. The
// zero value refuses.
const (
	Refused OutcomeKind = iota // no rule allows it
	Hold                       // a person must decide
	Mapped                     // To holds the receiver's level
)

// String returns the word used on the command line: "refused", "hold",
// "mapped".
func (k OutcomeKind) String() string {
	switch k {
	case Hold:
		return "hold"
	case Mapped:
		return "mapped"
	default:
		return "refused"
	}
}

// Cause says in one word why a marking was not understood or not mapped. The
// list is closed: federation/policy holds an exhaustive table from Cause to
// the federation's reasons.
type Cause string

// The causes. CauseNone goes with Mapped, CaseByCase with Hold, all others
// with Refused.
const (
	CauseNone      Cause = ""
	UnknownScheme  Cause = "unknown-scheme"  // no loaded scheme has this name (A8)
	UnknownLabel   Cause = "unknown-label"   // the scheme has no such label (A8)
	UnknownMarking Cause = "unknown-marking" // a marking nobody here understands (A8)
	Malformed      Cause = "malformed"       // a marking that cannot be read at all (A8)
	Ambiguous      Cause = "ambiguous-label" // two schemes have it and no authority was given (A9)
	NotInForce     Cause = "not-in-force"    // scheme, level or table not valid at its date (A10)
	NoEquivalent   Cause = "no-equivalent"   // no table gives the level a counterpart (A7)
	Unverified     Cause = "unverified"      // only rows nobody verified or accepted by name (A7)
	CaseByCase     Cause = "case-by-case"    // a table leaves the choice to people (A14)
	DifferentAxis  Cause = "different-axis"  // audience or use asked as secrecy, or the reverse (A3)
	NotMarking     Cause = "not-a-marking"   // a tag that states no handling at all
)

// Causes returns every cause but CauseNone, in a fixed order.
func Causes() []Cause {
	return []Cause{
		UnknownScheme, UnknownLabel, UnknownMarking, Malformed, Ambiguous, NotInForce,
		NoEquivalent, Unverified, CaseByCase, DifferentAxis, NotMarking,
	}
}

// Outcome is the answer to "what is this level over there". A mapped outcome
// is not a permission to send (law A15). Slices are read-only.
type Outcome struct {
	Kind  OutcomeKind
	Cause Cause
	From  Level  // the origin's level, words verbatim
	To    Level  // the receiver's level; set only when Mapped
	Law   string // the law that decided, "A1" to "A15"

	Tables   []string // ids of the tables used
	Rows     []string // rows used: name and file:line
	Accepted []string // names among Rows that are unverified and count because the operator accepted them
	Text     string   // one or two sentences for people

	Unaccepted []string // names that are unverified and would answer if the operator accepted them
}

// Fault is the error of everything that reads a marking: what was not
// understood, by which law it is refused, and what to do.
type Fault struct {
	Cause Cause
	Law   string // "A8", "A9", "A10"
	What  string // the marking, label, tag or scheme as written
	Text  string // what is wrong with it
	Hint  string // what to do about it
}

// Error returns what, why and what to do, on one line.
func (f *Fault) Error() string {
	s := fmt.Sprintf("%s %q: %s", f.Cause, f.What, f.Text)
	if f.Hint != "" {
		s += "; " + f.Hint
	}
	return s
}

// Is reports whether target is a Fault of the same cause, so that callers can
// write errors.Is(err, &mapping.Fault{Cause: mapping.NotMarking}).
func (f *Fault) Is(target error) bool {
	t, ok := target.(*Fault)
	return ok && t.Cause == f.Cause
}

// MoreProtective returns the outcome that protects more: Refused before Hold
// before Mapped, then the higher level. Both must answer for the same scheme;
// of two mapped outcomes into different schemes neither is higher, so that is
// refused.
func MoreProtective(a, b Outcome) Outcome {
	if a.Kind != b.Kind {
		if a.Kind < b.Kind {
			return a
		}
		return b
	}
	if a.Kind != Mapped {
		return a
	}
	if a.To.Scheme != b.To.Scheme {
		return Outcome{
			Cause: Ambiguous, From: a.From, Law: "A9",
			Text: fmt.Sprintf("Two answers in two schemes, %s and %s: neither is the higher one.", a.To.Scheme, b.To.Scheme),
		}
	}
	if b.To.Rank > a.To.Rank {
		return b
	}
	return a
}
