package bench

import (
	"context"
	"time"
)

// What --full measures with.
const (
	manyObjects = 1_000_000
	lateObjects = 100_000
	longLine    = 40 * time.Millisecond // one way: 80 ms there and back
	idleFor     = 10 * time.Second
)

// stored is one border to a node that holds very much already: how fast that
// still is, how long the node takes to start again, and what it holds in memory.
func stored(ctx context.Context, b *bench, dir string) ([]figures, error) {
	rs, err := b.chain(ctx, dir, 2)
	if err != nil {
		return nil, err
	}
	if err := b.fill(ctx, rs, manyObjects); err != nil {
		return nil, err
	}
	f, err := b.carry(ctx, rs, Generate(b.most(maxObjects/2)+warmObjects, 4, time.Now()), objectsPerMessage, false)
	if err != nil {
		return nil, err
	}
	last := rs[1]
	u, err := last.process.usage(ctx)
	if err != nil {
		return nil, err
	}
	f.node = &NodeCost{RSSMB: megabytes(u.RSS)}
	f.node.ReadyMS, f.node.FirstAnswerMS, err = b.again(ctx, last)
	return []figures{f}, err
}

// again ends a node and starts it anew, and returns how many milliseconds it
// took from the start of the process until it said that it is ready, and until
// it answered a question.
func (b *bench) again(ctx context.Context, r *region) (ready, answer float64, err error) {
	if err := b.endOne(r.process); err != nil {
		return 0, 0, err
	}
	began := time.Now()
	if err := b.start(ctx, r); err != nil {
		return 0, 0, err
	}
	if _, err := r.client.Status(ctx); err != nil {
		return 0, 0, err
	}
	return milliseconds(r.ready), milliseconds(time.Since(began)), nil
}

// idle is what a linked node costs that has nothing to do, and how soon one
// without a history is ready.
func idle(ctx context.Context, b *bench, dir string) ([]figures, error) {
	rs, err := b.chain(ctx, dir, 2)
	if err != nil {
		return nil, err
	}
	r := rs[1]
	f := figures{node: &NodeCost{ReadyMS: milliseconds(r.ready)}}
	if err := b.fill(ctx, rs, warmObjects); err != nil {
		return nil, err
	}
	over := idleFor
	if b.o.Objects > 0 {
		over = 200 * time.Millisecond
	}
	// The index writes what it has, and the memory of the burst goes back.
	if err := until(ctx, time.Now().Add(over)); err != nil {
		return nil, err
	}
	before, err := r.process.usage(ctx)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	if err := until(ctx, began.Add(over)); err != nil {
		return nil, err
	}
	after, err := r.process.usage(ctx)
	if err != nil {
		return nil, err
	}
	f.over = time.Since(began)
	f.node.RSSMB = megabytes(after.RSS)
	f.node.CPUPercent = round(100*(after.CPU-before.CPU).Seconds()/f.over.Seconds(), 2)
	_, f.node.FirstAnswerMS, err = b.again(ctx, r)
	return []figures{f}, err
}

func megabytes(n int64) float64 { return round(float64(n)/1e6, 1) }

func milliseconds(d time.Duration) float64 { return round(float64(d)/float64(time.Millisecond), 1) }
