package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path"
	"slices"
	"time"

	"slipway/uploader"
	"slipway/vfs"
	"slipway/vfs/blob"
)

// albumFile is the name of the files that change how folders are uploaded.
const albumFile = ".album.toml"

// OnCommit is the vfs.Hook: in the transaction of a change it writes what the
// change owes. It runs on every write of a file and costs a file that is new one
// statement for each destination.
func (l *Ledger) OnCommit(ctx context.Context, tx vfs.Tx, changes []vfs.Change) error {
	now := l.clock()
	for _, c := range changes {
		var err error
		switch {
		case c.Kind == vfs.Removed:
			err = errors.Join(l.removed(ctx, tx, c, now), l.dropLinks(ctx, tx, c, now), depart(ctx, tx, c))
		case c.Entry.Dir && (c.Kind == vfs.Moved || c.Kind == vfs.Copied):
			_, err = tx.Exec(ctx, "INSERT INTO reroutes (dir) VALUES ($1)", int64(c.Entry.ID))
			err = errors.Join(err, rename(ctx, tx, -c.Entry.ID))
			_, rerouted := l.hear.signals()
			poke(rerouted)
		case !c.Entry.Dir:
			err = l.follow(ctx, tx, c, now, now.Add(l.quiet(c)))
		}
		if err == nil && (path.Base(c.Path) == albumFile || path.Base(c.From) == albumFile) {
			err = l.reconsider(ctx, tx, now)
		}
		if err != nil {
			return fmt.Errorf("ledger: %w", err)
		}
	}
	l.hear.note(changes)
	hooked, _ := l.hear.signals()
	poke(hooked)
	return nil
}

// row is what the hook needs to know of an upload.
type row struct {
	id          int64
	destination string
	sum         blob.Sum
	state       uploader.State
	reason      string
	due         int64
	since       int64
	blob        blob.Ref
	path        string
	late        bool // a replay owes it
	lost        bool // its picture was deleted or replaced at the host, or may be any time
	deleteOld   bool // where it is done, the pictures of earlier bytes are let go
}

func (r row) unclaimed() bool { return r.state.Live() && r.state != uploader.Sending }

// follow makes the rows of a file what its bytes and its path owe after c.
func (l *Ledger) follow(ctx context.Context, tx vfs.Tx, c vfs.Change, now, due time.Time) (err error) {
	e, p, stored := c.Entry, c.Path, c.Kind == vfs.Stored
	if err := l.followLinks(ctx, tx, c, now, due); err != nil {
		return err
	}
	owed := l.config.Load().router.Owed(p, e.Type, e.Size)
	var rows []row
	if !c.New {
		if rows, err = rowsOf(ctx, tx, e.ID); err != nil {
			return err
		}
	}
	f := following{l: l, tx: tx, entry: e, path: p, stored: stored, now: now, due: due, since: nanos(now)}
	for _, r := range rows {
		if r.state == uploader.Settling && r.reason == uploader.ReasonQuiet && stored {
			f.since = min(f.since, r.since)
		}
	}
	stale := false
	for _, r := range rows {
		stale = stale || r.path != p
		if stored && r.late && r.sum == e.SHA256 && r.state.Live() {
			if err := f.hasten(ctx, r); err != nil {
				return err
			}
		}
		i := slices.IndexFunc(owed, func(o uploader.Owed) bool { return o.Destination == r.destination })
		switch {
		case r.sum != e.SHA256:
			err = f.leave(ctx, r, uploader.ReasonReplaced)
		case i >= 0:
			err = f.keep(ctx, r, owed[i])
			owed = slices.Delete(slices.Clone(owed), i, i+1)
		case !stored:
			err = f.leave(ctx, r, uploader.ReasonMoved)
		}
		if err != nil {
			return err
		}
	}
	for _, o := range owed {
		if err := f.insert(ctx, o); err != nil {
			return err
		}
	}
	if stale {
		return f.moved(ctx, rows[0].path)
	}
	return nil
}

