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
	if err := j.copy(file, temporary, info); err != nil {
		return errors.Join(err, ignoreAbsent(j.root.Remove(temporary)))
	}
	if _, err := j.settleAt(temporary, to); err != nil {
		return errors.Join(err, ignoreAbsent(j.root.Remove(temporary)))
	}
	return j.root.Remove(j.private)
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
