package send

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"slipway/gateway/operate"
)

// File is a file to send.
type File struct {
	name     string // as it was given
	path     string // where it goes
	size     int64  // bytes; -1: until it ends
	modified time.Time
	open     func() (io.ReadCloser, error)
}

// Files looks at the files that are named, before any is sent; "-" is stdin, alone.
func Files(args []string, stdin io.Reader) ([]*File, error) {
	files := make([]*File, len(args))
	for i, file := range args {
		if file == "-" {
			if len(args) > 1 {
				return nil, operate.Errorf(operate.Usage, `"-" goes alone`)
			}
			files[i] = &File{name: file, size: -1, modified: time.Now(), open: func() (io.ReadCloser, error) { return io.NopCloser(stdin), nil }}
			continue
		}
		info, err := os.Stat(file)
		if err != nil {
			return nil, err
		}
		s := &File{name: file, size: info.Size(), modified: info.ModTime(), open: func() (io.ReadCloser, error) { return os.Open(file) }}
		switch {
		case info.IsDir():
			return nil, operate.Errorf(operate.Usage, "%s is a folder; name the files in it", file)
		case !info.Mode().IsRegular(): // a pipe ends when it ends
			s.size, s.modified = -1, time.Now()
		}
		files[i] = s
	}
	return files, nil
}

// Aim says where each file goes: into the folder that to is, or is called by the
// "/" at its end, or, for one file, there.
func Aim(ctx context.Context, g operate.Gateway, files []*File, to string) error {
	if to == "" {
		return operate.Errorf(operate.Usage, "the path is empty")
	}
	target := path.Clean("/" + to)
	dir := strings.HasSuffix(to, "/")
	if !dir {
		var err error
		if dir, err = isDir(ctx, g, target); err != nil {
			return err
		}
	}
	switch {
	case !dir && len(files) > 1:
		return operate.Errorf(operate.Usage, "several files need a folder: end the path with /, as in %s/", target)
	case !dir:
		files[0].path = target
		return nil
	}
	from := make(map[string]string)
	for _, s := range files {
		if s.name == "-" {
			return operate.Errorf(operate.Usage, "the standard input has no name: give the path of a file, as in %s", path.Join(target, "picture.jpg"))
		}
		s.path = path.Join(target, filepath.Base(s.name))
		if other, ok := from[s.path]; ok {
			return operate.Errorf(operate.Usage, "%s and %s would both be %s", other, s.name, s.path)
		}
		from[s.path] = s.name
	}
	return nil
}

// isDir reports whether a folder is there. A list of a file is that file alone.
func isDir(ctx context.Context, g operate.Gateway, target string) (bool, error) {
	for e, err := range g.List(ctx, target) {
		switch {
		case errors.Is(err, os.ErrNotExist):
			return false, nil
		case err != nil:
			return false, err
		}
		return e.Dir || path.Clean(e.Path) != target, nil
	}
	return true, nil
}

// store stores one file.
func store(ctx context.Context, g operate.Gateway, s *File, through func(io.Reader) io.Reader) (operate.Entry, error) {
	f, err := s.open()
	if err != nil {
		return operate.Entry{}, err
	}
	defer f.Close() //nolint:errcheck // only read
	e, err := g.Put(ctx, s.path, s.size, s.modified, through(operate.Exactly(f, s.size)))
	if err != nil {
		return e, fmt.Errorf("not stored: %w", err)
	}
	return e, nil
}
