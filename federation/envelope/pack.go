package envelope

import (
	"github.com/entente-relay/entente/federation/stix"
)

// What a message needs beside its disclosures, in bytes, with a margin: header,
// times and signature, and each object's digest in the payload.
const (
	baseSize   = 1024 + maxDecoys*objectSize
	objectSize = 72
)

// fits reports whether a message with so much in it stays within the limits.
func fits(objects, disclosures, size int) bool {
	return objects <= MaxObjects && disclosures <= MaxDisclosures &&
		baseSize+objects*objectSize+size <= MaxMessage
}

// packer fills messages.
type packer struct {
	parts    []*disclosed
	markings map[string][]int // marking-definitions among parts, by id
	out      [][]*disclosed

	now  []*disclosed // the message being filled
	in   map[int]bool // parts in it
	sum  int          // its disclosures
	size int          // their bytes
}

// pack distributes the objects over messages.
func pack(parts []*disclosed) [][]*disclosed {
	p := &packer{parts: parts, markings: map[string][]int{}, in: map[int]bool{}}
	for i, d := range parts {
		if d.object.Type() == "marking-definition" {
			p.markings[d.object.ID()] = append(p.markings[d.object.ID()], i)
		}
	}
	placed := make(map[int]bool, len(parts))
	for _, g := range p.groups() {
		if !p.room(g...) && len(p.now) > 0 && p.roomAlone(g) {
			p.flush()
		}
		for _, i := range g {
			p.add(i, placed)
		}
	}
	for i := range parts { // marking-definitions that nothing refers to
		if !placed[i] {
			p.add(i, placed)
		}
	}
	p.flush()
	return p.out
}

// groups returns the objects other than marking-definitions, grouped by
// reference, each group and all groups in the given order.
func (p *packer) groups() [][]int {
	byID := make(map[string]int, len(p.parts))
	parent := make([]int, len(p.parts))
	find := func(i int) int {
		for parent[i] != i {
			parent[i] = parent[parent[i]]
			i = parent[i]
		}
		return i
	}
	join := func(a, b int) {
		a, b = find(a), find(b)
		parent[max(a, b)] = min(a, b) // the root is the first of its group
	}
	for i, d := range p.parts {
		parent[i] = i
		if first, ok := byID[d.object.ID()]; ok {
			join(first, i)
		} else {
			byID[d.object.ID()] = i
		}
	}
	for i, d := range p.parts {
		if d.object.Type() == "marking-definition" {
			continue
		}
		d.object.EachRef(func(_, target []byte) {
			if j, ok := byID[string(target)]; ok {
				join(i, j)
			}
		})
	}
	at := map[int]int{}
	var out [][]int
	for i, d := range p.parts {
		if d.object.Type() == "marking-definition" {
			continue
		}
		root := find(i)
		if _, ok := at[root]; !ok {
			at[root] = len(out)
			out = append(out, nil)
		}
		out[at[root]] = append(out[at[root]], i)
	}
	return out
}

// with returns objects and the marking-definitions they need, in the order in
// which a message lists them: definitions first.
func (p *packer) with(objects ...int) []int {
	if len(p.markings) == 0 {
		return objects
	}
	var out []int
	seen := map[int]bool{}
	var visit func(i int)
	visit = func(i int) {
		if seen[i] {
			return
		}
		seen[i] = true
		for _, id := range markingIDs(p.parts[i].object) {
			for _, j := range p.markings[id] {
				visit(j)
			}
		}
		out = append(out, i)
	}
	for _, i := range objects {
		visit(i)
	}
	return out
}

// markingIDs returns the ids of all markings on an object.
func markingIDs(o *stix.Object) []string {
	ids := o.MarkingRefs()
	for _, g := range o.Granular() {
		if g.MarkingRef != "" {
			ids = append(ids[:len(ids):len(ids)], g.MarkingRef)
		}
	}
	return ids
}

// room reports whether objects and what they need fit into the open message.
func (p *packer) room(objects ...int) bool {
	n, sum, size := len(p.now), p.sum, p.size
	for _, i := range p.with(objects...) {
		if !p.in[i] {
			n, sum, size = n+1, sum+len(p.parts[i].discs), size+p.parts[i].size
		}
	}
	return fits(n, sum, size)
}

// roomAlone reports whether a group fits into an empty message.
func (p *packer) roomAlone(group []int) bool {
	empty := &packer{parts: p.parts, markings: p.markings}
	return empty.room(group...)
}

// add puts an object, with what it needs, into the open message or a new one.
func (p *packer) add(i int, placed map[int]bool) {
	if p.in[i] {
		placed[i] = true
		return
	}
	if !p.room(i) {
		p.flush()
	}
	for _, j := range p.with(i) {
		if !p.in[j] {
			p.in[j], placed[j] = true, true
			p.now = append(p.now, p.parts[j])
			p.sum += len(p.parts[j].discs)
			p.size += p.parts[j].size
		}
	}
}

// flush closes the open message.
func (p *packer) flush() {
	if len(p.now) == 0 {
		return
	}
	p.out = append(p.out, p.now)
	p.now, p.in, p.sum, p.size = nil, map[int]bool{}, 0, 0
}
