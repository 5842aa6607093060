package watch

import (
	"context"
	"errors"
	"io/fs"
	"math"
	"os"
	"strings"
	"time"
)

// twins returns what is remembered with the inode of s, and with sum where it is not
// zero.
func (f *Folder) twins(ctx context.Context, s Stat, sum [32]byte) ([]Known, error) {
	if s.Inode == 0 { // there are no inodes
		s.Device, s.Inode = math.MaxUint64, math.MaxUint64
	}
	return f.o.Memory.Twins(ctx, f.o.Name, s.Device, s.Inode, sum)
}

// fromTwin makes a remembered file with the same bytes, which stands nowhere any more,
// the one at the path: its entry is moved, and nothing is put.
func (t *take) fromTwin(ctx context.Context) (end, error) {
	twins, err := t.twins(ctx, t.x.stat, t.sum)
	if err != nil {
		return ended, err
	}
	for _, k := range t.likeliest(twins) {
		if !t.claim(k.Path) {
			continue
		}
		how, err := t.come(ctx, k.Path)
		t.unclaim(k.Path)
		if how != ended || err != nil {
			return how, err
		}
	}
	return ended, nil
}

// likeliest returns those of twins that the file may have been: first of all what had
// its inode, then what had its name.
func (t *take) likeliest(twins []Known) (list []Known) {
	rank := func(k Known) int {
		switch {
		case k.Stat.Inode != 0 && k.Stat.Inode == t.x.stat.Inode:
			return 0
		case base(k.Path) == base(t.x.path):
			return 1
		}
		return 2
	}
	for r := range 3 {
		for _, k := range twins {
			if k.Path != t.x.path && k.Sum == t.sum && rank(k) == r {
				list = append(list, k)
			}
		}
	}
	return list
}

// come makes the remembered file at the path from, which is claimed, the one that is
// taken, if it may be.
func (t *take) come(ctx context.Context, from string) (end, error) {
	k, had, err := t.known(ctx, from) // as it is now that it is claimed
	if err != nil || !had || k.Sum != t.sum {
		return ended, err
	}
	switch k.State {
	case Taken, Missing, Taking:
	default:
		return ended, nil
	}
	if stands, err := t.standsAt(k.Path); stands || err != nil {
		return ended, err
	}
	ctx = context.WithoutCancel(ctx)
	if !k.sure() {
		return t.fromTaking(ctx, k)
	}
	moved := t.taken()
	moved.Entry, moved.Beside, moved.State = k.Entry, k.Beside, Taking
	if err := t.o.Memory.Store(ctx, t.o.Name, []Known{moved}, nil); err != nil {
		return ended, err
	}
	if err := t.moveEntry(ctx, k); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return ended, nil // something has the name: the file is put onto it
		}
		return ended, err
	}
	t.from, moved.State = k.Path, Taken
	if err := t.o.Memory.Store(ctx, t.o.Name, []Known{moved}, []string{k.Path}); err != nil {
		return ended, err
	}
	t.notice(k.Entry)
	return wasMoved, nil
}

// fromTaking is come for bytes that were about to be put when the program ended. If
// they are there, they are moved; the put that follows finds out their entry.
func (t *take) fromTaking(ctx context.Context, k Known) (end, error) {
	if t.holds(ctx, t.virtual(k.Path), k.Sum) == 0 {
		return ended, nil
	}
	err := t.move(ctx, t.virtual(k.Path), t.virtual(t.x.path))
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return ended, err
	}
	return ended, t.o.Memory.Store(ctx, t.o.Name, nil, []string{k.Path})
}

// moveEntry gives the entry of k the path of the file, also where a person gave it
// another one here meanwhile: what came last holds. One that is gone, or was put
// elsewhere by a person, stays as it is.
func (t *take) moveEntry(ctx context.Context, k Known) error {
	out, err := t.o.Outcomes.Outcomes(ctx, []int64{k.Entry})
	if err != nil {
		return err
	}
	o, there := out[k.Entry]
	if !there || o.Path == "" || t.o.Key(o.Path) == t.o.Key(t.x.path) {
		return nil
	}
	err = t.move(ctx, t.virtual(o.Path), t.virtual(t.x.path))
	if errors.Is(err, fs.ErrNotExist) {
		return nil // it went meanwhile
	}
	return err
}

