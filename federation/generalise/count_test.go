package generalise

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestCells(t *testing.T) {
	for _, c := range []struct {
		counts map[string]int64
		want   []Cell
	}{
		{nil, nil},
		{map[string]int64{"a": 5, "b": 7}, []Cell{{"a", 5}, {"b", 7}}},
		{map[string]int64{"a": 4}, nil},
		{map[string]int64{"a": 0, "b": 9}, []Cell{{"b", 9}}},
		// One small cell takes the next one with it, or it could be computed.
		{map[string]int64{"a": 1, "b": 7, "c": 30}, []Cell{{"c", 30}}},
		{map[string]int64{"a": 1, "b": 30}, nil},
		// Several small ones hide each other.
		{map[string]int64{"a": 3, "b": 3, "c": 7}, []Cell{{"c", 7}}},
		{map[string]int64{"a": 2, "b": 2, "c": 7, "d": 7}, []Cell{{"d", 7}}},
	} {
		if got := Default().Cells(c.counts); !slices.Equal(got, c.want) {
			t.Errorf("%v: %v, want %v", c.counts, got, c.want)
		}
	}
}

// TestCellsLaws: nothing below the floor is told, and what is not told comes to
// nothing or to the floor.
func TestCellsLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := Default()
		r.Floor = rapid.IntRange(minFloor, 12).Draw(t, "floor")
		counts := rapid.MapOf(rapid.StringMatching(`[a-z]{1,3}`), rapid.Int64Range(0, 30)).Draw(t, "counts")
		var total, told int64
		for _, n := range counts {
			total += n
		}
		cells := r.Cells(counts)
		for _, c := range cells {
			told += c.Count
			if c.Count < int64(r.Floor) || counts[c.Name] != c.Count {
				t.Fatalf("%v tells %v", counts, c)
			}
		}
		if left := total - told; left != 0 && left < int64(r.Floor) && len(cells) > 0 {
			t.Fatalf("%v tells %v: a small count of %d can be computed", counts, cells, left)
		}
		again := map[string]int64{}
		for _, c := range cells {
			again[c.Name] = c.Count
		}
		if !slices.Equal(r.Cells(again), cells) {
			t.Fatalf("%v again: %v", cells, r.Cells(again))
		}
	})
}

func date(text string) time.Time {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		panic(err)
	}
	return t
}

func TestPeriods(t *testing.T) {
	for _, c := range []struct {
		first, last string
		ok          bool
	}{
		{"2026-03-04", "2026-03-04", true},
		{"2026-03-02", "2026-03-08", true},  // Monday to Sunday
		{"2026-03-03", "2026-03-09", false}, // Tuesday to Monday
		{"2026-02-01", "2026-02-28", true},
		{"2028-02-01", "2028-02-28", false}, // a day short
		{"2026-04-01", "2026-06-30", true},
		{"2026-02-01", "2026-04-30", false},
		{"2026-01-01", "2026-12-31", true},
		{"2026-03-04", "2026-03-05", false},
		{"2026-03-04", "2026-03-03", false},
	} {
		p, err := NewPeriod(date(c.first).Add(13*time.Hour), date(c.last).Add(time.Minute))
		if (err == nil) != c.ok || c.ok && p.String() != c.first+"/"+c.last {
			t.Errorf("%s to %s: %s, %v", c.first, c.last, p, err)
		}
	}
	p, _ := NewPeriod(date("2026-03-01"), date("2026-03-31"))
	for at, want := range map[string]bool{"2026-02-28T23:59:59.999Z": false, "2026-03-01T00:00:00Z": true, "2026-03-31T23:59:59.999Z": true, "2026-04-01T00:00:00Z": false, "2026-04-01T01:00:00+02:00": true} {
		when, err := time.Parse(time.RFC3339Nano, at)
		if err != nil {
			t.Fatal(err)
		}
		if p.Holds(when) != want || p.Closed(when) == (when.Before(date("2026-04-01"))) {
			t.Errorf("%s: %t, closed %t", at, p.Holds(when), p.Closed(when))
		}
	}
}

// TestOverlapping: two periods are in each other's list exactly when they have a
// day in common.
func TestOverlapping(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) Period {
			day := date("2025-11-01").AddDate(0, 0, rapid.IntRange(0, 500).Draw(t, name))
			all := around(day)
			return all[rapid.IntRange(0, len(all)-1).Draw(t, name+" kind")]
		}
		a, b := draw("a"), draw("b")
		common := a.first.Before(b.next) && b.first.Before(a.next)
		if slices.Contains(a.Overlapping(), b) != common || slices.Contains(b.Overlapping(), a) != common {
			t.Fatalf("%s and %s", a, b)
		}
	})
}
