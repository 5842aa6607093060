package index

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"time"

	"slipway/vfs"
	"slipway/vfs/blob"
)

// Apply makes one change in one transaction.
func (t *Tree) Apply(ctx context.Context, op vfs.Op) (result vfs.Entry, replaced bool, err error) {
	name, p := describe(op)
	var spare vfs.ID
	if _, isPut := op.(vfs.Put); isPut {
		if spare, err = t.ids.draw(ctx, t.db); err != nil {
			return result, false, pathError(name, p, err)
		}
	}
	err = t.db.Write(ctx, func(ctx context.Context, tx vfs.Tx) error {
		c := change{Tx: tx, now: t.clock(), spare: spare}
		var err error
		if result, replaced, err = c.apply(ctx, op); err != nil {
			return err
		}
		if err := c.letGo(ctx, op); err != nil {
			return err
		}
		return t.hook(ctx, tx, c.changes)
	})
	return result, replaced, pathError(name, p, err)
}

// describe returns the name and the path that errors of op bear.
func describe(op vfs.Op) (name, p string) {
	switch op := op.(type) {
	case vfs.Put:
		return "put", op.Path
	case vfs.Mkdir:
		return "mkdir", op.Path
	case vfs.Remove:
		return "remove", op.Path
	case vfs.Move:
		return "move", op.From
	case vfs.Copy:
		return "copy", op.From
	case vfs.Touch:
		return "touch", op.Path
	case vfs.Patch:
		return "patch", op.Path
	}
	return "change", ""
}

// change is one operation under way inside a transaction.
type change struct {
	vfs.Tx
	now     time.Time
	spare   vfs.ID // of an entry to be made; 0: none was drawn beforehand
	changes []vfs.Change
	// Known to be empty: there are no sums to keep, and no partial to let go.
	noTotals, noPartials bool
}

func (c *change) apply(ctx context.Context, op vfs.Op) (vfs.Entry, bool, error) {
	switch op := op.(type) {
	case vfs.Put:
		return c.put(ctx, op)
	case vfs.Mkdir:
		e, err := c.mkdir(ctx, op)
		return e, false, err
	case vfs.Remove:
		return vfs.Entry{}, false, c.remove(ctx, op)
	case vfs.Move:
		return c.move(ctx, op)
	case vfs.Copy:
		return c.copy(ctx, op)
	case vfs.Touch:
		e, err := c.touch(ctx, op)
		return e, false, err
	case vfs.Patch:
		e, err := c.patch(ctx, op)
		return e, false, err
	}
	return vfs.Entry{}, false, fmt.Errorf("index: unknown operation %T", op)
}

func (c *change) note(ch vfs.Change) { c.changes = append(c.changes, ch) }

// exec runs a statement whose result nobody asks for.
func (c *change) exec(ctx context.Context, query string, args ...any) error {
	if _, err := c.Exec(ctx, query, args...); err != nil {
		return fmt.Errorf("index: %w", err)
	}
	return nil
}

// newID returns the id of an entry to be made.
func (c *change) newID(ctx context.Context) (vfs.ID, error) {
	if id := c.spare; id != 0 {
		c.spare = 0
		return id, nil
	}
	return newIDs(ctx, c, 1)
}

// blobAge is how long after a blob's id was drawn a transaction may name it: the
// sweep takes ids that nobody named within a day.
const blobAge = time.Hour

