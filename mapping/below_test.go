package mapping

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// On every axis a loss is named, by its own name and no other.
func TestBelowNamesTheAxis(t *testing.T) {
	names := map[string]bool{}
	for axis, pair := range stricter() {
		if axis == "TLP version" {
			continue // see TestBelowWhatPasses
		}
		got := pair[1].Below(pair[0])
		if len(got) != 1 {
			t.Errorf("%s: the weaker is below on %v, want one axis", axis, got)
			continue
		}
		names[got[0]] = true
		if up := pair[0].Below(pair[1]); len(up) != 0 && pair[0].AtLeast(pair[1]) {
			t.Errorf("%s: the stricter is below on %v", axis, up)
		}
	}
	for _, want := range []string{AxisTLP, AxisPAP, AxisLevel, AxisCompartments, AxisCaveats, AxisReleasable, AxisResidency, AxisPurposes,
		AxisBegin, AxisEnd, AxisRetention, AxisContracts, AxisPersonalData, AxisStatements} {
		if !names[want] {
			t.Errorf("no pair shows a loss of %s", want)
		}
	}
}

// What is at least as protective is below on nothing, and nothing that is below
// on nothing loses anything but the two things that Below lets pass.
func TestBelowIsAtLeast(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := anyHandling().Draw(t, "a"), anyHandling().Draw(t, "b")
		below := a.Below(b)
		if !slices.IsSorted(below) {
			t.Fatalf("%v is not sorted", below)
		}
		if a.AtLeast(b) && len(below) > 0 {
			t.Fatalf("at least as protective, and below on %v", below)
		}
		if j := Join(a, b); len(j.Below(a)) > 0 || len(j.Below(b)) > 0 {
			t.Fatalf("a join is below a part on %v, %v", j.Below(a), j.Below(b))
		}
		timeless := func(h Handling) Handling {
			h.TLPVersion1 = false
			h.Levels = slices.Clone(h.Levels)
			for i := range h.Levels {
				h.Levels[i].Created = time.Time{}
			}
			return h
		}
		if len(below) == 0 && !timeless(a).AtLeast(timeless(b)) {
			t.Fatalf("below on nothing, and not at least as protective")
		}
	})
}

func TestBelowWhatPasses(t *testing.T) {
	old := Handling{TLP: TLPAmber, TLPVersion1: true, Levels: []Level{{Scheme: "de-vs", Country: "DE", Rank: 1, Created: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)}}}
	later := Handling{TLP: TLPAmberStrict, Levels: []Level{{Scheme: "de-vs", Country: "DE", Rank: 1, Created: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}}}
	if got := later.Below(old); len(got) > 0 {
		t.Errorf("AMBER+STRICT after AMBER of 1.0, marked in another period: below on %v", got)
	}
	later.TLP = TLPAmber
	if got := later.Below(old); !slices.Equal(got, []string{AxisTLP}) {
		t.Errorf("AMBER of 2.0 after AMBER of 1.0, which may have meant one organisation: below on %v", got)
	}
	later.TLP, later.Levels[0].Scheme = TLPRed, "pl-national"
	if got := later.Below(old); !slices.Equal(got, []string{AxisLevel}) {
		t.Errorf("a level of another scheme stands for none: below on %v", got)
	}
}
