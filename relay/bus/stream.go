package bus

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Record is one entry to append.
type Record struct {
	// Subject is the name under which the record is found again with
	// [Stream.Last], for example the source it came from: one or more tokens
	// of [A-Za-z0-9_-] joined by dots. The same form as in [Stored].
	Subject string
	Data    []byte
	// ExpectLastSubject, if set, is the sequence that the last record of
	// Subject must have (0: there is none), or the whole batch is refused
	// with [ErrConflict]. It may stand only on the first record of a subject
	// in a batch.
	ExpectLastSubject *uint64
}

// Stored is one record as read back.
type Stored struct {
	Seq     uint64
	Subject string
	Time    time.Time // when the server stored it, UTC
	Data    []byte
}

// State is a stream's extent.
type State struct {
	First, Last     uint64 // sequences; First > Last when empty
	Messages, Bytes uint64
	MaxBytes        int64
}

// Stream is one append-only record on disk, see the package comment. Its
// methods may be used by many goroutines at once.
type Stream struct {
	nc          *nats.Conn
	js          jetstream.JetStream
	name        string // of the NATS stream
	prefix      string // of its subjects, with the dot
	api         string // JetStream API prefix
	incarnation string

	batchID string // a random id of this process, joined with batches
	batches atomic.Uint64

	reading chan struct{} // held by the one Read under way, so that what it asks for is all that waits
}

// subject is what a Record.Subject may look like: tokens that mean nothing
// special to NATS.
var subject = regexp.MustCompile(`^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+){0,7}$`)

// defaultAPIPrefix is where JetStream answers in its own account.
const defaultAPIPrefix = "$JS.API"

// apiLevel is the JetStream API level that a server must have: 5 came with
// nats-server 2.15, whose atomic batches are synced as one.
const apiLevel = 5

// Keys of the stream's metadata.
const (
	metaNode        = "entente-node"
	metaIncarnation = "entente-incarnation"
)

// checkLevel refuses servers that are too old.
func checkLevel(ctx context.Context, js jetstream.JetStream, prefix string) error {
	info, err := js.AccountInfo(ctx)
	if err != nil {
		return fmt.Errorf("bus: JetStream does not answer at %s: %w: enable it for the account of the logs, or correct the API prefix", prefix, err)
	}
	if info.API.Level < apiLevel {
		return fmt.Errorf("bus: the NATS server has JetStream API level %d, and %d is needed: update it to nats-server 2.15 or newer", info.API.Level, apiLevel)
	}
	return nil
}

// logSpec and journalSpec are the two streams as NATS is asked for them.
func (b *Bus) logSpec() jetstream.StreamConfig {
	s := b.spec("LOG", "log")
	s.MaxBytes, s.MaxAge = limit(b.conf.LogMaxBytes), b.conf.LogMaxAge
	s.Discard = jetstream.DiscardOld
	return s
}

func (b *Bus) journalSpec() jetstream.StreamConfig {
	s := b.spec("JOURNAL", "journal")
	s.MaxBytes = limit(b.conf.JournalMaxBytes)
	s.Discard = jetstream.DiscardNew
	return s
}

// limit is how JetStream writes a limit: -1 is none.
func limit(n int64) int64 {
	if n <= 0 {
		return -1
	}
	return n
}

// spec is what both streams have in common. On an external server, where an
// account may serve more than one node, names carry the node's id.
func (b *Bus) spec(name, prefix string) jetstream.StreamConfig {
	replicas := 1
	if b.conf.External != nil {
		name = name + "_" + b.conf.Name
		prefix = prefix + "." + b.conf.Name
		replicas = max(1, b.conf.External.Replicas)
	}
	return jetstream.StreamConfig{
		Name:               name,
		Subjects:           []string{prefix + ".>"},
		Storage:            jetstream.FileStorage,
		Retention:          jetstream.LimitsPolicy,
		Replicas:           replicas,
		AllowAtomicPublish: true,
		AllowDirect:        true,
		Metadata:           map[string]string{metaNode: b.conf.Name},
	}
}

// openStream opens the stream, or makes it with a new incarnation.
func openStream(ctx context.Context, nc *nats.Conn, js jetstream.JetStream, api string, spec jetstream.StreamConfig) (*Stream, error) {
	s := &Stream{
		nc: nc, js: js, name: spec.Name, api: api, batchID: randomID(),
		prefix: strings.TrimSuffix(spec.Subjects[0], ">"), reading: make(chan struct{}, 1),
	}
	have, err := js.Stream(ctx, spec.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		spec.Metadata[metaIncarnation] = randomID()
		have, err = js.CreateStream(ctx, spec)
	} else if err == nil {
		have, err = s.adopt(ctx, have.CachedInfo().Config, spec)
	}
	if err != nil {
		return nil, fmt.Errorf("bus: stream %s: %w", spec.Name, err)
	}
	if s.incarnation = have.CachedInfo().Config.Metadata[metaIncarnation]; s.incarnation == "" {
		return nil, fmt.Errorf("bus: stream %s has no incarnation in its metadata: it was not made by a node; move it away", spec.Name)
	}
	return s, nil
}

// adopt brings a stream that exists to the wanted limits, if it is this node's.
func (s *Stream) adopt(ctx context.Context, have, want jetstream.StreamConfig) (jetstream.Stream, error) {
	if owner := have.Metadata[metaNode]; owner != want.Metadata[metaNode] {
		return nil, fmt.Errorf("belongs to node %q, not to %q: give this node a store of its own", owner, want.Metadata[metaNode])
	}
	want.Metadata[metaIncarnation] = have.Metadata[metaIncarnation]
	return s.js.UpdateStream(ctx, want)
}

// randomID returns 128 random bits in hex.
func randomID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails (crypto/rand)
	return hex.EncodeToString(b[:])
}

// State returns the stream's extent.
func (s *Stream) State(ctx context.Context) (State, error) {
	stream, err := s.js.Stream(ctx, s.name)
	if err != nil {
		return State{}, fmt.Errorf("bus: state of %s: %w", s.name, err)
	}
	i := stream.CachedInfo()
	return State{First: i.State.FirstSeq, Last: i.State.LastSeq, Messages: i.State.Msgs, Bytes: i.State.Bytes, MaxBytes: i.Config.MaxBytes}, nil
}

// Incarnation is a random id made when the stream was created. A stream that
// was lost and made again has another one, and starts its sequences anew.
func (s *Stream) Incarnation() string { return s.incarnation }
