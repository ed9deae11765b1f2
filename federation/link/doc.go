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
// commits them, and that may be an [Examiner] besides. Clocks and randomness are
// given too, so that days of a cut run in milliseconds of a test.
// # On the wire, version 1
//
// A number is an unsigned varint (LEB128) in its shortest form, a string is its
// length as a number and its bytes, a time is milliseconds of Unix time with 0
// for "not known". Every value begins with the bytes "eL", one byte for its
// kind and one for the version.
//
//	pull  'P'  cursor string, max bytes, wait in ms, receipt string
//	frame 'F'  flags (1 more, 2 gap, 4 compressed, 8 in parts), incarnation string,
//	           first seq, root string, next cursor string,
//	           [gap: since time, until time, reason string],
//	           count of messages, size of the body, body to the end
//	fault 'X'  reason string, detail string, incarnation string, retry after ms
//
// The body is the lengths of the messages, then the messages; compressed, it is
// one or more zstd frames (RFC 8878) that give exactly the announced size. In
// parts, it is for each message the lengths of its beginning and of the rest, then
// all rests, then all beginnings: the beginnings are the same for many peers, so
// their zstd frames are made once, and a message is both parts joined.
// Nothing may follow the end, and unknown flags are refused. testdata/wire has
// one example of each. A receipt is a compact JWS, see [SignReceipt].
//
// # Sealed, where a third party runs the servers between
//
// Each of these then travels as the text of a compact JWE (RFC 7516) and nothing
// else does, see [Seal]: alg ECDH-ES+A256KW on P-256, enc A256GCM, and in the
// protected header, besides epk and the recipient's kid, typ, seq and ctx and no
// other member. seq is the number of the pull, in the answer that of the pull it
// answers: microseconds of Unix time, growing. ctx is the SHA-256, in base64url,
// of four lines: "entente link 1", "pull" or "answer", the sender's id, the
// recipient's. No line end follows the last.
//
//	cti-pull+jwe    around a compact JWS of typ cti-pull+jws, signed with the
//	                sender's message key, over
//	                'S'  the four lines, seq, 16 secret bytes, the pull
//	cti-answer+jwe  around
//	                'A'  the secret bytes of the pull, frame or fault
//
// each a value as above, the inner ones strings. Only a pull that does not open is
// answered open, by a fault that says no more than why.
package link