func (c *change) put(ctx context.Context, op vfs.Put) (vfs.Entry, bool, error) {
	if drawn, err := op.Blob.Ref.Time(); err != nil || c.now.Sub(drawn) > blobAge {
		return vfs.Entry{}, false, errors.Join(errors.New("index: the upload took too long to be committed; send it again"), err)
	}
	var tell aside
	s, err := locateAnd(ctx, c, op.Path, &tell)
	if err != nil {
		return vfs.Entry{}, false, err
	}
	c.noTotals, c.noPartials = !tell.totals && op.Quota <= 0, !tell.partials // a quota makes a sum
	if s.old.Dir {
		return vfs.Entry{}, false, vfs.ErrIsDir
	}
	if op.IfEntry != 0 && (s.old.ID != op.IfEntry || s.old.SHA256 != op.IfSum) {
		return vfs.Entry{}, false, vfs.ErrChanged
	}
	replaced := s.taken()
	if s, err = c.sameName(ctx, s, op.SameName, op.Blob); err != nil {
		return vfs.Entry{}, false, err
	}
	if err := c.quota(ctx, op.Quota, op.QuotaRoot, op.Blob.Size-s.old.Size); err != nil {
		return vfs.Entry{}, false, err
	}
	e := vfs.Entry{
		ID: s.old.ID, Parent: s.parent, Name: s.name,
		Blob: op.Blob.Ref, Inline: op.Blob.Inline != nil, Size: op.Blob.Size, SHA256: op.Blob.SHA256, Checksums: op.Checksums, Type: op.Type,
		Modified: op.Modified, Created: s.old.Created,
	}
	if e.Modified.IsZero() {
		e.Modified = c.now
	}
	again := s.taken() && s.old.SHA256 == e.SHA256
	if again && tell.released && op.Blob.Inline == nil {
		if again, err = c.here(ctx, s.old.Blob); err != nil {
			return vfs.Entry{}, false, err
		}
	}
	if again {
		e.Blob, e.Inline = s.old.Blob, s.old.Inline // the same bytes again
	} else if err := c.insertBlob(ctx, op.Blob); err != nil {
		return vfs.Entry{}, false, err
	} else if tell.released && op.Blob.Inline == nil {
		if err := c.succeed(ctx, op.Blob); err != nil {
			return vfs.Entry{}, false, err
		}
	}
	if e, err = c.store(ctx, e, s); err != nil {
		return vfs.Entry{}, false, err
	}
	last := &c.changes[len(c.changes)-1]
	last.Settled, last.Errand = op.Settled, op.Errand
	return e, replaced, nil
}

// quota fails where more bytes would go beyond the limit of an account (0: none)
// whose home is root.
func (c *change) quota(ctx context.Context, limit int64, root string, more int64) error {
	if limit <= 0 || more <= 0 {
		return nil
	}
	home, _, err := walk(ctx, c, root)
	if err != nil {
		return err
	}
	used, err := keepTotal(ctx, c, home)
	if err != nil {
		return err
	}
	if used+more > limit {
		return vfs.NoRoom(used, limit)
	}
	return nil
}

// sameName makes room at s, or moves on to another name, as rule says.
func (c *change) sameName(ctx context.Context, s slot, rule vfs.SameName, b blob.Info) (slot, error) {
	if !s.taken() {
		return s, nil
	}
	switch rule {
	case vfs.Refuse:
		return s, fs.ErrExist
	case vfs.Version:
		if s.old.Size == 0 || s.old.SHA256 == b.SHA256 {
			return s, nil
		}
		name, err := c.freeName(ctx, s.parent, s.old.Name)
		if err != nil {
			return s, err
		}
		s.old.Name = name
		err = c.exec(ctx, "UPDATE entries SET name = $1, key = $2 WHERE id = $3", name, vfs.Key(name), int64(s.old.ID))
		s.old = vfs.Entry{}
		return s, err
	case vfs.NextFree:
		name, err := c.freeName(ctx, s.parent, s.name)
		s.name, s.old = name, vfs.Entry{}
		s.path = path.Join(path.Dir(s.path), name)
		return s, err
	}
	return s, nil
}

// freeName returns a numbered form of name that is free in parent: the first one
// where the numbers have no gaps, in a logarithmic number of look-ups.
func (c *change) freeName(ctx context.Context, parent vfs.ID, name string) (string, error) {
	free := func(n int) (bool, error) {
		_, err := child(ctx, c, parent, vfs.Numbered(name, n))
		if errors.Is(err, fs.ErrNotExist) {
			return true, nil
		}
		return false, err
	}
	low, high := 0, 1 // low is taken, high shall be free
	for ; high < 1<<30; low, high = high, 2*high {
		if ok, err := free(high); err != nil {
			return "", err
		} else if ok {
			break
		}
	}
	for high-low > 1 {
		mid := (low + high) / 2
		if ok, err := free(mid); err != nil {
			return "", err
		} else if ok {
			high = mid
		} else {
			low = mid
		}
	}
	return vfs.Numbered(name, high), nil
}

func (c *change) insertBlob(ctx context.Context, b blob.Info) error {
	var bytes, used any
	if b.Inline != nil {
		bytes = b.Inline
	} else {
		used = nanos(c.now)
	}
	return c.exec(ctx, "INSERT INTO blobs (ref, size, sha256, bytes, created, used) VALUES ($1, $2, $3, $4, $5, $6)",
		string(b.Ref), b.Size, b.SHA256[:], bytes, nanos(c.now), used)
}

