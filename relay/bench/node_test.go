package bench

import (
	"bytes"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/entente-relay/entente/configs"
	"github.com/entente-relay/entente/relay"
)

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

// chunks joins objects into JSON lines, so many at a time.
func chunks(objects [][]byte, size int) func(func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for some := range slices.Chunk(objects, size) {
			if !yield(bytes.Join(some, []byte("\n"))) {
				return
			}
		}
	}
}

// processorTime is what this process has used of the processors so far: on a
// busy machine it says more than the clock.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	u, err := ownUsage()
	if err != nil {
		b.Fatal(err)
	}
	return u.CPU
}
