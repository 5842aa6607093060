package ledger

import (
	"context"
	"database/sql"
	"path"
	"slices"

	"slipway/uploader"
	"slipway/vfs"
)

// Uploads know the directory that their file is in (uploads.dir), so that those at
// and below a directory are found however often it was moved. When directories are
// removed, gone remembers below which other one that was.

// moved makes the rows of a file that stood at the path before say where it is.
func (f following) moved(ctx context.Context, before string) error {
	_, err := f.tx.Exec(ctx, "UPDATE uploads SET path = $1, dir = $3 WHERE entry = $2", f.path, int64(f.entry.ID), int64(f.entry.Parent))
	if err == nil && path.Base(before) != path.Base(f.path) {
		err = rename(ctx, f.tx, f.entry.ID)
	}
	return err
}

// rename has the words of an entry's name looked at again; see words.go. A
// directory's id is negative.
func rename(ctx context.Context, tx vfs.Tx, id vfs.ID) error {
	_, err := tx.Exec(ctx, "INSERT INTO renamed VALUES ($1) ON CONFLICT DO NOTHING", int64(id))
	return err
}

// depart notes for directories that are removed which one that leaves: uploads of
// what was in them stay findable below it.
func depart(ctx context.Context, tx vfs.Tx, c vfs.Change) error {
	for ids := range slices.Chunk(c.Dirs, 100) {
		list, args := in(ids, int64(c.Entry.Parent))
		_, err := tx.Exec(ctx, `INSERT INTO gone SELECT DISTINCT dir, CAST($1 AS BIGINT) FROM uploads WHERE dir IN `+list+`
			UNION SELECT DISTINCT parent, CAST($1 AS BIGINT) FROM gone WHERE parent IN `+list+` ON CONFLICT DO NOTHING`, args...)
		if err != nil {
			return err
		}
	}
	return nil
}

// within begins statements about the directory $1 and all below it, those that are
// gone included. PostgreSQL takes one recursive part, and finds its way through the
// union by the indexes; SQLite does that through parts of their own alone.
func (l *Ledger) within() string {
	if l.db.Postgres() {
		return `WITH RECURSIVE tree (id) AS (
			SELECT CAST($1 AS BIGINT)
			UNION
			SELECT below.id FROM tree JOIN (SELECT id, parent FROM entries WHERE dir = 1 UNION ALL SELECT dir, parent FROM gone) below ON below.parent = tree.id) `
	}
	return `WITH RECURSIVE tree (id) AS (
		SELECT CAST($1 AS BIGINT)
		UNION
		SELECT e.id FROM tree JOIN entries e ON e.parent = tree.id AND e.dir = 1
		UNION
		SELECT gone.dir FROM tree JOIN gone ON gone.parent = tree.id) `
}

// Tally is how many uploads a destination has by state.
type Tally map[uploader.State]int

// Tallies returns how many uploads of files at and below a directory there are, by
// destination; those of files that were removed count where they were.
func (l *Ledger) Tallies(ctx context.Context, dir vfs.ID) (all map[string]Tally, err error) {
	err = l.db.Read(ctx, func(ctx context.Context, tx vfs.Tx) (err error) {
		all, err = l.talliesOf(ctx, tx, dir)
		return err
	})
	return all, wrap("tallies", err)
}

// freshTallies begins to count uploads that are not indexed yet. They are looked for
// in the order of their ids, and what they are grouped by is in no index: else all
// uploads might be read for them.
const freshTallies = "SELECT destination, state, count(*) FROM (SELECT destination || '' AS destination, state || '' AS state FROM uploads WHERE id > (SELECT upload FROM indexed) "

// talliesOf adds those that are not indexed yet to what is kept.
func (l *Ledger) talliesOf(ctx context.Context, tx vfs.Tx, dir vfs.ID) (map[string]Tally, error) {
	all := make(map[string]Tally)
	add := func(s *sql.Rows) error {
		var d string
		var state uploader.State
		var n int
		err := s.Scan(&d, &state, &n)
		if n == 0 {
			return err
		}
		if all[d] == nil {
			all[d] = make(Tally)
		}
		all[d][state] += n
		return err
	}
	with, kept, fresh, args := "", "FROM tallies", "", []any(nil)
	if dir != vfs.Root {
		with, kept, fresh, args = l.within(), "FROM tree JOIN tallies ON tallies.dir = tree.id", "AND dir + 0 IN (SELECT id FROM tree)", []any{int64(dir)}
	}
	err := each(ctx, tx, add, with+"SELECT destination, state, CAST(sum(n) AS BIGINT) "+kept+" GROUP BY destination, state", args...)
	if err == nil {
		err = each(ctx, tx, add, with+freshTallies+fresh+" ORDER BY id) AS fresh GROUP BY destination, state", args...)
	}
	return all, err
}
