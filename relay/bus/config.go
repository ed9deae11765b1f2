package bus

import (
	"log/slog"
	"time"
)

// Config says how a node's bus is set up. Name and Dir are required; with
// External set, Dir, ListenLeaf, Client, CertPEM, KeyPEM, Seed and MaxStore are
// not used.
type Config struct {
	// Name is the node's id, for example "de-cert": lower-case letters,
	// digits, '-' and '_', at most 63. It becomes the server's name, its
	// JetStream domain and a token of its request subject.
	Name string
	// Dir holds everything the embedded server stores. It is created with
	// mode 0700 and must belong to this node alone.
	Dir string

	// ListenLeaf is the host:port at which peers may open leaf connections;
	// port 0 takes a free one (see [Bus.LeafAddr]). Empty: none may, and the
	// node can only dial.
	ListenLeaf string
	// ListenWebsocket is where peers may open leaf connections over WebSocket,
	// ListenClients where they may come as plain NATS clients: each a host:port
	// under the rules of ListenLeaf, with the same TLS, keys and rights.
	ListenWebsocket, ListenClients string
	// Client is a loopback host:port for NATS clients of the operator, such
	// as the nats command; empty (the usual) opens none. Users then sign in
	// with one of ClientKeys. The server has one port for clients, so it is
	// this or ListenClients.
	Client string
	// ClientKeys maps the public nkey of a user that may sign in at Client to
	// the account it enters, "RELAY" or "SYS".
	ClientKeys map[string]string

	// CertPEM and KeyPEM are the node's own TLS identity, see [NewTLSIdentity].
	CertPEM, KeyPEM []byte
	// Seed is the nkey seed by which peers know this node, see [NewNKey].
	Seed []byte

	// MaxStore bounds the bytes of all streams on disk together (default
	// 64 GiB); MaxMemory those in memory (default 64 MiB).
	MaxStore, MaxMemory int64
	// LogMaxBytes and LogMaxAge say how much of the log is kept: the promise
	// of how long a peer may be cut off. Zero: LogMaxBytes is half of
	// MaxStore (on an external server: what its account allows), LogMaxAge is
	// without limit. The oldest goes first.
	LogMaxBytes int64
	LogMaxAge   time.Duration
	// JournalMaxBytes bounds the journal (zero: a quarter of MaxStore, or what
	// the external account allows). A full journal refuses new records:
	// nothing is decided unrecorded.
	JournalMaxBytes int64

	// ServeLimit is how many requests of one peer are worked on at once
	// (default 8); more wait, and those that find no place are dropped.
	ServeLimit int

	// External replaces the embedded server.
	External *External

	// Write is called around each file that the bus writes itself, with a name
	// ([WriteFolder] and those after it); tests put a failing disk in its
	// place. Nil writes.
	Write func(name string, do func() error) error

	// Logger takes what the server has to say (never payloads). Default:
	// nothing is logged.
	Logger *slog.Logger
}

// Peer is one other node as the bus sees it.
type Peer struct {
	// ID is the peer's node id; same form as [Config.Name].
	ID string
	// NKeyPublic is the public nkey ("U...") from the peer's statement.
	NKeyPublic string
	// CertPEM is the peer's own certificate from its statement. Exactly this
	// certificate is accepted, no other that it may have signed.
	CertPEM []byte
	// DialURL is how the peer is reached, or empty when it dials us: a scheme
	// of [Schemes] and host:port. One side is enough; if both dial, each
	// request travels twice and is worked on once.
	DialURL string
	// Proxy is "http://host:port" of an HTTP proxy through which it is dialled
	// (RFC 9110 §9.3.6, CONNECT), with user:password@ if it wants them; or empty.
	Proxy string
	// Paused keeps the peer known but lets no leaf connection stand.
	Paused bool
}

// External names a NATS server or cluster that is used in place of the
// embedded one.
type External struct {
	// Relay is where the logs are.
	Relay Endpoint
	// Links holds, by peer id, the account that is shared with that peer's
	// leaf connection. A peer without one cannot be reached.
	Links map[string]Endpoint
	// APIPrefix is the JetStream API prefix in the Relay account, for example
	// "$JS.hub.API"; empty means "$JS.API".
	APIPrefix string
	// Replicas of each stream (default 1).
	Replicas int
}

// Endpoint is one way into a NATS account. Either Context or URL is set.
type Endpoint struct {
	// Context is the name of a context of the nats command, read from
	// $XDG_CONFIG_HOME/nats/context/<name>.json (ADR-21).
	Context string
	// URL is one or more "nats://" or "tls://" URLs, separated by commas.
	URL string
	// CredsFile is a .creds file; SeedFile one with an nkey seed.
	CredsFile, SeedFile string
	// CAFile, CertFile and KeyFile are for TLS.
	CAFile, CertFile, KeyFile string
}

// LinkState is what is known about the link to one peer now.
type LinkState struct {
	Peer string
	// Up says that a connection stands.
	Up bool
	// RTT is the last measured round trip to the peer's server, 0 if unknown.
	RTT time.Duration
	// Since is when Up last changed, as far as this process has seen.
	Since time.Time
	// Dialled says that this node opened the connection.
	Dialled bool
	// Remote is the peer's address, "" when down.
	Remote string
	// Paused repeats [Peer.Paused].
	Paused bool
}
