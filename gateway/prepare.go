package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"sync"

	"slipway/uploader"
	"slipway/uploader/local"
	"slipway/uploader/metadata"
	"slipway/uploader/rotate"
	"slipway/uploader/splice"
	"slipway/uploader/strip"
	"slipway/vfs/blob"
)

// preparer alters pictures as their routes say, before they are sent. The bytes that
// are kept here stay as they came.
type preparer struct {
	spool   spool
	turning chan struct{} // one picture at a time: its coefficients are in memory
}

// newPreparer returns a preparer for a data directory.
func newPreparer(dataDir string) *preparer {
	return &preparer{spool: openSpool(filepath.Join(dataDir, "prepared")), turning: make(chan struct{}, 1)}
}

// prepare is the pool's Prepare.
func (p *preparer) prepare(ctx context.Context, u uploader.Upload, plan uploader.Plan, host uploader.Properties, open uploader.Open) (uploader.Prepared, error) {
	var out uploader.Prepared
	original := func(ctx context.Context) (io.ReadSeekCloser, error) { return open(ctx) }
	if plan.Strip == uploader.StripGPS || plan.Strip == uploader.StripAll {
		if err := stripped(ctx, &out, u, strip.Mode(plan.Strip), original); err != nil {
			return uploader.Prepared{}, err
		}
	}
	if plan.Rotate && host.Unrotates {
		if err := p.upright(ctx, &out, u, original); err != nil {
			return uploader.Prepared{}, err
		}
	}
	return out, nil
}

// stripped takes out of a picture what mode says, or holds it.
func stripped(ctx context.Context, out *uploader.Prepared, u uploader.Upload, mode strip.Mode, original splice.Open) error {
	f, err := strip.New(ctx, original, u.Size, u.Type, u.Path, mode)
	var problem *strip.Problem
	switch {
	case errors.Is(err, strip.ErrOther):
		out.Notes = append(out.Notes, fmt.Sprintf("strip = %q is for pictures and films; this file (%s) was sent as it is.", mode, u.Type))
		return nil
	case errors.As(err, &problem):
		return &uploader.Hold{Reason: uploader.ReasonStrip,
			Text:   fmt.Sprintf("It was not sent, because strip = %q of its route cannot be done: %s.", mode, problem.Text),
			Remedy: `Replace it by a file without that, or set strip = "none" for its route and release it: it is then sent as it is.`}
	case err != nil:
		return err
	}
	if f != nil {
		out.Variant, out.How = f, stripHow(mode)
	}
	return nil
}

// stripHow is the word in Prepared.How for what was taken out.
func stripHow(mode strip.Mode) string { return "strip=" + string(mode) }

// upright turns a picture that lies otherwise, where that is possible without loss.
func (p *preparer) upright(ctx context.Context, out *uploader.Prepared, u uploader.Upload, open splice.Open) error {
	size := u.Size
	if out.Variant != nil {
		size, open = out.Size(), out.Open
	}
	src, err := open(ctx)
	if err != nil {
		return err
	}
	defer src.Close()
	r := splice.At(ctx, src)
	lies, err := rotate.Orientation(r, size)
	if err != nil {
		return err
	}
	if lies == 1 {
		return p.unturned(ctx, out, u, src)
	}
	select {
	case p.turning <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-p.turning }()
	turned, err := p.spool.file(func(w io.Writer) error { return rotate.JPEG(ctx, r, size, w) })
	var unable *rotate.Unable
	switch {
	case errors.As(err, &unable):
		out.Notes = append(out.Notes, fmt.Sprintf("It was sent as it lies, for it cannot be turned without loss: %s. The host may show it lying on its side.", unable.Text))
		return nil
	case err != nil:
		return err
	}
	how := fmt.Sprintf("rotate=%d", lies)
	if out.How != "" {
		how = out.How + " " + how
	}
	out.Variant, out.How = turned, how
	return nil
}

// unturned notes that a picture of another format lies otherwise.
func (p *preparer) unturned(ctx context.Context, out *uploader.Prepared, u uploader.Upload, src io.ReadSeeker) error {
	if u.Type != "image/png" && u.Type != "image/webp" {
		return nil
	}
	if _, err := src.Seek(0, io.SeekStart); err != nil {
		return err
	}
	tells, err := metadata.Read(ctx, src, u.Type)
	if err != nil {
		return err
	}
	if o := tells["exif.Orientation"]; o != "" && o != "1" && o != "0" {
		out.Notes = append(out.Notes, "It was sent as it lies: only JPEGs are turned. The host may show it lying on its side.")
	}
	return nil
}

// cuts remembers what is taken out of pictures that we serve ourselves: to find it, a
// whole JPEG has to be read, and browsers ask more than once.
type cuts struct {
	mu sync.Mutex
	by map[blob.Sum][]splice.Edit // by Served.SHA256 as it is told
}

// Bounds of cuts: 16 MB in all. What takes more is looked for each time.
const (
	maxCuts    = 1024
	maxCutData = 16 << 10
)

func newCuts() *cuts { return &cuts{by: make(map[blob.Sum][]splice.Edit)} }

// of returns the edits known by sum, or those that find returns.
func (c *cuts) of(sum blob.Sum, find func() ([]splice.Edit, error)) ([]splice.Edit, error) {
	c.mu.Lock()
	edits, ok := c.by[sum]
	c.mu.Unlock()
	if ok {
		return edits, nil
	}
	edits, err := find()
	if err != nil {
		return nil, err
	}
	size := 64 * len(edits)
	for _, e := range edits {
		size += len(e.Data)
	}
	if size > maxCutData {
		return edits, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for other := range c.by { // any: the next visitor looks for it again
		if len(c.by) < maxCuts {
			break
		}
		delete(c.by, other)
	}
	c.by[sum] = edits
	return edits, nil
}

// asSent makes of a picture that we serve ourselves what it was prepared to when it got
// its address: nobody has a copy of that.
func (c *cuts) asSent(ctx context.Context, s local.Served, prepared string) (local.Served, error) {
	for _, mode := range []strip.Mode{strip.GPS, strip.All} {
		if prepared != stripHow(mode) {
			continue
		}
		open, size := s.Open, s.Size
		s.SHA256 = sha256.Sum256(append(s.SHA256[:], prepared...)) // for the ETag: these are other bytes
		edits, err := c.of(s.SHA256, func() ([]splice.Edit, error) { return strip.Again(ctx, open, size, s.Type, mode) })
		if err != nil {
			return local.Served{}, err
		}
		f := splice.New(open, size, edits)
		s.Size, s.Open = f.Size(), f.Open
		return s, nil
	}
	return local.Served{}, fmt.Errorf("a hosted picture was prepared in a way that is not known: %q", prepared)
}
