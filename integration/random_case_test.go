package integration

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// experiment is a random federation and what is published in it.
type experiment struct {
	seed      uint64
	countries []string // of the regions
	defaults  []string // what each region's source profile says of unmarked objects, "" for none
	links     []link
	things    []thing
	bundle    int // most objects a bundle
}

// link joins two regions; b dials a, so a is the lower one.
type link struct {
	a, b   int
	ab, ba deal
	flaps  bool // it is cut again and again while objects flow
	pauses bool // the lower region pauses it before the second round
}

// deal is the terms under which one region sends to another.
type deal struct {
	from, to          int
	kind, ceiling     string
	version           string
	community, client bool
	purposes, data    []string
	storage, transit  []string
	exercise          bool // VS-NfD may go, as an exercise
	paused            bool // in the second round
}

var places = []string{"DE", "PL", "FR", "NO", "CH", "JP", "US"}

// newExperiment makes the federation of a seed: a random tree of regions, with
// a few more links.
func newExperiment(seed uint64, objects int) *experiment {
	r := rand.New(rand.NewPCG(seed, 0x0a11ce))
	e := &experiment{seed: seed, bundle: 1 + r.IntN(80)}
	n := 2 + r.IntN(5)
	for range n {
		e.countries = append(e.countries, places[r.IntN(len(places))])
		e.defaults = append(e.defaults, []string{"", "", "clear", "green", "amber"}[r.IntN(5)])
	}
	for b := 1; b < n; b++ {
		for a := range b {
			if a == b-1-r.IntN(b) && !e.joined(b) || a == b-1 && !e.joined(b) || r.IntN(5) == 0 {
				e.links = append(e.links, link{a: a, b: b, ab: e.newDeal(r, a, b), ba: e.newDeal(r, b, a), flaps: r.IntN(3) == 0, pauses: r.IntN(6) == 0})
			}
		}
	}
	second := objects / 5
	e.things = newThings(r, e.defaults, objects-second)
	e.things = append(e.things, e.moreThings(r, second)...)
	return e
}

// joined reports whether a region is linked to a lower one.
func (e *experiment) joined(b int) bool {
	return slices.ContainsFunc(e.links, func(l link) bool { return l.b == b })
}

// newDeal makes random terms, mostly such that something flows.
func (e *experiment) newDeal(r *rand.Rand, from, to int) deal {
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	d := deal{from: from, to: to, version: pick("2.0", "2.0", "2.0", "1.0"),
		kind:      pick("authority", "authority", "business-operator", "vendor", "coordinator", "law-enforcement"),
		ceiling:   pick("clear", "green", "amber", "amber", "strict"),
		community: r.IntN(4) > 0, client: r.IntN(4) == 0,
		purposes: []string{"network-security"}, data: []string{"technical", "context", "free-text"},
	}
	if r.IntN(6) == 0 {
		d.purposes = append(d.purposes, "research")
	}
	if r.IntN(2) == 0 {
		d.data = append(d.data, "target", "personal")
	}
	if r.IntN(4) == 0 {
		d.storage = []string{pick(places...)}
	}
	if r.IntN(4) == 0 {
		d.transit = []string{pick(places...)}
	}
	d.exercise = e.countries[from] == "DE" && e.countries[to] == "PL" && r.IntN(2) == 0
	return d
}

// name is the id of a region.
func (e *experiment) name(i int) string {
	return fmt.Sprintf("%s-region%d", strings.ToLower(e.countries[i]), i)
}

// deals returns the terms in both directions of every link.
func (e *experiment) deals() []deal {
	var out []deal
	for _, l := range e.links {
		l.ab.paused, l.ba.paused = l.pauses, l.pauses
		out = append(out, l.ab, l.ba)
	}
	return out
}

// labels are the words of a ceiling.
var labels = map[string]string{"clear": "TLP:CLEAR", "green": "TLP:GREEN", "amber": "TLP:AMBER", "strict": "TLP:AMBER+STRICT"}

