package main

import (
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"slipway/gateway/strict"
	"slipway/uploader/route"
	"slipway/vfs"
)

// WatchConfig is one watched folder. Keys that are not set have the defaults of
// [WatchConfig.complete].
type WatchConfig struct {
	// Folder is taken from, and Into is where it lies in the virtual filesystem.
	Folder string `toml:"folder"`
	Into   string `toml:"into"`
	// After is "keep", "delete" or "move:DIR": what becomes of a file whose
	// destinations are all done.
	After string `toml:"after"`
	// Sidecars are written as real files: kinds as in [sidecar].file, and
	// "links.html", "links.md" and "links.csv" for folders.
	Sidecars []string `toml:"sidecars"`
	// SidecarDir is where they are written instead of beside the files.
	SidecarDir string `toml:"sidecar_dir"`
	// Settle is how long a file must not have changed; 0: what the kind of file
	// system asks for.
	Settle strict.Duration `toml:"settle"`
	Rescan strict.Duration `toml:"rescan"`
	// Mode is "auto", "events" or "poll".
	Mode string `toml:"mode"`
	// OnLocalDelete is "keep" or "follow", Grace after which time.
	OnLocalDelete string          `toml:"on_local_delete"`
	Grace         strict.Duration `toml:"grace"`

	Places strict.Places `toml:"-"`
}

// What the keys of [[watch]] may say.
const (
	afterKeep, afterDelete, afterMove       = "keep", "delete", "move:"
	watchAuto, watchEvents, watchPoll       = "auto", "events", "poll"
	localDeleteKeeps, localDeleteFollows    = "keep", "follow"
	watchRescan, watchGrace, shortestRescan = time.Minute, time.Minute, time.Second
	untilSent                               = "until-sent"
	linksHTML, linksMarkdown, linksCSV      = "links.html", "links.md", "links.csv"
)

// watchSidecars are the kinds of sidecar that can be written into a folder.
var watchSidecars = []string{"url", "json", "txt", "md", "html", "bbcode", linksHTML, linksMarkdown, linksCSV}

// complete puts in what is not set.
func (w *WatchConfig) complete() {
	or := func(to *string, value string) {
		if *to == "" {
			*to = value
		}
	}
	or(&w.After, afterKeep)
	or(&w.Mode, watchAuto)
	or(&w.OnLocalDelete, localDeleteKeeps)
	if w.Sidecars == nil {
		w.Sidecars = []string{"url"}
	}
	if w.Rescan == 0 {
		w.Rescan = strict.Duration(watchRescan)
	}
	if w.Grace == 0 {
		w.Grace = strict.Duration(watchGrace)
	}
}

// resolveWatches makes the paths of the watched folders absolute and clean, and
// puts in what is not set.
func (c *Config) resolveWatches() {
	for i := range c.Watches {
		w := &c.Watches[i]
		w.complete()
		for _, p := range []*string{&w.Folder, &w.SidecarDir} {
			if *p != "" {
				*p = filepath.Clean(c.resolve(*p))
			}
		}
		if into, err := vfs.Clean(w.Into); err == nil && w.Into != "" {
			w.Into = into
		}
	}
}

// doneDir returns the folder below the watched one, with slashes, that `after` moves
// files to; "": it moves none.
func (w WatchConfig) doneDir() string {
	dir, moves := strings.CutPrefix(w.After, afterMove)
	if !moves {
		return ""
	}
	return path.Clean(filepath.ToSlash(dir))
}

// table is what people know the i-th watched folder as.
func (w WatchConfig) table(i int) string {
	if w.Folder == "" {
		return fmt.Sprintf("watch %d", i+1)
	}
	return fmt.Sprintf("watch %d (%s)", i+1, filepath.Base(w.Folder))
}

// checkWatches finds what is wrong with the watched folders without looking at the
// disk: a folder may be a mount that comes later.
func (c *Config) checkWatches(m *mistakes) {
	for i, w := range c.Watches {
		w.check(m, w.table(i))
		c.checkWatchPlaces(m, i)
	}
}

func (w WatchConfig) check(m *mistakes, table string) {
	if w.Folder == "" {
		m.add(w.Places, table, "folder", `it is missing; name the folder to take files from, as in "/home/me/Drop"`)
	}
	if into, err := vfs.Clean(w.Into); w.Into == "" || err != nil || into != w.Into {
		m.add(w.Places, table, "into", `name the path that its files are to have here, as in "/inbox"`)
	}
	w.checkAfter(m, table)
	for _, kind := range w.Sidecars {
		m.oneOf(w.Places, table, "sidecars", kind, watchSidecars...)
	}
	m.oneOf(w.Places, table, "mode", w.Mode, watchAuto, watchEvents, watchPoll)
	m.oneOf(w.Places, table, "on_local_delete", w.OnLocalDelete, localDeleteKeeps, localDeleteFollows)
	if time.Duration(w.Rescan) < shortestRescan {
		m.add(w.Places, table, "rescan", "it must be %v or more", shortestRescan)
	}
}

