package ledger

import (
	"context"
	"database/sql"
	"path"
	"slices"
	"strings"
	"time"

	"slipway/uploader"
	"slipway/vfs"
)

// referring is an upload that refers to a picture at a host.
type referring struct {
	upload int64
	hosted int64
	path   string
	moved  bool  // the row does not say yet that it is at path
	open   int64 // the deletion of that picture which is open; 0: none
}

// referringTo returns the uploads that where selects and whose pictures are at their
// hosts still, as far as anybody knows.
func referringTo(ctx context.Context, tx vfs.Tx, now time.Time, where string, args ...any) (all []referring, err error) {
	n := nanos(now)
	err = each(ctx, tx, func(s *sql.Rows) error {
		var r referring
		var expires int64
		if err := s.Scan(&r.upload, &r.hosted, &r.path, &expires, &r.open); err != nil {
			return err
		}
		if expires == 0 || expires > n {
			all = append(all, r)
		}
		return nil
	}, `SELECT u.id, h.id, u.path, h.expires,
		COALESCE((SELECT d.id FROM deletions d WHERE d.hosted = h.id AND d.state IN ('waiting', 'paused', 'deleting')), 0)
		FROM uploads u JOIN hosted h ON h.id = u.hosted
		WHERE `+where+" AND u.hosted IS NOT NULL AND h.deleted = 0 AND h.fate NOT IN ('deleting', 'replaced') ORDER BY u.id", args...)
	return all, err
}

// forsake records that the pictures of some uploads are to be deleted when the grace
// is over. It returns how many deletions are new; those that are open begin to wait
// anew. at is where the one file is that they are of; "": they say so themselves.
func (l *Ledger) forsake(ctx context.Context, tx vfs.Tx, all []referring, why uploader.DeletionWhy, at string) (int, error) {
	if len(all) == 0 {
		return 0, nil
	}
	now, err := l.now(ctx, tx) // whoever takes them in hand goes by it
	if err != nil {
		return 0, err
	}
	due := now.Add(l.grace)
	var fresh, open []int64
	seen := make(map[int64]bool, len(all))
	for _, r := range all {
		switch {
		case seen[r.hosted]:
		case r.open != 0:
			open = append(open, r.open)
		default:
			fresh = append(fresh, r.upload)
		}
		seen[r.hosted] = true
	}
	if len(open) > 0 {
		among, list := l.among(open)
		_, err := tx.Exec(ctx, `UPDATE deletions SET due = CAST($2 AS BIGINT), changed = CAST($3 AS BIGINT) WHERE id `+among+
			" AND state IN ('waiting', 'paused') AND due < $2", list, nanos(due), nanos(now))
		if err != nil {
			return 0, err
		}
	}
	n := int64(0)
	if len(fresh) > 0 {
		among, list := l.among(fresh)
		var err error
		n, err = exec(ctx, tx, `INSERT INTO deletions (hosted, host, destination, sha256, entry, path, why, state, due, created, changed)
			SELECT h.id, h.host, h.destination, h.sha256, u.entry, CASE WHEN CAST($2 AS TEXT) <> '' THEN CAST($2 AS TEXT) ELSE u.path END,
			CAST($3 AS TEXT), 'waiting', CAST($4 AS BIGINT), CAST($5 AS BIGINT), CAST($5 AS BIGINT)
			FROM uploads u JOIN hosted h ON h.id = u.hosted WHERE u.id `+among+" ORDER BY u.id ON CONFLICT DO NOTHING",
			list, at, string(why), nanos(due), nanos(now))
		if err != nil {
			return 0, err
		}
		for _, r := range all {
			if !r.moved || r.open != 0 {
				continue
			}
			// A brake finds it where its file was.
			_, err := tx.Exec(ctx, "UPDATE deletions SET path = $1 WHERE hosted = $2 AND state = 'waiting' AND entry = (SELECT entry FROM uploads WHERE id = $3)",
				vfs.Key(r.path), r.hosted, r.upload)
			if err != nil {
				return 0, err
			}
		}
	}
	l.hear.deletions("", due)
	return int(n), nil
}

// forsakeRemoved records what is to be deleted at hosts because the listed entries,
// which are some of c's, are gone. It returns how many deletions are new.
func (l *Ledger) forsakeRemoved(ctx context.Context, tx vfs.Tx, c vfs.Change, list string, args []any, now time.Time) (int, error) {
	all, err := referringTo(ctx, tx, now, "CAST($1 AS BIGINT) > 0 AND u.entry IN "+list, args...)
	if len(all) == 0 || err != nil {
		return 0, err
	}
	lies, err := placesBelow(ctx, tx, c)
	if err != nil {
		return 0, err
	}
	router, file := l.config.Load().router, ""
	if !c.Entry.Dir && len(c.IDs) == 1 {
		file = c.Path
	}
	top := vfs.Key(c.Path)
	all = slices.DeleteFunc(all, func(r referring) bool {
		at := []string{file}
		if file == "" {
			at = lies(r.path)
		}
		return len(at) == 0 || slices.ContainsFunc(at, func(p string) bool { return router.OnDelete(p) != uploader.DeleteHosted })
	})
	for i, r := range all {
		switch {
		case file != "":
			all[i].path = file
		case !below(vfs.Key(r.path), top): // its directory was moved, and the row does not say so yet
			all[i].path, all[i].moved = path.Join(c.Path, path.Base(r.path)), true
		}
	}
	return l.forsake(ctx, tx, all, uploader.WhyRemoved, vfs.Key(file))
}

// forsakeLate records the same for an upload that came to its end when its file was
// gone already.
func (l *Ledger) forsakeLate(ctx context.Context, tx vfs.Tx, upload int64, now time.Time) error {
	all, err := referringTo(ctx, tx, now, "u.id = $1", upload)
	if err != nil || len(all) == 0 || l.config.Load().router.OnDelete(all[0].path) != uploader.DeleteHosted {
		return err
	}
	n, err := l.forsake(ctx, tx, all, uploader.WhyRemoved, "")
	if err != nil || n == 0 {
		return err
	}
	var dir int64
	if _, err := optional(tx.QueryRow(ctx, "SELECT dir FROM uploads WHERE id = $1", upload), &dir); err != nil {
		return err
	}
	return l.ebb(ctx, tx, vfs.Key(path.Dir(all[0].path)), false, vfs.ID(dir), n, now)
}

// forsakeOld records that the pictures of a file's earlier bytes at a destination are
// to be deleted, where its present ones are there, at a known address, and their
// route lets the earlier ones go.
func (l *Ledger) forsakeOld(ctx context.Context, tx vfs.Tx, entry vfs.ID, destination string, now time.Time) error {
	all, err := referringTo(ctx, tx, now, `u.entry = $1 AND u.destination = $2 AND EXISTS (
		SELECT 1 FROM entries e JOIN uploads p ON p.entry = e.id AND p.sha256 = e.sha256 JOIN hosted ph ON ph.id = p.hosted
		WHERE e.id = u.entry AND e.sha256 <> u.sha256 AND p.destination = u.destination AND p.state = 'done' AND p.delete_old = 1
		AND ph.url <> '' AND ph.deleted = 0 AND ph.fate = '')`, int64(entry), destination)
	if err != nil {
		return err
	}
	_, err = l.forsake(ctx, tx, all, uploader.WhyReplaced, "")
	return err
}

// chain returns a directory and those above it, "/" last.
func chain(dir string) []string {
	all := []string{dir}
	for dir != "/" && strings.HasPrefix(dir, "/") {
		dir = path.Dir(dir)
		all = append(all, dir)
	}
	return all
}
