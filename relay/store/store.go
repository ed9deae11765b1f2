package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
)

var (
	// ErrInUse says that another process, or another Store of this process,
	// has the file open.
	ErrInUse = errors.New("the store is in use")
	// ErrDamaged says that the file was found damaged while in use. Close the
	// store and open it again: it is then built anew from the log.
	ErrDamaged = errors.New("the store is damaged")
	// ErrClosed says that the store was closed.
	ErrClosed = errors.New("the store is closed")
)

// Store is an open index. All methods may be called by any goroutine, but
// Note and Apply each need one caller that keeps the order of the log, and
// Record one that keeps the order of the journal.
type Store struct {
	path string
	lock *lock
	slog *slog.Logger

	writeDB, readDB *sql.DB
	readVersion     *sql.Stmt // of readDB
	readRoutes      *sql.Stmt
	readPlace       *sql.Stmt // the same
	readWaits       *sql.Stmt // the same
	readRefused     *sql.Stmt // the same
	readChunk       *sql.Stmt // the same

	// writing guards everything down to broken: there is one transaction at
	// a time.
	writing  sync.Mutex
	conn     *sql.Conn // of writeDB
	stmts    map[string]*sql.Stmt
	variants map[variantKey]int64 // the newest in the file
	broken   error                // why nothing can be written any more

	write func(name string, do func() error) error // see Options.Write

	unmarked           atomic.Bool // found damaged, and the mark could not be written
	applied, journaled atomic.Uint64
	names              *names
	memory             *memory
	changes            *changes
	counts             counts
	mentions           mentions
}

// Close closes the file. The store is not usable afterwards.
func (s *Store) Close() error {
	s.writing.Lock()
	defer s.writing.Unlock()
	if errors.Is(s.broken, ErrClosed) {
		return nil
	}
	s.broken = ErrClosed
	var err error
	if s.unmarked.Load() {
		err = s.mark()
	}
	return errors.Join(err, s.closeFile(), s.lock.release())
}

// closeFile closes what is open of the file.
func (s *Store) closeFile() error {
	var errs []error
	for _, st := range s.stmts {
		errs = append(errs, st.Close())
	}
	for _, st := range []*sql.Stmt{s.readVersion, s.readPlace, s.readWaits, s.readRefused, s.readChunk} {
		if st != nil {
			errs = append(errs, st.Close())
		}
	}
	if s.readRoutes != nil {
		errs = append(errs, s.readRoutes.Close())
	}
	if s.readDB != nil {
		errs = append(errs, s.readDB.Close())
	}
	if s.conn != nil {
		errs = append(errs, s.conn.Close())
	}
	if s.writeDB != nil {
		errs = append(errs, s.writeDB.Close())
	}
	return errors.Join(errs...)
}

// Applied is the highest log sequence that was applied; 0 for none. After Open,
// apply everything after it before trusting Seen.
func (s *Store) Applied() uint64 { return s.applied.Load() }

// Journaled is the highest journal sequence that was recorded; 0 for none.
func (s *Store) Journaled() uint64 { return s.journaled.Load() }

// Note tells the store in memory what was just committed to the log, so that
// Seen, Withdrawn and Version know it before Apply comes. Call it in log order.
func (s *Store) Note(entries []Entry) {
	s.memory.note(entries)
	s.changes.tell(entries)
}

// Behind counts the objects and withdrawals that were noted and not applied. Each
// takes some hundred bytes of memory until it is.
func (s *Store) Behind() int { return s.memory.behind() }

// Seen reports for each digest whether an object of issuer with it was taken.
// Held and refused objects are not seen: what an unverified message claims to
// hold must not keep the real object out.
func (s *Store) Seen(issuer string, digests [][32]byte) []bool {
	return s.memory.lookup(issuer, digests, false)
}

// Withdrawn reports for each digest whether issuer has withdrawn it.
func (s *Store) Withdrawn(issuer string, digests [][32]byte) []bool {
	return s.memory.lookup(issuer, digests, true)
}

// transact runs f in a transaction of the writing connection. The statements
// inside cannot be cancelled half way: a transaction is short, and after a
// cancelled commit nobody would know whether it happened.
func (s *Store) transact(f func() error) error {
	ctx := context.Background()
	if _, err := s.conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	err := f()
	if err == nil {
		err = s.write(WriteCommit, func() error {
			_, err := s.conn.ExecContext(ctx, "COMMIT")
			return err
		})
	}
	if err != nil {
		// After some errors SQLite has rolled back itself; then this fails,
		// and the connection is as it should be.
		_, _ = s.conn.ExecContext(ctx, "ROLLBACK")
	}
	return err
}

// commit runs f over a new batch in one transaction and, when it is stored,
// puts what it changed in memory.
func (s *Store) commit(ctx context.Context, f func(*batch) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	if s.broken != nil {
		return fmt.Errorf("store %s: %w", s.path, s.broken)
	}
	b := s.newBatch()
	err := s.transact(func() error {
		if err := f(b); err != nil {
			return err
		}
		return b.finish()
	})
	if err != nil && !s.committedAnyway(b) {
		return s.fault(err)
	}
	if err != nil {
		s.slog.Warn("a commit to the index was answered with an error but is stored", "error", err)
	}
	b.publish()
	s.changes.tell(b.entries)
	return nil
}

// committedAnyway reports whether the positions of a batch are in the file
// after its commit failed. If that cannot be read, the store is broken: it
// would apply the same entries twice.
func (s *Store) committedAnyway(b *batch) bool {
	var applied, journaled uint64
	err := s.conn.QueryRowContext(context.Background(), "SELECT applied, journaled FROM meta").Scan(&applied, &journaled)
	switch {
	case err != nil:
		s.broken = fmt.Errorf("it does not say what it holds, open it again: %w", err)
		return false
	case applied == s.applied.Load() && journaled == s.journaled.Load():
		return false
	}
	return applied == b.applied && journaled == b.journaled
}

// mark leaves word for the next Open that the file is to be built anew.
func (s *Store) mark() error {
	err := s.write(WriteMark, func() error { return os.WriteFile(damageMark(s.path), nil, 0o600) })
	s.unmarked.Store(err != nil)
	return err
}

// fault names the file in an error and, when the error says that the file is
// damaged, leaves a mark so that the next Open builds it anew.
func (s *Store) fault(err error) error {
	if !isDamage(err) {
		return fmt.Errorf("store %s: %w", s.path, err)
	}
	if werr := s.mark(); werr != nil {
		err = errors.Join(err, werr)
	}
	s.slog.Error("the index is damaged: start the node again, and it is built anew from the log and the journal", "path", s.path, "error", err)
	return fmt.Errorf("store %s: %w: close it and open it again: %w", s.path, ErrDamaged, err)
}
