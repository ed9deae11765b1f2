package envelope

import (
	"bytes"
	"encoding/binary"
)

// digestRows says where in an ascending list of digests those with one first
// byte begin, so that a search has a few to look at and not two thousand. Who
// makes digests with the same first byte gains a search through all of them.
type digestRows [257]uint16

// of fills in the rows of a list of at most MaxDisclosures digests.
func (r *digestRows) of(digests [][32]byte) {
	*r = digestRows{}
	for i := range digests {
		r[int(digests[i][0])+1]++
	}
	for b := range 256 {
		r[b+1] += r[b]
	}
}

// find returns the index of the disclosure with that digest, or -1.
func (m *message) find(d *[32]byte) int {
	head := binary.BigEndian.Uint64(d[:])
	lo, hi := int(m.rows[d[0]]), int(m.rows[int(d[0])+1])
	for lo < hi {
		mid := int(uint(lo+hi) / 2)
		x := &m.digests[mid]
		if h := binary.BigEndian.Uint64(x[:]); h < head || h == head && bytes.Compare(x[8:], d[8:]) < 0 {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo < len(m.digests) && m.digests[lo] == *d {
		return lo
	}
	return -1
}
