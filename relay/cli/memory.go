package cli

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
)

// How much memory a node may use to collect its garbage less often. Under load
// most of what a node allocates is dead within a message, so collecting when the
// heap has grown fivefold instead of twofold halves what that costs; up to
// memoryGoal, so that the process stays well below 512 MB with a million objects
// stored. What is in use may outgrow that: from two thirds of it on the goal
// grows along, since a limit below what is in use would only burn processors.
const (
	gcPercent  = 400
	memoryGoal = 400 << 20
	// goalPart is by how much, in parts of itself, what is in use may grow beyond
	// the goal, and goalStep from which change on the goal follows it: setting it
	// stops everything for a moment.
	goalPart = 2
	goalStep = memoryGoal / 16
)

// goalFor is the limit of memory, in bytes, while so many are in use.
func goalFor(live uint64) int64 {
	return max(memoryGoal, int64(live+live/goalPart))
}

// collector keeps the settings of the garbage collector until it is stopped.
type collector struct {
	mu      sync.Mutex
	limit   int64 // in force, 0 where the operator set it
	stopped bool
	percent int   // to be restored
	before  int64 // the same
}

// sentinel is garbage from the beginning: that it is collected tells that a
// collection has ended.
type sentinel struct{ _ [4]*int }

// tuneMemory sets how often garbage is collected, unless the environment does:
// GOGC and GOMEMLIMIT are the operator's (package runtime). The result puts back
// what was in force.
func tuneMemory(getenv func(string) string) (stop func()) {
	c := &collector{percent: -2, before: -1}
	if getenv("GOGC") == "" {
		c.percent = debug.SetGCPercent(gcPercent)
	}
	if getenv("GOMEMLIMIT") == "" {
		c.limit = goalFor(0)
		c.before = debug.SetMemoryLimit(c.limit)
		c.await()
	}
	return c.stop
}

// await looks again after the next collection.
func (c *collector) await() {
	runtime.AddCleanup(&sentinel{}, func(c *collector) { c.look() }, c)
}

// look lets the goal follow what is in use.
func (c *collector) look() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopped {
		return
	}
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	goal := goalFor(live[0].Value.Uint64())
	if d := goal - c.limit; d >= goalStep || d <= -goalStep {
		debug.SetMemoryLimit(goal)
		c.limit = goal
	}
	c.await()
}

func (c *collector) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopped = true
	if c.percent != -2 {
		debug.SetGCPercent(c.percent)
	}
	if c.limit != 0 {
		debug.SetMemoryLimit(c.before)
	}
}
