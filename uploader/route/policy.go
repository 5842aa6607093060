package route

import (
	"fmt"
	"slices"
	"strings"

	"slipway/uploader"
	"slipway/uploader/route/filetype"
	"slipway/vfs"
)

// Admit reports why a file must not appear at path; see vfs.Policy. The errors
// are *vfs.Refusal.
func (t *Table) Admit(path string, size int64) error {
	if size == 0 || admittedAnywhere(path) {
		return nil
	}
	r := t.find(path)
	switch {
	case r == nil && t.options.Unrouted == StoreUnrouted:
		return nil
	case r == nil:
		return &vfs.Refusal{Kind: vfs.Forbidden, Text: t.unroutedText(path), Folders: t.Folders()}
	case r.limit > 0 && size > r.limit:
		return &vfs.Refusal{Kind: vfs.TooLarge, Text: r.limitText(baseName(path), size)}
	case r.config.OnType == "refuse" && !t.keptOnly(path) && !t.Links(path) && !r.mayTake(baseName(path)):
		return &vfs.Refusal{Kind: vfs.WrongType, Text: fmt.Sprintf(
			"no destination of this folder takes files like %s; they take %s", baseName(path), r.typesText())}
	}
	return nil
}

// SameName returns what on_same_name of path's route says; see vfs.Policy.
func (t *Table) SameName(path string) (vfs.SameName, bool) {
	r := t.find(path)
	if r == nil {
		return vfs.Replace, false
	}
	switch r.config.OnSameName {
	case "version":
		return vfs.Version, true
	case "replace":
		return vfs.Replace, true
	}
	return vfs.Replace, false
}

// OnDelete returns what on_delete of path's route says; see uploader.Router.
func (t *Table) OnDelete(path string) string {
	if r := t.find(path); r != nil && r.config.OnDelete != "" {
		return r.config.OnDelete
	}
	return uploader.KeepHosted
}

// Alters reports whether the route of path takes something out of pictures or turns
// them before they are sent.
func (t *Table) Alters(path string) bool {
	r := t.find(path)
	return r != nil && (r.config.Rotate || r.config.Strip != "" && r.config.Strip != uploader.StripNone)
}

// Public reports whether the route of path says public = true.
func (t *Table) Public(path string) bool {
	r := t.find(path)
	return r != nil && r.config.Public
}

// mayTake judges a name by its extension; a name without one is left to its content.
func (r *rule) mayTake(name string) bool {
	ext := filetype.Extension(name)
	if ext == "" || r.about(name) {
		return true
	}
	guess := filetype.Of(ext)
	if !filetype.Any(r.types, name, guess) {
		return false
	}
	return slices.ContainsFunc(r.targets, func(d target) bool { return d.takes(name, guess, -1) == taken })
}

// limitText says that a file is too large, for which of the rule's destinations
// takes most.
func (r *rule) limitText(name string, size int64) string {
	has, most := bytesText(size), bytesText(r.limit)
	if has == most {
		has, most = fmt.Sprintf("%d bytes", size), fmt.Sprintf("%d bytes", r.limit)
	}
	i := slices.IndexFunc(r.targets, func(d target) bool { return d.limit == r.limit })
	return fmt.Sprintf("%s has %s, and the most that a destination of this folder takes is %s (%s); make the file smaller, or put it into another folder",
		name, has, most, r.targets[i].name)
}

// typesText lists the types that a rule and its destinations take.
func (r *rule) typesText() string {
	rules := r.types
	if len(rules) == 0 {
		for _, d := range r.targets {
			rules = append(rules, d.types...)
		}
	}
	var shown []string
	for _, one := range rules {
		if s := one.String(); !slices.Contains(shown, s) {
			shown = append(shown, s)
		}
	}
	if len(shown) == 0 {
		return "other types"
	}
	return strings.Join(shown, ", ")
}

// foldersShown is how many folders a refusal lists.
const foldersShown = 8

// unroutedText says where files may go instead. Routes that begin as path does go
// first and alone, so that one user's folders are not shown to another needlessly.
func (t *Table) unroutedText(path string) string {
	if len(t.routes) == 0 {
		return `nothing is forwarded from here, because there is no route yet; add a [[route]] to the configuration, or set unrouted = "store" there`
	}
	folders := t.foldersBeside(path)
	if len(folders) == 0 {
		folders = t.Folders()
	}
	more := ""
	if n := len(folders) - foldersShown; n > 0 {
		folders, more = folders[:foldersShown], fmt.Sprintf(" and %d more", n)
	}
	return fmt.Sprintf("nothing is forwarded from %s; put the file into %s%s",
		path[:strings.LastIndexByte(path, '/')+1], strings.Join(folders, ", "), more)
}

// foldersBeside returns the folders of the routes that begin with path's first element.
func (t *Table) foldersBeside(path string) []string {
	first, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	var folders []string
	for _, r := range t.routes {
		if f := r.pattern.Folder(); r.pattern.BeginsWith(first) && !slices.Contains(folders, f) {
			folders = append(folders, f)
		}
	}
	return folders
}

// Reaches returns the destinations of the routes that files below dir can have, in
// the order of the routes, each once.
func (t *Table) Reaches(dir string) (names []string) {
	for _, r := range t.routes {
		if !r.pattern.Below(dir) {
			continue
		}
		for _, d := range r.targets {
			if !slices.Contains(names, d.name) {
				names = append(names, d.name)
			}
		}
	}
	return names
}

// Folders returns the folders that routes take files from, as their patterns have
// them and in their order: "/inbox/", "/products/{category}/".
func (t *Table) Folders() []string {
	var folders []string
	for _, r := range t.routes {
		if f := r.pattern.Folder(); !slices.Contains(folders, f) {
			folders = append(folders, f)
		}
	}
	return folders
}

// bytesText returns a size for people, in powers of 1000.
func bytesText(n int64) string {
	for _, u := range []struct {
		name string
		size int64
	}{{"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}} {
		if n >= u.size {
			whole := fmt.Sprintf("%.2f", float64(n)/float64(u.size))
			return strings.TrimRight(strings.TrimRight(whole, "0"), ".") + " " + u.name
		}
	}
	return fmt.Sprintf("%d bytes", n)
}
