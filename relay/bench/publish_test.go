package bench

import (
	"bytes"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/entente-relay/entente/configs"
	"github.com/entente-relay/entente/relay"
)

// BenchmarkPublish publishes objects to a node without peers: in files of 1,600,
// which makes messages of 64, and one a call by many callers at once, which makes
// messages of one. CPU is that of the process, the node's index and journal and
// its NATS server included.
func BenchmarkPublish(b *testing.B) {
	b.Run("64", func(b *testing.B) { benchPublish(b, 12_800, 1_600, 1) })
	b.Run("1", func(b *testing.B) { benchPublish(b, 6_400, 1, 128) })
}

// benchPublish publishes objects, so many a call, by so many callers at once.
func benchPublish(b *testing.B, objects, size, callers int) {
	files := make([][]byte, 0, objects/size)
	for f := range chunks(Generate(objects, 1, time.Now()), size) {
		files = append(files, bytes.Clone(f))
	}
	var took, cpu time.Duration
	for b.Loop() {
		b.StopTimer()
		n := alone(b)
		b.StartTimer()
		start, used := time.Now(), processorTime(b)
		next := make(chan []byte)
		var wg sync.WaitGroup
		for range callers {
			wg.Go(func() {
				for f := range next {
					if _, err := n.Publish(b.Context(), "bench", "", f); err != nil {
						b.Error(err)
					}
				}
			})
		}
		for _, f := range files {
			next <- f
		}
		close(next)
		wg.Wait()
		took += time.Since(start)
		cpu += processorTime(b) - used
		b.StopTimer()
		stop(b, n)
		b.StartTimer()
	}
	b.ReportMetric(float64(b.N*objects)/took.Seconds(), "objects/s")
	b.ReportMetric(float64(cpu.Microseconds())/float64(b.N*objects), "µs-cpu/object")
}

// alone is a running node without peers.
func alone(b *testing.B) *relay.Node {
	cfg, err := relay.Setup(relay.SetupOptions{Dir: filepath.Join(b.TempDir(), "de"), Now: time.Now(), Values: configs.TemplateValues{
		ID: "de-cert", Name: "de-cert", Country: "DE", Data: "data", Leaf: "127.0.0.1:0", Hosts: []string{"localhost"}}})
	if err != nil {
		b.Fatal(err)
	}
	n := node(b, cfg)
	if err := n.Start(b.Context()); err != nil {
		b.Fatal(err)
	}
	return n
}
