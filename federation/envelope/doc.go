// Package envelope makes and checks the signed message: what an issuer said,
// what each relay on the way took out, and nothing else.
//
// A message is an SD-JWT (RFC 9901): one Ed25519 signature over digests, and
// the disclosures that the digests stand for. Every object is a disclosure, and
// so is every property that a relay may remove, so a relay redacts by leaving
// disclosures out and the issuer's signature stays valid. What a plain SD-JWT
// leaves open, the hops close: each relay adds a record that names the element
// before it, the exact disclosures it passes on, what it took out and for whom,
// sealed under one signature for a whole frame. Every digest must then be shown
// or accounted for.
//
// The steps are in the types. Only [Verify] and [Issue] make a [Verified], only
// [Redact] makes a [Cleared], only [SignFrame] makes a [Signed], which alone has
// bytes to send. The zero value of each is refused. So an object cannot leave
// without having been verified, decided on and redacted, in this order:
//
//	receive → verify → map → translate → decide → redact → sign → publish
//
// WIRE.md beside this file is the specification of the format; testdata/vectors
// holds messages and verdicts for another implementation to try itself on.
// Nothing in here reads a clock, a file or the network.
package envelope
