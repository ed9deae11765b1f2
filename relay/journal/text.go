package journal

// Unfit stands in a record where a text did not have the shape of its field.
const Unfit = "~"

// Token is a name made by an operator, a rule's author or a program: participant
// ids, rule ids, digests, purposes. Letters, digits and "._:/+=-", at most 256
// bytes.
type Token string

// ID is a STIX id, "type--uuid" (STIX 2.1 section 2.9), at most 300 bytes.
type ID string

// Path is a property path: letters, digits and "_.-[]", at most 512 bytes.
type Path string

// Label is a marking as shown, or what a rule cites: printable, at most 256
// bytes, without the characters that patterns, addresses and markup need.
type Label string

// Digest is a SHA-256 digest; in JSON base64url without padding.
type Digest [32]byte
