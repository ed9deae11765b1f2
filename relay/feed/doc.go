// Package feed writes what leaves a node for devices: plain block lists made
// from the simple patterns of indicators.
//
// It stands after the eight steps, beside publish. The caller has judged every
// object that it passes in; this package only turns patterns into lines. A
// list says in its header when it was made, what it holds and what it left
// out and why, and it never widens what a pattern says. If a list cannot be
// made, the answer is an error and never an empty list: a device would take
// that for "block nothing".
package feed
