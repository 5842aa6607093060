package ledger

import (
	"cmp"
	"context"
	"database/sql"
	"slices"
	"time"

	"slipway/vfs"
)

// LinkStates are the states of a link that a LinkQuery may ask for.
var LinkStates = []string{LinkSettling, LinkDone, LinkSkipped, LinkFailed}

// LinkQuery says which links LinkList returns. The zero value is all of them.
type LinkQuery struct {
	States []string      // some of LinkStates; none: any
	Dir    vfs.ID        // in files at and below this directory; 0 or vfs.Root: anywhere
	Entry  vfs.ID        // in this file; 0: any
	After  string        // the Next of the page before
	Limit  int           // 1 to 1000; 0: 100
	Budget time.Duration // how long the search may take before it is cut short; 0: 60 ms
}

// LinkListed is one link of a file. A file that is not read yet, or cannot be, is one
// without a URL.
type LinkListed struct {
	LinkShown
	Entry vfs.ID // of the file
	Path  string // of the file, now

	dir   int64
	place place
}

// LinkPage is a part of what a LinkQuery selects: those to come last first, then those
// that were tried, the latest first.
type LinkPage struct {
	Links  []LinkListed
	Next   string // the cursor of what follows; "": nothing does
	Partly bool   // the budget was used up before the page was full; Next goes on
}

// linksInDirs is how many links below a directory are sorted at once; of more, the
// links of all directories are sieved.
const linksInDirs = 5000

// LinkList returns links, by the time of their last or next try. It reads the indexes
// from the cursor on, and takes no longer than the budget and the reading of one page.
// ErrCursor: After is no place in it.
func (l *Ledger) LinkList(ctx context.Context, q LinkQuery) (p LinkPage, err error) {
	f := linkFinding{LinkQuery: q, l: l}
	if f.at, err = parsePlace(q.After); err != nil {
		return p, err
	}
	if f.Limit <= 0 {
		f.Limit = findLimit
	}
	f.Limit = min(f.Limit, findMost)
	if len(f.States) == 0 {
		f.States = LinkStates
	}
	f.end = time.Now().Add(cmp.Or(f.Budget, findBudget))
	err = l.db.Read(ctx, func(ctx context.Context, tx vfs.Tx) error {
		f.tx = tx
		p, err = f.page(ctx)
		return err
	})
	return p, wrap("links", err)
}

// linkFinding is one LinkList under way. Its places are those of links by their time,
// and then by twice their id and one more; a file's, by twice its id.
type linkFinding struct {
	LinkQuery
	l     *Ledger
	tx    vfs.Tx
	at    place
	end   time.Time
	below map[int64]bool // directories at and below Dir; nil: all
}

// page collects a page.
func (f *linkFinding) page(ctx context.Context) (p LinkPage, err error) {
	s, err := f.plan(ctx)
	if err != nil {
		return p, err
	}
	last := f.at
	for n := min(f.Limit+1, sieved); len(p.Links) <= f.Limit; n = sieved {
		places, err := s.take(ctx, n)
		if err != nil {
			return p, err
		}
		found, err := f.read(ctx, places)
		if err != nil {
			return p, err
		}
		for _, k := range found {
			if p.Links = append(p.Links, k); len(p.Links) <= f.Limit {
				last = k.place
			}
		}
		if len(places) < n {
			break
		}
		if len(p.Links) <= f.Limit && time.Now().After(f.end) {
			p.Partly, last = true, places[len(places)-1]
			break
		}
	}
	if p.Partly || len(p.Links) > f.Limit {
		p.Next = last.String()
	}
	p.Links = p.Links[:min(len(p.Links), f.Limit)]
	return p, f.locate(ctx, p.Links)
}

// plan returns the places to look at: those of a file, those below a directory where
// they are few, or those of all.
func (f *linkFinding) plan(ctx context.Context) (stream, error) {
	if f.Entry != 0 {
		s, err := f.few(ctx, "f.entry", []int64{int64(f.Entry)})
		if s != nil || err != nil {
			return s, err
		}
	}
	if f.Dir != 0 && f.Dir != vfs.Root {
		var err error
		if f.below, err = f.l.dirsBelow(ctx, f.tx, int64(f.Dir)); err != nil {
			return nil, err
		}
	}
	if f.below != nil && len(f.below) <= dirsMost {
		dirs := make([]int64, 0, len(f.below))
		for id := range f.below {
			dirs = append(dirs, id)
		}
		s, err := f.few(ctx, "f.dir", dirs)
		if s != nil || err != nil {
			return s, err
		}
	}
	m := &merged{}
	for _, state := range f.States {
		m.add(&queried{tx: f.tx, at: f.at, query: linkPlaces, args: []any{state}})
		if state == LinkSettling || state == LinkFailed {
			m.add(&queried{tx: f.tx, at: f.at, query: linkFilePlaces, args: []any{state}})
		}
	}
	return m, nil
}

// Each goes on after the place $1, $2, for $3 places.
const (
	linkPlaces = `SELECT due, id * 2 + 1 FROM linked WHERE state = $4 AND (due < $1 OR due = $1 AND id * 2 + 1 < $2) AND due <= $1
		ORDER BY due DESC, id DESC LIMIT $3`
	linkFilePlaces = `SELECT due, entry * 2 FROM links WHERE state = $4 AND (due < $1 OR due = $1 AND entry * 2 < $2) AND due <= $1
		ORDER BY due DESC, entry DESC LIMIT $3`
)

