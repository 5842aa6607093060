package index

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"slipway/vfs"
)

// Token is a row about a secret that signs a user in. The secret itself is not
// kept.
type Token struct {
	ID      string            // names the row to people
	User    string            // whom it signs in
	Kind    string            // what may be done with it; the index does not look at it
	Name    string            // that people gave it
	Sum     [sha256.Size]byte // of the secret
	Account []byte            // ties it to the account as it was; empty: nothing does
	Rights  string            // narrower than the user's; "": the user's
	Folder  string            // where its uploads go; "": where the user's do
	From    string            // the address that it was last used from
	Created time.Time
	Used    time.Time // zero: never
	Expires time.Time // zero: never
}

// Tokens keeps tokens in a Database.
type Tokens struct{ DB *Database }

const tokenColumns = "id, holder, kind, name, sum, account, rights, folder, origin, created, used, expires"

// Add keeps a new token.
func (s Tokens) Add(ctx context.Context, k Token) error {
	err := s.exec(ctx, "INSERT INTO tokens ("+tokenColumns+") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
		k.ID, k.User, k.Kind, k.Name, k.Sum[:], append([]byte{}, k.Account...), k.Rights, k.Folder, k.From, nanos(k.Created), nanos(k.Used), nanos(k.Expires))
	if err != nil {
		return fmt.Errorf("index: keeping a token: %w", err)
	}
	return nil
}

// Find returns the token whose secret has the sum; fs.ErrNotExist where there is
// none.
func (s Tokens) Find(ctx context.Context, sum [sha256.Size]byte) (k Token, err error) {
	err = s.DB.readOne(ctx, func(ctx context.Context, tx vfs.Tx) (err error) {
		k, err = scanToken(tx.QueryRow(ctx, "SELECT "+tokenColumns+" FROM tokens WHERE sum = $1", sum[:]))
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		return k, fs.ErrNotExist
	}
	if err != nil {
		return k, fmt.Errorf("index: a token: %w", err)
	}
	return k, nil
}

// List returns the tokens of a user, or all where user is "", the newest first.
func (s Tokens) List(ctx context.Context, user string) (list []Token, err error) {
	err = s.DB.Read(ctx, func(ctx context.Context, tx vfs.Tx) error {
		rows, err := tx.Query(ctx, "SELECT "+tokenColumns+" FROM tokens WHERE holder = $1 OR $1 = '' ORDER BY created DESC, id", user)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			k, err := scanToken(rows)
			if err != nil {
				return err
			}
			list = append(list, k)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("index: tokens: %w", err)
	}
	return list, nil
}

// Touch notes that a token was used, and from where; no error where it is gone.
func (s Tokens) Touch(ctx context.Context, id string, used time.Time, from string) error {
	if err := s.exec(ctx, "UPDATE tokens SET used = $2, origin = $3 WHERE id = $1", id, nanos(used), from); err != nil {
		return fmt.Errorf("index: a token: %w", err)
	}
	return nil
}

// Delete removes the tokens with these ids, all or none; those that are not there
// are no error.
func (s Tokens) Delete(ctx context.Context, ids ...string) error {
	err := s.DB.Write(ctx, func(ctx context.Context, tx vfs.Tx) error {
		for _, id := range ids {
			if _, err := tx.Exec(ctx, "DELETE FROM tokens WHERE id = $1", id); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("index: removing tokens: %w", err)
	}
	return nil
}

func (s Tokens) exec(ctx context.Context, query string, args ...any) error {
	return s.DB.Write(ctx, func(ctx context.Context, tx vfs.Tx) error {
		_, err := tx.Exec(ctx, query, args...)
		return err
	})
}

func scanToken(row interface{ Scan(...any) error }) (k Token, err error) {
	var sum []byte
	var created, used, expires int64
	err = row.Scan(&k.ID, &k.User, &k.Kind, &k.Name, &sum, &k.Account, &k.Rights, &k.Folder, &k.From, &created, &used, &expires)
	copy(k.Sum[:], sum)
	if len(k.Account) == 0 {
		k.Account = nil // as every driver has it
	}
	k.Created, k.Used, k.Expires = fromNanos(created), fromNanos(used), fromNanos(expires)
	return k, err
}
