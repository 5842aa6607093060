package watch

import (
	"context"
	"errors"
	"fmt"
	"os"
)

// may reports whether k may stand in its folder, now or again, as the file that its
// entry was made of.
func (k Known) may() bool {
	switch k.State {
	case Taking, Taken, Removing, Missing:
		return true
	}
	return false
}

// holders returns which other files of the folder than that at rel are remembered as
// the entry, and may stand.
func (f *Folder) holders(ctx context.Context, entry int64, rel string) ([]Known, error) {
	list, err := f.o.Memory.Entries(ctx, f.o.Name, []int64{entry})
	if err != nil {
		return nil, err
	}
	var others []Known
	for _, k := range list {
		if k.Path == rel || !k.may() {
			continue
		}
		if k.State == Taking { // a crash may have come before it was, and then it changed
			if s, err := f.there(k.Path); err != nil || !s.same(k.Stat) {
				continue
			}
		}
		others = append(others, k)
	}
	return others, nil
}

// errComing says that it is being found out whether a file is an entry.
var errComing = errors.New("another file may be the same; it is about to be taken")

// held returns another file, of this folder or another one, that is remembered as the
// entry of that at rel, and may stand; "": none is. errComing: it is not known yet.
func (f *Folder) held(ctx context.Context, entry int64, rel string) (string, error) {
	list, err := f.holders(ctx, entry, rel)
	if err != nil {
		return "", err
	}
	for _, k := range list {
		if k.State == Taking {
			return k.Path, errComing
		}
	}
	if len(list) > 0 {
		return list[0].Path, nil
	}
	return f.o.Others(ctx, entry)
}

// errTwo is why a file is not taken: Other is one in the virtual filesystem with it.
type errTwo struct {
	other string
	far   bool // it is another folder's
}

func (e errTwo) Error() string {
	of := "this folder"
	if e.far {
		of = "another watched folder"
	}
	return fmt.Sprintf("another file of %s, %s, has this name in the gateway: rename one of them", of, e.other)
}

// vacant returns an errTwo where the path that the file at rel has in the virtual
// filesystem is the entry of another file that stands: its bytes may still be owed.
func (f *Folder) vacant(ctx context.Context, rel string) error {
	info, err := f.tree(ctx).Stat(f.virtual(rel))
	if err != nil {
		return nil //nolint:nilerr // Putting it says what is wrong.
	}
	i, ok := info.(identified)
	if !ok || info.IsDir() {
		return nil
	}
	list, err := f.holders(ctx, i.ID(), rel)
	if err != nil {
		return err
	}
	for _, k := range list {
		if stands, err := f.standsAt(k.Path); err != nil {
			return err
		} else if stands {
			return errTwo{other: k.Path}
		}
	}
	file, err := f.o.Others(ctx, i.ID())
	if file == "" || err != nil {
		return err
	}
	if _, err := os.Lstat(file); err == nil {
		return errTwo{other: file, far: true}
	}
	return nil
}

// enter claims path, and what other paths have in common with it: of those that are one
// in the virtual filesystem one is taken at a time.
func (f *Folder) enter(path string) bool {
	if !f.claim(path) {
		return false
	}
	if key := f.o.Key(path); key != path && !f.claim(key) {
		f.unclaim(path)
		return false
	}
	return true
}

// leave gives back what enter took.
func (f *Folder) leave(path string) {
	f.unclaim(path)
	if key := f.o.Key(path); key != path {
		f.unclaim(key)
	}
}
