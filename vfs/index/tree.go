package index

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"slipway/vfs"
	"slipway/vfs/blob"
)

// Tree is the vfs.Index on a Database.
type Tree struct {
	db    *Database
	clock func() time.Time
	hook  vfs.Hook
	ids   ids
}

var _ vfs.Index = (*Tree)(nil)

// NewTree returns the index on db. hook takes part in every change; nil: nobody.
func NewTree(db *Database, clock func() time.Time, hook vfs.Hook) *Tree {
	if hook == nil {
		hook = func(context.Context, vfs.Tx, []vfs.Change) error { return nil }
	}
	return &Tree{db: db, clock: clock, hook: hook}
}

// columns are what scan reads.
const columns = "id, coalesce(parent, 0), name, dir, coalesce(blob, ''), inline, size, sha256, checksums, type, modified, created"

type scanner interface{ Scan(...any) error }

func scan(row scanner) (e vfs.Entry, err error) { return scanAfter(row, nil) }

// scanAfter is scan for rows in which other numbers come before an entry's columns.
func scanAfter(row scanner, before []int64) (e vfs.Entry, err error) {
	var sum []byte
	var dir, inline, modified, created int64
	into := make([]any, 0, 2*(stepsMax+1)+12)
	for i := range before {
		into = append(into, &before[i])
	}
	err = row.Scan(append(into, &e.ID, &e.Parent, &e.Name, &dir, &e.Blob, &inline, &e.Size, &sum, &e.Checksums, &e.Type, &modified, &created)...)
	if errors.Is(err, sql.ErrNoRows) {
		return e, fs.ErrNotExist
	}
	if err != nil {
		return e, fmt.Errorf("index: %w", err)
	}
	copy(e.SHA256[:], sum)
	e.Dir, e.Inline = dir != 0, inline != 0
	e.Modified, e.Created = fromNanos(modified), fromNanos(created)
	return e, nil
}

func fromNanos(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n)
}

func nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

// elements splits a clean absolute path; "/" has none.
func elements(p string) []string {
	p = strings.Trim(p, "/")
	if p == "" {
		return nil
	}
	return strings.Split(p, "/")
}

// child returns the entry called name in the directory parent.
func child(ctx context.Context, tx vfs.Tx, parent vfs.ID, name string) (vfs.Entry, error) {
	return scan(tx.QueryRow(ctx, "SELECT "+columns+" FROM entries WHERE parent = $1 AND key = $2", int64(parent), vfs.Key(name)))
}

// byID returns the entry with an id.
func byID(ctx context.Context, tx vfs.Tx, id vfs.ID) (vfs.Entry, error) {
	return scan(tx.QueryRow(ctx, "SELECT "+columns+" FROM entries WHERE id = $1", int64(id)))
}

// walk returns the entry at p, and the ids of the directories on the way to it:
// of all of them also where the last element alone is missing.
func walk(ctx context.Context, tx vfs.Tx, p string) (e vfs.Entry, above []vfs.ID, err error) {
	return walkAnd(ctx, tx, p, nil)
}

// walkAnd is walk, and fills tell, unless that is nil or p the root.
func walkAnd(ctx context.Context, tx vfs.Tx, p string, tell *aside) (e vfs.Entry, above []vfs.ID, err error) {
	names := elements(p)
	if len(names) == 0 {
		e, err = byID(ctx, tx, vfs.Root)
		return e, nil, err
	}
	e = vfs.Entry{ID: vfs.Root, Dir: true}
	above = make([]vfs.ID, 0, len(names))
	for steps := range slices.Chunk(names, stepsMax) {
		if !e.Dir {
			return vfs.Entry{}, above, vfs.ErrNotDir
		}
		above = append(above, e.ID)
		if e, above, err = descend(ctx, tx, e.ID, steps, above, tell); err != nil {
			return vfs.Entry{}, above, err
		}
	}
	return e, above, nil
}

// slot is a place for an entry: an existing directory, a name in it, and what
// stands there now.
type slot struct {
	path   string
	parent vfs.ID
	above  []vfs.ID // parent and the directories above it
	name   string
	old    vfs.Entry // zero: nothing stands there
}

func (s slot) taken() bool { return s.old.ID != 0 }

// locate finds the slot at p, whose parent must be a directory.
func locate(ctx context.Context, tx vfs.Tx, p string) (slot, error) {
	return locateAnd(ctx, tx, p, nil)
}

// locateAnd is locate, and fills tell, unless that is nil.
func locateAnd(ctx context.Context, tx vfs.Tx, p string, tell *aside) (slot, error) {
	depth := len(elements(p))
	if depth == 0 {
		return slot{}, fs.ErrExist
	}
	old, above, err := walkAnd(ctx, tx, p, tell)
	if err != nil && !(errors.Is(err, fs.ErrNotExist) && len(above) == depth) {
		return slot{}, err
	}
	return slot{path: p, parent: above[depth-1], above: above, name: path.Base(p), old: old}, nil
}

// PathOf returns the path of the entry with an id, within a transaction.
func PathOf(ctx context.Context, tx vfs.Tx, id vfs.ID) (string, error) {
	rows, err := tx.Query(ctx, `WITH RECURSIVE up (id, parent, name, depth) AS (
			SELECT id, parent, name, 0 FROM entries WHERE id = $1
			UNION ALL
			SELECT e.id, e.parent, e.name, up.depth + 1 FROM entries e JOIN up ON e.id = up.parent)
		SELECT name FROM up ORDER BY depth DESC`, int64(id))
	if err != nil {
		return "", fmt.Errorf("index: %w", err)
	}
	defer rows.Close()
	var names []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return "", fmt.Errorf("index: %w", err)
		}
		names = append(names, name)
	}
	if len(names) == 0 && rows.Err() == nil {
		return "", fs.ErrNotExist
	}
	return path.Join("/", path.Join(names...)), rows.Err()
}

// Lookup returns the entry at path; see vfs.Index.
func (t *Tree) Lookup(ctx context.Context, p string) (e vfs.Entry, err error) {
	depth := len(elements(p))
	read := t.db.Read
	if depth <= stepsMax {
		read = t.db.readOne
	}
	err = read(ctx, func(ctx context.Context, tx vfs.Tx) error {
		var above []vfs.ID
		e, above, err = walk(ctx, tx, p)
		if errors.Is(err, fs.ErrNotExist) && len(above) == depth {
			e.Parent = above[depth-1]
		}
		return err
	})
	return e, pathError("lookup", p, err)
}

// Bytes returns the content of an entry that is Inline.
func (t *Tree) Bytes(ctx context.Context, ref blob.Ref) (b []byte, err error) {
	err = t.db.readOne(ctx, func(ctx context.Context, tx vfs.Tx) error {
		err := tx.QueryRow(ctx, "SELECT bytes FROM blobs WHERE ref = $1 AND bytes IS NOT NULL", string(ref)).Scan(&b)
		if errors.Is(err, sql.ErrNoRows) {
			return fs.ErrNotExist
		}
		return err
	})
	return b, err
}

// subtree begins statements about an entry, $1, and all below it.
const subtree = `WITH RECURSIVE tree (id) AS (
	SELECT id FROM entries WHERE id = $1
	UNION ALL
	SELECT e.id FROM entries e JOIN tree ON e.parent = tree.id) `

// pathError gives err the form that vfs.Index promises.
func pathError(op, p string, err error) error {
	var pe *fs.PathError
	if err == nil || errors.As(err, &pe) {
		return err
	}
	return &fs.PathError{Op: op, Path: p, Err: err}
}
