package mapping

import (
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// fold joins handlings in the order given.
func fold(parts []Handling) Handling {
	var h Handling
	for _, p := range parts {
		h = Join(h, p)
	}
	return h
}

// Law A11: a container is at least as protected as its parts together, in
// whatever order and however often they came (law A13); what stays when a part
// is taken out keeps its protection; and joining changes no part.
func TestAggregation(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(anyHandling(), 1, 5).Draw(t, "parts")
		before := make([]string, len(parts))
		for i, p := range parts {
			before[i] = p.Key()
		}
		whole := fold(parts)
		arrived := slices.Clone(parts)
		for range rapid.IntRange(0, 3).Draw(t, "repeats") {
			arrived = append(arrived, rapid.SampledFrom(parts).Draw(t, "again"))
		}
		arrived = rapid.Permutation(arrived).Draw(t, "order")
		if fold(arrived).Key() != whole.Key() {
			t.Fatalf("in another order, or twice, the parts come to %+v instead of %+v", fold(arrived), whole)
		}
		cut := rapid.IntRange(0, len(arrived)).Draw(t, "cut")
		if Join(fold(arrived[cut:]), fold(arrived[:cut])).Key() != whole.Key() {
			t.Fatal("joined in two groups, the parts come to something else")
		}
		for i, p := range parts {
			if !whole.AtLeast(p) {
				t.Fatalf("the container %+v is less protected than its part %+v", whole, p)
			}
			rest := fold(slices.Delete(slices.Clone(parts), i, i+1))
			if !whole.AtLeast(rest) {
				t.Fatal("taking a part out raised what stays above the container")
			}
			for j, q := range parts {
				if j != i && !rest.AtLeast(q) {
					t.Fatalf("taking a part out lowered what stays: %+v is less than %+v", rest, q)
				}
			}
			if p.Key() != before[i] {
				t.Fatal("joining changed a part")
			}
		}
	})
}

// Levels of different origins are never merged: a join holds, for every origin,
// a level that one of its parts holds, as high as the highest of that origin.
func TestLevelsAreKeptByOrigin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := anyHandling().Draw(t, "a"), anyHandling().Draw(t, "b")
		all := slices.Concat(a.Levels, b.Levels)
		joined := Join(a, b).Levels
		for i, l := range joined {
			if !slices.Contains(all, l) {
				t.Fatalf("%+v is no level of either", l)
			}
			if i > 0 && sameOrigin(joined[i-1], l) == 0 {
				t.Fatalf("two levels of one origin: %+v", joined)
			}
		}
		for _, l := range all {
			at := slices.IndexFunc(joined, func(j Level) bool { return sameOrigin(j, l) == 0 })
			if at < 0 || joined[at].Rank < l.Rank {
				t.Fatalf("%+v is not kept in %+v", l, joined)
			}
		}
	})
}

// Every field of a handling is an axis: the pairs with which joins, comparisons
// and keys are tested have one that differs in that field and in nothing else.
func TestEveryFieldIsAnAxis(t *testing.T) {
	shown := map[string]bool{}
	for axis, pair := range stricter() {
		strict, loose := reflect.ValueOf(pair[0]), reflect.ValueOf(pair[1])
		var differs []string
		for i := range strict.NumField() {
			if !reflect.DeepEqual(strict.Field(i).Interface(), loose.Field(i).Interface()) {
				differs = append(differs, strict.Type().Field(i).Name)
			}
		}
		if len(differs) != 1 {
			t.Errorf("%s: the pair differs in %v", axis, differs)
			continue
		}
		shown[differs[0]] = true
	}
	typ := reflect.TypeFor[Handling]()
	for i := range typ.NumField() {
		if name := typ.Field(i).Name; !shown[name] {
			t.Errorf("no pair shows what %s protects: say how it is joined, compared and keyed", name)
		}
	}
}
