package store

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestTableIsAMap compares the table with Go's map under any sequence of puts
// and questions, over keys that share one half.
func TestTableIsAMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tab, want := newTable(rapid.Uint64().Draw(t, "seed")), make(map[objectKey]uint32)
		genKey := rapid.Custom(func(t *rapid.T) (k objectKey) {
			binary.BigEndian.PutUint64(k[:8], rapid.Uint64Range(0, 40).Draw(t, "hi"))
			binary.BigEndian.PutUint64(k[8:], rapid.Uint64Range(1, 40).Draw(t, "lo"))
			return k
		})
		if rapid.Bool().Draw(t, "reserve") {
			tab.reserve(rapid.IntRange(0, 100_000).Draw(t, "room"))
		}
		for i, k := range rapid.SliceOfN(genKey, 0, 2000).Draw(t, "keys") {
			tab.put(k, uint32(i+1))
			want[k] = uint32(i + 1)
			ask := genKey.Draw(t, "ask")
			if _, ok := want[ask]; tab.has(&ask) != ok || tab.get(&ask) != want[ask] {
				t.Fatalf("%x: has %v, row %d, want %v, %d", ask, tab.has(&ask), tab.get(&ask), ok, want[ask])
			}
		}
		if tab.count != len(want) {
			t.Fatalf("count %d, want %d", tab.count, len(want))
		}
		for k, row := range want {
			if tab.get(&k) != row {
				t.Fatalf("%x: row %d, want %d", k, tab.get(&k), row)
			}
		}
	})
}

// TestTableUnderChosenKeys: an issuer that grinds digests, here until they agree
// in 12 of 16 bytes, cannot make long runs of slots.
func TestTableUnderChosenKeys(t *testing.T) {
	var mask objectKey
	binary.NativeEndian.PutUint64(mask[:8], rand.Uint64())
	binary.NativeEndian.PutUint64(mask[8:], rand.Uint64())
	for _, at := range []int{0, 4, 8, 12} {
		tab := newTable(rand.Uint64())
		const n = 200_000
		for i := range uint32(n) {
			var digest [32]byte
			binary.LittleEndian.PutUint32(digest[at:], i)
			tab.put(mask.of(&digest), i+1)
		}
		longest, fullest := 0, 0
		for i := range tab.shards {
			fullest = max(fullest, tab.shards[i].count)
			run := 0
			for _, k := range slices.Concat(tab.shards[i].keys, tab.shards[i].keys) {
				if run++; k == (objectKey{}) {
					run = 0
				}
				longest = max(longest, run)
			}
		}
		if longest > 400 || fullest > 2*n/len(tab.shards) {
			t.Errorf("bytes %d to %d chosen: a run of %d slots, a shard of %d keys", at, at+4, longest, fullest)
		}
		t.Logf("bytes %d to %d chosen: longest run %d, fullest shard %d", at, at+4, longest, fullest)
	}
}
