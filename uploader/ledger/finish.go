package ledger

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"slipway/uploader"
	"slipway/vfs"
	"slipway/vfs/blob"
)

// mine is the condition of every write about a claimed row.
const mine = "id = $1 AND attempt = $2 AND state = 'sending'"

// Renew prolongs leases; see uploader.Claims.
func (l *Ledger) Renew(ctx context.Context, claimed []uploader.Claimed, lease time.Duration) (lost []uploader.Claimed, err error) {
	err = l.db.Write(ctx, func(ctx context.Context, tx vfs.Tx) error {
		lost = nil
		now, err := l.now(ctx, tx)
		if err != nil {
			return err
		}
		for _, c := range claimed {
			n, err := exec(ctx, tx, "UPDATE uploads SET lease = $3 WHERE "+mine, c.ID, c.Attempt, nanos(now.Add(lease)))
			if err != nil {
				return err
			}
			if n == 0 {
				lost = append(lost, c)
			}
		}
		return nil
	})
	return lost, wrap("renew", err)
}

// Copy stores a copy number; see uploader.Records.
func (l *Ledger) Copy(ctx context.Context, c uploader.Claimed, number int) error {
	return l.update(ctx, "copy", c, "copy = $3", number)
}

func (l *Ledger) update(ctx context.Context, what string, c uploader.Claimed, set string, more ...any) error {
	err := l.db.Write(ctx, func(ctx context.Context, tx vfs.Tx) error {
		n, err := exec(ctx, tx, "UPDATE uploads SET "+set+" WHERE "+mine, append([]any{c.ID, c.Attempt}, more...)...)
		if err == nil && n == 0 {
			err = uploader.ErrLost
		}
		return err
	})
	return wrap(what, err)
}

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("ledger: %s: %w", what, err)
}

// Facts returns what the rows around c say; see uploader.Records.
func (l *Ledger) Facts(ctx context.Context, c uploader.Claimed) (f uploader.Facts, err error) {
	err = l.db.Read(ctx, func(ctx context.Context, tx vfs.Tx) error {
		var n int64
		if len(c.Known) > 0 {
			var err error
			f.Referred, err = optional(tx.QueryRow(ctx, `SELECT u.id FROM uploads u JOIN entries e ON e.id = u.entry AND e.sha256 = u.sha256
				WHERE u.hosted = $1 AND u.entry <> $2 LIMIT 1`, c.Known[0].ID, int64(c.Entry)), &n)
			if err != nil {
				return err
			}
		}
		var err error
		f.OthersPass, err = optional(tx.QueryRow(ctx, `SELECT upload FROM attempts WHERE host = $1 AND outcome = 'done' AND upload <> $2
			AND started >= COALESCE((SELECT started FROM attempts WHERE upload = $2 ORDER BY number DESC LIMIT 1 OFFSET 2), 0) LIMIT 1`,
			c.Host, c.ID), &n)
		return err
	})
	return f, wrap("facts", err)
}

