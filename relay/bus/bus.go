package bus

import "context"

// Bus is a running server, or the connections to an external one, with this
// node's streams and links. Make one with [Start].
type Bus struct{}

// Start starts the embedded server (or connects to the external one), opens the
// two streams and returns when all of it answers. No peer is known yet, see
// [Bus.SetPeers].
func Start(ctx context.Context, c Config) (*Bus, error) { return nil, errNotBuilt }

// Stop lets running requests end until ctx is done, then closes everything. The
// store is synced and unlocked when it returns.
func (b *Bus) Stop(ctx context.Context) error { return errNotBuilt }

// SetPeers makes peers the whole list of who may link. It may be called at any
// time: the links of peers that stay as they were are not disturbed, and the
// leaf connections of those that are gone, paused or changed are closed.
func (b *Bus) SetPeers(ctx context.Context, peers []Peer) error { return errNotBuilt }

// Log is the stream of messages.
func (b *Bus) Log() *Stream { return &Stream{} }

// Journal is the stream of decisions.
func (b *Bus) Journal() *Stream { return &Stream{} }

// Serve sets the function that answers the requests of one peer, which must be
// in the last SetPeers; nil stops answering. The function runs for up to
// [Config.ServeLimit] requests of the peer at once; its context ends when the
// peer goes or the bus stops.
func (b *Bus) Serve(peer string, h func(ctx context.Context, req []byte) []byte) error {
	return errNotBuilt
}

// Request asks a peer and waits for its answer until ctx is done. Requests and
// answers are at most [MaxRequest] bytes.
func (b *Bus) Request(ctx context.Context, peer string, req []byte) ([]byte, error) {
	return nil, errNotBuilt
}

// MaxRequest is the most bytes of a request or an answer (NATS's max_payload).
const MaxRequest = 1 << 20

// Links tells the state of every peer's link, ordered by peer id.
func (b *Bus) Links() []LinkState { return nil }

// LeafAddr is the host:port at which the leaf listener really listens, "" if
// there is none. ClientAddr is the same for the client port.
func (b *Bus) LeafAddr() string   { return "" }
func (b *Bus) ClientAddr() string { return "" }
