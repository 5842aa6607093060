package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"path/filepath"

	"slipway/gateway/auth"
	"slipway/gateway/operate"
	"slipway/gateway/thumbnail"
)

// newThumbnails makes what draws small pictures into the data directory.
func (a *app) newThumbnails(dataDir string) *thumbnail.Maker {
	return thumbnail.New(thumbnail.Options{Dir: filepath.Join(dataDir, "cache", "thumbnails"), Log: a.log})
}

// Thumbnail returns a small picture of a file. Who only drops files does not read
// them back, small ones neither.
func (d desk) Thumbnail(ctx context.Context, entry int64, edge int) (operate.Thumbnail, error) {
	e, _, err := d.entry(ctx, entry)
	switch {
	case err != nil:
		return operate.Thumbnail{}, err
	case d.user.Rights == auth.Drop:
		return operate.Thumbnail{}, operate.Errorf(operate.Forbidden, "this account puts files and does not look at them")
	case e.Dir:
		return operate.Thumbnail{}, errNothingThere("picture")
	}
	p, err := d.thumbnails.Small(ctx, thumbnail.Source{
		Sum: e.SHA256, Type: e.Type, Size: e.Size,
		Open: func(ctx context.Context) (thumbnail.File, error) { return d.fs.OpenEntry(ctx, e) },
	}, edge)
	switch {
	case errors.Is(err, thumbnail.ErrSlow):
		return operate.Thumbnail{}, operate.Errorf(operate.NotFound, "%v", thumbnail.ErrSlow)
	case errors.Is(err, thumbnail.ErrNone):
		return operate.Thumbnail{}, operate.Errorf(operate.NotFound, "%v", thumbnail.ErrNone)
	}
	return operate.Thumbnail{Type: p.Type, ETag: p.ETag, Modified: e.Modified, Content: closing{bytes.NewReader(p.Bytes)}}, err
}

// closing is a reader with nothing to close.
type closing struct{ *bytes.Reader }

// Close does nothing.
func (closing) Close() error { return nil }

var _ io.ReadSeekCloser = closing{}
