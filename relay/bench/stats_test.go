package bench

import (
	"testing"
	"time"

	"github.com/entente-relay/entente/relay/bus/baseline"
)

func TestPercentileIsTheNearestRank(t *testing.T) {
	var values []time.Duration
	for i := 1000; i >= 1; i-- {
		values = append(values, time.Duration(i))
	}
	for p, want := range map[float64]time.Duration{0: 1, 0.001: 1, 0.0011: 2, 0.5: 500, 0.99: 990, 0.999: 999, 1: 1000} {
		if got := percentile(values, p); got != want {
			t.Errorf("percentile(%v) = %d, want %d", p, got, want)
		}
	}
	if got := percentile(nil, 0.5); got != 0 {
		t.Errorf("of nothing: %v", got)
	}
	if values[0] != 1000 {
		t.Error("the values were put in another order")
	}
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		of   []float64
		want float64
	}{{nil, 0}, {[]float64{3}, 3}, {[]float64{3, 1}, 1}, {[]float64{5, 1, 3}, 3}} {
		if got := median(c.of); got != c.want {
			t.Errorf("median(%v) = %v, want %v", c.of, got, c.want)
		}
	}
}

// The clock runs from the first commit that was seen after the warm-up to the
// last, and the time before and after does not count.
func TestSpeedCountsFromFirstToLastCommit(t *testing.T) {
	from := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	at := func(s int, n uint64) baseline.Sample {
		return baseline.Sample{At: from.Add(time.Duration(s) * time.Second), Objects: n}
	}
	for name, c := range map[string]struct {
		samples []baseline.Sample
		want    float64
		objects uint64
	}{
		"long":  {[]baseline.Sample{at(0, 100), at(10, 100), at(11, 150), at(12, 250), at(13, 350), at(14, 450), at(60, 450)}, 100, 300},
		"short": {[]baseline.Sample{at(0, 100), at(2, 300), at(9, 300)}, 100, 200},
		"none":  {[]baseline.Sample{at(0, 100), at(9, 100)}, 0, 0},
	} {
		got, objects, _ := speed(c.samples, 100)
		if got != c.want || objects != c.objects {
			t.Errorf("%s: %v objects/s of %d, want %v of %d", name, got, objects, c.want, c.objects)
		}
	}
}

func TestRatiosAreToWhatWasMeasured(t *testing.T) {
	rows := []Row{{Name: "a", ObjectsPerSecond: 100, CPUPerObject: 10}, {Name: "b", Baseline: "a", also: []string{"c", "x"}, ObjectsPerSecond: 250, CPUPerObject: 5}, {Name: "c", Baseline: "x", ObjectsPerSecond: 1000}}
	compare(rows)
	switch b := rows[1]; {
	case b.Ratio == nil || *b.Ratio != 2.5 || b.CPURatio == nil || *b.CPURatio != 0.5:
		t.Errorf("b to a: %v, CPU %v", b.Ratio, b.CPURatio)
	case len(b.Ratios) != 1 || b.Ratios["c"] != 0.25:
		t.Errorf("b to c: %v", b.Ratios)
	case rows[0].Ratio != nil || rows[2].Ratio != nil:
		t.Errorf("ratios to rows that were not measured: %v %v", rows[0].Ratio, rows[2].Ratio)
	}
}

func TestPatterns(t *testing.T) {
	for _, c := range []struct {
		patterns, name string
		want           bool
	}{
		{"", "relay/one-border/64", true},
		{"relay/*/64", "relay/one-border/64", true},
		{"relay/*", "relay/one-border/64", false},
		{"bare/*/*, relay/one-border/*", "relay/one-border/64", true},
	} {
		if got, err := matches(c.patterns, c.name); got != c.want || err != nil {
			t.Errorf("matches(%q, %q) = %v, %v", c.patterns, c.name, got, err)
		}
	}
	if _, err := choose(Options{Only: "["}); err == nil {
		t.Error("a pattern that is none is taken")
	}
	if _, err := choose(Options{Only: "relay/nothing"}); err == nil {
		t.Error("a pattern that names no row is taken")
	}
	if m, err := choose(Options{}); err != nil || len(m) == 0 {
		t.Errorf("%d rows, %v", len(m), err)
	}
}

// One probe that was hit by chance does not make a machine noisy.
func TestSpreadLeavesOutTheWorst(t *testing.T) {
	probes := []float64{10, 10.5, 11, 10, 10, 10.2, 10, 10, 10, 10, 500}
	if got := spread(probes); got != 10 {
		t.Errorf("spread of %v: %v %%, want 10", probes, got)
	}
	if got := spread([]float64{10, 20, 20}); got != 100 {
		t.Errorf("spread of a noisy machine: %v %%", got)
	}
	if got := spread(nil); got != 0 {
		t.Errorf("spread of nothing: %v", got)
	}
}
