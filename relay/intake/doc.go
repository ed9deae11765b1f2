// Package intake turns what producers hand in into STIX objects that a node
// can issue: STIX bundles, bare objects and JSON lines, MISP events, CSV.
//
// It stands before the first of the eight steps. [Read] is a pure function on
// bytes: every object of a file is taken, held or refused with a reason, in
// file order, and nothing is dropped. What is taken is ready to be judged and
// signed: checked, and marked. Most real input states no marking. Here, and
// only here, a source [Profile] may supply one: the node then says so as its
// own act, in the object. What describes the context of others (observables,
// relationships, identities, locations) takes the join of what refers to it.
//
// [Group] then divides objects into batches for messages, with what refers to
// each other kept together and two lanes that never mix.
package intake
