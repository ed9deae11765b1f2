package intake

import (
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/entente-relay/entente/federation"
	"github.com/entente-relay/entente/federation/stix"
)

// mark supplies the marking of every object that states none: from the source
// profile, or, for what describes the context of others, the join of those
// that refer to it. What gets none is held.
func (m *marker) mark(entries []entry) {
	g := m.graph(entries)
	g.spread()
	g.fallBack()
	for i := range g.nodes {
		if n := &g.nodes[i]; n.open {
			m.settle(n)
		}
	}
}

// node is one object in the graph of who takes its marking from whom.
type node struct {
	entry *entry
	own   *label // what the object says itself
	got   *label // what it takes over, nil until something is known
	from  string // who supplied it: a profile, or FromReferences if only others did
	// open: the object states no TLP label.
	open bool
	// blocked: something it depends on has no marking that is understood.
	blocked federation.Reason
	edges   []edge // to those that take from this one
}

// edge says that another node takes this one's marking, and that of the
// property that refers to it.
type edge struct {
	to    int
	extra *label
}

// graph holds the objects of one file.
type graph struct {
	m     *marker
	nodes []node
	byID  map[string][]int
	defs  map[string]*stix.Object
	queue []int
}

// context reports whether an object describes the context of others: by
// itself it says nothing about who may have it.
func context(o *stix.Object) bool {
	switch o.Type() {
	case "relationship", "sighting", "identity", "location", "language-content":
		return true
	}
	return o.Observable()
}

// definition reports whether an object defines what others are marked or
// extended with; it goes where they go and needs no marking of its own.
func definition(o *stix.Object) bool {
	return o.Type() == "marking-definition" || o.Type() == "extension-definition"
}

// graph reads how every object is marked, and finds who takes from whom.
func (m *marker) graph(entries []entry) *graph {
	g := &graph{m: m, byID: map[string][]int{}, defs: map[string]*stix.Object{}}
	for i := range entries {
		if e := &entries[i]; e.outcome == Taken && definition(e.object) {
			g.defs[e.object.ID()] = e.object
		}
	}
	for i := range entries {
		e := &entries[i]
		if e.outcome != Taken || definition(e.object) {
			continue
		}
		n := node{entry: e}
		var s standing
		n.own, s = m.labels.read(e.object, g.defs)
		switch s {
		case marked:
			n.got = n.own
		case unmarked:
			n.open = true
		default:
			n.blocked = federation.UnknownMarking
		}
		g.byID[e.object.ID()] = append(g.byID[e.object.ID()], len(g.nodes))
		g.nodes = append(g.nodes, n)
	}
	for i := range g.nodes {
		g.connect(i)
	}
	g.begin()
	return g
}

// takes reports whether a node takes its marking from others.
func (g *graph) takes(i int) bool { return g.nodes[i].open && context(g.nodes[i].entry.object) }

// connect adds the edges of one node: to the context that it refers to, and,
// if it joins others, from those that it joins.
func (g *graph) connect(i int) {
	o := g.nodes[i].entry.object
	var primary, other []int
	for _, r := range o.Refs() {
		targets := g.byID[r.Target]
		for _, j := range targets {
			if j != i && g.takes(j) {
				g.edge(i, j, r.Path)
			}
		}
		if g.takes(i) && joins(o.Type(), r.Path) {
			for _, j := range targets {
				if g.takes(j) {
					other = append(other, j)
				} else {
					primary = append(primary, j)
				}
			}
		}
	}
	if len(primary) == 0 {
		primary = other
	}
	for _, j := range primary {
		if j != i {
			g.edge(j, i, "")
		}
	}
}

// joins reports whether a property names what a relationship, a sighting or a
// translation is about.
func joins(typ, path string) bool {
	switch typ {
	case "relationship":
		return path == "source_ref" || path == "target_ref"
	case "sighting":
		return path == "sighting_of_ref" || strings.HasPrefix(path, "observed_data_refs.")
	case "language-content":
		return path == "object_ref"
	}
	return false
}

// edge lets node to take the marking of node from and, if the property at path
// has a granular marking, that one too.
func (g *graph) edge(from, to int, path string) {
	e := edge{to: to}
	for _, gm := range g.nodes[from].entry.object.Granular() {
		covers := func(s string) bool { return s == path || strings.HasPrefix(path, s+".") }
		if path == "" || gm.MarkingRef == "" || !slices.ContainsFunc(gm.Selectors, covers) {
			continue
		}
		h, ok := resolve(gm.MarkingRef, g.defs)
		if !ok {
			g.nodes[to].blocked = federation.UnknownMarking
			continue
		}
		e.extra = g.m.labels.join(e.extra, g.m.labels.intern(label{tlp: h.TLP, refs: []string{gm.MarkingRef}}))
	}
	g.nodes[from].edges = append(g.nodes[from].edges, e)
}

// begin gives the profile's label to what takes from nobody, and queues what
// has something to pass on.
func (g *graph) begin() {
	for i := range g.nodes {
		if n := &g.nodes[i]; n.open && !context(n.entry.object) {
			g.byProfile(n)
		}
		g.queue = append(g.queue, i)
	}
}

