package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/entente-relay/entente/relay/bus"
	"github.com/entente-relay/entente/relay/bus/baseline"
)

// framedRole is a child that is one end of a bare framed pull: the link and the
// store of a node, without the relay between.
type framedRole struct{ foot *baseline.Foot }

// framedOrder is what an end is asked to do.
type framedOrder struct {
	Dir      string   `json:"dir,omitempty"`
	Messages int      `json:"messages,omitempty"`
	Peer     bus.Peer `json:"peer,omitzero"`
	URL      string   `json:"url,omitempty"`
}

// distinctMessages are how many different messages a bare sender has; they come
// round again.
const distinctMessages = 64

func (r *framedRole) do(ctx context.Context, do string, with json.RawMessage) (_ any, err error) {
	var o framedOrder
	if err := json.Unmarshal(with, &o); err != nil {
		return nil, err
	}
	switch do {
	case "send":
		x, err := newSteps(min(o.Messages, distinctMessages), time.Now())
		if err != nil {
			return nil, err
		}
		messages := make([][]byte, o.Messages)
		for i := range messages {
			messages[i] = x.arrived[i%len(x.arrived)]
		}
		r.foot, err = baseline.NewSender(ctx, o.Dir, messages)
		return r.foot, err
	case "receive":
		r.foot, err = baseline.NewReceiver(ctx, o.Dir)
		return r.foot, err
	case "serve":
		return nil, r.foot.Serve(ctx, o.Peer)
	case "pull":
		return r.foot.Receive(ctx, o.Peer, o.URL, o.Messages, objectsPerMessage)
	}
	return nil, fmt.Errorf("an end of a link does not know how to %s", do)
}

func (r *framedRole) close() error {
	if r.foot == nil {
		return nil
	}
	return r.foot.Stop(context.Background())
}

// framed carries messages of 64, signed as the relay does, by the relay's own
// framed pull into the log of another node, each frame synced. Nobody verifies or
// judges them.
func framed(objects int, delay time.Duration) func(context.Context, *bench, string) ([]figures, error) {
	return func(ctx context.Context, b *bench, dir string) ([]figures, error) {
		from, err := b.spawn("bare sender", "framed")
		if err != nil {
			return nil, err
		}
		to, err := b.spawn("bare receiver", "framed")
		if err != nil {
			return nil, err
		}
		o := framedOrder{Dir: dir, Messages: max(1, b.most(objects)/objectsPerMessage)}
		var a, z baseline.Foot
		if err := errors.Join(from.ask(ctx, "send", o, &a), to.ask(ctx, "receive", o, &z)); err != nil {
			return nil, err
		}
		if err := from.ask(ctx, "serve", framedOrder{Peer: z.Peer}, nil); err != nil {
			return nil, err
		}
		l := &line{delay: delay}
		defer l.close()
		at := a.Leaf
		if delay > 0 {
			if at, err = l.to(a.Leaf); err != nil {
				return nil, err
			}
		}
		o.Peer, o.URL = a.Peer, "tls://"+at
		ends := map[string]*process{"sender": from, "receiver": to}
		before, err := usageOf(ctx, ends)
		if err != nil {
			return nil, err
		}
		var res baseline.Result
		if err := to.ask(ctx, "pull", o, &res); err != nil {
			return nil, err
		}
		after, err := usageOf(ctx, ends)
		if err != nil {
			return nil, err
		}
		return bareFigures(res, spent(before, after))
	}
}

// late is a peer that was not there and fetches so many objects over a line with
// a delay.
func late(objects int, delay time.Duration) func(context.Context, *bench, string) ([]figures, error) {
	return func(ctx context.Context, b *bench, dir string) ([]figures, error) {
		rs, err := b.chain(ctx, dir, 1)
		if err != nil {
			return nil, err
		}
		if err := b.fill(ctx, rs, objects); err != nil {
			return nil, err
		}
		l := &line{delay: delay}
		defer l.close()
		at, err := l.to(rs[0].leaf)
		if err != nil {
			return nil, err
		}
		f, err := b.catchUp(ctx, dir, rs[0], at)
		return []figures{f}, err
	}
}

// fillAtOnce is how many objects are made at a time, to be published.
const fillAtOnce = 20_000

// fill publishes so many objects at the first of a chain, and waits until all
// have them.
func (b *bench) fill(ctx context.Context, rs []*region, objects int) error {
	w := &watch{chain: rs}
	done := 0
	for seed := uint64(100); done < objects; seed++ {
		n := min(fillAtOnce, objects-done)
		if b.o.Objects > 0 {
			n = min(n, b.o.Objects)
			objects = n
		}
		p := newProducer(rs[0], Generate(n, seed, time.Now()), objectsPerMessage)
		before := uint64(done)
		err := w.settle(ctx, p.feed(n, time.Time{}), func() uint64 { return before + p.total() })
		p.close()
		if err != nil {
			return err
		}
		done += n
		if objects > fillAtOnce {
			b.o.Progress(fmt.Sprintf("%d of %d objects are stored", done, objects))
		}
	}
	return nil
}
