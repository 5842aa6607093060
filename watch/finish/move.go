package finish

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"slipway/watch"
	"slipway/watch/place"
)

// move brings what is aside to its place below MoveTo, over nothing.
func (j *job) move(file *os.File) error {
	to := path.Join(j.o.MoveTo, j.k.Path)
	_, err := j.settleAt(j.private, to)
	if place.CrossesDevices(err) {
		return j.copyTo(file, to)
	}
	return err
}

// spelled fails unless MoveTo is called exactly so, and is no link: what is moved to
// "Done" or to "archive" by the name "done" is not known to lie there, is taken again, and
// moved again, deeper each time.
func (f *Finisher) spelled(root *os.Root) error {
	at := "."
	for name := range strings.SplitSeq(f.o.MoveTo, "/") {
		dir := at
		at = path.Join(at, name)
		if info, err := root.Lstat(at); err == nil && info.Mode()&fs.ModeSymlink != 0 {
			return fmt.Errorf("%s is a symbolic link; in after = \"move:%s\" name a real folder", at, f.o.MoveTo)
		}
		if f.said.Load() {
			continue
		}
		names, err := namesIn(root, dir)
		if err != nil {
			return err
		}
		if !slices.Contains(names, name) {
			return fmt.Errorf("there is no folder %s that is called exactly so; in after = \"move:%s\" write it as the disk does (%s)", at, f.o.MoveTo, like(names, name))
		}
	}
	f.said.Store(true)
	return nil
}

// like returns the names that differ from name in their case alone, or "other letters".
func like(names []string, name string) string {
	for _, n := range names {
		if strings.EqualFold(n, name) {
			return n
		}
	}
	return "other letters look the same"
}

// namesIn returns what is in a directory.
func namesIn(root *os.Root, dir string) ([]string, error) {
	d, err := root.Open(dir)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return d.Readdirnames(-1)
}

// makeDirs makes a directory below MoveTo, durably.
func (j *job) makeDirs(dir string) error {
	if info, err := j.root.Stat(dir); err == nil && info.IsDir() {
		return nil
	}
	if err := j.root.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	for ; dir != "."; dir = path.Dir(dir) {
		if err := place.SyncDir(j.root, path.Dir(dir)); err != nil {
			return err
		}
	}
	return nil
}

// copyTo is for a MoveTo on another file system: the copy is durable before the
// original goes.
func (j *job) copyTo(file *os.File, to string) error {
	temporary := path.Join(path.Dir(to), path.Base(j.private))
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if there, err := j.copied(to, info); err != nil {
		return err
	} else if there {
		return j.root.Remove(j.private)
	}
	if err := j.copy(file, temporary, info); err != nil {
		return errors.Join(err, ignoreAbsent(j.root.Remove(temporary)))
	}
	if _, err := j.settleAt(temporary, to); err != nil {
		return errors.Join(err, ignoreAbsent(j.root.Remove(temporary)))
	}
	return j.root.Remove(j.private)
}

// copied reports whether the very same file is at to, durably: a crash came before the
// original went.
func (j *job) copied(to string, info fs.FileInfo) (bool, error) {
	is := j.look(to)
	if is == nil || !is.Mode().IsRegular() || is.Size() != info.Size() || !is.ModTime().Equal(info.ModTime()) {
		return false, nil
	}
	file, err := j.root.Open(to)
	if err != nil {
		return false, err
	}
	defer file.Close()
	h := sha256.New()
	if _, err := io.Copy(h, file); err != nil || [32]byte(h.Sum(nil)) != j.k.Sum {
		return false, err
	}
	return true, errors.Join(file.Sync(), place.SyncDir(j.root, path.Dir(to)))
}

// copy writes file's bytes and time to a new file.
func (j *job) copy(file *os.File, name string, info fs.FileInfo) error {
	if err := ignoreAbsent(j.root.Remove(name)); err != nil { // of a call that was cut
		return err
	}
	out, err := j.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, info.Mode().Perm())
	if err != nil {
		return err
	}
	h := sha256.New()
	_, err = io.Copy(io.MultiWriter(out, h), io.NewSectionReader(file, 0, info.Size()))
	if err := errors.Join(err, out.Sync(), out.Close()); err != nil {
		return err
	}
	if [32]byte(h.Sum(nil)) != j.k.Sum {
		return fmt.Errorf("%s: it was read differently the second time; check the disk", j.k.Path)
	}
	return j.root.Chtimes(name, info.ModTime(), info.ModTime())
}

func ignoreAbsent(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Where returns the path below the folder at which the file that k remembers as
// Removed lies now; "": nowhere, it was deleted. Of several files that had the same
// path it is the one with k's inode, where the system tells that. The error is
// Options.Mounted's.
func (f *Finisher) Where(ctx context.Context, k watch.Known) (string, error) {
	if f.o.MoveTo == "" {
		return "", nil
	}
	if err := f.o.Mounted(ctx); err != nil {
		return "", err
	}
	return f.where(k), nil
}

// where is Where, if that is mounted.
func (f *Finisher) where(k watch.Known) string {
	first := path.Join(f.o.MoveTo, k.Path)
	j, err := f.open(k)
	if err != nil {
		return first
	}
	defer j.root.Close()
	last := first
	for n := range maxNumber {
		name := numbered(first, n)
		info := j.look(name)
		if info == nil {
			return last
		}
		s := place.Of(info)
		if s.Inode == k.Stat.Inode && s.Size == k.Stat.Size && s.Modified == k.Stat.Modified {
			return name
		}
		last = name
	}
	return last
}
