package bus

import (
	"context"
	"errors"
	"time"
)

// MaxBatch is the most records one Append takes (nats-server's default limit
// for an atomic batch, ADR-50).
const MaxBatch = 1000

// MaxRecord is the most bytes of Data in one record; it leaves room for the
// headers within NATS's max_payload of 1 MiB.
const MaxRecord = 1<<20 - 16<<10

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
type Stream struct{}

var errNotBuilt = errors.New("bus: not built into this program")

// Append stores the records as one atomic batch, in order and synced to disk
// before it returns, and returns the sequence of the last. Sequences of a
// batch are consecutive.
func (s *Stream) Append(ctx context.Context, records []Record) (last uint64, err error) {
	return 0, errNotBuilt
}

// Read returns records from sequence from on, in order: at most max of them,
// and no more than about maxBytes of data but at least one record. It does not
// wait: an empty answer means that nothing is stored at or after from.
func (s *Stream) Read(ctx context.Context, from uint64, max, maxBytes int) ([]Stored, error) {
	return nil, errNotBuilt
}

// Last returns the last record of subject, and whether there is one.
func (s *Stream) Last(ctx context.Context, subject string) (Stored, bool, error) {
	return Stored{}, false, errNotBuilt
}

// Delete overwrites and removes one record; it is no error when it is gone.
func (s *Stream) Delete(ctx context.Context, seq uint64) error { return errNotBuilt }

// State returns the stream's extent.
func (s *Stream) State(ctx context.Context) (State, error) { return State{}, errNotBuilt }

// Incarnation is a random id made when the stream was created. A stream that
// was lost and made again has another one, and starts its sequences anew.
func (s *Stream) Incarnation() string { return "" }

// Notify returns a channel that is closed when a record is stored after this
// call. Take the channel first, then Read, then wait.
func (s *Stream) Notify() <-chan struct{} { return nil }
