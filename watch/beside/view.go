package beside

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/spf13/afero"
)

// viewInfo describes a view, and no other file.
type viewInfo interface{ Of() string }

// tree returns the virtual filesystem for the time of ctx.
func (b *Beside) tree(ctx context.Context) afero.Fs {
	if t, ok := b.o.Tree.(interface {
		WithContext(context.Context) afero.Fs
	}); ok {
		return t.WithContext(ctx)
	}
	return b.o.Tree
}

// views returns what the views of the file at name say, by their suffixes.
func (b *Beside) views(ctx context.Context, name string, suffixes []string) (map[string][]byte, error) {
	want := make(map[string][]byte)
	tree := b.tree(ctx)
	for _, suffix := range suffixes {
		text, err := b.read(tree, name, suffix, path.Base(name))
		if err != nil {
			return nil, err
		}
		if text != nil {
			want[suffix] = text
		}
	}
	if len(want) == 0 && escaped(path.Base(name)) {
		return b.listed(tree, name, suffixes)
	}
	return want, nil
}

// read returns what the view with suffix of the file at name says; nil: there is none.
// It has its second name only where something else has the first.
func (b *Beside) read(tree afero.Fs, name, suffix, of string) ([]byte, error) {
	said, other, err := text(tree, name+suffix, of)
	if other && err == nil {
		said, _, err = text(tree, name+yielding+suffix, of)
	}
	return said, err
}

// view returns the name of the view with suffix of the file at name; "": there is none.
func (b *Beside) view(tree afero.Fs, name, suffix string) (string, error) {
	for _, between := range []string{"", yielding} {
		at := name + between + suffix
		if ok, err := isView(tree, at, path.Base(name)); ok || err != nil {
			return at, err
		}
	}
	if !escaped(path.Base(name)) {
		return "", nil
	}
	names, err := viewNames(tree, name)
	for _, at := range names {
		if strings.HasSuffix(at, suffix) {
			return at, err
		}
	}
	return "", err
}

// isView reports whether there is a view at name, of that file. None has a name that
// is too long.
func isView(tree afero.Fs, name, of string) (bool, error) {
	if len(path.Base(name)) > maxName {
		return false, nil
	}
	info, err := tree.Stat(name)
	if err != nil {
		return false, absent(err)
	}
	v, ok := info.(viewInfo)
	return ok && v.Of() == of, nil
}

// absent returns nil for the error of what is not there.
func absent(err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrInvalid) {
		return nil
	}
	return err
}

// text reads a view; nil: there is none. other: something else has the name.
func text(tree afero.Fs, name, of string) (said []byte, other bool, err error) {
	if len(path.Base(name)) > maxName {
		return nil, false, nil // no view has such a name
	}
	f, err := tree.Open(name)
	if err != nil {
		return nil, false, absent(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, false, err
	}
	if v, ok := info.(viewInfo); !ok || v.Of() != of {
		return nil, true, nil
	}
	said, err = io.ReadAll(io.LimitReader(f, maxText+1))
	if err == nil && len(said) > maxText {
		err = fmt.Errorf("%s is longer than %d MiB", name, maxText>>20)
	}
	return said, false, err
}

// escaped reports whether views of a file with that name may be called otherwise: a
// system that people have forbids such names.
func escaped(name string) bool {
	if strings.ContainsAny(name, `<>:"\|?*`) || strings.HasSuffix(name, ".") || strings.HasSuffix(name, " ") {
		return true
	}
	for i := range len(name) {
		if name[i] < ' ' {
			return true
		}
	}
	stem, _, _ := strings.Cut(name, ".")
	return len(stem) <= len("CONOUT$")
}

// listed is views for a file whose views are called otherwise.
func (b *Beside) listed(tree afero.Fs, name string, suffixes []string) (map[string][]byte, error) {
	names, err := viewNames(tree, name)
	if err != nil {
		return nil, err
	}
	want := make(map[string][]byte)
	longest := slices.SortedFunc(slices.Values(suffixes), func(a, b string) int { return len(b) - len(a) })
	for _, at := range names {
		for _, suffix := range longest {
			if !strings.HasSuffix(at, suffix) {
				continue
			}
			said, _, err := text(tree, at, path.Base(name))
			if err != nil {
				return nil, err
			}
			if said != nil {
				want[suffix] = said
			}
			break
		}
	}
	return want, nil
}

// viewNames returns the names of the views of the file at name, as its folder lists
// them.
func viewNames(tree afero.Fs, name string) (names []string, err error) {
	d, err := tree.Open(path.Dir(name))
	if err != nil {
		return nil, absent(err)
	}
	defer d.Close()
	infos, err := d.Readdir(-1)
	if err != nil {
		return nil, absent(err)
	}
	for _, info := range infos {
		if v, ok := info.(viewInfo); ok && v.Of() == path.Base(name) {
			names = append(names, path.Join(path.Dir(name), info.Name()))
		}
	}
	return names, nil
}