// checkAfter reports what `after` cannot do.
func (w WatchConfig) checkAfter(m *mistakes, table string) {
	dir, moves := strings.CutPrefix(w.After, afterMove)
	switch {
	case !moves:
		m.oneOf(w.Places, table, "after", w.After, afterKeep, afterDelete, afterMove+"done")
	case dir == "" || !filepath.IsLocal(dir) || w.doneDir() == ".":
		m.add(w.Places, table, "after", `%q names no folder in the watched one; write it as in "move:done"`, w.After)
	}
}

// checkWatchPlaces reports a watched folder that lies where others work.
func (c *Config) checkWatchPlaces(m *mistakes, i int) {
	w := c.Watches[i]
	if w.Folder == "" {
		return
	}
	table := w.table(i)
	if data := filepath.Clean(c.dataDir()); overlap(w.Folder, data) {
		m.add(w.Places, table, "folder", "it and data_dir (%s) must not lie in each other: what the gateway keeps would be taken", data)
	}
	for j, other := range c.Watches {
		switch {
		case other.Folder == "":
		case j < i && overlap(w.Folder, other.Folder):
			m.add(w.Places, table, "folder", "it and %s (watch %d) must not lie in each other: files would be taken twice", other.Folder, j+1)
		case j < i && (liesUnder(w.Into, other.Into) || liesUnder(other.Into, w.Into)):
			m.add(w.Places, table, "into", "it and %s (watch %d) must not lie in each other: files of two folders would have one path; give each a path of its own",
				other.Into, j+1)
		}
		if other.Folder != "" && w.SidecarDir != "" && overlap(w.SidecarDir, other.Folder) {
			m.add(w.Places, table, "sidecar_dir", "it and the watched folder %s must not lie in each other: sidecars would be among what is taken", other.Folder)
		}
	}
	if w.SidecarDir != "" && overlap(w.SidecarDir, filepath.Clean(c.dataDir())) {
		m.add(w.Places, table, "sidecar_dir", "it and data_dir must not lie in each other")
	}
}

// liesUnder reports whether one path of the tree is another, or lies below it.
func liesUnder(p, dir string) bool {
	return p != "" && dir != "" && strings.HasPrefix(strings.TrimRight(vfs.Key(p), "/")+"/", strings.TrimRight(vfs.Key(dir), "/")+"/")
}

// checkWatchRoutes reports watched folders whose files no route takes, or would be
// neither here nor there in the end; kept reports whether a destination of a route
// keeps what it gets.
func (c *Config) checkWatchRoutes(table *route.Table, kept func(route.Config) bool) (errs []error, warnings []string) {
	m := &mistakes{file: c.file}
	for i, w := range c.Watches {
		numbers := w.routes(table)
		fleeting := slices.IndexFunc(numbers, func(n int) bool { return c.keepOf(n).Lets() && !kept(c.Routes[n-1]) })
		switch {
		case len(numbers) == 0 && c.Storage.Unrouted == route.RefuseUnrouted:
			m.add(w.Places, w.table(i), "into", "no route takes what comes to %s: add one, as in [[route]] path = %q, or set storage.unrouted = %q",
				w.Into, strings.TrimRight(w.Into, "/")+"/{rest...}", route.StoreUnrouted)
		case len(numbers) == 0:
			warnings = append(warnings, fmt.Sprintf("watch %s: no route takes what comes to %s, so that it is kept and sent nowhere", w.Folder, w.Into))
		case w.After != afterKeep && fleeting >= 0:
			m.add(w.Places, w.table(i), "after", `route %d has keep = %q, which relies on the file in this folder: set after = "keep", or keep = "always"`,
				numbers[fleeting], c.keeps(numbers[fleeting]))
		}
	}
	return m.errs, warnings
}

// routes returns the numbers of the routes that take files of the folder.
func (w WatchConfig) routes(table *route.Table) (numbers []int) {
	for _, name := range []string{"a", "a/b", "a/b/c/d/e"} {
		if n := table.Number(path.Join(w.Into, name)); n > 0 {
			numbers = append(numbers, n)
		}
	}
	return numbers
}

// keeps returns how long the files of a route, counted from 1, stay here.
func (c *Config) keeps(number int) string {
	if k := c.Routes[number-1].Keep; k != "" {
		return k
	}
	return c.Storage.Keep
}
