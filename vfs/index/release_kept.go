package index

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path"
	"time"

	"slipway/vfs"
	"slipway/vfs/blob"
)

// cursor is where a walk over what is kept, in the order of its use, has come to.
type cursor struct {
	used int64
	ref  string
	dirs map[vfs.ID]string // paths, for a while
}

// never is later than any time.
const never = math.MaxInt64

// dirsMax is how many directories' paths a walk remembers.
const dirsMax = 10_000

// page returns the next blobs that are kept, not marked, worth a look now, and last used
// before a time (zero: whenever), with the paths of their entries.
func (r *Releaser) page(ctx context.Context, at *cursor, now, before time.Time) ([]Kept, error) {
	last := int64(never)
	if !before.IsZero() {
		last = nanos(before)
	}
	return r.pageOf(ctx, at, "b.used < $3 AND b.look <= $4 AND NOT EXISTS (SELECT 1 FROM released r WHERE r.ref = b.ref)", last, nanos(now))
}

// pageOf returns the next blobs for which a condition on b holds; its arguments are from
// $3 on.
func (r *Releaser) pageOf(ctx context.Context, at *cursor, where string, args ...any) (page []Kept, err error) {
	err = r.DB.Read(ctx, func(ctx context.Context, tx vfs.Tx) error {
		// What is not asked about must not be read: there may be much of it.
		rows, err := tx.Query(ctx, `SELECT k.ref, k.used, k.size, k.sha256, k.stays, COALESCE(l.since, 0), COALESCE(e.parent, 0), COALESCE(e.name, '')
			FROM (SELECT b.ref, b.used, b.size, b.sha256, b.stays FROM blobs b
				WHERE b.used IS NOT NULL AND (b.used, b.ref) > ($1, $2) AND `+where+`
				ORDER BY b.used, b.ref LIMIT `+fmt.Sprint(releasePage)+`) AS k
			LEFT JOIN entries e ON e.blob = k.ref LEFT JOIN released l ON l.ref = k.ref ORDER BY k.used, k.ref`, append([]any{at.used, at.ref}, args...)...)
		if err != nil {
			return err
		}
		places, err := r.scanKept(rows, &page)
		if err != nil {
			return err
		}
		return at.paths(ctx, tx, page, places)
	})
	if n := len(page); err == nil && n > 0 {
		at.used, at.ref = nanos(page[n-1].Used), string(page[n-1].Ref)
	}
	return page, err
}

// placeOf is the directory and name of an entry of the blob with a number in a page.
type placeOf struct {
	blob int
	dir  vfs.ID
	name string
}

func (r *Releaser) scanKept(rows *sql.Rows, page *[]Kept) (places []placeOf, err error) {
	defer rows.Close()
	for rows.Next() {
		var k Kept
		var used, since int64
		var sum []byte
		var p placeOf
		if err := rows.Scan(&k.Ref, &used, &k.Size, &sum, &k.Stays, &since, &p.dir, &p.name); err != nil {
			return nil, err
		}
		copy(k.Sum[:], sum)
		k.Used = fromNanos(used)
		if since != 0 {
			k.Marked = fromNanos(since)
		}
		if n := len(*page); n == 0 || (*page)[n-1].Ref != k.Ref {
			*page = append(*page, k)
		}
		if p.dir != 0 {
			p.blob = len(*page) - 1
			places = append(places, p)
		}
	}
	return places, errors.Join(rows.Err(), rows.Close())
}

// paths fills in the paths of a page.
func (at *cursor) paths(ctx context.Context, tx vfs.Tx, page []Kept, places []placeOf) error {
	for _, p := range places {
		dir, ok := at.dirs[p.dir]
		if !ok {
			var err error
			if dir, err = PathOf(ctx, tx, p.dir); err != nil {
				return err
			}
			if at.dirs == nil || len(at.dirs) >= dirsMax {
				at.dirs = make(map[vfs.ID]string)
			}
			at.dirs[p.dir] = dir
		}
		page[p.blob].Paths = append(page[p.blob].Paths, path.Join("/", dir, p.name))
	}
	return nil
}

// EachKept calls f with every blob whose bytes are in the store, those first that were
// not used for longest, and ends with f's error.
func (r *Releaser) EachKept(ctx context.Context, f func(Kept) error) error {
	var at cursor
	for {
		page, err := r.pageOf(ctx, &at, "1 = 1")
		if err != nil {
			return failedRelease(err)
		}
		for _, k := range page {
			if err := f(k); err != nil {
				return err
			}
		}
		if len(page) == 0 || ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// TotalKept returns how many bytes are in the store, of files.
func (r *Releaser) TotalKept(ctx context.Context) (n int64, err error) {
	err = r.DB.readOne(ctx, func(ctx context.Context, tx vfs.Tx) error {
		return tx.QueryRow(ctx, "SELECT CAST(COALESCE(sum(size), 0) AS BIGINT) FROM blobs WHERE used IS NOT NULL").Scan(&n)
	})
	return n, failedRelease(err)
}

// Why says why the bytes of ref are still here, and whether they are about to go. It is
// fs.ErrNotExist where none are in the store.
func (r *Releaser) Why(ctx context.Context, ref blob.Ref) (why string, going bool, err error) {
	k, err := r.kept(ctx, ref)
	if err != nil {
		return "", false, err
	}
	if v := r.May(k); !v.May {
		return v.Why, false, nil
	}
	if _, why, err = r.find(ctx, k); err != nil || why != "" {
		return why, false, failedRelease(err)
	}
	return k.Stays, !k.Marked.IsZero(), nil
}

// kept returns a blob whose bytes are in the store.
func (r *Releaser) kept(ctx context.Context, ref blob.Ref) (k Kept, err error) {
	err = r.DB.Read(ctx, func(ctx context.Context, tx vfs.Tx) error {
		var used, since int64
		var sum []byte
		err := tx.QueryRow(ctx, `SELECT b.used, b.size, b.sha256, b.stays, COALESCE(l.since, 0) FROM blobs b LEFT JOIN released l ON l.ref = b.ref
			WHERE b.ref = $1 AND b.used IS NOT NULL`, string(ref)).Scan(&used, &k.Size, &sum, &k.Stays, &since)
		if errors.Is(err, sql.ErrNoRows) {
			return fs.ErrNotExist
		}
		if err != nil {
			return failedRelease(err)
		}
		k.Ref, k.Used = ref, fromNanos(used)
		copy(k.Sum[:], sum)
		if since != 0 {
			k.Marked = fromNanos(since)
		}
		k.Paths, err = pathsOf(ctx, tx, ref)
		return err
	})
	return k, err
}

// Settings has everything looked at again at the next pass, if these are not the
// settings of the last one.
func (r *Releaser) Settings(ctx context.Context, settings string) error {
	return r.DB.Write(ctx, func(ctx context.Context, tx vfs.Tx) error {
		n, err := tx.Exec(ctx, "UPDATE keeping SET settings = $1 WHERE settings <> $1", settings)
		if err != nil {
			return failedRelease(err)
		}
		if changed, err := n.RowsAffected(); err != nil || changed == 0 {
			return err
		}
		_, err = tx.Exec(ctx, "UPDATE blobs SET look = 0 WHERE used IS NOT NULL AND look <> 0")
		return failedRelease(err)
	})
}
