package index

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"time"

	"slipway/vfs"
	"slipway/vfs/blob"
)

var _ vfs.Partials = (*Tree)(nil)

// Partial returns what is kept under key.
func (t *Tree) Partial(ctx context.Context, key vfs.PartialKey) (p vfs.Partial, err error) {
	err = t.db.readOne(ctx, func(ctx context.Context, tx vfs.Tx) error {
		p, err = partial(ctx, tx, key)
		return err
	})
	return p, pathError("partial", key.Path, err)
}

// partialKeyMax is how long a key is kept as it is; PostgreSQL's indexes hold some
// 2,700 bytes.
const partialKeyMax = 1024

// partialKey returns what stands for a path in the table.
func partialKey(p string) string {
	k := vfs.Key(p)
	if len(k) > partialKeyMax {
		sum := sha256.Sum256([]byte(k))
		return hex.EncodeToString(sum[:])
	}
	return k
}

func partial(ctx context.Context, tx vfs.Tx, key vfs.PartialKey) (vfs.Partial, error) {
	p := vfs.Partial{PartialKey: key}
	var cut int64
	err := tx.QueryRow(ctx, "SELECT ref, size, cut, onto FROM partials WHERE owner = $1 AND key = $2", key.Owner, partialKey(key.Path)).
		Scan(&p.Ref, &p.Size, &cut, &p.Onto)
	if errors.Is(err, sql.ErrNoRows) {
		return p, fs.ErrNotExist
	}
	if err != nil {
		return p, fmt.Errorf("index: %w", err)
	}
	p.Cut = fromNanos(cut)
	return p, nil
}

// KeepPartial keeps k in place of what was kept under its key; see vfs.Partials.
func (t *Tree) KeepPartial(ctx context.Context, k vfs.Keep) (kept bool, err error) {
	err = t.db.Write(ctx, func(ctx context.Context, tx vfs.Tx) error {
		c := change{Tx: tx, now: t.clock()}
		kept, err = c.keepPartial(ctx, k)
		return err
	})
	return kept && err == nil, pathError("keep", k.Path, err)
}

func (c *change) keepPartial(ctx context.Context, k vfs.Keep) (bool, error) {
	old, err := partial(ctx, c, k.PartialKey)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	if k.From != "" && (old.Ref != k.From || k.Ref != old.Ref && k.Size <= old.Size) {
		return false, nil
	}
	room, err := c.partialRoom(ctx, k.Quota, k.QuotaRoot)
	if err != nil || k.Size > room {
		return false, err
	}
	if err := c.trimPartials(ctx, k.PartialKey, room-k.Size, vfs.PartialsMax-1); err != nil {
		return false, err
	}
	if old.Ref != "" && old.Ref != k.Ref {
		if err := c.discard(ctx, old.Ref); err != nil {
			return false, err
		}
	}
	return true, c.exec(ctx, `INSERT INTO partials (owner, key, ref, size, cut, onto) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (owner, key) DO UPDATE SET ref = excluded.ref, size = excluded.size, cut = excluded.cut, onto = excluded.onto`,
		k.Owner, partialKey(k.Path), string(k.Ref), k.Size, nanos(k.Cut), int64(k.Onto))
}

// partialRoom returns how many bytes of partials an account may have beside the
// files of its home.
func (c *change) partialRoom(ctx context.Context, quota int64, root string) (int64, error) {
	if quota <= 0 {
		return math.MaxInt64, nil
	}
	home, _, err := walk(ctx, c, root)
	if err != nil {
		return 0, err
	}
	used, err := keepTotal(ctx, c, home)
	return quota - used, err
}

// trimPartials lets go the oldest partials of the owner of spare, but for that one,
// until the others are at most number and have at most room bytes.
func (c *change) trimPartials(ctx context.Context, spare vfs.PartialKey, room int64, number int) error {
	list, err := c.partialsOf(ctx, spare)
	if err != nil {
		return err
	}
	for i, p := range list {
		if room -= p.Size; room >= 0 && i < number {
			continue
		}
		for _, p := range list[i:] {
			if err := c.dropPartial(ctx, p.PartialKey); err != nil {
				return err
			}
		}
		return nil
	}
	return nil
}

