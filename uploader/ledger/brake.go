package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"slipway/vfs"
)

// The brake: where more than brakeMost pictures at and below a folder, and more than
// one in brakeShare of those that were there, lose their files within brakeWindow,
// none of them is deleted at its host until a person says so.
//
// Each removal adds to a row of ebbs for the folder and each above it, by spans of
// time, and those of the window are summed. What is left in a folder is counted only
// when so many are gone that it may be too little; see tooMany. What a brake holds
// does not count for the folders above any more.
const (
	brakeMost   = 20
	brakeShare  = 5
	brakeWindow = 5 * time.Minute
	ebbSpan     = 10 * time.Second
)

// tide is what was removed lately at and below a folder.
type tide struct {
	n     int64 // in the window
	first int64 // when the first of them was
	all   int64 // ever
	look  int64 // of all, how many there must be before it is worth counting
}

// ebb counts n deletions that were recorded because what was in folder was removed,
// and brakes where they are too many. dir is the folder's id, or, where the folder
// itself is gone, that of the one above.
func (l *Ledger) ebb(ctx context.Context, tx vfs.Tx, folder string, gone bool, dir vfs.ID, n int, now time.Time) error {
	folders := chain(folder)
	joined, err := l.join(ctx, tx, folders, now)
	if joined || err != nil {
		return err
	}
	tides, err := tidesOf(ctx, tx, folders, n, now)
	if err != nil {
		return err
	}
	for i, f := range folders {
		there := dir
		if gone && i == 0 {
			there = 0
		}
		if t := tides[f]; t.n > brakeMost && t.all >= t.look {
			many, err := tooMany(ctx, tx, f, there, t)
			if err != nil {
				return err
			}
			if many {
				return l.brake(ctx, tx, folders[i:], now)
			}
		}
		if there == 0 {
			continue
		}
		err := tx.QueryRow(ctx, "SELECT COALESCE((SELECT parent FROM entries WHERE id = $1), (SELECT parent FROM gone WHERE dir = $1), 0)", int64(dir)).Scan(&dir)
		if err != nil {
			return err
		}
	}
	return nil
}

// join has what was recorded below folders[0] wait for the brake of one of folders,
// if one stands.
func (l *Ledger) join(ctx context.Context, tx vfs.Tx, folders []string, now time.Time) (bool, error) {
	marks, args := marks(folders)
	var brake int64
	found, err := optional(tx.QueryRow(ctx, "SELECT id FROM brakes WHERE ended = 0 AND folder IN ("+marks+") ORDER BY folder LIMIT 1", args...), &brake)
	if err != nil || !found {
		return false, err
	}
	return true, l.hold(ctx, tx, brake, folders[0], now)
}

// hold has the deletions below folder that wait for their time because their files
// were removed wait for a brake.
func (l *Ledger) hold(ctx context.Context, tx vfs.Tx, brake int64, folder string, now time.Time) error {
	where, args := DeletionQuery{Prefix: folder}.where(l)
	_, err := l.updateDeletions(ctx, tx, where+" AND d.state = 'waiting' AND d.why = 'removed' AND d.asked = 0", args,
		fmt.Sprintf("state = 'paused', brake = %d, changed = $1", brake), now)
	return err
}

// brake puts the brake on folders[0], the others being above it, and takes those
// below it over.
func (l *Ledger) brake(ctx context.Context, tx vfs.Tx, folders []string, now time.Time) error {
	var id int64
	folder := folders[0]
	if err := tx.QueryRow(ctx, "INSERT INTO brakes (folder, since) VALUES ($1, $2) RETURNING id", folder, nanos(now)).Scan(&id); err != nil {
		return err
	}
	if err := l.hold(ctx, tx, id, folder, now); err != nil {
		return err
	}
	prefix := strings.TrimSuffix(folder, "/")
	_, err := tx.Exec(ctx, `UPDATE deletions SET brake = $1, changed = $2 WHERE state = 'paused' AND brake IN (
		SELECT id FROM brakes WHERE ended = 0 AND id <> $1 AND folder > $3 AND folder < $4)`, id, nanos(now), prefix+"/", prefix+"0")
	if err != nil {
		return err
	}
	l.log.Warn("so many files were removed at once that their pictures at the hosts wait for a decision", "folder", folder)
	if marks, args := marks(folders[1:], folder); marks != "" {
		_, err := tx.Exec(ctx, `UPDATE ebbs SET n = n - COALESCE((SELECT b.n FROM ebbs b WHERE b.folder = $1 AND b.at = ebbs.at), 0)
			WHERE folder IN (`+marks+")", args...)
		if err != nil {
			return err
		}
	}
	if _, err := tx.Exec(ctx, "DELETE FROM ebbs WHERE folder = $1 OR folder > $2 AND folder < $3", folder, prefix+"/", prefix+"0"); err != nil {
		return err
	}
	return l.endBrakes(ctx, tx, now)
}

