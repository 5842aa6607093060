// Package property is what PROPFIND and PROPPATCH say and change about one
// resource (RFC 4918 §4, §9.1, §9.2, §15): live properties, which the server
// keeps, and dead ones, which it stores as they came.
package property

import (
	"cmp"
	"encoding/xml"
	"io/fs"
	"maps"
	"net/http"
	"slices"
	"time"

	"slipway/gateway/webdav/davxml"
	"slipway/gateway/webdav/multistatus"
)

// Resource is one file or folder, and what was fetched about it.
type Resource struct {
	Info fs.FileInfo
	Path string // in the tree; "/" is its root
	// Dead are the dead properties, each its whole element as XML that stands on
	// its own.
	Dead map[xml.Name]string
	// Uploads are what became of a file, one for each destination.
	Uploads []Upload
}

// Upload is what became of a file at one destination.
type Upload struct {
	Destination string
	State       string
	Reason      string
	URL         string
	ViewerURL   string
}

// Source tells what a Resource does not hold; it is asked only for what the client
// wants to know. All but Used and Available are required.
type Source struct {
	ETag, ContentType func(fs.FileInfo) string
	Created           func(fs.FileInfo) time.Time // zero: unknown
	Checksums         func(fs.FileInfo) []string
	// Locks returns the activelock elements of a path, with the prefix D.
	Locks func(path string) string
	// Used and Available are bytes; -1: not to be told.
	Used, Available int64
}

// Query is what one PROPFIND wants to know of every resource.
type Query struct {
	names, dead bool
	props       []prop
	namespaces  multistatus.Namespaces
	missing     []*prop // of the resource at hand
}

// prop is a property that is asked for.
type prop struct {
	name  xml.Name
	tag   string
	live  *live // nil: it can only be a dead one
	named bool  // by the client; else it is one of all
}

// NewQuery returns the query that a PROPFIND makes. brief answers allprop with
// no more than a listing shows: what is a folder, sizes and times.
//
// allprop, else, tells all dead properties and those of RFC 4918 but for
// lockdiscovery and supportedlock, which are long; like quota, checksums and
// uploads they are told to those who name them.
func NewQuery(p davxml.Propfind, brief bool) *Query {
	q := &Query{names: p.Names, dead: p.Names || p.All && !brief}
	for i := range lives {
		l := &lives[i]
		if p.Names || p.All && (l.level == listed || l.level == general && !brief) {
			q.add(l.name, l, false)
		}
	}
	for _, name := range p.Props {
		if !slices.ContainsFunc(q.props, func(p prop) bool { return p.name == name }) {
			q.add(name, liveOf(name), true)
		}
	}
	return q
}

func (q *Query) add(name xml.Name, l *live, named bool) {
	q.props = append(q.props, prop{name, q.namespaces.Tag(name), l, named})
}

// Namespaces returns the prefixes that the answer uses.
func (q *Query) Namespaces() *multistatus.Namespaces { return &q.namespaces }

// WantsDead reports whether dead properties must be fetched.
func (q *Query) WantsDead() bool {
	return q.dead || slices.ContainsFunc(q.props, func(p prop) bool { return p.live == nil })
}

// WantsUploads reports whether uploads must be fetched.
func (q *Query) WantsUploads() bool {
	return slices.ContainsFunc(q.props, func(p prop) bool { return p.name.Space == Own })
}

// WantsQuota reports whether the bytes used and available must be known.
func (q *Query) WantsQuota() bool {
	return slices.ContainsFunc(q.props, func(p prop) bool { return p.live != nil && p.live.quota })
}

// Write writes what r has of what is asked for, and what it has not. A property of
// no value there is among those it has not, and is told only to who named it.
func (q *Query) Write(w *multistatus.Writer, s *Source, r *Resource) {
	mark := w.Mark()
	w.Propstat()
	before := w.Mark()
	q.missing = q.missing[:0]
	for i := range q.props {
		p := &q.props[i]
		if !q.writeOne(w, s, r, p) && p.named {
			q.missing = append(q.missing, p)
		}
	}
	if q.dead {
		q.writeDead(w, r)
	}
	if w.Mark() > before || len(q.missing) == 0 {
		w.EndPropstat(http.StatusOK, "")
	} else {
		w.Rewind(mark)
	}
	if len(q.missing) == 0 {
		return
	}
	w.Propstat()
	for _, p := range q.missing {
		w.Empty(p.tag)
	}
	w.EndPropstat(http.StatusNotFound, "")
}

func (q *Query) writeOne(w *multistatus.Writer, s *Source, r *Resource, p *prop) bool {
	if p.live == nil {
		value, ok := r.Dead[p.name]
		if ok && !q.dead { // where all are wanted they come by themselves
			writeStored(w, r, p.name, value)
		}
		return ok
	}
	before := w.Mark()
	mark := w.Start(p.tag)
	if !p.live.fill(w, s, r) {
		w.Rewind(before)
		return false
	}
	if q.names {
		w.Rewind(mark)
	}
	w.End(p.tag, mark)
	return true
}

// writeDead writes all dead properties, or their names, in the order of those.
func (q *Query) writeDead(w *multistatus.Writer, r *Resource) {
	if len(r.Dead) == 0 {
		return
	}
	for _, name := range slices.SortedFunc(maps.Keys(r.Dead), func(a, b xml.Name) int {
		return cmp.Or(cmp.Compare(a.Space, b.Space), cmp.Compare(a.Local, b.Local))
	}) {
		if q.names {
			w.EmptyOf(name)
			continue
		}
		writeStored(w, r, name, r.Dead[name])
	}
}

// writeStored writes a dead property. The modification time that Windows set is
// told as it is now: later changes of the file have their own.
func writeStored(w *multistatus.Writer, r *Resource, name xml.Name, value string) {
	if name != win32Modified {
		w.Raw(value)
		return
	}
	const tag = "Z:Win32LastModifiedTime"
	w.Raw("<" + tag + ` xmlns:Z="` + Win32 + `">`)
	w.Time(r.Info.ModTime(), http.TimeFormat)
	w.Raw("</" + tag + ">")
}
