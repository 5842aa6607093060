package ledger

import (
	"context"
	"fmt"
	"strings"

	"slipway/uploader"
	"slipway/vfs"
)

// Filter says which uploads List returns. Its zero value is all of them.
type Filter struct {
	States      []uploader.State // none: any
	Destination string           // "": any
	Prefix      string           // a directory: what is at or below it now; "" or "/": everything
	After       int64            // ids above it only: the last one of the page before
	Limit       int              // 0: 100
}

// page is how many rows List reads at a time.
const page = 200

// List returns uploads in the order of their ids, each with the path where its
// entry is now. Fewer than Limit end the list.
func (l *Ledger) List(ctx context.Context, f Filter) (us []uploader.Upload, err error) {
	if f.Limit <= 0 {
		f.Limit = 100
	}
	err = l.db.Read(ctx, func(ctx context.Context, tx vfs.Tx) error {
		for len(us) < f.Limit {
			rows, err := l.page(ctx, tx, f)
			if err != nil {
				return err
			}
			for _, u := range rows {
				if below(u.Path, f.Prefix) && len(us) < f.Limit {
					us = append(us, u)
				}
				f.After = u.ID
			}
			if len(rows) < page {
				return nil
			}
		}
		return nil
	})
	return us, wrap("list", err)
}

func (l *Ledger) page(ctx context.Context, tx vfs.Tx, f Filter) ([]uploader.Upload, error) {
	states, args := make([]string, 0, len(f.States)), []any{f.After, f.Destination, page}
	for _, s := range f.States {
		states = append(states, "'"+strings.ReplaceAll(string(s), "'", "")+"'")
	}
	where := "WHERE u.id > $1 AND ($2 = '' OR u.destination = $2)"
	if len(states) > 0 {
		where += " AND u.state IN (" + strings.Join(states, ", ") + ")"
	}
	rows, err := l.shown(ctx, tx, where+" ORDER BY u.id LIMIT $3", args...)
	if err != nil {
		return nil, err
	}
	return rows, locate(ctx, tx, rows)
}

// locate sets the paths where the entries are now; rows of others keep the last.
func locate(ctx context.Context, tx vfs.Tx, rows []uploader.Upload) error {
	ids := make([]vfs.ID, len(rows))
	for i, u := range rows {
		ids[i] = u.Entry
	}
	paths, err := pathsOf(ctx, tx, ids)
	for i, u := range rows {
		if p, ok := paths[u.Entry]; ok {
			rows[i].Path = p
		}
	}
	return err
}

func below(path, dir string) bool {
	dir = strings.TrimSuffix(dir, "/")
	return dir == "" || path == dir || strings.HasPrefix(path, dir+"/")
}

// Get returns one upload, or uploader.ErrNoUpload.
func (l *Ledger) Get(ctx context.Context, id int64) (u uploader.Upload, err error) {
	us, err := l.read(ctx, "WHERE u.id = $1", id)
	if err == nil && len(us) == 0 {
		err = wrap("get", uploader.ErrNoUpload)
	}
	if err != nil {
		return u, err
	}
	return us[0], nil
}

// read returns the uploads that where selects, with their present paths.
func (l *Ledger) read(ctx context.Context, where string, args ...any) (us []uploader.Upload, err error) {
	err = l.db.Read(ctx, func(ctx context.Context, tx vfs.Tx) (err error) {
		if us, err = l.shown(ctx, tx, where, args...); err != nil {
			return err
		}
		return locate(ctx, tx, us)
	})
	return us, wrap("read", err)
}

// Entry returns the uploads of a file, of its present bytes and earlier ones, in
// the order of its route's `to`.
func (l *Ledger) Entry(ctx context.Context, entry vfs.ID) ([]uploader.Upload, error) {
	return l.read(ctx, "WHERE u.entry = $1 ORDER BY u.ord, u.id", int64(entry))
}

// Folder returns the uploads of every file in a directory, by file, in one query.
// Their Path is as last known: the caller knows where it looked.
func (l *Ledger) Folder(ctx context.Context, dir vfs.ID) (map[vfs.ID][]uploader.Upload, error) {
	var files map[vfs.ID][]uploader.Upload
	err := l.db.Read(ctx, func(ctx context.Context, tx vfs.Tx) (err error) {
		files, err = l.shownByFile(ctx, tx, "WHERE u.entry IN (SELECT id FROM entries WHERE parent = $1)", int64(dir))
		return err
	})
	return files, wrap("folder", err)
}

// Present returns the uploads of the present bytes of some files, by file, in one
// query. Their Path is as last known. The ids travel as one argument: binding one
// for each would cost more than what is asked.
func (l *Ledger) Present(ctx context.Context, entries []vfs.ID) (map[vfs.ID][]uploader.Upload, error) {
	if len(entries) == 0 {
		return nil, nil
	}
	var files map[vfs.ID][]uploader.Upload
	list := strings.Join(strings.Fields(fmt.Sprint(entries)), ",") // as JSON
	among := "IN (SELECT value FROM json_each($1))"
	if l.db.Postgres() {
		list, among = "{"+strings.Trim(list, "[]")+"}", "= ANY (CAST($1 AS BIGINT[]))"
	}
	err := l.db.Read(ctx, func(ctx context.Context, tx vfs.Tx) (err error) {
		files, err = l.shownByFile(ctx, tx, "WHERE u.entry "+among+" AND u.sha256 = e.sha256", list)
		return err
	})
	return files, wrap("present", err)
}

// Wait returns the uploads of a file as soon as done holds for them; the error is
// ctx's.
func (l *Ledger) Wait(ctx context.Context, entry vfs.ID, done func([]uploader.Upload) bool) ([]uploader.Upload, error) {
	changed, cancel := l.Watch()
	defer cancel()
	for {
		us, err := l.Entry(ctx, entry)
		if err != nil || done(us) {
			return us, err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return us, ctx.Err()
		}
	}
}

// HostedByToken returns the bytes of a picture that we serve ourselves, by the id
// that its driver gave it; false where there is none.
func (l *Ledger) HostedByToken(ctx context.Context, token string) (b Bytes, found bool, err error) {
	err = l.db.Read(ctx, func(ctx context.Context, tx vfs.Tx) (err error) {
		var inline, created int64
		var sum []byte
		now, err := l.now(ctx, tx)
		if err != nil {
			return err
		}
		found, err = optional(tx.QueryRow(ctx, `SELECT blob, inline, size, sha256, type, url, created, prepared FROM hosted
			WHERE remote = $1 AND blob IS NOT NULL AND deleted = 0 AND (expires = 0 OR expires > $2)`, token, nanos(now)),
			&b.Blob, &inline, &b.Size, &sum, &b.Type, &b.URL, &created, &b.Prepared)
		copy(b.SHA256[:], sum)
		b.Inline, b.Stored = inline != 0, moment(created)
		return err
	})
	return b, found, wrap("hosted", err)
}

// DeleteURL returns the address that deletes a hosted picture for whoever opens
// it; "" where there is none. It is for that request only: never show it.
func (l *Ledger) DeleteURL(ctx context.Context, hosted int64) (url uploader.Secret, err error) {
	err = l.db.Read(ctx, func(ctx context.Context, tx vfs.Tx) error {
		_, err := optional(tx.QueryRow(ctx, "SELECT delete_url FROM hosted WHERE id = $1", hosted), (*string)(&url))
		return err
	})
	return url, wrap("delete address", err)
}
