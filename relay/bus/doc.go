// Package bus is the only place in the project that knows NATS. It gives a node
// two things: logs on disk, and a way to ask its peers.
//
// A [Stream] is an append-only record with dense numbers, committed with sync
// in atomic batches: everything in one [Stream.Append] is stored or nothing is.
// A node has two, the log of messages ([Bus.Log]) and the journal of decisions
// ([Bus.Journal]). A link is a request subject to one peer ([Bus.Serve],
// [Bus.Request]) over a TLS leaf connection. What travels in the requests is
// the business of federation/link; what is stored is the business of the node.
//
// # The lock chamber
//
// The embedded server has one account per peer. Such an account has no
// JetStream, no imports and no exports, and only two parties ever have a foot
// in it: the peer's leaf connection, held to an exact list of subjects, and one
// connection of this process. The logs live in another account, RELAY, that no
// peer can enter. So the relay's own code is the only bridge, and policy,
// verification and audit cannot be by-passed by a feature of the server. A peer
// is known by two things at once: its TLS certificate (pinned, mutual TLS 1.3
// before the first byte of NATS) and its nkey.
//
// An external NATS server or cluster takes the place of the embedded one by
// configuration ([External]): the bus needs no more of it than a URL with
// credentials for RELAY, the same for each link, and the prefix of the
// JetStream API.
//
// In the eight steps of a message the bus carries "receive" and "publish"; it
// decides nothing.
package bus
