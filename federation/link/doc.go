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
package link
