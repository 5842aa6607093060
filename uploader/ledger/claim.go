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
	// look is how many rows a claim reads at a time.
	look = 128
	// rounds is how many times it does so when rows turn out to be blocked.
	rounds = 4
	// parked is how long a row rests behind another of the same bytes, unless
	// the end of that one wakes it; lockedFor how long one under a lock.
	parked    = 5 * time.Minute
	lockedFor = 5 * time.Second
)

// Claim makes due rows Sending; see uploader.Claims.
func (l *Ledger) Claim(ctx context.Context, r uploader.ClaimRequest) (claimed []uploader.Claimed, next time.Time, err error) {
	var parked, paused bool
	err = l.db.Write(ctx, func(ctx context.Context, tx vfs.Tx) error {
		now, err := l.now(ctx, tx)
		if err != nil {
			return err
		}
		c := claim{ClaimRequest: r, l: l, tx: tx, now: now}
		if err := c.run(ctx); err != nil {
			return err
		}
		claimed, next, parked, paused = c.claimed, c.next, c.parked, c.paused
		if len(claimed) == 0 && !parked {
			return errNothing // there is nothing to make durable
		}
		return nil
	})
	if err != nil && !errors.Is(err, errNothing) {
		return nil, time.Time{}, fmt.Errorf("ledger: claim for %s: %w", r.Destination, err)
	}
	if len(claimed) > 0 {
		l.hear.committed()
		l.hear.tellEntries(entriesOf(claimed)...)
	}
	if paused {
		return nil, next, uploader.ErrPaused
	}
	if l.db.Postgres() && len(claimed) < r.N { // another process' commit does not wake us
		if soon := l.clock().Add(poll); next.IsZero() || next.After(soon) {
			next = soon
		}
	}
	return claimed, next, nil
}

// claim is one Claim under way.
type claim struct {
	uploader.ClaimRequest
	l       *Ledger
	tx      vfs.Tx
	now     time.Time
	claimed []uploader.Claimed
	next    time.Time
	parked  bool  // rows were put aside
	paused  bool  // the destination is
	more    bool  // there are more of those that go first to look through
	ahead   int64 // bytes claimed beyond Free
	full    bool  // the bytes ahead are used up
}

func (c *claim) run(ctx context.Context) error {
	if rerouting, err := isRerouting(ctx, c.tx); rerouting || err != nil {
		return err // the expansion wakes us at its end
	}
	for _, limit := range []func(context.Context) error{c.pauses, c.windows, c.concurrency} {
		if err := limit(ctx); err != nil || c.N <= 0 {
			return err
		}
	}
	for late := range int64(2) { // what a replay owes takes what the others leave
		for _, state := range []uploader.State{uploader.AmbiguousState, uploader.Settling} {
			if err := c.take(ctx, state, late); err != nil {
				return err
			}
		}
		if c.more {
			break
		}
	}
	switch {
	case c.full, len(c.claimed) == c.N, c.more: // there may be more
		c.later(c.now)
		return nil
	}
	return c.lookAhead(ctx)
}

// later makes next t where that is earlier.
func (c *claim) later(t time.Time) {
	if c.next.IsZero() || t.Before(c.next) {
		c.next = t
	}
}

// pauses ends the claim where the destination or the host's bucket is paused.
func (c *claim) pauses(ctx context.Context) error {
	var since, probe, until int64
	_, err := optional(c.tx.QueryRow(ctx, `SELECT COALESCE((SELECT paused FROM destinations WHERE name = $1), 0),
		COALESCE((SELECT probe FROM destinations WHERE name = $1), 0),
		COALESCE((SELECT until FROM hosts WHERE name = $2), 0)`, c.Destination, c.Host), &since, &probe, &until)
	switch {
	case err != nil:
		return err
	case since != 0 && !c.Probe:
		c.N, c.next, c.paused = 0, moment(probe), true
	case until > nanos(c.now):
		c.N, c.next = 0, moment(until)
	case since != 0:
		c.N = 1
	}
	return nil
}

