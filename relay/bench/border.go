package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/entente-relay/entente/configs"
)

// Before a row is measured so many objects go the same way.
const warmObjects = 1_280

// borders is a producer, a node and as many further ones as there are borders,
// each in a process of its own: what is published at the first is committed and
// journalled by the last.
func borders(n, size int) func(context.Context, *bench, string) ([]figures, error) {
	return func(ctx context.Context, b *bench, dir string) ([]figures, error) {
		rs, err := b.chain(ctx, dir, n+1)
		if err != nil {
			return nil, err
		}
		f, err := b.carry(ctx, rs, b.flowing(maxObjects), size, false)
		return []figures{f}, err
	}
}

// oneBorder is that over one border, in messages of 64; and then another peer,
// which was not there, fetches all of it.
func oneBorder(ctx context.Context, b *bench, dir string) ([]figures, error) {
	rs, err := b.chain(ctx, dir, 2)
	if err != nil {
		return nil, err
	}
	live, err := b.carry(ctx, rs, b.flowing(maxObjects), 64, false)
	if err != nil {
		return nil, err
	}
	late, err := b.catchUp(ctx, dir, rs[0], rs[0].leaf)
	return []figures{live, late}, err
}

// workload is one border with all that CERTs exchange, much of which may not
// cross it.
func workload(ctx context.Context, b *bench, dir string) ([]figures, error) {
	rs, err := b.chain(ctx, dir, 2)
	if err != nil {
		return nil, err
	}
	f, err := b.carry(ctx, rs, Workload(b.most(maxObjects)+warmObjects, 2, time.Now()), 64, true)
	return []figures{f}, err
}

// carry publishes objects at the first of a chain of nodes until it has
// measured enough, and waits until every one of them was judged.
func (b *bench) carry(ctx context.Context, rs []*region, objects [][]byte, size int, lossy bool) (f figures, err error) {
	p := newProducer(rs[0], objects, size)
	defer p.close()
	st, err := rs[len(rs)-1].client.Status(ctx)
	if err != nil {
		return f, err
	}
	w := &watch{chain: rs, lossy: lossy, base: st.Objects.Taken}
	if err := w.settle(ctx, p.feed(min(warmObjects, max(len(objects)/4, size)), time.Time{}), p.total); err != nil {
		return f, err
	}
	warm := w.done
	before, err := look(ctx, rs)
	if err != nil {
		return f, err
	}
	if err := w.settle(ctx, p.feed(b.most(len(objects)), b.until()), p.total); err != nil {
		return f, err
	}
	after, err := look(ctx, rs)
	if err != nil {
		return f, err
	}
	f = w.figures(warm, before, after)
	f.beside = map[string]time.Duration{"producer": after.self - before.self}
	if f.fate = w.fate(); !lossy && f.fate.Arrived != 1 {
		return f, fmt.Errorf("bench: objects that all flow did not: %+v of them", *f.fate)
	}
	return f, nil
}

// catchUp lets a peer that was not there before fetch all that a node has, whom
// it dials at an address.
func (b *bench) catchUp(ctx context.Context, dir string, from *region, at string) (f figures, err error) {
	st, err := from.client.Status(ctx)
	if err != nil {
		return f, err
	}
	to, err := newRegion(dir, "it-cert", "IT", configs.TemplateValues{})
	if err != nil {
		return f, err
	}
	if err := errors.Join(from.accept(to, ""), to.accept(from, "tls://"+at)); err != nil {
		return f, err
	}
	if err := b.start(ctx, to); err != nil {
		return f, err
	}
	rs := []*region{from, to}
	before, err := look(ctx, rs)
	if err != nil {
		return f, err
	}
	w := &watch{chain: rs}
	join := func(ctx context.Context) error { return from.client.Reload(ctx) } // now the peer is let in
	if err := w.settle(ctx, join, func() uint64 { return st.Objects.Taken }); err != nil {
		return f, err
	}
	after, err := look(ctx, rs)
	if err != nil {
		return f, err
	}
	return w.figures(0, before, after), nil
}

// figures are what was seen after so many objects.
func (w *watch) figures(warm uint64, before, after seen) figures {
	f := figures{counted: w.done - warm, cpu: spent(before.nodes, after.nodes), bytesAre: onDisk}
	f.rate, f.objects, f.over = speed(w.samples, warm)
	f.bytes = float64(after.stored-before.stored) / float64(max(f.counted, 1))
	return f
}

// seen is what nodes used so far.
type seen struct {
	nodes  map[string]usage
	self   time.Duration
	stored uint64 // by the last
}

func look(ctx context.Context, rs []*region) (s seen, err error) {
	all := map[string]*process{}
	for _, r := range rs {
		all[r.id] = r.process
	}
	if s.nodes, err = usageOf(ctx, all); err != nil {
		return s, err
	}
	own, err := ownUsage()
	if err != nil {
		return s, err
	}
	s.self = own.CPU
	s.stored, err = rs[len(rs)-1].stored()
	return s, err
}
