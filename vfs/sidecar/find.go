package sidecar

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"slipway/vfs"
)

// IsView reports whether there is a view at name now, and no real file.
func (v *View) IsView(name string) bool {
	f, err := v.find(name)
	return err == nil && f != nil
}

// find returns the view at name, or nil where there is none or a real file is.
func (v *View) find(name string) (*view, error) {
	name, err := vfs.Clean(name)
	if err != nil {
		return nil, nil //nolint:nilerr // No view has such a name.
	}
	dir, base := path.Split(name)
	candidates := v.candidates(base)
	if len(candidates) == 0 || v.real(name) {
		return nil, nil
	}
	for _, c := range candidates {
		if c.yielding && !v.real(path.Join(dir, c.plain)) {
			continue
		}
		f, err := v.try(path.Clean(dir), base, c)
		if f != nil || err != nil {
			return f, err
		}
	}
	return nil, nil
}

// real reports whether the inner file system has something at name.
func (v *View) real(name string) bool {
	_, err := v.inner.Stat(name)
	return err == nil
}

// try returns the view base in dir, read as c, or nil.
func (v *View) try(dir, base string, c candidate) (*view, error) {
	if c.picture == "" {
		pictures, err := v.picturesAt(dir)
		if err != nil || !slices.ContainsFunc(pictures, c.kind.shows) {
			return nil, err
		}
		return v.folderView(dir, base, c.kind, pictures), nil
	}
	at := path.Join(dir, c.picture)
	info, err := v.inner.Stat(at)
	if err != nil || info.IsDir() {
		return nil, absent(err)
	}
	entry, ok := entryOf(info)
	if !ok {
		return nil, nil
	}
	receipt, err := v.source.File(v.ctx, entry.ID)
	if err != nil {
		return nil, err
	}
	p := newPicture(at, &entry, info.Name(), receipt)
	if !c.kind.shows(&p) {
		return nil, nil
	}
	name := encode(p.name) + c.kind.suffix // base in the picture's own normal form
	if c.yielding {
		name = encode(p.name) + yielding + c.kind.suffix
	}
	return v.fileView(dir, name, c.kind, []*picture{&p}), nil
}

// entryOf returns what info describes; false where that is no entry.
func entryOf(info os.FileInfo) (vfs.Entry, bool) {
	if i, ok := info.(vfs.Info); ok {
		return i.Entry, true
	}
	e, ok := info.Sys().(vfs.Entry)
	return e, ok
}

// absent returns nil for the errors of names that are not there.
func absent(err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, vfs.ErrNotDir) || errors.Is(err, vfs.ErrBadName) {
		return nil
	}
	return err
}

// fileView is a view of the one picture in alone.
func (v *View) fileView(dir, name string, k *kind, alone []*picture) *view {
	f := v.newView(name, k, alone, render{folder: dir, canRetry: v.opts.CanRetry})
	f.of = alone[0].name
	return f
}

func (v *View) folderView(dir, name string, k *kind, pictures []*picture) *view {
	return v.newView(name, k, pictures, render{folder: dir})
}

