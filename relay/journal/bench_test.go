package journal

import (
	"context"
	"fmt"
	"testing"
	"time"
)

// slowLog takes as long for a batch as a synced commit does.
type slowLog struct {
	last  uint64
	bytes int
	sync  time.Duration
}

func (l *slowLog) Append(ctx context.Context, after uint64, records [][]byte) (uint64, error) {
	if l.sync > 0 {
		timer := time.NewTimer(l.sync)
		<-timer.C
	}
	for _, r := range records {
		l.bytes += len(r)
	}
	l.last = after + uint64(len(records))
	return l.last, nil
}

func (l *slowLog) Read(context.Context, uint64, int) ([]Stored, error) { return nil, nil }
func (l *slowLog) Last(context.Context) (Stored, bool, error)          { return Stored{}, false, nil }

// BenchmarkAppend: many callers, each with the record of a frame, over a log
// that costs nothing (what the journal itself takes) and one that syncs in 2 ms.
func BenchmarkAppend(b *testing.B) {
	for _, objects := range []int{1, 64} {
		for _, sync := range []time.Duration{0, 2 * time.Millisecond} {
			b.Run(fmt.Sprintf("objects=%d/sync=%v", objects, sync), func(b *testing.B) {
				l := &slowLog{sync: sync}
				w, err := NewWriter(b.Context(), l, Options{})
				if err != nil {
					b.Fatal(err)
				}
				r := sampleSent(objects)
				b.SetParallelism(64)
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						if _, err := w.Append(context.Background(), r); err != nil {
							b.Error(err)
							return
						}
					}
				})
				if err := w.Close(context.Background()); err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
				b.ReportMetric(float64(b.N*objects)/b.Elapsed().Seconds(), "objects/s")
				b.ReportMetric(float64(l.bytes)/float64(b.N*objects), "bytes/object")
			})
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	r := sampleSent(64)
	for b.Loop() {
		if _, _, err := encode(r); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*64), "ns/object")
}

// BenchmarkVerify reads and checks a journal of records of 64 objects.
func BenchmarkVerify(b *testing.B) {
	var records []*Record
	for range 100 {
		records = append(records, sampleSent(64))
	}
	l := written(b, records...)
	bytes := 0
	for _, s := range l.records {
		bytes += len(s.Data)
	}
	b.SetBytes(int64(bytes))
	for b.Loop() {
		if _, err := Verify(Head{}, each(l.records)); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*len(records))/b.Elapsed().Seconds(), "records/s")
}

// BenchmarkFind looks for an object that is in none of the newest 10,000 records.
func BenchmarkFind(b *testing.B) {
	var records []*Record
	for i := range 10_000 {
		records = append(records, samples()[i%8])
	}
	l := written(b, records...)
	q := Query{ObjectID: "indicator--ffffffff-58a7-4f5e-9c1c-0d8f2a6b7e11"}
	for b.Loop() {
		found, err := Find(b.Context(), l, q)
		if err != nil || found.Scanned != len(records) {
			b.Fatal(found.Scanned, err)
		}
	}
	b.ReportMetric(float64(b.N*len(records))/b.Elapsed().Seconds(), "records/s")
}
