package ledger

import (
	"context"
	"time"

	"slipway/vfs"
)

// LinkFound is a link that was found in a file.
type LinkFound struct {
	URL   string
	Error string // why it is not fetched; "": it is
}

// LinksRead records what a file's links are. Those that it had before and has no more
// are dropped; those that it has still, and were fetched, stay. It does nothing where
// the file has changed meanwhile.
func (l *Ledger) LinksRead(ctx context.Context, f LinkFile, links []LinkFound) error {
	return l.linkFile(ctx, f, func(ctx context.Context, tx vfs.Tx, now time.Time) error {
		ok, err := f.become(ctx, tx, LinkDone, "", "", 0, now)
		if err != nil || !ok {
			return err
		}
		if _, err := tx.Exec(ctx, "UPDATE linked SET state = 'dropped' WHERE entry = $1 AND state IN ('settling', 'failed')", int64(f.Entry)); err != nil {
			return err
		}
		for i, k := range links {
			state := LinkSettling
			if k.Error != "" {
				state = LinkFailed
			}
			_, err := tx.Exec(ctx, `INSERT INTO linked (entry, url, ord, state, error, due, changed) VALUES ($1, $2, $3, $4, $5, $6, $6)
				ON CONFLICT (entry, url) DO UPDATE SET ord = excluded.ord, state = excluded.state, error = excluded.error, remedy = '',
				tries = 0, due = excluded.due, changed = excluded.changed WHERE linked.state = 'dropped'`,
				int64(f.Entry), valid(k.URL), i+1, state, valid(k.Error), nanos(now))
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// LinkFilePlain records that a file holds no links, and why it is thought so.
func (l *Ledger) LinkFilePlain(ctx context.Context, f LinkFile, text string) error {
	return l.linkFileBecomes(ctx, f, LinkPlain, text, "", 0)
}

// LinkFileFailed records that a file with links cannot be read, and what to do.
func (l *Ledger) LinkFileFailed(ctx context.Context, f LinkFile, text, remedy string) error {
	return l.linkFileBecomes(ctx, f, LinkFailed, text, remedy, 0)
}

// LinkFileLater makes a file due again after wait; because of what text says, which
// counts as a try, or "".
func (l *Ledger) LinkFileLater(ctx context.Context, f LinkFile, wait time.Duration, text string) error {
	return l.linkFileBecomes(ctx, f, LinkSettling, text, "", wait)
}

func (l *Ledger) linkFileBecomes(ctx context.Context, f LinkFile, state, text, remedy string, wait time.Duration) error {
	return l.linkFile(ctx, f, func(ctx context.Context, tx vfs.Tx, now time.Time) error {
		ok, err := f.become(ctx, tx, state, text, remedy, wait, now)
		if ok && state != LinkSettling {
			_, err = tx.Exec(ctx, "UPDATE linked SET state = 'dropped' WHERE entry = $1 AND state IN ('settling', 'failed')", int64(f.Entry))
		}
		return err
	})
}

// become gives a file that is to be read another state; false where it is another
// file by now.
func (f LinkFile) become(ctx context.Context, tx vfs.Tx, state, text, remedy string, wait time.Duration, now time.Time) (bool, error) {
	n, err := exec(ctx, tx, `UPDATE links SET state = $1, error = $2, remedy = $3, due = $4, changed = $5, tries = tries + CASE WHEN $2 = '' THEN 0 ELSE 1 END
		WHERE entry = $6 AND sha256 = $7 AND state = 'settling'`,
		state, valid(text), valid(remedy), nanos(now.Add(wait)), nanos(now), int64(f.Entry), f.SHA256[:])
	return n > 0, err
}

func (l *Ledger) linkFile(ctx context.Context, f LinkFile, do func(context.Context, vfs.Tx, time.Time) error) error {
	err := l.write(ctx, do)
	if err == nil {
		l.hear.tellEntries(f.Entry)
	}
	return wrap("links", err)
}

// LinkHas records that the picture of a link is in its folder already.
func (l *Ledger) LinkHas(ctx context.Context, k Link, picture vfs.ID) error {
	return l.link(ctx, k, `UPDATE linked SET state = 'done', picture = $2, sha256 = (SELECT sha256 FROM entries WHERE id = $2), error = $3,
		remedy = '', changed = $4 WHERE id = $1 AND state = 'settling'`, int64(picture), "")
}

// LinkSkip records that a link is not fetched, which is no trouble, and why.
func (l *Ledger) LinkSkip(ctx context.Context, k Link, text string) error {
	return l.link(ctx, k, "UPDATE linked SET state = 'skipped', error = $2, remedy = $3, changed = $4 WHERE id = $1 AND state = 'settling'", valid(text), "")
}

// LinkFail gives a link up, and says why and what to do.
func (l *Ledger) LinkFail(ctx context.Context, k Link, text, remedy string) error {
	return l.link(ctx, k, "UPDATE linked SET state = 'failed', tries = tries + 1, error = $2, remedy = $3, changed = $4 WHERE id = $1 AND state = 'settling'", valid(text), valid(remedy))
}

// LinkLater makes a link due again after wait, because of what text says.
func (l *Ledger) LinkLater(ctx context.Context, k Link, wait time.Duration, text, remedy string) error {
	return l.link(ctx, k, `UPDATE linked SET tries = tries + 1, error = $2, remedy = $3, changed = $4, due = CAST($4 AS BIGINT) + CAST($5 AS BIGINT)
		WHERE id = $1 AND state = 'settling'`, valid(text), valid(remedy), int64(wait))
}

// link writes what came of one: $1 is its id, $2 and $3 are the first of args, $4 is
// the time, and the rest of args comes after it.
func (l *Ledger) link(ctx context.Context, k Link, statement string, first, second any, more ...any) error {
	err := l.write(ctx, func(ctx context.Context, tx vfs.Tx, now time.Time) error {
		_, err := tx.Exec(ctx, statement, append([]any{k.ID, first, second, nanos(now)}, more...)...)
		return err
	})
	if err == nil {
		l.hear.tellEntries(k.File)
	}
	return wrap("links", err)
}

// RetryLinks reads a file with links anew from due on if that failed, and gives its
// links that failed, or wait after an error, fresh tries.
func (l *Ledger) RetryLinks(ctx context.Context, file vfs.ID, due time.Time) error {
	err := l.write(ctx, func(ctx context.Context, tx vfs.Tx, now time.Time) error {
		for _, table := range []string{"links", "linked"} {
			_, err := tx.Exec(ctx, "UPDATE "+table+` SET state = 'settling', tries = 0, due = $1, changed = $2
				WHERE entry = $3 AND (state = 'failed' OR state = 'settling' AND error <> '')`, nanos(due), nanos(now), int64(file))
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		l.hear.tellEntries(file)
	}
	return wrap("links", err)
}
