package intake

import (
	"slices"

	"github.com/entente-relay/entente/federation/stix"
)

// batchSize is how many objects a message holds at most, the definitions that
// are copied along among them (design: a message is 1 to 64 objects).
const batchSize = 64

// hub is from how many references on an object counts as one that everything
// is connected to, such as the identity of the producer: it keeps nothing
// together.
const hub = 16

// Group divides objects into batches for messages, in two lanes that never
// mix: ordinary, and those for which restricted returns true. Objects that
// refer to each other are kept near. The marking- and extension-definitions
// that a batch uses are copied into it; one that nothing uses is treated like
// any other object.
func Group(objs []*stix.Object, restricted func(*stix.Object) bool) (ordinary, held [][]*stix.Object) {
	g := grouping{defs: map[string]*stix.Object{}, used: map[string]bool{}}
	for _, o := range objs {
		if have := g.defs[o.ID()]; definition(o) && (have == nil || o.Modified().After(have.Modified())) {
			g.defs[o.ID()] = o
		}
	}
	needs := make(map[*stix.Object][]string, len(objs))
	for _, o := range objs {
		if !definition(o) {
			needs[o] = g.needs(o, nil)
			for _, id := range needs[o] {
				g.used[id] = true
			}
		}
	}
	for _, o := range objs {
		if g.defs[o.ID()] != o || g.used[o.ID()] {
			continue
		}
		// Nothing uses it: it stands for itself, with what it uses.
		needs[o] = slices.DeleteFunc(g.needs(o, nil), func(id string) bool { return id == o.ID() })
		for _, id := range needs[o] {
			g.used[id] = true
		}
	}
	var lanes [2][]*stix.Object
	for _, o := range objs {
		if g.used[o.ID()] && g.defs[o.ID()] == o {
			continue // copied into the batches of those that use it
		}
		lane := 0
		if restricted(o) {
			lane = 1
		}
		lanes[lane] = append(lanes[lane], o)
	}
	return g.batches(near(lanes[0]), needs), g.batches(near(lanes[1]), needs)
}

// grouping holds the definitions of one call.
type grouping struct {
	defs map[string]*stix.Object
	used map[string]bool
}

// needs appends the ids of the definitions that an object uses, and those that
// they use.
func (g *grouping) needs(o *stix.Object, have []string) []string {
	add := func(id string) {
		def, ok := g.defs[id]
		if !ok || def == o {
			return
		}
		for _, h := range have {
			if h == id {
				return
			}
		}
		have = g.needs(def, append(have, id))
	}
	for _, id := range o.MarkingRefs() {
		add(id)
	}
	for _, m := range o.Granular() {
		add(m.MarkingRef)
	}
	for id, def := range g.defs {
		if def.Type() != "extension-definition" {
			continue
		}
		if _, ok := o.Get("extensions." + id); ok {
			add(id)
		}
	}
	return have
}

// batches cuts a lane into batches.
func (g *grouping) batches(lane []*stix.Object, needs map[*stix.Object][]string) [][]*stix.Object {
	var out [][]*stix.Object
	var batch []*stix.Object
	in := map[string]bool{}
	for _, o := range lane {
		fresh := 0
		for _, id := range needs[o] {
			if !in[id] {
				fresh++
			}
		}
		if len(batch) > 0 && len(batch)+1+fresh > batchSize {
			out = append(out, batch)
			batch, in = nil, map[string]bool{}
		}
		for _, id := range needs[o] {
			if !in[id] {
				in[id] = true
				batch = append(batch, g.defs[id])
			}
		}
		batch = append(batch, o)
	}
	if len(batch) > 0 {
		out = append(out, batch)
	}
	return out
}

// near orders objects so that those which refer to each other follow each
// other: depth first from each in file order, through everything but hubs.
func near(objs []*stix.Object) []*stix.Object {
	byID := make(map[string][]int, len(objs))
	for i, o := range objs {
		byID[o.ID()] = append(byID[o.ID()], i)
	}
	links := make([][]int, len(objs))
	for i, o := range objs {
		for _, r := range o.Refs() {
			for _, j := range byID[r.Target] {
				if j != i {
					links[i] = append(links[i], j)
					links[j] = append(links[j], i)
				}
			}
		}
	}
	out := make([]*stix.Object, 0, len(objs))
	placed := make([]bool, len(objs))
	for i := range objs {
		stack := []int{i}
		for len(stack) > 0 {
			at := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			if placed[at] {
				continue
			}
			placed[at] = true
			out = append(out, objs[at])
			if len(links[at]) >= hub {
				continue
			}
			for k := len(links[at]) - 1; k >= 0; k-- {
				if j := links[at][k]; !placed[j] {
					stack = append(stack, j)
				}
			}
		}
	}
	return out
}