// agreement writes a deal as an agreement file.
func (e *experiment) agreement(d deal) string {
	clients := ""
	if d.client {
		clients = e.name(d.to)
	}
	out := fmt.Sprintf(`version: 1
id: %[1]s/%[2]s/random
node: %[1]s
peer: %[2]s
country: "%[3]s"
kind: %[4]s
sector: national-cert
from: 2026-01-01
until: 2036-12-31
tlp: {version: "%[5]s", ceiling: "%[6]s", community: %[7]t, clients: [%[8]s]}
purposes: [%[9]s]
data: [%[10]s]
storage: %[11]s
transit: %[12]s
contacts:
  - {role: duty officer, address: duty@%[2]s.example}
`, e.name(d.from), e.name(d.to), e.countries[d.to], d.kind, d.version, labels[d.ceiling], d.community, clients,
		strings.Join(d.purposes, ", "), strings.Join(d.data, ", "), quoted(d.storage), quoted(d.transit))
	if d.exercise {
		out += `classified:
  scheme: pl-national
  accept: [pl-national, eu-2013-488-app-b-2021/PL]
  ceiling: [de-vs/VS-NfD]
  accreditation: {authority: SAMPLE (EXERCISE), id: EXERCISE-PL-0001, ceiling: [pl-national/ZASTRZEŻONE], until: 2036-12-31, exercise: true}
  consents: []
`
	}
	return out
}

// quoted is a YAML list in which NO is Norway.
func quoted(list []string) string {
	var out []string
	for _, s := range list {
		out = append(out, `"`+s+`"`)
	}
	return "[" + strings.Join(out, ", ") + "]"
}

// only returns the experiment with the things alone that keep says, without
// those whose references are gone.
func (e *experiment) only(keep func(*thing) bool) *experiment {
	c := *e
	c.things = nil
	there := map[string]bool{}
	for _, o := range e.things {
		missing := slices.ContainsFunc(o.refs, func(id string) bool { return !there[id] }) || o.mention != "" && !there[o.mention]
		if keep(&o) && !missing {
			there[o.id] = true
			c.things = append(c.things, o)
		}
	}
	return &c
}

// without returns the experiment without a region, its links and things.
func (e *experiment) without(gone int) *experiment {
	c := e.only(func(o *thing) bool { return o.at != gone })
	moved := func(i int) int {
		if i > gone {
			return i - 1
		}
		return i
	}
	c.countries = slices.Delete(slices.Clone(e.countries), gone, gone+1)
	c.defaults = slices.Delete(slices.Clone(e.defaults), gone, gone+1)
	c.links = nil
	for _, l := range e.links {
		if l.a == gone || l.b == gone {
			continue
		}
		l.a, l.b = moved(l.a), moved(l.b)
		l.ab.from, l.ab.to, l.ba.from, l.ba.to = l.a, l.b, l.b, l.a
		c.links = append(c.links, l)
	}
	for i := range c.things {
		c.things[i].at = moved(c.things[i].at)
	}
	return c
}

// String tells the whole experiment, for who has to look into it.
func (e *experiment) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d, %d regions, %d links, bundles of %d, %d objects\n", e.seed, len(e.countries), len(e.links), e.bundle, len(e.things))
	for i, def := range e.defaults {
		fmt.Fprintf(&b, "  %s takes unmarked objects for %q\n", e.name(i), def)
	}
	for _, l := range e.links {
		for _, d := range []deal{l.ab, l.ba} {
			fmt.Fprintf(&b, "  %s -> %s: %+v\n", e.name(d.from), e.name(d.to), d)
		}
		if l.flaps || l.pauses {
			fmt.Fprintf(&b, "  %s - %s: is cut at times %t, is paused before the second round %t\n", e.name(l.a), e.name(l.b), l.flaps, l.pauses)
		}
	}
	for i, o := range e.things {
		if i == 10 {
			fmt.Fprintf(&b, "  ... and %d more objects\n", len(e.things)-i)
			break
		}
		fmt.Fprintf(&b, "  at %s (%s): %+v\n", e.name(o.at), o.label(), o)
	}
	return b.String()
}
