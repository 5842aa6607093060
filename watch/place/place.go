// Package place tells where a file lies and which one it is: what makes it another
// than the one that had its name before, which file system it is on, and whether
// others may change it there without this machine being told.
package place

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"time"

	"slipway/watch"
)

// Of returns what info, of os.Lstat, os.Root.Lstat or os.File.Stat, says of a file.
// Of any other file system's info it returns size and time alone.
//
// On Windows Device, Inode and Changed are always 0, as the information about a file
// that a listing gives has none of them: there a file is told from others by its
// size, its time and its bytes.
func Of(info fs.FileInfo) watch.Stat {
	s := watch.Stat{Size: info.Size(), Modified: nanoseconds(info.ModTime())}
	s.Device, s.Inode, s.Changed = system(info)
	return s
}

// nanoseconds returns t since the epoch. Of a time that nobody set it returns 0,
// and of one further away than an int64 can say, 292 years, the nearest.
func nanoseconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	const second = int64(time.Second)
	switch s := t.Unix(); {
	case s >= math.MaxInt64/second:
		return math.MaxInt64
	case s <= -math.MaxInt64/second:
		return -math.MaxInt64
	}
	return t.UnixNano()
}

// Mount is the file system that a folder lies on.
type Mount struct {
	// Kind is what the system calls it: "ext4", "nfs", "fuse.sshfs"; "" if it is not
	// known.
	Kind string
	// Network: what others do there may be told to nobody here, so that only
	// looking again and again finds it.
	Network bool
	// Volume is the file system's own number, as hexadecimal digits; "" where it
	// tells none. It often outlives a restart, which Device does not always.
	Volume string
	// Device and Inode are those of the folder itself; 0 on Windows.
	Device, Inode uint64
}

// At returns the file system that the folder dir is on, and which folder it is. A
// symbolic link as dir is followed. The error is an fs.ErrNotExist where there is
// nothing, and an error of the system where a server does not answer.
func At(dir string) (Mount, error) {
	info, err := os.Stat(dir)
	if err != nil {
		return Mount{}, err
	}
	if !info.IsDir() {
		return Mount{}, &fs.PathError{Op: "open", Path: dir, Err: errors.New("is no folder")}
	}
	s := Of(info)
	m := Mount{Device: s.Device, Inode: s.Inode}
	if err := m.find(dir); err != nil {
		return m, &fs.PathError{Op: "statfs", Path: dir, Err: err}
	}
	return m, nil
}

// System is what this machine's operating system tells of files.
type System struct{}

var _ watch.Place = System{}

// Stat is Of.
func (System) Stat(info fs.FileInfo) watch.Stat { return Of(info) }

// Volume returns Mount.Volume of the file system that dir is on; "" where that cannot
// be found out.
func (System) Volume(dir string) string {
	m, err := At(dir)
	if err != nil {
		return ""
	}
	return m.Volume
}

// Network reports whether path is on a network file system (see Mount.Network);
// false where that cannot be found out.
func (System) Network(path string) bool {
	m, err := At(path)
	return err == nil && m.Network
}

// Writing reports whether another program has file, which is open for reading, open
// for writing; false where that cannot be known (see Lease). Nobody waits because of
// it: the lease that tells it is released at once.
func (System) Writing(file *os.File) bool {
	release, busy, _ := Lease(file)
	release()
	return busy
}
