package index

import (
	"context"
	"fmt"
	"io/fs"

	"slipway/vfs"
)

// Rename gives what is known at or below one path another: a file or a directory was
// renamed. What was known at or below the other path, and does not come there by
// this, is forgotten. The paths in Beside that lie at or below from change too.
// It is one transaction with a fixed number of statements, but for the rows whose
// Beside has files of other directories.
func (m Memory) Rename(ctx context.Context, folder, from, to string) error {
	if from == "" || to == "" {
		return failedWatched(fmt.Errorf("the folder itself is not renamed: %w", fs.ErrInvalid))
	}
	if from == to {
		return nil
	}
	err := m.DB.Write(ctx, func(ctx context.Context, tx vfs.Tx) error {
		r := rename{Tx: tx, folder: folder, from: from, to: to, postgres: m.DB.Postgres()}
		return r.run(ctx)
	})
	return failedWatched(err)
}

// rename is a Rename under way.
type rename struct {
	vfs.Tx
	folder, from, to string
	postgres         bool
}

// at selects the rows at or below a path, which is the arguments from $n on.
func at(n int) string {
	return fmt.Sprintf("(path = $%d OR path > $%d AND path < $%d)", n, n+1, n+2)
}

// atPath returns the arguments for at.
func atPath(p string) []any {
	return []any{[]byte(rooted(p)), []byte(stem(p)), []byte(pastStem(p))}
}

func (r *rename) run(ctx context.Context) error {
	args := append(append([]any{[]byte(r.folder)}, atPath(r.to)...), atPath(r.from)...)
	if _, err := r.Exec(ctx, "DELETE"+ofFolder+"AND "+at(2)+" AND NOT "+at(5), args...); err != nil {
		return err
	}
	if err := r.beside(ctx); err != nil {
		return err
	}
	// Where one path is below the other a row may come to where another still is,
	// so all go by way of one that no file can have.
	if within(r.from, r.to) || within(r.to, r.from) {
		if err := r.move(ctx, rooted(r.from), "\x00/"); err != nil {
			return err
		}
		return r.move(ctx, "\x00/", rooted(r.to))
	}
	return r.move(ctx, rooted(r.from), rooted(r.to))
}

// within reports whether the path p lies below dir.
func within(p, dir string) bool { return len(p) > len(dir) && p[:len(dir)+1] == dir+"/" }

// move gives the rows at or below a stored path another. Only its own end tells a
// row's directory from its name.
func (r *rename) move(ctx context.Context, from, to string) error {
	joined := "CAST($2 || substr(%s, $3) AS BLOB)"
	if r.postgres {
		joined = "CAST($2 AS BYTEA) || substr(%s, CAST($3 AS INTEGER))"
	}
	if _, err := r.Exec(ctx, "UPDATE watched SET dir = "+fmt.Sprintf(joined, "dir")+", path = "+fmt.Sprintf(joined, "path")+
		" WHERE folder = (SELECT id FROM watched_folders WHERE name = $1) AND path > $4 AND path < $5",
		[]byte(r.folder), []byte(to), len(from)+1, []byte(from+"/"), []byte(from+"0")); err != nil {
		return err
	}
	_, err := r.Exec(ctx, "UPDATE watched SET dir = $3, path = $2 WHERE folder = (SELECT id FROM watched_folders WHERE name = $1) AND path = $4",
		[]byte(r.folder), []byte(to), []byte(dirOf(to)), []byte(from))
	return err
}

// beside rewrites those that do not follow by themselves: of the row at from itself,
// whose directory may become another, and of rows with files of other directories.
// It does so before the move, for the directory that the row comes to.
func (r *rename) beside(ctx context.Context) error {
	first := "substr(beside, 1, 1) = $5"
	if r.postgres {
		first = "substr(beside, 1, 1) = CAST($5 AS BYTEA)"
	}
	args := append(append([]any{[]byte(r.folder)}, atPath(r.from)...), []byte{elsewhere})
	rows, err := watchedRows(ctx, r, "AND "+at(2)+" AND beside IS NOT NULL AND ("+first+" OR path = $2)", args...)
	if err != nil {
		return err
	}
	for _, w := range rows {
		from, to := rooted(r.from), rooted(r.to)
		b := encodeBeside(dirOf(movedPath(rooted(w.Path), from, to)), follow(w.Beside, from, to))
		if _, err := r.Exec(ctx, "UPDATE watched SET beside = $3 WHERE folder = (SELECT id FROM watched_folders WHERE name = $1) AND path = $2",
			[]byte(r.folder), []byte(rooted(w.Path)), b); err != nil {
			return err
		}
	}
	return nil
}
