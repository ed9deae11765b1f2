package cli

import (
	"math"
	"runtime"
	"runtime/debug"
	"testing"
	"time"
)

// limits reads what is in force.
func limits() (percent int, memory int64) {
	percent = debug.SetGCPercent(100)
	debug.SetGCPercent(percent)
	return percent, debug.SetMemoryLimit(-1)
}

// TestTuneMemory: a node collects less often up to a goal, what the operator set
// stays, and afterwards everything is as it was.
func TestTuneMemory(t *testing.T) {
	wasPercent, wasMemory := limits()
	for name, c := range map[string]struct {
		env     map[string]string
		percent int
		memory  int64
	}{
		"alone":            {nil, gcPercent, memoryGoal},
		"GOGC":             {map[string]string{"GOGC": "50"}, wasPercent, memoryGoal},
		"GOMEMLIMIT":       {map[string]string{"GOMEMLIMIT": "1GiB"}, gcPercent, wasMemory},
		"both are set":     {map[string]string{"GOGC": "off", "GOMEMLIMIT": "off"}, wasPercent, wasMemory},
		"one is set empty": {map[string]string{"GOGC": ""}, gcPercent, memoryGoal},
	} {
		stop := tuneMemory(func(k string) string { return c.env[k] })
		if percent, memory := limits(); percent != c.percent || memory != c.memory {
			t.Errorf("%s: %d %% and %d bytes, want %d %% and %d", name, percent, memory, c.percent, c.memory)
		}
		stop()
		if percent, memory := limits(); percent != wasPercent || memory != wasMemory {
			t.Fatalf("%s: afterwards %d %% and %d bytes, before %d %% and %d", name, percent, memory, wasPercent, wasMemory)
		}
	}
}

// TestGoalFollows: a node whose memory is really in use does not spend its time
// collecting nothing.
func TestGoalFollows(t *testing.T) {
	for live, want := range map[uint64]int64{0: memoryGoal, memoryGoal / 2: memoryGoal, memoryGoal: memoryGoal + memoryGoal/2, 1 << 40: 3 << 39} {
		if got := goalFor(live); got != want {
			t.Errorf("%d in use: a goal of %d, want %d", live, got, want)
		}
	}
	c := &collector{limit: math.MaxInt64, percent: -2, before: debug.SetMemoryLimit(-1)}
	c.await()
	defer c.stop()
	for range 2 { // after each collection, not only after the first
		c.mu.Lock()
		debug.SetMemoryLimit(math.MaxInt64)
		c.limit = math.MaxInt64
		c.mu.Unlock()
		limit := time.Now().Add(10 * time.Second)
		for _, memory := limits(); memory != memoryGoal; _, memory = limits() {
			if time.Now().After(limit) {
				t.Fatalf("the goal does not follow: %d", memory)
			}
			runtime.GC()
		}
	}
}
