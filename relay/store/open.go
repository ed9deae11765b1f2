package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"

	sqlite3 "modernc.org/sqlite/lib"
)

// Stream identifies what the index was built from.
type Stream struct {
	// ID is the stream's incarnation; empty accepts whatever the file says.
	ID string
	// Last is the last sequence in the stream; only read when ID is set. A
	// file that is ahead of it is deleted: it indexes what was lost.
	Last uint64
}

// Names of what the store writes.
const (
	WriteCommit = "index/commit"
	WriteMark   = "index/damage-mark" // says that the file is to be built anew
)

// Options are the settings of a store. The zero value works.
type Options struct {
	// Log and Journal name the streams that are indexed.
	Log, Journal Stream
	// Write is called around each write, with its name ([WriteCommit],
	// [WriteMark]); tests put a failing disk in its place. Nil writes.
	Write func(name string, do func() error) error
	// Logger takes what happened to the file. Default: slog.Default().
	Logger *slog.Logger
}

// Open opens the index at path, or makes a new one: also in place of one that
// has another schema version, is of another log, or is damaged. The folder must
// exist. It returns ErrInUse when the file is open elsewhere.
func Open(path string, o Options) (*Store, error) {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Write == nil {
		o.Write = func(_ string, do func() error) error { return do() }
	}
	held, err := takeLock(path)
	if err != nil {
		return nil, err
	}
	s, err := openOrRebuild(path, o)
	if err != nil {
		return nil, errors.Join(err, held.release())
	}
	s.lock = held
	return s, nil
}

// openOrRebuild opens the file, and where it is of no use, deletes it and
// makes a new one, once.
func openOrRebuild(path string, o Options) (*Store, error) {
	s, why, err := openUseful(path, o)
	if err != nil {
		return nil, fmt.Errorf("store %s: %w", path, err)
	}
	if s != nil {
		return s, nil
	}
	o.Logger.Warn("index deleted; it is built anew from the log and the journal", "path", path, "because", why)
	if err := removeFile(path); err != nil {
		return nil, fmt.Errorf("store %s: cannot delete it to build it anew: %w", path, err)
	}
	if s, err = openFile(path, o); err != nil {
		return nil, fmt.Errorf("store %s: %w", path, err)
	}
	return s, nil
}

// openUseful opens the file, or says why it is of no use.
func openUseful(path string, o Options) (s *Store, why string, err error) {
	if _, err := os.Stat(damageMark(path)); err == nil {
		return nil, "it was found damaged while in use", nil
	}
	if s, err = openFile(path, o); err == nil {
		return s, "", nil
	}
	if why = uselessBecause(err); why != "" {
		return nil, why, nil
	}
	return nil, "", err
}

// useless is an error that says why a file is to be deleted and built anew.
type useless string

func (u useless) Error() string { return string(u) }

func uselessBecause(err error) string {
	if u, ok := errors.AsType[useless](err); ok {
		return string(u)
	}
	if isDamage(err) {
		return "it is damaged: " + err.Error()
	}
	if primaryCode(err) == sqlite3.SQLITE_ERROR { // a table or a column is missing
		return "it is not whole: " + err.Error()
	}
	return ""
}

func damageMark(path string) string { return path + ".damaged" }

// removeFile removes the database; the mark of damage goes last, so that a
// removal cut short is taken up again.
func removeFile(path string) error {
	for _, suffix := range []string{"-wal", "-shm", "", ".damaged"} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// dsn is the data source name of a file with pragmas.
func dsn(path string, pragmas ...string) string {
	u := url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: url.Values{"_pragma": pragmas}.Encode()}
	return u.String()
}

