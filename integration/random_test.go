package integration

import (
	"flag"
	"slices"
	"strings"
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
const perFederation = 4_000

// TestRandomFederations lets random objects flow through random federations
// under random terms while links are cut, and asks the oracle about every
// object at every node. On failure it prints the smallest case that it finds.
func TestRandomFederations(t *testing.T) {
	seed := *oracleSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	federations, each := plan(*oracleObjects, testing.Short(), *oracleOnly)
	for i := range federations {
		e := newExperiment(seed+uint64(i), each)
		t.Logf("federation %d of %d: seed %d, %d regions, %d links, %d objects", i+1, federations, e.seed, len(e.countries), len(e.links), each)
		if !passes(t, e) {
			t.Fatalf("again with: go test ./integration -run '^TestRandomFederations$' -oracle.only -oracle.seed=%d -oracle.objects=%d", e.seed, each)
		}
	}
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

// passes runs an experiment, and a smaller one if it fails.
func passes(t *testing.T, e *experiment) bool {
	ran := false
	var tr *trial
	began := time.Now()
	t.Run("federation", func(t *testing.T) {
		tr = try(t, e)
		ran = !t.Failed()
	})
	if ran && len(tr.faults) == 0 {
		t.Logf("%d arrivals demanded and seen in %v", tr.must, time.Since(began).Round(time.Millisecond))
		if tr.must == 0 && len(e.things) >= 100 {
			t.Error("the oracle demanded nothing: the federation proves little")
		}
		return true
	}
	if !ran {
		return false // it could not be judged, which its own log explains
	}
	t.Errorf("%d faults:\n%s", len(tr.faults), list(tr.faults))
	small, why := shrink(t, e, tr.faults[0])
	t.Errorf("the smallest case found:\n%s%s", small, list(why))
	return false
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

// maxTries bounds the work of shrinking: each try starts a federation.
const maxTries = 40

// shrink looks for a smaller experiment with a fault of the same kind: first
// the one object at fault with what it refers to, then fewer and fewer
// objects, then fewer regions and no cuts.
func shrink(t *testing.T, e *experiment, first fault) (*experiment, []fault) {
	best, why, tries := e, []fault{first}, 0
	smaller := func(c *experiment) bool {
		if tries++; tries > maxTries || len(c.things) == 0 || len(c.countries) < 1 {
			return false
		}
		found := attempt(t, c)
		if len(found) == 0 {
			return false
		}
		best, why = c, found
		return true
	}
	smaller(e.only(func(o *thing) bool { return needs(e, first.id)[o.id] }))
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
	whole := *best
	whole.links = slices.Clone(best.links)
	for i := range whole.links {
		whole.links[i].flaps = false
	}
	smaller(&whole)
	return best, why
}

// needs is the set of an object and all that it refers to.
func needs(e *experiment, id string) map[string]bool {
	out := map[string]bool{id: true}
	for _, o := range slices.Backward(e.things) {
		if out[o.id] {
			for _, ref := range o.refs {
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
