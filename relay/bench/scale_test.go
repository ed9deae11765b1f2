package bench

import (
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/entente-relay/entente/configs"
	"github.com/entente-relay/entente/relay"
)

// scaleEnv says to how many objects [BenchmarkStored] fills a store.
const scaleEnv = "ENTENTE_BENCH_STORED"

// BenchmarkStored fills a node with objects and says what that costs: CPU for
// each object when it is nearly empty and when it is full, memory, and how long
// a restart takes until the first answer. It runs only when asked, with
//
//	ENTENTE_BENCH_STORED=1000000 go test ./relay/bench -run - -bench Stored -benchtime 1x
func BenchmarkStored(b *testing.B) {
	total, err := strconv.Atoi(os.Getenv(scaleEnv))
	if err != nil {
		b.Skipf("set %s to a number of objects to run it", scaleEnv)
	}
	cfg, err := relay.Setup(relay.SetupOptions{Dir: filepath.Join(b.TempDir(), "de"), Now: time.Now(), Values: configs.TemplateValues{
		ID: "de-cert", Name: "de-cert", Country: "DE", Data: "data", Leaf: "127.0.0.1:0", Hosts: []string{"localhost"}}})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		begin := resident(b)
		n := node(b, cfg)
		if err := n.Start(b.Context()); err != nil {
			b.Fatal(err)
		}
		const part = 20_000
		empty := fillNode(b, n, part, 1)
		var full time.Duration
		for done, seed := part, uint64(2); done < total; done, seed = done+part, seed+1 {
			full = fillNode(b, n, part, seed)
		}
		b.ReportMetric(resident(b)-begin, "full-MB")
		stop(b, n)
		gone := resident(b)
		start, used := time.Now(), processorTime(b)
		n = node(b, cfg)
		if err := n.Start(b.Context()); err != nil {
			b.Fatal(err)
		}
		st, err := n.Status(b.Context())
		if err != nil || st.Objects.Taken < uint64(total) {
			b.Fatalf("%d objects after the restart, %v", st.Objects.Taken, err)
		}
		b.ReportMetric(time.Since(start).Seconds(), "restart-s")
		b.ReportMetric((processorTime(b) - used).Seconds(), "restart-cpu-s")
		b.ReportMetric(resident(b)-gone, "restarted-MB")
		b.ReportMetric(float64(empty.Nanoseconds())/part/1000, "µs-cpu/object-empty")
		b.ReportMetric(float64(full.Nanoseconds())/part/1000, "µs-cpu/object-full")
		stop(b, n)
	}
}

// fillNode publishes objects and returns what CPU that took.
func fillNode(b *testing.B, n *relay.Node, objects int, seed uint64) time.Duration {
	all := Generate(objects, seed, time.Now())
	used := processorTime(b)
	for chunk := range chunks(all, 3_200) {
		if _, err := n.Publish(b.Context(), "bench", "", chunk); err != nil {
			b.Fatal(err)
		}
	}
	return processorTime(b) - used
}

// resident is what the process holds in memory, in MB, after a collection.
func resident(b *testing.B) float64 {
	debug.FreeOSMemory()
	debug.FreeOSMemory() // what lay in pools is let go the second time
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Skip("the memory of a process is read from /proc")
	}
	_, after, _ := strings.Cut(string(text), "VmRSS:")
	kb, err := strconv.Atoi(strings.Fields(after)[0])
	if err != nil {
		b.Fatal(err)
	}
	return float64(kb) / 1000
}
