package policy

import (
	"crypto/sha256"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/entente-relay/entente/federation/stix"
)

// benchSubjects are read workload objects.
func benchSubjects(b *testing.B, d *demo) []*Subject {
	b.Helper()
	var out []*Subject
	for _, line := range workload(b, "2000") {
		o, err := stix.Parse(line)
		if err != nil {
			b.Fatal(err)
		}
		out = append(out, d.reader.Subject("de-cert", sha256.Sum256(line), o, nil))
	}
	return out
}

// processor reports the processor time of an operation beside its time, which
// on a busy machine says more about the others.
func processor(b *testing.B) {
	b.Helper()
	used := func() time.Duration {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			b.Fatal(err)
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	before := used()
	b.Cleanup(func() { b.ReportMetric(float64(used()-before)/float64(b.N), "cpu-ns/op") })
}

// BenchmarkSubject reads the markings of one workload object.
func BenchmarkSubject(b *testing.B) {
	d := newDemo(b)
	subjects := benchSubjects(b, d)
	b.ReportAllocs()
	processor(b)
	for i := 0; b.Loop(); i++ {
		s := subjects[i%len(subjects)]
		d.reader.Subject("de-cert", s.digest, s.object, nil)
	}
}

// BenchmarkDecideCached decides on objects whose like was seen before.
func BenchmarkDecideCached(b *testing.B) {
	d := newDemo(b)
	subjects := benchSubjects(b, d)
	pl := NewRecipient(d.de, sampleAgreement(b, "de-cert--pl-cert"))
	for _, s := range subjects {
		d.bundle.Decide(s, pl, demoNow)
	}
	b.ReportAllocs()
	processor(b)
	for i := 0; b.Loop(); i++ {
		d.bundle.Decide(subjects[i%len(subjects)], pl, demoNow)
	}
}

// BenchmarkDecideStoreCached decides whether to keep objects whose like was seen
// before.
func BenchmarkDecideStoreCached(b *testing.B) {
	d := newDemo(b)
	subjects := benchSubjects(b, d)
	for _, s := range subjects {
		d.bundle.DecideStore(s, d.pl, demoNow)
	}
	b.ReportAllocs()
	processor(b)
	for i := 0; b.Loop(); i++ {
		d.bundle.DecideStore(subjects[i%len(subjects)], d.pl, demoNow)
	}
}

// BenchmarkDecideCold decides without any cache.
func BenchmarkDecideCold(b *testing.B) {
	d := newDemo(b)
	subjects := benchSubjects(b, d)
	pl := NewRecipient(d.de, sampleAgreement(b, "de-cert--pl-cert"))
	b.ReportAllocs()
	processor(b)
	for i := 0; b.Loop(); i++ {
		s := *subjects[i%len(subjects)]
		n := strconv.Itoa(i)
		s.base += n // in no cache
		s.key = sha256.Sum256([]byte(n))
		d.bundle.Decide(&s, pl, demoNow)
	}
}

// BenchmarkAsk asks the engine once, with every shipped rule of the slice.
func BenchmarkAsk(b *testing.B) {
	d := newDemo(b)
	s := d.subject(b, "de-cert", indicator(nil))
	v := d.bundle.view(NewRecipient(d.de, sampleAgreement(b, "de-cert--pl-cert")), demoNow)
	f := d.bundle.item(s, s.handling, v, demoNow)
	b.ReportAllocs()
	processor(b)
	for b.Loop() {
		d.bundle.ask(actionShare, v, f, demoNow, "")
	}
}

// BenchmarkLoad loads and proves the shipped bundle.
func BenchmarkLoad(b *testing.B) {
	d := newDemo(b)
	processor(b)
	for b.Loop() {
		if _, err := Load(shipped(b, "policies"), shipped(b, "jurisdictions"), d.tables, Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
