package cli

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

	"github.com/spf13/cobra"

	"slipway/gateway/operate"
)

const (
	// storing is how many files are stored at once, and waiting how many of those
	// stored are watched at once.
	storing, waiting = 4, 32
	// patience is how long URLs are waited for.
	patience = 10 * time.Minute
)

type putOptions struct {
	noWait, json bool
	timeout      time.Duration
}

func (p *program) putCommand() *cobra.Command {
	var o putOptions
	c := &cobra.Command{
		Use: "put FILE... PATH", Short: "Send files and print their URLs",
		Long: `Store files at PATH, as any door would, wait until they are at their destinations, and
print a URL a line, in the order of the files. PATH is a folder if it ends in "/" or
is one already; "-" is the standard input, which needs the PATH of a file.

Ends with 1 where a file could not be stored or sent, and with 3 where one was not
sent in time: it is stored all the same, and goes on by itself while a gateway runs.
Where none runs, this command sends the files itself.`,
		Example: "  slipway put *.jpg /holiday/\n  convert in.png jpg:- | slipway put - /inbox/out.jpg",
		Args:    words(2, -1),
		RunE: func(c *cobra.Command, args []string) error {
			if o.timeout <= 0 {
				return usagef("--timeout has to be more than 0; --no-wait does not wait at all")
			}
			files, err := p.sources(args[:len(args)-1])
			if err != nil {
				return err
			}
			need := NeedUploads
			if o.noWait {
				need = NeedRecords
			}
			return p.with(c.Context(), need, func(g operate.Gateway) error {
				if err := aim(c.Context(), g, files, args[len(args)-1]); err != nil {
					return err
				}
				return p.put(c.Context(), g, files, o)
			})
		},
	}
	c.Flags().BoolVar(&o.noWait, "no-wait", false, "do not wait for the URLs")
	c.Flags().DurationVar(&o.timeout, "timeout", patience, "the `time` to wait for all URLs together, from the beginning")
	jsonFlag(c, &o.json)
	return c
}

// source is a file to put.
type source struct {
	file     string // as it was named
	path     string // where it goes
	size     int64  // bytes; -1: until it ends
	modified time.Time
	open     func() (io.ReadCloser, error)
}

// sources looks at every file before any is sent.
func (p *program) sources(args []string) ([]*source, error) {
	files := make([]*source, len(args))
	for i, file := range args {
		if file == "-" {
			if len(args) > 1 {
				return nil, usagef(`"-" goes alone`)
			}
			files[i] = &source{file: file, size: -1, modified: time.Now(), open: func() (io.ReadCloser, error) { return io.NopCloser(p.env.Stdin), nil }}
			continue
		}
		info, err := os.Stat(file)
		if err != nil {
			return nil, err
		}
		s := &source{file: file, size: info.Size(), modified: info.ModTime(), open: func() (io.ReadCloser, error) { return os.Open(file) }}
		switch {
		case info.IsDir():
			return nil, usagef("%s is a folder; name the files in it", file)
		case !info.Mode().IsRegular(): // a pipe ends when it ends
			s.size, s.modified = -1, time.Now()
		}
		files[i] = s
	}
	return files, nil
}

// aim says where each file goes.
func aim(ctx context.Context, g operate.Gateway, files []*source, to string) error {
	if to == "" {
		return usagef("the path is empty")
	}
	target := inside(to)
	dir := strings.HasSuffix(to, "/")
	if !dir {
		var err error
		if dir, err = isDir(ctx, g, target); err != nil {
			return err
		}
	}
	switch {
	case !dir && len(files) > 1:
		return usagef("several files need a folder: end the path with /, as in %s/", target)
	case !dir:
		files[0].path = target
		return nil
	}
	from := make(map[string]string)
	for _, s := range files {
		if s.file == "-" {
			return usagef("the standard input has no name: give the path of a file, as in %s", path.Join(target, "picture.jpg"))
		}
		s.path = path.Join(target, filepath.Base(s.file))
		if other, ok := from[s.path]; ok {
			return usagef("%s and %s would both be %s", other, s.file, s.path)
		}
		from[s.path] = s.file
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
func store(ctx context.Context, g operate.Gateway, s *source, through func(io.Reader) io.Reader) (operate.Entry, error) {
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
