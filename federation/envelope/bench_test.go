package envelope

import "testing"

// perObject reports microseconds of one core an object.
func perObject(b *testing.B, objects int) {
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*objects), "µs/object")
}

func BenchmarkIssue64(b *testing.B) {
	objs, o := workload(b), issueOptions(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Issue(objs, o); err != nil {
			b.Fatal(err)
		}
	}
	perObject(b, len(objs))
}

func BenchmarkVerify64(b *testing.B) {
	v := issueOne(b, workload(b)...)
	_, keys := testParticipants(b)
	o := VerifyOptions{Keys: keys, Now: testNow, Roots: NewRootCache(16)}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Verify(v.Raw(), o); err != nil {
			b.Fatal(err)
		}
	}
	perObject(b, 64)
	b.ReportMetric(float64(len(v.Raw()))/64, "bytes/object")
}
