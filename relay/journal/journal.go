package journal

import (
	"context"
	"errors"
	"iter"
	"time"
)

var (
	// ErrUnknown says that it is not known whether a record was stored. The
	// same record appended again is not stored twice.
	ErrUnknown = errors.New("journal: not known whether the record was stored")
	// ErrForeign says that someone else writes to the stream.
	ErrForeign = errors.New("journal: another writer appends to this journal")
	// ErrClosed says that the writer was closed.
	ErrClosed = errors.New("journal: the writer is closed")

	errNotBuilt = errors.New("journal: not built")
)

// Stored is one record as it lies in the stream.
type Stored struct {
	Seq  uint64
	Data []byte
}

// Appender stores records in one atomic, synced batch, if and only if the last
// record of the journal has the sequence after (0: there is none), and returns
// the sequence of the last. Sequences of a batch are consecutive. After an
// error the batch may or may not be stored, but never a part of it.
type Appender interface {
	Append(ctx context.Context, after uint64, records [][]byte) (last uint64, err error)
}

// Reader reads the stream: Read returns at most max records from sequence from
// on, in order, none at the end; Last returns the last record, if any.
type Reader interface {
	Read(ctx context.Context, from uint64, max int) ([]Stored, error)
	Last(ctx context.Context) (Stored, bool, error)
}

// Log is both.
type Log interface {
	Appender
	Reader
}

// Head is a position in the chain: a sequence and the SHA-256 of the record
// there. The zero Head is the beginning.
type Head struct {
	Seq  uint64
	Hash Digest
}

// Options are the settings of a writer. The zero value works.
type Options struct {
	// MaxBatch is the most records of a batch (default 500).
	MaxBatch int
	// OnStored is called with each batch once it is stored, in order, before
	// the callers hear of it. It must not block and not append.
	OnStored func([]*Record)
}

// Writer appends records to a journal. Many goroutines may use it at once.
type Writer struct{}

// NewWriter reads the end of the journal and returns a writer that continues it.
func NewWriter(ctx context.Context, log Log, o Options) (*Writer, error) { return nil, errNotBuilt }

// Append writes r and returns its sequence when it is stored for good. At must
// be set; Seq, Ver and Prev are not looked at. r must not be changed until
// Append returns.
func (w *Writer) Append(ctx context.Context, r *Record) (seq uint64, err error) {
	return 0, errNotBuilt
}

// Head returns the end of the chain as far as it is known to be stored.
func (w *Writer) Head() Head { return Head{} }

// Close waits for what is being written and stops the writer.
func (w *Writer) Close() error { return errNotBuilt }

// Decode reads one stored record strictly.
func Decode(data []byte) (*Record, error) { return nil, errNotBuilt }

// Records yields the records from sequence from on to the end.
func Records(ctx context.Context, r Reader, from uint64) iter.Seq2[*Record, error] {
	return func(yield func(*Record, error) bool) { yield(nil, errNotBuilt) }
}

// Entries yields the stored records from sequence from on to the end, as
// [Verify] takes them.
func Entries(ctx context.Context, r Reader, from uint64) iter.Seq2[Stored, error] {
	return func(yield func(Stored, error) bool) { yield(Stored{}, errNotBuilt) }
}

// Verify checks that records continue the chain after head, and returns its end.
func Verify(after Head, records iter.Seq2[Stored, error]) (Head, error) {
	return Head{}, errNotBuilt
}

// Query selects records; zero fields select all.
type Query struct {
	ObjectID string
	Digest   Digest
	Peer     string
	Kinds    []Kind
	From, To time.Time // From <= At < To
	// Before, if set, begins the search below this sequence.
	Before uint64
	// Limit is the most records found (default 100), Scan the most looked at
	// (default 50,000).
	Limit, Scan int
}

// Kind names a kind of record: the name of its field in JSON.
type Kind string

// Found is the result of a search, the newest record first. Next, if not 0, is
// the Before with which the search goes on: it ended at a bound, not at the
// beginning of the journal.
type Found struct {
	Records []*Record
	Scanned int
	Next    uint64
}

// Find searches backwards from the end. It reads records; an index over them
// may answer the same query later.
func Find(ctx context.Context, r Reader, q Query) (Found, error) { return Found{}, errNotBuilt }
