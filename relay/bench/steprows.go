package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// stepMessages are so many different messages of 64 objects; they come round
// again, with nothing remembered of them.
const stepMessages = 128

// stepOrder says how much is done.
type stepOrder struct {
	Messages int           `json:"messages"`
	For      time.Duration `json:"for"` // of CPU; at least all messages once
}

// stepResult is what it took.
type stepResult struct {
	Objects uint64        `json:"objects"`
	CPU     time.Duration `json:"cpu"`
	Bytes   uint64        `json:"bytes"` // of what goes out
}

// stepRole is a child that does the pure steps of a border, alone.
type stepRole struct{ x *steps }

func (r *stepRole) do(ctx context.Context, do string, with json.RawMessage) (any, error) {
	var o stepOrder
	if err := json.Unmarshal(with, &o); err != nil {
		return nil, err
	}
	switch do {
	case "ready":
		var err error
		if r.x, err = newSteps(o.Messages, time.Now()); err != nil {
			return nil, err
		}
		for i := 0; i < min(o.Messages, 32); i += messagesPerFrame { // warm
			if _, err := r.x.border(i); err != nil {
				return nil, err
			}
		}
		return nil, nil
	case "step":
		return r.repeat(ctx, o, messagesPerFrame, func(i int) (int, error) { return r.x.border(i) })
	case "issue":
		return r.repeat(ctx, o, 1, func(i int) (int, error) {
			v, err := r.x.issue(i)
			if err != nil {
				return 0, err
			}
			return len(v.Raw()), nil
		})
	}
	return nil, fmt.Errorf("the steps do not know how to %s", do)
}

func (r *stepRole) close() error { return nil }

// repeat does something to all messages, so many at a time, until it has used
// enough of a processor.
func (r *stepRole) repeat(ctx context.Context, o stepOrder, at int, f func(i int) (int, error)) (res stepResult, err error) {
	before, err := ownUsage()
	if err != nil {
		return res, err
	}
	for ctx.Err() == nil {
		r.x.forget()
		for i := 0; i < o.Messages; i += at {
			n, err := f(i)
			if err != nil {
				return res, err
			}
			res.Bytes += uint64(n)
			res.Objects += uint64(min(at, o.Messages-i) * objectsPerMessage)
		}
		now, err := ownUsage()
		if err != nil {
			return res, err
		}
		if res.CPU = now.CPU - before.CPU; res.CPU >= o.For {
			return res, nil
		}
	}
	return res, context.Cause(ctx)
}

// steps64 is what one core does of a step in a second: by CPU time, so that what
// else the machine does counts little.
func steps64(do string) func(context.Context, *bench, string) ([]figures, error) {
	return func(ctx context.Context, b *bench, _ string) ([]figures, error) {
		p, err := b.spawn("steps", StepsRole)
		if err != nil {
			return nil, err
		}
		o := stepOrder{Messages: max(1, b.most(stepMessages*objectsPerMessage)/objectsPerMessage), For: runFor / 2}
		if b.o.Objects > 0 {
			o.For = 0
		}
		if err := p.ask(ctx, "ready", o, nil); err != nil {
			return nil, err
		}
		var res stepResult
		if err := p.ask(ctx, do, o, &res); err != nil {
			return nil, err
		}
		f := figures{objects: res.Objects, counted: res.Objects, over: res.CPU, bytesAre: onWire}
		f.cpu = map[string]time.Duration{do: res.CPU}
		f.rate = float64(res.Objects) / res.CPU.Seconds()
		f.bytes = float64(res.Bytes) / float64(res.Objects)
		return []figures{f}, nil
	}
}
