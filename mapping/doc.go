// Package mapping is the algebra of markings: what a marking means, how two of
// them combine, and what a classification of one authority becomes in the
// words of another.
//
// A marking is what an originator wrote (TLP, PAP, a national classification,
// a caveat). It is a fact about that originator and a date and is never
// overwritten. A [Handling] is what the markings of one object mean together,
// computed. Three axes stay independent: secrecy ([Level]), audience ([TLP],
// release lists) and use ([PAP], purposes); none pays for another (law A3),
// and levels of different origins are never merged into one number.
//
// In the eight steps a message goes through, this is step "map": it turns
// markings into a Handling once, when a message comes in, and computes the
// receiver's own marking as an [Outcome] when a decision is made. It is pure:
// no clock, no I/O. The law numbers A1 to A16 in comments and results are
// those of the project's classification reference: A1 no lowering, A2
// monotone, A3 independent axes, A4 map from the origin's label, A5 no path
// advantage, A6 round trip, A7 no equivalent is refused, A8 unknown is refused
// or held, A9 an ambiguous label is refused, A10 the tables of then, of now and
// of all between count, A11 a container protects like its parts together, A12
// only the originator lowers, A13 the order of arrival does not matter, A14
// one-to-many is not ours to pick, A15 an equivalence is no permission, A16
// every answer says why. How each is kept, and by which tests, stands in
// package scheme.
//
// Children: marking reads markings as they are written, scheme holds the
// national ladders and equivalence tables and proves the laws over them. What
// a node does with an Outcome is decided in federation/policy, which turns
// each [Cause] into the federation's one list of reasons.
package mapping
