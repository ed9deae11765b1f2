// Package relay is the node: it runs the eight steps of a message's life and
// owns the life and death of everything that takes part in them.
//
// A Node is made by New, started by Start, told to read its configuration
// again by Reload, ended by Stop; Run does all of that until its context
// ends. Tests and the demonstration run several in one process.
//
// Three flows meet in one log:
//
//   - publish (publish.go): a producer's file is read, judged, signed and
//     appended;
//   - import (import.go): a puller brings frames from a peer; each message is
//     verified and judged, and what may be kept is appended in one commit
//     with the link's position;
//   - export (export.go): a peer pulls; the log is read from the peer's
//     cursor, each object is decided on, redacted, and signed into a frame.
//
// One committer (commit.go) is the only writer of the log. Behind it, off the
// path, the index (relay/store) follows; it can be deleted at any time.
package relay
