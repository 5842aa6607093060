package ledger

import (
	"context"
	"database/sql"
	"time"

	"slipway/uploader"
	"slipway/vfs"
)

// stillAtWork is how long after a restart a lost reply is first looked into. The
// host may be at work on the picture, and one that refuses repeats takes both of
// two that come at the same time. A large picture takes it longer: a second a
// megabyte is more than any was seen to take.
func stillAtWork(size int64) time.Duration {
	return 10*time.Second + time.Duration(size)*time.Second>>20
}

// orphan is a claim whose worker is gone.
type orphan struct {
	uploader.Claimed
	body time.Time // when its body may have been complete; zero: not
}

// recoverDeletions has those that a process before this one had in hand repeated.
func (l *Ledger) recoverDeletions(ctx context.Context) error {
	var id int64
	var some bool
	err := l.db.Read(ctx, func(ctx context.Context, tx vfs.Tx) (err error) {
		some, err = optional(tx.QueryRow(ctx, "SELECT id FROM deletions WHERE state = 'deleting' AND owner <> '' LIMIT 1"), &id)
		return err
	})
	if err != nil || !some {
		return err
	}
	return l.write(ctx, func(ctx context.Context, tx vfs.Tx, now time.Time) error {
		n, err := exec(ctx, tx, "UPDATE deletions SET due = $1, owner = '' WHERE state = 'deleting' AND owner <> ''", nanos(now))
		if err == nil && n > 0 {
			l.log.Info("deletions at hosts that a stopped process left are repeated", "deletions", n)
		}
		return err
	})
}

// recover ends claims whose workers are gone: all of them, or those whose lease
// ran out. A row whose body may be complete is ambiguous; workers record that of
// hosts that are not idempotent only.
func (l *Ledger) recover(ctx context.Context, all bool) error {
	var orphans []orphan
	find := func(ctx context.Context, tx vfs.Tx) error {
		now, err := l.now(ctx, tx)
		if err != nil {
			return err
		}
		limit := nanos(now)
		if all {
			limit = never
		}
		orphans, err = orphansOf(ctx, tx, limit)
		return err
	}
	// Looking is free; PostgreSQL's writers wait for each other.
	if err := l.db.Read(ctx, find); err != nil || len(orphans) == 0 {
		return err
	}
	err := l.write(ctx, func(ctx context.Context, tx vfs.Tx, now time.Time) error {
		if err := find(ctx, tx); err != nil {
			return err
		}
		for _, o := range orphans {
			out := o.outcome()
			if err := l.finish(ctx, tx, o.Claimed, out, now); err != nil {
				return err
			}
			if _, err := l.notify(ctx, tx, o.Claimed, out.State, now); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		l.log.Info("uploads that a stopped process left are taken up again", "uploads", len(orphans))
		for _, o := range orphans {
			l.hear.tellEntries(o.Entry)
		}
		l.hear.due("", l.clock())
	}
	return err
}

func orphansOf(ctx context.Context, tx vfs.Tx, before int64) (orphans []orphan, err error) {
	err = each(ctx, tx, func(s *sql.Rows) error {
		r, err := scanUpload(s)
		o := orphan{Claimed: uploader.Claimed{Upload: r.Upload, Attempt: r.attempt}, body: moment(r.body)}
		o.Resolve = !r.Lost.IsZero()
		orphans = append(orphans, o)
		return err
	}, selectUploads+"WHERE u.state IN ('sending', 'ambiguous') AND u.state = 'sending' AND u.lease < $1", before)
	return orphans, err
}

// outcome is what becomes of the row.
func (o orphan) outcome() uploader.Outcome {
	out := back(o.Claimed)
	out.Requested, out.Kind, out.Error = true, "interrupted", "The gateway was stopped during the upload."
	if !o.body.IsZero() {
		out.State, out.Reason, out.Lost, out.Sent = uploader.AmbiguousState, uploader.ReasonLostReply, true, o.body
	}
	if out.State == uploader.AmbiguousState {
		out.Wait = stillAtWork(o.Size)
		out.Error = "The gateway was stopped before the host's answer arrived; the host may have the file."
	}
	return out
}
