package webdav

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"time"

	"github.com/spf13/afero"

	"slipway/gateway/webdav/fault"
)

// What follows is optional, but for transferErrorer and, where MOVE and COPY are
// wanted, mover and copier.

// contextual is an Fs that can work under a request's context.
type contextual interface {
	WithContext(ctx context.Context) afero.Fs
}

// rooted is an Fs that shows a part of a tree that others see too: Root is where
// its "/" lies in that tree. Without it locks are kept as if all saw the same root.
// A Root that does not begin with a slash lies in no tree, and no lock of one is one
// of the other.
type rooted interface{ Root() string }

// replacer is an Fs that tells what stands at a path, as Stat does (nil: nothing),
// and opens a file there, as OpenFile with os.O_RDWR, os.O_CREATE and os.O_TRUNC
// does, with one look-up for both. before may be told where err says why there is
// no file; errors.ErrUnsupported says that this Fs cannot do it after all. The File
// must be a transferErrorer.
type replacer interface {
	Replace(path string) (before fs.FileInfo, f afero.File, err error)
}

// admitter is asked before the bytes of a file are read. size is -1 if unknown.
type admitter interface {
	Admit(path string, size int64) error
}

// mover moves a file or a tree in one transaction. Without overwrite, something
// at to is fs.ErrExist; with it, what stands there is removed, with all below it.
type mover interface {
	Move(from, to string, overwrite bool) (replaced bool, err error)
}

// copier copies a file or, if deep, a tree in one transaction; a directory that
// is not copied deep comes without its children. Else it is as mover.
type copier interface {
	Copy(from, to string, overwrite, deep bool) (replaced bool, err error)
}

// usager tells the bytes that its user's files take and may take (limit -1:
// unknown). Where used is -1, which is not told, limit is what may still come.
type usager interface {
	Usage() (used, limit int64, err error)
}

// transferErrorer is a File opened for writing whose Close, after TransferError,
// throws away what was written. Every File that a PUT writes must be one.
type transferErrorer interface{ TransferError(err error) }

// modTimer is a File opened for writing that can be given its modification time.
type modTimer interface{ SetModTime(t time.Time) }

// etager is a FileInfo that knows its entity tag (RFC 9110 §8.8.3), as in
// golang.org/x/net/webdav. On a staged file it tells what Close will store.
type etager interface {
	ETag(ctx context.Context) (string, error)
}

// contentTyper is a FileInfo that knows its media type, as in golang.org/x/net/webdav.
type contentTyper interface {
	ContentType(ctx context.Context) (string, error)
}

// creator is a FileInfo that knows when its file was made.
type creator interface{ Created() time.Time }

// checksummed is a FileInfo that knows checksums of its file's bytes, each as
// ownCloud writes them: "SHA1:", "MD5:", "ADLER32:" or "SHA256:" and the sum in
// lower-case hexadecimal.
type checksummed interface{ Checksums() []string }

// checksummer is a File opened for writing that keeps checksums, in the form of
// checksummed, of the bytes that Close will commit. The caller has compared them
// with the bytes.
type checksummer interface{ SetChecksums(sums []string) }

// expecter is a File opened for writing that tells others how many bytes it is
// going to have; -1 if that is not known.
type expecter interface{ Expect(size int64) }

// propertied is an Fs that keeps dead properties (RFC 4918 §4). A property's value
// is its whole element as XML that stands on its own: every namespace that it uses
// is declared in it, and xml:lang is kept.
type propertied interface {
	// Properties returns the dead properties of files that this Fs described, in
	// the order of infos; nil for one that has none.
	Properties(infos ...fs.FileInfo) ([]map[xml.Name]string, error)
	// SetProperties changes properties of what stands at path, all or none, and,
	// unless modified is zero, its modification time in the same transaction.
	// Removing what is not there is no error. More than can be kept fails as a
	// full disk does.
	SetProperties(path string, set map[xml.Name]string, remove []xml.Name, modified time.Time) error
}

func rootOf(f afero.Fs) string {
	if r, ok := f.(rooted); ok && r.Root() != "" {
		return path.Clean(r.Root())
	}
	return "/"
}

// lookup returns what stands at name, or nil where nothing does.
func (q *request) lookup(name string) (fs.FileInfo, error) {
	info, err := q.fs.Stat(name)
	if absent(err) {
		return nil, nil
	}
	return info, err
}

// absent reports whether err says that nothing stands somewhere.
func absent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || fault.Of(err) == fault.NotDir
}

// etag returns info's entity tag; "" for a directory, and for nothing.
func (q *request) etag(info fs.FileInfo) string {
	if info == nil || info.IsDir() {
		return ""
	}
	if t, ok := info.(etager); ok {
		if tag, err := t.ETag(q.r.Context()); err == nil {
			return tag
		}
	}
	return fmt.Sprintf(`"%x%x"`, info.ModTime().UnixNano(), info.Size())
}
