package scheme

import (
	"sync"

	"github.com/entente-relay/entente/mapping"
)

// written is everything that the meaning of a marking depends on beside the
// tables, which do not change.
type written struct {
	name, text string
	epoch      int // period in which it was made
}

// anyPeriod is the epoch of a word whose meaning does not depend on the day.
const anyPeriod = -1

// understood is what it means.
type understood struct {
	handling mapping.Handling
	standing Standing
}

// maxSeen bounds the memory of markings that were read. A sender can write
// release lists without end; when the memory is full it begins anew.
const maxSeen = 4096

// memory remembers markings that were understood. What was not is read again:
// it is rare, and an answer that refuses should name what was written.
type memory struct {
	mu  sync.RWMutex
	was map[written]understood
}

func (m *memory) get(k written) (understood, bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	u, ok := m.was[k]
	return u, ok
}

// put keeps a meaning.
func (m *memory) put(k written, u understood) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.was == nil || len(m.was) >= maxSeen {
		m.was = map[written]understood{}
	}
	m.was[k] = u
}
