package main

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"io/fs"
	"net/http"
	"path"
	"strings"

	"slipway/gateway/album"
	"slipway/uploader/ledger"
	"slipway/vfs"
	"slipway/vfs/sidecar"
)

const (
	// albumFolders is how many folders in a folder are shown, and albumLooks how many
	// are looked into, at all depths, to find out which have pictures.
	albumFolders = 500
	albumLooks   = 2000
	albumDepth   = 16
)

// albumHandler shows public folders.
func (a *app) albumHandler() http.Handler {
	return &album.Handler{Source: albums{a}, Base: a.publicURL, Log: a.log}
}

// albums finds public folders.
type albums struct{ *app }

var _ album.Source = albums{}

// publicFolder reports whether files put into dir are for everybody to see.
func (a *app) publicFolder(dir string) bool {
	return a.settings.Load().table.Public(path.Join(dir, "picture.jpg"))
}

// albumAddress returns the address of the gallery of dir; "" where that is not public.
func (a *app) albumAddress(dir string) string {
	base := a.publicURL()
	if base == "" || !a.publicFolder(dir) {
		return ""
	}
	return base + album.Path(dir)
}

// Open returns the public folder at dir.
func (s albums) Open(ctx context.Context, dir string) (album.Folder, error) {
	dir, err := vfs.Clean(dir)
	if err != nil || !s.publicFolder(dir) {
		return nil, fs.ErrNotExist
	}
	e, err := s.tree.Lookup(ctx, dir)
	switch {
	case errors.Is(err, vfs.ErrNotDir) || errors.Is(err, fs.ErrNotExist) || err == nil && !e.Dir:
		return nil, fs.ErrNotExist
	case err != nil:
		return nil, err
	}
	return albumFolder{s.app, e.ID, dir}, nil
}

// albumFolder is one public folder.
type albumFolder struct {
	*app
	id  vfs.ID
	dir string
}

// Pictures returns pictures in the order of their names.
func (f albumFolder) Pictures(ctx context.Context, after string, limit int) ([]album.Picture, error) {
	rows, err := f.ledger.Album(ctx, f.id, after, limit)
	return f.shown(rows), err
}

// Newest returns the newest pictures.
func (f albumFolder) Newest(ctx context.Context, limit int) ([]album.Picture, error) {
	rows, err := f.ledger.Newest(ctx, f.id, limit)
	return f.shown(rows), err
}

// shown returns those of rows that may be shown.
func (f albumFolder) shown(rows []ledger.Shown) (all []album.Picture) {
	table := f.settings.Load().table
	for _, r := range rows {
		address := sidecar.Address(r.URL)
		if address == "" || !table.Public(path.Join(f.dir, r.Name)) {
			continue
		}
		all = append(all, album.Picture{
			ID: pictureID(r), Name: r.Name, Type: r.Type, Size: r.Size, Modified: r.Modified, Hosted: r.Hosted,
			URL: address, Page: sidecar.Address(r.ViewerURL), Thumbnail: sidecar.Address(r.Thumbnail),
		})
	}
	return all
}

// pictureID names a picture of an album, and tells nothing.
func pictureID(r ledger.Shown) string {
	sum := sha256.Sum256([]byte("album " + r.Key))
	return "urn:slipway:" + strings.ToLower(base32.StdEncoding.EncodeToString(sum[:15]))
}

// Folders returns the public folders in f that have pictures, or folders that do.
func (f albumFolder) Folders(ctx context.Context) (names []string, err error) {
	dirs, err := f.ledger.Dirs(ctx, f.id, albumFolders)
	looks := albumLooks
	for _, d := range dirs {
		has := false
		if has, err = f.below(d).hasPictures(ctx, albumDepth, &looks); err != nil {
			break
		}
		if has {
			names = append(names, d.Name)
		}
	}
	return names, err
}

func (f albumFolder) below(d ledger.Dir) albumFolder {
	return albumFolder{f.app, d.ID, path.Join(f.dir, d.Name)}
}

// hasPictures reports whether f is public and has pictures, itself or below. It gives
// up, with no, after some looks.
func (f albumFolder) hasPictures(ctx context.Context, depth int, looks *int) (bool, error) {
	if *looks--; *looks < 0 || depth == 0 || !f.publicFolder(f.dir) {
		return false, nil
	}
	some, err := f.Pictures(ctx, "", 1)
	if err != nil || len(some) > 0 {
		return err == nil, err
	}
	dirs, err := f.ledger.Dirs(ctx, f.id, albumFolders)
	for _, d := range dirs {
		if has, err := f.below(d).hasPictures(ctx, depth-1, looks); has || err != nil {
			return has, err
		}
	}
	return false, err
}
