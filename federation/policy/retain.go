package policy

import (
	"time"

	"github.com/entente-relay/entente/mapping"
)

// maxRetainDays bounds how many days terms may say: a hundred years.
const maxRetainDays = 36_525

// Holds says what kinds of data the object holds, for sure or perhaps: bit i for
// the i-th of federation.Categories.
func (s *Subject) Holds() uint32 {
	var all findings
	for i := range s.classes {
		all |= s.classes[i].found
	}
	var out uint32
	for i := 0; all != 0; i, all = i+1, all>>2 {
		if all&3 != 0 {
			out |= 1 << i
		}
	}
	return out
}

// KeepUntil is the moment from which nobody may keep the object, as its origin
// says: so many days after its message was issued, or the end of what the IEP
// policy permits. Zero is no limit. The days count from the signed time of
// issue: it is the same for everybody, so every copy ends at once, and nobody in
// between can make them begin anew.
func (s *Subject) KeepUntil(issued time.Time) time.Time { return keepUntil(s.handling, issued) }

func keepUntil(h mapping.Handling, issued time.Time) time.Time {
	until := h.NotAfter
	if h.RetainDays > 0 {
		if end := issued.Add(time.Duration(h.RetainDays) * 24 * time.Hour); until.IsZero() || end.Before(until) {
			until = end
		}
	}
	return until
}
