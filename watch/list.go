package watch

import (
	"cmp"
	"encoding/binary"
	"errors"
	"hash/maphash"
	"io/fs"
	"os"
	"slices"
	"syscall"
)

// listing is what one directory has in it.
type listing struct {
	gone   bool   // there is no such directory
	link   string // the symbolic link that is in its place, or above it, if it is gone; "": none
	stat   Stat   // of the directory
	files  []file
	subs   []string
	others map[string]bool // names of what else there is: ignored, special, links
	empty  int             // files without bytes, which are among others
	digest uint64
}

// file is one that may be taken.
type file struct {
	name string
	stat Stat
}

// has reports whether a file of that name stands in the directory, to be taken or
// not.
func (l *listing) has(name string) bool {
	_, ok := slices.BinarySearchFunc(l.files, name, func(f file, name string) int { return cmp.Compare(f.name, name) })
	return ok || l.others[name]
}

// none reports whether nothing at all is in the directory.
func (l *listing) none() bool { return len(l.files)+len(l.subs)+len(l.others) == 0 }

// seed makes digests differ from those of other processes; equal ones are compared
// within one only.
var seed = maphash.MakeSeed()

// list reads a directory. Symbolic links, the last element included, are not followed.
func (f *Folder) list(dir string) (*listing, error) {
	root, err := f.open()
	if err != nil {
		return nil, err
	}
	defer root.Close()
	l := &listing{others: make(map[string]bool)}
	if l.link, err = linked(root, dir); l.link != "" || err != nil {
		l.gone = err == nil
		return l, err
	}
	info, err := root.Lstat(onDisk(dir))
	if absent(err) || err == nil && !info.IsDir() {
		l.gone = true
		return l, nil
	}
	if err != nil {
		return nil, err
	}
	l.stat = f.o.Place.Stat(info)
	entries, err := readDir(root, dir)
	if absent(err) {
		l.gone = true
		return l, nil
	}
	if err != nil {
		return nil, err
	}
	return l, f.sort(l, dir, entries)
}

// linked returns the first element of rel that is a symbolic link, as a path below root;
// "": none is. What a link leads to is not the folder's, also where it leads back into it:
// a file would stand at two paths.
func linked(root *os.Root, rel string) (string, error) {
	for i := range len(rel) + 1 {
		if i == 0 || i < len(rel) && rel[i] != '/' {
			continue
		}
		info, err := root.Lstat(rel[:i])
		switch {
		case absent(err):
			return "", nil
		case err != nil:
			return "", err
		case info.Mode()&fs.ModeSymlink != 0:
			return rel[:i], nil
		}
	}
	return "", nil
}

// absent reports whether err says that there is nothing at a path, rather than that
// it cannot be known.
func absent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}

func readDir(root *os.Root, dir string) ([]fs.DirEntry, error) {
	d, err := root.Open(onDisk(dir))
	if err != nil {
		return nil, err
	}
	defer d.Close()
	entries, err := d.ReadDir(-1)
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return cmp.Compare(a.Name(), b.Name()) })
	return entries, err
}

// sort tells what is in a directory: files, directories, and what is left alone.
func (f *Folder) sort(l *listing, dir string, entries []fs.DirEntry) error {
	var sum maphash.Hash
	sum.SetSeed(seed)
	for _, e := range entries {
		name := e.Name()
		sum.WriteString(name) //nolint:errcheck // It never fails.
		sum.WriteByte(0)      //nolint:errcheck // Likewise.
		switch t := e.Type(); {
		case f.o.Ignore(under(dir, name), t.IsDir()) != "":
			l.others[name] = true
		case t.IsDir():
			sum.WriteByte(1) //nolint:errcheck // Likewise.
			l.subs = append(l.subs, name)
		case !t.IsRegular():
			l.others[name] = true
		default:
			info, err := e.Info()
			if absent(err) {
				continue // it went meanwhile
			}
			if err != nil {
				return err
			}
			s := f.o.Place.Stat(info)
			s.hash(&sum)
			if s.Size == 0 {
				l.others[name] = true
				l.empty++
				continue
			}
			l.files = append(l.files, file{name, s})
		}
	}
	l.digest = sum.Sum64()
	return nil
}

// hash adds s to a digest.
func (s Stat) hash(h *maphash.Hash) {
	var b [48]byte
	for i, v := range [...]uint64{s.Device, s.Inode, uint64(s.Size), uint64(s.Modified), uint64(s.Changed)} {
		binary.LittleEndian.PutUint64(b[8*i:], v)
	}
	h.Write(b[:]) //nolint:errcheck // It never fails.
}

// same reports whether two Stats of one path tell of the same bytes. A device's number
// may be another each time that it is mounted.
func (s Stat) same(t Stat) bool {
	t.Device = s.Device
	return s == t
}
