package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"slipway/uploader"
	"slipway/vfs"
)

// DeletionQuery says which deletions are meant. The zero value is all of them.
type DeletionQuery struct {
	States      []uploader.DeletionState // none: any
	Destination string                   // "": any
	Prefix      string                   // what was at or below this path; "" or "/": anywhere
	Entries     []vfs.ID                 // of these files; none: of any
	IDs         []int64                  // these; none: any
	Brake       int64                    // that wait for it; 0: any
	// Before and Limit are for Deletions alone.
	Before int64 // ids below it only: the last one of the page before; 0: from the newest on
	Limit  int   // 1 to 1000; 0: 100
}

const (
	deletionsLimit = 100
	deletionsMost  = 1000
)

const selectDeletions = `SELECT d.id, d.entry, d.path, d.why, d.state, d.due, d.created, d.changed, d.finished, d.tries, d.error, d.remedy, d.brake,
	d.attempt, h.id, h.host, h.destination, h.sha256, h.album, h.category, h.created, h.expires, h.deleted, h.remote, h.url, h.viewer_url,
	h.thumbnail_url, h.identical, h.awaiting, h.prepared, h.fate, h.delete_url
	FROM deletions d JOIN hosted h ON h.id = d.hosted `

// scanDeletion reads a row of selectDeletions; only who performs it may see the
// secret.
func scanDeletion(s *sql.Rows) (c uploader.ClaimedDeletion, err error) {
	d := &c.Deletion
	h := &d.Picture
	var due, created, changed, finished, made, expires, deleted, identical, awaiting int64
	var sum []byte
	err = s.Scan(&d.ID, &d.Entry, &d.Path, &d.Why, &d.State, &due, &created, &changed, &finished, &d.Tries, &d.Error, &d.Remedy, &d.Brake,
		&c.Attempt, &h.ID, &h.Host, &h.Destination, &sum, &h.Album, &h.Category, &made, &expires, &deleted, &h.Result.ID, &h.URL, &h.ViewerURL,
		&h.ThumbnailURL, &identical, &awaiting, &h.Prepared, &h.Fate, (*string)(&c.DeleteURL))
	copy(h.SHA256[:], sum)
	d.Due, d.Created, d.Changed, d.Finished = moment(due), moment(created), moment(changed), moment(finished)
	h.Created, h.Expires, h.Deleted, h.Identical, h.Awaiting = moment(made), moment(expires), moment(deleted), identical != 0, awaiting != 0
	h.Result.Expires = h.Expires
	return c, err
}

// where returns the query as a condition about deletions d, whose arguments begin
// with $1.
func (q DeletionQuery) where(l *Ledger) (condition string, args []any) {
	var and []string
	add := func(format string, arg any) {
		args = append(args, arg)
		and = append(and, fmt.Sprintf(format, len(args)))
	}
	if len(q.States) > 0 {
		states := make([]string, len(q.States))
		for i, s := range q.States {
			states[i] = "'" + strings.ReplaceAll(string(s), "'", "") + "'"
		}
		and = append(and, "d.state IN ("+strings.Join(states, ", ")+")")
	}
	if q.Destination != "" {
		add("d.destination = $%d", q.Destination)
	}
	if dir := strings.TrimSuffix(q.Prefix, "/"); dir != "" {
		add("(d.path = $%d", dir)
		add("OR d.path > $%d", dir+"/")
		add("AND d.path < $%d)", dir+"0") // what follows the slash
		n := len(and) - 3
		and = append(and[:n], strings.Join(and[n:], " "))
	}
	list := func(column string, ids []int64) {
		among, arg := l.among(ids)
		args = append(args, arg)
		and = append(and, column+" "+strings.Replace(among, "$1", fmt.Sprintf("$%d", len(args)), 1))
	}
	if len(q.Entries) > 0 {
		ids := make([]int64, len(q.Entries))
		for i, e := range q.Entries {
			ids[i] = int64(e)
		}
		list("d.entry", ids)
	}
	if len(q.IDs) > 0 {
		list("d.id", q.IDs)
	}
	if q.Brake != 0 {
		add("d.brake = $%d", q.Brake)
	}
	if len(and) == 0 {
		return "1 = 1", args
	}
	return strings.Join(and, " AND "), args
}

