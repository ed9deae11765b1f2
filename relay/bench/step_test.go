package bench

import (
	"testing"
	"time"
)

func benchSteps(b *testing.B) *steps {
	b.Helper()
	x, err := newSteps(32, time.Now())
	if err != nil {
		b.Fatal(err)
	}
	return x
}

// BenchmarkBorder64 is verify + decide + redact + sign of messages of 64
// objects, on one core. `entente bench` gives the same as relay/step/64.
func BenchmarkBorder64(b *testing.B) {
	x := benchSteps(b)
	sent, i := 0, 0
	b.ReportAllocs()
	for b.Loop() {
		n, err := x.border(i)
		if err != nil {
			b.Fatal(err)
		}
		sent += n
		if i += messagesPerFrame; i == len(x.arrived) {
			i = 0
			x.forget()
		}
	}
	objects := float64(b.N) * messagesPerFrame * objectsPerMessage
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/objects/1000, "µs/object")
	b.ReportMetric(float64(sent)/objects, "wire-bytes/object")
}

// BenchmarkIssue64 is the issuing of messages of 64 objects, on one core.
func BenchmarkIssue64(b *testing.B) {
	x := benchSteps(b)
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		if _, err := x.issue(i % 32); err != nil {
			b.Fatal(err)
		}
		i++
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/objectsPerMessage/1000, "µs/object")
}
