package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"slipway/gateway/auth"
	"slipway/gateway/operate"
	"slipway/uploader"
	"slipway/uploader/ledger"
	"slipway/vfs"
)

// Find returns uploads, those that changed last first.
func (d desk) Find(ctx context.Context, q operate.Query) (operate.UploadPage, error) {
	find, err := d.query(q)
	if err != nil {
		return operate.UploadPage{}, err
	}
	if d.user.Rights == auth.Drop {
		return d.findDropped(ctx, q)
	}
	at := d.user.Home
	if q.Path != "" {
		if at, err = d.inside(q.Path); err != nil {
			return operate.UploadPage{}, err
		}
	}
	e, err := d.operations.tree.Lookup(ctx, at)
	switch {
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, vfs.ErrNotDir):
		return operate.UploadPage{}, nil // nothing is there
	case err != nil:
		return operate.UploadPage{}, err
	case e.Dir:
		find.Dir = e.ID
	default:
		find.Entry = e.ID
	}
	p, err := d.ledger.Find(ctx, find)
	if errors.Is(err, ledger.ErrCursor) {
		err = operate.Errorf(operate.Usage, "%v", ledger.ErrCursor)
	}
	return operate.UploadPage{Uploads: d.shownAll(p.Uploads), Next: p.Next, Partly: p.Partly}, err
}

// storable reports whether s can stand in the database, PostgreSQL's too.
func storable(s string) bool { return utf8.ValidString(s) && !strings.ContainsRune(s, 0) }

// query checks what is asked for.
func (d desk) query(q operate.Query) (ledger.Query, error) {
	for _, s := range append([]string{q.Destination, q.Path, q.Text, q.After}, q.States...) {
		if !storable(s) {
			return ledger.Query{}, operate.Errorf(operate.Usage, "%+q is no text that anything here has", s)
		}
	}
	find := ledger.Query{
		Destination: q.Destination, Text: q.Text, Since: q.Since, Before: q.Before, Present: q.Present, NoURL: q.NoURL, After: q.After, Limit: q.Limit,
	}
	if q.Limit < 0 || q.Limit > pageMost {
		return find, operate.Errorf(operate.Usage, "a page has 1 to %d uploads", pageMost)
	}
	filter, err := d.filter(operate.Filter{States: q.States})
	find.States = filter.States
	return find, err
}

// findDropped is Find for one who only drops files: what he put in this session.
func (d desk) findDropped(ctx context.Context, q operate.Query) (operate.UploadPage, error) {
	own := d.dropped()
	ids := slices.Collect(maps.Keys(own))
	var rows []uploader.Upload
	for batch := range slices.Chunk(ids, uploadsBatch) {
		present, err := d.ledger.Present(ctx, batch)
		if err != nil {
			return operate.UploadPage{}, err
		}
		for _, us := range present {
			rows = append(rows, us...)
		}
	}
	var list []operate.Upload
	for _, row := range rows {
		if u, ok := d.shown(row); ok && selects(q, u) {
			list = append(list, u)
		}
	}
	slices.SortFunc(list, func(a, b operate.Upload) int { return cmp.Or(b.Changed.Compare(a.Changed), cmp.Compare(b.ID, a.ID)) })
	if q.After != "" {
		var changed, id int64
		if _, err := fmt.Sscanf(q.After, droppedCursor, &changed, &id); err != nil {
			return operate.UploadPage{}, operate.Errorf(operate.Usage, "%v", ledger.ErrCursor)
		}
		list = slices.DeleteFunc(list, func(u operate.Upload) bool {
			at := u.Changed.UnixNano()
			return at > changed || at == changed && u.ID >= id
		})
	}
	page := operate.UploadPage{Uploads: list}
	if n := cmp.Or(q.Limit, 100); len(list) > n {
		last := list[n-1]
		page.Uploads, page.Next = list[:n], fmt.Sprintf(droppedCursor, last.Changed.UnixNano(), last.ID)
	}
	return page, nil
}

// droppedCursor is a place in findDropped's list: when the last upload before it
// changed, and its id.
const droppedCursor = "%d.%d"

// selects reports whether q selects u, whose path is the user's.
func selects(q operate.Query, u operate.Upload) bool {
	lower, dir := strings.ToLower(u.Path), path.Clean("/"+q.Path)
	for _, w := range strings.FieldsFunc(strings.ToLower(q.Text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) }) {
		if !strings.Contains(lower, w) {
			return false
		}
	}
	if q.NoURL && (u.State != string(uploader.Done) || u.Reason != uploader.ReasonNoURL) {
		return false
	}
	return (len(q.States) == 0 || slices.Contains(q.States, u.State)) && (q.Destination == "" || q.Destination == u.Destination) &&
		(dir == "/" || u.Path == dir || strings.HasPrefix(u.Path, dir+"/")) &&
		!u.Changed.Before(q.Since) && (q.Before.IsZero() || u.Changed.Before(q.Before))
}

// Destinations lists the destinations, with how many uploads of the user's each has.
func (d desk) Destinations(ctx context.Context) ([]operate.Destination, error) {
	list, err := d.operations.Destinations(ctx)
	if err != nil || d.user.Home == "/" && d.user.Rights != auth.Drop {
		return list, err
	}
	counts, err := d.counts(ctx)
	if err != nil {
		return nil, err
	}
	reach := d.reaches()
	mine := list[:0]
	for _, to := range list {
		to.Windows = nil // what all others use of it
		to.Counts = make(map[string]int)
		for state, n := range counts[to.Name] {
			to.Counts[string(state)] = n
		}
		if to.LastDone, to.LastFailed, to.LastError, err = d.lasts(ctx, to); err != nil {
			return nil, err
		}
		if to.Configured && reach[to.Name] || len(to.Counts) > 0 {
			mine = append(mine, to)
		}
	}
	return mine, nil
}

// reaches returns the destinations of the routes that lie below the home, or above
// it.
func (d desk) reaches() map[string]bool {
	names := make(map[string]bool)
	for _, to := range d.settings.Load().table.Reaches(d.user.Home) {
		names[to] = true
	}
	return names
}

// lasts returns when an upload of the user's was last taken by a destination, and
// when one last was not, and why: what others met is not his to know.
func (d desk) lasts(ctx context.Context, to operate.Destination) (done, failed time.Time, why string, err error) {
	for _, state := range []uploader.State{uploader.Done, uploader.Failed} {
		if to.Counts[string(state)] == 0 {
			continue
		}
		page, err := d.Find(ctx, operate.Query{Destination: to.Name, States: []string{string(state)}, Limit: 1})
		if err != nil {
			return done, failed, why, err
		}
		for _, u := range page.Uploads {
			if state == uploader.Done {
				done = u.Changed
			} else {
				failed, why = u.Changed, u.Error
			}
		}
	}
	return done, failed, why, nil
}

// counts returns how many uploads of the user's there are.
func (d desk) counts(ctx context.Context) (map[string]ledger.Tally, error) {
	if d.user.Rights == auth.Drop {
		page, err := d.findDropped(ctx, operate.Query{Limit: pageMost})
		counts := make(map[string]ledger.Tally)
		for _, u := range page.Uploads {
			if counts[u.Destination] == nil {
				counts[u.Destination] = make(ledger.Tally)
			}
			counts[u.Destination][uploader.State(u.State)]++
		}
		return counts, err
	}
	home, err := d.operations.tree.Lookup(ctx, d.user.Home)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, vfs.ErrNotDir) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return d.ledger.Tallies(ctx, home.ID)
}
