// Package generalise says less of the same thing: who was attacked becomes a
// sector and a country, a moment a day, an address the network around it, and
// a small count nothing at all.
//
// It stands beside redaction. Redaction removes a property from what somebody
// else signed; what is made here is a new object, which the node signs as its
// own statement, with an id, times and words of its own, and which says that
// it generalises and by which rule. [Rule.Objects] makes it; the functions on
// single values ([Rule.Address], [Day], [Rule.Count], [Sectors], [Country])
// are what it is made of. Each is idempotent, and says nothing that is not in
// what it was given.
//
// What is taken over is a closed list of types and properties: everything
// else, such as names, texts, labels and references, could name the victim.
// Whether and to whom the result goes is not decided here: it is judged as any
// object.
//
// Everything here is a pure function of its arguments: no clock (the caller
// passes now), no randomness (the caller gives ids), no files, no network.
package generalise
