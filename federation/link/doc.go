// Package link is the protocol by which one node fetches messages from
// another: framed pull with a cursor.
//
// The receiver asks ([Pull]) for what follows its cursor; the sender answers
// with one [Frame] of messages and the next cursor; the receiver stores both in
// one commit and sends a signed [Receipt] with a later pull. The receiver sets
// the pace, and a link that was cut for days goes on where it stood: the sender
// keeps no delivery state, because the cursor says everything and only the
// sender can make or read it ([CursorKey]).
//
// What holds whatever is cut or killed:
//
//   - Messages of a link have dense numbers (link seq). A frame that does not
//     continue the numbers is never stored: it is reported and pulled again.
//   - The sender's log has a random id (incarnation). When it changes, the
//     receiver reads from the start and its store drops what it has.
//   - What the sender no longer keeps is announced by a [Gap], never skipped.
//   - Every limit is checked before memory is taken, and a compressed frame
//     never grows over the receiver's cap.
//
// The package knows neither NATS nor storage nor policy. A node gives it a
// [Transport] to ask with, a [Source] that builds frames and a [Sink] that
// commits them. Clocks and randomness are given too, so that days of a cut run
// in milliseconds of a test.
// # On the wire, version 1
//
// A number is an unsigned varint (LEB128) in its shortest form, a string is its
// length as a number and its bytes, a time is milliseconds of Unix time with 0
// for "not known". Every value begins with the bytes "eL", one byte for its
// kind and one for the version.
//
//	pull  'P'  cursor string, max bytes, wait in ms, receipt string
//	frame 'F'  flags (1 more, 2 gap, 4 compressed), incarnation string,
//	           first seq, root string, next cursor string,
//	           [gap: since time, until time, reason string],
//	           count of messages, size of the body, body to the end
//	fault 'X'  reason string, detail string, incarnation string, retry after ms
//
// The body is the lengths of the messages, then the messages; compressed, it is
// one or more zstd frames (RFC 8878) that give exactly the announced size.
// Nothing may follow the end, and unknown flags are refused. testdata/wire has
// one example of each. A receipt is a compact JWS, see [SignReceipt].
package link