func rowsOf(ctx context.Context, tx vfs.Tx, entry vfs.ID) (rows []row, err error) {
	err = each(ctx, tx, func(s *sql.Rows) error {
		var r row
		var sum []byte
		var late, lost, deleteOld int64
		if err := s.Scan(&r.id, &r.destination, &sum, &r.state, &r.reason, &r.due, &r.since, &r.blob, &r.path, &late, &lost, &deleteOld); err != nil {
			return err
		}
		copy(r.sum[:], sum)
		r.late, r.lost, r.deleteOld = late != 0, lost != 0, deleteOld != 0
		rows = append(rows, r)
		return nil
	}, `SELECT u.id, u.destination, u.sha256, u.state, u.reason, u.due, u.since, COALESCE(u.blob, ''), u.path, u.late,
		CASE WHEN h.deleted <> 0 OR h.fate <> '' THEN 1 ELSE 0 END, u.delete_old
		FROM uploads u LEFT JOIN hosted h ON h.id = u.hosted WHERE u.entry = $1`, int64(entry))
	return rows, err
}

// following is one file whose rows are being brought in line.
type following struct {
	l        *Ledger
	tx       vfs.Tx
	entry    vfs.Entry
	path     string
	stored   bool
	now, due time.Time
	since    int64 // since when the file has been changing without being sent
}

// until returns when a row is due that has been waiting since: when the quiet time
// is over, but no later than the ceiling, which ends endless rewriting.
func (f following) until(since int64) int64 {
	due := nanos(f.due)
	if c := f.l.ceiling(); c > 0 && due > since+int64(c) {
		return max(since+int64(c), nanos(f.now))
	}
	return due
}

// keep deals with a row for the present bytes at a destination that is owed them.
func (f following) keep(ctx context.Context, r row, o uploader.Owed) error {
	due := max(r.due, f.until(r.since))
	switch r.state {
	case uploader.Settling:
		// What waited for a lock and now waits for the quiet time must not go on
		// when the lock ends.
		_, err := f.tx.Exec(ctx, `UPDATE uploads SET reason = CASE WHEN reason = 'locked' AND due < $1 THEN 'quiet' ELSE reason END,
			due = $1, changed = $2 WHERE id = $3`, due, nanos(f.now), r.id)
		return err
	case uploader.Superseded, uploader.Dropped:
		if f.stored || r.reason != uploader.ReasonByHand {
			return f.revive(ctx, r, o)
		}
	case uploader.Done, uploader.Awaiting:
		// It had other bytes meanwhile, and what it had at the host may be gone.
		if r.lost {
			return f.revive(ctx, r, o)
		}
		if f.stored && r.deleteOld {
			return f.l.forsakeOld(ctx, f.tx, f.entry.ID, r.destination, f.now)
		}
	case uploader.Failed:
		if f.stored {
			return f.revive(ctx, r, o)
		}
	case uploader.Held:
		// Another path may have other settings; what came again has its bytes.
		if !f.stored && ofSettings(r.reason) || f.stored && r.reason == uploader.ReasonAway {
			return f.revive(ctx, r, o)
		}
	}
	if r.state == uploader.Sending {
		_, err := f.tx.Exec(ctx, "UPDATE uploads SET leaving = '' WHERE id = $1", r.id)
		return err
	}
	return nil
}

// hasten has a row that a replay owes go with what comes in: its file came in again.
func (f following) hasten(ctx context.Context, r row) error {
	_, err := f.tx.Exec(ctx, `UPDATE uploads SET late = 0, changed = CASE reason WHEN 'replay' THEN $1 ELSE changed END,
		reason = CASE reason WHEN 'replay' THEN 'quiet' ELSE reason END WHERE id = $2`, nanos(f.now), r.id)
	return err
}

