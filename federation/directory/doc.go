// Package directory knows who takes part: participants, their keys, and the
// self-signed statements in which they publish both.
//
// There is no authority above the participants. Each signs its own [Statement]
// (name, country, keys, how to link to it); another participant takes it over
// after two people have compared its fingerprint by telephone. A [Directory] is
// an immutable set of such statements. The envelope asks it one question, "whose
// key is this and may it sign now" ([Directory.Key]), and never takes a key, an
// algorithm or a name from the message itself.
//
// The package also holds the one way in which this project signs and checks
// bytes: [SignJWS] and [OpenJWS], compact JWS (RFC 7515) with Ed25519 (RFC 8037)
// behind a strict gate. Messages, hop roots, receipts, agreements and statements
// all go through it, told apart by their typ.
package directory
