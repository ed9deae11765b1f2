// Package baseline measures bare NATS, so that the speed of the relay can be
// told as a ratio to what the same machine does without it: the same number of
// objects of the same size, unsigned and one to a message, over the same
// server version, on loopback only and in bounded loops.
//
// [OneStream] is the ceiling for storing: one stream, atomic batches, each
// synced. [Sourced] is what an operator without a relay would build for a
// border: a stream that the server itself copies over a TLS leaf link, with no
// place for a policy in between.
//
// Each function starts its own servers in folders of its own, stops them, and
// returns objects per second. Absolute numbers say something about the machine;
// only ratios within one run say something about the relay.
package baseline
