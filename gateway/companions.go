package main

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"time"

	"slipway/uploader"
	"slipway/uploader/metadata"
	"slipway/vfs"
)

// quiet is how long the bytes of a change must have been left alone before they are
// sent: a picture also waits for what others may still say about it, and one from a
// watched folder has been left alone already.
func (a *app) quiet(c vfs.Change) time.Duration {
	s := a.settings.Load()
	wait, _ := s.table.Companions(c.Path)
	if c.Settled {
		return wait
	}
	return max(time.Duration(s.config.Settle.Quiet), wait)
}

// readMetadata returns what u's picture says about itself, and, where its route
// wants that, what the files beside it say about it.
func (a *app) readMetadata(ctx context.Context, u uploader.Upload, open uploader.Open) (map[string]string, error) {
	r, err := open(ctx)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	own, err := metadata.Read(ctx, r, u.Type)
	if err != nil {
		return nil, err
	}
	if _, count := a.settings.Load().table.Companions(u.Path); !count {
		return own, nil
	}
	dir, name := path.Split(u.Path)
	for _, other := range metadata.Likenesses(name) {
		said, err := a.likeness(ctx, dir+other)
		if err != nil {
			return nil, err
		}
		own = metadata.Complete(own, said)
	}
	var companions []map[string]string
	for _, other := range metadata.Companions(name) {
		said, err := a.companion(ctx, name, dir+other)
		if err != nil {
			return nil, err
		}
		companions = append(companions, said)
	}
	return metadata.Join(own, companions...), nil
}

// companion returns what the file at p says about picture; nothing where there is
// no such file.
func (a *app) companion(ctx context.Context, picture, p string) (map[string]string, error) {
	f, err := a.fs.WithContext(ctx).Open(p)
	if absent(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || info.IsDir() || info.Size() > metadata.CompanionMax {
		return nil, err
	}
	return metadata.ReadCompanion(ctx, picture, path.Base(p), f)
}

// likeness returns what the picture at p says about itself; nothing where there is
// none.
func (a *app) likeness(ctx context.Context, p string) (map[string]string, error) {
	e, err := a.tree.Lookup(ctx, p)
	if absent(err) || err == nil && e.Dir {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	r, err := a.fs.OpenEntry(ctx, e)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return metadata.Read(ctx, r, e.Type)
}

// absent reports whether err says that nothing is there.
func absent(err error) bool { return errors.Is(err, fs.ErrNotExist) || errors.Is(err, vfs.ErrNotDir) }
