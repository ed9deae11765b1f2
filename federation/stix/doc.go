// Package stix reads STIX 2.1 objects over their raw JSON.
//
// A relay signs, stores and forwards what others wrote, so it must not rewrite
// it: [Parse] checks an object in one pass over the bytes, keeps them, and
// decodes only what the relay's steps ask for. Number spelling, property order
// and properties that nobody here knows survive.
//
// Three views serve the eight steps:
//
//   - [Object.Units] cuts an object into the properties that policy decides on
//     and that the envelope signs one by one, and says which of them are fixed
//     (never removable) and which STIX requires;
//   - [Categorize] says what kind of data each unit holds, with the evidence:
//     by type and path, by what the text shows, by what the other objects of the
//     message tell ([VictimsAmong]) and by the origin's word. One pass finds the
//     words that detectors go by (lexicon.go, words.go), which then look closer
//     where they stand: numbers of records with their check digits, words of
//     health, money beside words of trade, addresses beside words for victims.
//     A finding says how sure it is and never repeats what was found;
//   - [Pattern] reads the STIX patterning language, to see what an indicator
//     looks for and whether it can be put in a block list.
//
// Everything here is a pure function of bytes: no clock, no files, no network.
// Anything that does not follow STIX 2.1 (OASIS Standard, 10 June 2021), or
// that a signature could be confused by (duplicate names, invalid UTF-8, names
// that SD-JWT reserves), is refused with a [federation.Refusal].
package stix