// revive starts a row afresh.
func (f following) revive(ctx context.Context, r row, o uploader.Owed) error {
	ref := r.blob
	if ref == "" {
		ref = f.entry.Blob
	}
	f.l.hear.due(o.Destination, time.Unix(0, f.until(f.since)))
	_, err := f.tx.Exec(ctx, `UPDATE uploads SET state = 'settling', reason = 'quiet', error = '', remedy = '', tries = 0, unusual = 0,
		late = 0, released = 0, finished = 0, hosted = NULL, due = $1, blob = $2, inline = $3, host = $4, ord = $5, changed = $6, since = $7 WHERE id = $8`,
		f.until(f.since), string(ref), number(f.entry.Inline), o.Host, o.Order, nanos(f.now), f.since, r.id)
	return err
}

// leave ends a row that nothing is owed for any more, unless it is being sent:
// then its end decides.
func (f following) leave(ctx context.Context, r row, reason string) error {
	switch {
	case r.state == uploader.Sending:
		_, err := f.tx.Exec(ctx, "UPDATE uploads SET leaving = $1 WHERE id = $2", reason, r.id)
		return err
	case leads(r.state, r.reason):
		if err := end(ctx, f.tx, r.id, uploader.Superseded, reason, f.now); err != nil {
			return err
		}
		return f.l.unparkBehind(ctx, f.tx, r.id, f.now)
	case r.unclaimed():
		return end(ctx, f.tx, r.id, uploader.Superseded, reason, f.now)
	}
	return nil
}

// leads reports whether others of the same bytes may wait for what becomes of a
// row that is not being sent: its reply is lost, or it was let go first.
func leads(s uploader.State, reason string) bool {
	return s == uploader.AmbiguousState || s == uploader.Settling && reason == ""
}

// unparkBehind lets the next row of the same bytes go where one that led is given
// up.
func (l *Ledger) unparkBehind(ctx context.Context, tx vfs.Tx, id int64, now time.Time) error {
	us, _, err := uploadsAnd(ctx, tx, "WHERE u.id = $1", id)
	if err != nil || len(us) == 0 {
		return err
	}
	l.hear.due("", now)
	return unpark(ctx, tx, uploader.Claimed{Upload: us[0]}, now)
}

func (f following) insert(ctx context.Context, o uploader.Owed) error {
	e := f.entry
	f.l.hear.due(o.Destination, time.Unix(0, f.until(f.since)))
	_, err := f.tx.Exec(ctx, `INSERT INTO uploads
		(key, entry, destination, host, sha256, blob, inline, size, type, path, ord, state, reason, due, created, changed, since, dir)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'settling', 'quiet', $12, $13, $13, $14, $15)`,
		string(blob.NewRef(f.now)), int64(e.ID), o.Destination, o.Host, e.SHA256[:], string(e.Blob), number(e.Inline), e.Size, e.Type,
		f.path, o.Order, f.until(f.since), nanos(f.now), f.since, int64(e.Parent))
	return err
}

