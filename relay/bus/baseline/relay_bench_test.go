package baseline

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/entente-relay/entente/relay/bus"
)

// What the relay sends: 64 objects a message, 2.6 KB an object.
const (
	objectsPerMessage = 64
	messageSize       = objectsPerMessage * 2_600
)

// sampleMessage is as compressible as a signed message: base64url of JSON with
// random identifiers and digests in it.
func sampleMessage(n int) []byte {
	r := rand.New(rand.NewPCG(uint64(n), 1))
	var b bytes.Buffer
	for b.Len() < messageSize*3/4 {
		fmt.Fprintf(&b, `["%016x%016x",{"type":"indicator","spec_version":"2.1","id":"indicator--%08x-0000-4000-8000-%012x","created":"2026-01-0%dT00:00:00.000Z","pattern":"[ipv4-addr:value = '198.51.100.%d']","pattern_type":"stix","labels":["malicious-activity"],"_sd":["%016x%016x%016x%016x","%016x%016x%016x%016x"]}]`,
			r.Uint64(), r.Uint64(), r.Uint32(), r.Uint64()>>16, 1+r.IntN(9), r.IntN(256), r.Uint64(), r.Uint64(), r.Uint64(), r.Uint64(), r.Uint64(), r.Uint64(), r.Uint64(), r.Uint64())
	}
	return base64.RawURLEncoding.AppendEncode(nil, b.Bytes()[:messageSize*3/4])
}

func startNode(b *testing.B, name string) *bus.Bus {
	b.Helper()
	cert, key, err := bus.NewTLSIdentity(name, nil)
	if err != nil {
		b.Fatal(err)
	}
	seed, _, err := bus.NewNKey()
	if err != nil {
		b.Fatal(err)
	}
	n, err := bus.Start(within(b), bus.Config{Name: name, Dir: filepath.Join(b.TempDir(), "bus"), ListenLeaf: "127.0.0.1:0", CertPEM: cert, KeyPEM: key, Seed: seed, MaxStore: 32 << 30})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := n.Stop(within(b)); err != nil {
			b.Error(err)
		}
	})
	return n
}

func messages(n int) []bus.Record {
	rs := make([]bus.Record, n)
	for i := range rs {
		rs[i] = bus.Record{Subject: "self", Data: sampleMessage(i)}
	}
	return rs
}

func perSecond(b *testing.B, n int) {
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "objects/s")
}

// BenchmarkAppend stores batches of messages, each batch synced.
func BenchmarkAppend(b *testing.B) {
	for _, n := range []int{1, 4, 8, 16} {
		b.Run(fmt.Sprintf("%dx166KB", n), func(b *testing.B) {
			log, batch := startNode(b, "aa").Log(), messages(n)
			b.SetBytes(int64(n * messageSize))
			for b.Loop() {
				if _, err := log.Append(within(b), batch); err != nil {
					b.Fatal(err)
				}
			}
			perSecond(b, b.N*n*objectsPerMessage)
		})
	}
}

// BenchmarkRead reads a log of 200 messages from its start to its end.
func BenchmarkRead(b *testing.B) {
	const stored = 200
	for _, n := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("%dx166KB", n), func(b *testing.B) {
			log := startNode(b, "aa").Log()
			for range stored / 8 {
				if _, err := log.Append(within(b), messages(8)); err != nil {
					b.Fatal(err)
				}
			}
			b.SetBytes(stored * messageSize)
			for b.Loop() {
				for next := uint64(1); next <= stored; {
					got, err := log.Read(within(b), next, n, 0)
					if err != nil || len(got) == 0 {
						b.Fatal(len(got), err)
					}
					next = got[len(got)-1].Seq + 1
				}
			}
			perSecond(b, b.N*stored*objectsPerMessage)
		})
	}
}
