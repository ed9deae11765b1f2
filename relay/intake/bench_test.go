package intake

import (
	"strings"
	"testing"
)

// BenchmarkRead reads a bundle of 1,000 unmarked indicators and supplies their
// markings; the figure is for all of them.
func BenchmarkRead(b *testing.B) {
	var objects []string
	for i := range 1000 {
		objects = append(objects, indicator(i, `,"name":"Phishing","description":"Seen in the logs of several participants.","labels":["phishing","rsit:fraud"]`))
	}
	data := []byte(bundle(strings.Join(objects, ",\n")))
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		res, err := Read(data, "bench", amberFeed(), now)
		if err != nil || len(res.Taken) != 1000 {
			b.Fatal(err)
		}
	}
}
