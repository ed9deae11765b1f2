//go:build unix

package bus

import (
	"bytes"
	"fmt"
	"syscall"
	"testing"
	"time"
)

// BenchmarkFew tells what an Append costs by the number of its records, which is
// why few are better stored one by one.
func BenchmarkFew(b *testing.B) {
	for _, n := range []int{1, 2, 4, Few, 64} {
		b.Run(fmt.Sprintf("%dx3KB", n), func(b *testing.B) {
			log := start(b, newID(b, "aa").config(b)).Log()
			records := make([]Record, n)
			for i := range records {
				records[i] = Record{Subject: "self", Data: bytes.Repeat([]byte("0123456789abcdef"), 192)}
			}
			begun := processor()
			for b.Loop() {
				if _, err := log.Append(within(b), records); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64((processor()-begun).Microseconds())/float64(b.N), "cpu-µs/append")
		})
	}
}

// processor is the CPU time that this process has used.
func processor() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // cannot fail for the process itself
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
