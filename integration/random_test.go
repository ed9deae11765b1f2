package integration

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/entente-relay/entente/relay/dashboard"
)

type arrival = dashboard.Arrival

var (
	oracleObjects = flag.Int("oracle.objects", 0, "objects in all random federations together; 0 is a small run")
	oracleSeed    = flag.Uint64("oracle.seed", 1, "seed of the first random federation; 0 takes one from the clock")
	oracleOnly    = flag.Bool("oracle.only", false, "run the federation of -oracle.seed alone, with the -oracle.objects that its failure printed")
)

// perFederation is the most objects that one random federation carries: many,
// for nodes take longer to start than objects to flow.
const perFederation = 8_000

// atOnce is how many federations run at a time: more than there are processors,
// since each waits for its cut links most of the time.
const atOnce = 4

// TestRandomFederations lets random objects flow through random federations
// under random terms while links are cut, and asks the oracle about every
// object at every node. On failure it prints the smallest case that it finds.
func TestRandomFederations(t *testing.T) {
	t.Parallel()
	seed := *oracleSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	federations, each := plan(*oracleObjects, testing.Short(), *oracleOnly)
	var todo []*experiment
	for i := range federations {
		todo = append(todo, newExperiment(seed+uint64(i), each))
	}
	begun := time.Now()
	failed := runAll(t, todo)
	t.Logf("%d objects in %d federations in %v", federations*each, federations, time.Since(begun).Round(time.Second))
	if failed == nil {
		return
	}
	e := failed.e
	t.Errorf("%d faults:\n%s", len(failed.faults), list(failed.faults))
	small, why := shrink(t, e, failed.faults[0])
	t.Errorf("the smallest case found:\n%s%s", small, list(why))
	t.Errorf("again with: go test ./integration -run '^TestRandomFederations$' -oracle.only -oracle.seed=%d -oracle.objects=%d", e.seed, each)
}

// runAll runs experiments, some at a time, and returns the one at fault that has
// the fewest regions, nil if there is none. After the first fault none begins.
func runAll(t *testing.T, todo []*experiment) (worst *trial) {
	var mu sync.Mutex
	var work sync.WaitGroup
	next := make(chan *experiment)
	for range min(atOnce, len(todo)) {
		work.Go(func() {
			for e := range next {
				tr := runOne(t, e)
				mu.Lock()
				if tr != nil && len(tr.faults) > 0 && (worst == nil || len(e.countries) < len(worst.e.countries)) {
					worst = tr
				}
				mu.Unlock()
			}
		})
	}
	for _, e := range todo {
		mu.Lock()
		stop := worst != nil || t.Failed()
		mu.Unlock()
		if stop {
			break
		}
		next <- e
	}
	close(next)
	work.Wait()
	return worst
}

// runOne runs one experiment; nil says that it could not be judged, which its
// own log explains.
func runOne(t *testing.T, e *experiment) (tr *trial) {
	begun := time.Now()
	ran := t.Run(fmt.Sprintf("seed %d", e.seed), func(t *testing.T) { tr = try(t, e) })
	if !ran {
		return nil
	}
	t.Logf("seed %d: %d regions, %d links, %d objects, %d arrivals demanded and seen in %v", e.seed, len(e.countries), len(e.links), len(e.things), tr.must,
		time.Since(begun).Round(time.Millisecond))
	if tr.must == 0 && len(e.things) >= 100 && len(tr.faults) == 0 {
		t.Error("the oracle demanded nothing: the federation proves little")
	}
	return tr
}

// plan says how many federations there are, of how many objects each.
func plan(objects int, short, only bool) (federations, each int) {
	switch {
	case only:
		return 1, max(objects, 1)
	case objects > 0:
		federations = max(3, (objects+perFederation-1)/perFederation)
		return federations, (objects + federations - 1) / federations
	case short:
		return 2, 100
	}
	return 4, 300
}

// list prints the first faults.
func list(faults []fault) string {
	var b strings.Builder
	for i, f := range faults {
		if i == 5 {
			b.WriteString("  ...\n")
			break
		}
		b.WriteString("  " + f.at + ", " + f.id + ": " + f.text + "\n")
	}
	return b.String()
}