// Deletions returns deletions, the newest first. Fewer than the limit end the list.
func (l *Ledger) Deletions(ctx context.Context, q DeletionQuery) (ds []uploader.Deletion, err error) {
	if q.Limit <= 0 {
		q.Limit = deletionsLimit
	}
	q.Limit = min(q.Limit, deletionsMost)
	where, args := q.where(l)
	if q.Before > 0 {
		args = append(args, q.Before)
		where += fmt.Sprintf(" AND d.id < $%d", len(args))
	}
	args = append(args, q.Limit)
	err = l.db.Read(ctx, func(ctx context.Context, tx vfs.Tx) error {
		ds = nil
		p, err := l.pauses(ctx, tx)
		if err != nil {
			return err
		}
		return each(ctx, tx, func(s *sql.Rows) error {
			c, err := scanDeletion(s)
			p.explainDeletion(&c.Deletion)
			ds = append(ds, c.Deletion)
			return err
		}, selectDeletions+"WHERE "+where+fmt.Sprintf(" ORDER BY d.id DESC LIMIT $%d", len(args)), args...)
	})
	return ds, wrap("deletions", err)
}

// explainDeletion says why a deletion that could go on does not: rows do not change
// when a destination is paused or taken away.
func (p pauses) explainDeletion(d *uploader.Deletion) {
	destination := d.Picture.Destination
	stopped, isPaused := p.destinations[destination]
	until, slow := p.hosts[d.Picture.Host]
	switch {
	case d.State == uploader.DeletionPaused:
		d.Error = "More pictures than usual lost their files at once, so that nothing is deleted at the host until you say so."
		d.Remedy = "Release them to have them deleted there, or refuse to keep them."
	case d.State != uploader.DeletionWaiting && d.State != uploader.Deleting:
	case !p.there[destination]:
		d.Error, d.Remedy = fmt.Sprintf("The configuration has no destination %q now.", destination), "Put it back into the configuration, or refuse the deletion."
	case isPaused:
		d.Due, d.Error, d.Remedy = stopped.Probe, "The destination is paused: "+stopped.Error, stopped.Remedy
	case slow:
		d.Due = latest(d.Due, moment(until))
	}
}

// Brake is a folder of which so much was removed at once that the deletions at the
// hosts wait for a person.
type Brake struct {
	ID      int64
	Folder  string
	Since   time.Time
	Waiting int // deletions that wait for it
}

// Brakes returns those that stand, by folder.
func (l *Ledger) Brakes(ctx context.Context) (all []Brake, err error) {
	err = l.db.Read(ctx, func(ctx context.Context, tx vfs.Tx) error {
		all = nil
		return each(ctx, tx, func(s *sql.Rows) error {
			var b Brake
			var since int64
			err := s.Scan(&b.ID, &b.Folder, &since, &b.Waiting)
			b.Since = moment(since)
			all = append(all, b)
			return err
		}, `SELECT b.id, b.folder, b.since, (SELECT count(*) FROM deletions d WHERE d.state = 'paused' AND d.brake = b.id)
			FROM brakes b WHERE b.ended = 0 ORDER BY b.folder`)
	})
	return all, wrap("brakes", err)
}

// DeletionCounts returns how many deletions each destination has by state.
func (l *Ledger) DeletionCounts(ctx context.Context) (map[string]map[uploader.DeletionState]int, error) {
	all := make(map[string]map[uploader.DeletionState]int)
	err := l.db.Read(ctx, func(ctx context.Context, tx vfs.Tx) error {
		clear(all)
		return each(ctx, tx, func(s *sql.Rows) error {
			var d string
			var state uploader.DeletionState
			var n int
			err := s.Scan(&d, &state, &n)
			if all[d] == nil {
				all[d] = make(map[uploader.DeletionState]int)
			}
			all[d][state] = n
			return err
		}, "SELECT destination, state, count(*) FROM deletions GROUP BY destination, state")
	})
	return all, wrap("deletions", err)
}

// ReleaseDeletions lets those of q that a brake holds go on, and ends the brakes at
// and below its Prefix, or that nothing waits for any more. Its States are of no
// account. It returns how many go on.
func (l *Ledger) ReleaseDeletions(ctx context.Context, q DeletionQuery) (n int, err error) {
	q.States = []uploader.DeletionState{uploader.DeletionPaused}
	err = l.write(ctx, func(ctx context.Context, tx vfs.Tx, now time.Time) error {
		n, err = l.deletionsTo(ctx, tx, q, `state = 'waiting', brake = 0, asked = 1, changed = $1,
			due = CASE WHEN due = 9223372036854775807 OR due < $1 THEN $1 ELSE due END`, now)
		return err
	})
	return n, l.told("release", err)
}

// refused is why a person's refusal kept a picture.
const refused = "A person decided to keep it."

// RefuseDeletions keeps the pictures of those of q that wait, for a brake or for
// their time, and ends brakes as ReleaseDeletions does. It returns how many are
// kept.
func (l *Ledger) RefuseDeletions(ctx context.Context, q DeletionQuery) (n int, err error) {
	q.States = slices.DeleteFunc(slices.Clone(q.States), func(s uploader.DeletionState) bool { return s == uploader.Deleting || !s.Open() })
	if len(q.States) == 0 {
		q.States = []uploader.DeletionState{uploader.DeletionWaiting, uploader.DeletionPaused}
	}
	err = l.write(ctx, func(ctx context.Context, tx vfs.Tx, now time.Time) error {
		n, err = l.deletionsTo(ctx, tx, q, "state = 'kept', brake = 0, changed = $1, finished = $1, error = '"+refused+"', remedy = ''", now)
		return err
	})
	return n, l.told("refuse", err)
}

