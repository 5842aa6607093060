package ledger

import (
	"context"
	"database/sql"
	"time"

	"slipway/vfs"
)

// Links is how a file with links stands.
type Links struct {
	State   string // LinkSettling, …
	Error   string
	Remedy  string
	Tries   int       // that failed
	Due     time.Time // when it is to be read next; zero: it is not
	Changed time.Time // when anything of this, or of a link, changed last
	Links   []LinkShown
}

// LinkShown is how one link stands.
type LinkShown struct {
	URL     string
	State   string
	Error   string
	Remedy  string
	Tries   int
	Due     time.Time // of the next try; zero: none is planned
	Changed time.Time
	Picture string // the name of the picture that was made of it, if that is still there
}

// LinksIn returns how the files with links in a folder stand.
func (l *Ledger) LinksIn(ctx context.Context, dir vfs.ID) (map[vfs.ID]*Links, error) {
	return l.linksWhere(ctx, "f.dir = $1", int64(dir))
}

// LinksOf returns how a file with links stands; nil: it is none.
func (l *Ledger) LinksOf(ctx context.Context, file vfs.ID) (*Links, error) {
	all, err := l.linksWhere(ctx, "f.entry = $1", int64(file))
	return all[file], err
}

func (l *Ledger) linksWhere(ctx context.Context, where string, arg int64) (all map[vfs.ID]*Links, err error) {
	err = l.db.Read(ctx, func(ctx context.Context, tx vfs.Tx) error {
		all = nil
		err := each(ctx, tx, func(s *sql.Rows) error {
			var id vfs.ID
			var f Links
			var due, changed int64
			err := s.Scan(&id, &f.State, &f.Error, &f.Remedy, &f.Tries, &due, &changed)
			f.Changed = moment(changed)
			if f.State == LinkSettling {
				f.Due = moment(due)
			}
			if all == nil {
				all = make(map[vfs.ID]*Links)
			}
			all[id] = &f
			return err
		}, "SELECT f.entry, f.state, f.error, f.remedy, f.tries, f.due, f.changed FROM links f WHERE "+where, arg)
		if err != nil || len(all) == 0 {
			return err
		}
		return each(ctx, tx, func(s *sql.Rows) error {
			var id vfs.ID
			var k LinkShown
			var due, changed int64
			err := s.Scan(&id, &k.URL, &k.State, &k.Error, &k.Remedy, &k.Tries, &due, &changed, &k.Picture)
			if k.Changed = moment(changed); k.State == LinkSettling {
				k.Due = moment(due)
			}
			f := all[id]
			f.Changed = latest(f.Changed, k.Changed)
			f.Links = append(f.Links, k)
			return err
		}, `SELECT d.entry, d.url, d.state, d.error, d.remedy, d.tries, d.due, d.changed, COALESCE(p.name, '')
			FROM links f JOIN linked d ON d.entry = f.entry LEFT JOIN entries p ON p.id = d.picture
			WHERE `+where+` AND d.state <> 'dropped' ORDER BY d.entry, d.ord, d.id`, arg)
	})
	return all, wrap("links", err)
}

// LinkCounts returns how many links there are in each state.
func (l *Ledger) LinkCounts(ctx context.Context) (map[string]int, error) {
	counts := make(map[string]int)
	err := l.db.Read(ctx, func(ctx context.Context, tx vfs.Tx) error {
		return each(ctx, tx, func(s *sql.Rows) error {
			var state string
			var n int
			err := s.Scan(&state, &n)
			counts[state] = n
			return err
		}, "SELECT state, count(*) FROM linked WHERE state <> 'dropped' GROUP BY state")
	})
	return counts, wrap("links", err)
}
