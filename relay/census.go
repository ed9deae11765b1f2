package relay

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/entente-relay/entente/federation/generalise"
	"github.com/entente-relay/entente/federation/policy"
	"github.com/entente-relay/entente/federation/stix"
	"github.com/entente-relay/entente/mapping"
	"github.com/entente-relay/entente/relay/dashboard"
	"github.com/entente-relay/entente/relay/store"
)

// census counts the objects of one period. By sector and country it counts
// victims, not what is told of them: of one victim with ten sightings a count of
// ten would speak.
type census struct {
	node   *Node
	world  *World
	period generalise.Period
	as     mapping.Handling // of what will be told

	counted, left int
	types         map[string]int64
	names         map[string]string // of malware families and countries of locations, by id
	about         sets              // objects that are about something, by its id
	sectors       sets              // of identities, by id
	at            sets              // locations of what is located, by id
	victims       map[string]bool   // identities that were attacked, by id
}

// sets are sets of texts by a text.
type sets map[string]map[string]bool

func (s sets) put(key, value string) {
	if s[key] == nil {
		s[key] = map[string]bool{}
	}
	s[key][value] = true
}

func newCensus(n *Node, w *World, p generalise.Period, as mapping.Handling) *census {
	return &census{node: n, world: w, period: p, as: as, types: map[string]int64{}, names: map[string]string{}, about: sets{}, sectors: sets{}, at: sets{}, victims: map[string]bool{}}
}

// count walks the index, and reads from the log what is to be counted.
func (c *census) count(ctx context.Context) error {
	log := logReader{node: c.node, world: c.world}
	for o, err := range c.node.index.Objects(ctx, store.Filter{}) {
		if err != nil {
			return err
		}
		if !c.period.Holds(o.At) || o.Withdrawal != nil || o.Revoked {
			continue
		}
		p, err := log.at(ctx, o.LogSeq)
		if err != nil {
			return err
		}
		if p == nil || p.seq != o.LogSeq || p.verified == nil {
			continue
		}
		for i, s := range p.subjects {
			if s.Digest() != o.Digest || p.items[i].Outcome != taken || p.items[i].Origin != nil {
				continue
			}
			if why, err := c.node.over(c.world, p, i, c.node.now()); err != nil {
				return err
			} else if why != "" {
				continue // it may not be here any more
			}
			if !c.may(s, o.Issuer) {
				c.left++
				continue
			}
			c.counted++
			c.add(s.Object())
		}
	}
	return nil
}

// may reports whether an object may be counted: this node's own, or one of which
// its issuer permits that less is said, and none that is better protected than
// what will be told.
func (c *census) may(s *policy.Subject, issuer string) bool {
	h := s.Handling()
	h.PersonalData = false
	if s.Problem() != nil || tellable(s) != nil || !c.as.AtLeast(h) || ownWord(s.Object()) != "" {
		return false
	}
	return issuer == c.node.id || c.world.mayGeneralise(s, issuer, c.node.now())
}

func (c *census) add(o *stix.Object) {
	c.types[o.Type()]++
	text := func(name string) string { s, _ := o.Text(name); return s }
	switch o.Type() {
	case "malware":
		if family, ok := o.Get("is_family"); ok && string(family) == "true" {
			c.names[o.ID()] = text("name")
		}
	case "location":
		if country := generalise.Country(text("country")); country != "" {
			c.names[o.ID()] = country
		}
	case "identity":
		for _, s := range generalise.Sectors(words(o, "sectors")) {
			c.sectors.put(o.ID(), s)
		}
	case "sighting":
		c.about.put(text("sighting_of_ref"), o.ID())
		for _, id := range words(o, "where_sighted_refs") {
			c.victims[id] = true
		}
	case "relationship":
		from, to := text("source_ref"), text("target_ref")
		switch text("relationship_type") {
		case "located-at":
			c.at.put(from, to)
			return
		case "targets":
			c.victims[to] = true
		}
		c.about.put(from, o.ID())
		c.about.put(to, o.ID())
	}
}

// words returns a property that is a list of texts, nil for anything else.
func words(o *stix.Object, name string) []string {
	raw, ok := o.Get(name)
	var out []string
	if !ok || json.Unmarshal(raw, &out) != nil {
		return nil
	}
	return out
}

// tell makes the tables, with what is below the floor left out.
func (c *census) tell() dashboard.Aggregate {
	sector, country, malware := sets{}, sets{}, sets{}
	for id := range c.victims {
		for s := range c.sectors[id] {
			sector.put(s, id)
		}
		for place := range c.at[id] {
			if name := c.names[place]; strings.HasPrefix(place, "location--") && name != "" {
				country.put(name, id)
			}
		}
	}
	for id, objects := range c.about {
		if name := c.names[id]; strings.HasPrefix(id, "malware--") && name != "" {
			for o := range objects {
				malware.put(name, o)
			}
		}
	}
	out := dashboard.Aggregate{Tables: []dashboard.Table{}, Period: c.period.String(), Floor: c.world.general.Floor, Counted: c.counted, Left: c.left}
	for _, t := range []struct {
		name   string
		counts map[string]int64
	}{{"type", c.types}, {"sector", sector.sizes()}, {"country", country.sizes()}, {"malware", malware.sizes()}} {
		var table dashboard.Table
		table.Name = t.name
		for _, cell := range c.world.general.Cells(t.counts) {
			table.Cells = append(table.Cells, dashboard.Cell{Name: cell.Name, Count: cell.Count})
		}
		if len(table.Cells) > 0 {
			out.Tables = append(out.Tables, table)
		}
	}
	return out
}

func (s sets) sizes() map[string]int64 {
	out := map[string]int64{}
	for k, v := range s {
		out[k] = int64(len(v))
	}
	return out
}
