package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/entente-relay/entente/relay/dashboard"
)

// How latencies are measured.
const (
	latencyFor  = 12 * time.Second // of each rate
	latencyWarm = 2 * time.Second  // of these, whose objects do not count
	// latencySenders hand objects to the node at a time. Where all are busy, the
	// next object waits, and that counts: it was due.
	latencySenders = 64
	// latencyPatience is how long after the last object was due one may still
	// arrive.
	latencyPatience = 60 * time.Second
)

// latencies publishes single objects by a schedule, at each of the rates, and
// looks when the last of a chain of nodes has them for its readers.
func latencies(borders int, rates ...int) func(context.Context, *bench, string) ([]figures, error) {
	return func(ctx context.Context, b *bench, dir string) ([]figures, error) {
		rs, err := b.chain(ctx, dir, borders+1)
		if err != nil {
			return nil, err
		}
		if err := b.fill(ctx, rs, warmObjects); err != nil {
			return nil, err
		}
		var out []figures
		for i, rate := range rates {
			f, err := b.latency(ctx, rs, rate, uint64(i)+50)
			if err != nil {
				return nil, fmt.Errorf("%d objects a second: %w", rate, err)
			}
			out = append(out, f)
		}
		return out, nil
	}
}

// schedule is what is published when, and what came of it.
type schedule struct {
	objects [][]byte
	ids     map[string]int // place of each
	begin   time.Time
	every   time.Duration

	mu   sync.Mutex
	seen map[int]time.Time
}

// newSchedule spreads objects evenly.
func newSchedule(objects [][]byte, rate int, begin time.Time) (*schedule, error) {
	s := &schedule{objects: objects, ids: make(map[string]int, len(objects)), begin: begin, every: time.Second / time.Duration(rate), seen: map[int]time.Time{}}
	for i, raw := range objects {
		var o struct{ ID string }
		if err := json.Unmarshal(raw, &o); err != nil {
			return nil, err
		}
		s.ids[o.ID] = i
	}
	return s, nil
}

// due is when the i-th object is to be published, whatever became of those
// before it: a node that falls behind makes all that follow late, and does not
// lower the rate (no coordinated omission).
func (s *schedule) due(i int) time.Time { return s.begin.Add(time.Duration(i) * s.every) }

// arrived notes an object, and reports whether it was the last that was missing.
func (s *schedule) arrived(id string, at time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i, ours := s.ids[id]; ours {
		if _, again := s.seen[i]; !again {
			s.seen[i] = at
		}
	}
	return len(s.seen) == len(s.objects)
}

// latencies are those of the objects that were due after the warm-up. One that
// never came is as late as can be told, at end.
func (s *schedule) latencies(warm time.Duration, end time.Time) (all []time.Duration, missing int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.objects {
		due := s.due(i)
		if due.Sub(s.begin) < warm {
			continue
		}
		at, came := s.seen[i]
		if !came {
			at = end
			missing++
		}
		all = append(all, at.Sub(due))
	}
	return all, missing
}

// latency measures at one rate.
func (b *bench) latency(ctx context.Context, rs []*region, rate int, seed uint64) (f figures, err error) {
	first, last := rs[0], rs[len(rs)-1]
	n, warm := int(latencyFor.Seconds())*rate, latencyWarm
	if b.o.Objects > 0 {
		n, warm = min(n, b.o.Objects), 0
	}
	st, err := last.client.Status(ctx)
	if err != nil {
		return f, err
	}
	s, err := newSchedule(Generate(n, seed, time.Now()), rate, time.Now().Add(100*time.Millisecond))
	if err != nil {
		return f, err
	}
	before, err := look(ctx, rs)
	if err != nil {
		return f, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	complete := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		err := last.client.Arrivals(ctx, st.LogLast+1, func(a dashboard.Arrival) error {
			if s.arrived(a.ID, time.Now()) {
				close(complete)
				return errComplete
			}
			return nil
		})
		if err != nil && !errors.Is(err, errComplete) {
			cancel(err)
		}
	})
	p := newProducer(first, s.objects, 1)
	defer p.close()
	err = p.atTimes(ctx, s)
	if err == nil {
		err = awaitAll(ctx, complete)
	}
	end := time.Now()
	cancel(err)
	wg.Wait()
	if err != nil {
		return f, err
	}
	after, err := look(context.WithoutCancel(ctx), rs)
	if err != nil {
		return f, err
	}
	took, missing := s.latencies(warm, end)
	f = figures{rate: float64(n) / end.Sub(s.begin).Seconds(), objects: uint64(n), counted: uint64(n), over: end.Sub(s.begin), latency: latencyOf(took)}
	if missing > 0 {
		f.note = fmt.Sprintf("%d of %d objects had not arrived %s after the last was due: they count as if they had then", missing, n, latencyPatience)
	}
	f.cpu = spent(before.nodes, after.nodes)
	f.bytes, f.bytesAre = float64(after.stored-before.stored)/float64(n), onDisk
	return f, nil
}

// errComplete ends the watching of arrivals when all are there.
var errComplete = errors.New("all objects are there")

// awaitAll waits until all objects are there, or patience is at its end: what
// is missing then is told.
func awaitAll(ctx context.Context, complete <-chan struct{}) error {
	patience := time.NewTimer(latencyPatience)
	defer patience.Stop()
	select {
	case <-complete:
	case <-patience.C:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return nil
}

// atTimes publishes each object of a schedule when it is due, and returns when
// the node has answered for all.
func (p *producer) atTimes(ctx context.Context, s *schedule) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	queue := make(chan int, len(s.objects))
	var wg sync.WaitGroup
	for range latencySenders {
		wg.Go(func() {
			for i := range queue {
				if err := p.send(ctx, s.objects[i:i+1]); err != nil {
					cancel(err)
					return
				}
			}
		})
	}
	for i := range s.objects {
		if err := until(ctx, s.due(i)); err != nil {
			break
		}
		queue <- i
	}
	close(queue)
	wg.Wait()
	return context.Cause(ctx)
}

// until waits for a moment.
func until(ctx context.Context, at time.Time) error {
	wait := time.Until(at)
	if wait <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
