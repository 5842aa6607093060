package vfs

import (
	"context"
	"io/fs"
	"os"
	"time"
)

// Info describes an entry as an os.FileInfo and, for WebDAV, knows its entity tag
// and media type without opening it.
type Info struct{ Entry Entry }

var _ os.FileInfo = Info{}

// Name returns the last element of the path, "/" for the root of a view.
func (i Info) Name() string {
	if i.Entry.Name == "" {
		return "/"
	}
	return i.Entry.Name
}

// Size returns the length in bytes, 0 for directories.
func (i Info) Size() int64 { return i.Entry.Size }

// Mode returns the permissions 0755 for directories and 0644 for files.
func (i Info) Mode() os.FileMode {
	if i.Entry.Dir {
		return fs.ModeDir | 0o755
	}
	return 0o644
}

// ModTime returns when the bytes were last changed, as the client set it or else
// as they were committed.
func (i Info) ModTime() time.Time { return i.Entry.Modified }

// Created returns when the entry was made.
func (i Info) Created() time.Time { return i.Entry.Created }

// IsDir reports whether this is a directory.
func (i Info) IsDir() bool { return i.Entry.Dir }

// Sys returns the Entry.
func (i Info) Sys() any { return i.Entry }

// ID returns the entry's id.
func (i Info) ID() int64 { return int64(i.Entry.ID) }

// ETag returns Entry.ETag, or fs.ErrNotExist for a directory.
func (i Info) ETag(context.Context) (string, error) {
	if tag := i.Entry.ETag(); tag != "" {
		return tag, nil
	}
	return "", fs.ErrNotExist
}

// Checksums returns the sums of the bytes that are known, each as ownCloud writes
// it: those that a client sent, and "SHA256:" last. A directory has none.
func (i Info) Checksums() []string {
	if i.Entry.Dir || i.Entry.SHA256.IsZero() {
		return nil
	}
	return append(i.Entry.Checksums.List(), "SHA256:"+i.Entry.SHA256.String())
}

// ContentType returns the media type by content.
func (i Info) ContentType(context.Context) (string, error) {
	if i.Entry.Dir {
		return "httpd/unix-directory", nil
	}
	if i.Entry.Type == "" {
		return "application/octet-stream", nil
	}
	return i.Entry.Type, nil
}