// end gives a row its last state and lets its bytes go.
func end(ctx context.Context, tx vfs.Tx, id int64, state uploader.State, reason string, now time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO garbage SELECT blob, CAST($1 AS BIGINT) FROM uploads WHERE id = $2 AND blob IS NOT NULL
		ON CONFLICT DO NOTHING`, nanos(now), id)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, "UPDATE uploads SET state = $1, reason = $2, finished = $3, changed = $3, blob = NULL WHERE id = $4",
		string(state), reason, nanos(now), id)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, "UPDATE hosted SET fate = 'doubtful', replacer = 0 WHERE fate = 'replacing' AND replacer = $1", id)
	return err
}

// removed lets go of what is owed for files that are gone.
func (l *Ledger) removed(ctx context.Context, tx vfs.Tx, c vfs.Change, now time.Time) error {
	deletions := 0
	for ids := range slices.Chunk(c.IDs, 100) {
		list, args := in(ids, nanos(now))
		_, err := tx.Exec(ctx, `INSERT INTO garbage SELECT DISTINCT blob, CAST($1 AS BIGINT) FROM uploads
			WHERE entry IN `+list+` AND state IN ('settling', 'held', 'failed', 'ambiguous') AND blob IS NOT NULL
			ON CONFLICT DO NOTHING`, args...)
		if err != nil {
			return err
		}
		led, err := leading(ctx, tx, list, args)
		if err != nil {
			return err
		}
		n, err := l.forsakeRemoved(ctx, tx, c, list, args, now)
		if err != nil {
			return err
		}
		deletions += n
		_, err = tx.Exec(ctx, `UPDATE hosted SET fate = 'doubtful', replacer = 0 WHERE fate = 'replacing' AND CAST($1 AS BIGINT) > 0
			AND replacer IN (SELECT id FROM uploads WHERE entry IN `+list+` AND state IN ('settling', 'held', 'failed', 'ambiguous'))`, args...)
		if err != nil {
			return err
		}
		// One statement: while sending, only a note of what to do if it fails.
		_, err = tx.Exec(ctx, `UPDATE uploads SET
			leaving  = CASE state WHEN 'sending' THEN 'removed' ELSE '' END,
			changed  = $1,
			finished = CASE state WHEN 'sending' THEN finished ELSE $1 END,
			blob     = CASE state WHEN 'sending' THEN blob ELSE NULL END,
			reason   = CASE state WHEN 'sending' THEN reason ELSE 'removed' END,
			state    = CASE state WHEN 'sending' THEN 'sending' ELSE 'dropped' END
			WHERE entry IN `+list+` AND state IN ('settling', 'held', 'failed', 'ambiguous', 'sending')`, args...)
		if err != nil {
			return err
		}
		for _, id := range led {
			if err := l.unparkBehind(ctx, tx, id, now); err != nil {
				return err
			}
		}
	}
	if deletions == 0 {
		return nil
	}
	folder := vfs.Key(c.Path)
	if !c.Entry.Dir {
		folder = path.Dir(folder)
	}
	return l.ebb(ctx, tx, folder, c.Entry.Dir, c.Entry.Parent, deletions, now)
}

// leading returns the uploads of the listed entries that others may wait for.
func leading(ctx context.Context, tx vfs.Tx, list string, args []any) (ids []int64, err error) {
	err = each(ctx, tx, func(s *sql.Rows) error {
		var id int64
		err := s.Scan(&id)
		ids = append(ids, id)
		return err
	}, "SELECT id FROM uploads WHERE CAST($1 AS BIGINT) > 0 AND entry IN "+list+" AND (state = 'ambiguous' OR state = 'settling' AND reason = '')", args...)
	return ids, err
}

// in returns "($2, $3, …)" for ids, whose number is rounded up by repeating one
// so that few different statements are prepared, and the arguments from first on.
func in(ids []vfs.ID, first ...any) (string, []any) {
	n := 1
	for n < len(ids) {
		n *= 4
	}
	args, list := slices.Grow(first, n), []byte("(")
	for i := range n {
		args = append(args, int64(ids[min(i, len(ids)-1)]))
		list = fmt.Appendf(list, "$%d, ", len(args))
	}
	list[len(list)-2] = ')'
	return string(list[:len(list)-1]), args
}

// ofSettings reports whether a hold for reason may end when settings change.
func ofSettings(reason string) bool {
	return reason == uploader.ReasonNoAlbum || reason == uploader.ReasonSettings || reason == uploader.ReasonType
}

// Reconsider looks again at what waits because of settings; call it after a
// reload.
func (l *Ledger) Reconsider(ctx context.Context) error {
	err := l.write(ctx, l.reconsider)
	l.hear.tellAll()
	return err
}

func (l *Ledger) reconsider(ctx context.Context, tx vfs.Tx, now time.Time) error {
	for d := range l.config.Load().destinations {
		n, err := exec(ctx, tx, `UPDATE uploads SET state = 'settling', reason = 'quiet', error = '', remedy = '', due = $1, changed = $1
			WHERE destination = $2 AND state = 'held' AND reason IN ('no-album', 'settings', 'type')`, nanos(now), d)
		if err != nil {
			return err
		}
		if n > 0 {
			l.hear.due(d, now)
		}
	}
	return nil
}
