package ledger

import (
	"context"
	"database/sql"
	"time"

	"slipway/vfs"
)

// Shown is a picture that is hosted, as an album shows it.
type Shown struct {
	Entry     vfs.ID
	Key       string // of the upload
	Name      string
	Type      string
	Size      int64
	Modified  time.Time
	Hosted    time.Time // since when it is at the host
	URL       string
	ViewerURL string // "": none
	Thumbnail string // the host's; "": none
	order     int    // the host's place in the route
}

// shownColumns are what an album shows: of present bytes, done, with an address, and
// neither deleted nor expired.
const shownColumns = `SELECT e.id, u.key, e.name, e.key, e.type, e.size, e.modified, u.ord, u.finished, h.url, h.viewer_url, h.thumbnail_url
	FROM entries e JOIN uploads u ON u.entry = e.id AND u.sha256 = e.sha256 JOIN hosted h ON h.id = u.hosted
	WHERE e.parent = $1 AND u.state = 'done' AND h.url <> '' AND h.awaiting = 0 AND h.deleted = 0 AND (h.expires = 0 OR h.expires > $2)
	AND e.type LIKE 'image/%' `

// shownRows is how many rows are read at a time.
const shownRows = 256

// Album returns up to limit pictures in dir that are hosted and whose names come
// after the name after, in the order of their names. Of several hosts it is the first
// in the order of the route.
func (l *Ledger) Album(ctx context.Context, dir vfs.ID, after string, limit int) (all []Shown, err error) {
	err = l.db.Read(ctx, func(ctx context.Context, tx vfs.Tx) error {
		all = nil
		now, err := l.now(ctx, tx)
		if err != nil {
			return err
		}
		for key := vfs.Key(after); ; {
			read := 0
			last := key
			err := each(ctx, tx, func(s *sql.Rows) error {
				read++
				picture, at, err := scanShown(s)
				last = at
				if n := len(all); err == nil && (n == 0 || all[n-1].Entry != picture.Entry) {
					all = append(all, picture)
				}
				return err
			}, shownColumns+"AND e.key > $3 ORDER BY e.key, u.ord, u.id LIMIT $4", int64(dir), nanos(now), key, shownRows)
			switch {
			case err != nil:
				return err
			case read < shownRows || len(all) > limit:
				all = all[:min(len(all), limit)]
				return nil
			}
			key = last // whose other rows are not of interest
		}
	})
	return all, wrap("album", err)
}

// Newest returns up to limit pictures in dir that are hosted, the one that came to its
// host last first. Its cost grows with the number of pictures in dir.
func (l *Ledger) Newest(ctx context.Context, dir vfs.ID, limit int) (all []Shown, err error) {
	err = l.db.Read(ctx, func(ctx context.Context, tx vfs.Tx) error {
		all = nil
		now, err := l.now(ctx, tx)
		if err != nil {
			return err
		}
		at := make(map[vfs.ID]int)
		return each(ctx, tx, func(s *sql.Rows) error {
			picture, _, err := scanShown(s)
			if err != nil {
				return err
			}
			i, seen := at[picture.Entry]
			switch {
			case seen && picture.order < all[i].order:
				picture.Hosted = all[i].Hosted
				all[i] = picture
			case !seen && len(all) < limit:
				at[picture.Entry] = len(all)
				all = append(all, picture)
			}
			return nil
		}, shownColumns+"ORDER BY u.finished DESC, u.ord, u.id LIMIT $3", int64(dir), nanos(now), 8*limit)
	})
	return all, wrap("album", err)
}

func scanShown(s *sql.Rows) (p Shown, key string, err error) {
	var modified, finished int64
	err = s.Scan(&p.Entry, &p.Key, &p.Name, &key, &p.Type, &p.Size, &modified, &p.order, &finished, &p.URL, &p.ViewerURL, &p.Thumbnail)
	p.Modified, p.Hosted = moment(modified), moment(finished)
	return p, key, err
}

// Dir is a directory.
type Dir struct {
	ID   vfs.ID
	Name string
}

// Dirs returns up to limit directories in dir, in the order of their names.
func (l *Ledger) Dirs(ctx context.Context, dir vfs.ID, limit int) (all []Dir, err error) {
	err = l.db.Read(ctx, func(ctx context.Context, tx vfs.Tx) error {
		all = nil
		return each(ctx, tx, func(s *sql.Rows) error {
			var d Dir
			err := s.Scan(&d.ID, &d.Name)
			all = append(all, d)
			return err
		}, "SELECT id, name FROM entries WHERE parent = $1 AND dir = 1 ORDER BY key LIMIT $2", int64(dir), limit)
	})
	return all, wrap("directories", err)
}
