package policy

import (
	"crypto/sha256"
	"testing"

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

// BenchmarkSubject reads the markings of one workload object.
func BenchmarkSubject(b *testing.B) {
	d := newDemo(b)
	subjects := benchSubjects(b, d)
	b.ReportAllocs()
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
	for i := 0; b.Loop(); i++ {
		d.bundle.Decide(subjects[i%len(subjects)], pl, demoNow)
	}
}

// BenchmarkDecideCold decides without any cache.
func BenchmarkDecideCold(b *testing.B) {
	d := newDemo(b)
	subjects := benchSubjects(b, d)
	pl := NewRecipient(d.de, sampleAgreement(b, "de-cert--pl-cert"))
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		d.bundle.outcomes = newCache[outcomeKey, *outcome](64)
		d.bundle.answers = newCache[answerKey, *answer](64)
		d.bundle.Decide(subjects[i%len(subjects)], pl, demoNow)
	}
}

// BenchmarkLoad loads and proves the shipped bundle.
func BenchmarkLoad(b *testing.B) {
	d := newDemo(b)
	for b.Loop() {
		if _, err := Load(shipped(b, "policies"), shipped(b, "jurisdictions"), d.tables, Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
