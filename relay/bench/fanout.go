package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/entente-relay/entente/configs"
	"github.com/entente-relay/entente/relay"
	"github.com/entente-relay/entente/relay/bus/baseline"
	"github.com/entente-relay/entente/relay/dashboard"
)

// audience gives the terms of the i-th peer. There are five, and under each
// something else goes: everything; without data about victims; without
// TLP:GREEN; without TLP:AMBER; outside the European Union.
func audience(i int, peer string) offer {
	switch i % 5 {
	case 1:
		return offer{peer: peer, country: "FR", community: true, client: true, data: []string{"technical", "context"}}
	case 2:
		o := all(peer, "NL")
		o.community = false
		return o
	case 3:
		o := all(peer, "ES")
		o.client = false
		return o
	case 4:
		return all(peer, "CH")
	}
	return all(peer, "PL")
}

// sampleReviews stand for an operator's people who read the rules that allow
// personal data. They are for measurements: nobody has reviewed anything.
func sampleReviews(now time.Time) []configs.Review {
	day := configs.Date{Time: now.UTC().Truncate(24*time.Hour).AddDate(0, 0, -1)}
	var out []configs.Review
	for _, rule := range []string{"gdpr-eea", "gdpr-adequacy"} {
		out = append(out, configs.Review{Rule: rule, By: "data protection officer (sample)", On: day})
	}
	return out
}

// fanout is one node and many peers in five audiences, all in one further
// process, which fetch, sign receipts and throw away.
func fanout(peers int) func(context.Context, *bench, string) ([]figures, error) {
	return func(ctx context.Context, b *bench, dir string) ([]figures, error) {
		node, child, err := b.hub(ctx, dir, peers)
		if err != nil {
			return nil, err
		}
		objects := generate(b.most(maxObjects/2)+warmObjects, 3, time.Now(), mixed())
		p := newProducer(node, objects, objectsPerMessage)
		defer p.close()
		p.ahead = fanAhead
		w := &fan{node: node, peers: peers, producer: p}
		if err := w.settle(ctx, p.feed(min(fanWarm, len(objects)/2), time.Time{}), p.total); err != nil {
			return nil, err
		}
		warm := w.last
		before, err := w.look(ctx, child)
		if err != nil {
			return nil, err
		}
		if err := w.settle(ctx, p.feed(b.most(len(objects)), b.until()), p.total); err != nil {
			return nil, err
		}
		after, err := w.look(ctx, child)
		if err != nil {
			return nil, err
		}
		f := figures{counted: w.last.judged - warm.judged, bytesAre: onWire}
		f.rate, f.objects, f.over = speed(w.samples, warm.judged)
		f.cpu = map[string]time.Duration{node.id: after.node - before.node}
		f.beside = map[string]time.Duration{"peers": after.child - before.child, "producer": after.self - before.self}
		f.bytes = float64(after.bytes-before.bytes) / float64(max(w.last.sent-warm.sent, 1))
		return []figures{f}, nil
	}
}

// hub makes a node with peers that pull.
func (b *bench) hub(ctx context.Context, dir string, peers int) (*region, *process, error) {
	node, err := newRegion(dir, "de-cert", "DE", configs.TemplateValues{Reviewed: sampleReviews(time.Now())})
	if err != nil {
		return nil, nil, err
	}
	if err := node.letIn(); err != nil {
		return nil, nil, err
	}
	child, err := b.spawn("peers", "pull")
	if err != nil {
		return nil, nil, err
	}
	var w wanted
	var offers []offer
	for i := range peers {
		o := audience(i, fmt.Sprintf("peer-%03d", i+1))
		offers, w.IDs, w.Countries = append(offers, o), append(w.IDs, o.peer), append(w.Countries, o.country)
	}
	var statements []string
	if err := child.ask(ctx, "make", w, &statements); err != nil {
		return nil, nil, err
	}
	for i, o := range offers {
		if err := node.acceptTerms(o, statements[i], ""); err != nil {
			return nil, nil, err
		}
	}
	if err := b.start(ctx, node); err != nil {
		return nil, nil, err
	}
	cert, err := os.ReadFile(filepath.Join(relay.KeysDir(node.cfg), "link.crt"))
	if err != nil {
		return nil, nil, err
	}
	return node, child, child.ask(ctx, "pull", wanted{Node: node.id, URL: "nats+tls://" + node.nats, Cert: string(cert)}, nil)
}

// fanEvery is, for each peer, how rarely the node is looked at: what it says
// grows with their number, and so does what it costs to say it.
const fanEvery = 4 * time.Millisecond

// The producer of a fan-out is never further ahead of the slowest peer, so that
// the row ends soon after the producer; and so few objects go before.
const (
	fanAhead = 16 * objectsPerMessage
	fanWarm  = 4 * objectsPerMessage
)

// fan watches one node until everything was judged for every peer.
type fan struct {
	node     *region
	peers    int
	producer *producer
	samples  []baseline.Sample
	last     fanned
}

// fanned is what one look at the node says.
type fanned struct {
	judged uint64 // for the peer for which least was
	sent   uint64 // to all together
	quiet  bool   // every receipt is there
}

// fanUsage is what was used until then.
type fanUsage struct {
	node, child, self time.Duration
	bytes             uint64
}

func (w *fan) look(ctx context.Context, child *process) (u fanUsage, err error) {
	n, err := w.node.process.usage(ctx)
	if err != nil {
		return u, err
	}
	c, err := child.usage(ctx)
	if err != nil {
		return u, err
	}
	own, err := ownUsage()
	if err != nil {
		return u, err
	}
	u.node, u.child, u.self = n.CPU, c.CPU, own.CPU
	return u, child.ask(ctx, "bytes", nil, &u.bytes)
}

// settle is that of watch, for every peer.
func (w *fan) settle(ctx context.Context, begin func(context.Context) error, total func() uint64) error {
	w.samples = append(w.samples[:0], baseline.Sample{At: time.Now(), Objects: w.last.judged})
	every := max(watchEvery, time.Duration(w.peers)*fanEvery)
	return settle(ctx, every, begin, total, func(ctx context.Context, _ bool) (uint64, bool, error) {
		err := w.ask(ctx)
		w.producer.judged.Store(int64(w.last.judged))
		return w.last.judged, w.last.quiet, err
	})
}

// ask looks at the node.
func (w *fan) ask(ctx context.Context) error {
	st, err := w.node.client.Status(ctx)
	if err != nil {
		return err
	}
	if len(st.Peers) != w.peers {
		return fmt.Errorf("bench: %d of %d peers are known", len(st.Peers), w.peers)
	}
	f := fanned{judged: st.Peers[0].Out.Judged, quiet: st.Indexed == st.LogLast}
	for _, p := range st.Peers {
		if err := honest(p); err != nil {
			return err
		}
		f.judged = min(f.judged, p.Out.Judged)
		f.sent += p.Out.Sent
		f.quiet = f.quiet && p.Out.InFlight == 0 && p.Backlog == 0
	}
	w.last = f
	w.samples = append(w.samples, baseline.Sample{At: time.Now(), Objects: f.judged})
	return nil
}

// honest returns an error for a peer that did what a real one does not.
func honest(p dashboard.Peer) error {
	if len(p.Violations) > 0 {
		return fmt.Errorf("bench: %s broke the protocol: %v", p.ID, p.Violations)
	}
	if p.Out.Held > 0 {
		return errors.New("bench: objects for a peer are held")
	}
	return nil
}
