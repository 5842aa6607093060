package index

import (
	"context"
	"errors"
	"fmt"
	"time"

	"slipway/vfs"
)

// groupMax is how many writers share one transaction at the most, and groupTime
// for how long a group keeps taking in those that arrive while it runs.
const (
	groupMax  = 256
	groupTime = 20 * time.Millisecond
)

// writerLock is the advisory lock that makes the writers of all processes on one
// PostgreSQL database serial, as SQLite's are by nature.
const writerLock = 0x736c6970776179

// request is one call of Write.
type request struct {
	ctx  context.Context
	f    func(context.Context, vfs.Tx) error
	err  error
	done chan struct{}
}

// Write runs f in a writing transaction; see vfs.Database.
func (db *Database) Write(ctx context.Context, f func(ctx context.Context, tx vfs.Tx) error) error {
	r := &request{ctx: ctx, f: f, done: make(chan struct{})}
	select {
	case db.requests <- r:
	case <-ctx.Done():
		return ctx.Err()
	case <-db.stop:
		return ErrClosed
	}
	// From here on the group answers, whatever becomes of ctx: a caller that
	// gave up early could not know whether its change stands.
	select {
	case <-r.done:
		return r.err
	case <-db.finished:
	}
	select {
	case <-r.done:
		return r.err
	default:
		return ErrClosed
	}
}

// writer runs groups until Close.
func (db *Database) writer() {
	defer close(db.finished)
	w := &groupWriter{db: db}
	defer w.drop()
	for {
		select {
		case r := <-db.requests:
			w.group(r)
		case <-db.stop:
			for {
				select {
				case r := <-db.requests:
					r.err = ErrClosed
					close(r.done)
				default:
					return
				}
			}
		}
	}
}

// groupWriter owns the writing connection.
type groupWriter struct {
	db *Database
	tx *session // nil: none is open
	// How many members the next group may come to have, where writers are known
	// to take turns, and how long it is worth to wait for them; see gather.
	expect int
	rest   time.Duration
}

// group runs first and those that arrive meanwhile in one transaction.
func (w *groupWriter) group(first *request) {
	ctx := context.Background()
	members := make([]*request, 0, 8)
	finish := func(err error) {
		for _, r := range members {
			if err != nil && r.err == nil {
				r.err = err
			}
			close(r.done)
		}
	}
	if err := w.begin(ctx); err != nil {
		members = append(members, first)
		finish(fmt.Errorf("index: %w", err))
		return
	}
	until := time.Now().Add(groupTime)
	wrote := false
	expect := w.expect
	for r := first; r != nil; r = w.next(len(members), expect, until) {
		members = append(members, r)
		if err := w.member(ctx, r); err != nil {
			w.abandon(ctx)
			finish(fmt.Errorf("index: %w", err))
			return
		}
		wrote = wrote || r.err == nil
	}
	if !wrote {
		w.abandon(ctx)
		finish(nil)
		return
	}
	began := time.Now()
	if err := w.db.commit(ctx, w.tx); err != nil {
		w.db.log.Error("a transaction could not be committed", "error", err)
		w.drop() // what the connection thinks of the transaction is unknown
		finish(fmt.Errorf("%w: %w", vfs.ErrCommit, err))
		return
	}
	w.takeTurns(len(members), time.Since(began))
	finish(nil)
}

// restMax is the longest that a group waits for more members.
const restMax = 5 * time.Millisecond

// takeTurns looks whether others have come while a group of members was committed,
// which took a while. Then the members are likely to come again before the next
// group is committed, if that waits for them a little: else two halves would take
// turns, each waiting for the other's fsync, and all would wait twice as long. It
// goes on waiting for as many as long as they come.
func (w *groupWriter) takeTurns(members int, took time.Duration) {
	waiting := len(w.db.requests)
	if waiting > 0 || members < w.expect {
		w.expect = 0
	}
	if waiting > 0 {
		w.expect = min(waiting+members, groupMax)
	}
	w.rest = min(took, restMax)
}

// next returns a request that is waiting, or one of those that are expected, or
// nil where the group is to end.
func (w *groupWriter) next(members, expect int, until time.Time) *request {
	if members >= groupMax || time.Now().After(until) {
		return nil
	}
	select {
	case r := <-w.db.requests:
		return r
	default:
	}
	if members >= expect || w.rest <= 0 {
		return nil
	}
	began := time.Now()
	timer := time.NewTimer(w.rest)
	defer timer.Stop()
	select {
	case r := <-w.db.requests:
		w.rest -= time.Since(began)
		return r
	case <-timer.C:
		w.rest = 0
		return nil
	}
}

// member runs one request in a savepoint. Its own error stays with it; an error
// of the savepoint itself ends the group.
func (w *groupWriter) member(ctx context.Context, r *request) error {
	if r.err = r.ctx.Err(); r.err != nil {
		return nil
	}
	if _, err := w.tx.Exec(ctx, "SAVEPOINT member"); err != nil {
		return err
	}
	if r.err = protect(ctx, r.f, w.tx); r.err != nil {
		if _, err := w.tx.Exec(ctx, "ROLLBACK TO SAVEPOINT member"); err != nil {
			return errors.Join(err, r.err)
		}
	}
	_, err := w.tx.Exec(ctx, "RELEASE SAVEPOINT member")
	return err
}

// protect turns a panic of one member into its error, so that the others live.
func protect(ctx context.Context, f func(context.Context, vfs.Tx) error, tx vfs.Tx) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("index: panic in a transaction: %v", p)
		}
	}()
	return f(ctx, tx)
}

// begin opens the connection where there is none, and a transaction on it.
func (w *groupWriter) begin(ctx context.Context) error {
	for try := 0; ; try++ {
		err := w.tryBegin(ctx)
		if err == nil {
			return nil
		}
		w.drop()
		if try == 1 {
			return err
		}
	}
}

func (w *groupWriter) tryBegin(ctx context.Context) error {
	if w.tx == nil {
		tx, err := newSession(ctx, w.db.write, !w.db.postgres)
		if err != nil {
			return err
		}
		w.tx = tx
	}
	if !w.db.postgres {
		_, err := w.tx.Exec(ctx, "BEGIN IMMEDIATE")
		return err
	}
	if _, err := w.tx.Exec(ctx, "BEGIN"); err != nil {
		return err
	}
	_, err := w.tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", int64(writerLock))
	return err
}

func commit(ctx context.Context, tx vfs.Tx) error {
	_, err := tx.Exec(ctx, "COMMIT")
	return err
}

// abandon ends a transaction that wrote nothing or failed.
func (w *groupWriter) abandon(ctx context.Context) {
	if _, err := w.tx.Exec(ctx, "ROLLBACK"); err != nil {
		w.drop()
	}
}

// drop gives the connection up; the next group opens another.
func (w *groupWriter) drop() {
	if w.tx != nil {
		w.tx.drop()
	}
	w.tx = nil
}
