package ledger

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"time"

	"slipway/vfs"
)

// batch is how many children of a moved directory are dealt with in one
// transaction.
const batch = 500

// poll is how often Run looks for what other processes on PostgreSQL did.
const poll = time.Second

// Run expands moved trees, ends leases that ran out and tells watchers of
// commits, until ctx ends.
func (l *Ledger) Run(ctx context.Context) error {
	var words sync.WaitGroup
	words.Go(func() { l.word(ctx) })
	defer words.Wait()
	hooked, rerouted := l.hear.signals()
	poke(rerouted)                                  // what a process before this one left
	defer func() { poke(hooked); poke(rerouted) }() // another Run takes over what this one leaves
	var tick <-chan time.Time
	if l.db.Postgres() {
		t := time.NewTicker(poll)
		defer t.Stop()
		tick = t.C
	}
	for {
		var err error
		select {
		case <-ctx.Done():
			return nil
		case <-hooked:
			err = l.settle(ctx)
		case <-rerouted:
			err = l.expand(ctx)
		case <-tick:
			if err = l.recover(ctx, false); err == nil {
				err = l.expand(ctx)
			}
			l.hear.committed()
		}
		if err != nil && ctx.Err() == nil {
			l.log.Error("the ledger's housekeeping failed and will be tried again", "error", err)
			again(ctx, rerouted)
		}
	}
}

// again pokes c after a while, so that an error of the disk is not answered by a
// busy loop.
func again(ctx context.Context, c chan struct{}) {
	t := time.NewTimer(poll)
	defer t.Stop()
	select {
	case <-t.C:
		poke(c)
	case <-ctx.Done():
	}
}

// errNothing ends a transaction that had nothing to write.
var errNothing = errors.New("nothing to write")

// settle waits for the commit that a hook was part of, and tells the watchers:
// writers are serial, so one that comes after the hook ends after its commit.
func (l *Ledger) settle(ctx context.Context) error {
	noted := l.hear.takeNoted()
	err := l.db.Write(ctx, func(context.Context, vfs.Tx) error { return errNothing })
	if !errors.Is(err, errNothing) {
		noted = changedSet{all: true} // what its commit changed is not known any more
	} else {
		err = nil
		l.hear.committed()
	}
	l.hear.tell(noted)
	return err
}

// expand deals with every directory that waits in reroutes.
func (l *Ledger) expand(ctx context.Context) error {
	for expanded := false; ; expanded = true {
		var pending bool
		err := l.db.Write(ctx, func(ctx context.Context, tx vfs.Tx) (err error) {
			if pending, err = isRerouting(ctx, tx); err != nil || !pending {
				return errors.Join(err, errNothing)
			}
			return l.expandBatch(ctx, tx)
		})
		if err != nil && !(errors.Is(err, errNothing) && !pending) {
			return err
		}
		if !pending {
			l.hear.committed()
			l.hear.due("", l.clock())
			l.hear.deletions("", l.clock())
			if expanded {
				l.hear.tellAll()
			}
			return nil
		}
	}
}

func isRerouting(ctx context.Context, tx vfs.Tx) (bool, error) {
	var id int64
	return optional(tx.QueryRow(ctx, "SELECT id FROM reroutes LIMIT 1"), &id)
}

// expandBatch deals with up to batch children of waiting directories. The rows
// of reroutes are the cursor: a crash at any point repeats nothing and skips
// nothing. Changes made meanwhile follow their own way through OnCommit.
func (l *Ledger) expandBatch(ctx context.Context, tx vfs.Tx) error {
	now := l.clock()
	for left := batch; left > 0; {
		var id, dir int64
		var after string
		found, err := optional(tx.QueryRow(ctx, "SELECT id, dir, done FROM reroutes ORDER BY id DESC LIMIT 1"), &id, &dir, &after)
		if err != nil || !found {
			return err
		}
		children, last, err := childrenOf(ctx, tx, dir, after, left)
		if err != nil {
			return err
		}
		if err := l.expandDir(ctx, tx, dir, children, now); err != nil {
			return err
		}
		if len(children) < left {
			_, err = tx.Exec(ctx, "DELETE FROM reroutes WHERE id = $1", id)
		} else {
			_, err = tx.Exec(ctx, "UPDATE reroutes SET done = $1 WHERE id = $2", last, id)
		}
		if err != nil {
			return err
		}
		left -= len(children) + 1
	}
	return nil
}

func childrenOf(ctx context.Context, tx vfs.Tx, dir int64, after string, limit int) (children []vfs.Entry, last string, err error) {
	err = each(ctx, tx, func(s *sql.Rows) error {
		var e vfs.Entry
		var isDir, inline int64
		var sum []byte
		if err := s.Scan(&e.ID, &e.Name, &last, &isDir, &e.Blob, &inline, &e.Size, &sum, &e.Type); err != nil {
			return err
		}
		e.Parent, e.Dir, e.Inline = vfs.ID(dir), isDir != 0, inline != 0
		copy(e.SHA256[:], sum)
		children = append(children, e)
		return nil
	}, `SELECT id, name, key, dir, COALESCE(blob, ''), inline, size, sha256, type FROM entries
		WHERE parent = $1 AND key > $2 ORDER BY key LIMIT $3`, dir, after, limit)
	return children, last, err
}

func (l *Ledger) expandDir(ctx context.Context, tx vfs.Tx, dir int64, children []vfs.Entry, now time.Time) error {
	paths, err := pathsOf(ctx, tx, []vfs.ID{vfs.ID(dir)})
	if err != nil {
		return err
	}
	for _, e := range children {
		p := join(paths[vfs.ID(dir)], e.Name)
		if e.Dir {
			_, err = tx.Exec(ctx, "INSERT INTO reroutes (dir) VALUES ($1)", int64(e.ID))
		} else {
			c := vfs.Change{Kind: vfs.Moved, Entry: e, Path: p}
			err = l.follow(ctx, tx, c, now, now.Add(l.quiet(c)))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func join(dir, name string) string {
	if dir == "/" {
		return "/" + name
	}
	return dir + "/" + name
}

// pathsOf returns where the entries are; those that are gone are missing.
func pathsOf(ctx context.Context, tx vfs.Tx, ids []vfs.ID) (map[vfs.ID]string, error) {
	paths := make(map[vfs.ID]string, len(ids))
	if len(ids) == 0 {
		return paths, nil
	}
	list, args := in(ids)
	err := each(ctx, tx, func(s *sql.Rows) error {
		var id vfs.ID
		var p string
		if err := s.Scan(&id, &p); err != nil {
			return err
		}
		if p == "" {
			p = "/"
		}
		paths[id] = p
		return nil
	}, `WITH RECURSIVE up (entry, at, path) AS (
			SELECT id, id, CAST('' AS TEXT) FROM entries WHERE id IN `+list+`
			UNION ALL
			SELECT up.entry, e.parent, '/' || e.name || up.path FROM up JOIN entries e ON e.id = up.at WHERE e.parent IS NOT NULL
		) SELECT entry, path FROM up WHERE at = 1`, args...)
	return paths, err
}
