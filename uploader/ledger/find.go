package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"slipway/uploader"
	"slipway/vfs"
)

// ErrCursor is returned by Find for a cursor that is not one of its own.
var ErrCursor = errors.New("this is no place in a list of uploads; begin at its start")

// Query says which uploads Find returns. The zero value is all of them.
type Query struct {
	States      []uploader.State // none: any
	Destination string           // "": any
	Dir         vfs.ID           // at and below this directory; 0 or vfs.Root: anywhere
	Entry       vfs.ID           // of this file; 0: any
	Text        string           // words that the path has, each from its start, in any case
	Since       time.Time        // changed then or later
	Before      time.Time        // changed before
	Present     bool             // of files' present bytes only
	NoURL       bool             // of those only that are done without a URL
	After       string           // the Next of the page before
	Limit       int              // 1 to 1000; 0: 100
	// Budget is how long the search may take before it is cut short; 0: 60 ms.
	Budget time.Duration
}

// Page is a part of what a Query selects, those that changed last first.
type Page struct {
	Uploads []uploader.Upload
	Next    string // the cursor of what follows; "": nothing does
	// Partly: the budget was used up before the page was full. Next goes on.
	Partly bool
}

// place is where an upload stands in the order of Find: by the time of its last
// change, and by its id where that is the same, the greater first.
type place struct{ changed, id int64 }

// first comes before all places.
var first = place{math.MaxInt64, math.MaxInt64}

func (p place) before(q place) bool {
	return p.changed > q.changed || p.changed == q.changed && p.id > q.id
}

func (p place) String() string {
	return strconv.FormatInt(p.changed, 36) + "." + strconv.FormatInt(p.id, 36)
}

// parsePlace reads what String wrote; "" is first.
func parsePlace(s string) (p place, err error) {
	if s == "" {
		return first, nil
	}
	changed, id, ok := strings.Cut(s, ".")
	if ok {
		p.changed, err = strconv.ParseInt(changed, 36, 64)
	}
	if ok && err == nil {
		p.id, err = strconv.ParseInt(id, 36, 64)
	}
	if !ok || err != nil || p.String() != s {
		return first, ErrCursor
	}
	return p, nil
}

// look-ups of Find, by rows.
const (
	findLimit  = 100
	findMost   = 1000
	findBudget = 60 * time.Millisecond
	// sieved is how many places are looked at together.
	sieved = 500
)

// Find returns uploads, those that changed last first. However many there are, it
// reads the indexes from the cursor on, and takes no longer than the budget and
// the reading of one page: what it has by then is Partly.
func (l *Ledger) Find(ctx context.Context, q Query) (p Page, err error) {
	f := finding{Query: q, l: l, words: wordsOf(q.Text)}
	if f.at, err = parsePlace(q.After); err != nil {
		return p, err
	}
	if f.Limit <= 0 {
		f.Limit = findLimit
	}
	f.Limit = min(f.Limit, findMost)
	if f.Budget <= 0 {
		f.Budget = findBudget
	}
	if !q.Since.IsZero() {
		f.Since = vfs.Timestamp(q.Since) // what lies beyond what nanos counts is its end
	}
	if !q.Before.IsZero() {
		if before := max(vfs.Timestamp(q.Before).UnixNano(), math.MinInt64+1); before <= f.at.changed {
			f.at = place{before - 1, math.MaxInt64}
		}
	}
	f.end = time.Now().Add(f.Budget)
	err = l.db.Read(ctx, func(ctx context.Context, tx vfs.Tx) error {
		f.tx = tx
		p, err = f.page(ctx)
		return err
	})
	return p, wrap("find", err)
}

// finding is one Find under way.
type finding struct {
	Query
	l     *Ledger
	tx    vfs.Tx
	words []string
	at    place // after which to go on
	end   time.Time
	below map[int64]bool // directories at and below Dir; nil: all
	exact bool           // the stream is of the destinations and states that are selected
}

