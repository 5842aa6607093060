package main

import (
	"context"
	"path/filepath"

	"slipway/vfs/index"
	"slipway/watch"
)

// watchMemory keeps what watched folders remember in the index's database.
type watchMemory struct{ rows index.Memory }

var _ watch.Memory = watchMemory{}

// newWatchMemory returns the memory in db.
func newWatchMemory(db *index.Database) watch.Memory { return watchMemory{index.Memory{DB: db}} }

// Dir returns what is known directly in a directory; see watch.Memory, as for all
// that follow.
func (m watchMemory) Dir(ctx context.Context, folder, dir string) ([]watch.Known, error) {
	return knownRows(m.rows.Dir(ctx, folder, dir))
}

// Dirs returns the directories that have files which should be there.
func (m watchMemory) Dirs(ctx context.Context, folder string) ([]string, error) {
	return m.rows.Dirs(ctx, folder, string(watch.Taking), string(watch.Taken), string(watch.Removing), string(watch.Missing))
}

// Below returns what is known at every depth below a directory, in pages.
func (m watchMemory) Below(ctx context.Context, folder, dir, after string, limit int) ([]watch.Known, error) {
	return knownRows(m.rows.Below(ctx, folder, dir, after, limit))
}

// Twins returns what has the same inode or the same bytes.
func (m watchMemory) Twins(ctx context.Context, folder string, device, inode uint64, sum [32]byte) ([]watch.Known, error) {
	return knownRows(m.rows.Twins(ctx, folder, device, inode, sum))
}

// Entries returns what became the entries with ids.
func (m watchMemory) Entries(ctx context.Context, folder string, ids []int64) ([]watch.Known, error) {
	return knownRows(m.rows.Entries(ctx, folder, ids))
}

// Open returns that of which something is left to do, in pages.
func (m watchMemory) Open(ctx context.Context, folder, after string, limit int) ([]watch.Known, error) {
	return knownRows(m.rows.Open(ctx, folder, after, limit))
}

// Store remembers and forgets, durably.
func (m watchMemory) Store(ctx context.Context, folder string, remember []watch.Known, forget []string) error {
	rows := make([]index.Watched, len(remember))
	for i, k := range remember {
		rows[i] = index.Watched{
			Path: k.Path, Device: k.Stat.Device, Inode: k.Stat.Inode, Size: k.Stat.Size, Modified: k.Stat.Modified, Changed: k.Stat.Changed,
			Sum: k.Sum, Entry: k.Entry, State: string(k.State), Since: k.Since, Done: k.Done, Beside: k.Beside,
		}
	}
	return m.rows.Store(ctx, folder, rows, forget)
}

// Rename lets what is known follow a file or a directory.
func (m watchMemory) Rename(ctx context.Context, folder, from, to string) error {
	return m.rows.Rename(ctx, folder, from, to)
}

// Count returns how many files are known in each state.
func (m watchMemory) Count(ctx context.Context, folder string) (map[watch.State]int, error) {
	rows, err := m.rows.Count(ctx, folder)
	count := make(map[watch.State]int, len(rows))
	for state, n := range rows {
		count[watch.State(state)] = n
	}
	return count, err
}

// others returns what watch.Options asks for: a file of another folder that is watched
// now than the one with a name.
func (a *app) others(name string) func(ctx context.Context, entry int64) (string, error) {
	return func(ctx context.Context, entry int64) (string, error) {
		rows, err := index.Memory{DB: a.db}.Holders(ctx, entry)
		if err != nil {
			return "", err
		}
		for _, c := range a.settings.Load().config.Watches {
			if c.name() == name {
				continue
			}
			for _, r := range rows[c.name()] {
				switch watch.State(r.State) {
				case watch.Taking, watch.Taken, watch.Removing, watch.Missing:
					return filepath.Join(c.Folder, filepath.FromSlash(r.Path)), nil
				}
			}
		}
		return "", nil
	}
}

func knownRows(rows []index.Watched, err error) ([]watch.Known, error) {
	known := make([]watch.Known, len(rows))
	for i, r := range rows {
		known[i] = watch.Known{
			Path: r.Path,
			Stat: watch.Stat{Device: r.Device, Inode: r.Inode, Size: r.Size, Modified: r.Modified, Changed: r.Changed},
			Sum:  r.Sum, Entry: r.Entry, State: watch.State(r.State), Since: r.Since, Done: r.Done, Beside: r.Beside,
		}
	}
	return known, err
}
