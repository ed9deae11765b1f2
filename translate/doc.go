// Package translate answers one question: what is this word called over there?
//
// National CERTs name the same things differently. One writes "phishing", the
// next "wyłudzanie danych", a third rsit:fraud="phishing"; one vendor says
// Geodo, another Emotet. A [Dictionary] holds such words with what loaders in
// translate/vocab read from files (MISP galaxies and machinetags, CSV), and
// looks them up: by term and kind, towards a language or another vocabulary.
//
// It is the fourth of the eight steps of a message (receive, verify, map,
// translate, decide, redact, sign, publish). What it yields stands beside the
// original, never in its place; nothing here changes an object, an indicator
// or a marking. The package knows no STIX objects: its caller takes the words
// out of typed properties and hands them over as [Term] values.
//
// Rules that hold for every answer:
//
//   - It says how far it can be trusted: [Relation], scheme, version and who
//     says so. A translation that nobody stated is not given.
//   - Statements are never chained. A is close to B and B is close to C gives
//     nothing about A and C (SKOS Reference, W3C 2009, section 10.1: closeMatch
//     is deliberately not transitive).
//   - An ambiguous word returns every candidate, in a fixed order, the ones
//     that carry the word as their own name first. There is no best guess.
//   - An unknown word returns no candidates and passes through untouched; the
//     caller counts it.
//   - The kind is part of the key: Carbanak the actor and Carbanak the malware
//     are two words.
//
// A Dictionary does not change after [New]; it is safe for concurrent use.
package translate
