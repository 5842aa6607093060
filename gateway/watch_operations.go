package main

import (
	"context"
	"fmt"
	"path"
	"path/filepath"
	"slices"

	"slipway/gateway/operate"
	"slipway/uploader"
	"slipway/vfs"
	"slipway/watch"
)

// Watches lists the watched folders.
func (o operations) Watches(ctx context.Context) ([]operate.Watch, error) {
	all := []operate.Watch{}
	for _, f := range o.watches.list() {
		all = append(all, f.shown(ctx))
	}
	return all, nil
}

// shown returns the folder as commands show it. Where nobody follows it, it is known
// from its memory alone.
func (w *watched) shown(ctx context.Context) operate.Watch {
	s := w.folder.Status()
	v := operate.Watch{
		Folder: w.config.Folder, Into: w.config.Into, Mode: s.Mode, Why: s.Why, Problem: s.Problem, Braked: s.Braked, Asks: s.Asks,
		Scanning: s.Scanning, Scanned: s.Scanned, Took: s.Took, Directories: s.Dirs, Files: s.Files,
		Waiting: operate.Amount(s.Waiting), Failed: operate.Amount(s.Failed), Refused: operate.Amount(s.Refused),
		Empty: s.Empty, Known: make(map[string]int),
	}
	if s.Total.Files > 0 {
		v.Total, v.Taken, v.Same, v.Left = operate.Amount(s.Total), operate.Amount(s.Taken), operate.Amount(s.Same), s.Left
	}
	if !w.followed() {
		v.Mode = ""
	}
	known := s.Known
	if counts, err := w.memory.Count(ctx, w.config.name()); err == nil {
		known = counts
	}
	for state, n := range known {
		v.Known[string(state)] = n
	}
	for _, t := range s.Troubles {
		v.Troubles = append(v.Troubles, operate.WatchTrouble(t))
	}
	return v
}

// followed reports whether the folder is followed now.
func (w *watched) followed() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.holders > 0
}

// watchOf returns the watched folder that a file of this machine lies in, and where
// below it; nil: in none.
func (a *app) watchOf(file string) (*watched, string) {
	for _, f := range a.watches.list() {
		if rel, ok := inFolder(f.config.Folder, file); ok {
			return f, rel
		}
	}
	return nil, ""
}

// inFolder returns where below a folder a file lies, whatever links lead to the
// folder. The file itself is not followed: links in a folder are not.
func inFolder(folder, file string) (rel string, ok bool) {
	file = filepath.Clean(file)
	for _, f := range []string{file, filepath.Join(followed(filepath.Dir(file)), filepath.Base(file))} {
		for _, dir := range []string{folder, followed(folder)} {
			if rel, err := filepath.Rel(dir, f); err == nil && filepath.IsLocal(rel) {
				return filepath.ToSlash(rel), true
			}
		}
	}
	return "", false
}

// watchNamed returns the watched folder that people mean by a path.
func (a *app) watchNamed(folder string) (*watched, error) {
	var names []string
	for _, f := range a.watches.list() {
		if folder == f.config.Folder || followed(filepath.Clean(folder)) == followed(f.config.Folder) {
			return f, nil
		}
		names = append(names, f.config.Folder)
	}
	if len(names) == 0 {
		return nil, operate.Errorf(operate.Usage, "no folder is watched; add one to the configuration, as [[watch]]")
	}
	return nil, operate.Errorf(operate.Usage, "%s is not watched; the watched folders are %q", folder, names)
}

// ReleaseWatch lets follow what the brake keeps.
func (o operations) ReleaseWatch(_ context.Context, folder string) error {
	f, err := o.watchNamed(folder)
	if err == nil {
		f.folder.Release()
	}
	return err
}

// ExplainFile says how a file of a watched folder stands, and what becomes of it.
func (o operations) ExplainFile(ctx context.Context, file string) (operate.Explanation, error) {
	w, rel := o.watchOf(file)
	if w == nil {
		return operate.Explanation{}, operate.Errorf(operate.NotFound, "%s lies in no watched folder", file)
	}
	if rel == "." {
		rel = ""
	}
	local, err := w.folder.Explain(ctx, rel)
	if err != nil {
		return operate.Explanation{}, err
	}
	x := operate.Explanation{Path: path.Join(w.config.Into, rel)}
	// A name that has no place here has no explanation there.
	virtual := local.Virtual
	if virtual == "" {
		virtual = x.Path
	}
	if p, err := vfs.Clean(virtual); err == nil {
		if x, err = o.Explain(ctx, p); err != nil {
			return x, err
		}
	}
	aside := local.Dir || x.Entry == nil && (local.State == watch.Ignored || local.State == watch.Empty)
	if aside {
		x = operate.Explanation{Path: x.Path, Entry: x.Entry}
	}
	x.Local = &operate.LocalFile{
		File: filepath.Join(w.config.Folder, filepath.FromSlash(rel)), Folder: w.config.Folder, State: string(local.State), Text: local.Text,
		Until: local.Until, Entry: local.Entry, After: w.after(local.State, rel, x), Aside: aside,
	}
	return x, nil
}

// after says what is to become of a file that is done; "": it stays, as all do.
func (w *watched) after(s watch.State, rel string, x operate.Explanation) string {
	noURL := func(t operate.Taker) bool {
		return t.Upload != nil && t.Upload.State == string(uploader.Done) && t.Upload.Reason == uploader.ReasonNoURL
	}
	owed := func(t operate.Taker) bool { return t.Owed || t.Upload != nil && t.Upload.Present }
	switch {
	case rel == "" || !slices.Contains([]watch.State{watch.Taken, watch.Settling, watch.Waiting, watch.Removing}, s):
		return ""
	case w.config.After == afterKeep:
		return ""
	case !slices.ContainsFunc(x.Takes, owed):
		return "It stays here whatever `after` says, as it is sent nowhere."
	case slices.ContainsFunc(x.Takes, noURL):
		return "It stays here whatever `after` says, as a host has it and has not told its URL."
	case w.config.After == afterDelete:
		return "It is deleted here once every destination has it and has told its URL."
	case w.config.doneDir() != "":
		return fmt.Sprintf("It is moved to %s once every destination has it and has told its URL.", filepath.Join(w.config.Folder, filepath.FromSlash(w.config.doneDir())))
	}
	return ""
}
