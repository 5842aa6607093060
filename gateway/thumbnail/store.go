package thumbnail

import (
	"bytes"
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// store keeps pictures as files of a directory, those that were looked at last. It
// is read when it is first used. What is lost of it is drawn again.
type store struct {
	dir  string
	keep int64 // bytes

	mu    sync.Mutex
	kept  map[string]*keptFile // nil: not read yet
	bytes int64
}

type keptFile struct {
	size int64
	used time.Time
}

const (
	// storedAs is what names of kept files end with.
	storedAs = ".small"
	// unfinished is what names of files begin with that are being written.
	unfinished = "new-"
	// touchEvery is how exactly it is written down when one was last looked at.
	touchEvery = time.Hour
	// pictureMost is how many bytes a file may have that is read.
	pictureMost = 4 << 20
)

func (s *store) path(name string) string {
	return filepath.Join(s.dir, name[:2], name+storedAs)
}

// open reads the directory; mu is held.
func (s *store) open() {
	if s.kept != nil {
		return
	}
	s.kept = make(map[string]*keptFile)
	// What cannot be read is not there: it is drawn again.
	filepath.WalkDir(s.dir, func(p string, d fs.DirEntry, err error) error { //nolint:errcheck // as said
		if err != nil || d.IsDir() {
			return nil
		}
		info, err := d.Info()
		if err == nil && strings.HasPrefix(d.Name(), unfinished) && time.Since(info.ModTime()) > touchEvery {
			return os.Remove(p)
		}
		name, ok := strings.CutSuffix(d.Name(), storedAs)
		if err != nil || !ok || len(name) < 2 || p != s.path(name) {
			return nil
		}
		s.kept[name] = &keptFile{info.Size(), info.ModTime()}
		s.bytes += info.Size()
		return nil
	})
}

// load returns what is kept by a name.
func (s *store) load(name string) ([]byte, bool) {
	s.mu.Lock()
	s.open()
	f := s.kept[name]
	touch := f != nil && time.Since(f.used) > touchEvery
	if f != nil && touch {
		f.used = time.Now()
	}
	s.mu.Unlock()
	if f == nil || f.size > pictureMost {
		return nil, false
	}
	b, err := os.ReadFile(s.path(name))
	if err != nil || !intact(b) {
		s.forget(name)
		return nil, false
	}
	if touch {
		now := time.Now()
		os.Chtimes(s.path(name), now, now) //nolint:errcheck // then it goes sooner
	}
	return b, true
}

func (s *store) forget(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.kept[name]; f != nil {
		s.bytes -= f.size
		delete(s.kept, name)
	}
}

// save keeps b by a name, and lets go of others where there is too much.
func (s *store) save(name string, b []byte) error {
	p := s.path(name)
	if err := os.MkdirAll(filepath.Dir(p), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(p), unfinished+"*")
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), p)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open()
	if old := s.kept[name]; old != nil {
		s.bytes -= old.size
	}
	s.kept[name] = &keptFile{int64(len(b)), time.Now()}
	s.bytes += int64(len(b))
	return s.evict()
}

// evict lets go of those that were not looked at for longest, a tenth at a time; mu
// is held.
func (s *store) evict() error {
	if s.bytes <= s.keep {
		return nil
	}
	names := make([]string, 0, len(s.kept))
	for name := range s.kept {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(s.kept[a].used.Compare(s.kept[b].used), cmp.Compare(a, b)) })
	var errs []error
	for _, name := range names {
		if s.bytes <= s.keep-s.keep/10 {
			break
		}
		if err := os.Remove(s.path(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
		s.bytes -= s.kept[name].size
		delete(s.kept, name)
	}
	return errors.Join(errs...)
}

// intact reports whether b has come to its end: files are not synced, and after a
// power cut one may be cut.
func intact(b []byte) bool {
	return bytes.HasPrefix(b, []byte("\xff\xd8")) && bytes.HasSuffix(b, []byte("\xff\xd9")) ||
		bytes.HasPrefix(b, []byte("\x89PNG")) && bytes.HasSuffix(b, []byte("IEND\xaeB`\x82"))
}
