package index

import (
	"context"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"slipway/vfs"
)

// Watched is a row about a file of a watched folder. The index does not look at
// what is in it; package watch says what it means.
type Watched struct {
	// Path is below the folder, separated by slashes; each of its bytes is kept,
	// also where they are no UTF-8.
	Path          string
	Device, Inode uint64
	Size          int64 // bytes
	Modified      int64 // nanoseconds since the Unix epoch; so are Changed and Since
	Changed       int64
	Sum           [32]byte
	Entry         int64
	State         string
	Since         int64
	Done          bool
	Beside        map[string][32]byte // by paths below the folder
}

// Memory keeps rows about the files of watched folders in a Database. It is safe
// for concurrent use. Orders are those of the paths' bytes.
type Memory struct{ DB *Database }

// watchedColumns are those that scanWatched reads.
const watchedColumns = "path, device, inode, size, modified, changed, sha256, entry, state, since, done, beside"

// ofFolder selects the rows of the folder that is the first argument.
const ofFolder = " FROM watched WHERE folder = (SELECT id FROM watched_folders WHERE name = $1) "

// Dir returns the rows of the files directly in dir ("": the folder itself).
func (m Memory) Dir(ctx context.Context, folder, dir string) ([]Watched, error) {
	return m.sorted(ctx, "AND dir = $2", []byte(folder), []byte(stem(dir)))
}

// Dirs returns the directories, below the folder or it itself, that have files
// directly in them with one of states. Each costs a look into an index, however
// many files there are.
func (m Memory) Dirs(ctx context.Context, folder string, states ...string) (dirs []string, err error) {
	marks, args := make([]string, len(states)), []any{[]byte(folder)}
	for i, s := range states {
		marks[i], args = fmt.Sprintf("$%d", i+2), append(args, s)
	}
	next := "SELECT dir" + ofFolder + "AND state IN (" + strings.Join(marks, ", ") + ") %s ORDER BY dir LIMIT 1"
	err = m.DB.readOne(ctx, func(ctx context.Context, tx vfs.Tx) error {
		dirs = nil
		rows, err := tx.Query(ctx, "WITH RECURSIVE d (dir) AS (SELECT * FROM ("+fmt.Sprintf(next, "")+") AS first UNION ALL SELECT ("+
			fmt.Sprintf(next, "AND watched.dir > d.dir")+") FROM d WHERE d.dir IS NOT NULL) SELECT dir FROM d WHERE dir IS NOT NULL", args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var dir []byte
			if err := rows.Scan(&dir); err != nil {
				return err
			}
			dirs = append(dirs, strings.Trim(string(dir), "/"))
		}
		return rows.Err()
	})
	slices.Sort(dirs) // a stored one ends with a slash, which comes after "-"
	return dirs, failedWatched(err)
}

// Below returns up to limit rows of the files in dir and all directories below it
// whose paths come after the path after ("": from the first).
func (m Memory) Below(ctx context.Context, folder, dir, after string, limit int) ([]Watched, error) {
	from, to := stem(dir), pastStem(dir)
	return m.list(ctx, "AND path > $2 AND path < $3 ORDER BY path LIMIT $4",
		[]byte(folder), []byte(max(from, rooted(after))), []byte(to), limit)
}

// Twins returns the rows with an inode of a device, and those with a sum.
func (m Memory) Twins(ctx context.Context, folder string, device, inode uint64, sum [32]byte) ([]Watched, error) {
	return m.sorted(ctx, "AND device = $2 AND inode = $3 UNION ALL SELECT "+watchedColumns+ofFolder+"AND sha256 = $4 AND NOT (device = $2 AND inode = $3)",
		[]byte(folder), int64(device), int64(inode), sum[:])
}

// Entries returns the rows whose entry is among ids.
func (m Memory) Entries(ctx context.Context, folder string, ids []int64) ([]Watched, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	list, among := idList(m.DB.Postgres(), ids, "$2")
	return m.sorted(ctx, "AND entry "+among, []byte(folder), list)
}

// Holders returns the rows of all folders whose entry is the one with id, by the names
// of their folders.
func (m Memory) Holders(ctx context.Context, id int64) (rows map[string][]Watched, err error) {
	err = m.DB.readOne(ctx, func(ctx context.Context, tx vfs.Tx) error {
		rows = make(map[string][]Watched)
		// In this order each folder costs a look into an index.
		found, err := tx.Query(ctx, "SELECT f.name, w.path, w.state FROM watched_folders f CROSS JOIN watched w WHERE w.folder = f.id AND w.entry = $1", id)
		if err != nil {
			return err
		}
		defer found.Close()
		for found.Next() {
			var folder, p []byte
			w := Watched{Entry: id}
			if err := found.Scan(&folder, &p, &w.State); err != nil {
				return err
			}
			w.Path = string(p[1:])
			rows[string(folder)] = append(rows[string(folder)], w)
		}
		return found.Err()
	})
	return rows, failedWatched(err)
}

// Open returns up to limit rows that are not Done, after a path as in Below.
func (m Memory) Open(ctx context.Context, folder, after string, limit int) ([]Watched, error) {
	return m.list(ctx, "AND done = 0 AND path > $2 ORDER BY path LIMIT $3", []byte(folder), []byte(rooted(after)), limit)
}