// windows counts the requests to the host in its rolling windows.
func (c *claim) windows(ctx context.Context) error {
	for _, w := range []struct {
		limit int
		span  time.Duration
	}{{c.Limits.PerMinute, time.Minute}, {c.Limits.PerHour, time.Hour}, {c.Limits.PerDay, 24 * time.Hour}} {
		if w.limit <= 0 {
			continue
		}
		var n int
		var oldest int64
		err := c.tx.QueryRow(ctx, `SELECT count(*), COALESCE(min(started), 0) FROM
			(SELECT started FROM attempts WHERE host = $1 AND started > $2 ORDER BY started DESC LIMIT $3) AS latest`,
			c.Host, nanos(c.now.Add(-w.span)), w.limit).Scan(&n, &oldest)
		if err != nil {
			return err
		}
		c.N = min(c.N, w.limit-n)
		if n >= w.limit {
			c.later(moment(oldest).Add(w.span))
		}
	}
	return nil
}

// concurrency leaves to this process what the others do not use. Its own share
// of the wire is its own business; what it holds beyond that counts only for the
// others.
func (c *claim) concurrency(ctx context.Context) error {
	if c.Limits.Concurrency <= 0 || !c.l.db.Postgres() {
		return nil
	}
	var all, others int
	err := c.tx.QueryRow(ctx, `SELECT count(*), COALESCE(sum(CASE WHEN owner <> $1 THEN 1 ELSE 0 END), 0) FROM uploads
		WHERE host = $2 AND state IN ('sending', 'ambiguous') AND state = 'sending'`, c.l.owner, c.Host).Scan(&all, &others)
	if err != nil {
		return err
	}
	if others > 0 {
		c.N = min(c.N, c.Limits.Concurrency-all)
	}
	return nil
}

// candidate is a due row.
type candidate struct {
	id      int64
	entry   vfs.ID
	sum     [32]byte
	size    int64
	blocked bool
}

// take claims due rows of one state, those owed by a replay or the others. Those that
// are blocked are put aside, so that however many there are, the next claim does not
// read them again.
func (c *claim) take(ctx context.Context, state uploader.State, late int64) error {
	for range rounds {
		if c.full || len(c.claimed) >= c.N {
			return nil
		}
		rows, err := c.candidates(ctx, state, late)
		if err != nil {
			return err
		}
		locked, err := c.locks(ctx, rows)
		if err != nil {
			return err
		}
		aside := 0
		for _, r := range rows {
			if c.full || len(c.claimed) >= c.N {
				return nil
			}
			switch {
			case locked[r.entry]:
				err = c.aside(ctx, r, state, uploader.ReasonLocked, lockedFor)
				aside++
			case r.blocked || c.inFlight(r.sum):
				err = c.aside(ctx, r, state, uploader.ReasonSameBytes, parked)
				aside++
			default:
				err = c.claim(ctx, r, state)
			}
			if err != nil {
				return err
			}
		}
		if len(rows) < look || aside == 0 {
			return nil
		}
	}
	c.more = true
	return nil
}

const candidates = `SELECT id, entry, sha256, size,
	CASE WHEN EXISTS (SELECT 1 FROM uploads f WHERE f.host = $1 AND f.sha256 = uploads.sha256 AND f.id <> uploads.id
		AND f.state IN ('sending', 'ambiguous'))
		OR EXISTS (SELECT 1 FROM hosted h WHERE h.host = $1 AND h.sha256 = uploads.sha256 AND h.deleted = 0
		AND h.fate IN ('deleting', 'replacing') AND h.replacer <> uploads.id) THEN 1 ELSE 0 END
	FROM uploads WHERE destination = $2 AND state = $3 AND late = $4 AND due <= $5 ORDER BY due LIMIT $6`

func (c *claim) candidates(ctx context.Context, state uploader.State, late int64) (found []candidate, err error) {
	err = each(ctx, c.tx, func(s *sql.Rows) error {
		var r candidate
		var sum []byte
		var blocked int64
		if err := s.Scan(&r.id, &r.entry, &sum, &r.size, &blocked); err != nil {
			return err
		}
		copy(r.sum[:], sum)
		r.blocked = blocked != 0
		found = append(found, r)
		return nil
	}, candidates, c.Host, c.Destination, string(state), late, nanos(c.now), look)
	return found, err
}

func (c *claim) locks(ctx context.Context, rows []candidate) (map[vfs.ID]bool, error) {
	if c.l.locked == nil || len(rows) == 0 {
		return nil, nil
	}
	ids := make([]vfs.ID, len(rows))
	for i, r := range rows {
		ids[i] = r.entry
	}
	return c.l.locked(ctx, c.tx, ids)
}

