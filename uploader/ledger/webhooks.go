package ledger

import (
	"context"
	"database/sql"
	"time"

	"slipway/vfs"
)

// Message is one message that a webhook is owed.
type Message struct {
	ID      int64
	Key     string // its own, the same at each attempt
	Event   string // the state that an upload came to
	Path    string // of the file that it is about
	Body    []byte
	Tries   int // attempts that failed
	Created time.Time
}

// Messages returns up to limit messages of a webhook that are due, the one due
// longest first, and when the next one is; zero: there is none. They are not claimed:
// of several processes on one database, one alone is to ask, or each is given all.
func (l *Ledger) Messages(ctx context.Context, webhook string, limit int) (ms []Message, next time.Time, err error) {
	err = l.db.Read(ctx, func(ctx context.Context, tx vfs.Tx) error {
		ms, next = nil, time.Time{}
		now, err := l.now(ctx, tx)
		if err != nil {
			return err
		}
		err = each(ctx, tx, func(s *sql.Rows) error {
			var m Message
			var created int64
			err := s.Scan(&m.ID, &m.Key, &m.Event, &m.Path, &m.Body, &m.Tries, &created)
			m.Created = moment(created)
			ms = append(ms, m)
			return err
		}, `SELECT id, key, event, path, body, tries, created FROM webhooks WHERE webhook = $1 AND given_up = 0 AND due <= $2
			ORDER BY due LIMIT $3`, webhook, nanos(now), limit)
		if err != nil {
			return err
		}
		var due int64
		found, err := optional(tx.QueryRow(ctx, `SELECT due FROM webhooks WHERE webhook = $1 AND given_up = 0 AND due > $2
			ORDER BY due LIMIT 1`, webhook, nanos(now)), &due)
		if found {
			next = time.Unix(0, due)
		}
		return err
	})
	return ms, next, wrap("messages", err)
}

// MessageDelivered takes a message that was taken out of what is owed.
func (l *Ledger) MessageDelivered(ctx context.Context, id int64) error {
	return l.message(ctx, func(ctx context.Context, tx vfs.Tx, _ time.Time) error {
		_, err := tx.Exec(ctx, "DELETE FROM webhooks WHERE id = $1", id)
		return err
	})
}

// MessageFailed makes a message due again after wait, because of what text says.
func (l *Ledger) MessageFailed(ctx context.Context, id int64, wait time.Duration, text string) error {
	return l.message(ctx, func(ctx context.Context, tx vfs.Tx, now time.Time) error {
		_, err := tx.Exec(ctx, "UPDATE webhooks SET tries = tries + 1, due = $2, error = $3 WHERE id = $1", id, nanos(now.Add(wait)), valid(text))
		return err
	})
}

// MessageGivenUp gives a message up, because of what text says. It is kept for a
// while, for people to see.
func (l *Ledger) MessageGivenUp(ctx context.Context, id int64, text string) error {
	return l.message(ctx, func(ctx context.Context, tx vfs.Tx, now time.Time) error {
		_, err := tx.Exec(ctx, "UPDATE webhooks SET tries = tries + 1, given_up = $2, error = $3 WHERE id = $1", id, nanos(now), valid(text))
		return err
	})
}

// message writes what came of one, which nobody who hears of uploads hears of. Its
// times are of the clock that Messages reads.
func (l *Ledger) message(ctx context.Context, f func(ctx context.Context, tx vfs.Tx, now time.Time) error) error {
	err := l.db.Write(ctx, func(ctx context.Context, tx vfs.Tx) error {
		now, err := l.now(ctx, tx)
		if err != nil {
			return err
		}
		return f(ctx, tx, now)
	})
	return wrap("message", err)
}

// ExpireMessages gives up messages that came before old, of webhooks that are no
// longer configured too, and forgets those that were given up before forgotten. It
// returns how many were given up.
func (l *Ledger) ExpireMessages(ctx context.Context, old, forgotten time.Time) (n int64, err error) {
	err = l.write(ctx, func(ctx context.Context, tx vfs.Tx, now time.Time) (err error) {
		if _, err = tx.Exec(ctx, "DELETE FROM webhooks WHERE given_up <> 0 AND given_up < $1", nanos(forgotten)); err != nil {
			return err
		}
		n, err = exec(ctx, tx, `UPDATE webhooks SET given_up = $1, error = CASE WHEN error = '' THEN 'no such webhook is configured any more' ELSE error END
			WHERE given_up = 0 AND created < $2`, nanos(now), nanos(old))
		return err
	})
	return n, wrap("messages", err)
}

// WebhookStats is how the messages of a webhook stand.
type WebhookStats struct {
	Waiting, GivenUp int
	Oldest           time.Time // when the one that waits longest came; zero: none waits
	Error            string    // of one that failed, if any did
}

// WebhookStats returns how the messages of each webhook stand that has some.
func (l *Ledger) WebhookStats(ctx context.Context) (map[string]WebhookStats, error) {
	all := make(map[string]WebhookStats)
	err := l.db.Read(ctx, func(ctx context.Context, tx vfs.Tx) error {
		return each(ctx, tx, func(s *sql.Rows) error {
			var name string
			var w WebhookStats
			var oldest int64
			err := s.Scan(&name, &w.Waiting, &w.GivenUp, &oldest, &w.Error)
			w.Oldest = moment(oldest)
			all[name] = w
			return err
		}, `SELECT webhook, sum(CASE WHEN given_up = 0 THEN 1 ELSE 0 END), sum(CASE WHEN given_up = 0 THEN 0 ELSE 1 END),
			COALESCE(min(CASE WHEN given_up = 0 THEN created END), 0), max(error) FROM webhooks GROUP BY webhook`)
	})
	return all, wrap("messages", err)
}
