package ledger

import (
	"cmp"
	"container/heap"
	"context"
	"database/sql"
	"encoding/json"
	"math"
	"slices"

	"slipway/uploader"
	"slipway/vfs"
)

// stream gives places in the order of Find.
type stream interface {
	// take returns the next n places, fewer at the end.
	take(ctx context.Context, n int) ([]place, error)
}

const (
	// dirsMost is how many directories are read as streams of their own; of more,
	// the uploads of all directories are sieved.
	dirsMost = 1000
	// step is how many places a stream reads at once.
	step = 64
)

// plan returns the stream from which the page comes soonest, and sets below where
// it has to be sieved by directory.
func (f *finding) plan(ctx context.Context) (stream, error) {
	if f.Entry != 0 {
		return f.listed(ctx, "entry", []int64{int64(f.Entry)})
	}
	if f.NoURL {
		return &queried{tx: f.tx, at: f.at, query: noURLPlaces}, f.setBelow(ctx)
	}
	s, err := f.byWords(ctx)
	if err != nil || s != nil {
		return s, err
	}
	return f.byPlace(ctx)
}

// byPlace reads the uploads of each destination and state, or those of each
// directory where these are fewer for each that the query selects.
func (f *finding) byPlace(ctx context.Context) (stream, error) {
	if f.Dir == 0 || f.Dir == vfs.Root {
		return f.recent(ctx)
	}
	if err := f.setBelow(ctx); err != nil {
		return nil, err
	}
	mine, err := f.l.talliesOf(ctx, f.tx, f.Dir)
	if err != nil {
		return nil, err
	}
	inDirs, mineSelected := f.tallied(mine)
	if mineSelected == 0 {
		return &fixed{}, nil
	}
	all, err := f.l.talliesOf(ctx, f.tx, vfs.Root)
	if err != nil {
		return nil, err
	}
	_, everywhere := f.tallied(all)
	if len(f.below) <= dirsMost && inDirs <= everywhere {
		return f.inDirs(ctx, f.below)
	}
	return f.recent(ctx)
}

// tallied returns how many uploads a tally counts, and how many of those have the
// destination and state of the query.
func (f *finding) tallied(tallies map[string]Tally) (all, selected int) {
	for d, t := range tallies {
		for state, n := range t {
			all += n
			if (f.Destination == "" || d == f.Destination) && (len(f.States) == 0 || slices.Contains(f.States, state)) {
				selected += n
			}
		}
	}
	return all, selected
}

// setBelow finds the directories at and below Dir.
func (f *finding) setBelow(ctx context.Context) error {
	if f.below != nil || f.Dir == 0 || f.Dir == vfs.Root {
		return nil
	}
	below, err := f.l.dirsBelow(ctx, f.tx, int64(f.Dir))
	f.below = below
	return err
}

func (l *Ledger) dirsBelow(ctx context.Context, tx vfs.Tx, dir int64) (map[int64]bool, error) {
	below := make(map[int64]bool)
	err := each(ctx, tx, func(s *sql.Rows) error {
		var id int64
		err := s.Scan(&id)
		below[id] = true
		return err
	}, l.within()+"SELECT id FROM tree", dir)
	return below, err
}

// recent merges the uploads of the destinations and states that are selected.
func (f *finding) recent(ctx context.Context) (stream, error) {
	f.exact = true
	destinations, states := []string{f.Destination}, f.States
	if f.Destination == "" {
		var err error
		if destinations, err = f.destinations(ctx); err != nil {
			return nil, err
		}
	}
	if len(states) == 0 {
		states = uploader.States
	}
	if f.l.db.Postgres() { // a statement for each would be a way to the server for each
		var ds, ss []string
		for _, d := range destinations {
			for _, state := range states {
				ds, ss = append(ds, d), append(ss, string(state))
			}
		}
		d, err := json.Marshal(ds)
		if err != nil {
			return nil, err
		}
		s, err := json.Marshal(ss)
		return &queried{tx: f.tx, at: f.at, query: recentsPlaces, args: []any{string(d), string(s)}}, err
	}
	m := &merged{}
	for _, d := range destinations {
		for _, state := range states {
			m.add(&queried{tx: f.tx, at: f.at, query: recentPlaces, args: []any{d, string(state)}})
		}
	}
	return m, nil
}

// inDirs merges the uploads of directories.
func (f *finding) inDirs(_ context.Context, dirs map[int64]bool) (stream, error) {
	if f.l.db.Postgres() {
		ids := make([]int64, 0, len(dirs))
		for id := range dirs {
			ids = append(ids, id)
		}
		_, list := f.l.among(ids)
		return &queried{tx: f.tx, at: f.at, query: dirsPlaces, args: []any{list}}, nil
	}
	m := &merged{}
	for id := range dirs {
		m.add(&queried{tx: f.tx, at: f.at, query: dirPlaces, args: []any{id}})
	}
	return m, nil
}

