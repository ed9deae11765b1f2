package envelope

import (
	"crypto/sha256"
	"slices"
)

// Shown is what one object of a message shows: the digests of its disclosures
// that are there, ascending, its own among them. The same object may come by
// several chains, each of which took out something else.
type Shown struct {
	// Digests has at least one entry.
	Digests [][32]byte
	// Whole reports that nothing of the object is missing.
	Whole bool
}

// Shown returns what item i of [Verified.Items] shows.
func (v *Verified) Shown(i int) Shown {
	m, s := v.m, v.m.items[i]
	out := Shown{Digests: make([][32]byte, 0, s.to-s.from)}
	// Disclosures are numbered in the order of their digests.
	var room [usualShown]int16
	in := append(room[:0], m.order[s.from:s.to]...)
	slices.Sort(in)
	for _, at := range in {
		out.Digests = append(out.Digests, m.digests[at])
	}
	out.Whole = !slices.ContainsFunc(m.missing, func(h hole) bool { return h.item == i })
	return out
}

// Shown returns what item i of [Cleared.Items] will show the peer.
func (c *Cleared) Shown(i int) Shown {
	m := c.v.m
	at := slices.IndexFunc(m.items, func(s span) bool { return s.digest == c.items[i].Digest })
	all := c.v.Shown(at)
	if c.removed == nil {
		return all
	}
	n := len(all.Digests)
	all.Digests = slices.DeleteFunc(all.Digests, func(d [32]byte) bool { return c.removed[m.find(&d)] })
	all.Whole = all.Whole && len(all.Digests) == n
	return all
}

// Hash names the set of digests: the first half of a SHA-256 over them.
func (s Shown) Hash() (sum [16]byte) {
	var room [32 * usualShown]byte
	all := room[:0]
	for i := range s.Digests {
		all = append(all, s.Digests[i][:]...)
	}
	full := sha256.Sum256(all)
	copy(sum[:], full[:])
	return sum
}

// usualShown is how many disclosures few objects exceed.
const usualShown = 48

// Within reports whether all that s shows is shown by o too.
func (s Shown) Within(o Shown) bool {
	if o.Whole {
		return true
	}
	return !slices.ContainsFunc(s.Digests, func(d [32]byte) bool {
		_, found := slices.BinarySearchFunc(o.Digests, d, compareDigests)
		return !found
	})
}

// With returns what s and o show together. No chain may show that.
func (s Shown) With(o Shown) Shown {
	all := slices.Concat(s.Digests, o.Digests)
	slices.SortFunc(all, compareDigests)
	return Shown{Digests: slices.Compact(all), Whole: s.Whole || o.Whole}
}

// HadBy returns what a participant who passed the message on had of item i:
// what is still there and what it, or somebody after it, took out (top-most
// only). Without such a hop it shows nothing.
func (v *Verified) HadBy(who string, i int) Shown {
	at := slices.IndexFunc(v.hops, func(h Hop) bool { return h.Iss == who })
	if at < 0 {
		return Shown{}
	}
	out := v.Shown(i)
	for _, h := range v.hops[at:] {
		for _, o := range h.Out {
			out.Digests = append(out.Digests, o.Digest)
		}
	}
	slices.SortFunc(out.Digests, compareDigests)
	return out
}
