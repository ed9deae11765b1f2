package bench

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/entente-relay/entente/relay/bus/baseline"
	"github.com/entente-relay/entente/relay/dashboard"
)

// Times of watching nodes.
const (
	watchEvery = 20 * time.Millisecond
	// settleTimeout is how long what was published may be on its way without
	// anything of it arriving.
	settleTimeout = time.Minute
)

// watch looks at a chain of nodes until every object that was published at the
// first has been judged: it was taken by the last, or stays where the rules
// keep it.
type watch struct {
	chain []*region
	// lossy says that some objects stay behind. If not, only the last node is
	// looked at while objects are published: looking costs.
	lossy   bool
	samples []baseline.Sample
	done    uint64 // judged
	kept    kept
	base    uint64 // objects that the last node had before; they do not count
	quiet   bool   // nothing is on its way, and all is journalled and indexed
}

// kept counts the objects that did not arrive.
type kept struct{ withheld, held, refused uint64 }

// settle runs begin, which publishes, in the background, and returns when as
// many objects were judged as total tells at the end.
func (w *watch) settle(ctx context.Context, begin func(context.Context) error, total func() uint64) error {
	w.samples = append(w.samples[:0], baseline.Sample{At: time.Now(), Objects: w.done})
	return settle(ctx, watchEvery, begin, total, func(ctx context.Context, publishing bool) (uint64, bool, error) {
		err := w.look(ctx, w.lossy || !publishing)
		return w.done, w.quiet, err
	})
}

// settle runs begin in the background and looks again and again, until begin has
// ended, as many objects are done as total then tells, and all is quiet.
func settle(ctx context.Context, every time.Duration, begin func(context.Context) error, total func() uint64, look func(ctx context.Context, publishing bool) (done uint64, quiet bool, err error)) error {
	ctx, cancel := context.WithCancel(ctx)
	published := make(chan struct{})
	var fault error // once published is closed
	go func() {
		fault = begin(ctx)
		close(published)
	}()
	defer func() {
		cancel()
		<-published
	}()
	tick := time.NewTicker(every)
	defer tick.Stop()
	moved, before := time.Now(), uint64(0)
	for running := true; ; {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
		select {
		case <-published:
			if running = false; fault != nil {
				return fault
			}
		default:
		}
		done, quiet, err := look(ctx, running)
		switch {
		case err != nil:
			return err
		case !running && quiet && done >= total():
			return nil
		case done != before || running:
			moved, before = time.Now(), done
		case time.Since(moved) > settleTimeout:
			return fmt.Errorf("bench: of %d objects %d were judged, and nothing moves any more", total(), done)
		}
	}
}

// look asks the nodes, or only the last one, and notes a sample.
func (w *watch) look(ctx context.Context, all bool) error {
	last := len(w.chain) - 1
	var arrived uint64
	var k kept
	quiet := true
	for i, r := range w.chain {
		if i < last && !all {
			continue
		}
		st, err := r.client.Status(ctx)
		if err != nil {
			return err
		}
		k.held += st.Objects.Held
		k.refused += st.Objects.Refused
		quiet = quiet && st.Indexed == st.LogLast
		if i == last {
			arrived = st.Objects.Taken
			continue
		}
		next := w.chain[i+1].id
		if at := slices.IndexFunc(st.Peers, func(p dashboard.Peer) bool { return p.ID == next }); at >= 0 {
			out := st.Peers[at]
			k.withheld += out.Out.Withheld
			k.held += out.Out.Held
			quiet = quiet && out.Backlog == 0 && out.Out.InFlight == 0
		}
	}
	if !all {
		k, quiet = w.kept, false
	}
	w.kept, w.quiet = k, quiet
	w.done = arrived - w.base + k.withheld + k.held + k.refused
	w.samples = append(w.samples, baseline.Sample{At: time.Now(), Objects: w.done})
	return nil
}

// fate is what became of everything so far.
func (w *watch) fate() *Fate {
	share := func(n uint64) float64 { return round(float64(n)/float64(max(w.done, 1)), 4) }
	k := w.kept
	return &Fate{Arrived: share(w.done - k.withheld - k.held - k.refused), Withheld: share(k.withheld), Held: share(k.held), Refused: share(k.refused)}
}