// picturesAt returns the files in a folder that have a receipt.
func (v *View) picturesAt(dir string) ([]*picture, error) {
	f, err := v.inner.Open(dir)
	if err != nil {
		return nil, absent(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.IsDir() {
		return nil, err
	}
	infos, err := f.Readdir(-1)
	if err != nil {
		return nil, err
	}
	return v.picturesIn(dir, info, infos)
}

// picturesIn picks them from a listing of dir, in the order of their names, with
// one query.
func (v *View) picturesIn(dir string, info os.FileInfo, list []os.FileInfo) ([]*picture, error) {
	folder, ok := entryOf(info)
	if !ok || len(list) == 0 {
		return nil, nil
	}
	receipts, err := v.source.Folder(v.ctx, folder.ID)
	if err != nil || len(receipts) == 0 {
		return nil, err
	}
	pictures := make([]*picture, 0, len(receipts))
	for _, info := range list {
		entry, ok := entryOf(info)
		if !ok || entry.Dir {
			continue
		}
		if receipt, known := receipts[entry.ID]; known {
			p := newPicture(path.Join(dir, info.Name()), &entry, info.Name(), receipt)
			pictures = append(pictures, &p)
		}
	}
	slices.SortFunc(pictures, func(a, b *picture) int { return strings.Compare(a.name, b.name) })
	return pictures, nil
}

// viewsIn returns the views in a folder beside the real files that are listed.
func (v *View) viewsIn(dir string, info os.FileInfo, real []os.FileInfo) ([]os.FileInfo, error) {
	dir, err := vfs.Clean(dir)
	if err != nil {
		return nil, err
	}
	pictures, err := v.picturesIn(dir, info, real)
	if err != nil || len(pictures) == 0 {
		return nil, err
	}
	for _, p := range pictures {
		p.stem = encode(p.name)
	}
	c := v.claims(pictures, real)
	for i := range v.folder {
		if k := &v.folder[i]; slices.ContainsFunc(pictures, k.shows) {
			c.add(folderStem, k, -1, func(name string) *view { return v.folderView(dir, name, k, pictures) })
		}
	}
	for i, p := range pictures {
		rank := 2 * len(p.stem)
		if p.stem != p.name {
			rank++ // a picture that is really called so comes first
		}
		for _, k := range v.sorted {
			if k.shows(p) {
				c.add(p.stem, k, rank, func(name string) *view { return v.fileView(dir, name, k, pictures[i:i+1:i+1]) })
			}
		}
	}
	slices.SortFunc(c.views, byName)
	return c.views, nil
}

// claims returns what is known of names before a listing: those of real files that
// a view could want, and whether two views could want one.
func (v *View) claims(pictures []*picture, real []os.FileInfo) *claims {
	c := &claims{taken: make(map[string]bool), views: make([]os.FileInfo, 0, len(pictures)*2)}
	for _, r := range real {
		if name := r.Name(); v.couldBeView(name) {
			c.taken[vfs.Key(name)] = true
		}
	}
	if slices.ContainsFunc(pictures, (*picture).contestable) {
		c.at = make(map[string]int)
	}
	return c
}

// couldBeView reports whether name ends as a view's.
func (v *View) couldBeView(name string) bool {
	ends := func(k kind) bool { return strings.HasSuffix(name, k.suffix) }
	return slices.ContainsFunc(v.files, ends) || slices.ContainsFunc(v.folder, ends)
}

// contestable reports whether a view of p could have the name of another's: that of "a:b" is called as that of "a%3Ab", and "a.error" + ".txt"
// as "a" + ".error.txt".
func (p *picture) contestable() bool {
	return p.stem != p.name || p.name == folderStem || strings.HasSuffix(p.name, ".error") || strings.HasSuffix(p.name, yielding)
}

func byName(a, b os.FileInfo) int { return strings.Compare(a.Name(), b.Name()) }

// claims gives names to views: of two that want one, the lower rank has it.
type claims struct {
	taken map[string]bool // by real files, by vfs.Key: those that end as a view's
	at    map[string]int  // where the view of a name is; nil: no two want one
	views []os.FileInfo
	ranks []int
}

func (c *claims) add(stem string, k *kind, rank int, view func(name string) *view) {
	name, ok := name(c.taken, stem, k)
	if !ok {
		return
	}
	i, contested := c.at[name]
	switch {
	case !contested:
		if c.at != nil {
			c.at[name] = len(c.views)
		}
		c.views = append(c.views, view(name))
		c.ranks = append(c.ranks, rank)
	case rank < c.ranks[i]:
		c.views[i], c.ranks[i] = view(name), rank
	}
}

// name returns what the view of stem is called beside the names taken.
func name(taken map[string]bool, stem string, k *kind) (string, bool) {
	for _, between := range []string{"", yielding} {
		name := stem + between + k.suffix
		if len(taken) == 0 || !taken[vfs.Key(name)] {
			return name, len(name) <= maxName
		}
	}
	return "", false
}
