package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// lock keeps a second Store away from a file. It is an empty SQLite database
// beside it on which we hold an exclusive transaction: the operating system
// lets go of it when the process ends, in whatever way, and it works the same
// on every system that SQLite knows. Nothing else may open the file: closing
// it once lets go of a POSIX lock.
type lock struct {
	db   *sql.DB
	conn *sql.Conn
}

func takeLock(path string) (*lock, error) {
	db, err := sql.Open("sqlite", dsn(path+".lock", "busy_timeout(0)", "journal_mode(OFF)"))
	if err != nil {
		return nil, err
	}
	conn, err := db.Conn(context.Background())
	if err == nil {
		_, err = conn.ExecContext(context.Background(), "BEGIN EXCLUSIVE")
	}
	if err == nil {
		return &lock{db, conn}, nil
	}
	err = errors.Join(err, db.Close())
	switch primaryCode(err) {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return nil, fmt.Errorf("store %s: %w: another node has it open; stop it, or give this node a data folder of its own", path, ErrInUse)
	case sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT:
		return nil, fmt.Errorf("store %s: %s.lock was written by something else; remove it: %w", path, path, err)
	}
	return nil, fmt.Errorf("store %s: cannot lock it: %w", path, err)
}

func (l *lock) release() error {
	return errors.Join(l.conn.Close(), l.db.Close())
}

// primaryCode is the SQLite result code inside err without its extension, 0
// if there is none (https://www.sqlite.org/rescode.html).
func primaryCode(err error) int {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code() & 0xff
	}
	return 0
}

// isDamage reports whether err says that the file itself is broken, in form or
// in what its rows say of each other.
func isDamage(err error) bool {
	c := primaryCode(err)
	return c == sqlite3.SQLITE_CORRUPT || c == sqlite3.SQLITE_NOTADB || errors.Is(err, ErrDamaged)
}
