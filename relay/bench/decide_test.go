package bench

import (
	"crypto/sha256"
	"testing"

	"github.com/entente-relay/entente/federation/policy"
	"github.com/entente-relay/entente/federation/stix"
)

// BenchmarkDecide64 is the step decide by itself, and what prepares it, over
// messages of 64 objects of which none comes twice: their victims, the subject
// and the decision of each, and the closing of the message.
func BenchmarkDecide64(b *testing.B) {
	x := benchSteps(b)
	const messages = 128
	var objects []*stix.Object
	var digests [][32]byte
	for _, raw := range Generate(messages*objectsPerMessage, 7, x.now) {
		o, err := stix.Parse(raw)
		if err != nil {
			b.Fatal(err)
		}
		objects, digests = append(objects, o), append(digests, sha256.Sum256(raw))
	}
	ds := make([]policy.Decision, objectsPerMessage)
	judge := func(n int) {
		at := n % messages * objectsPerMessage
		reader := x.reader.Among(objects[at : at+objectsPerMessage]).From("de-cert")
		for i := range ds {
			s := reader.Subject("de-cert", digests[at+i], objects[at+i], nil)
			ds[i] = x.bundle.Decide(s, x.to, x.now)
		}
		policy.Relate(ds)
	}
	for n := range messages {
		judge(n)
	}
	b.ReportAllocs()
	before := processorTime(b)
	n := 0
	for b.Loop() {
		judge(n)
		n++
	}
	b.ReportMetric(float64(processorTime(b)-before)/float64(b.N)/objectsPerMessage, "cpu-ns/object")
}
