package index

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"slipway/vfs"
	"slipway/vfs/blob"
)

func (c *change) remove(ctx context.Context, op vfs.Remove) error {
	e, above, err := walk(ctx, c, op.Path)
	if err != nil {
		return err
	}
	if e.ID == vfs.Root {
		return fs.ErrPermission
	}
	if op.IfEntry != 0 && (e.ID != op.IfEntry || e.SHA256 != op.IfSum) {
		return vfs.ErrChanged
	}
	if e.Dir && !op.Tree {
		empty, err := c.empty(ctx, e.ID)
		if err != nil {
			return err
		}
		if !empty {
			return vfs.ErrNotEmpty
		}
	}
	return c.removeTree(ctx, e, above, op.Path)
}

func (c *change) empty(ctx context.Context, dir vfs.ID) (bool, error) {
	var n int
	err := c.QueryRow(ctx, "SELECT count(*) FROM (SELECT 1 FROM entries WHERE parent = $1 LIMIT 1) AS below", int64(dir)).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("index: %w", err)
	}
	return n == 0, nil
}

// removeTree removes e, which stood at p below the directories above, and
// everything below it.
func (c *change) removeTree(ctx context.Context, e vfs.Entry, above []vfs.ID, p string) error {
	err := c.exec(ctx, subtree+`INSERT INTO garbage (ref, since)
		SELECT DISTINCT e.blob, CAST($2 AS BIGINT) FROM entries e JOIN tree ON e.id = tree.id WHERE e.blob IS NOT NULL
		ON CONFLICT (ref) DO NOTHING`, int64(e.ID), nanos(c.now))
	if err != nil {
		return err
	}
	gone, bytes, err := c.deleteTree(ctx, e.ID)
	if err != nil {
		return err
	}
	c.note(vfs.Change{Kind: vfs.Removed, Entry: e, Path: p, IDs: gone.files, Dirs: gone.dirs})
	return c.grow(ctx, above, -bytes)
}

// gone is what deleteTree deleted.
type gone struct{ files, dirs []vfs.ID }

