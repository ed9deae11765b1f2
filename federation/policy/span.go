package policy

import "time"

// span is the time around now in which no fact changes: from the last change
// at or before now up to, not including, the next one. A zero bound is open.
type span struct{ from, to time.Time }

// cut narrows s by a moment at which something changes. Zero moments change
// nothing.
func (s span) cut(at, now time.Time) span {
	switch {
	case at.IsZero():
	case at.After(now):
		if s.to.IsZero() || at.Before(s.to) {
			s.to = at
		}
	case s.from.IsZero() || at.After(s.from):
		s.from = at
	}
	return s
}

// meet returns the time that lies in both.
func (s span) meet(o span) span {
	if s.from.IsZero() || o.from.After(s.from) {
		s.from = o.from
	}
	if s.to.IsZero() || !o.to.IsZero() && o.to.Before(s.to) {
		s.to = o.to
	}
	return s
}

// holds reports whether now lies in s.
func (s span) holds(now time.Time) bool {
	return !now.Before(s.from) && (s.to.IsZero() || now.Before(s.to))
}
