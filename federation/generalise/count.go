package generalise

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Cell is a count under a name.
type Cell struct {
	Name  string
	Count int64
}

// Cells returns the counts of one table that may be told, by name. Those below
// the floor are left out, with their names. So are the smallest of the others
// until what is left out comes to nothing or to the floor at least: who knows
// what all of them come to, from another table or as a contributor, would else
// know a small one. For the same reason there is no total.
func (r Rule) Cells(counts map[string]int64) []Cell {
	var told []Cell
	var hidden int64
	for name, n := range counts {
		if _, ok := r.Count(n); ok {
			told = append(told, Cell{name, n})
		} else {
			hidden += n
		}
	}
	slices.SortFunc(told, func(a, b Cell) int { return cmp.Or(cmp.Compare(a.Count, b.Count), cmp.Compare(a.Name, b.Name)) })
	for len(told) > 0 && hidden > 0 && hidden < int64(r.Floor) {
		hidden += told[0].Count
		told = told[1:]
	}
	slices.SortFunc(told, func(a, b Cell) int { return cmp.Compare(a.Name, b.Name) })
	return told
}

// Period is a stretch of whole days in UTC that counts are made over: one day,
// week (from Monday), month, quarter or year of the calendar, so that of any two
// it is known whether they overlap.
type Period struct {
	first, next time.Time
}

// NewPeriod returns the period from the day of first to the day of last, both
// included.
func NewPeriod(first, last time.Time) (Period, error) {
	first, last = Day(first), Day(last)
	for _, p := range around(first) {
		if p.first.Equal(first) && p.next.Equal(last.AddDate(0, 0, 1)) {
			return p, nil
		}
	}
	return Period{}, fmt.Errorf("%s to %s is not one day, week from Monday, month, quarter or year", first.Format(time.DateOnly), last.Format(time.DateOnly))
}

// around are the periods that a day is in.
func around(day time.Time) []Period {
	y, m, _ := day.Date()
	monday := day.AddDate(0, 0, -(int(day.Weekday())+6)%7)
	month := time.Date(y, m, 1, 0, 0, 0, 0, time.UTC)
	quarter := time.Date(y, (m-1)/3*3+1, 1, 0, 0, 0, 0, time.UTC)
	year := time.Date(y, 1, 1, 0, 0, 0, 0, time.UTC)
	return []Period{{day, day.AddDate(0, 0, 1)}, {monday, monday.AddDate(0, 0, 7)}, {month, month.AddDate(0, 1, 0)},
		{quarter, quarter.AddDate(0, 3, 0)}, {year, year.AddDate(1, 0, 0)}}
}

// Overlapping lists every period that has a day in common with p, itself
// included, each once.
func (p Period) Overlapping() []Period {
	var out []Period
	seen := map[Period]bool{}
	for day := p.first; day.Before(p.next); day = day.AddDate(0, 0, 1) {
		for _, q := range around(day) {
			if !seen[q] {
				seen[q] = true
				out = append(out, q)
			}
		}
	}
	return out
}

// Closed reports whether the period is over.
func (p Period) Closed(now time.Time) bool { return !now.Before(p.next) }

// Holds reports whether a moment is in the period.
func (p Period) Holds(at time.Time) bool { return !at.Before(p.first) && at.Before(p.next) }

// String is the first and the last day.
func (p Period) String() string {
	return p.first.Format(time.DateOnly) + "/" + p.next.AddDate(0, 0, -1).Format(time.DateOnly)
}