// few gives the links of files whose column is one of ids; nil where there are many.
func (f *linkFinding) few(ctx context.Context, column string, ids []int64) (stream, error) {
	var all []place
	read := 0
	among, list := f.l.among(ids)
	for _, query := range []string{
		"SELECT f.state, f.due, f.entry * 2 FROM links f WHERE " + column + " " + among + " LIMIT $2",
		"SELECT d.state, d.due, d.id * 2 + 1 FROM links f JOIN linked d ON d.entry = f.entry WHERE " + column + " " + among + " LIMIT $2",
	} {
		err := each(ctx, f.tx, func(s *sql.Rows) error {
			var p place
			var state string
			err := s.Scan(&state, &p.changed, &p.id)
			if read++; f.at.before(p) && f.wanted(state, p) {
				all = append(all, p)
			}
			return err
		}, query, list, linksInDirs+1)
		if err != nil || read > linksInDirs {
			return nil, err
		}
	}
	slices.SortFunc(all, byPlace)
	return &fixed{all}, nil
}

// byPlace compares two places in the order of lists.
func byPlace(a, b place) int {
	return cmp.Or(cmp.Compare(b.changed, a.changed), cmp.Compare(b.id, a.id))
}

// wanted reports whether a row of a state is asked for. Of files that were read, their
// links are.
func (f *linkFinding) wanted(state string, p place) bool {
	return slices.Contains(f.States, state) && (p.id%2 == 1 || state == LinkSettling || state == LinkFailed)
}

// read returns the links at places that the query selects, in their order. Those that
// outlived their file are none.
func (f *linkFinding) read(ctx context.Context, places []place) (found []LinkListed, err error) {
	var links, files []int64
	for _, p := range places {
		if p.id%2 == 1 {
			links = append(links, p.id/2)
		} else {
			files = append(files, p.id/2)
		}
	}
	for kind, ids := range [][]int64{files, links} {
		if len(ids) == 0 {
			continue
		}
		query := "SELECT f.entry, f.entry, f.dir, '', f.state, f.error, f.remedy, f.tries, f.due, f.changed, '' FROM links f WHERE f.entry "
		if kind == 1 {
			query = `SELECT d.id, d.entry, f.dir, d.url, d.state, d.error, d.remedy, d.tries, d.due, d.changed, COALESCE(p.name, '')
				FROM linked d JOIN links f ON f.entry = d.entry LEFT JOIN entries p ON p.id = d.picture AND p.parent = f.dir WHERE d.id `
		}
		among, list := f.l.among(ids)
		err := each(ctx, f.tx, func(s *sql.Rows) error {
			k, err := scanListed(s, int64(kind))
			if err == nil && (f.below == nil || f.below[k.dir]) && (f.Entry == 0 || k.Entry == f.Entry) {
				found = append(found, k)
			}
			return err
		}, query+among, list)
		if err != nil {
			return nil, err
		}
	}
	slices.SortFunc(found, func(a, b LinkListed) int { return byPlace(a.place, b.place) })
	return found, nil
}

// scanListed reads a row of a link (kind 1) or of a file (kind 0).
func scanListed(s *sql.Rows, kind int64) (k LinkListed, err error) {
	var id, due, changed int64
	err = s.Scan(&id, &k.Entry, &k.dir, &k.URL, &k.State, &k.Error, &k.Remedy, &k.Tries, &due, &changed, &k.Picture)
	k.place, k.Changed = place{due, id*2 + kind}, moment(changed)
	if k.State == LinkSettling {
		k.Due = moment(due)
	}
	return k, err
}

// locate sets where the files are now.
func (f *linkFinding) locate(ctx context.Context, links []LinkListed) error {
	for chunk := range slices.Chunk(links, 250) {
		ids := make([]vfs.ID, len(chunk))
		for i, k := range chunk {
			ids[i] = k.Entry
		}
		paths, err := pathsOf(ctx, f.tx, ids)
		if err != nil {
			return err
		}
		for i := range chunk {
			chunk[i].Path = paths[chunk[i].Entry]
		}
	}
	return nil
}

// LinkTallies returns how many links some files have in each state, of those that have
// any. A file that is not read yet, or cannot be, counts as one.
func (l *Ledger) LinkTallies(ctx context.Context, files []vfs.ID) (map[vfs.ID]map[string]int, error) {
	if len(files) == 0 {
		return nil, nil
	}
	ids := make([]int64, len(files))
	for i, id := range files {
		ids[i] = int64(id)
	}
	tallies := make(map[vfs.ID]map[string]int)
	among, list := l.among(ids)
	err := l.db.Read(ctx, func(ctx context.Context, tx vfs.Tx) error {
		clear(tallies)
		for _, query := range []string{
			"SELECT entry, state, 1 FROM links WHERE state IN ('settling', 'failed') AND entry " + among,
			"SELECT d.entry, d.state, count(*) FROM links f JOIN linked d ON d.entry = f.entry WHERE d.state <> 'dropped' AND f.entry " + among + " GROUP BY d.entry, d.state",
		} {
			err := each(ctx, tx, func(s *sql.Rows) error {
				var id vfs.ID
				var state string
				var n int
				err := s.Scan(&id, &state, &n)
				if tallies[id] == nil {
					tallies[id] = make(map[string]int)
				}
				tallies[id][state] += n
				return err
			}, query, list)
			if err != nil {
				return err
			}
		}
		return nil
	})
	return tallies, wrap("links", err)
}
