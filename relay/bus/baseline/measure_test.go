package baseline

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"
)

func within(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// Each measurement runs to its end, gives a rate and leaves nothing behind.
func TestMeasurementsRun(t *testing.T) {
	dir := t.TempDir()
	small := Options{Dir: dir, Objects: 1001, Size: 100, Batch: 100}
	for name, f := range map[string]func() (float64, error){
		"one stream":      func() (float64, error) { return OneStream(within(t), small) },
		"sourced default": func() (float64, error) { return Sourced(within(t), small, Default) },
		"sourced always":  func() (float64, error) { return Sourced(within(t), small, Always) },
	} {
		rate, err := f()
		if err != nil || rate <= 0 {
			t.Errorf("%s: %v objects/s, %v", name, rate, err)
		}
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

func TestBoundsAndCancel(t *testing.T) {
	for _, o := range []Options{{Objects: -1}, {Size: 2 << 20}, {Batch: 1001}, {Objects: 1 << 30}} {
		if _, err := OneStream(within(t), o); err == nil {
			t.Errorf("%+v is measured", o)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Sourced(ctx, Options{Dir: t.TempDir(), Objects: 10}, Default); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func BenchmarkOneStream(b *testing.B) {
	for b.Loop() {
		rate, err := OneStream(within(b), Options{Dir: b.TempDir()})
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(rate, "objects/s")
	}
}

func BenchmarkSourced(b *testing.B) {
	for _, sync := range []Sync{Default, Always} {
		b.Run(string(sync), func(b *testing.B) {
			for b.Loop() {
				rate, err := Sourced(within(b), Options{Dir: b.TempDir()}, sync)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(rate, "objects/s")
			}
		})
	}
}
