package stix

import (
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/entente-relay/entente/federation"
)

// originPlaces adds the origin's word on what properties hold: the categories
// of our handling entry. It adds and never replaces, so no origin can call a
// person's address technical. A path that leads nowhere says nothing: a relay
// may have removed what was there.
func (c *categorizer) originPlaces() {
	h := c.o.handling
	if h == nil || h.Categories == nil {
		return
	}
	for _, path := range slices.Sorted(maps.Keys(h.Categories)) {
		c.covered(path, h.Categories[path])
	}
}

// covered adds a category to every unit that a path covers: the unit itself, its
// parts, or the one that holds it. A path into object_refs covers all elements:
// a relay that removed one has moved those behind it.
func (c *categorizer) covered(path string, cat federation.Category) {
	if strings.HasPrefix(path, "object_refs.[") {
		path = "object_refs"
	}
	holder, hit := -1, false
	for i := range c.l.units {
		u := &c.l.units[i]
		switch {
		case u.Path == path || below(u.Path, path):
			c.origin(i, cat)
			hit = true
		case below(path, u.Path):
			holder = i // parents come first, so the last is the closest
		}
	}
	if !hit && holder >= 0 && !c.l.units[holder].Container {
		c.origin(holder, cat)
	}
}

// origin adds what the origin says of a unit. An address of a target is a
// victim's.
func (c *categorizer) origin(unit int, cat federation.Category) {
	kind := ""
	if cat == federation.Target && holdsAddress(c.value(unit)) {
		kind = HoldsVictim
		c.guess(unit, byOrigin, HoldsAddress)
	}
	c.holds(unit, cat, byOrigin, kind, false)
}

// holdsAddress reports whether an IP or e-mail address is in the value of a unit.
func holdsAddress(value []byte) bool {
	found := false
	eachText(value, func(text []byte) {
		found = found || hasEmail(text) || addresses(text, func(netip.Addr) bool { return true })
	})
	return found
}

// below reports whether a path lies under another.
func below(path, outer string) bool {
	return len(path) > len(outer) && path[len(outer)] == '.' && path[:len(outer)] == outer
}
