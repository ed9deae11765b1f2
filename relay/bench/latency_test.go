package bench

import (
	"bytes"
	"io"
	"testing"
	"testing/synctest"
	"time"
)

// A node that stands still for a second makes every object that was due
// meanwhile late, not only the one that it was working on.
func TestLatencyCountsFromWhenAnObjectWasDue(t *testing.T) {
	begin := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	objects := Generate(1000, 1, begin)
	s, err := newSchedule(objects, 100, begin)
	if err != nil {
		t.Fatal(err)
	}
	still, on := begin.Add(5*time.Second), begin.Add(6*time.Second)
	i := 0
	for id, place := range s.ids {
		at := s.due(place).Add(3 * time.Millisecond)
		if at.After(still) && at.Before(on) {
			at = on
		}
		if i++; s.arrived(id, at) != (i == len(objects)) {
			t.Fatalf("after %d of %d objects", i, len(objects))
		}
		s.arrived(id, at.Add(time.Hour)) // seen again
	}
	s.arrived("indicator--00000000-0000-4000-8000-000000000000", begin) // of somebody else
	took, missing := s.latencies(2*time.Second, on)
	l := latencyOf(took)
	if len(took) != 800 || missing != 0 || l.P50 != 3 || l.P99 < 900 || l.P99 > 1000 {
		t.Errorf("%d latencies, %d missing, %+v", len(took), missing, *l)
	}
	// What never came is as late as can be told.
	delete(s.seen, 999)
	took, missing = s.latencies(0, begin.Add(20*time.Second))
	if l := percentile(took, 1); missing != 1 || l < 10*time.Second {
		t.Errorf("%d missing, the latest took %v", missing, l)
	}
}

// Over a long line each byte is late, and none waits for those before it.
func TestLateDelaysWithoutSlowing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const delay, parts = 40 * time.Millisecond, 50
		r, w := io.Pipe()
		var got bytes.Buffer
		began := time.Now()
		go func() {
			for range parts {
				if _, err := w.Write([]byte("0123456789")); err != nil {
					t.Error(err)
				}
				time.Sleep(time.Millisecond)
			}
			if err := w.Close(); err != nil {
				t.Error(err)
			}
		}()
		Late(&got, r, delay)
		if took := time.Since(began); got.Len() != 10*parts || took < delay || took > delay+2*parts*time.Millisecond {
			t.Errorf("%d bytes in %v", got.Len(), took)
		}
	})
}
