package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"slipway/uploader"
	"slipway/uploader/route"
	"slipway/vfs"
	"slipway/vfs/blob"
	"slipway/vfs/elsewhere"
	"slipway/vfs/index"
	"slipway/watch"
)

// newReleaser returns what lets bytes go by `keep`.
func (a *app) newReleaser() *index.Releaser {
	return &index.Releaser{
		DB: a.db, Store: a.disk, Clock: time.Now, State: string(watch.Taken), AtOnce: keepAtOnce,
		Needs: func(ctx context.Context, tx vfs.Tx, sum blob.Sum, refs []blob.Ref) (string, error) {
			return a.ledger.Needs(ctx, tx, sum, refs)
		},
		May: a.mayRelease, Went: func(k index.Kept) { a.keeping.went(a.settings.Load(), k) }, Relied: a.relied, Prove: a.prove, Copies: a.copiesOf, Compare: a.compareCopy,
	}
}

// wasRead remembers that bytes were read, where that decides how long they stay.
func (a *app) wasRead(ref blob.Ref) {
	if s := a.settings.Load(); s != nil && s.config.releases() {
		a.reads.Note(ref)
	}
}

// watchedAs returns the watched folder that has a name in the memory.
func (c *Config) watchedAs(name string) (WatchConfig, bool) {
	i := slices.IndexFunc(c.Watches, func(w WatchConfig) bool { return w.name() == name })
	if i < 0 {
		return WatchConfig{}, false
	}
	return c.Watches[i], true
}

// releases reports whether any bytes may go by the configuration at all.
func (c *Config) releases() bool {
	return c.keepOf(0).Lets() || slices.ContainsFunc(c.Routes, func(r route.Config) bool { return r.Keep != "" && r.Keep != route.KeepAlways })
}

// keepOf returns what holds for the files of a route, counted from 1; 0: of none.
func (c *Config) keepOf(number int) route.Keep {
	text := c.Storage.Keep
	if number > 0 {
		text = c.keeps(number)
	}
	k, err := route.ParseKeep(text)
	if err != nil { // which loading it has refused
		return route.Keep{}
	}
	return k
}

// keepGroup returns the route whose own keep holds for the files of a route; 0: it is
// storage.keep.
func (c *Config) keepGroup(number int) int {
	if number > 0 && c.Routes[number-1].Keep == "" {
		return 0
	}
	return number
}

// mayRelease reports whether the settings let bytes go: those of the routes of all
// files here that have them.
func (a *app) mayRelease(k index.Kept) index.Verdict {
	s, now := a.settings.Load(), a.releaser.Clock()
	for _, p := range k.Paths {
		n := s.table.Number(p)
		keep, group := s.keeps(n), s.config.keepGroup(n)
		switch {
		case n == 0:
			return index.Verdict{Why: "no route takes " + p + ", so that it is sent nowhere", Look: now.Add(time.Hour)}
		case !keep.Lets():
			return index.Verdict{Why: settingOf(group) + ` says "always"`, Look: now.Add(time.Hour)}
		case keep.Age > 0 && !keep.Judge(k.Used, now, false):
			until := k.Used.Add(keep.Age)
			return index.Verdict{Look: until, Why: fmt.Sprintf("%s is %q, and they were last used on %s", settingOf(group), s.config.keepText(group), day(k.Used))}
		case keep.Size > 0 && !k.Marked.IsZero() && k.Used.After(k.Marked):
			return index.Verdict{Why: "they were read just now", Look: now.Add(time.Hour)}
		case keep.Size > 0 && k.Marked.IsZero() && !a.keeping.over(group):
			return index.Verdict{Why: fmt.Sprintf("all that %s governs is within its %s", settingOf(group), s.config.keepText(group))}
		}
	}
	return index.Verdict{May: true}
}

// settingOf names the `keep` of a group.
func settingOf(group int) string {
	if group == 0 {
		return "storage.keep"
	}
	return fmt.Sprintf("keep of route %d", group)
}

// keepText returns what the `keep` of a group says.
func (c *Config) keepText(group int) string {
	if group == 0 {
		return c.Storage.Keep
	}
	return c.Routes[group-1].Keep
}

func day(t time.Time) string { return t.UTC().Format("2006-01-02") }

// relied reports whether the file of a watched folder may come to be the only one
// with its bytes: it stays there.
func (a *app) relied(c index.Candidate) bool {
	w, ok := a.settings.Load().config.watchedAs(c.Folder)
	return ok && w.After == afterKeep
}

// prove returns the path of a watched file that is still the one that was taken.
func (a *app) prove(ctx context.Context, c index.Candidate, deep bool) (string, error) {
	w, ok := a.settings.Load().config.watchedAs(c.Folder)
	if !ok {
		return "", fmt.Errorf("the folder of %s is not watched now", c.Path)
	}
	place := elsewhere.Place{Root: w.Folder, Path: filepath.Join(w.Folder, filepath.FromSlash(c.Path))}
	look := func(info fs.FileInfo) error {
		if info.Size() != c.Size || info.Size() != c.Watched.Size || info.ModTime().UnixNano() != c.Modified {
			return fmt.Errorf("%s was changed", place.Path)
		}
		return nil
	}
	if !deep {
		return place.Path, elsewhere.Look(place, look)
	}
	return place.Path, elsewhere.Prove(ctx, place, c.Sum, look)
}

// placesOf returns where the watched folders have, or had, files with a sum: those
// that stand there first.
func (a *app) placesOf(ctx context.Context, sum blob.Sum) (places []elsewhere.Place, err error) {
	found, err := index.Memory{DB: a.db}.WithSum(ctx, sum)
	if err != nil {
		return nil, err
	}
	config := a.settings.Load().config
	for name, rows := range found {
		w, ok := config.watchedAs(name)
		if !ok {
			continue
		}
		for _, r := range rows {
			p := elsewhere.Place{Root: w.Folder, Path: filepath.Join(w.Folder, filepath.FromSlash(r.Path))}
			if r.State != string(watch.Taken) {
				p.Since = time.Unix(0, r.Since)
			}
			places = append(places, p)
		}
	}
	slices.SortFunc(places, func(a, b elsewhere.Place) int {
		switch {
		case a.Since.IsZero() == b.Since.IsZero():
			return cmp.Or(b.Since.Compare(a.Since), strings.Compare(a.Path, b.Path))
		case a.Since.IsZero():
			return -1
		}
		return 1
	})
	return places, nil
}

// onlyHere returns those of entries whose bytes are in a watched folder alone, where
// that does not keep its files any more: they must not be removed from it.
func (w *watchOutcomes) onlyHere(ctx context.Context, entries []vfs.ID) (map[vfs.ID]bool, error) {
	keeps := func(c WatchConfig) bool { return c.Into != w.into || c.After == afterKeep }
	if config := w.settings.Load().config; !slices.ContainsFunc(config.Watches, func(c WatchConfig) bool { return !keeps(c) }) {
		return nil, nil
	}
	return index.Releases{DB: w.db}.Entries(ctx, entries)
}

// heldAway returns err as it holds an upload whose bytes cannot come back by themselves,
// and as it lets one wait whose bytes may.
func heldAway(err error) error {
	var away *vfs.AwayError
	if !errors.As(err, &away) {
		return err
	}
	text, remedy := upperFirst(away.Text)+".", upperFirst(away.Remedy)+"."
	if away.Passing {
		return &uploader.Away{Text: text, Remedy: remedy, After: away.After, Err: err}
	}
	return &uploader.Hold{Reason: uploader.ReasonAway, Text: text, Remedy: remedy}
}

func upperFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