// openFile opens the file at path, creating it when there is none.
func openFile(path string, o Options) (_ *Store, err error) {
	// SQLite gives the files beside it the mode of this one.
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	s := &Store{
		path:     path,
		slog:     o.Logger,
		memory:   newMemory(),
		changes:  newChanges(),
		names:    newNames(),
		stmts:    make(map[string]*sql.Stmt),
		variants: make(map[variantKey]int64),
		write:    o.Write,
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.closeFile())
		}
	}()
	// NORMAL in WAL mode: a power cut may lose the last commits, which the
	// node reads again, but leaves the file whole.
	if s.writeDB, err = sql.Open("sqlite", dsn(path, "busy_timeout(5000)", "journal_mode(WAL)", "synchronous(NORMAL)",
		"wal_autocheckpoint(4000)", "cache_size(-16000)", "secure_delete(1)")); err != nil {
		return nil, err
	}
	if s.readDB, err = sql.Open("sqlite", dsn(path, "busy_timeout(5000)", "query_only(1)", "cache_size(-4000)")); err != nil {
		return nil, err
	}
	s.readDB.SetMaxOpenConns(2)
	s.readDB.SetMaxIdleConns(2)
	if s.conn, err = s.writeDB.Conn(context.Background()); err != nil {
		return nil, err
	}
	if err := s.prepareSchema(o); err != nil {
		return nil, err
	}
	for query, into := range map[string]**sql.Stmt{selectVersion: &s.readVersion, selectPlace: &s.readPlace, selectWaits: &s.readWaits, selectRefused: &s.readRefused, selectChunk: &s.readChunk} {
		if *into, err = s.readDB.Prepare(query); err != nil {
			return nil, err
		}
	}
	if s.readRoutes, err = s.readDB.Prepare(selectRoutes); err != nil {
		return nil, err
	}
	return s, s.load()
}

// prepareSchema makes the tables of an empty file and checks that any other
// is ours, of this version and of these streams.
func (s *Store) prepareSchema(o Options) error {
	var app, version, tables int
	for pragma, into := range map[string]*int{"PRAGMA application_id": &app, "PRAGMA user_version": &version, "SELECT count(*) FROM sqlite_schema": &tables} {
		if err := s.conn.QueryRowContext(context.Background(), pragma).Scan(into); err != nil {
			return err
		}
	}
	if tables == 0 && app == 0 {
		return s.createSchema(o)
	}
	if app != applicationID {
		return useless("it is not an index of this program")
	}
	if version != schemaVersion {
		return useless(fmt.Sprintf("it has schema version %d, this build has %d", version, schemaVersion))
	}
	// A third of a second for a million objects: worth it each time.
	verdict := ""
	if err := s.conn.QueryRowContext(context.Background(), "PRAGMA quick_check(1)").Scan(&verdict); err != nil {
		return err
	}
	if verdict != "ok" {
		return useless("it is damaged: " + verdict)
	}
	return s.checkStreams(o)
}

// checkStreams checks that the file indexes a beginning of the streams that
// the node has.
func (s *Store) checkStreams(o Options) error {
	var log, journal string
	var applied, journaled uint64
	if err := s.conn.QueryRowContext(context.Background(), "SELECT log, journal, applied, journaled FROM meta").
		Scan(&log, &journal, &applied, &journaled); err != nil {
		if errors.Is(err, sql.ErrNoRows) {
			return useless("it is not whole")
		}
		return err
	}
	for _, x := range []struct {
		what  string
		want  Stream
		found string
		at    uint64
	}{{"log", o.Log, log, applied}, {"journal", o.Journal, journal, journaled}} {
		switch {
		case x.want.ID == "":
		case x.want.ID != x.found:
			return useless("it indexes another " + x.what)
		case x.at > x.want.Last:
			return useless(fmt.Sprintf("it is ahead of the %s, which ends at %d: the index has %d", x.what, x.want.Last, x.at))
		}
	}
	s.applied.Store(applied)
	s.journaled.Store(journaled)
	return nil
}

func (s *Store) createSchema(o Options) error {
	return s.transact(func() error {
		ctx := context.Background()
		if _, err := s.conn.ExecContext(ctx, schema); err != nil {
			return err
		}
		if _, err := s.conn.ExecContext(ctx, "INSERT INTO meta VALUES (1, ?, ?, 0, 0, '', 0, 0)", o.Log.ID, o.Journal.ID); err != nil {
			return err
		}
		_, err := s.conn.ExecContext(ctx, fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d", applicationID, schemaVersion))
		return err
	})
}
