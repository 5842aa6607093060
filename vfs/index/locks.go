package index

import (
	"context"
	"fmt"
	"time"

	"slipway/vfs"
)

// Lock is a row about a WebDAV write lock (RFC 4918 §6). The index does not look
// at locks: WebDAV asks for tokens, and other doors see them by vfs.View.Locked.
type Lock struct {
	Token  string // names the lock, among all
	Root   string // the path that was locked, in the form that vfs.Key gives
	Deep   bool   // everything below Root is locked too
	Shared bool   // others may hold shared locks beside it
	Owner  string // XML by which the client describes itself
	User   string // whose it is
	// Timeout is how long it lives after its last refresh, and Expires when it ends.
	Timeout time.Duration
	Expires time.Time
}

// Locks keeps locks in a Database.
type Locks struct{ DB *Database }

// Load returns all locks, expired ones too.
func (l Locks) Load(ctx context.Context) (list []Lock, err error) {
	err = l.DB.Read(ctx, func(ctx context.Context, tx vfs.Tx) error {
		rows, err := tx.Query(ctx, "SELECT token, root, deep, shared, owner, holder, timeout, expires FROM locks ORDER BY root, token")
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var k Lock
			var deep, shared, timeout, expires int64
			if err := rows.Scan(&k.Token, &k.Root, &deep, &shared, &k.Owner, &k.User, &timeout, &expires); err != nil {
				return err
			}
			k.Deep, k.Shared = deep != 0, shared != 0
			k.Timeout, k.Expires = time.Duration(timeout), fromNanos(expires)
			list = append(list, k)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("index: locks: %w", err)
	}
	return list, nil
}

// Save makes k durable: a new row, or another life of the lock with its token.
func (l Locks) Save(ctx context.Context, k Lock) error {
	err := l.DB.Write(ctx, func(ctx context.Context, tx vfs.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO locks (token, root, deep, shared, owner, holder, timeout, expires)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
			ON CONFLICT (token) DO UPDATE SET root = excluded.root, deep = excluded.deep, shared = excluded.shared, owner = excluded.owner,
				holder = excluded.holder, timeout = excluded.timeout, expires = excluded.expires`,
			k.Token, k.Root, flag(k.Deep), flag(k.Shared), k.Owner, k.User, int64(k.Timeout), nanos(k.Expires))
		return err
	})
	if err != nil {
		return fmt.Errorf("index: keeping a lock: %w", err)
	}
	return nil
}

// Delete removes the locks with these tokens, all or none; those that are not
// there are no error.
func (l Locks) Delete(ctx context.Context, tokens ...string) error {
	err := l.DB.Write(ctx, func(ctx context.Context, tx vfs.Tx) error {
		for _, token := range tokens {
			if _, err := tx.Exec(ctx, "DELETE FROM locks WHERE token = $1", token); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("index: removing locks: %w", err)
	}
	return nil
}
