package envelope

import (
	"crypto/sha256"
	"slices"
	"testing"
)

// TestShownIsSorted: what an object shows is named by the hash of its
// digests names it, in their ascending order, none left out.
func TestShownIsSorted(t *testing.T) {
	for _, v := range []*Verified{issueOne(t, workload(t)...), issueOne(t, sampleObjects(t)...), issueOne(t, group(t, 1, 70, 70))} {
		for i, s := range v.m.items {
			var want [][32]byte
			for _, at := range v.m.order[s.from:s.to] {
				want = append(want, sha256.Sum256(v.m.text(int(at))))
			}
			slices.SortFunc(want, compareDigests)
			h := sha256.New()
			for _, d := range want {
				h.Write(d[:])
			}
			got := v.Shown(i)
			if hash := got.Hash(); !slices.Equal(got.Digests, want) || !slices.Equal(hash[:], h.Sum(nil)[:16]) {
				t.Errorf("object %d shows %x as %x, want %x", i, got.Digests, hash, want)
			}
		}
	}
}
