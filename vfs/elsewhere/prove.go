package elsewhere

import (
	"context"
	"crypto/sha256"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"slipway/vfs/blob"
)

// Prove reads the file at p and returns nil if it has the very bytes of a sum: it is a
// regular file, and the same one at the end as at the beginning. Look, if not nil, is
// asked about it before and after.
func Prove(ctx context.Context, p Place, sum blob.Sum, look func(fs.FileInfo) error) error {
	f, err := p.open()
	if err != nil {
		return p.unread(err)
	}
	defer f.Close()
	if err := examine(f, look); err != nil {
		return err
	}
	h := sha256.New()
	if _, err := io.Copy(h, &reading{ctx: ctx, r: f}); err != nil {
		return p.unread(err)
	}
	if blob.Sum(h.Sum(nil)) != sum {
		return p.changed(modified(f))
	}
	if err := examine(f, look); err != nil {
		return err
	}
	// The name must lead to it still.
	again, err := p.open()
	if err != nil {
		return p.unread(err)
	}
	defer again.Close()
	a, err := f.Stat()
	if err != nil {
		return p.unread(err)
	}
	if b, err := again.Stat(); err != nil || !os.SameFile(a, b) {
		return p.changed(a.ModTime())
	}
	return nil
}

// Look asks look about the file at p without reading it.
func Look(p Place, look func(fs.FileInfo) error) error {
	f, err := p.open()
	if err != nil {
		return p.unread(err)
	}
	defer f.Close()
	return examine(f, look)
}

func examine(f *os.File, look func(fs.FileInfo) error) error {
	info, err := f.Stat()
	switch {
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return fs.ErrInvalid
	case look == nil:
		return nil
	}
	return look(info)
}

// relative returns path below root.
func relative(root, path string) (string, error) {
	rel, err := filepath.Rel(root, path)
	if err != nil || rel == ".." || strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
		return "", fs.ErrNotExist
	}
	return rel, nil
}
