package ledger

import (
	"context"
	"database/sql"
	"path"
	"slices"
	"strings"

	"slipway/vfs"
)

// placesBelow returns a function that says where a file that c removed may have been, by
// what its row says of its path: none where that cannot be known. A row's path is right
// unless a directory above the file was moved and that is still to be followed. Where
// such a one holds what c removed, the end of the path is right still; where it is among
// what c removed, its name is gone.
func placesBelow(ctx context.Context, tx vfs.Tx, c vfs.Change) (func(p string) []string, error) {
	told := func(p string) []string { return []string{p} }
	if !c.Entry.Dir {
		return told, nil
	}
	pending := make(map[vfs.ID]bool)
	err := each(ctx, tx, func(s *sql.Rows) error {
		var dir vfs.ID
		err := s.Scan(&dir)
		pending[dir] = true
		return err
	}, "SELECT dir FROM reroutes")
	if err != nil || len(pending) == 0 {
		return told, err
	}
	if slices.ContainsFunc(c.Dirs, func(dir vfs.ID) bool { return dir != c.Entry.ID && pending[dir] }) {
		return func(string) []string { return nil }, nil
	}
	for dir, there := c.Entry.Parent, true; there && !pending[c.Entry.ID] && !pending[dir]; {
		if dir == vfs.Root {
			return told, nil
		}
		if there, err = optional(tx.QueryRow(ctx, "SELECT parent FROM entries WHERE id = $1", int64(dir)), &dir); err != nil {
			return nil, err
		}
	}
	return func(p string) []string { return ends(c.Path, p) }, nil
}

// ends returns dir with each end of p below it, and p itself where that is below dir.
func ends(dir, p string) (all []string) {
	if below(vfs.Key(p), vfs.Key(dir)) {
		all = append(all, p)
	}
	names := strings.Split(strings.Trim(p, "/"), "/")
	for i := range names {
		all = append(all, path.Join(dir, path.Join(names[i:]...)))
	}
	return all
}
