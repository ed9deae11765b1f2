//go:build unix

package relay_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/entente-relay/entente/configs"
	"github.com/entente-relay/entente/relay"
	"github.com/entente-relay/entente/relay/bench"
)

// audiences are terms that differ in something the rules ask about.
var audiences = []struct{ country, kind, ceiling, data string }{
	{"PL", "authority", "TLP:AMBER", "technical, context, free-text, target, personal"},
	{"FR", "authority", "TLP:AMBER", "technical, context, free-text"},
	{"JP", "authority", "TLP:AMBER", "technical, context, free-text, target"},
	{"CZ", "business-operator", "TLP:GREEN", "technical, context, free-text"},
	{"US", "authority", "TLP:CLEAR", "technical, context"},
}

// BenchmarkFanOut answers the pulls of 5 and of 200 peers, which are of 5
// audiences, in process and without TLS: the peers throw away what they get. It
// reports the processor time of the sender for each object, for all peers and for
// one, and for 200 peers as a multiple of that for 5: with journal and index, and
// apart from the bytes that these store.
func BenchmarkFanOut(b *testing.B) {
	for _, stored := range []bool{true, false} {
		for _, per := range []int{64, 1} {
			few := 0.0
			for _, peers := range []int{5, 200} {
				name := fmt.Sprintf("stored/%dx5/%d", peers, per)
				if !stored {
					name = "un" + name
				}
				b.Run(name, func(b *testing.B) {
					objects := 1_280
					if per == 1 {
						objects = 256
					}
					cpu, size := fanOut(b, peers, objects, per, stored)
					b.ReportMetric(cpu, "cpu-µs/object")
					b.ReportMetric(cpu/float64(peers), "cpu-µs/object/peer")
					b.ReportMetric(size/float64(peers), "bytes/object/peer")
					if peers == 5 {
						few = cpu
					} else if few > 0 {
						b.ReportMetric(cpu/few, "x-of-5")
					}
				})
			}
		}
	}
}

// fanOut returns the processor time and the bytes that all peers' copies of one
// object take together.
func fanOut(b *testing.B, peers, objects, per int, stored bool) (cpu, size float64) {
	n, ids := fanOutNode(b, peers)
	pull := relay.NewPullers(n)
	ctx := b.Context()
	if !stored {
		if err := pull.StoreNothing(ctx); err != nil {
			b.Fatal(err)
		}
	}
	for round := 0; b.Loop(); round++ {
		b.StopTimer()
		all := bench.Generate(objects, uint64(round), time.Now())
		for len(all) > 0 {
			k := min(per, len(all))
			if _, err := n.Publish(ctx, "bench", "", bytes.Join(all[:k], []byte("\n"))); err != nil {
				b.Fatal(err)
			}
			all = all[k:]
		}
		if err := pull.Settle(ctx); err != nil {
			b.Fatal(err)
		}
		before := processorTime(b)
		b.StartTimer()
		var wg sync.WaitGroup
		var mu sync.Mutex
		for _, id := range ids {
			wg.Go(func() {
				got, err := pull.Drain(ctx, id)
				if err != nil {
					b.Error(err)
				}
				mu.Lock()
				size += float64(got)
				mu.Unlock()
			})
		}
		wg.Wait()
		if err := pull.Settle(ctx); err != nil {
			b.Fatal(err)
		}
		cpu += float64(processorTime(b)-before) / float64(time.Microsecond)
	}
	return cpu / float64(b.N*objects), size / float64(b.N*objects)
}

// fanOutNode is a running node with peers that have terms and no links.
func fanOutNode(b testing.TB, peers int) (*relay.Node, []string) {
	b.Helper()
	cfg, err := relay.Setup(relay.SetupOptions{Dir: filepath.Join(b.TempDir(), "node"), Now: time.Now(),
		Values: configs.TemplateValues{ID: "de-cert", Name: "de-cert", Country: "DE", Kind: "authority", Data: "data"}})
	if err != nil {
		b.Fatal(err)
	}
	keys, err := relay.LoadKeys(relay.KeysDir(cfg))
	if err != nil {
		b.Fatal(err)
	}
	var ids []string
	for i := range peers {
		a := audiences[i%len(audiences)]
		id := fmt.Sprintf("peer-%d", i)
		text := fmt.Sprintf("version: 1\nid: de-cert/%[1]s/2026\nnode: de-cert\npeer: %[1]s\ncountry: %[2]s\nkind: %[3]s\nsector: sample\nfrom: 2026-01-01\nuntil: 2099-12-31\n"+
			"tlp: {version: \"2.0\", ceiling: \"%[4]s\", community: true, clients: []}\npurposes: [network-security]\ndata: [%[5]s]\n"+
			"contacts: [{role: duty, address: duty@%[1]s.example}]\n", id, a.country, a.kind, a.ceiling, a.data)
		if _, err := relay.AcceptPeer(relay.AgreementsDir(filepath.Dir(cfg.Path)), relay.Terms{Agreement: text}, keys.Terms, time.Now()); err != nil {
			b.Fatal(err)
		}
		ids = append(ids, id)
	}
	n, err := relay.New(cfg, relay.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	if err := n.Start(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := n.Stop(b.Context()); err != nil && b.Context().Err() == nil {
			b.Error(err)
		}
	})
	return n, ids
}

// processorTime is what this process has used of all cores.
func processorTime(b testing.TB) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
