package main

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"slipway/uploader"
	"slipway/uploader/ledger"
	"slipway/vfs"
	"slipway/vfs/index"
	"slipway/watch"
)

// watchOutcomes tells a watched folder what becomes of its files' entries.
type watchOutcomes struct {
	*app
	into string

	mu sync.Mutex
	// ripe is when what is no trouble yet becomes some, by entry: a file that is not
	// whole is reported after a while.
	ripe  map[int64]time.Time
	riper chan struct{} // ripe got an earlier time
}

var _ watch.Outcomes = (*watchOutcomes)(nil)

func newWatchOutcomes(a *app, into string) *watchOutcomes {
	return &watchOutcomes{app: a, into: into, ripe: make(map[int64]time.Time), riper: make(chan struct{}, 1)}
}

// Outcomes returns how entries stand; see watch.Outcomes.
func (w *watchOutcomes) Outcomes(ctx context.Context, entries []int64) (map[int64]watch.Outcome, error) {
	all := make(map[int64]watch.Outcome, len(entries))
	for batch := range slices.Chunk(entryIDs(entries), uploadsBatch) {
		places, err := w.tree.Places(ctx, batch)
		if err != nil {
			return nil, err
		}
		rows, err := w.ledger.Present(ctx, slices.Collect(maps.Keys(places)))
		if err != nil {
			return nil, err
		}
		// A folder was moved: whether what is in it is owed to others now is being
		// found out.
		moving, err := w.ledger.Rerouting(ctx)
		if err != nil {
			return nil, err
		}
		away, err := w.onlyHere(ctx, batch)
		if err != nil {
			return nil, err
		}
		for id, p := range places {
			if !p.Dir {
				o := w.outcome(int64(id), p, rows[id])
				o.Complete = o.Complete && !moving && !away[id]
				all[int64(id)] = o
			}
		}
	}
	return all, nil
}

func entryIDs(ids []int64) []vfs.ID {
	entries := make([]vfs.ID, len(ids))
	for i, id := range ids {
		entries[i] = vfs.ID(id)
	}
	return entries
}

// outcome judges the rows of an entry. What a person dropped is owed and not done:
// a file that is not everywhere is never removed from its folder.
func (w *watchOutcomes) outcome(id int64, e index.Place, rows []uploader.Upload) watch.Outcome {
	o := watch.Outcome{Sum: e.SHA256, Path: belowInto(w.into, e.Path)}
	var ripe time.Time
	for i := range rows {
		u := &rows[i]
		if u.SHA256 != e.SHA256 || u.State == uploader.Superseded {
			continue
		}
		o.Owed++
		if u.State == uploader.Done && u.Picture != nil && u.Picture.URL != "" {
			o.Done++
		}
		o.Trouble = o.Trouble || receipts{w.app}.trouble(u)
		o.Changed = max(o.Changed, u.Changed.UnixNano())
		if u.State == uploader.Held && u.Reason == uploader.ReasonNotWhole {
			ripe = u.Changed.Add(time.Duration(w.settings.Load().config.Settle.IncompleteAfter))
		}
	}
	o.Complete = o.Owed > 0 && o.Done == o.Owed
	if !ripe.IsZero() && !o.Trouble {
		w.ripens(id, ripe)
	}
	return o
}

// belowInto returns p, a path in the tree, from dir on; "": it lies elsewhere.
func belowInto(dir, p string) string {
	rest, ok := strings.CutPrefix(vfs.Key(p), strings.TrimRight(vfs.Key(dir), "/")+"/")
	if !ok {
		return ""
	}
	// The key is composed; as many elements of the name as it was given.
	elements := strings.Split(strings.Trim(p, "/"), "/")
	return strings.Join(elements[len(elements)-strings.Count(rest, "/")-1:], "/")
}

// ripens has Changes tell of an entry at a time.
func (w *watchOutcomes) ripens(id int64, at time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ripe[id] = at
	select {
	case w.riper <- struct{}{}:
	default:
	}
}

// ripened takes those whose time has come, and returns when the next one's does.
func (w *watchOutcomes) ripened(now time.Time) (ids []int64, next time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for id, at := range w.ripe {
		switch {
		case !at.After(now):
			ids = append(ids, id)
			delete(w.ripe, id)
		case next.IsZero() || at.Before(next):
			next = at
		}
	}
	return ids, next
}

// Changes tells of entries whose uploads, names or bytes changed; see
// watch.Outcomes.
func (w *watchOutcomes) Changes(ctx context.Context, changed func(entries []int64)) error {
	l := w.ledger.Listen()
	defer l.Close()
	changed(nil)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-l.Changed():
			ids, err := w.told(ctx, l.Take())
			if err != nil {
				return err
			}
			if ids == nil || len(ids) > 0 {
				changed(ids)
			}
		case <-w.riper:
		case <-timer.C:
		case <-ctx.Done():
			return nil
		}
		ids, next := w.ripened(time.Now())
		if len(ids) > 0 {
			changed(ids)
		}
		if !next.IsZero() {
			timer.Reset(time.Until(next))
		}
	}
}

// told returns the entries that changed; nil: it may be any. What lies below a
// directory changed with it.
func (w *watchOutcomes) told(ctx context.Context, c ledger.Changed) ([]int64, error) {
	if c.All {
		return nil, nil
	}
	ids := make([]int64, 0, len(c.Entries)+len(c.Gone))
	for batch := range slices.Chunk(c.Entries, uploadsBatch) {
		places, err := w.tree.Places(ctx, batch)
		if err != nil {
			return nil, err
		}
		for _, id := range batch {
			if places[id].Dir {
				return nil, nil
			}
			ids = append(ids, int64(id))
		}
	}
	for id := range c.Gone {
		ids = append(ids, int64(id))
	}
	return ids, nil
}
