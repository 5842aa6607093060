package index

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"slipway/vfs"
)

// Usage returns the sum of the sizes of the files at and below path. Who asks for
// a directory the first time waits until its files are counted; from then on
// every change keeps the sum.
func (t *Tree) Usage(ctx context.Context, p string) (n int64, err error) {
	known := false
	err = t.db.Read(ctx, func(ctx context.Context, tx vfs.Tx) error {
		e, _, err := walk(ctx, tx, p)
		if err != nil {
			return err
		}
		if n, known = e.Size, !e.Dir; known {
			return nil
		}
		n, known, err = total(ctx, tx, e.ID)
		return err
	})
	if err == nil && !known {
		err = t.db.Write(ctx, func(ctx context.Context, tx vfs.Tx) error {
			e, _, err := walk(ctx, tx, p)
			if err == nil {
				n, err = keepTotal(ctx, tx, e)
			}
			return err
		})
	}
	return n, pathError("usage", p, err)
}

// total returns the sum of a directory's files where it is kept.
func total(ctx context.Context, tx vfs.Tx, id vfs.ID) (n int64, known bool, err error) {
	err = tx.QueryRow(ctx, "SELECT bytes FROM totals WHERE entry = $1", int64(id)).Scan(&n)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("index: %w", err)
	}
	return n, true, nil
}

// usage returns the sum of the sizes of the files at and below e.
func usage(ctx context.Context, tx vfs.Tx, e vfs.Entry) (int64, error) {
	if !e.Dir {
		return e.Size, nil
	}
	n, known, err := total(ctx, tx, e.ID)
	if err != nil || known {
		return n, err
	}
	err = tx.QueryRow(ctx, subtree+"SELECT CAST(coalesce(sum(e.size), 0) AS BIGINT) FROM entries e JOIN tree ON e.id = tree.id", int64(e.ID)).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("index: %w", err)
	}
	return n, nil
}

// keepTotal is usage in a writing transaction: it keeps the sum of a directory.
func keepTotal(ctx context.Context, tx vfs.Tx, e vfs.Entry) (int64, error) {
	n, err := usage(ctx, tx, e)
	if err != nil || !e.Dir {
		return n, err
	}
	if _, err := tx.Exec(ctx, "INSERT INTO totals (entry, bytes) VALUES ($1, $2) ON CONFLICT (entry) DO NOTHING", int64(e.ID), n); err != nil {
		return 0, fmt.Errorf("index: %w", err)
	}
	return n, nil
}

// grow adds bytes, which may be less than 0, to the sums of directories.
func (c *change) grow(ctx context.Context, dirs []vfs.ID, bytes int64) error {
	if bytes == 0 || len(dirs) == 0 || c.noTotals {
		return nil
	}
	list, args := places(dirs, bytes)
	return c.exec(ctx, "UPDATE totals SET bytes = bytes + $1 WHERE entry IN ("+list+")", args...)
}

// carry takes the bytes at and below e out of the sums of the directories from,
// and adds them to those of the directories to. They are not counted where no sum
// changes.
func (c *change) carry(ctx context.Context, e vfs.Entry, from, to []vfs.ID) error {
	in := func(list []vfs.ID) func(vfs.ID) bool {
		return func(id vfs.ID) bool { return slices.Contains(list, id) }
	}
	left := slices.DeleteFunc(slices.Clone(from), in(to))
	entered := slices.DeleteFunc(slices.Clone(to), in(from))
	both := slices.Concat(left, entered)
	if len(both) == 0 {
		return nil
	}
	list, args := places(both)
	var n int
	if err := c.QueryRow(ctx, "SELECT count(*) FROM totals WHERE entry IN ("+list+")", args...).Scan(&n); err != nil {
		return fmt.Errorf("index: %w", err)
	}
	if n == 0 {
		return nil
	}
	bytes, err := usage(ctx, c, e)
	if err != nil {
		return err
	}
	return errors.Join(c.grow(ctx, left, -bytes), c.grow(ctx, entered, bytes))
}

// places returns placeholders for ids after those of first, and what is in all of
// them. There are 1, 2, 4 and so on for ids, the last id in those that are left,
// because each statement that differs is prepared and kept.
func places(ids []vfs.ID, first ...any) (list string, args []any) {
	n := 1
	for n < len(ids) {
		n *= 2
	}
	marks := make([]string, n)
	args = append(make([]any, 0, len(first)+n), first...)
	for i := range n {
		args = append(args, int64(ids[min(i, len(ids)-1)]))
		marks[i] = "$" + strconv.Itoa(len(args))
	}
	return strings.Join(marks, ", "), args
}
