// Package baseline measures bare NATS, so that the speed of the relay can be
// told as a ratio to what the same machine does without it: the same number of
// objects of the same size, unsigned and one to a message, over the same
// server version, on loopback only and in bounded loops.
package baseline
