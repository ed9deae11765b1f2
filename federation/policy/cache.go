package policy

import (
	"hash/maphash"
	"sync"
)

// Sizes of the caches, in entries. An outcome is a few hundred bytes, so the
// largest cache stays near 20 MB.
const (
	cacheSize     = 1 << 15
	peerCacheSize = 1 << 10
	cacheShards   = 16
)

// cache is a bounded map for many readers. Each shard keeps two generations:
// when the young one is full it becomes the old one and what was the old one
// goes. An entry in use is found again in the old generation and moved up.
type cache[K comparable, V any] struct {
	seed   maphash.Seed
	limit  int // entries of one generation of one shard
	shards [cacheShards]shard[K, V]
}

type shard[K comparable, V any] struct {
	mu         sync.RWMutex
	young, old map[K]V
}

// newCache returns a cache that holds at most size entries.
func newCache[K comparable, V any](size int) *cache[K, V] {
	return &cache[K, V]{seed: maphash.MakeSeed(), limit: max(1, size/cacheShards/2)}
}

func (c *cache[K, V]) shard(k K) *shard[K, V] {
	return &c.shards[maphash.Comparable(c.seed, k)%cacheShards]
}

// get returns the entry for k.
func (c *cache[K, V]) get(k K) (V, bool) {
	s := c.shard(k)
	s.mu.RLock()
	v, ok := s.young[k]
	var old V
	oldOK := false
	if !ok {
		old, oldOK = s.old[k]
	}
	s.mu.RUnlock()
	if ok {
		return v, true
	}
	if oldOK {
		c.put(k, old)
	}
	return old, oldOK
}

// put stores an entry.
func (c *cache[K, V]) put(k K, v V) {
	s := c.shard(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.young) >= c.limit {
		s.young, s.old = nil, s.young
	}
	if s.young == nil {
		s.young = make(map[K]V, 16)
	}
	s.young[k] = v
}

// len returns how many entries are held, counting one in both generations
// twice.
func (c *cache[K, V]) len() int {
	n := 0
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.RLock()
		n += len(s.young) + len(s.old)
		s.mu.RUnlock()
	}
	return n
}