// page collects a page from the stream that reaches it soonest.
func (f *finding) page(ctx context.Context) (p Page, err error) {
	s, err := f.plan(ctx)
	if err != nil {
		return p, err
	}
	if f.Text != "" && len(f.words) == 0 {
		return p, nil // no name has such words
	}
	var ids []int64
	last, since := f.at, nanos(f.Since)
	for n := min(f.Limit+1, sieved); len(ids) <= f.Limit; n = sieved {
		places, err := s.take(ctx, n)
		if err != nil {
			return p, err
		}
		passed, err := f.sieve(ctx, places)
		if err != nil {
			return p, err
		}
		for _, at := range passed {
			if ids = append(ids, at.id); len(ids) <= f.Limit {
				last = at
			}
		}
		if len(places) < n || places[n-1].changed < since {
			break
		}
		if len(ids) <= f.Limit && time.Now().After(f.end) {
			p.Partly, last = true, places[len(places)-1]
			break
		}
	}
	if p.Partly || len(ids) > f.Limit {
		p.Next = last.String()
	}
	p.Uploads, err = f.read(ctx, ids[:min(len(ids), f.Limit)])
	return p, err
}

// read returns the uploads with ids, in their order.
func (f *finding) read(ctx context.Context, ids []int64) ([]uploader.Upload, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	among, list := f.l.among(ids)
	us, err := f.l.shown(ctx, f.tx, "WHERE u.id "+among, list)
	if err != nil {
		return nil, err
	}
	rank := make(map[int64]int, len(ids))
	for i, id := range ids {
		rank[id] = i
	}
	slices.SortFunc(us, func(a, b uploader.Upload) int { return rank[a.ID] - rank[b.ID] })
	for chunk := range slices.Chunk(us, 250) {
		if err := locate(ctx, f.tx, chunk); err != nil {
			return nil, err
		}
	}
	return us, nil
}

// sieve returns those of places whose uploads the query selects.
func (f *finding) sieve(ctx context.Context, places []place) (passed []place, err error) {
	since := nanos(f.Since)
	if i := slices.IndexFunc(places, func(p place) bool { return p.changed < since }); i >= 0 {
		places = places[:i]
	}
	if len(places) == 0 || !f.picky() {
		return places, nil
	}
	ids := make([]int64, len(places))
	for i, p := range places {
		ids[i] = p.id
	}
	chosen := make(map[int64]bool)
	among, list := f.l.among(ids)
	join, present := "", "1"
	if f.Present {
		join, present = "LEFT JOIN entries e ON e.id = u.entry", "CASE WHEN e.sha256 = u.sha256 THEN 1 ELSE 0 END"
	}
	err = each(ctx, f.tx, func(s *sql.Rows) error {
		var id, entry, dir, isPresent int64
		var destination, path string
		var u uploader.Upload
		if err := s.Scan(&id, &entry, &dir, &destination, &u.State, &u.Reason, &path, &isPresent); err != nil {
			return err
		}
		chosen[id] = isPresent != 0 && (f.Destination == "" || destination == f.Destination) &&
			(len(f.States) == 0 || slices.Contains(f.States, u.State)) && (!f.NoURL || withoutURL(u)) && (f.Entry == 0 || entry == int64(f.Entry)) &&
			(f.below == nil || f.below[dir]) && matches(path, f.words)
		return nil
	}, "SELECT u.id, u.entry, u.dir, u.destination, u.state, u.reason, u.path, "+present+" FROM uploads u "+join+" WHERE u.id "+among, list)
	for _, p := range places {
		if chosen[p.id] {
			passed = append(passed, p)
		}
	}
	return passed, err
}

// picky reports whether places alone do not say whether the query selects them.
func (f *finding) picky() bool {
	return !f.exact && (f.Destination != "" || len(f.States) > 0) || f.Entry != 0 || f.below != nil || f.Present || f.NoURL || len(f.words) > 0
}

// among returns a condition that an id is one of some, which travel as the one
// argument $1: binding one for each would cost more than what is asked.
func (l *Ledger) among(ids []int64) (condition, list string) {
	list = strings.Join(strings.Fields(fmt.Sprint(ids)), ",") // as JSON
	if l.db.Postgres() {
		return "= ANY (CAST($1 AS BIGINT[]))", "{" + strings.Trim(list, "[]") + "}"
	}
	return "IN (SELECT value FROM json_each($1))", list
}
