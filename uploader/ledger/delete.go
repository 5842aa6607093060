package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"slipway/uploader"
	"slipway/vfs"
)

const (
	// deletionsLook is how many deletions that are due a claim looks at.
	deletionsLook = 100
	// postponed is the shortest and the longest time for which a deletion waits for
	// uploads of the same bytes to come to their end.
	postponedFirst = time.Minute
	postponedLast  = time.Hour
)

// Why a picture is kept though its file let it go; sentences for people.
const (
	keptDeleted  = "It was deleted before."
	keptExpired  = "It had expired at the host already."
	keptReplaced = "Its address shows the file's newer bytes."
	keptNeeded   = "A file that is here has this picture's bytes and its address."
	keptPrevious = "It is the earlier version of a file that is here, whose route keeps those."
	keptBefore   = "The host had this picture before it was sent from here. Delete it there by hand if it has to go."
	keptAway     = "The bytes of a file that is here were let go, and this picture has them."
	keptRoute    = "The route of its file keeps pictures at the hosts now."
	keptCannot   = "This host cannot delete pictures for us, so it stays there. Delete it there by hand if it has to go."
)

// ClaimDeletions takes deletions in hand; see uploader.Deletions.
func (l *Ledger) ClaimDeletions(ctx context.Context, r uploader.DeletionRequest) (claimed []uploader.ClaimedDeletion, next time.Time, err error) {
	next, due, err := l.deletionDue(ctx, r.Destination)
	if err != nil || !due { // looking is free
		return nil, next, wrap("claim deletions", err)
	}
	var paused bool
	err = l.db.Write(ctx, func(ctx context.Context, tx vfs.Tx) error {
		now, err := l.now(ctx, tx)
		if err != nil {
			return err
		}
		t := taking{claim: claim{ClaimRequest: r.ClaimRequest, l: l, tx: tx, now: now}, deletes: r.Deletes}
		if err := t.run(ctx); err != nil {
			return err
		}
		claimed, next, paused = t.taken, t.next, t.paused
		if !t.wrote {
			return errNothing
		}
		return nil
	})
	switch {
	case errors.Is(err, errNothing):
	case err != nil:
		return nil, time.Time{}, wrap("claim deletions", err)
	default:
		l.hear.committed()
	}
	if paused {
		return nil, next, uploader.ErrPaused
	}
	return claimed, next, nil
}

// openDeletions are the states that are looked at when they are due: what a brake
// holds may turn out to be needed, and is not asked about any more.
var openDeletions = []uploader.DeletionState{uploader.Deleting, uploader.DeletionWaiting, uploader.DeletionPaused}

// deletionDue returns when a destination's next deletion is due, and whether that is
// now; zero: there is none.
func (l *Ledger) deletionDue(ctx context.Context, destination string) (next time.Time, due bool, err error) {
	err = l.db.Read(ctx, func(ctx context.Context, tx vfs.Tx) error {
		now, err := l.now(ctx, tx)
		if err == nil {
			next, err = nextDeletion(ctx, tx, destination)
		}
		due = !next.IsZero() && !next.After(now)
		return err
	})
	return next, due, err
}

