package scheme

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/entente-relay/entente/mapping"
)

// Tables is everything loaded. It does not change after Load or Accept, apart
// from a cache of answers, and is safe for concurrent use.
type Tables struct {
	ladders []*ladder            // by index
	byID    map[string]*ladder   // by scheme id
	names   map[string][]*ladder // by id, country, body and family, in several spellings
	rels    [][]*relation        // by index of from times number of ladders plus index of to
	pivots  []*ladder
	epochs  []time.Time // moments at which an answer can change, in order
	changes []time.Time // those of them at which a table begins or ends

	accepted map[string]bool // names of unverified schemes, tables and rows that count
	content  string          // digest of the files
	digest   string          // digest of the files and of what was accepted

	mu     sync.RWMutex
	cache  map[question]mapping.Outcome
	proofs *proofs // shared with the tables this was made from by Accept
	seen   memory

	about *catalogue // what is told of all this
}

// tables makes the compiled data ready to answer.
func (c *compiler) tables(content string) *Tables {
	t := &Tables{
		ladders: c.ladders, byID: c.byID, names: map[string][]*ladder{},
		rels:     make([][]*relation, len(c.ladders)*len(c.ladders)),
		accepted: map[string]bool{}, content: content, cache: map[question]mapping.Outcome{}, proofs: &proofs{of: map[string]error{}},
	}
	for _, l := range t.ladders {
		for _, name := range []string{l.ID, l.Country, l.Body} {
			t.addName(name, l)
		}
	}
	for family, newest := range newestOfFamilies(t.ladders) {
		t.addName(family, newest)
	}
	for _, r := range c.rels {
		i := t.pair(r.from, r.to)
		t.rels[i] = append(t.rels[i], r)
		if r.pivot != nil && !slices.Contains(t.pivots, r.pivot) {
			t.pivots = append(t.pivots, r.pivot)
		}
	}
	t.epochs, t.changes = datesOf(c)
	t.digest, t.about = t.sum(), c.catalogue()
	return t
}

// addName lets a ladder be found by a name in small letters, capitals and as
// written.
func (t *Tables) addName(name string, l *ladder) {
	if name == "" {
		return
	}
	for _, spelling := range sortedKeys(map[string]bool{name: true, strings.ToLower(name): true, strings.ToUpper(name): true}) {
		if !slices.Contains(t.names[spelling], l) {
			t.names[spelling] = append(t.names[spelling], l)
		}
	}
}

// newestOfFamilies returns, per family, the scheme that no other of the family
// replaces.
func newestOfFamilies(ladders []*ladder) map[string]*ladder {
	replaced := map[string]bool{}
	for _, l := range ladders {
		replaced[l.Replaces] = true
	}
	newest := map[string]*ladder{}
	for _, l := range ladders {
		if l.Family != "" && !replaced[l.ID] {
			newest[l.Family] = l
		}
	}
	return newest
}

// datesOf lists, in order, every moment at which a scheme, a rung or a table
// begins or ends to be valid, and those at which a table does.
func datesOf(c *compiler) (epochs, changes []time.Time) {
	seen := map[time.Time]bool{}
	for _, r := range c.rels {
		seen[r.start], seen[r.stop] = true, true
	}
	delete(seen, time.Time{})
	changes = slices.SortedFunc(maps.Keys(seen), time.Time.Compare)
	for _, l := range c.ladders {
		seen[l.From], seen[l.Until] = true, true
		for _, r := range l.Rungs {
			seen[r.From], seen[r.Until] = true, true
		}
	}
	delete(seen, time.Time{})
	return slices.SortedFunc(maps.Keys(seen), time.Time.Compare), changes
}

// pair is the place of a direction in rels.
func (t *Tables) pair(from, to *ladder) int { return from.index*len(t.ladders) + to.index }

// epoch returns how many changes lie at or before at: the number of the period
// that at falls in.
func (t *Tables) epoch(at time.Time) int {
	i, found := slices.BinarySearchFunc(t.epochs, at, time.Time.Compare)
	if found {
		i++
	}
	return i
}

