package index

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"slipway/vfs"
	"slipway/vfs/blob"
)

// Stages of a released blob: waiting, its bytes are here still, and it may yet be
// kept; going, that is decided, and they may be removed already; gone.
const (
	stageWaiting = "waiting"
	stageGoing   = "going"
	stageGone    = "gone"
)

// Releases knows which blobs were released, in a Database.
type Releases struct{ DB *Database }

var _ vfs.Releases = Releases{}

// Released returns what is known of ref; see vfs.Releases.
func (r Releases) Released(ctx context.Context, ref blob.Ref) (rel vfs.Released, err error) {
	err = r.DB.readOne(ctx, func(ctx context.Context, tx vfs.Tx) error {
		var sum, place []byte
		var since int64
		err := tx.QueryRow(ctx, `SELECT b.size, r.sha256, r.since, r.place, r.hosted, COALESCE(r.successor, '')
			FROM released r JOIN blobs b ON b.ref = r.ref WHERE r.ref = $1`, string(ref)).Scan(&rel.Size, &sum, &since, &place, &rel.Hosted, &rel.Successor)
		if errors.Is(err, sql.ErrNoRows) {
			return fs.ErrNotExist
		}
		if err != nil {
			return fmt.Errorf("index: %w", err)
		}
		rel.Ref, rel.Since, rel.Place = ref, fromNanos(since), string(place)
		copy(rel.SHA256[:], sum)
		return nil
	})
	return rel, err
}

// Entries returns those of ids whose bytes are not kept here any more, or soon will
// not be, because a file of a watched folder has them.
func (r Releases) Entries(ctx context.Context, ids []vfs.ID) (away map[vfs.ID]bool, err error) {
	away = make(map[vfs.ID]bool)
	if len(ids) == 0 {
		return away, nil
	}
	list, among := idList(r.DB.Postgres(), ids, "$1")
	err = r.DB.readOne(ctx, func(ctx context.Context, tx vfs.Tx) error {
		rows, err := tx.Query(ctx, `SELECT e.id FROM entries e JOIN released r ON r.ref = e.blob LEFT JOIN released s ON s.ref = r.successor
			WHERE (r.successor IS NULL OR s.ref IS NOT NULL) AND r.hosted = 0 AND e.id `+among, list)
		if err != nil {
			return fmt.Errorf("index: %w", err)
		}
		defer rows.Close()
		for rows.Next() {
			var id vfs.ID
			if err := rows.Scan(&id); err != nil {
				return fmt.Errorf("index: %w", err)
			}
			away[id] = true
		}
		return rows.Err()
	})
	return away, err
}

// WithSum returns the rows of all folders, by the folder's name, whose files had
// these bytes.
func (m Memory) WithSum(ctx context.Context, sum blob.Sum) (found map[string][]Watched, err error) {
	err = m.DB.Read(ctx, func(ctx context.Context, tx vfs.Tx) error {
		found = make(map[string][]Watched)
		names, err := folderNames(ctx, tx)
		if err != nil {
			return err
		}
		for _, name := range names {
			rows, err := watchedRows(ctx, tx, "AND sha256 = $2", []byte(name), sum[:])
			if err != nil {
				return err
			}
			if len(rows) > 0 {
				found[name] = rows
			}
		}
		return nil
	})
	return found, failedWatched(err)
}

func folderNames(ctx context.Context, tx vfs.Tx) (names []string, err error) {
	rows, err := tx.Query(ctx, "SELECT name FROM watched_folders ORDER BY id")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var name []byte
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		names = append(names, string(name))
	}
	return names, rows.Err()
}

// letSuccessorsGo tells the collector that the rows which where selects, with its
// argument $2, are about to let go of their successors.
func letSuccessorsGo(ctx context.Context, tx vfs.Tx, where string, now time.Time, arg any) error {
	_, err := tx.Exec(ctx, `INSERT INTO garbage (ref, since) SELECT DISTINCT successor, CAST($1 AS BIGINT) FROM released
		WHERE successor IS NOT NULL AND `+where+` ON CONFLICT (ref) DO NOTHING`, nanos(now), arg)
	if err != nil {
		return fmt.Errorf("index: %w", err)
	}
	return nil
}

// succeed has what was released of these bytes be read from a blob that came now.
func (c *change) succeed(ctx context.Context, b blob.Info) error {
	if err := letSuccessorsGo(ctx, c, "sha256 = $2", c.now, b.SHA256[:]); err != nil {
		return err
	}
	return c.exec(ctx, "UPDATE released SET successor = $1 WHERE sha256 = $2 AND ref <> $1", string(b.Ref), b.SHA256[:])
}

// here reports whether the bytes of ref are kept here, for as long as something names
// it: they were not let go, not even half.
func (c *change) here(ctx context.Context, ref blob.Ref) (bool, error) {
	var n int
	if err := c.QueryRow(ctx, "SELECT count(*) FROM released WHERE ref = $1", string(ref)).Scan(&n); err != nil {
		return false, fmt.Errorf("index: %w", err)
	}
	return n == 0, nil
}
