// Package federation holds the nouns that every part of the relay shares: why
// something was refused ([Reason]), what was decided ([Verdict]), what kind of
// data a property carries ([Category]) and the error that says so ([Refusal]).
//
// A node receives, verifies, maps, translates, decides, redacts, signs and
// publishes indicators. Each of these steps may say no, and whoever asks later
// (an operator, a lawyer, a peer) must meet the same word in the journal, in a
// metric label, in `entente explain` and in the manual. Those words are listed
// here once. They are on the wire and in stored records: new ones go at the
// end, and none is ever renamed or reused.
//
// The root imports none of its children: stix reads objects, directory knows
// participants and keys, policy decides, envelope signs, link carries.
package federation
