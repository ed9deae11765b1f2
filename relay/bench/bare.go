package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/entente-relay/entente/relay/bus/baseline"
)

// bareOrder is what a bare server is asked to do.
type bareOrder struct {
	Dir      string        `json:"dir"`
	Objects  int           `json:"objects"`
	For      time.Duration `json:"for"`
	Sync     baseline.Sync `json:"sync,omitempty"`
	Identity string        `json:"identity,omitempty"` // folder of the origin
	Leaf     int           `json:"leaf,omitempty"`
}

// distinct is how many different objects a bare server sends; they come round
// again.
const distinct = 10_000

// bareRole is a child that is bare NATS.
type bareRole struct {
	origin *baseline.Origin
	data   [][]byte
}

func (r *bareRole) do(ctx context.Context, do string, with json.RawMessage) (any, error) {
	var o bareOrder
	if err := json.Unmarshal(with, &o); err != nil {
		return nil, err
	}
	if r.data == nil {
		r.data = Generate(min(o.Objects, distinct), 1, time.Now())
	}
	opt := baseline.Options{Dir: o.Dir, Data: r.data, Objects: o.Objects, For: o.For}
	switch do {
	case "ready":
		return nil, nil
	case "stream":
		return baseline.OneStream(ctx, opt)
	case "origin":
		var err error
		if r.origin, err = baseline.NewOrigin(ctx, opt); err != nil {
			return nil, err
		}
		return r.origin.Leaf, nil
	case "copy":
		return baseline.Copy(ctx, opt, o.Identity, o.Leaf, o.Sync)
	}
	return nil, fmt.Errorf("a bare server does not know how to %s", do)
}

func (r *bareRole) close() error {
	if r.origin != nil {
		r.origin.Stop()
	}
	return nil
}

// bareStream is one stream, atomic batches, each synced, unsigned objects one
// to a message: what the disk lets NATS do.
func bareStream(ctx context.Context, b *bench, dir string) ([]figures, error) {
	p, err := b.spawn("bare stream", "bare")
	if err != nil {
		return nil, err
	}
	o := bareOrder{Dir: dir, Objects: b.most(10 * maxBare), For: runFor}
	return measureBare(ctx, o, "stream", map[string]*process{"server": p}, p)
}

// bareSource is a stream that another server copies over a TLS 1.3 leaf link.
func bareSource(sync baseline.Sync) func(context.Context, *bench, string) ([]figures, error) {
	return func(ctx context.Context, b *bench, dir string) ([]figures, error) {
		from, err := b.spawn("bare origin", "bare")
		if err != nil {
			return nil, err
		}
		to, err := b.spawn("bare copy", "bare")
		if err != nil {
			return nil, err
		}
		o := bareOrder{Dir: dir, Objects: b.most(maxBare), For: runFor, Sync: sync, Identity: dir}
		if sync == baseline.Always {
			o.Objects = b.most(maxBare / 4)
		}
		if err := from.ask(ctx, "origin", o, &o.Leaf); err != nil {
			return nil, err
		}
		return measureBare(ctx, o, "copy", map[string]*process{"origin": from, "copy": to}, to)
	}
}

// measureBare gives one order and looks at what all processes used meanwhile.
func measureBare(ctx context.Context, o bareOrder, do string, all map[string]*process, doer *process) ([]figures, error) {
	if err := doer.ask(ctx, "ready", o, nil); err != nil { // the objects are made
		return nil, err
	}
	before, err := usageOf(ctx, all)
	if err != nil {
		return nil, err
	}
	var res baseline.Result
	if err := doer.ask(ctx, do, o, &res); err != nil {
		return nil, err
	}
	after, err := usageOf(ctx, all)
	if err != nil {
		return nil, err
	}
	return bareFigures(res, spent(before, after))
}

// bareFigures are what a bare server saw.
func bareFigures(res baseline.Result, cpu map[string]time.Duration) ([]figures, error) {
	if len(res.Samples) == 0 {
		return nil, errors.New("bench: a bare server saw nothing")
	}
	f := figures{cpu: cpu, counted: res.Samples[len(res.Samples)-1].Objects, bytesAre: onDisk}
	f.rate, f.objects, f.over = speed(res.Samples, 0)
	f.bytes = float64(res.Bytes) / float64(max(f.counted, 1))
	return []figures{f}, nil
}

// usageOf asks processes what they have used.
func usageOf(ctx context.Context, all map[string]*process) (map[string]usage, error) {
	out := map[string]usage{}
	for name, p := range all {
		u, err := p.usage(ctx)
		if err != nil {
			return nil, err
		}
		out[name] = u
	}
	return out, nil
}

// spent is the CPU time between two looks.
func spent(before, after map[string]usage) map[string]time.Duration {
	out := map[string]time.Duration{}
	for name, u := range after {
		out[name] = u.CPU - before[name].CPU
	}
	return out
}
