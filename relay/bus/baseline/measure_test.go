package baseline

import (
	"context"
	"errors"
	"testing"
	"time"
)

func within(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// Each measurement runs to its end and has seen every object.
func TestMeasurementsRun(t *testing.T) {
	small := func() Options {
		return Options{Dir: t.TempDir(), Data: [][]byte{make([]byte, 100), make([]byte, 90)}, Objects: 1001, Batch: 100}
	}
	for name, f := range map[string]func() (Result, error){
		"one stream":      func() (Result, error) { return OneStream(within(t), small()) },
		"sourced default": func() (Result, error) { return Sourced(within(t), small(), Default) },
		"sourced always":  func() (Result, error) { return Sourced(within(t), small(), Always) },
	} {
		r, err := f()
		if err != nil || len(r.Samples) == 0 || r.Samples[len(r.Samples)-1].Objects != 1001 || r.Bytes < 1001*90 {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
}

// Time is a bound, too.
func TestMeasurementEndsInTime(t *testing.T) {
	o := Options{Dir: t.TempDir(), Data: [][]byte{make([]byte, 100)}, Objects: 10_000_000, Batch: 10, For: 20 * time.Millisecond}
	r, err := OneStream(within(t), o)
	if n := len(r.Samples); err != nil || n < 2 || r.Samples[n-1].Objects == 10_000_000 {
		t.Errorf("%d samples, %v", n, err)
	}
}

func TestBoundsAndCancel(t *testing.T) {
	data := [][]byte{{1}}
	for _, o := range []Options{{Data: data, Objects: -1}, {Objects: 1}, {Data: data, Objects: 1, Batch: 1001}, {Data: data, Objects: 1 << 30}, {Data: data, Objects: 1, For: -1}} {
		if _, err := OneStream(within(t), o); err == nil {
			t.Errorf("%+v is measured", o)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Sourced(ctx, Options{Dir: t.TempDir(), Data: data, Objects: 10}, Default); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
