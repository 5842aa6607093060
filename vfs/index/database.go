// Package index keeps the tree of entries in SQL: SQLite, embedded, or
// PostgreSQL, with the same statements.
package index

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"slipway/vfs"
)

// ErrClosed is returned by a Database after Close.
var ErrClosed = errors.New("the database is closed")

// Options of Open. The zero value is right for a server.
type Options struct {
	// Unsafe switches fsync off, for benchmarks that measure what it costs.
	Unsafe bool
	// Log hears of connections lost and found; nil: nobody does.
	Log *slog.Logger
}

// Database is a vfs.Database on SQLite or PostgreSQL. Its writers are serial:
// one goroutine runs them in groups that share a transaction, and on PostgreSQL
// an advisory lock excludes the writers of other processes.
type Database struct {
	write, read *sql.DB
	postgres    bool
	log         *slog.Logger
	readers     chan *session // idle ones; nil: one that is yet to be opened
	requests    chan *request
	stop        chan struct{} // closed by Close
	finished    chan struct{} // closed when the writer has answered everybody
	once        sync.Once
	// commit is a field so that tests can fail it.
	commit func(ctx context.Context, tx vfs.Tx) error
}

var _ vfs.Database = (*Database)(nil)

// readersMax is how many snapshots may be read at a time.
const readersMax = 4

// Open opens the database at source, a file's path (made if missing) or a
// "postgres://" URL, and brings the tables of this package up to date.
func Open(ctx context.Context, source string, o Options) (*Database, error) {
	db := &Database{
		log:      o.Log,
		requests: make(chan *request, groupMax),
		stop:     make(chan struct{}),
		finished: make(chan struct{}),
		commit:   commit,
	}
	if db.log == nil {
		db.log = slog.New(slog.DiscardHandler)
	}
	var err error
	if strings.HasPrefix(source, "postgres://") || strings.HasPrefix(source, "postgresql://") {
		err = db.openPostgres(source)
	} else {
		err = db.openSQLite(source, o.Unsafe)
	}
	if err != nil {
		return nil, err
	}
	db.readers = make(chan *session, readersMax)
	for range readersMax {
		db.readers <- nil
	}
	go db.writer()
	migrations, err := fs.Sub(migrationFiles, "migrations")
	if err == nil {
		err = db.Migrate(ctx, "index", migrations)
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// openSQLite opens one writing connection and a pool of reading ones. FULL makes
// every COMMIT durable with one fsync of the write-ahead log.
func (db *Database) openSQLite(path string, unsafe bool) error {
	abs, err := filepath.Abs(path)
	if err != nil {
		return fmt.Errorf("index: %w", err)
	}
	if err := private(abs); err != nil {
		return fmt.Errorf("index: %w", err)
	}
	synchronous := "FULL"
	if unsafe {
		synchronous = "OFF"
	}
	common := []string{"busy_timeout(10000)", "foreign_keys(1)", "temp_store(MEMORY)"}
	writing := append([]string{"journal_mode(WAL)", "synchronous(" + synchronous + ")", "cache_size(-8000)", "wal_autocheckpoint(4000)"}, common...)
	reading := append([]string{"query_only(1)", "cache_size(-2000)"}, common...)
	open := func(pragmas []string, lock string) (*sql.DB, error) {
		q := url.Values{"_pragma": pragmas, "_txlock": {lock}}
		u := url.URL{Scheme: "file", Path: filepath.ToSlash(abs), RawQuery: q.Encode()}
		return sql.Open("sqlite", u.String())
	}
	if db.write, err = open(writing, "immediate"); err != nil {
		return fmt.Errorf("index: %s: %w", path, err)
	}
	db.write.SetMaxOpenConns(2) // the writer's, and one for migrations
	if db.read, err = open(reading, "deferred"); err != nil {
		return fmt.Errorf("index: %s: %w", path, err)
	}
	db.read.SetMaxOpenConns(readersMax)
	return nil
}

// private makes the database's file where it is missing, and keeps it from other
// users: it holds addresses that delete pictures. SQLite makes the files beside it
// with the same rights.
func private(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Chmod(path, 0o600))
}

// ErrOtherStore is returned by Bind.
var ErrOtherStore = errors.New("index: this database belongs to another data directory, which has the bytes of its files")

// Bind ties the database to the directory of bytes with an id: the first to come.
// Another one gets ErrOtherStore, because it has not the bytes that the names
// stand for.
func (db *Database) Bind(ctx context.Context, id string) error {
	return db.Write(ctx, func(ctx context.Context, tx vfs.Tx) error {
		if _, err := tx.Exec(ctx, "INSERT INTO store (one, id) VALUES (1, $1) ON CONFLICT DO NOTHING", id); err != nil {
			return fmt.Errorf("index: %w", err)
		}
		var bound string
		if err := tx.QueryRow(ctx, "SELECT id FROM store WHERE one = 1").Scan(&bound); err != nil {
			return fmt.Errorf("index: %w", err)
		}
		if bound != id {
			return ErrOtherStore
		}
		return nil
	})
}

func (db *Database) openPostgres(dsn string) error {
	c, err := postgresConfig(dsn)
	if err != nil {
		return err
	}
	db.postgres = true
	db.write = stdlib.OpenDB(*c)
	db.read = db.write
	db.write.SetMaxOpenConns(readersMax + 2)
	return nil
}

// postgresConfig reads dsn, and sees to it that nothing waits for a server for
// ever. Its error does not hold the password.
func postgresConfig(dsn string) (*pgx.ConnConfig, error) {
	c, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, errors.New(`index: the address of the database is malformed; write "postgres://user:password@host/database"`)
	}
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = 10 * time.Second
	}
	for name, value := range map[string]string{"statement_timeout": "60s", "idle_in_transaction_session_timeout": "60s"} {
		if c.RuntimeParams[name] == "" {
			c.RuntimeParams[name] = value
		}
	}
	return c, nil
}