// deleteTree deletes the rows of an entry and of all below it. It returns their
// ids, and the sum of the files' sizes.
func (c *change) deleteTree(ctx context.Context, id vfs.ID) (gone gone, bytes int64, err error) {
	rows, err := c.Query(ctx, subtree+"DELETE FROM entries WHERE id IN (SELECT id FROM tree) RETURNING id, dir, size", int64(id))
	if err != nil {
		return gone, 0, fmt.Errorf("index: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id vfs.ID
		var dir, size int64
		if err := rows.Scan(&id, &dir, &size); err != nil {
			return gone, 0, fmt.Errorf("index: %w", err)
		}
		if dir != 0 {
			gone.dirs = append(gone.dirs, id)
			continue
		}
		gone.files = append(gone.files, id)
		bytes += size
	}
	if err := rows.Err(); err != nil {
		return gone, 0, fmt.Errorf("index: %w", err)
	}
	return gone, bytes, nil
}

// source finds what is to be moved or copied, the directories above it, and the
// slot it goes to.
func (c *change) source(ctx context.Context, from, to string) (e vfs.Entry, above []vfs.ID, s slot, err error) {
	if e, above, err = walk(ctx, c, from); err != nil {
		return e, above, s, err
	}
	if e.ID == vfs.Root {
		return e, above, s, fs.ErrPermission
	}
	if s, err = locate(ctx, c, to); err != nil {
		return e, above, s, pathError("move", to, err)
	}
	if slices.Contains(s.above, e.ID) || slices.Contains(above, s.old.ID) {
		return e, above, s, vfs.ErrIntoItself
	}
	return e, above, s, nil
}

// clear removes what stands at s, or fails where it must not.
func (c *change) clear(ctx context.Context, s slot, overwrite, filesOnly bool) error {
	if !s.taken() {
		return nil
	}
	if !overwrite {
		return pathError("move", s.path, fs.ErrExist)
	}
	if filesOnly && s.old.Dir {
		if empty, err := c.empty(ctx, s.old.ID); err != nil {
			return err
		} else if !empty {
			return pathError("move", s.path, vfs.ErrNotEmpty)
		}
	}
	return c.removeTree(ctx, s.old, s.above, s.path)
}

func (c *change) move(ctx context.Context, op vfs.Move) (vfs.Entry, bool, error) {
	e, above, s, err := c.source(ctx, op.From, op.To)
	if err != nil {
		return e, false, err
	}
	if s.old.ID == e.ID { // its own name, perhaps in another normal form
		e.Name = s.name
		return e, false, c.exec(ctx, "UPDATE entries SET name = $1 WHERE id = $2", e.Name, int64(e.ID))
	}
	replaced := s.taken()
	if replaced && op.Overwrite && !e.Dir && !s.old.Dir {
		if op.SameName == vfs.Refuse {
			return e, false, pathError("move", op.To, fs.ErrExist)
		}
		if op.SameName != vfs.Replace {
			if s, err = c.sameName(ctx, s, op.SameName, blob.Info{SHA256: e.SHA256}); err != nil {
				return e, false, err
			}
		}
		if s.taken() && vfs.Temporary(op.From) {
			e, err = c.moveOnto(ctx, e, above, s, op.From)
			return e, true, err
		}
	}
	if s.taken() && op.SameName == vfs.NextFree && (e.Dir || s.old.Dir) {
		return e, false, pathError("move", op.To, fs.ErrExist) // what stands there is another's
	}
	if err := c.clear(ctx, s, op.Overwrite, op.FilesOnly); err != nil {
		return e, false, err
	}
	e.Parent, e.Name = s.parent, s.name
	err = c.exec(ctx, "UPDATE entries SET parent = $1, name = $2, key = $3 WHERE id = $4",
		int64(e.Parent), e.Name, vfs.Key(e.Name), int64(e.ID))
	if err != nil {
		return e, replaced, err
	}
	c.note(vfs.Change{Kind: vfs.Moved, Entry: e, Path: s.path, From: op.From})
	return e, replaced, c.carry(ctx, e, above, s.above)
}

// moveOnto gives the file at s the bytes of the temporary file e, which stands at
// from below the directories above, and removes e.
func (c *change) moveOnto(ctx context.Context, e vfs.Entry, above []vfs.ID, s slot, from string) (vfs.Entry, error) {
	put := e
	put.ID, put.Parent, put.Created = s.old.ID, s.parent, s.old.Created
	put, err := c.store(ctx, put, s)
	if err != nil {
		return put, err
	}
	if err := c.handProperties(ctx, e.ID, put.ID); err != nil {
		return put, err
	}
	return put, c.removeTree(ctx, e, above, from)
}

func (c *change) copy(ctx context.Context, op vfs.Copy) (vfs.Entry, bool, error) {
	e, _, s, err := c.source(ctx, op.From, op.To)
	if err != nil {
		return e, false, err
	}
	if s.old.ID == e.ID {
		return e, false, vfs.ErrIntoItself
	}
	replaced := s.taken()
	if replaced && op.Overwrite && !e.Dir && !s.old.Dir {
		if s, err = c.sameName(ctx, s, op.SameName, blob.Info{SHA256: e.SHA256}); err != nil {
			return e, false, err
		}
	}
	if err := c.copyQuota(ctx, op, e, s); err != nil {
		return e, false, err
	}
	if s.taken() && op.Overwrite && !e.Dir && !s.old.Dir {
		from := e.ID
		e.ID, e.Created = s.old.ID, s.old.Created
		if e, err = c.store(ctx, e, s); err != nil {
			return e, true, err
		}
		if err := c.dropProperties(ctx, e.ID); err != nil {
			return e, true, err
		}
		return e, true, c.copyProperties(ctx, from, e.ID)
	}
	if err := c.clear(ctx, s, op.Overwrite, false); err != nil {
		return e, false, err
	}
	if e.Dir && !op.Shallow {
		e, err = c.copyTree(ctx, e, s, op.From)
		return e, replaced, err
	}
	from := e.ID
	if e.Dir {
		e, err = c.makeDir(ctx, s.parent, s.name)
	} else {
		e.Parent, e.Name = s.parent, s.name
		s.old = vfs.Entry{}
		e, err = c.store(ctx, e, s)
	}
	if err != nil {
		return e, replaced, err
	}
	return e, replaced, c.copyProperties(ctx, from, e.ID)
}

// copyQuota fails where a copy of e at s would go beyond the account's limit.
func (c *change) copyQuota(ctx context.Context, op vfs.Copy, e vfs.Entry, s slot) error {
	if op.Quota <= 0 || e.Dir && op.Shallow {
		return nil
	}
	size, err := usage(ctx, c, e)
	if err != nil {
		return err
	}
	var before int64
	if s.taken() {
		if before, err = usage(ctx, c, s.old); err != nil {
			return err
		}
	}
	return c.quota(ctx, op.Quota, op.QuotaRoot, size-before)
}

// numbered begins statements that copy an entry, $1, and all below it: fresh is
// the id of each one's copy, from $2 + 1 on.
const numbered = `WITH RECURSIVE tree (id, parent) AS (
	SELECT id, parent FROM entries WHERE id = $1
	UNION ALL
	SELECT e.id, e.parent FROM entries e JOIN tree ON e.parent = tree.id),
numbered (id, parent, fresh) AS (
	SELECT id, parent, CAST($2 AS BIGINT) + row_number() OVER (ORDER BY id) FROM tree) `

// copyTree makes new entries for everything at and below e; the copies share the
// blobs. One statement, however large the tree, and one for its properties.
func (c *change) copyTree(ctx context.Context, e vfs.Entry, s slot, from string) (vfs.Entry, error) {
	var n, bytes int64
	err := c.QueryRow(ctx, subtree+"SELECT count(*), CAST(sum(e.size) AS BIGINT) FROM entries e JOIN tree ON e.id = tree.id", int64(e.ID)).Scan(&n, &bytes)
	if err != nil {
		return e, fmt.Errorf("index: %w", err)
	}
	last, err := newIDs(ctx, c, n)
	if err != nil {
		return e, err
	}
	first := int64(last) - n
	err = c.exec(ctx, numbered+`INSERT INTO entries (id, parent, name, key, dir, blob, inline, size, sha256, checksums, type, modified, created)
		SELECT n.fresh, coalesce(p.fresh, CAST($3 AS BIGINT)),
			CASE WHEN n.id = $1 THEN CAST($4 AS TEXT) ELSE e.name END, CASE WHEN n.id = $1 THEN CAST($5 AS TEXT) ELSE e.key END,
			e.dir, e.blob, e.inline, e.size, e.sha256, e.checksums, e.type, e.modified, CAST($6 AS BIGINT)
		FROM numbered n JOIN entries e ON e.id = n.id LEFT JOIN numbered p ON p.id = n.parent`,
		int64(e.ID), first, int64(s.parent), s.name, vfs.Key(s.name), nanos(c.now))
	if err != nil {
		return e, err
	}
	if err := c.exec(ctx, numbered+`INSERT INTO properties (entry, space, name, value)
		SELECT n.fresh, p.space, p.name, p.value FROM numbered n JOIN properties p ON p.entry = n.id`, int64(e.ID), first); err != nil {
		return e, err
	}
	if err := c.grow(ctx, s.above, bytes); err != nil {
		return e, err
	}
	made, err := child(ctx, c, s.parent, s.name)
	if errors.Is(err, fs.ErrNotExist) {
		return e, errors.New("index: a copied tree has no top")
	}
	c.note(vfs.Change{Kind: vfs.Copied, Entry: made, Path: s.path, From: from})
	return made, err
}
