//go:build unix

package envelope

import (
	"syscall"
	"testing"
	"time"

	"github.com/entente-relay/entente/federation/policy"
)

// meter measures the processor time of the whole process, collector included, so
// that a busy machine does not count.
type meter struct {
	b     *testing.B
	start time.Duration
}

func startMeter(b *testing.B) *meter {
	b.ReportAllocs()
	return &meter{b, processorTime(b)}
}

// perObject reports microseconds of one core an object.
func (m *meter) perObject(objects int) {
	spent := processorTime(m.b) - m.start
	m.b.ReportMetric(float64(spent.Nanoseconds())/1000/float64(m.b.N*objects), "cpu-µs/object")
}

func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func BenchmarkIssue64(b *testing.B) {
	objs, o := workload(b), issueOptions(b)
	m := startMeter(b)
	for b.Loop() {
		if _, err := Issue(objs, o); err != nil {
			b.Fatal(err)
		}
	}
	m.perObject(len(objs))
}

func BenchmarkVerify64(b *testing.B) {
	v := issueOne(b, workload(b)...)
	_, keys := testParticipants(b)
	o := VerifyOptions{Keys: keys, Now: testNow, Roots: NewRootCache(16)}
	m := startMeter(b)
	for b.Loop() {
		if _, err := Verify(v.Raw(), o); err != nil {
			b.Fatal(err)
		}
	}
	m.perObject(64)
	b.ReportMetric(float64(len(v.Raw()))/64, "bytes/object")
}

// BenchmarkVerifyRedacted64 verifies what has passed a relay that took parts out:
// two hops, the second with a long list.
func BenchmarkVerifyRedacted64(b *testing.B) {
	j := newJudge(b)
	ps, keys := testParticipants(b)
	raw := dispatch(b, clear(b, issueOne(b, workload(b)...), "pl-cert", nil), "de-cert", "pl-cert", 1)
	v, err := Verify(raw, VerifyOptions{Self: "pl-cert", Keys: keys, Now: testNow})
	if err != nil {
		b.Fatal(err)
	}
	j.self = &policy.Node{ID: "pl-cert", Country: "PL", Kind: "authority"}
	c, err := Redact(v, j.decide(j.subjects(v), j.recipient("JP", "jp-carrier")))
	if err != nil {
		b.Fatal(err)
	}
	signed, err := SignFrame([]*Cleared{c}, Dispatch{Self: "pl-cert", Key: ps["pl-cert"], Peer: "jp-carrier", Now: testNow, FirstSeq: 1, Tables: "1"})
	if err != nil {
		b.Fatal(err)
	}
	o := VerifyOptions{Self: "jp-carrier", Keys: keys, Now: testNow, Roots: NewRootCache(16)}
	m := startMeter(b)
	for b.Loop() {
		if _, err := Verify(signed[0].Bytes(), o); err != nil {
			b.Fatal(err)
		}
	}
	m.perObject(64)
	b.ReportMetric(float64(len(c.out)), "taken-out")
	b.ReportMetric(float64(len(signed[0].Bytes()))/64, "bytes/object")
}

// BenchmarkRelayStep64 is what a relay does with one message of 64 objects:
// verify, decide, redact, sign, on one core. BenchmarkRelayStep1 is the same with
// one object, where what a message costs by itself shows.
func BenchmarkRelayStep64(b *testing.B) { benchmarkStep(b, 64) }
func BenchmarkRelayStep1(b *testing.B)  { benchmarkStep(b, 1) }

func benchmarkStep(b *testing.B, objects int) {
	j := newJudge(b)
	v := issueOne(b, workload(b)[:objects]...)
	raw := dispatch(b, clear(b, v, "pl-cert", nil), "de-cert", "pl-cert", 1)
	ps, keys := testParticipants(b)
	j.self = &policy.Node{ID: "pl-cert", Country: "PL", Kind: "authority"}
	to := j.recipient("JP", "jp-carrier")
	o := VerifyOptions{Self: "pl-cert", Keys: keys, Now: testNow, Roots: NewRootCache(16)}
	var spent [4]time.Duration
	m := startMeter(b)
	for b.Loop() {
		t0 := time.Now()
		got, err := Verify(raw, o)
		if err != nil {
			b.Fatal(err)
		}
		t1 := time.Now()
		ds := j.decide(j.subjects(got), to)
		t2 := time.Now()
		c, err := Redact(got, ds)
		if err != nil {
			b.Fatal(err)
		}
		t3 := time.Now()
		if _, err := SignFrame([]*Cleared{c}, Dispatch{Self: "pl-cert", Key: ps["pl-cert"], Peer: "jp-carrier", Now: testNow, FirstSeq: 1, Tables: "1"}); err != nil {
			b.Fatal(err)
		}
		for i, d := range []time.Duration{t1.Sub(t0), t2.Sub(t1), t3.Sub(t2), time.Since(t3)} {
			spent[i] += d
		}
	}
	m.perObject(objects)
	for i, name := range []string{"verify", "decide", "redact", "sign"} {
		b.ReportMetric(float64(spent[i].Nanoseconds())/float64(b.N*objects*1000), name+"-µs/object")
	}
}

// BenchmarkShown is what an import does for each message so that the same
// objects by another way can be told: 64 objects.
func BenchmarkShown(b *testing.B) {
	v := issueOne(b, workload(b)...)
	b.ReportAllocs()
	for b.Loop() {
		for i := range v.Items() {
			_ = v.Shown(i).Hash()
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(v.Items())), "ns/object")
}
