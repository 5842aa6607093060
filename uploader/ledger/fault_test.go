package ledger_test

import (
	"context"
	"database/sql"
	"errors"
	"sync/atomic"
	"time"

	"slipway/uploader/ledger"
	"slipway/vfs"
)

// counted is a vfs.Tx that counts statements.
type counted struct {
	vfs.Tx
	n *int
}

func (c counted) Exec(ctx context.Context, q string, args ...any) (sql.Result, error) {
	*c.n++
	return c.Tx.Exec(ctx, q, args...)
}

func (c counted) Query(ctx context.Context, q string, args ...any) (*sql.Rows, error) {
	*c.n++
	return c.Tx.Query(ctx, q, args...)
}

func (c counted) QueryRow(ctx context.Context, q string, args ...any) *sql.Row {
	*c.n++
	return c.Tx.QueryRow(ctx, q, args...)
}

var errBroken = errors.New("the power is gone")

// brokenDatabase fails after so many Writes, as a process that dies.
type brokenDatabase struct {
	vfs.Database
	left  atomic.Int64
	broke func()
}

func (b *brokenDatabase) Write(ctx context.Context, f func(context.Context, vfs.Tx) error) error {
	if b.left.Add(-1) < 0 {
		if b.broke != nil {
			b.broke()
		}
		return errBroken
	}
	return b.Database.Write(ctx, f)
}

// ledger0 is a ledger of w on another database.
func ledger0(w *world, db vfs.Database) (*ledger.Ledger, error) {
	return ledger.New(w.t.Context(), db, ledger.Options{Router: w.router, Destinations: []string{"one", "two", "three"}, Clock: w.clock,
		Quiet: func(vfs.Change) time.Duration { return w.quiet }})
}