func nextDeletion(ctx context.Context, tx vfs.Tx, destination string) (next time.Time, err error) {
	for _, state := range openDeletions {
		var due int64
		err := tx.QueryRow(ctx, "SELECT COALESCE(min(due), 9223372036854775807) FROM deletions WHERE destination = $1 AND state = $2",
			destination, string(state)).Scan(&due)
		if err != nil {
			return next, err
		}
		if t := moment(due); !t.IsZero() && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	return next, nil
}

// taking is one ClaimDeletions under way.
type taking struct {
	claim
	deletes bool
	taken   []uploader.ClaimedDeletion
	wrote   bool
	brakes  []Brake // that stand
}

func (t *taking) run(ctx context.Context) error {
	if rerouting, err := isRerouting(ctx, t.tx); rerouting || err != nil {
		t.next = t.now.Add(poll) // who has the pictures is being found out
		return err
	}
	if t.deletes {
		for _, limit := range []func(context.Context) error{t.pauses, t.windows} {
			if err := limit(ctx); err != nil || t.N <= 0 {
				return err
			}
		}
	}
	var err error
	if t.brakes, err = standing(ctx, t.tx); err != nil {
		return err
	}
	looked := 0
	for _, state := range openDeletions {
		n, err := t.take(ctx, state)
		if err != nil {
			return err
		}
		looked += n
	}
	if t.wrote {
		if err := errors.Join(t.l.endBrakes(ctx, t.tx, t.now), calm(ctx, t.tx, t.now)); err != nil {
			return err
		}
	}
	next, err := nextDeletion(ctx, t.tx, t.Destination)
	if err == nil && !next.IsZero() {
		t.later(next)
	}
	return err
}

func standing(ctx context.Context, tx vfs.Tx) (all []Brake, err error) {
	err = each(ctx, tx, func(s *sql.Rows) error {
		var b Brake
		err := s.Scan(&b.ID, &b.Folder)
		all = append(all, b)
		return err
	}, "SELECT id, folder FROM brakes WHERE ended = 0")
	return all, err
}

// due is a deletion that is, and what decides about it.
type due struct {
	id       int64
	hosted   int64
	host     string
	sum      []byte
	remote   string
	entry    int64
	path     string
	why      uploader.DeletionWhy
	asked    bool
	created  int64
	deleted  int64
	expires  int64
	fate     uploader.Fate
	underWay bool // bytes that may come to refer to it are on their way
}

// take looks at those of one state that are due.
func (t *taking) take(ctx context.Context, state uploader.DeletionState) (looked int, err error) {
	var list []due
	err = each(ctx, t.tx, func(s *sql.Rows) error {
		var d due
		var asked int64
		err := s.Scan(&d.id, &d.hosted, &d.host, &d.sum, &d.remote, &d.entry, &d.path, &d.why, &asked, &d.created, &d.deleted, &d.expires, &d.fate)
		d.asked = asked != 0
		list = append(list, d)
		return err
	}, `SELECT d.id, h.id, h.host, h.sha256, h.remote, d.entry, d.path, d.why, d.asked, d.created, h.deleted, h.expires, h.fate
		FROM deletions d JOIN hosted h ON h.id = d.hosted WHERE d.destination = $1 AND d.state = $2 AND d.due <= $3 ORDER BY d.due LIMIT $4`,
		t.Destination, string(state), nanos(t.now), deletionsLook)
	for _, d := range list {
		if err != nil || len(t.taken) >= t.N && state != uploader.DeletionPaused {
			break
		}
		t.wrote = true
		switch {
		case d.host != t.Host:
			err = t.elsewhere(ctx, d, state)
		case state == uploader.Deleting:
			err = t.begin(ctx, d)
		default:
			err = t.decide(ctx, d, state)
		}
	}
	return len(list), err
}

// decide begins a deletion, puts it off, or calls it off.
func (t *taking) decide(ctx context.Context, d due, state uploader.DeletionState) error {
	kept, err := t.kept(ctx, &d)
	if removed := d.why == uploader.WhyRemoved && !d.asked; removed && kept == "" && t.l.config.Load().router.OnDelete(d.path) != uploader.DeleteHosted {
		kept = keptRoute
	}
	switch {
	case err != nil:
		return err
	case kept != "":
		return t.set(ctx, d, "state = 'kept', brake = 0, error = $3, finished = $2", kept)
	case state == uploader.DeletionPaused:
		return t.set(ctx, d, "due = $3", never)
	}
	if d.why == uploader.WhyRemoved && !d.asked {
		for _, b := range t.brakes {
			if below(vfs.Key(d.path), b.Folder) {
				return t.set(ctx, d, "state = 'paused', brake = $3, due = 9223372036854775807", b.ID)
			}
		}
	}
	if d.underWay || d.fate == uploader.FateReplacing {
		wait := min(max(t.now.Sub(moment(d.created))/4, postponedFirst), postponedLast)
		return t.set(ctx, d, "due = $3", nanos(t.now.Add(wait)))
	}
	return t.begin(ctx, d)
}

// elsewhere ends a deletion at a host where the destination was when its picture was
// sent: what the one that it is at now has under the same id is another picture.
func (t *taking) elsewhere(ctx context.Context, d due, state uploader.DeletionState) error {
	text := fmt.Sprintf("It is at %s, where the destination was then and is not now. Delete it there by hand if it has to go.", d.host)
	if state != uploader.Deleting {
		return t.set(ctx, d, "state = 'kept', brake = 0, error = $3, finished = $2", text)
	}
	// It may be gone: it was asked for.
	err := t.set(ctx, d, "state = 'failed', owner = '', error = $3, remedy = '', due = 9223372036854775807, finished = $2", text)
	if err == nil {
		err = fated(ctx, t.tx, d.hosted, d.host, d.remote, uploader.FateDoubtful, "s.fate = 'deleting'")
	}
	if err != nil {
		return err
	}
	h := uploader.Upload{Host: d.host}
	copy(h.SHA256[:], d.sum)
	return unpark(ctx, t.tx, uploader.Claimed{Upload: h}, t.now)
}

// GiveUpDeletions ends those under way of destinations that the configuration does not
// have any more: nobody goes on with them, and other uploads of the same bytes to the
// same host would wait for ever. Call it now and then.
func (l *Ledger) GiveUpDeletions(ctx context.Context) error {
	var gone []string
	err := l.db.Read(ctx, func(ctx context.Context, tx vfs.Tx) error {
		now, err := l.now(ctx, tx)
		if err != nil {
			return err
		}
		gone = gone[:0]
		return each(ctx, tx, func(s *sql.Rows) error {
			var name string
			err := s.Scan(&name)
			if !l.config.Load().destinations[name] {
				gone = append(gone, name)
			}
			return err
		}, "SELECT DISTINCT destination FROM deletions WHERE state = 'deleting' AND due <= $1", nanos(now))
	})
	for _, name := range gone {
		if err == nil {
			err = l.write(ctx, func(ctx context.Context, tx vfs.Tx, now time.Time) error {
				t := taking{claim: claim{ClaimRequest: uploader.ClaimRequest{Destination: name, N: deletionsLook}, l: l, tx: tx, now: now}}
				_, err := t.take(ctx, uploader.Deleting) // its host is at none
				return err
			})
		}
	}
	return wrap("give up deletions", err)
}

// set changes a deletion; $2 of what is now, $3 arg.
func (t *taking) set(ctx context.Context, d due, what string, arg any) error {
	_, err := t.tx.Exec(ctx, "UPDATE deletions SET changed = $2, "+what+" WHERE id = $1", d.id, nanos(t.now), arg)
	return err
}

// kept returns why a picture is kept; "": it is not. It sets underWay.
func (t *taking) kept(ctx context.Context, d *due) (string, error) {
	switch {
	case d.deleted != 0:
		return keptDeleted, nil
	case d.expires != 0 && d.expires <= nanos(t.now):
		return keptExpired, nil
	case d.fate == uploader.FateReplaced:
		return keptReplaced, nil
	}
	// One with its address is the same picture too: not every host gives ids.
	const same = `s.host = $1 AND s.id IN (SELECT CAST($2 AS BIGINT) UNION SELECT o.id FROM hosted o WHERE o.host = $1 AND o.remote = $6 AND $6 <> ''
		UNION SELECT o.id FROM hosted o WHERE o.url <> '' AND o.url = (SELECT i.url FROM hosted i WHERE i.id = $2))`
	var needed, previous, away, before, settling, flying int64
	err := t.tx.QueryRow(ctx, `SELECT
		CASE WHEN EXISTS (SELECT 1 FROM hosted s JOIN uploads u ON u.hosted = s.id JOIN entries e ON e.id = u.entry AND e.sha256 = u.sha256
			WHERE `+same+` AND s.deleted = 0) THEN 1 ELSE 0 END,
		CASE WHEN EXISTS (SELECT 1 FROM hosted s JOIN uploads u ON u.hosted = s.id JOIN entries e ON e.id = u.entry AND e.sha256 <> u.sha256
			WHERE `+same+` AND s.deleted = 0 AND ($3 <> 'replaced' OR u.entry <> $4) AND $3 <> 'by-hand'
			AND NOT EXISTS (SELECT 1 FROM uploads p WHERE p.entry = u.entry AND p.destination = u.destination AND p.sha256 = e.sha256 AND p.delete_old = 1))
			THEN 1 ELSE 0 END,
		CASE WHEN EXISTS (`+readBack+`$5) THEN 1 ELSE 0 END,
		CASE WHEN $3 <> 'by-hand' AND EXISTS (SELECT 1 FROM hosted s WHERE `+same+` AND s.existing = 1) THEN 1 ELSE 0 END,
		CASE WHEN EXISTS (SELECT 1 FROM uploads u WHERE u.host = $1 AND u.sha256 = $5 AND u.state = 'settling') THEN 1 ELSE 0 END,
		CASE WHEN EXISTS (SELECT 1 FROM uploads u WHERE u.host = $1 AND u.sha256 = $5 AND u.state IN ('sending', 'ambiguous')) THEN 1 ELSE 0 END`,
		d.host, d.hosted, string(d.why), d.entry, d.sum, d.remote).Scan(&needed, &previous, &away, &before, &settling, &flying)
	d.underWay = settling+flying > 0
	switch {
	case err != nil:
		return "", err
	case needed != 0:
		return keptNeeded, nil
	case previous != 0:
		return keptPrevious, nil
	case away != 0:
		return keptAway, nil
	case before != 0:
		return keptBefore, nil
	case !t.deletes:
		return keptCannot, nil
	}
	return "", nil
}

// begin takes a deletion in hand: from here on nothing refers to the picture any more.
func (t *taking) begin(ctx context.Context, d due) error {
	_, err := t.tx.Exec(ctx, "UPDATE deletions SET state = 'deleting', attempt = attempt + 1, owner = $2, due = $3, changed = $4 WHERE id = $1",
		d.id, t.l.owner, nanos(t.now.Add(t.Lease)), nanos(t.now))
	if err != nil {
		return err
	}
	if err := fated(ctx, t.tx, d.hosted, d.host, d.remote, uploader.FateDeleting, "s.fate IN ('', 'doubtful')"); err != nil {
		return err
	}
	_, err = t.tx.Exec(ctx, "INSERT INTO attempts (upload, number, host, started) SELECT -id, attempt, host, CAST($1 AS BIGINT) FROM deletions WHERE id = $2",
		nanos(t.now), d.id)
	if err != nil {
		return err
	}
	return each(ctx, t.tx, func(s *sql.Rows) error {
		c, err := scanDeletion(s)
		t.taken = append(t.taken, c)
		return err
	}, selectDeletions+"WHERE d.id = $1", d.id)
}

// fated gives a hosted picture, and the rows that are the same one to its host, a fate.
func fated(ctx context.Context, tx vfs.Tx, hosted int64, host, remote string, fate uploader.Fate, where string) error {
	_, err := tx.Exec(ctx, "UPDATE hosted SET fate = $1 WHERE id IN (SELECT s.id FROM hosted s WHERE "+sameAs+" AND "+where+")",
		string(fate), hosted, host, remote)
	return err
}

// sameAs selects the rows s of hosted that are the same picture as that with the id $2,
// the host $3 and the host's id $4, which may be "": those at its address.
const sameAs = `s.host = $3 AND s.remote = $4 AND s.deleted = 0 AND s.id IN (SELECT CAST($2 AS BIGINT)
	UNION SELECT o.id FROM hosted o WHERE o.url <> '' AND o.url = (SELECT i.url FROM hosted i WHERE i.id = $2))`

// FinishDeletion ends a claim; see uploader.Deletions.
func (l *Ledger) FinishDeletion(ctx context.Context, c uploader.ClaimedDeletion, o uploader.DeletionOutcome) error {
	var entries []vfs.ID
	err := l.write(ctx, func(ctx context.Context, tx vfs.Tx, now time.Time) (err error) {
		due, finished := never, nanos(now)
		if o.State == uploader.Deleting {
			due, finished = nanos(now.Add(o.Wait)), 0
		}
		n, err := exec(ctx, tx, `UPDATE deletions SET state = $3, error = $4, remedy = $5, tries = $6, due = $7, finished = $8, changed = $9, owner = ''
			WHERE id = $1 AND attempt = $2 AND state = 'deleting'`, c.ID, c.Attempt, string(o.State), valid(o.Error), valid(o.Remedy), o.Tries, due, finished, nanos(now))
		if err != nil {
			return err
		}
		if n == 0 {
			return uploader.ErrLost
		}
		if err := pauseHost(ctx, tx, c.Picture.Host, o.PauseHost, valid(o.Error), now); err != nil {
			return err
		}
		if err := rememberDeletion(ctx, tx, c, o, now); err != nil || o.State == uploader.Deleting {
			return err
		}
		if entries, err = settleDeletion(ctx, tx, c, o, now); err != nil {
			return err
		}
		return unpark(ctx, tx, uploader.Claimed{Upload: uploader.Upload{Host: c.Picture.Host, SHA256: c.Picture.SHA256}}, now)
	})
	if err != nil {
		return wrap("finish a deletion", err)
	}
	if l.hear.tellEntries(entries...); o.PauseHost > 0 {
		l.hear.tellAll()
	}
	l.hear.due("", l.clock())
	l.hear.deletions(c.Picture.Destination, l.clock().Add(max(o.Wait, 0)))
	return nil
}

// rememberDeletion completes the history that the host's windows are counted from, or
// takes out of it what was no request.
func rememberDeletion(ctx context.Context, tx vfs.Tx, c uploader.ClaimedDeletion, o uploader.DeletionOutcome, now time.Time) error {
	if !o.Requested {
		_, err := tx.Exec(ctx, "DELETE FROM attempts WHERE upload = $1 AND number = $2", -c.ID, c.Attempt)
		return err
	}
	outcome := string(o.State)
	if o.There {
		outcome = outcomeThere
	}
	_, err := tx.Exec(ctx, "UPDATE attempts SET ended = $1, outcome = $2 WHERE upload = $3 AND number = $4", nanos(now), outcome, -c.ID, c.Attempt)
	return err
}

// outcomeThere is the outcome of a request after which the picture was there as before.
const outcomeThere = "there"

// untouched reports whether every request of a deletion left its picture there. One whose
// answer was lost may have deleted it, whatever the host says to the next.
func untouched(ctx context.Context, tx vfs.Tx, c uploader.ClaimedDeletion) (bool, error) {
	var n int64
	touched, err := optional(tx.QueryRow(ctx, "SELECT number FROM attempts WHERE upload = $1 AND outcome <> $2 LIMIT 1", -c.ID, outcomeThere), &n)
	return err == nil && !touched, err
}

// settleDeletion says of a hosted picture what its deletion made of it, and lets the
// bytes go that were kept for it. It returns the files whose receipts say so.
func settleDeletion(ctx context.Context, tx vfs.Tx, c uploader.ClaimedDeletion, o uploader.DeletionOutcome, now time.Time) (entries []vfs.ID, err error) {
	h := c.Picture
	if o.State != uploader.Deleted {
		fate := uploader.FateDoubtful
		if there, err := untouched(ctx, tx, c); err != nil {
			return nil, err
		} else if there {
			fate = ""
		}
		return nil, fated(ctx, tx, h.ID, h.Host, h.Result.ID, fate, "s.fate = 'deleting'")
	}
	var same []int64
	err = each(ctx, tx, func(s *sql.Rows) error {
		var id int64
		err := s.Scan(&id)
		same = append(same, id)
		return err
	}, "SELECT s.id FROM hosted s WHERE CAST($1 AS BIGINT) > 0 AND "+sameAs+" AND s.fate <> 'replaced'", nanos(now), h.ID, h.Host, h.Result.ID)
	for _, id := range same {
		if err != nil {
			return nil, err
		}
		_, err = tx.Exec(ctx, `INSERT INTO garbage SELECT blob, CAST($1 AS BIGINT) FROM hosted WHERE id = $2 AND blob IS NOT NULL
			ON CONFLICT DO NOTHING`, nanos(now), id)
		if err != nil {
			return nil, err
		}
		if _, err = tx.Exec(ctx, "UPDATE hosted SET deleted = $1, fate = '', blob = NULL WHERE id = $2", nanos(now), id); err != nil {
			return nil, err
		}
		err = each(ctx, tx, func(s *sql.Rows) error {
			var e vfs.ID
			err := s.Scan(&e)
			entries = append(entries, e)
			return err
		}, "UPDATE uploads SET changed = $1 WHERE hosted = $2 AND EXISTS (SELECT 1 FROM entries e WHERE e.id = uploads.entry) RETURNING entry", nanos(now), id)
	}
	return entries, err
}