// RetryDeletions has those of q that failed tried again at once, unless their
// pictures are needed by now. It returns how many are.
func (l *Ledger) RetryDeletions(ctx context.Context, q DeletionQuery) (n int, err error) {
	q.States = []uploader.DeletionState{uploader.DeletionFailed}
	err = l.write(ctx, func(ctx context.Context, tx vfs.Tx, now time.Time) error {
		where, args := q.where(l)
		where += ` AND NOT EXISTS (SELECT 1 FROM deletions o WHERE o.hosted = d.hosted AND o.id <> d.id AND (o.state IN ('waiting', 'paused', 'deleting')
			OR o.state = 'failed' AND o.id > d.id))`
		n, err = l.updateDeletions(ctx, tx, where, args, "state = 'waiting', asked = 1, tries = 0, error = '', remedy = '', finished = 0, changed = $1, due = $1", now)
		return err
	})
	return n, l.told("retry", err)
}

// deletionsTo changes those that wait, and ends brakes that have nothing to wait for.
func (l *Ledger) deletionsTo(ctx context.Context, tx vfs.Tx, q DeletionQuery, set string, now time.Time) (int, error) {
	where, args := q.where(l)
	n, err := l.updateDeletions(ctx, tx, where, args, set, now)
	if err != nil {
		return 0, err
	}
	return n, l.endBrakes(ctx, tx, now)
}

// updateDeletions changes those that where selects; $1 of set is now.
func (l *Ledger) updateDeletions(ctx context.Context, tx vfs.Tx, where string, args []any, set string, now time.Time) (int, error) {
	at := fmt.Sprintf("CAST($%d AS BIGINT)", len(args)+1)
	n, err := exec(ctx, tx, "UPDATE deletions SET "+strings.ReplaceAll(set, "$1", at)+" WHERE id IN (SELECT d.id FROM deletions d WHERE "+where+")",
		append(args, nanos(now))...)
	return int(n), err
}

// endBrakes ends those that no deletion waits for.
func (l *Ledger) endBrakes(ctx context.Context, tx vfs.Tx, now time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE brakes SET ended = $1 WHERE ended = 0
		AND NOT EXISTS (SELECT 1 FROM deletions d WHERE d.state = 'paused' AND d.brake = brakes.id)`, nanos(now))
	return err
}

// told wakes who performs deletions, and whoever shows them, after a person's
// decision.
func (l *Ledger) told(what string, err error) error {
	if err == nil {
		l.hear.deletions("", l.clock())
		l.hear.tellAll()
	}
	return wrap(what+" deletions", err)
}

// DeleteHosted records, by hand, that a picture is to be deleted at its host, at
// once. It is kept all the same where a file needs it. It returns the deletion's id.
func (l *Ledger) DeleteHosted(ctx context.Context, hosted int64) (id int64, err error) {
	err = l.write(ctx, func(ctx context.Context, tx vfs.Tx, now time.Time) error {
		id = 0
		n, err := exec(ctx, tx, `UPDATE deletions SET asked = 1, brake = 0, state = 'waiting', due = $1, changed = $1
			WHERE hosted = $2 AND state IN ('waiting', 'paused')`, nanos(now), hosted)
		if err != nil {
			return err
		}
		if n == 0 {
			_, err = tx.Exec(ctx, `INSERT INTO deletions (hosted, host, destination, sha256, entry, path, why, state, asked, due, created, changed)
				SELECT h.id, h.host, h.destination, h.sha256, COALESCE(u.entry, 0), COALESCE(u.path, ''), 'by-hand', 'waiting', 1,
				CAST($1 AS BIGINT), CAST($1 AS BIGINT), CAST($1 AS BIGINT)
				FROM hosted h LEFT JOIN uploads u ON u.id = (SELECT max(id) FROM uploads WHERE hosted = h.id)
				WHERE h.id = $2 AND h.deleted = 0 ON CONFLICT DO NOTHING`, nanos(now), hosted)
			if err != nil {
				return err
			}
		}
		_, err = optional(tx.QueryRow(ctx, "SELECT id FROM deletions WHERE hosted = $1 AND state IN ('waiting', 'paused', 'deleting')", hosted), &id)
		if err == nil && id == 0 {
			err = fmt.Errorf("picture %d: %w: it is unknown here or deleted already", hosted, uploader.ErrState)
		}
		if err == nil {
			err = l.endBrakes(ctx, tx, now)
		}
		return err
	})
	return id, l.told("record", err)
}
