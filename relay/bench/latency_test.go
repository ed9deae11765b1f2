package bench

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/entente-relay/entente/configs"
	"github.com/entente-relay/entente/relay"
	"github.com/entente-relay/entente/relay/dashboard"
)

// BenchmarkLatency publishes at DE, at a fixed rate, and tells how long objects
// take until JP, behind PL, shows them: two borders, everything on, every commit
// and journal synced. Each publication begins when the schedule says, whatever
// came of those before it, and the time runs from there: what a slow moment
// holds up is counted for all that it holds up.
func BenchmarkLatency(b *testing.B) {
	const rate, seconds = 500, 3
	for _, size := range []int{1, 10} {
		b.Run(fmt.Sprintf("%d-a-message", size), func(b *testing.B) {
			for b.Loop() {
				took := latencies(b, rate, seconds, size)
				for _, q := range []struct {
					name string
					part float64
				}{{"p50-ms", 0.5}, {"p99-ms", 0.99}, {"max-ms", 1}} {
					at := took[min(int(q.part*float64(len(took))), len(took)-1)]
					b.ReportMetric(float64(at.Microseconds())/1000, q.name)
				}
			}
		})
	}
}

// latencies returns, in order of length, what objects took from the moment they
// were due until they were shown, of which size are published together.
func latencies(b *testing.B, rate, seconds, size int) []time.Duration {
	de, jp := newChain(b)
	const warm = 1 // second, not counted
	objects := passing(rate * (seconds + warm))
	ctx, cancel := context.WithTimeout(b.Context(), time.Minute)
	defer cancel()
	type arrival struct {
		id string
		at time.Time
	}
	shown := make(chan arrival, len(objects))
	var wg sync.WaitGroup
	wg.Go(func() {
		_ = jp.Arrivals(ctx, 0, func(a dashboard.Arrival) error { shown <- arrival{a.ID, time.Now()}; return nil }) // ends with ctx
	})
	due := map[string]time.Time{}
	begin := time.Now().Add(200 * time.Millisecond)
	for i := 0; i < len(objects); i += size {
		at := begin.Add(time.Duration(i) * time.Second / time.Duration(rate))
		some := objects[i:min(i+size, len(objects))]
		for _, o := range some {
			due[idOf(o)] = at
		}
		time.Sleep(time.Until(at))
		wg.Go(func() {
			if _, err := de.Publish(ctx, "bench", "", bytes.Join(some, []byte("\n"))); err != nil {
				b.Error(err)
			}
		})
	}
	var out []time.Duration
	for range objects {
		select {
		case a := <-shown:
			if at := due[a.id]; at.Sub(begin) >= warm*time.Second {
				out = append(out, a.at.Sub(at))
			}
		case <-ctx.Done():
			b.Fatalf("%d of %d objects arrived", len(out), len(objects))
		}
	}
	cancel()
	wg.Wait()
	slices.Sort(out)
	return out
}

// passing generates objects that may go everywhere as they are.
func passing(n int) [][]byte {
	var out [][]byte
	for seed := uint64(1); len(out) < n; seed++ {
		for _, o := range Generate(n, seed, time.Now()) {
			if !bytes.Contains(o, []byte("residency")) && (bytes.Contains(o, []byte(markings[0])) || bytes.Contains(o, []byte(markings[1]))) {
				out = append(out, o)
			}
		}
	}
	return out[:n]
}

// idOf finds the id that an object was generated with.
func idOf(o []byte) string {
	_, rest, _ := bytes.Cut(o, []byte(`"id":"`))
	id, _, _ := bytes.Cut(rest, []byte(`"`))
	return string(id)
}

// newChain sets up DE, PL and JP, all running; DE and JP are linked with PL only.
func newChain(b *testing.B) (de, jp *relay.Node) {
	b.Helper()
	type region struct {
		cfg  *configs.Node
		keys *relay.Keys
		node *relay.Node
	}
	dir := b.TempDir()
	made := map[string]*region{}
	for id, country := range map[string]string{"de-cert": "DE", "pl-cert": "PL", "jp-carrier": "JP"} {
		cfg, err := relay.Setup(relay.SetupOptions{Dir: filepath.Join(dir, id), Now: time.Now(), Values: configs.TemplateValues{
			ID: id, Name: id, Country: country, Data: "data", Leaf: "127.0.0.1:0", Hosts: []string{"localhost"}}})
		if err != nil {
			b.Fatal(err)
		}
		keys, err := relay.LoadKeys(relay.KeysDir(cfg))
		if err != nil {
			b.Fatal(err)
		}
		made[id] = &region{cfg: cfg, keys: keys}
	}
	start := func(id string) {
		r := made[id]
		r.node = node(b, r.cfg)
		if err := r.node.Start(b.Context()); err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { stop(b, r.node) })
	}
	link := func(own, peer, dial string) {
		accept(b, made[own].cfg, made[own].keys, made[peer].cfg, own+"--"+peer, dial)
	}
	link("de-cert", "pl-cert", "")
	start("de-cert")
	link("pl-cert", "de-cert", "tls://"+made["de-cert"].node.LeafAddr())
	link("pl-cert", "jp-carrier", "")
	start("pl-cert")
	link("jp-carrier", "pl-cert", "tls://"+made["pl-cert"].node.LeafAddr())
	knows(b, made["jp-carrier"].cfg, made["jp-carrier"].keys, made["de-cert"].cfg)
	start("jp-carrier")
	return made["de-cert"].node, made["jp-carrier"].node
}

// knows has a node accept the statement of one that is not its peer.
func knows(b *testing.B, own *configs.Node, keys *relay.Keys, other *configs.Node) {
	b.Helper()
	statement, err := os.ReadFile(filepath.Join(filepath.Dir(other.Path), relay.StatementFile))
	if err != nil {
		b.Fatal(err)
	}
	if _, err := relay.KnowParticipant(relay.StatementsDir(filepath.Dir(own.Path)), statement, keys.Terms, time.Now()); err != nil {
		b.Fatal(err)
	}
}
