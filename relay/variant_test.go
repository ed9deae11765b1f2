package relay

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"testing"

	"github.com/entente-relay/entente/federation/envelope"
	"pgregory.net/rapid"
)

// showing is a message that shows the parts of a set; part 0 is the object
// itself, and of n parts the whole shows all.
func showing(set uint64, n int) envelope.Shown {
	var s envelope.Shown
	for i := range n {
		if i == 0 || set>>i&1 == 1 {
			var d [32]byte
			binary.BigEndian.PutUint64(d[:], uint64(i))
			s.Digests = append(s.Digests, d)
		}
	}
	s.Whole = len(s.Digests) == n
	return s
}

func TestShowsMore(t *testing.T) {
	const n = 4
	for name, c := range map[string]struct {
		arrived uint64
		held    []uint64
		want    bool
	}{
		"nothing held that can be read": {0b0000, nil, true},
		"the same":                      {0b0010, []uint64{0b0010}, false},
		"less":                          {0b0010, []uint64{0b0110}, false},
		"nothing but itself":            {0b0000, []uint64{0b0010}, false},
		"more":                          {0b0110, []uint64{0b0010}, true},
		"something else":                {0b0100, []uint64{0b0010}, true},
		"all, in one chain, of two":     {0b0110, []uint64{0b0010, 0b0100}, true},
		"some of two":                   {0b0110, []uint64{0b0010, 0b0100, 0b1000}, false},
		"all of it after all of it":     {0b0110, []uint64{0b0010, 0b0100, 0b0110}, false},
		"the whole":                     {0b1110, []uint64{0b0110, 0b1000}, true},
		"after the whole":               {0b0110, []uint64{0b1110}, false},
	} {
		var held []envelope.Shown
		for _, h := range c.held {
			held = append(held, showing(h, n))
		}
		if got := showsMore(showing(c.arrived, n), held); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// A peer that passes on every combination of the parts of an object, in any
// order, makes this node store few of them, and nothing is lost by it.
func TestVariantsEnd(t *testing.T) {
	const n = 8
	var all []uint64
	for set := uint64(1); set < 1<<n; set += 2 { // part 0 is always there
		all = append(all, set)
	}
	few := func(t interface{ Fatalf(string, ...any) }, order []uint64) {
		var held []envelope.Shown
		union := uint64(0)
		for _, set := range order {
			s := showing(set, n)
			more := len(held) == 0 || showsMore(s, held)
			if set&^union != 0 && !more {
				t.Fatalf("%b shows what %b does not, and is not taken", set, union)
			}
			if more {
				held = append(held, s)
				union |= set
			}
		}
		if len(held) > 2*n || union != 1<<n-1 {
			t.Fatalf("%d variants of an object of %d parts are kept, which show %b", len(held), n, union)
		}
	}
	slices.SortStableFunc(all, func(a, b uint64) int { return bits.OnesCount64(a) - bits.OnesCount64(b) })
	few(t, all) // the smallest first: each shows what none of those before does alone
	rapid.Check(t, func(t *rapid.T) { few(t, rapid.Permutation(all).Draw(t, "order")) })
}