// Count returns how many rows there are with each state.
func (m Memory) Count(ctx context.Context, folder string) (count map[string]int, err error) {
	err = m.DB.readOne(ctx, func(ctx context.Context, tx vfs.Tx) error {
		count = make(map[string]int)
		rows, err := tx.Query(ctx, "SELECT state, count(*)"+ofFolder+"GROUP BY state", []byte(folder))
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var state string
			var n int
			if err := rows.Scan(&state, &n); err != nil {
				return err
			}
			count[state] = n
		}
		return rows.Err()
	})
	return count, failedWatched(err)
}

// Store keeps rows, in place of those with their paths, and deletes those with the
// paths of forget, all in one transaction.
func (m Memory) Store(ctx context.Context, folder string, remember []Watched, forget []string) error {
	err := m.DB.Write(ctx, func(ctx context.Context, tx vfs.Tx) error {
		for _, p := range forget {
			if _, err := tx.Exec(ctx, "DELETE"+ofFolder+"AND path = $2", []byte(folder), []byte(rooted(p))); err != nil {
				return err
			}
		}
		if len(remember) == 0 {
			return nil
		}
		id, err := folderID(ctx, tx, folder)
		if err != nil {
			return err
		}
		for _, w := range remember {
			if err := storeWatched(ctx, tx, id, w); err != nil {
				return err
			}
		}
		return nil
	})
	return failedWatched(err)
}

// folderID returns the id of a folder, new or known.
func folderID(ctx context.Context, tx vfs.Tx, folder string) (id int64, err error) {
	if _, err := tx.Exec(ctx, "INSERT INTO watched_folders (name) VALUES ($1) ON CONFLICT (name) DO NOTHING", []byte(folder)); err != nil {
		return 0, err
	}
	err = tx.QueryRow(ctx, "SELECT id FROM watched_folders WHERE name = $1", []byte(folder)).Scan(&id)
	return id, err
}

func storeWatched(ctx context.Context, tx vfs.Tx, folder int64, w Watched) error {
	p := rooted(w.Path)
	if p == "/" {
		return fmt.Errorf("a file without a name: %w", fs.ErrInvalid)
	}
	_, err := tx.Exec(ctx, `INSERT INTO watched (folder, path, dir, device, inode, size, modified, changed, sha256, entry, state, since, done, beside)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
		ON CONFLICT (folder, path) DO UPDATE SET device = excluded.device, inode = excluded.inode, size = excluded.size,
			modified = excluded.modified, changed = excluded.changed, sha256 = excluded.sha256, entry = excluded.entry,
			state = excluded.state, since = excluded.since, done = excluded.done, beside = excluded.beside`,
		folder, []byte(p), []byte(dirOf(p)), int64(w.Device), int64(w.Inode), w.Size, w.Modified, w.Changed, w.Sum[:],
		w.Entry, w.State, w.Since, flag(w.Done), encodeBeside(dirOf(p), w.Beside))
	return err
}

// list returns the rows of a folder, the first argument, that where selects.
func (m Memory) list(ctx context.Context, where string, args ...any) (list []Watched, err error) {
	err = m.DB.readOne(ctx, func(ctx context.Context, tx vfs.Tx) error {
		list, err = watchedRows(ctx, tx, where, args...)
		return err
	})
	return list, failedWatched(err)
}

// sorted is list in the order of paths. An ORDER BY would tempt SQLite to go through
// all of a folder in that order instead of sorting the few that are asked for.
func (m Memory) sorted(ctx context.Context, where string, args ...any) ([]Watched, error) {
	list, err := m.list(ctx, where, args...)
	slices.SortFunc(list, func(a, b Watched) int { return strings.Compare(a.Path, b.Path) })
	return list, err
}

func watchedRows(ctx context.Context, tx vfs.Tx, where string, args ...any) (list []Watched, err error) {
	rows, err := tx.Query(ctx, "SELECT "+watchedColumns+ofFolder+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var w Watched
		var p, sum, beside []byte
		var device, inode, done int64
		err := rows.Scan(&p, &device, &inode, &w.Size, &w.Modified, &w.Changed, &sum, &w.Entry, &w.State, &w.Since, &done, &beside)
		if err != nil {
			return nil, err
		}
		w.Path, w.Device, w.Inode, w.Done = string(p[1:]), uint64(device), uint64(inode), done != 0
		copy(w.Sum[:], sum)
		if w.Beside, err = decodeBeside(dirOf(string(p)), beside); err != nil {
			return nil, fmt.Errorf("what is kept of %q: %w", w.Path, err)
		}
		list = append(list, w)
	}
	return list, rows.Err()
}

func failedWatched(err error) error {
	if err != nil {
		return fmt.Errorf("index: the memory of watched folders: %w", err)
	}
	return nil
}

// rooted returns a path below the folder as it is stored.
func rooted(p string) string { return "/" + p }

// dirOf returns the directory of a stored path, up to its last slash.
func dirOf(p string) string { return p[:strings.LastIndexByte(p, '/')+1] }

// stem returns what the stored paths below dir begin with, and pastStem the first
// text after all of them: a stem ends with a slash, whose successor is a zero.
func stem(dir string) string {
	if dir == "" {
		return "/"
	}
	return "/" + dir + "/"
}

func pastStem(dir string) string {
	s := stem(dir)
	return s[:len(s)-1] + "0"
}
