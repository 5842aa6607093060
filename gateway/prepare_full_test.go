package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"slipway/uploader"
)

// TestSpoolFull: a full disk of ours has an upload wait, whatever finds it full, and
// nothing else does.
func TestSpoolFull(t *testing.T) {
	closed := errors.New("the source ended")
	for _, tt := range []struct {
		name   string
		create error
		write  func(w io.Writer) error
		away   bool
	}{
		{"no room for a file", &fs.PathError{Op: "open", Path: "x", Err: syscall.ENOSPC}, nil, true},
		{"no room for this user", &fs.PathError{Op: "open", Path: "x", Err: syscall.EDQUOT}, nil, true},
		{"not allowed", &fs.PathError{Op: "open", Path: "x", Err: fs.ErrPermission}, nil, false},
		{"what is read fails", nil, func(io.Writer) error { return closed }, false},
		{"what is read lies on a full disk", nil, func(io.Writer) error { return syscall.ENOSPC }, false},
	} {
		s := openSpool(filepath.Join(t.TempDir(), "prepared"))
		if tt.create != nil {
			s.create = func(string, string) (*os.File, error) { return nil, tt.create }
		}
		_, err := s.file(tt.write)
		var away *uploader.Away
		if err == nil || errors.As(err, &away) != tt.away {
			t.Errorf("%s: %v", tt.name, err)
		}
		if tt.away && (!strings.Contains(away.Text, "disk is full") || !strings.Contains(away.Remedy, filepath.Dir(s.dir))) {
			t.Errorf("%s: %q %q", tt.name, away.Text, away.Remedy)
		}
	}
}

// full is a file that nothing can be written to, as its disk is full; "": this system has
// none.
func full(t *testing.T, dir string) (name string) {
	t.Helper()
	const device = "/dev/full"
	if info, err := os.Stat(device); err != nil || info.Mode()&fs.ModeDevice == 0 {
		t.Logf("left out: there is no %s", device)
		return ""
	}
	name = filepath.Join(dir, "full.part") // which is what is removed
	if err := os.Symlink(device, name); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestRotateOnAFullDisk: a picture that cannot be turned for want of room waits, and is
// turned once there is some.
func TestRotateOnAFullDisk(t *testing.T) {
	p := newPreparer(t.TempDir())
	if err := os.MkdirAll(p.spool.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	create := p.spool.create
	name := full(t, p.spool.dir)
	if name == "" {
		return
	}
	p.spool.create = func(string, string) (*os.File, error) { return os.OpenFile(name, os.O_RDWR, 0) }
	photo := located(64, 48, 6)
	u := uploader.Upload{Path: "/a.jpg", Size: int64(len(photo)), Type: "image/jpeg"}
	open := func(context.Context) (io.ReadSeekCloser, error) {
		return section{io.NewSectionReader(bytes.NewReader(photo), 0, u.Size)}, nil
	}
	var out uploader.Prepared
	err := p.upright(t.Context(), &out, u, open)
	if away, ok := errors.AsType[*uploader.Away](err); !ok || !errors.Is(err, syscall.ENOSPC) || !strings.Contains(away.Text, "disk is full") {
		t.Errorf("%v", err)
	}
	if out.Variant != nil || len(out.Notes) != 0 {
		t.Errorf("%+v", out)
	}
	p.spool.create = create
	if err := p.upright(t.Context(), &out, u, open); err != nil || out.How != "rotate=6" {
		t.Fatalf("%+v, error %v", out, err)
	}
	if err := out.Variant.(io.Closer).Close(); err != nil {
		t.Error(err)
	}
}
