// Package journal is the append-only record of what the node decided: what came
// in and what became of it, what left for whom under which rules, what the
// peers acknowledged, and what changed about links, peers and policy.
//
// In the eight steps of a message it is written at three moments: after receive
// to decide at the border coming in ([Intake]), before a frame leaves ([Sent],
// which is what makes a peer a recorded recipient), and when its receipt comes
// ([Receipt]). `explain`, `status` and the audit read it.
//
// # No property values
//
// The journal is kept longer than the data, so it holds no property value of
// any object: ids, digests, paths, markings, reasons, rules and counts only.
// The types see to it. No field of a record is a plain string; [Token], [ID],
// [Path] and [Label] write [Unfit] in place of a text that has not their shape.
// What was refused for residency keeps its digest and reason, not its id.
//
// # Chain
//
// Each record names the SHA-256 of the one before, so that a record cannot be
// changed, dropped or slipped in without [Verify] naming the place. The node
// signs the end of the chain from time to time ([SignHead]) and puts the signed
// head into the chain as a record; handed to somebody else, it also shows that
// the whole was rewritten ([Proof]). Lines are the form in which a journal is
// copied.
//
// # Exports
//
// [Selection] turns records into rows for people and their programs, [Totals]
// adds them up, and a [Sheet] writes them: CSV, JSON lines, or a page to print.
//
// # Durability
//
// [Writer.Append] returns when the record is on disk. Many callers share one
// synced batch. When the answer to a batch is lost the writer reads the end of
// the stream and goes on from what is really there, so a record is never
// written twice and never assumed.
package journal
