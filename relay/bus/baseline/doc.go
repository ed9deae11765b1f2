// Package baseline measures bare NATS, so that the speed of the relay can be
// told as a ratio to what the same machine does without it: the same objects,
// unsigned and one to a message, over the same server version, on loopback only
// and in bounded loops.
//
// [OneStream] is the ceiling for storing: one stream, atomic batches, each
// synced. [Origin] and [Copy] are what an operator without a relay would build
// for a border: a stream that the server itself copies over a TLS leaf link, with
// no place for a policy in between. [Sender] and [Receive] carry whole messages
// as the relay does, by framed pull, without any of its steps.
//
// Nothing is counted here but objects at moments ([Sample]): who measures says
// where the clock begins and ends. Absolute numbers say something about the
// machine; only ratios within one run say something about the relay.
package baseline
