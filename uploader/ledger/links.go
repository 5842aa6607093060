package ledger

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"slipway/vfs"
	"slipway/vfs/blob"
)

// States of files with links, and of the links in them.
const (
	LinkSettling = "settling" // to be read, or fetched, when it is due
	LinkDone     = "done"     // it was
	LinkPlain    = "plain"    // of a file: it holds no links
	LinkSkipped  = "skipped"  // of a link: it leads to a picture of ours
	LinkFailed   = "failed"
	linkDropped  = "dropped" // of a link: its file, or it in the file, is gone
)

// ErrLink is of a picture that was fetched for a link that is not owed one any more:
// the file with the link is gone or has other bytes, or somebody was quicker.
var ErrLink = errors.New("the link is not waited for any more")

// followLinks makes what is owed for the links of a file what its bytes and its path
// say after c. The picture that was fetched for a link is its end, in the transaction
// that names it: so there is one, whenever the gateway is killed.
func (l *Ledger) followLinks(ctx context.Context, tx vfs.Tx, c vfs.Change, now, due time.Time) error {
	e := c.Entry
	if c.Errand != 0 {
		return linkFetched(ctx, tx, c.Errand, e.ID, e.SHA256, now)
	}
	if e.Size == 0 || !l.config.Load().router.Links(c.Path) {
		if c.New {
			return nil
		}
		return forgetLinks(ctx, tx, []vfs.ID{e.ID}, now)
	}
	again := "" // a file that was moved and is known already has nothing new in it
	if c.Kind == vfs.Stored {
		again = ", sha256 = excluded.sha256, state = excluded.state, due = excluded.due, changed = excluded.changed, tries = 0, error = '', remedy = ''"
	}
	_, err := tx.Exec(ctx, `INSERT INTO links (entry, dir, sha256, state, due, changed) VALUES ($1, $2, $3, 'settling', $4, $5)
		ON CONFLICT (entry) DO UPDATE SET dir = excluded.dir`+again, int64(e.ID), int64(e.Parent), e.SHA256[:], nanos(due), nanos(now))
	return err
}

// linkFetched ends link id, whose picture is there.
func linkFetched(ctx context.Context, tx vfs.Tx, id int64, picture vfs.ID, sum blob.Sum, now time.Time) error {
	n, err := exec(ctx, tx, `UPDATE linked SET state = 'done', picture = $1, sha256 = $2, error = '', remedy = '', changed = $3
		WHERE id = $4 AND state = 'settling'`, int64(picture), sum[:], nanos(now), id)
	if err == nil && n == 0 {
		err = ErrLink
	}
	return err
}

// forgetLinks lets go of what is owed for the links of files that are gone, or are
// files with links no more. Their pictures stay.
func forgetLinks(ctx context.Context, tx vfs.Tx, entries []vfs.ID, now time.Time) error {
	list, args := in(entries, nanos(now))
	n, err := exec(ctx, tx, "DELETE FROM links WHERE CAST($1 AS BIGINT) > 0 AND entry IN "+list, args...)
	if err == nil && n > 0 {
		_, err = tx.Exec(ctx, "UPDATE linked SET state = 'dropped', changed = $1 WHERE entry IN "+list+" AND state IN ('settling', 'failed')", args...)
	}
	return err
}

// dropLinks is forgetLinks for what was removed.
func (l *Ledger) dropLinks(ctx context.Context, tx vfs.Tx, c vfs.Change, now time.Time) error {
	for start := 0; start < len(c.IDs); start += 100 {
		if err := forgetLinks(ctx, tx, c.IDs[start:min(start+100, len(c.IDs))], now); err != nil {
			return err
		}
	}
	return nil
}

// LinkFile is a file with links that is to be read.
type LinkFile struct {
	Entry  vfs.ID
	Path   string
	Blob   blob.Ref
	Inline bool
	Size   int64
	SHA256 blob.Sum
	Tries  int  // that failed
	Locked bool // by a client, who may be changing it
}