// partialsOf returns the partials of the owner of spare but for that one, the
// newest first. Their paths are in normal form C.
func (c *change) partialsOf(ctx context.Context, spare vfs.PartialKey) (list []vfs.Partial, err error) {
	rows, err := c.Query(ctx, "SELECT key, size FROM partials WHERE owner = $1 AND key <> $2 ORDER BY cut DESC, key", spare.Owner, partialKey(spare.Path))
	if err != nil {
		return nil, fmt.Errorf("index: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		p := vfs.Partial{PartialKey: vfs.PartialKey{Owner: spare.Owner}}
		if err := rows.Scan(&p.Path, &p.Size); err != nil {
			return nil, fmt.Errorf("index: %w", err)
		}
		list = append(list, p)
	}
	return list, rows.Err()
}

// letGo drops the partial that op lets go, and others where their bytes and what op
// stored are more than the account may have.
func (c *change) letGo(ctx context.Context, op vfs.Op) error {
	var key vfs.PartialKey
	var quota int64
	var root string
	switch op := op.(type) {
	case vfs.Put:
		key, quota, root = op.LetGo, op.Quota, op.QuotaRoot
	case vfs.Mkdir:
		key = op.LetGo
	case vfs.Remove:
		key = op.LetGo
	case vfs.Move:
		key = op.LetGo
	case vfs.Copy:
		key, quota, root = op.LetGo, op.Quota, op.QuotaRoot
	}
	if key.Owner == "" || c.noPartials {
		return nil
	}
	if err := c.dropPartial(ctx, key); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if quota <= 0 {
		return nil
	}
	if rest, err := c.partialsOf(ctx, key); err != nil || len(rest) == 0 {
		return err
	}
	room, err := c.partialRoom(ctx, quota, root)
	if err != nil {
		return err
	}
	return c.trimPartials(ctx, key, room, vfs.PartialsMax)
}

// dropPartial lets go what is kept under key.
func (c *change) dropPartial(ctx context.Context, key vfs.PartialKey) error {
	var ref blob.Ref
	err := c.QueryRow(ctx, "DELETE FROM partials WHERE owner = $1 AND key = $2 RETURNING ref", key.Owner, partialKey(key.Path)).Scan(&ref)
	if errors.Is(err, sql.ErrNoRows) {
		return fs.ErrNotExist
	}
	if err != nil {
		return fmt.Errorf("index: %w", err)
	}
	return c.discard(ctx, ref)
}

// discard gives the bytes of a partial to the collector's next pass: no reader of
// them needs the time of grace.
func (c *change) discard(ctx context.Context, ref blob.Ref) error {
	return c.exec(ctx, "INSERT INTO trash (ref, since) VALUES ($1, 0) ON CONFLICT (ref) DO NOTHING", string(ref))
}

// DropPartial lets go what is kept under key.
func (t *Tree) DropPartial(ctx context.Context, key vfs.PartialKey) error {
	err := t.db.Write(ctx, func(ctx context.Context, tx vfs.Tx) error {
		c := change{Tx: tx, now: t.clock()}
		return c.dropPartial(ctx, key)
	})
	return pathError("partial", key.Path, err)
}

// ExpirePartials lets go what was cut before olderThan.
func (t *Tree) ExpirePartials(ctx context.Context, olderThan time.Time) (n int, err error) {
	before := nanos(olderThan)
	err = t.db.Write(ctx, func(ctx context.Context, tx vfs.Tx) error {
		c := change{Tx: tx, now: t.clock()}
		err := c.exec(ctx, "INSERT INTO trash (ref, since) SELECT ref, 0 FROM partials WHERE cut < $1 ON CONFLICT (ref) DO NOTHING", before)
		if err != nil {
			return err
		}
		gone, err := c.Exec(ctx, "DELETE FROM partials WHERE cut < $1", before)
		if err != nil {
			return fmt.Errorf("index: %w", err)
		}
		rows, err := gone.RowsAffected()
		n = int(rows)
		return err
	})
	return n, err
}