// Postgres reports whether this is PostgreSQL.
func (db *Database) Postgres() bool { return db.postgres }

// Close waits for the writers under way and closes the connections. Writers that
// come later get ErrClosed.
func (db *Database) Close() error {
	db.once.Do(func() { close(db.stop) })
	<-db.finished
	for range readersMax {
		if s := <-db.readers; s != nil {
			s.drop()
		}
	}
	err := db.read.Close()
	if db.write != db.read {
		err = errors.Join(err, db.write.Close())
	}
	return err
}

// Migrate brings the tables of the package called name up to date.
func (db *Database) Migrate(ctx context.Context, name string, migrations fs.FS) error {
	dialect, folder := goose.DialectSQLite3, "sqlite"
	if db.postgres {
		dialect, folder = goose.DialectPostgres, "postgres"
	}
	sub, err := fs.Sub(migrations, folder)
	if err != nil {
		return fmt.Errorf("index: migrations of %s: %w", name, err)
	}
	p, err := goose.NewProvider(dialect, db.write, sub,
		goose.WithTableName("migrations_"+name), goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
	if err != nil {
		return fmt.Errorf("index: migrations of %s: %w", name, err)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("index: bringing the tables of %s up to date: %w", name, err)
	}
	return nil
}

// reader takes one of the reading connections, nil where it is yet to be opened;
// it is to be given back to db.readers.
func (db *Database) reader(ctx context.Context) (*session, error) {
	select {
	case s := <-db.readers:
		return s, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-db.stop:
		return nil, ErrClosed
	}
}

// Read runs f on a consistent snapshot.
func (db *Database) Read(ctx context.Context, f func(ctx context.Context, tx vfs.Tx) error) error {
	s, err := db.reader(ctx)
	if err != nil {
		return err
	}
	defer func() { db.readers <- s }()
	if !db.postgres {
		// A context that can end costs this driver a goroutine a statement, and
		// reads here are short.
		ctx = context.WithoutCancel(ctx)
	}
	if s, err = db.snapshot(ctx, s); err != nil {
		return fmt.Errorf("index: %w", err)
	}
	err = f(ctx, s)
	if _, end := s.Exec(context.WithoutCancel(ctx), "ROLLBACK"); end != nil {
		s.drop()
		s = nil
	}
	return err
}

// readOne is Read for an f of one statement, which is a snapshot by itself. f may
// run again, where the connection was lost.
func (db *Database) readOne(ctx context.Context, f func(ctx context.Context, tx vfs.Tx) error) error {
	s, err := db.reader(ctx)
	if err != nil {
		return err
	}
	if !db.postgres {
		ctx = context.WithoutCancel(ctx)
	}
	if s == nil {
		if s, err = newSession(ctx, db.read, !db.postgres); err != nil {
			db.readers <- nil
			return fmt.Errorf("index: %w", err)
		}
	}
	err = f(ctx, s)
	if err == nil || !db.postgres || !s.lost() {
		db.readers <- s
		return err
	}
	s.drop()
	db.readers <- nil
	return db.Read(ctx, f)
}

// snapshot begins a reading transaction on s, or on a new connection where s is
// nil or lost.
func (db *Database) snapshot(ctx context.Context, s *session) (_ *session, err error) {
	begin := "BEGIN"
	if db.postgres {
		begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
	}
	for range 2 {
		if s == nil {
			if s, err = newSession(ctx, db.read, !db.postgres); err != nil {
				return nil, err
			}
		}
		if _, err = s.Exec(ctx, begin); err == nil {
			return s, nil
		}
		s.drop()
		s = nil
	}
	return nil, err
}

// Ping reaches the PostgreSQL server at dsn and changes nothing. Its error does
// not hold the password.
func Ping(ctx context.Context, dsn string) error {
	c, err := postgresConfig(dsn)
	if err != nil {
		return err
	}
	db := stdlib.OpenDB(*c)
	defer db.Close()
	if err := db.PingContext(ctx); err != nil {
		return fmt.Errorf("index: the PostgreSQL server does not answer: %w", err)
	}
	return nil
}