// LinkFiles returns up to limit files with links that are due to be read.
func (l *Ledger) LinkFiles(ctx context.Context, limit int) (files []LinkFile, err error) {
	err = l.db.Read(ctx, func(ctx context.Context, tx vfs.Tx) error {
		files = nil
		now, err := l.now(ctx, tx)
		if err != nil {
			return err
		}
		var ids []vfs.ID
		err = each(ctx, tx, func(s *sql.Rows) error {
			var f LinkFile
			var inline int64
			var sum []byte
			err := s.Scan(&f.Entry, &f.Blob, &inline, &f.Size, &sum, &f.Tries)
			copy(f.SHA256[:], sum)
			f.Inline = inline != 0
			files, ids = append(files, f), append(ids, f.Entry)
			return err
		}, `SELECT f.entry, e.blob, e.inline, e.size, f.sha256, f.tries FROM links f JOIN entries e ON e.id = f.entry AND e.sha256 = f.sha256
			WHERE f.state = 'settling' AND f.due <= $1 ORDER BY f.due LIMIT $2`, nanos(now), limit)
		if err != nil || len(ids) == 0 {
			return err
		}
		paths, err := pathsOf(ctx, tx, ids)
		if err != nil {
			return err
		}
		locked := map[vfs.ID]bool{}
		if l.locked != nil {
			locked, err = l.locked(ctx, tx, ids)
		}
		for i := range files {
			files[i].Path, files[i].Locked = paths[files[i].Entry], locked[files[i].Entry]
		}
		return err
	})
	return files, wrap("links", err)
}

// Link is one that is to be fetched.
type Link struct {
	ID     int64
	File   vfs.ID // that it is in
	Path   string // of that
	Folder vfs.ID // of that, where the picture goes
	URL    string
	Order  int // its place in the file, from 1
	Tries  int // that failed
}

// LinksDue returns up to limit links that are due to be fetched, and when the next link
// or file with links will be due that is not yet; zero: none.
func (l *Ledger) LinksDue(ctx context.Context, limit int) (links []Link, next time.Time, err error) {
	err = l.db.Read(ctx, func(ctx context.Context, tx vfs.Tx) error {
		links, next = nil, time.Time{}
		now, err := l.now(ctx, tx)
		if err != nil {
			return err
		}
		var ids []vfs.ID
		err = each(ctx, tx, func(s *sql.Rows) error {
			var k Link
			err := s.Scan(&k.ID, &k.File, &k.Folder, &k.URL, &k.Order, &k.Tries)
			links, ids = append(links, k), append(ids, k.File)
			return err
		}, `SELECT d.id, d.entry, e.parent, d.url, d.ord, d.tries FROM linked d JOIN entries e ON e.id = d.entry
			WHERE d.state = 'settling' AND d.due <= $1 ORDER BY d.due, d.id LIMIT $2`, nanos(now), limit)
		if err != nil {
			return err
		}
		paths, err := pathsOf(ctx, tx, ids)
		if err != nil {
			return err
		}
		for i := range links {
			links[i].Path = paths[links[i].File]
		}
		for _, table := range []string{"links", "linked"} {
			var due int64
			found, err := optional(tx.QueryRow(ctx, "SELECT due FROM "+table+" WHERE state = 'settling' AND due > $1 ORDER BY due LIMIT 1", nanos(now)), &due)
			if err != nil {
				return err
			}
			if t := time.Unix(0, due); found && (next.IsZero() || t.Before(next)) {
				next = t
			}
		}
		return nil
	})
	return links, next, wrap("links", err)
}

// LinkKnown returns the picture that is in the link's folder already, from the same
// link in whatever file, if there is one; and whether the link is the address that a
// host gave for a picture of ours.
func (l *Ledger) LinkKnown(ctx context.Context, k Link) (picture vfs.ID, ours bool, err error) {
	err = l.db.Read(ctx, func(ctx context.Context, tx vfs.Tx) error {
		picture, ours = 0, false
		for _, query := range []string{
			`SELECT p.id FROM linked d JOIN entries p ON p.id = d.picture WHERE d.url = $1 AND d.state = 'done' AND p.parent = $2 LIMIT 1`,
			// Where folders are copied, with links and pictures, their pictures are others.
			`SELECT p.id FROM linked d JOIN entries p ON p.parent = $2 AND p.sha256 = d.sha256 WHERE d.url = $1 AND d.sha256 IS NOT NULL LIMIT 1`,
		} {
			if found, err := optional(tx.QueryRow(ctx, query, k.URL, int64(k.Folder)), &picture); found || err != nil {
				return err
			}
		}
		var id int64
		var err error
		ours, err = optional(tx.QueryRow(ctx, "SELECT id FROM hosted WHERE url = $1 AND url <> '' LIMIT 1", k.URL), &id)
		return err
	})
	return picture, ours, wrap("links", err)
}