// standsAt reports whether there is a file at rel, written exactly so.
func (f *Folder) standsAt(rel string) (bool, error) {
	root, err := f.open()
	if err != nil {
		return false, err
	}
	defer root.Close()
	if link, err := linked(root, parent(rel)); link != "" || err != nil {
		return false, err
	}
	_, err = root.Lstat(onDisk(rel))
	if absent(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	// Where case does not matter, or a form of Unicode, a file is found by a name that
	// it had, too.
	entries, err := readDir(root, parent(rel))
	if err != nil {
		return false, err
	}
	for _, e := range entries {
		if e.Name() == base(rel) {
			return true, nil
		}
	}
	return false, nil
}

// adopt looks whether dir, where nothing is remembered, is a directory that was
// renamed, itself or above: its files are what is remembered elsewhere. Its entries
// then get their paths in one step.
func (f *Folder) adopt(ctx context.Context, dir string, l *listing) (bool, error) {
	const tries = 3 // files that may be new in it
	for _, x := range l.files[:min(tries, len(l.files))] {
		if x.stat.Inode == 0 {
			continue
		}
		twins, err := f.twins(ctx, x.stat, [32]byte{})
		if err != nil {
			return false, err
		}
		for _, k := range twins {
			if base(k.Path) != x.name || parent(k.Path) == dir || !k.Stat.same(x.stat) || k.State != Taken && k.State != Missing {
				continue
			}
			for from, to := range renames(parent(k.Path), dir) {
				if adopted, err := f.adoptFrom(ctx, from, to); adopted || err != nil {
					return adopted, err
				}
			}
		}
	}
	return false, nil
}

// renames yields which directories may have been renamed where one came from a path
// to another: the topmost first.
func renames(from, to string) func(yield func(from, to string) bool) {
	return func(yield func(from, to string) bool) {
		pairs := [][2]string{{from, to}}
		for base(from) == base(to) && from != "" && to != "" {
			from, to = parent(from), parent(to)
			pairs = append(pairs, [2]string{from, to})
		}
		for i := len(pairs) - 1; i >= 0; i-- {
			if p := pairs[i]; p[0] != "" && p[1] != "" && p[0] != p[1] && !within(p[1], p[0]) && !within(p[0], p[1]) {
				if !yield(p[0], p[1]) {
					return
				}
			}
		}
	}
}

// adoptFrom makes what is remembered below from that of to, if the one is gone and the
// other has more than half of its files.
func (f *Folder) adoptFrom(ctx context.Context, from, to string) (bool, error) {
	release, ok, err := f.renamed(ctx, from, to)
	if !ok || err != nil {
		return false, err
	}
	defer release()
	ctx = context.WithoutCancel(ctx)
	err = f.move(ctx, f.virtual(from), f.virtual(to))
	switch {
	case errors.Is(err, fs.ErrNotExist): // a crash came before what follows, or a person
	case err != nil:
		f.o.Log.Info("a renamed directory is taken file by file", "folder", f.o.Root, "from", from, "to", to, "why", plain(err))
		return false, nil
	}
	if err := f.o.Memory.Rename(ctx, f.o.Name, from, to); err != nil {
		return false, err
	}
	f.o.Log.Info("a watched directory was renamed", "folder", f.o.Root, "from", from, "to", to)
	if f.attended() {
		f.noticeAll(nil) // sidecars may say where their files lie
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.dropBelow(from)
	for path := range f.coming {
		if x := f.coming[path]; within(path, from) && x.phase == settling {
			delete(f.coming, path)
		}
	}
	return true, nil
}

// renamed compares what is remembered below from with what stands below to, and claims
// the former.
func (f *Folder) renamed(ctx context.Context, from, to string) (release func(), ok bool, err error) {
	root, err := f.open()
	if err != nil {
		return nil, false, err
	}
	defer root.Close()
	link, err := linked(root, from)
	if err != nil {
		return nil, false, err
	}
	if _, err := root.Lstat(from); link == "" && !absent(err) {
		return nil, false, err
	}
	if info, err := root.Lstat(to); err != nil || !info.IsDir() {
		return nil, false, nil //nolint:nilerr // It went again.
	}
	oldest := f.o.Clock().Add(-2 * f.o.Grace)
	var claimed []string
	release = func() {
		for _, p := range claimed {
			f.unclaim(p)
		}
	}
	same, other := 0, 0
	const page = 500
	for after := ""; ; {
		list, err := f.o.Memory.Below(ctx, f.o.Name, from, after, page)
		if err != nil {
			release()
			return nil, false, err
		}
		for _, k := range list {
			after = k.Path
			if !f.claim(k.Path) {
				release()
				return nil, false, nil
			}
			claimed = append(claimed, k.Path)
			f.resembles(root, k, from, to, oldest, &same, &other)
		}
		if len(list) < page {
			break
		}
	}
	if same <= other {
		release()
		return nil, false, nil
	}
	return release, true, nil
}

// resembles counts whether the file that is remembered at k.Path below from stands
// below to.
func (f *Folder) resembles(root *os.Root, k Known, from, to string, oldest time.Time, same, other *int) {
	if k.State != Taken && k.State != Missing || k.State == Missing && k.Since < oldest.UnixNano() {
		return
	}
	if s, err := f.stat(root, to+strings.TrimPrefix(k.Path, from)); err == nil && s.same(k.Stat) {
		*same++
		return
	}
	*other++
}
