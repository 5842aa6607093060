// Package ledger keeps uploads in SQL, in the database that the index of names
// uses: what a transaction makes visible and what it owes to hosts become
// durable together.
//
// [Ledger.OnCommit] takes part in each change of the tree and writes the rows;
// a uploader.Pool claims them and records what came of each; people see and
// steer them through the rest. A row is never deleted. Every write about a
// claimed row is conditional on the number of its claim.
package ledger

import (
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"sync/atomic"
	"time"

	"slipway/uploader"
	"slipway/vfs"
)

//go:embed migrations
var migrationFiles embed.FS

// Options of New.
type Options struct {
	Router uploader.Router
	// Destinations are the configured ones. Rows of others stay, and say so.
	Destinations []string
	// Quiet is how long the bytes of a change must have been left alone before
	// they are sent; nil: 2 s for each.
	Quiet func(vfs.Change) time.Duration
	// Ceiling is how long a file may go on changing before it is sent all the same;
	// nil or 0: for ever.
	Ceiling func() time.Duration
	// Grace is how long after it was recorded a deletion at a host begins, in which
	// putting the file back calls it off; 0: 10 minutes.
	Grace time.Duration
	// Locked returns those of entries that a client holds under a lock, itself or
	// a directory above; nil: none ever are.
	Locked func(ctx context.Context, tx vfs.Tx, entries []vfs.ID) (map[vfs.ID]bool, error)
	// Clock tells the time; nil: this machine's, and for what several machines
	// must agree on, PostgreSQL's.
	Clock func() time.Time
	// Notices says which webhooks hear of what; nil: there are none. See SetNotices.
	Notices Notices
	Log     *slog.Logger // nil: silent
}

// Ledger is an uploader.Ledger in SQL.
type Ledger struct {
	db      vfs.Database
	quiet   func(vfs.Change) time.Duration
	ceiling func() time.Duration
	grace   time.Duration
	locked  func(ctx context.Context, tx vfs.Tx, entries []vfs.ID) (map[vfs.ID]bool, error)
	clock   func() time.Time
	dbClock bool // ask PostgreSQL for the time of leases
	log     *slog.Logger
	owner   string // this process
	config  atomic.Pointer[config]
	hear    hearers
	wording chan struct{}           // held by who writes words; see word
	notices atomic.Pointer[Notices] // nil: no webhook is configured
	bells   bells
}

// config is what a reload swaps.
type config struct {
	router       uploader.Router
	destinations map[string]bool
}

var _ uploader.Ledger = (*Ledger)(nil)

// New brings the ledger's tables in db up to date and ends the claims that a
// process before this one left: on SQLite all, because the lock on the data
// directory proves that nobody else lives; on PostgreSQL those whose lease ran
// out.
func New(ctx context.Context, db vfs.Database, o Options) (*Ledger, error) {
	l := &Ledger{db: db, wording: make(chan struct{}, 1), quiet: o.Quiet, ceiling: o.Ceiling, locked: o.Locked, clock: o.Clock, log: o.Log,
		grace:   cmp.Or(o.Grace, 10*time.Minute),
		dbClock: o.Clock == nil && db.Postgres(), owner: rand.Text()}
	if l.quiet == nil {
		l.quiet = func(vfs.Change) time.Duration { return 2 * time.Second }
	}
	if l.ceiling == nil {
		l.ceiling = func() time.Duration { return 0 }
	}
	if l.clock == nil {
		l.clock = time.Now
	}
	if l.log == nil {
		l.log = slog.New(slog.DiscardHandler)
	}
	l.Configure(o.Router, o.Destinations)
	l.SetNotices(o.Notices)
	sub, err := fs.Sub(migrationFiles, "migrations")
	if err != nil {
		return nil, fmt.Errorf("ledger: %w", err)
	}
	if err := db.Migrate(ctx, "ledger", sub); err != nil {
		return nil, err
	}
	if err := l.recover(ctx, !db.Postgres()); err != nil {
		return nil, fmt.Errorf("ledger: %w", err)
	}
	if !db.Postgres() {
		if err := l.recoverDeletions(ctx); err != nil {
			return nil, fmt.Errorf("ledger: %w", err)
		}
	}
	return l, nil
}

// Configure takes another configuration: router decides for changes from now on,
// and destinations are those that exist. Nothing committed is routed anew, but
// what waits because of settings (no album, a bad key, the type) is looked at
// again; see Reconsider.
func (l *Ledger) Configure(router uploader.Router, destinations []string) {
	c := &config{router: router, destinations: make(map[string]bool, len(destinations))}
	for _, d := range destinations {
		c.destinations[d] = true
	}
	l.config.Store(c)
}

// now returns the time that leases and due times are measured by.
func (l *Ledger) now(ctx context.Context, tx vfs.Tx) (time.Time, error) {
	if !l.dbClock {
		return l.clock(), nil
	}
	var ns int64
	err := tx.QueryRow(ctx, "SELECT (extract(epoch FROM clock_timestamp()) * 1000000000)::bigint").Scan(&ns)
	return time.Unix(0, ns), err
}

// write runs f in a transaction and tells watchers when it is durable.
func (l *Ledger) write(ctx context.Context, f func(ctx context.Context, tx vfs.Tx, now time.Time) error) error {
	err := l.db.Write(ctx, func(ctx context.Context, tx vfs.Tx) error {
		now, err := l.now(ctx, tx)
		if err != nil {
			return err
		}
		return f(ctx, tx, now)
	})
	if err == nil {
		l.hear.committed()
	}
	return err
}

// never is a due time that does not come by itself.
const never = int64(1<<63 - 1)

func nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

// moment is the inverse of nanos; never gives the zero time too.
func moment(ns int64) time.Time {
	if ns == 0 || ns == never {
		return time.Time{}
	}
	return time.Unix(0, ns)
}

func number(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// exec runs a statement and returns how many rows it changed.
func exec(ctx context.Context, tx vfs.Tx, query string, args ...any) (int64, error) {
	r, err := tx.Exec(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

// each runs a query and calls scan for each row.
func each(ctx context.Context, tx vfs.Tx, scan func(*sql.Rows) error, query string, args ...any) error {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// optional scans a single row that may be missing.
func optional(row *sql.Row, dest ...any) (bool, error) {
	err := row.Scan(dest...)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}
