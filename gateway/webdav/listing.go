package webdav

import (
	"cmp"
	"io/fs"
	"iter"
	"path"
	"slices"
	"strings"

	"github.com/spf13/afero"

	"slipway/gateway/webdav/page"
)

// listingBatch is for how many files it is asked at a time what became of them.
const listingBatch = 500

// about is a FileInfo of a file that tells about another in its folder; Of is its
// name, or "" where it tells about the folder.
type about interface{ Of() string }

// list answers GET of a directory with a page.
func (q *request) list(dir afero.File) error {
	infos, err := dir.Readdir(-1)
	if err != nil {
		return err
	}
	l := &listing{request: q, beside: make(map[string][]page.Link)}
	l.sort(infos)
	l.ask(0)
	l.folder.States = l.uploads != nil
	page.Header(q.w.Header())
	if err := page.Write(q.progressWriter(), l.folder, l.rows()); err != nil {
		q.Log.Debug("webdav: a listing was cut off", "path", q.path, "error", err)
	}
	return nil
}

// listing is a directory on its way to a page.
type listing struct {
	*request
	folder  page.Folder
	infos   []fs.FileInfo          // without those about others
	beside  map[string][]page.Link // those, by what they are about
	uploads [][]Upload             // of the batch that begins at from; nil: not known
	from    int
}

// sort puts folders first, names in the order in which people count, and files
// about others beside them.
func (l *listing) sort(infos []fs.FileInfo) {
	names := make(map[string]bool, len(infos))
	for _, info := range infos {
		if _, ok := info.(about); !ok {
			names[info.Name()] = true
		}
	}
	for _, info := range infos {
		a, ok := info.(about)
		switch {
		case ok && a.Of() == "":
			l.folder.Lists = append(l.folder.Lists, l.link(info, strings.TrimPrefix(path.Ext(info.Name()), ".")))
			continue
		case ok && names[a.Of()]:
			l.beside[a.Of()] = append(l.beside[a.Of()], l.link(info, ending(info.Name(), a.Of())))
			continue
		case info.IsDir():
			l.folder.Folders++
		default:
			l.folder.Files++
			l.folder.Size += info.Size()
		}
		l.infos = append(l.infos, info)
	}
	slices.SortFunc(l.infos, func(a, b fs.FileInfo) int {
		if a.IsDir() != b.IsDir() {
			return cmp.Compare(btoi(b.IsDir()), btoi(a.IsDir()))
		}
		return page.Compare(a.Name(), b.Name())
	})
	if l.path != "/" {
		l.folder.Above, l.folder.Name = l.above(), path.Base(l.path)
	}
}

// ending is what the name of a file about another has beyond that one's name. The
// name may be spelled otherwise in it; then it is the extension.
func ending(name, of string) string {
	if rest, ok := strings.CutPrefix(name, of+"."); ok {
		return rest
	}
	return strings.TrimPrefix(path.Ext(name), ".")
}

// link leads to one of the directory's files.
func (l *listing) link(info fs.FileInfo, name string) page.Link {
	return page.Link{Name: name, Href: l.href(path.Join(l.path, info.Name()), info.IsDir())}
}

// above returns the way from the root to the folder that this one is in.
func (q *request) above() []page.Link {
	way := []page.Link{{Href: q.href("/", true)}}
	dir := "/"
	for name := range strings.SplitSeq(strings.Trim(path.Dir(q.path), "/"), "/") {
		if name != "" {
			dir = path.Join(dir, name)
			way = append(way, page.Link{Name: name, Href: q.href(dir, true)})
		}
	}
	return way
}

// ask finds out what became of the files of the batch that begins at from.
func (l *listing) ask(from int) {
	l.from, l.uploads = from, nil
	if l.Uploads == nil {
		return
	}
	batch := l.infos[from:min(from+listingBatch, len(l.infos))]
	uploads, err := l.Uploads(l.r, batch)
	if err != nil {
		l.Log.Warn("webdav: a listing does not show what became of files", "path", l.path, "error", err)
		return
	}
	if len(uploads) == len(batch) {
		l.uploads = uploads
	}
}

// rows makes the page's rows while they are wanted.
func (l *listing) rows() iter.Seq[page.Row] {
	return func(yield func(page.Row) bool) {
		for i, info := range l.infos {
			if i == l.from+listingBatch && l.folder.States {
				l.ask(i)
			}
			if !yield(l.row(i, info)) {
				return
			}
		}
	}
}

func (l *listing) row(i int, info fs.FileInfo) page.Row {
	r := page.Row{
		Link: l.link(info, info.Name()), Dir: info.IsDir(), Size: info.Size(), Modified: info.ModTime(),
		Beside: l.beside[info.Name()], Unknown: l.uploads == nil,
	}
	if l.uploads == nil {
		return r
	}
	for _, u := range l.uploads[i-l.from] {
		shown := page.Upload{Destination: u.Destination, State: u.State, Reason: u.Reason}
		if u.hosted() {
			shown.URL = u.URL
		}
		r.Uploads = append(r.Uploads, shown)
	}
	return r
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