// Shrinking ends after so many tries, each of which starts a federation, or
// when it has taken so long.
const (
	maxTries   = 60
	shrinkTime = 90 * time.Second
)

// shrink looks for a smaller experiment with a fault of the same kind: first
// the one object at fault with what it refers to, then fewer and fewer
// objects, then fewer regions, no cuts and pauses, and plainer terms.
func shrink(t *testing.T, e *experiment, first fault) (*experiment, []fault) {
	best, why, tries, begun := e, []fault{first}, 0, time.Now()
	smaller := func(c *experiment) bool {
		if tries++; tries > maxTries || time.Since(begun) > shrinkTime || len(c.things) == 0 || len(c.countries) < 1 {
			return false
		}
		found := attempt(t, c)
		if len(found) == 0 {
			return false
		}
		best, why = c, found
		return true
	}
	wanted := needs(e, first.id)
	smaller(e.only(func(o *thing) bool { return wanted[o.id] }))
	for size := (len(best.things) + 1) / 2; size > 0 && len(best.things) > 1; size /= 2 {
		for from := 0; from < len(best.things); {
			gone := map[string]bool{}
			for _, o := range best.things[from:min(from+size, len(best.things))] {
				gone[o.id] = true
			}
			if !smaller(best.only(func(o *thing) bool { return !gone[o.id] })) {
				from += size
			}
		}
	}
	for i := len(best.countries) - 1; i >= 0; i-- {
		smaller(best.without(i))
	}
	for _, plainer := range []func(*link){
		func(l *link) { l.flaps = false },
		func(l *link) { l.pauses = false },
		func(l *link) { l.ab.plain(); l.ba.plain() },
		func(l *link) { l.ab.ceiling, l.ba.ceiling = "strict", "strict" },
	} {
		c := *best
		c.links = slices.Clone(best.links)
		for i := range c.links {
			plainer(&c.links[i])
		}
		smaller(&c)
	}
	return best, why
}

// plain leaves of terms what says the least.
func (d *deal) plain() {
	d.kind, d.version, d.community, d.client = "authority", "2.0", true, false
	d.purposes, d.storage, d.transit = []string{"network-security"}, nil, nil
}

// needs is the set of an object and all that it refers to.
func needs(e *experiment, id string) map[string]bool {
	out := map[string]bool{id: true}
	for _, o := range slices.Backward(e.things) {
		if out[o.id] {
			for _, ref := range append(slices.Clone(o.refs), o.mention) {
				out[ref] = true
			}
		}
	}
	return out
}

// attempt runs a smaller experiment and returns its faults, none where it does
// not run.
func attempt(t *testing.T, e *experiment) (found []fault) {
	t.Run("smaller", func(t *testing.T) { found = try(t, e).faults })
	return found
}

// TestRandomShrinks checks that what shrinking makes of an experiment is still
// one: no reference to what is gone, no link to a region that is gone.
func TestRandomShrinks(t *testing.T) {
	for seed := range uint64(50) {
		e := newExperiment(seed, 200)
		small := e.only(func(o *thing) bool { return o.token[len(o.token)-1] != '0' })
		for gone := range e.countries {
			c := small.without(gone)
			if len(c.countries) != len(e.countries)-1 {
				t.Fatalf("seed %d: %d regions of %d are left", seed, len(c.countries), len(e.countries))
			}
			there := map[string]bool{}
			for _, o := range c.things {
				there[o.id] = true
				for _, ref := range o.refs {
					if !there[ref] {
						t.Fatalf("seed %d: %s refers to %s, which is gone", seed, o.id, ref)
					}
				}
				if o.at < 0 || o.at >= len(c.countries) {
					t.Fatalf("seed %d: an object at region %d of %d", seed, o.at, len(c.countries))
				}
			}
			for _, d := range c.deals() {
				if d.from == d.to || max(d.from, d.to) >= len(c.countries) {
					t.Fatalf("seed %d: terms from %d to %d among %d regions", seed, d.from, d.to, len(c.countries))
				}
			}
		}
	}
}
