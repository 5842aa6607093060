package index

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"slipway/vfs"
	"slipway/vfs/blob"
)

// listColumns are what listRow reads. One that says nothing is NULL: with SQLite a
// row's cost is that of reading its columns, and NULL is the cheapest.
const listColumns = "id, name, NULLIF(dir, 0), NULLIF(inline, 0), NULLIF(size, 0), NULLIF(modified, 0), NULLIF(created, 0), blob, sha256, NULLIF(checksums, ''), NULLIF(type, '')"

// listRow is where listColumns go, row after row.
type listRow struct {
	id                                   int64
	name                                 string
	dir, inline, size, modified, created number
	blob, checksums, media               text
	sum                                  sql.RawBytes
	into                                 []any
}

func newListRow() *listRow {
	r := new(listRow)
	r.into = []any{
		&r.id, &r.name, &r.dir, &r.inline, &r.size, &r.modified, &r.created, &r.blob, &r.sum, &r.checksums, &r.media,
	}
	return r
}

// fill makes e what was read last, in the directory parent.
func (r *listRow) fill(e *vfs.Entry, parent vfs.ID) {
	*e = vfs.Entry{
		ID: vfs.ID(r.id), Parent: parent, Name: r.name, Dir: r.dir != 0, Inline: r.inline != 0, Size: int64(r.size),
		Blob: blob.Ref(r.blob), Checksums: vfs.Checksums(r.checksums), Type: string(r.media),
		Modified: fromNanos(int64(r.modified)), Created: fromNanos(int64(r.created)),
	}
	copy(e.SHA256[:], r.sum)
}

// children reads rows of listColumns, of the directory dir; likely is for how many
// there is to be room.
func children(rows *sql.Rows, dir vfs.ID, likely int) ([]vfs.Entry, error) {
	list := make([]vfs.Entry, 0, likely)
	row := newListRow()
	for rows.Next() {
		if err := rows.Scan(row.into...); err != nil {
			return nil, fmt.Errorf("index: %w", err)
		}
		list = append(list, vfs.Entry{})
		row.fill(&list[len(list)-1], dir)
	}
	return list, rows.Err()
}

// List returns up to limit children of dir after the name after.
func (t *Tree) List(ctx context.Context, dir vfs.ID, after string, limit int) (list []vfs.Entry, err error) {
	err = t.db.readOne(ctx, func(ctx context.Context, tx vfs.Tx) error {
		rows, err := tx.Query(ctx, "SELECT "+listColumns+" FROM entries WHERE parent = $1 AND key > $2 ORDER BY key LIMIT $3",
			int64(dir), vfs.Key(after), limit)
		if err != nil {
			return fmt.Errorf("index: %w", err)
		}
		defer rows.Close()
		list, err = children(rows, dir, min(limit, 256))
		return err
	})
	return list, err
}

var errColumn = errors.New("a column has another type than it should")

// number is a column of an integer, 0 where it is NULL.
type number int64

// Scan implements sql.Scanner.
func (n *number) Scan(v any) error {
	i, ok := v.(int64)
	if *n = number(i); !ok && v != nil {
		return errColumn
	}
	return nil
}

// text is a column of a string, "" where it is NULL. It keeps the string that it has
// where the next is the same, as types mostly are.
type text string

// Scan implements sql.Scanner.
func (t *text) Scan(v any) error {
	s, ok := v.(string)
	if !ok && v != nil {
		return errColumn
	}
	if string(*t) != s {
		*t = text(s)
	}
	return nil
}
