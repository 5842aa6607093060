// Package sidecar shows what became of each file beside it: its URL, a receipt,
// and where something went wrong what to do.
//
// A [View] is an afero.Fs over another one. The files that it adds are views:
// they are rendered from receipts when somebody looks, never stored, and follow
// their picture wherever it goes. A real file of the same name wins.
package sidecar

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/afero"

	"slipway/vfs"
	"slipway/vfs/blob"
)

// Source knows the receipts. It is safe for concurrent use.
type Source interface {
	// Folder returns the receipts of the files directly in dir that have one. A
	// listing asks once, however many files there are.
	Folder(ctx context.Context, dir vfs.ID) (map[vfs.ID]Receipt, error)
	// File returns the receipt of one file: the zero Receipt where it has none.
	File(ctx context.Context, id vfs.ID) (Receipt, error)
	// Retry tries again, soon and with fresh tries, what did not work for a file.
	Retry(ctx context.Context, id vfs.ID) error
}

// Receipt is what became of one file.
type Receipt struct {
	Uploads  []Upload  // of the present bytes, in the order of the route's `to`
	Previous []Upload  // of bytes that the file had before
	Changed  time.Time // when anything of this changed last
	Links    []Link    // of a file with links, which has no uploads itself
}

// Upload is one destination's part of a receipt. Nothing in it is secret: a
// picture's address for deletion has no place here.
type Upload struct {
	Destination  string
	State        string // as package uploader names it; "done" is what counts here
	Reason       string
	URL          string // of the picture itself; "" if none
	ViewerURL    string // of a page about it
	ThumbnailURL string
	ID           string // the host's
	Album        string
	Category     string
	Attempts     int
	SentAt       time.Time // zero: not yet
	NextTry      time.Time // zero: none is planned
	Error        string    // what happened, in plain words
	Remedy       string    // what to do about it
	SHA256       blob.Sum  // of the bytes
	Notes        []string  // sentences
	GoneAt       time.Time // when the picture was deleted at the host; zero: it was not
	GoesAt       time.Time // when it is to be; zero: it is not, or nobody knows
	// Picture is a number of the picture at the host, the same for all that refer to
	// it; 0: none. It is not shown.
	Picture int64
	// Gone: the addresses do not show these bytes any more, because they were deleted
	// there or others took their place. The JSON alone has them still.
	Gone bool
	// Trouble: it failed, is held for something that is wrong, or waits for
	// another try. It makes the file have an .error.txt.
	Trouble bool
}

// Options of New.
type Options struct {
	File   []string // which views files have: url, json, txt, md, html, bbcode
	Folder []string // which views folders have: html, md, csv
	// CanRetry: removing an .error.txt tries again.
	CanRetry bool
}

// View is an afero.Fs with the views in it. It is safe for concurrent use.
//
//  1. Views can be listed, described and read. Their size and time are exact
//     without being opened.
//  2. Writing to a view's name makes a real file there, which then wins: the view
//     becomes NAME.slipway.json and so on.
//  3. Removing a view succeeds and changes nothing, but that of an .error.txt
//     tries again. So does removing one whose picture has just gone: clients
//     empty folders file by file. Renaming a view is fs.ErrPermission.
//  4. Views are named after their picture. Characters that Windows forbids, and
//     the first letter of its devices, are written as %3A there, so that one such
//     picture does not spoil the folder's sidecars too. A name that would become
//     longer than 255 bytes is not shown.
type View struct {
	inner  afero.Fs
	source Source
	opts   Options
	ctx    context.Context
	files  []kind // that files have, longest suffix first
	folder []kind
	sorted []*kind // files, by suffix

	buffers *sync.Pool // of *bytes.Buffer, for measuring
}

var _ afero.Fs = (*View)(nil)

// New returns a view of inner, whose FileInfos have a vfs.Entry as their Sys.
func New(inner afero.Fs, source Source, opts Options) *View {
	v := &View{
		inner:  inner,
		source: source,
		opts:   opts,
		ctx:    context.Background(),
		files:  chosen(fileKinds, opts.File),
		folder: chosen(folderKinds, opts.Folder),

		buffers: &sync.Pool{New: func() any { return new(bytes.Buffer) }},
	}
	for i := range v.files {
		v.sorted = append(v.sorted, &v.files[i])
	}
	slices.SortFunc(v.sorted, func(a, b *kind) int { return strings.Compare(a.suffix, b.suffix) })
	return v
}

// WithContext returns the same view for the time of ctx.
func (v *View) WithContext(ctx context.Context) afero.Fs {
	c := *v
	c.ctx = ctx
	if inner, ok := v.inner.(interface {
		WithContext(context.Context) afero.Fs
	}); ok {
		c.inner = inner.WithContext(ctx)
	}
	return &c
}