func (c *claim) inFlight(sum [32]byte) bool {
	for _, other := range c.claimed {
		if other.SHA256 == sum {
			return true
		}
	}
	return false
}

func (c *claim) aside(ctx context.Context, r candidate, state uploader.State, reason string, rest time.Duration) error {
	c.parked = true
	if state == uploader.AmbiguousState {
		reason = uploader.ReasonLostReply
	}
	due := c.now.Add(rest)
	c.later(due)
	_, err := c.tx.Exec(ctx, `UPDATE uploads SET reason = $1, due = $2, host = CASE state WHEN 'ambiguous' THEN host ELSE $3 END WHERE id = $4`,
		reason, nanos(due), c.Host, r.id)
	return err
}

// claim makes r Sending.
func (c *claim) claim(ctx context.Context, r candidate, was uploader.State) error {
	if len(c.claimed) >= c.Free {
		if c.ahead += r.size; c.ahead > c.Ahead {
			c.full = true
			return nil
		}
	}
	_, err := c.tx.Exec(ctx, `UPDATE uploads SET state = 'sending', reason = '', changed = $5, attempt = attempt + 1, attempts = attempts + 1,
		owner = $1, lease = $2, body = 0, leaving = '', host = $3 WHERE id = $4`, c.l.owner, nanos(c.now.Add(c.Lease)), c.Host, r.id, nanos(c.now))
	if err != nil {
		return err
	}
	_, err = c.tx.Exec(ctx, "INSERT INTO attempts (upload, number, host, started) SELECT id, attempt, host, CAST($1 AS BIGINT) FROM uploads WHERE id = $2",
		nanos(c.now), r.id)
	if err != nil {
		return err
	}
	var got uploader.Claimed
	var u []uploader.Upload
	if u, got.Attempt, err = uploadsAnd(ctx, c.tx, "WHERE u.id = $1", r.id); err != nil {
		return err
	}
	if len(u) != 1 {
		return fmt.Errorf("upload %d: %w", r.id, uploader.ErrNoUpload)
	}
	got.Upload = u[0]
	if err := doubt(ctx, c.tx, &got, was); err != nil {
		return err
	}
	if got.Known, got.Taken, err = known(ctx, c.tx, c.Host, got.SHA256[:], c.now); err != nil {
		return err
	}
	if c.Replaces {
		if got.Earlier, err = c.earlier(ctx, got); err != nil {
			return err
		}
	}
	c.claimed = append(c.claimed, got)
	return nil
}

// lookAhead finds when the next row is due.
func (c *claim) lookAhead(ctx context.Context) error {
	for _, state := range []uploader.State{uploader.AmbiguousState, uploader.Settling} {
		var due int64
		if err := c.tx.QueryRow(ctx, soonest, c.Destination, string(state)).Scan(&due); err != nil {
			return err
		}
		if due != never {
			c.later(moment(due))
		}
	}
	return nil
}

// soonest is when the first row of a state is due: never where there is none. The two
// halves of the index are asked one by one.
const soonest = `SELECT min(due) FROM (
	SELECT COALESCE(min(due), 9223372036854775807) AS due FROM uploads WHERE destination = $1 AND state = $2 AND late = 0
	UNION ALL
	SELECT COALESCE(min(due), 9223372036854775807) AS due FROM uploads WHERE destination = $1 AND state = $2 AND late = 1) AS halves`

// newerMost is the most that Newer counts.
const newerMost = 1000

// Newer returns how many uploads to a destination are due that go before what a replay
// owes it, up to 1,000.
func (l *Ledger) Newer(ctx context.Context, destination string) (n int, err error) {
	err = l.db.Read(ctx, func(ctx context.Context, tx vfs.Tx) error {
		now, err := l.now(ctx, tx)
		if err != nil {
			return err
		}
		return tx.QueryRow(ctx, newer, destination, nanos(now), newerMost).Scan(&n)
	})
	return n, wrap("newer", err)
}

const newer = `SELECT count(*) FROM (SELECT due FROM uploads
	WHERE destination = $1 AND state = 'settling' AND late = 0 AND due <= $2 LIMIT $3) AS first`