// Each goes on after the place $1, $2, for $3 places.
const (
	after        = "(changed < $1 OR changed = $1 AND id < $2) AND changed <= $1 "
	inOrder      = "ORDER BY changed DESC, id DESC LIMIT $3"
	recentPlaces = "SELECT changed, id FROM uploads WHERE destination = $4 AND state = $5 AND " + after + inOrder
	// PostgreSQL merges them itself.
	recentsPlaces = "SELECT changed, id FROM ROWS FROM (json_array_elements_text(CAST($4 AS JSON)), json_array_elements_text(CAST($5 AS JSON))) AS p (d, s) " +
		"CROSS JOIN LATERAL (SELECT changed, id FROM uploads WHERE destination = p.d AND state = p.s AND " + after + inOrder + ") AS u " + inOrder
	noURLPlaces = "SELECT changed, id FROM uploads WHERE reason = 'no-url' AND " + after + inOrder
	dirPlaces   = "SELECT changed, id FROM uploads WHERE dir = $4 AND " + after + inOrder
	dirsPlaces  = "SELECT changed, id FROM unnest(CAST($4 AS BIGINT[])) AS d (dir) CROSS JOIN LATERAL (SELECT changed, id FROM uploads WHERE dir = d.dir AND " +
		after + inOrder + ") AS u " + inOrder
	eachDestination = `WITH RECURSIVE d (name) AS (
		SELECT min(destination) FROM uploads
		UNION ALL
		SELECT (SELECT min(destination) FROM uploads WHERE destination > d.name) FROM d WHERE d.name IS NOT NULL
	) SELECT name FROM d WHERE name IS NOT NULL`
)

// destinations returns those that have uploads.
func (f *finding) destinations(ctx context.Context) (names []string, err error) {
	err = each(ctx, f.tx, func(s *sql.Rows) error {
		var name string
		err := s.Scan(&name)
		names = append(names, name)
		return err
	}, eachDestination)
	return names, err
}

// listed gives the uploads whose column is one of ids, all read at once.
func (f *finding) listed(ctx context.Context, column string, ids []int64) (stream, error) {
	var all []place
	among, list := f.l.among(ids)
	err := each(ctx, f.tx, func(s *sql.Rows) error {
		var p place
		err := s.Scan(&p.changed, &p.id)
		if f.at.before(p) {
			all = append(all, p)
		}
		return err
	}, "SELECT changed, id FROM uploads WHERE "+column+" "+among, list)
	slices.SortFunc(all, func(a, b place) int { return cmp.Or(cmp.Compare(b.changed, a.changed), cmp.Compare(b.id, a.id)) })
	return &fixed{all}, err
}

// fixed is a stream of places that are known.
type fixed struct{ places []place }

func (s *fixed) take(_ context.Context, n int) ([]place, error) {
	n = min(n, len(s.places))
	list := s.places[:n]
	s.places = s.places[n:]
	return list, nil
}

// queried is a stream of what a statement finds after a place, part by part.
type queried struct {
	tx    vfs.Tx
	at    place
	query string // $1, $2: after which place; $3: how many; $4 …: args
	args  []any
}

func (s *queried) take(ctx context.Context, n int) (list []place, err error) {
	args := append([]any{s.at.changed, s.at.id, n}, s.args...)
	err = each(ctx, s.tx, func(r *sql.Rows) error {
		var p place
		err := r.Scan(&p.changed, &p.id)
		list = append(list, p)
		return err
	}, s.query, args...)
	if len(list) > 0 {
		s.at = list[len(list)-1]
	}
	if len(list) < n {
		s.at = place{math.MinInt64, 0}
	}
	return list, err
}

// merged is the streams of which it is made, merged.
type merged struct {
	fresh   []stream // not read yet
	sources sources
}

// source is a stream, and what was read of it and not taken yet.
type source struct {
	stream
	read []place
	done bool // nothing follows
}

func (m *merged) add(s stream) { m.fresh = append(m.fresh, s) }

func (m *merged) take(ctx context.Context, n int) (list []place, err error) {
	size := step
	if len(m.fresh) == 1 {
		size = max(n, step)
	}
	for _, s := range m.fresh {
		if err := m.push(ctx, &source{stream: s}, size); err != nil {
			return nil, err
		}
	}
	m.fresh = nil
	for len(list) < n && len(m.sources) > 0 {
		s := m.sources[0]
		p := s.read[0]
		if len(list) == 0 || list[len(list)-1] != p { // two streams may have the same
			list = append(list, p)
		}
		s.read = s.read[1:]
		if len(s.read) > 0 {
			heap.Fix(&m.sources, 0)
			continue
		}
		heap.Pop(&m.sources)
		if err := m.push(ctx, s, sieved); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// push reads the next n places of s and has it take part again, unless it ended.
func (m *merged) push(ctx context.Context, s *source, n int) (err error) {
	if s.done {
		return nil
	}
	if s.read, err = s.take(ctx, n); err != nil {
		return err
	}
	s.done = len(s.read) < n
	if len(s.read) > 0 {
		heap.Push(&m.sources, s)
	}
	return nil
}

// sources is a heap.Interface, the source with the next place on top.
type sources []*source

func (s sources) Len() int           { return len(s) }
func (s sources) Less(i, j int) bool { return s[i].read[0].before(s[j].read[0]) }
func (s sources) Swap(i, j int)      { s[i], s[j] = s[j], s[i] }

// Push adds a *source.
func (s *sources) Push(x any) { *s = append(*s, x.(*source)) }

// Pop removes the last.
func (s *sources) Pop() any {
	old := *s
	last := old[len(old)-1]
	*s = old[:len(old)-1]
	return last
}
