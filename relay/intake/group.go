package intake

import "github.com/entente-relay/entente/federation/stix"

// Group divides objects into batches for messages, in two lanes that never
// mix: ordinary, and those for which restricted returns true.
func Group(objs []*stix.Object, restricted func(*stix.Object) bool) (ordinary, held [][]*stix.Object) {
	return nil, nil
}
