package store

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"time"

	"github.com/entente-relay/entente/federation"
)

var (
	// ErrInUse says that another process, or another Store of this process,
	// has the file open.
	ErrInUse = errors.New("the store is in use")
	// ErrDamaged says that the file was found damaged while in use. Close the
	// store and open it again: it is then built anew from the log.
	ErrDamaged  = errors.New("the store is damaged")
	errNotBuilt = errors.New("store: not built")
)

// Stream identifies what the index was built from.
type Stream struct {
	// ID is the stream's incarnation; empty accepts whatever the file says.
	ID string
	// Last is the last sequence in the stream; only read when ID is set. A
	// file that is ahead of it is deleted: it indexes what was lost.
	Last uint64
}

// Options are the settings of a store. The zero value works.
type Options struct {
	// Log and Journal name the streams that are indexed.
	Log, Journal Stream
	// SeenLimit bounds the objects whose digests are kept in memory (about 40
	// bytes each); beyond it Seen asks the file for what it does not find.
	// Default 4,000,000.
	SeenLimit int
	// Logger takes what happened to the file. Default: slog.Default().
	Logger *slog.Logger
}

// Store is an open index. Apply and Record are each called by one goroutine at
// a time; all other methods may be called by any.
type Store struct{}

// Open opens the index at path, or makes a new one: also in place of one that
// has another schema version, is of another log, or is damaged. The folder must
// exist. It returns ErrInUse when the file is open elsewhere.
func Open(path string, o Options) (*Store, error) { return nil, errNotBuilt }

// Close closes the file. The store is not usable afterwards.
func (s *Store) Close() error { return errNotBuilt }

// Applied is the highest log sequence that was applied; 0 for none. After Open,
// apply everything after it before trusting Seen.
func (s *Store) Applied() uint64 { return 0 }

// Journaled is the highest journal sequence that was recorded; 0 for none.
func (s *Store) Journaled() uint64 { return 0 }

// Note tells the store in memory what was just committed to the log, so that
// Seen and Version know it before Apply comes. Call it in log order.
func (s *Store) Note(entries []Entry) {}

// Apply indexes entries in one transaction. They must be in log order; those
// at or below Applied are skipped. On error nothing was applied and the same
// call may be repeated.
func (s *Store) Apply(ctx context.Context, entries []Entry) error { return errNotBuilt }

// Record indexes journal events in one transaction, under the same rules as
// Apply.
func (s *Store) Record(ctx context.Context, events []Event) error { return errNotBuilt }

// Seen reports for each digest whether an object of issuer with it was taken.
// Held and refused objects are not seen: what an unverified message claims to
// hold must not keep the real object out.
func (s *Store) Seen(issuer string, digests [][32]byte) ([]bool, error) { return nil, errNotBuilt }

// Withdrawn reports for each digest whether issuer has withdrawn it.
func (s *Store) Withdrawn(issuer string, digests [][32]byte) ([]bool, error) {
	return nil, errNotBuilt
}

// Version returns the newest version taken of the object id of issuer, as
// written, and its digest.
func (s *Store) Version(issuer, id string) (version string, digest [32]byte, ok bool, err error) {
	return "", [32]byte{}, false, errNotBuilt
}

// Filter selects objects; zero fields select all.
type Filter struct {
	Issuer string
	ID     string
	Type   string
	Source string
	// After selects objects of log entries after this sequence.
	After uint64
	// ExpiresBy selects objects that expire at or before this time.
	ExpiresBy time.Time
	// Limit is the most objects returned; 0 for all.
	Limit int
}

// Stored is an object that was taken.
type Stored struct {
	Issuer  string
	Digest  [32]byte
	ID      string
	Version string
	Type    string
	LogSeq  uint64
	Source  string
	At      time.Time // first stored
	JTI     string
	Expires time.Time
	Revoked bool
	// Withdrawn is the issuer's reason, "" if it was not withdrawn.
	Withdrawn string
	Marking   string
	Verdict   federation.Verdict
}

// Objects yields the objects taken, in log order. It reads in pages: objects
// applied meanwhile may or may not be among them, none comes twice.
func (s *Store) Objects(ctx context.Context, f Filter) iter.Seq2[Stored, error] {
	return func(yield func(Stored, error) bool) { yield(Stored{}, errNotBuilt) }
}

// HeldFilter selects held objects; zero fields select all.
type HeldFilter struct {
	// Peer selects what waits before it may go to this peer, Intake what
	// waits at the way in. Set at most one.
	Peer   string
	Intake bool
	Source string
	Reason federation.Reason
	ID     string
	Limit  int
}

// HeldObject is an object that waits.
type HeldObject struct {
	// Peer is for whom it waits, "" for the way in.
	Peer   string
	Source string // where it came from; "" when Peer is set
	LogSeq uint64
	Issuer string
	Digest [32]byte
	ID     string
	Reason federation.Reason
	Rule   string
	Basis  string
	Since  time.Time
}

// Held returns what waits, the oldest first.
func (s *Store) Held(ctx context.Context, f HeldFilter) ([]HeldObject, error) {
	return nil, errNotBuilt
}

// Recipient is one recorded sending of an object to a peer.
type Recipient struct {
	Peer    string
	LogSeq  uint64
	LinkSeq uint64
	Root    string
	Verdict federation.Verdict // Share or Redact
	At      time.Time
	// Acknowledged is when the receipt was recorded, zero if none came. The
	// counts are of the whole message that the object was in.
	Acknowledged                     time.Time
	Stored, Duplicate, Held, Refused int
	Reason                           federation.Reason
	// Replaced: the peer asked for the frame again without acknowledging it.
	// It may still have read it.
	Replaced bool
}

// Recipients returns every recorded sending of an object, the oldest first.
func (s *Store) Recipients(ctx context.Context, issuer string, digest [32]byte) ([]Recipient, error) {
	return nil, errNotBuilt
}

// Pull is the last entry of the log from one source.
type Pull struct {
	Source  string
	LogSeq  uint64
	LinkSeq uint64
	Cursor  []byte
	At      time.Time
}

// Pulls returns the last entry from each source, ordered by source.
func (s *Store) Pulls(ctx context.Context) ([]Pull, error) { return nil, errNotBuilt }

// Counts returns all counts at this moment.
func (s *Store) Counts(ctx context.Context) (Counts, error) { return Counts{}, errNotBuilt }