// Return gives rows back; see uploader.Claims.
func (l *Ledger) Return(ctx context.Context, claimed []uploader.Claimed) error {
	err := l.write(ctx, func(ctx context.Context, tx vfs.Tx, now time.Time) error {
		for _, c := range claimed {
			err := l.finish(ctx, tx, c, back(c), now)
			if err != nil && !errors.Is(err, uploader.ErrLost) {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return wrap("return", err)
	}
	l.hear.tellEntries(entriesOf(claimed)...)
	for _, c := range claimed {
		l.hear.due(c.Destination, l.clock())
	}
	return nil
}

// back is the outcome of a claim of which nothing was made.
func back(c uploader.Claimed) uploader.Outcome {
	o := uploader.Outcome{State: uploader.Settling, Error: c.Error, Remedy: c.Remedy, Tries: c.Tries, Unusual: c.Unusual, Copy: c.Copy,
		Notes: c.Notes, Album: c.Album, Category: c.Category, Kind: "returned", Sent: c.Upload.Sent, Lost: !c.Lost.IsZero()}
	if c.Resolve {
		o.State, o.Reason, o.Lost = uploader.AmbiguousState, uploader.ReasonLostReply, true
	}
	return o
}

// Finish ends a claim; see uploader.Records.
func (l *Ledger) Finish(ctx context.Context, c uploader.Claimed, o uploader.Outcome) error {
	noticed := false
	err := l.write(ctx, func(ctx context.Context, tx vfs.Tx, now time.Time) (err error) {
		if err := l.finish(ctx, tx, c, o, now); err != nil {
			return err
		}
		if noticed, err = l.notify(ctx, tx, c, o.State, now); err != nil {
			return err
		}
		if o.PauseDestination {
			if err := pause(ctx, tx, c.Destination, "refused", o.Error, o.Remedy, now); err != nil {
				return err
			}
		}
		return pauseHost(ctx, tx, c.Host, o.PauseHost, o.Error, now)
	})
	if err != nil {
		return wrap("finish", err)
	}
	if noticed {
		l.bells.ring()
	}
	if l.hear.tellEntries(c.Entry); o.PauseDestination || o.PauseHost > 0 {
		l.hear.tellAll() // whatever waits for it says so
	}
	// The row itself may be due again, and those that waited behind it are.
	l.hear.due("", l.clock().Add(max(o.Wait, 0)))
	return nil
}

// pauseHost sends nothing to a host for a while.
func pauseHost(ctx context.Context, tx vfs.Tx, host string, wait time.Duration, text string, now time.Time) error {
	if wait <= 0 {
		return nil
	}
	_, err := tx.Exec(ctx, `INSERT INTO hosts (name, until, reason) VALUES ($1, $2, $3) ON CONFLICT (name) DO UPDATE
		SET until = CASE WHEN excluded.until > hosts.until THEN excluded.until ELSE hosts.until END, reason = excluded.reason`,
		host, nanos(now.Add(wait)), text)
	return err
}

// finish writes an outcome: the row, its picture, its history, and the blob that
// nobody owes any more.
func (l *Ledger) finish(ctx context.Context, tx vfs.Tx, c uploader.Claimed, o uploader.Outcome, now time.Time) error {
	var leaving string
	var ref blob.Ref
	found, err := optional(tx.QueryRow(ctx, "SELECT leaving, COALESCE(blob, '') FROM uploads WHERE "+mine, c.ID, c.Attempt), &leaving, &ref)
	if err != nil {
		return err
	}
	if !found {
		return uploader.ErrLost
	}
	clean(&o)
	if o.Picture != nil {
		gone, err := goneMeanwhile(ctx, tx, c, o.Picture)
		if err != nil {
			return err
		}
		if gone {
			o = anew(c, o)
		}
	}
	unasked := o.State == uploader.AmbiguousState // of this reply nobody was told yet
	leave(&o, leaving)
	var hosted any
	if o.Picture != nil {
		id, err := picture(ctx, tx, c, o, ref, now)
		if err != nil {
			return err
		}
		if o.Reason != uploader.ReasonNoURL { // then it only says that the host has these bytes
			hosted = id
		}
	}
	// A replay that did not come to its end takes nothing from the file that it had.
	keeps := o.Picture == nil && o.State != uploader.Done && o.State != uploader.Awaiting
	finished, due, keep := int64(0), nanos(now.Add(o.Wait)), o.State.Live()
	if o.Wait < 0 || !waits(o.State) {
		due = never
	}
	if !waits(o.State) && o.State != uploader.Held {
		finished = nanos(now)
	}
	_, err = tx.Exec(ctx, `UPDATE uploads SET state = $3, reason = $4, error = $5, remedy = $6, notes = $7, tries = $8, unusual = $9, copy = $10,
		due = $11, finished = $12, sent = CASE WHEN CAST($13 AS BIGINT) <> 0 THEN CAST($13 AS BIGINT) ELSE sent END,
		lost = CASE WHEN $14 = 0 THEN 0 WHEN lost <> 0 THEN lost ELSE CAST($15 AS BIGINT) END,
		album = $16, category = $17, hosted = CASE WHEN $22 <> 0 THEN hosted ELSE $18 END, delete_old = $21, blob = CASE WHEN $19 <> 0 THEN blob ELSE NULL END,
		again = CASE WHEN $23 <> 0 OR $14 = 0 THEN 0 ELSE again END,
		attempts = attempts - $20, changed = CAST($15 AS BIGINT), lease = 0, body = 0, leaving = '' WHERE `+mine,
		c.ID, c.Attempt, string(o.State), o.Reason, o.Error, o.Remedy, strings.Join(o.Notes, "\n"), o.Tries, o.Unusual, o.Copy,
		due, finished, nanos(o.Sent), number(o.Lost), nanos(now), o.Album, o.Category, hosted, number(keep), number(!o.Requested),
		number(o.OnReplace == uploader.DeleteOld), number(keeps), number(unasked))
	if err != nil {
		return err
	}
	if !keep && ref != "" {
		if _, err := tx.Exec(ctx, "INSERT INTO garbage VALUES ($1, $2) ON CONFLICT DO NOTHING", string(ref), nanos(now)); err != nil {
			return err
		}
	}
	if err := remember(ctx, tx, c, o, now); err != nil {
		return err
	}
	if err := l.replaced(ctx, tx, c, o, hosted, now); err != nil {
		return err
	}
	if hosted != nil {
		if err := l.letGo(ctx, tx, c, o, leaving, now); err != nil {
			return err
		}
	}
	if o.State == uploader.AmbiguousState {
		return nil
	}
	return unpark(ctx, tx, c, now)
}

// letGo records what is to be deleted at the host now that c's bytes are there: these,
// where their file is gone, and those of earlier bytes, where the route says so.
func (l *Ledger) letGo(ctx context.Context, tx vfs.Tx, c uploader.Claimed, o uploader.Outcome, leaving string, now time.Time) error {
	if leaving == uploader.ReasonRemoved {
		return l.forsakeLate(ctx, tx, c.ID, now)
	}
	if o.OnReplace != uploader.DeleteOld {
		return nil
	}
	return l.forsakeOld(ctx, tx, c.Entry, c.Destination, now)
}

// anewLast is the longest wait before bytes go their way anew.
const anewLast = 15 * time.Minute

// anew is the outcome of a claim that ended in a picture which is not there any more,
// or will not be: the bytes go their way anew.
func anew(c uploader.Claimed, o uploader.Outcome) uploader.Outcome {
	b := back(c)
	b.State, b.Reason, b.Lost, b.Requested, b.Sent = uploader.Settling, "", false, o.Requested, o.Sent
	if o.Requested { // it was answered with what is being deleted there, which may take long
		b.Wait = min(lockedFor<<min(max(c.Attempts-1, 0), 8), anewLast)
	}
	return b
}

// waits reports whether a row in s comes to be due.
func waits(s uploader.State) bool { return s == uploader.Settling || s == uploader.AmbiguousState }

// leave turns the outcome of a row that nothing is owed for any more into an
// end, unless it succeeded.
func leave(o *uploader.Outcome, reason string) {
	if reason == "" || o.State == uploader.Done || o.State == uploader.Awaiting {
		return
	}
	o.State, o.Reason = uploader.Superseded, reason
	if reason == uploader.ReasonRemoved {
		o.State = uploader.Dropped
	}
}

// remember completes the history, or takes out of it what was no request.
func remember(ctx context.Context, tx vfs.Tx, c uploader.Claimed, o uploader.Outcome, now time.Time) error {
	if !o.Requested {
		_, err := tx.Exec(ctx, "DELETE FROM attempts WHERE upload = $1 AND number = $2", c.ID, c.Attempt)
		return err
	}
	text := o.Error
	// What has no text for people is no error, whatever the host called it.
	if code := "(" + o.Code + ")"; text != "" && o.Code != "" && !strings.Contains(text, code) {
		text += " " + code // else the text for people says it
	}
	_, err := tx.Exec(ctx, "UPDATE attempts SET ended = $1, outcome = $2, error = $3 WHERE upload = $4 AND number = $5",
		nanos(now), o.Kind, text, c.ID, c.Attempt)
	return err
}

// unpark lets the next row of the same bytes go, one of each destination: one of
// them may be paused. What a replay owes comes last. Its cost does not grow with how
// many wait.
func unpark(ctx context.Context, tx vfs.Tx, c uploader.Claimed, now time.Time) error {
	for destination := ""; ; {
		var id int64
		found, err := optional(tx.QueryRow(ctx, nextParked, c.Host, c.SHA256[:], destination), &id, &destination)
		if err != nil || !found {
			return err
		}
		if _, err := tx.Exec(ctx, "UPDATE uploads SET due = $1, reason = '' WHERE id = $2", nanos(now), id); err != nil {
			return err
		}
	}
}

const nextParked = `SELECT id, destination FROM uploads
	WHERE host = $1 AND sha256 = $2 AND destination > $3 AND reason = 'same-bytes' ORDER BY destination, late LIMIT 1`

// picture returns the id of what the host has, writing it down where the ledger
// does not know it yet.
func picture(ctx context.Context, tx vfs.Tx, c uploader.Claimed, o uploader.Outcome, ref blob.Ref, now time.Time) (id int64, err error) {
	p := o.Picture
	if p.ID != 0 {
		return p.ID, nil
	}
	if p.Result.ID != "" { // the host answered with a picture that we know
		found, err := optional(tx.QueryRow(ctx, `SELECT id FROM hosted WHERE host = $1 AND sha256 = $2 AND remote = $3 AND prepared = $4 AND deleted = 0 AND fate <> 'deleting'
			ORDER BY id DESC LIMIT 1`, c.Host, c.SHA256[:], p.Result.ID, p.Prepared), &id)
		if err != nil {
			return 0, err
		}
		if found {
			_, err = tx.Exec(ctx, `UPDATE hosted SET url = $1, viewer_url = $2, thumbnail_url = $3, album = $4, category = $5, expires = $6,
				fate = '', replacer = 0 WHERE id = $7`, p.URL, p.ViewerURL, p.ThumbnailURL, o.Album, o.Category, nanos(p.Result.Expires), id)
			return id, err
		}
	}
	var held any
	if o.HoldBlob && ref != "" {
		held = string(ref)
	}
	before, err := hadBefore(ctx, tx, c, p)
	if err != nil {
		return 0, err
	}
	err = tx.QueryRow(ctx, `INSERT INTO hosted (host, destination, sha256, remote, url, viewer_url, thumbnail_url, delete_url, identical,
		awaiting, album, category, created, expires, deleted, blob, inline, size, type, prepared, existing)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, 0, $15, $16, $17, $18, $19, $20) RETURNING id`,
		c.Host, c.Destination, c.SHA256[:], p.Result.ID, p.URL, p.ViewerURL, p.ThumbnailURL, p.DeleteURL, number(p.Identical),
		number(p.Awaiting), o.Album, o.Category, nanos(now), nanos(p.Result.Expires), held, number(c.Inline), c.Size, c.Type, p.Prepared, number(before)).Scan(&id)
	return id, err
}

// clean makes every text of o one that the database takes: hosts and operating
// systems put into their errors what they like.
func clean(o *uploader.Outcome) {
	for _, s := range []*string{&o.Error, &o.Remedy, &o.Code, &o.Kind, &o.Album, &o.Category} {
		*s = valid(*s)
	}
	notes := make([]string, len(o.Notes))
	for i, n := range o.Notes {
		notes[i] = valid(n)
	}
	o.Notes = notes
	if o.Picture == nil {
		return
	}
	p := *o.Picture
	for _, s := range []*string{&p.Album, &p.Category, &p.Result.ID, &p.URL, &p.ViewerURL, &p.ThumbnailURL, &p.DeleteURL} {
		*s = valid(*s)
	}
	o.Picture = &p
}

// valid returns s as a database takes it.
func valid(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "")
}
