package bench

import (
	"math"
	"slices"
	"time"

	"github.com/entente-relay/entente/relay/bus/baseline"
)

// median returns the middle of the values, the lower of the two middle ones
// where there is no single one; 0 of none.
func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(values))
	return s[(len(s)-1)/2]
}

// percentile returns the smallest of the values that at least a share p of all
// do not exceed (the nearest rank); 0 of none.
func percentile(values []time.Duration, p float64) time.Duration {
	if len(values) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(values))
	rank := int(math.Ceil(p * float64(len(s))))
	return s[min(max(rank, 1), len(s))-1]
}

// speed is the objects a second between the first sample that counts more than
// before, and the last that counts more than the one before it: from the first
// commit that was seen to the last. A run too short to be seen in between is
// taken from its beginning.
func speed(samples []baseline.Sample, before uint64) (perSecond float64, objects uint64, over time.Duration) {
	var grew []baseline.Sample
	for i, s := range samples {
		if s.Objects > before && (i == 0 || s.Objects > samples[i-1].Objects) {
			grew = append(grew, s)
		}
	}
	switch {
	case len(grew) == 0:
		return 0, 0, 0
	case len(grew) < 4: // nothing could be seen in between
		grew = append([]baseline.Sample{{At: samples[0].At, Objects: before}}, grew...)
	}
	first, last := grew[0], grew[len(grew)-1]
	objects, over = last.Objects-first.Objects, last.At.Sub(first.At)
	if over <= 0 {
		return 0, objects, over
	}
	return float64(objects) / over.Seconds(), objects, over
}

// round keeps so many digits after the point.
func round(v float64, digits int) float64 {
	f := math.Pow(10, float64(digits))
	return math.Round(v*f) / f
}
func latencyOf(values []time.Duration) *Latency {
	ms := func(p float64) float64 { return round(float64(percentile(values, p))/float64(time.Millisecond), 2) }
	return &Latency{P50: ms(0.5), P99: ms(0.99), P999: ms(0.999)}
}
