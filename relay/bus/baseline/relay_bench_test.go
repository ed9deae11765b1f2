package baseline

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/entente-relay/entente/federation/link"
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

// node is a bus on loopback and how others list it.
type node struct {
	bus  *bus.Bus
	peer bus.Peer
}

func startNode(b *testing.B, name string) node {
	b.Helper()
	cert, key, err := bus.NewTLSIdentity(name, nil)
	if err != nil {
		b.Fatal(err)
	}
	seed, public, err := bus.NewNKey()
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
	return node{n, bus.Peer{ID: name, NKeyPublic: public, CertPEM: cert}}
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
			log, batch := startNode(b, "aa").bus.Log(), messages(n)
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
			log := startNode(b, "aa").bus.Log()
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

// logSource sends a log as it is, without any step of the relay.
type logSource struct{ log *bus.Stream }

func (s logSource) Frame(ctx context.Context, _ string, p link.Pull) (link.Frame, error) {
	f := link.Frame{Incarnation: s.log.Incarnation(), FirstSeq: p.At.Seq + 1}
	got, err := s.log.Read(ctx, p.At.Pos+1, 0, p.MaxBytes-messageSize)
	if err != nil || len(got) == 0 {
		return f, err
	}
	for _, r := range got {
		f.Messages = append(f.Messages, r.Data)
	}
	f.More = true
	f.Then = link.Cursor{Incarnation: f.Incarnation, Pos: got[len(got)-1].Seq, Seq: p.At.Seq + uint64(len(got))}
	return f, nil
}

// logSink stores what comes, synced, and ends the pull after the last message.
type logSink struct {
	log  *bus.Stream
	last uint64
	end  context.CancelFunc
}

func (s logSink) Position(context.Context) (link.Position, error) { return link.Position{}, nil }

func (s logSink) Commit(ctx context.Context, f link.Frame) (link.Receipt, error) {
	batch := make([]bus.Record, len(f.Messages))
	var rc link.Receipt
	for i, m := range f.Messages {
		batch[i] = bus.Record{Subject: "aa", Data: m}
		rc.Outcomes = append(rc.Outcomes, link.Outcome{Seq: f.FirstSeq + uint64(i), Stored: objectsPerMessage})
	}
	_, err := s.log.Append(ctx, batch)
	if err == nil && f.After().LastSeq >= s.last {
		s.end()
	}
	return rc, err
}

// BenchmarkFramedPull carries 400 messages over a TLS leaf link into the log of
// another node, each frame synced: link and store alone. The bare sourced
// stream is measured in the same run, and the ratio to it is told.
func BenchmarkFramedPull(b *testing.B) {
	const stored = 400
	for b.Loop() {
		b.StopTimer()
		sender, receiver := startNode(b, "aa"), startNode(b, "bb")
		for range stored / 8 {
			if _, err := sender.bus.Log().Append(within(b), messages(8)); err != nil {
				b.Fatal(err)
			}
		}
		dial := sender.peer
		dial.DialURL = "tls://" + sender.bus.LeafAddr()
		if err := sender.bus.SetPeers(within(b), []bus.Peer{receiver.peer}); err != nil {
			b.Fatal(err)
		}
		if err := receiver.bus.SetPeers(within(b), []bus.Peer{dial}); err != nil {
			b.Fatal(err)
		}
		key, err := link.NewCursorKey(make([]byte, 32))
		if err != nil {
			b.Fatal(err)
		}
		server := &link.Server{Source: logSource{sender.bus.Log()}, Cursors: key}
		if err := sender.bus.Serve("bb", func(ctx context.Context, req []byte) []byte { return server.Serve(ctx, "bb", req) }); err != nil {
			b.Fatal(err)
		}
		awaitLink(b, receiver.bus, "aa")
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		puller := &link.Puller{Peer: "aa", Self: "bb", Transport: transport{receiver.bus, "aa"}, Sink: logSink{receiver.bus.Log(), stored, cancel}}
		b.StartTimer()
		if err := puller.Run(ctx); puller.Status().LastSeq < stored {
			b.Fatal(err, puller.Status())
		}
	}
	rate := float64(b.N*stored*objectsPerMessage) / b.Elapsed().Seconds()
	b.ReportMetric(rate, "objects/s")
	for _, sync := range []Sync{Default, Always} {
		bare, err := Sourced(within(b), Options{Dir: b.TempDir(), Objects: 10_000}, sync)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(rate/bare, "x-bare-"+string(sync))
	}
}

type transport struct {
	bus  *bus.Bus
	peer string
}

func (t transport) Request(ctx context.Context, req []byte) ([]byte, error) {
	return t.bus.Request(ctx, t.peer, req)
}

// awaitLink asks until somebody answers.
func awaitLink(b *testing.B, from *bus.Bus, peer string) {
	b.Helper()
	for {
		ctx, cancel := context.WithTimeout(within(b), time.Second)
		_, err := from.Request(ctx, peer, nil)
		cancel()
		if err == nil {
			return
		}
		if err := sleep(within(b), 5*time.Millisecond); err != nil {
			b.Fatal(err)
		}
	}
}
