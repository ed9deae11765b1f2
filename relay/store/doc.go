// Package store is the node's index of what it holds: objects by issuer,
// digest, id and version, what waits for a fact or a person, and who got what.
//
// It is an index and never the record. Everything in it follows from two
// streams, the log of messages and the journal of decisions, so the file may be
// deleted at any time: the node reads both streams again and gives the same
// answers. For that reason it is never migrated. A file of another schema
// version, of another log, or damaged, is deleted and built anew, and the node
// says so.
//
// In the eight steps of a message the store stands beside the path, not in it.
// The committer appends to the log, tells the store at once in memory
// ([Store.Note]) and lets [Store.Apply] follow behind. The two questions that
// verify asks of every object, "do we have this already" ([Store.Seen]) and
// "which version do we have" ([Store.Version]), take what was noted but not yet
// applied into account, so they are exact at any moment.
//
// # Counts
//
// Every object that reaches the node is counted in one place, and [Counts]
// states the equations. [Counts.Check] proves them.
//
// The file is SQLite in WAL mode with synchronous=NORMAL: a crash or a power cut
// loses at most the last commits, never the form, and the positions are in
// the same transaction as the rows, so the node knows where to read on.
package store
