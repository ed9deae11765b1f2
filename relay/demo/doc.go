// Package demo runs a small federation in one process and tells what happens
// at each border, so that a newcomer understands the relay in a minute.
//
// Three real nodes are set up in a folder of their own, each with its own
// embedded NATS server, store and keys: de-cert and pl-cert, two national
// CERTs, and jp-carrier, a business operator. They link as TLS leaf nodes on
// loopback, DE to PL and PL to JP. DE publishes a sample feed (or a file of
// the user's), and everything that is told afterwards is read back from the
// nodes' own journals and logs.
//
// Nothing in the feed is real: names are reserved ones, addresses come from
// the ranges for documentation, and what is marked as classified is an
// EXERCISE. The malware names are real ones.
package demo
