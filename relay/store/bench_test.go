package store

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/entente-relay/entente/federation"
)

// sampleObject is object i of an issuer; the same i gives the same object.
func sampleObject(issuer string, i int) Object {
	var seed [8]byte
	binary.BigEndian.PutUint64(seed[:], uint64(i))
	d := sha256.Sum256(append(seed[:], issuer...))
	return Object{
		Issuer: issuer, Digest: d, ID: fmt.Sprintf("indicator--%x-%x-4%x-8%x-%x", d[:4], d[4:6], d[6:8], d[8:10], d[10:16])[:46],
		Version: "2026-01-05T10:00:00.000Z", Type: "indicator", Marking: "TLP:GREEN", Outcome: Taken, Verdict: federation.Share,
	}
}

// sampleEntries are n entries of size objects each, from sequence first.
func sampleEntries(first, n, size int) []Entry {
	at := time.Date(2026, 1, 6, 12, 0, 0, 0, time.UTC)
	out := make([]Entry, n)
	for i := range out {
		seq := first + i
		out[i] = Entry{Seq: uint64(seq), Source: "de-cert", At: at, JTI: fmt.Sprintf("0194a5c0-0000-7000-8000-%012d", seq), LinkSeq: uint64(seq)}
		for j := range size {
			out[i].Objects = append(out[i].Objects, sampleObject("de-cert", seq*size+j))
		}
	}
	return out
}

func openBench(b *testing.B) *Store {
	s, err := Open(filepath.Join(b.TempDir(), "index.db"), Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	})
	return s
}

// BenchmarkApply measures objects a second in transactions of 500, which come
// as messages of 50 or of one.
func BenchmarkApply(b *testing.B) {
	for _, size := range []int{50, 1} {
		b.Run(fmt.Sprintf("message=%d", size), func(b *testing.B) {
			s := openBench(b)
			seq := 1
			for b.Loop() {
				b.StopTimer()
				entries := sampleEntries(seq, 500/size, size)
				b.StartTimer()
				if err := s.Apply(context.Background(), entries); err != nil {
					b.Fatal(err)
				}
				seq += len(entries)
			}
			b.ReportMetric(float64(b.N*500)/b.Elapsed().Seconds(), "objects/s")
		})
	}
}

// BenchmarkSeen asks for messages of 64 objects over a store of 1,000,000, half
// of which are known; memory/object is what Open keeps on the heap.
func BenchmarkSeen(b *testing.B) {
	path := filepath.Join(b.TempDir(), "index.db")
	const total = 1_000_000
	fill(b, path, total)
	before := heap()
	start := time.Now()
	s, err := Open(path, Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	opened := time.Since(start)
	perObject := float64(heap()-before) / total
	const messages = 4096
	asked := make([][][32]byte, messages)
	for i := range asked {
		for j := range 64 {
			asked[i] = append(asked[i], sampleObject("de-cert", (i*64+j)*7919%(2*total)).Digest)
		}
	}
	i, found := 0, 0
	for b.Loop() {
		for _, seen := range s.Seen("de-cert", asked[i%messages]) {
			if seen {
				found++
			}
		}
		i++
	}
	if found == 0 || found == i*64 {
		b.Fatalf("found %d of %d", found, i*64)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*64), "ns/object")
	b.ReportMetric(perObject, "bytes/object")
	b.ReportMetric(opened.Seconds(), "open-s")
}

func fill(tb testing.TB, path string, total int) {
	s, err := Open(path, Options{})
	if err != nil {
		tb.Fatal(err)
	}
	const size, many = 50, 100
	start := time.Now()
	for seq := 1; seq*size <= total; seq += many {
		if err := s.Apply(context.Background(), sampleEntries(seq-1+1, min(many, total/size-seq+1), size)); err != nil {
			tb.Fatal(err)
		}
	}
	tb.Logf("filled with %d objects in %v", total, time.Since(start))
	if err := s.Close(); err != nil {
		tb.Fatal(err)
	}
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkRecord measures sending: frames of 8 messages of 64 objects to
// five peers, of which three get the same variant.
func BenchmarkRecord(b *testing.B) {
	s := openBench(b)
	seq, logSeq := uint64(0), uint64(0)
	link := uint64(0)
	at := time.Date(2026, 1, 6, 12, 0, 0, 0, time.UTC)
	for b.Loop() {
		var events []Event
		for p := range 5 {
			seq++
			f := &Sent{Peer: fmt.Sprintf("peer-%d", p), Root: fmt.Sprintf("root-%d", seq), LogFrom: logSeq, LogTo: logSeq + 8}
			for m := range uint64(8) {
				sm := SentMessage{LogSeq: logSeq + 1 + m, LinkSeq: link + 1 + m}
				for j := max(0, p-2); j < 64; j++ {
					sm.Objects = append(sm.Objects, SentObject{Digest: [32]byte{byte(j), byte(m)}, Verdict: federation.Share})
				}
				f.Messages = append(f.Messages, sm)
			}
			events = append(events, Event{Seq: seq, At: at, Sent: f})
		}
		logSeq += 8
		link += 8
		if err := s.Record(context.Background(), events); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*5*8*64)/b.Elapsed().Seconds(), "objects/s")
	b.ReportMetric(float64(b.N*5*8)/b.Elapsed().Seconds(), "messages/s")
}

func BenchmarkVersion(b *testing.B) {
	s := openBench(b)
	if err := s.Apply(context.Background(), sampleEntries(1, 200, 50)); err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct {
		name string
		from int
	}{{"known", 50}, {"new", 1_000_000}} {
		b.Run(c.name, func(b *testing.B) {
			ids := make([]string, 1000)
			for i := range ids {
				ids[i] = sampleObject("de-cert", c.from+i).ID
			}
			i := 0
			for b.Loop() {
				_, _, ok, err := s.Version("de-cert", ids[i%len(ids)])
				if err != nil || ok != (c.name == "known") {
					b.Fatal(ok, err)
				}
				i++
			}
		})
	}
}

// BenchmarkRoutes asks by which messages a known object came: once for every
// object that comes again and was never here whole.
func BenchmarkRoutes(b *testing.B) {
	s, err := Open(filepath.Join(b.TempDir(), "index.db"), Options{Logger: quiet})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = s.Close() }() // nothing is left to be told
	entries := sampleEntries(1, 1000, 10)
	if err := s.Apply(b.Context(), entries); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		o := &entries[i%len(entries)].Objects[i%10]
		if ways, err := s.Routes(b.Context(), o.Issuer, o.Digest); err != nil || len(ways) != 1 {
			b.Fatal(len(ways), err)
		}
		i++
	}
}
