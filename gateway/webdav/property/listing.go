package property

import (
	"encoding/xml"
	"errors"
	"io"
	"io/fs"
	"path"

	"slipway/gateway/webdav/multistatus"
)

// How many files are described at a time: pageMin at first, and then as many as have
// properties of some pageBytes together, up to pageMax.
const (
	pageMin   = 64
	pageMax   = 500
	pageBytes = 1 << 20
)

// Listing is the answer to a PROPFIND on its way: a file, a folder, or a folder and
// what is in it. All its fields must be set.
type Listing struct {
	Query  *Query
	Source *Source
	Out    *multistatus.Writer
	// Path is what is described, in the tree, and Href its URL path, percent-encoded;
	// that of a folder ends in a slash.
	Path, Href string
	// Fetch returns the dead properties and the uploads of no more than 500 files, in
	// their order; nil for what is not asked for.
	Fetch func([]fs.FileInfo) (dead []map[xml.Name]string, uploads [][]Upload, err error)
	// Begin is called once, when all that can be refused was: what is written from
	// then on is sent.
	Begin func()

	begun bool
}

// Begun reports whether Begin was called.
func (l *Listing) Begun() bool { return l.begun }

// Only describes info alone.
func (l *Listing) Only(info fs.FileInfo) error {
	_, err := l.page(true, []fs.FileInfo{info})
	return err
}

// Folder describes info, a folder, and what dir lists, a page at a time. It ends
// without an error where the client left.
func (l *Listing) Folder(info fs.FileInfo, dir interface {
	Readdir(int) ([]fs.FileInfo, error)
}) error {
	infos := []fs.FileInfo{info}
	size := pageMin
	for self := true; ; self = false {
		listed, end := dir.Readdir(size - len(infos))
		if end != nil && !errors.Is(end, io.EOF) {
			return end
		}
		infos = append(infos, listed...)
		if len(infos) == 0 {
			return nil
		}
		bytes, err := l.page(self, infos)
		if err != nil {
			return err
		}
		if size = min(2*size, pageMax); bytes > pageBytes/2 {
			size = max(2, min(size, len(infos)*pageBytes/bytes))
		}
		if end != nil || l.Out.Err() != nil {
			return nil
		}
		infos = infos[:0]
	}
}

// page describes infos, of which the first may be the path itself; the others are
// in it. It returns how many bytes their dead properties have.
func (l *Listing) page(self bool, infos []fs.FileInfo) (bytes int, err error) {
	dead, uploads, err := l.Fetch(infos)
	if err != nil {
		return 0, err
	}
	if !l.begun {
		l.begun = true
		l.Begin()
		l.Out.Open(l.Query.Namespaces())
	}
	var r Resource
	for i, info := range infos {
		r = Resource{Info: info, Path: l.Path}
		if self && i == 0 {
			l.Out.Response(l.Href, "", false)
		} else {
			r.Path = path.Join(l.Path, info.Name())
			l.Out.Response(l.Href, info.Name(), info.IsDir())
		}
		if dead != nil {
			r.Dead = dead[i]
			for _, value := range r.Dead {
				bytes += len(value)
			}
		}
		if uploads != nil {
			r.Uploads = uploads[i]
		}
		l.Query.Write(l.Out, l.Source, &r)
		l.Out.EndResponse()
	}
	return bytes, nil
}