// store writes e, which has bytes, to s: over the old entry, or as a new one.
func (c *change) store(ctx context.Context, e vfs.Entry, s slot) (vfs.Entry, error) {
	var err error
	if s.taken() {
		if e.SHA256 == s.old.SHA256 {
			e.Checksums = s.old.Checksums.With(e.Checksums)
		}
		if e.Blob != s.old.Blob {
			if err := c.release(ctx, s.old.Blob); err != nil {
				return e, err
			}
		}
		err = c.exec(ctx, `UPDATE entries SET blob = $1, inline = $2, size = $3, sha256 = $4, checksums = $5, type = $6, modified = $7 WHERE id = $8`,
			string(e.Blob), flag(e.Inline), e.Size, e.SHA256[:], string(e.Checksums), e.Type, nanos(e.Modified), int64(e.ID))
		e.Name = s.old.Name
	} else {
		e.Created = c.now
		if e.ID, err = c.newID(ctx); err == nil {
			err = c.insert(ctx, e)
		}
	}
	if err != nil {
		return e, err
	}
	c.note(vfs.Change{Kind: vfs.Stored, Entry: e, Path: s.path, New: !s.taken()})
	return e, c.grow(ctx, s.above, e.Size-s.old.Size)
}

func (c *change) insert(ctx context.Context, e vfs.Entry) error {
	var ref, sum any
	if !e.Dir {
		ref, sum = string(e.Blob), e.SHA256[:]
	}
	return c.exec(ctx, `INSERT INTO entries (id, parent, name, key, dir, blob, inline, size, sha256, checksums, type, modified, created)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
		int64(e.ID), int64(e.Parent), e.Name, vfs.Key(e.Name), flag(e.Dir), ref, flag(e.Inline), e.Size, sum, string(e.Checksums), e.Type, nanos(e.Modified), nanos(e.Created))
}

// release tells the collector that an entry let go of a blob.
func (c *change) release(ctx context.Context, ref blob.Ref) error {
	if ref == "" {
		return nil
	}
	return c.exec(ctx, "INSERT INTO garbage (ref, since) VALUES ($1, $2) ON CONFLICT (ref) DO NOTHING", string(ref), nanos(c.now))
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func (c *change) mkdir(ctx context.Context, op vfs.Mkdir) (e vfs.Entry, err error) {
	if len(elements(op.Path)) == 0 {
		if op.Parents {
			return byID(ctx, c, vfs.Root)
		}
		return e, fs.ErrExist
	}
	if !op.Parents {
		s, err := locate(ctx, c, op.Path)
		if err != nil {
			return e, err
		}
		if s.taken() {
			return e, fs.ErrExist
		}
		return c.makeDir(ctx, s.parent, s.name)
	}
	e = vfs.Entry{ID: vfs.Root, Dir: true}
	for _, name := range elements(op.Path) {
		if !e.Dir {
			return e, vfs.ErrNotDir
		}
		parent := e.ID
		e, err = child(ctx, c, parent, name)
		if errors.Is(err, fs.ErrNotExist) {
			e, err = c.makeDir(ctx, parent, name)
		}
		if err != nil {
			return e, err
		}
	}
	if !e.Dir {
		return e, fs.ErrExist
	}
	return e, nil
}

func (c *change) makeDir(ctx context.Context, parent vfs.ID, name string) (vfs.Entry, error) {
	id, err := c.newID(ctx)
	if err != nil {
		return vfs.Entry{}, err
	}
	e := vfs.Entry{ID: id, Parent: parent, Name: name, Dir: true, Modified: c.now, Created: c.now}
	return e, c.insert(ctx, e)
}

func (c *change) touch(ctx context.Context, op vfs.Touch) (vfs.Entry, error) {
	e, _, err := walk(ctx, c, op.Path)
	if err != nil {
		return e, err
	}
	return c.setModified(ctx, e, op.Modified)
}

func (c *change) setModified(ctx context.Context, e vfs.Entry, t time.Time) (vfs.Entry, error) {
	e.Modified = t
	return e, c.exec(ctx, "UPDATE entries SET modified = $1 WHERE id = $2", nanos(t), int64(e.ID))
}