// byProfile gives an unmarked node the profile's label, or blocks it.
func (g *graph) byProfile(n *node) {
	if g.m.label == nil {
		n.blocked = federation.Unmarked
		return
	}
	n.got, n.from = g.m.labels.join(n.own, g.m.label), g.m.profile.Name
}

// spread passes markings on until nothing changes. It ends because a label can
// only become narrower, and there are finitely many.
func (g *graph) spread() {
	for len(g.queue) > 0 {
		n := &g.nodes[g.queue[0]]
		g.queue = g.queue[1:]
		if n.got == nil && n.blocked == "" {
			continue
		}
		for _, e := range n.edges {
			if g.pass(n, &g.nodes[e.to], e.extra) {
				g.queue = append(g.queue, e.to)
			}
		}
	}
}

// pass joins what one node has into another and reports a change.
func (g *graph) pass(n, to *node, extra *label) bool {
	if n.blocked != "" {
		changed := to.blocked == ""
		if changed {
			to.blocked = n.blocked
		}
		return changed
	}
	base := to.got
	if base == nil {
		base = to.own
	}
	got := g.m.labels.join(g.m.labels.join(base, n.got), extra)
	from := to.from
	if profile := n.from != "" && n.from != FromReferences; profile {
		from = n.from
	} else if from == "" {
		from = FromReferences
	}
	changed := got != to.got || from != to.from
	to.got, to.from = got, from
	return changed
}

// fallBack gives the profile's label to context that nothing marked refers to,
// and passes it on.
func (g *graph) fallBack() {
	for i := range g.nodes {
		if n := &g.nodes[i]; n.open && n.got == nil && n.blocked == "" {
			g.byProfile(n)
			g.queue = append(g.queue, i)
		}
	}
	g.spread()
}

// settle writes the marking into the object, or holds it.
func (m *marker) settle(n *node) {
	e := n.entry
	switch {
	case n.blocked == federation.Unmarked:
		text := "no TLP label says who may have it, and no source profile supplies one"
		if context(e.object) {
			text = "no TLP label says who may have it; it would take that of what refers to it, but that has none, and no source profile supplies one"
		}
		e.hold(federation.Unmarked, text)
	case n.blocked != "":
		e.hold(n.blocked, "it would take the marking of what refers to it, but that is not understood")
	case n.got.conflict != "":
		e.hold(federation.HeldForPerson, n.got.conflict)
	default:
		e.write(n)
	}
}

// write puts what a node has into its object.
func (e *entry) write(n *node) {
	all, err := edits(n)
	if err == nil {
		var o *stix.Object
		if o, err = e.object.With(all...); err == nil {
			e.object = o
			return
		}
	}
	e.reject(err)
}

// hold lets an entry wait.
func (e *entry) hold(reason federation.Reason, text string) {
	e.outcome, e.reason, e.text = Held, reason, text
}

// edits returns what has to be written into a node's object: its markings, and
// those of its handling facts that are new.
func edits(n *node) ([]stix.Edit, error) {
	const entry = "extensions." + stix.HandlingExtension
	facts := handlingFacts(n)
	out := []stix.Edit{{Path: "object_marking_refs", Value: encode(n.got.refs)}}
	if n.entry.object.Handling() != nil {
		for _, f := range facts {
			out = append(out, stix.Edit{Path: entry + "." + f.name, Value: encode(f.value)})
		}
		return out, nil
	}
	raw, err := build(append([]member{{"extension_type", "property-extension"}}, facts...)...)
	return append(out, stix.Edit{Path: entry, Value: raw}), err
}

// handlingFacts returns the facts that an object takes over and does not state
// itself, and who supplied them.
func handlingFacts(n *node) []member {
	out := []member{{"default_marking", n.from}}
	own, got := n.own.hand, n.got.hand
	for _, f := range [...]struct{ key, own, got string }{
		{"origin", own.origin, got.origin}, {"scheme", own.scheme, got.scheme},
		{"classification", own.classification, got.classification}, {"contract", own.contract, got.contract},
	} {
		if f.got != "" && f.got != f.own {
			out = append(out, member{f.key, f.got})
		}
	}
	for _, f := range [...]struct {
		key      string
		own, got []string
	}{
		{"caveats", own.caveats, got.caveats}, {"releasable_to", own.releasable, got.releasable},
		{"residency", own.residency, got.residency}, {"purpose", own.purpose, got.purpose},
	} {
		if f.got != nil && !slices.Equal(f.got, f.own) {
			out = append(out, member{f.key, f.got})
		}
	}
	if got.retainDays != own.retainDays {
		out = append(out, member{"retain_days", got.retainDays})
	}
	return out
}

// encode writes a text, a list of texts or a number as JSON; what cannot be
// written becomes no value at all, which the edit then refuses.
func encode(value any) []byte {
	raw, err := json.Marshal(value)
	if err != nil {
		return nil
	}
	return raw
}

// unmarshal decodes JSON that has been accepted before.
func unmarshal(raw []byte, into any) error { return json.Unmarshal(raw, into) }
