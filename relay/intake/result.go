package intake

import (
	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/stix"
)

// Outcome says what became of one object of a file.
type Outcome string

// The four outcomes.
const (
	// Taken: it is in Result.Taken.
	Taken Outcome = "taken"
	// Held: it is in Result.Held and waits for a person or for a marking.
	Held Outcome = "held"
	// Refused: it cannot be taken.
	Refused Outcome = "refused"
	// Duplicate: the same content is in the file already.
	Duplicate Outcome = "duplicate"
)

// Result is what a file held.
type Result struct {
	// Taken are the objects that can be judged and issued, in file order:
	// the i-th belongs to the i-th item with outcome Taken.
	Taken []*stix.Object
	// Held are the objects that wait, in file order: the i-th belongs to the
	// i-th item with outcome Held.
	Held []*stix.Object
	// Items are all objects of the file, in file order.
	Items []Item
}

// Item is what became of one object.
type Item struct {
	// Index is its position in the file, from 0.
	Index int
	// ID is its id as far as it could be read: a STIX id, or "" for what
	// never became one.
	ID string
	// Outcome and, unless it was taken, the reason and a sentence for people.
	Outcome Outcome
	Reason  federation.Reason
	Text    string
}

// Count returns how many items have an outcome.
func (r *Result) Count(o Outcome) int {
	n := 0
	for _, it := range r.Items {
		if it.Outcome == o {
			n++
		}
	}
	return n
}