// start returns the first moment of a period, zero for the first one.
func (t *Tables) start(epoch int) time.Time {
	if epoch == 0 {
		return time.Time{}
	}
	return t.epochs[epoch-1]
}

// NextChange returns the first moment after now at which an answer can change,
// zero if there is none. An answer given at now holds until then.
func (t *Tables) NextChange(now time.Time) time.Time {
	if i := t.epoch(now); i < len(t.epochs) {
		return t.epochs[i]
	}
	return time.Time{}
}

// named returns the ladders that a name stands for: a scheme id, a country, a
// body such as "eu" or "nato", or a family such as "tlp", in any case.
func (t *Tables) named(name string) []*ladder {
	if l, ok := t.names[name]; ok {
		return l
	}
	return t.names[strings.ToLower(name)]
}

// Accept returns tables in which the named unverified schemes ("pl-national"),
// tables ("cz-us-1995") or rows ("eu-2013-488-app-b-2021/PL") count. They stay
// marked: every outcome that rests on one lists it. A name that does not exist
// is an error; accepting what is verified anyway changes nothing.
func (t *Tables) Accept(names ...string) (*Tables, error) {
	known := t.acceptable()
	accepted := maps.Clone(t.accepted)
	for _, n := range names {
		if !known[n] {
			return nil, fmt.Errorf("accept %q: no scheme, table or row has this name%s", n, didYouMean(n, sortedKeys(known)))
		}
		accepted[n] = true
	}
	u := &Tables{
		ladders: t.ladders, byID: t.byID, names: t.names, rels: t.rels, pivots: t.pivots, epochs: t.epochs, changes: t.changes,
		accepted: accepted, content: t.content, cache: map[question]mapping.Outcome{}, proofs: t.proofs,
	}
	u.digest, u.about = u.sum(), t.about
	return u, nil
}

// Unverified lists, in order, the names that Accept would make count.
func (t *Tables) Unverified() []string {
	var names []string
	for _, l := range t.ladders {
		if !l.Verified {
			names = append(names, l.ID)
		}
	}
	for _, rels := range t.rels {
		for _, r := range rels {
			for _, k := range r.cells {
				if !k.verified {
					names = append(names, k.name)
				}
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// acceptable lists every name that can be accepted.
func (t *Tables) acceptable() map[string]bool {
	names := map[string]bool{}
	for _, l := range t.ladders {
		names[l.ID] = true
	}
	for _, rels := range t.rels {
		for _, r := range rels {
			names[r.table] = true
			for _, k := range r.cells {
				names[k.name] = true
			}
		}
	}
	return names
}

// Digest names this exact data and what of it was accepted: 64 hexadecimal
// digits of SHA-256.
func (t *Tables) Digest() string { return t.digest }

func (t *Tables) sum() string {
	h := sha256.New()
	fmt.Fprintf(h, "%s\n", t.content)
	for _, name := range sortedKeys(t.accepted) {
		fmt.Fprintf(h, "%q\n", name)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Schemes lists the loaded schemes by id.
func (t *Tables) Schemes() []Scheme {
	var out []Scheme
	for _, id := range sortedKeys(t.byID) {
		out = append(out, t.describe(t.byID[id]))
	}
	return out
}

// SchemesOf lists the schemes of a country or body that are in force at a
// time, by id. The name may be in any case.
func (t *Tables) SchemesOf(name string, at time.Time) []Scheme {
	var out []Scheme
	for _, l := range t.named(name) {
		if l.inForce(at) && l.ID != strings.ToLower(name) {
			out = append(out, t.describe(l))
		}
	}
	slices.SortFunc(out, func(a, b Scheme) int { return strings.Compare(a.ID, b.ID) })
	return out
}

// describe returns the public description of a ladder.
func (t *Tables) describe(l *ladder) Scheme {
	s := l.Scheme
	s.Accepted = !s.Verified && t.accepted[s.ID]
	return s
}

// counts reports whether a scheme may take part in a mapping.
func (t *Tables) counts(l *ladder) bool { return l.Verified || t.accepted[l.ID] }

// cellCounts reports whether a row may be used.
func (t *Tables) cellCounts(r *relation, k *cell) bool {
	return k.verified || t.accepted[k.name] || t.accepted[r.table]
}