// tidesOf adds n to what was removed in folders, and returns what that makes.
func tidesOf(ctx context.Context, tx vfs.Tx, folders []string, n int, now time.Time) (map[string]tide, error) {
	at := now.Truncate(ebbSpan)
	var spans, sums []string
	spanArgs, sumArgs := []any{nanos(at), nanos(now), n}, []any{n}
	for _, f := range folders {
		spanArgs, sumArgs = append(spanArgs, f), append(sumArgs, f)
		spans = append(spans, fmt.Sprintf("($%d, CAST($1 AS BIGINT), CAST($2 AS BIGINT), CAST($3 AS BIGINT))", len(spanArgs)))
		sums = append(sums, fmt.Sprintf("($%d, CAST($1 AS BIGINT), 0)", len(sumArgs)))
	}
	_, err := tx.Exec(ctx, "INSERT INTO ebbs (folder, at, first, n) VALUES "+strings.Join(spans, ", ")+
		" ON CONFLICT (folder, at) DO UPDATE SET n = ebbs.n + excluded.n", spanArgs...)
	if err != nil {
		return nil, err
	}
	_, err = tx.Exec(ctx, "INSERT INTO ebbed (folder, n, look) VALUES "+strings.Join(sums, ", ")+
		" ON CONFLICT (folder) DO UPDATE SET n = ebbed.n + excluded.n", sumArgs...)
	if err != nil {
		return nil, err
	}
	tides := make(map[string]tide, len(folders))
	marks, args := marks(folders, nanos(now.Add(-brakeWindow-ebbSpan)))
	err = each(ctx, tx, func(s *sql.Rows) error {
		var folder string
		var t tide
		err := s.Scan(&folder, &t.n, &t.first, &t.all, &t.look)
		tides[folder] = t
		return err
	}, `SELECT f.folder, CAST(sum(b.n) AS BIGINT), min(b.first), f.n, f.look FROM ebbed f JOIN ebbs b ON b.folder = f.folder
		WHERE b.at > $1 AND b.n > 0 AND f.folder IN (`+marks+") GROUP BY f.folder, f.n, f.look", args...)
	return tides, err
}

// tooMany reports whether what was removed is more than one in brakeShare of what was
// in the folder when the window began. Else it notes from how many removals on that
// may be so, each of which takes one picture away: to remove all files of a folder
// one after the other costs no more than to count them a few times.
func tooMany(ctx context.Context, tx vfs.Tx, folder string, dir vfs.ID, t tide) (bool, error) {
	const share = brakeShare - 1
	var left int64
	if dir != 0 {
		err := tx.QueryRow(ctx, hostedBelow, int64(dir), t.first, 2*share*t.n+1).Scan(&left)
		if err != nil {
			return false, err
		}
	}
	if share*t.n > left {
		return true, nil
	}
	_, err := tx.Exec(ctx, "UPDATE ebbed SET look = $1 WHERE folder = $2", t.all+(left-share*t.n)/brakeShare+1, folder)
	return false, err
}

// hostedBelow counts up to $3 pictures of files below the directory $1 that were at
// their hosts by $2. The order of the joins is what makes it cheap.
const hostedBelow = `WITH RECURSIVE tree (id) AS (
		SELECT CAST($1 AS BIGINT)
		UNION ALL
		SELECT e.id FROM tree CROSS JOIN entries e WHERE e.parent = tree.id AND e.dir = 1
	) SELECT count(*) FROM (SELECT 1 FROM tree CROSS JOIN entries e CROSS JOIN uploads u CROSS JOIN hosted h
		WHERE e.parent = tree.id AND e.dir = 0 AND u.entry = e.id AND u.sha256 = e.sha256 AND u.finished <= $2
		AND h.id = u.hosted AND h.deleted = 0 LIMIT $3) AS found`

// calm forgets what was removed before the window.
func calm(ctx context.Context, tx vfs.Tx, now time.Time) error {
	n, err := exec(ctx, tx, "DELETE FROM ebbs WHERE at <= $1", nanos(now.Add(-brakeWindow-ebbSpan)))
	if err == nil && n > 0 {
		_, err = tx.Exec(ctx, "DELETE FROM ebbed WHERE NOT EXISTS (SELECT 1 FROM ebbs WHERE ebbs.folder = ebbed.folder)")
	}
	return err
}

// marks returns "$2, $3, …" for names, and the arguments from first on.
func marks(names []string, first ...any) (string, []any) {
	list := make([]string, len(names))
	for i, n := range names {
		first = append(first, n)
		list[i] = fmt.Sprintf("$%d", len(first))
	}
	return strings.Join(list, ", "), first
}
