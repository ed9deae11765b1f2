package bench

import (
	"bytes"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/entente-relay/entente/configs"
	"github.com/entente-relay/entente/relay"
	"github.com/entente-relay/entente/relay/bus/baseline"
)

// BenchmarkOneBorder moves objects over one border with everything on: pulled
// over a TLS leaf link, verified, judged, redacted, committed with sync and
// journalled on both sides. Beside it stands, in the same run, bare NATS: one
// stream sourced over a TLS leaf link, one unsigned object a message, under
// the same durability and under NATS's default.
func BenchmarkOneBorder(b *testing.B) {
	const objects = 6_400
	for b.Loop() {
		rate := oneBorder(b, objects)
		always, err := baseline.Sourced(b.Context(), baseline.Options{Dir: b.TempDir(), Objects: objects}, baseline.Always)
		if err != nil {
			b.Fatal(err)
		}
		unsafe, err := baseline.Sourced(b.Context(), baseline.Options{Dir: b.TempDir(), Objects: objects}, baseline.Default)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(rate, "objects/s")
		b.ReportMetric(rate/always, "x-bare-synced")
		b.ReportMetric(rate/unsafe, "x-bare-unsynced")
	}
}

// oneBorder returns how many objects a second a node fetches from a peer that
// has them all.
func oneBorder(b *testing.B, objects int) float64 {
	de, pl := newPair(b)
	for chunk := range chunks(Generate(objects, 1, time.Now()), 1_600) {
		if _, err := de.Publish(b.Context(), "bench", "", chunk); err != nil {
			b.Fatal(err)
		}
	}
	if err := pl.Start(b.Context()); err != nil {
		b.Fatal(err)
	}
	defer stop(b, pl)
	// Start and dialling are not what is measured: the clock runs from the
	// first commit that is seen.
	var begun time.Time
	var first uint64
	limit := time.After(2 * time.Minute)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-limit:
			b.Fatal("not all objects arrived in two minutes")
		case <-tick.C:
		}
		st, err := pl.Status(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		if begun.IsZero() && st.Objects.Taken > 0 {
			begun, first = time.Now(), st.Objects.Taken
		}
		if st.Objects.Taken == uint64(objects) {
			return float64(uint64(objects)-first) / time.Since(begun).Seconds()
		}
	}
}

// chunks joins objects into JSON lines, so many at a time.
func chunks(objects [][]byte, size int) func(func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for len(objects) > 0 {
			k := min(size, len(objects))
			if !yield(bytes.Join(objects[:k], []byte("\n"))) {
				return
			}
			objects = objects[k:]
		}
	}
}

// newPair sets up DE, running, and PL, which dials it and is not started.
func newPair(b *testing.B) (de, pl *relay.Node) {
	b.Helper()
	dir := b.TempDir()
	setup := func(id, country string) (*configs.Node, *relay.Keys) {
		cfg, err := relay.Setup(relay.SetupOptions{Dir: filepath.Join(dir, id), Now: time.Now(), Values: configs.TemplateValues{
			ID: id, Name: id, Country: country, Data: "data", Leaf: "127.0.0.1:0", Hosts: []string{"localhost"}}})
		if err != nil {
			b.Fatal(err)
		}
		keys, err := relay.LoadKeys(relay.KeysDir(cfg))
		if err != nil {
			b.Fatal(err)
		}
		return cfg, keys
	}
	deCfg, deKeys := setup("de-cert", "DE")
	plCfg, plKeys := setup("pl-cert", "PL")
	accept(b, deCfg, deKeys, plCfg, "de-cert--pl-cert", "")
	de = node(b, deCfg)
	if err := de.Start(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { stop(b, de) })
	accept(b, plCfg, plKeys, deCfg, "pl-cert--de-cert", "tls://"+de.LeafAddr())
	return de, node(b, plCfg)
}

func accept(b *testing.B, own *configs.Node, keys *relay.Keys, peer *configs.Node, terms, dial string) {
	b.Helper()
	text, err := fs.ReadFile(configs.Agreements(), terms+".yaml")
	if err != nil {
		b.Fatal(err)
	}
	statement, err := os.ReadFile(filepath.Join(filepath.Dir(peer.Path), relay.StatementFile))
	if err != nil {
		b.Fatal(err)
	}
	dir := relay.AgreementsDir(filepath.Dir(own.Path))
	if _, err := relay.AcceptPeer(dir, relay.Terms{Agreement: string(text), Statement: string(statement), Dial: dial}, keys.Terms, time.Now()); err != nil {
		b.Fatal(err)
	}
}

func node(b *testing.B, cfg *configs.Node) *relay.Node {
	b.Helper()
	n, err := relay.New(cfg, relay.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	return n
}

func stop(b *testing.B, n *relay.Node) {
	if err := n.Stop(b.Context()); err != nil && b.Context().Err() == nil {
		b.Error(err)
	}
}
