package vfs

import (
	"context"
	"database/sql"
	"errors"
	iofs "io/fs"
)

// ErrCommit wraps the error of a COMMIT: whether the writes survive is not known
// until the database is read again.
var ErrCommit = errors.New("the database could not make the change durable")

// Tx runs statements inside a transaction. Placeholders are $1, $2, …; the same
// text runs on SQLite and PostgreSQL. Times are stored as int64 nanoseconds since
// the Unix epoch (0: none), booleans as 0 and 1, sums as 32 bytes.
type Tx interface {
	Exec(ctx context.Context, query string, args ...any) (sql.Result, error)
	Query(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRow(ctx context.Context, query string, args ...any) *sql.Row
}

// Database runs transactions on the one database that index and ledger share.
type Database interface {
	// Write runs f in a writing transaction and returns when it is durable.
	// Writers are serial. Concurrent calls may share one transaction and one
	// fsync: f then runs in a savepoint that its own error alone rolls back. f
	// must not keep tx, must close its rows, and may run on another goroutine.
	// An error of the COMMIT itself is ErrCommit: whether f's writes survive is
	// not known until the database is read again.
	Write(ctx context.Context, f func(ctx context.Context, tx Tx) error) error
	// Read runs f on a consistent snapshot, beside writers.
	Read(ctx context.Context, f func(ctx context.Context, tx Tx) error) error
	// Migrate brings the tables of one package, called name, up to date. The
	// folders "sqlite" and "postgres" of migrations hold goose SQL files.
	Migrate(ctx context.Context, name string, migrations iofs.FS) error
	// Postgres reports whether this is PostgreSQL, for the few statements that
	// differ.
	Postgres() bool
}
