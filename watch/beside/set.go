package beside

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"

	"slipway/watch/place"
)

// set is the sidecars of one file, or of one folder, that are brought in line.
//
// Of one that is written the sum is remembered first, so that what stands on disk
// after a crash is known for ours: it either has that sum, or it is what was there
// before, and the new text waits beside it under a name that says so.
type set struct {
	*Beside
	root  *os.Root
	stem  string              // what the sidecars are called after, below the root
	want  map[string][]byte   // what they should say, by suffixes
	had   map[string][32]byte // what is remembered, by keys
	now   map[string][32]byte
	left  map[string]bool // directories in which one was removed that is elsewhere now
	late  bool            // something is to be looked at again; see lost
	store func(ctx context.Context, beside map[string][32]byte) error
	// others reports whether bytes are ours although they are not remembered here.
	others func(ctx context.Context, sum [32]byte) bool
	// taken is when the file was taken, nanoseconds since the Unix epoch; 0: it is a
	// folder's.
	taken int64
}

func newSet(b *Beside, root *os.Root, stem string, had map[string][32]byte, store func(context.Context, map[string][32]byte) error) *set {
	return &set{
		Beside: b, root: root, stem: stem, had: maps.Clone(had), now: make(map[string][32]byte), left: make(map[string]bool),
		store: store, others: func(context.Context, [32]byte) bool { return false },
	}
}

// rel returns the path of a sidecar.
func (s *set) rel(between, suffix string) string { return s.stem + between + suffix }

// align writes what is to be said, and removes what is not. Where it fails, now has
// what there may be.
func (s *set) align(ctx context.Context) error {
	if s.had == nil {
		s.had = make(map[string][32]byte)
	}
	err := s.write(ctx, slices.Sorted(maps.Keys(s.want)))
	for _, key := range slices.Sorted(maps.Keys(s.had)) {
		if _, stays := s.now[key]; !stays && err == nil {
			err = s.remove(ctx, key)
		}
	}
	if err != nil {
		s.keep()
		return err
	}
	if len(s.now) == 0 {
		s.now = nil
	}
	return nil
}

// keep makes now remember what had does and now does not.
func (s *set) keep() {
	for key, sum := range s.had {
		if _, ok := s.now[key]; !ok {
			s.now[key] = sum
		}
	}
}

// standing is what has the name of a sidecar.
type standing struct {
	info fs.FileInfo // nil: nothing has
	file bool        // a regular one, which could be a sidecar
	sum  [32]byte    // if file
}

// look looks at what is at rel.
func (s *set) look(rel string) (standing, error) {
	info, err := s.root.Lstat(rel)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return standing{}, nil
	}
	if err != nil {
		return standing{}, err
	}
	st := standing{info: info}
	if !info.Mode().IsRegular() || info.Size() > maxText {
		return st, nil
	}
	f, err := s.root.Open(rel)
	if err != nil {
		return standing{}, err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, io.LimitReader(f, maxText+1)); err != nil {
		return standing{}, err
	}
	st.file = true
	h.Sum(st.sum[:0])
	return st, nil
}

// removed reports whether a person has removed the sidecar at rel, which is remembered:
// it is not there, and was.
func (s *set) removed(rel string) (bool, error) {
	st, err := s.look(rel)
	if err != nil || st.info != nil {
		return false, err
	}
	waits, err := s.waits(rel, st)
	return !waits, err
}

// waits reports whether a crash came before the remembered text got its name, where
// st is.
func (s *set) waits(rel string, st standing) (bool, error) {
	sum, ok := s.had[s.key(rel)]
	if !ok {
		return false, nil
	}
	temp, err := s.look(temporary(rel, st.sum))
	return err == nil && temp.file && temp.sum == sum, err
}

// temporary is the name under which what is to be at rel is written, where something
// with a sum is that is to go. Files with such a name are never taken.
func temporary(rel string, sum [32]byte) string {
	name := sha256.Sum256([]byte(path.Base(rel)))
	return path.Join(path.Dir(rel), prefix+hex.EncodeToString(name[:8])+"-"+hex.EncodeToString(sum[:8])+".tmp")
}

const prefix = ".slipway-beside-"

// mine reports whether what stands at rel is what we wrote there, or elsewhere for the
// same file, which was moved together with it.
func (s *set) mine(ctx context.Context, rel string, st standing) (bool, error) {
	if !st.file {
		return false, nil
	}
	for _, sum := range s.had {
		if sum == st.sum {
			return true, nil
		}
	}
	if waits, err := s.waits(rel, st); waits || err != nil {
		return waits, err
	}
	return s.others(ctx, st.sum) || s.older(rel, st), nil
}

// older reports whether what stands at rel is unmistakably one that was written before
// the file was taken: the memory of it was lost.
func (s *set) older(rel string, st standing) bool {
	if _, known := s.had[s.key(rel)]; known || s.taken == 0 {
		return false
	}
	if is := place.Of(st.info); max(is.Changed, is.Modified) >= s.taken {
		return false
	}
	companion, ours := recognise(s.root, rel)
	return ours && companion == ""
}

// remove removes a sidecar that is remembered, if it is what we wrote.
func (s *set) remove(ctx context.Context, key string) error {
	rel, inDir := strings.CutPrefix(key, mirrored)
	root := s.root
	if inDir != (s.o.Dir != "") { // the configuration was changed
		if inDir {
			return nil // it is not known where that was
		}
		var err error
		if root, err = os.OpenRoot(s.o.Root); err != nil {
			return err
		}
		defer root.Close()
	}
	at := *s
	at.root = root
	st, err := at.look(rel)
	if err != nil {
		return err
	}
	if path.Dir(rel) != path.Dir(s.stem) {
		s.left[parent(rel)] = true
	}
	if st.info == nil {
		return absent(root.Remove(temporary(rel, st.sum)))
	}
	if mine, err := at.mine(ctx, rel, st); err != nil || !mine {
		return err
	}
	if err := s.before("remove"); err != nil {
		return err
	}
	if err := errors.Join(absent(root.Remove(temporary(rel, st.sum))), absent(root.Remove(rel))); err != nil {
		return err
	}
	if inDir {
		for dir := path.Dir(rel); dir != "." && root.Remove(dir) == nil; dir = path.Dir(dir) {
		}
		return nil
	}
	return place.SyncDir(root, path.Dir(rel))
}

// parent returns the directory of a path below the folder, "" for the folder itself.
func parent(rel string) string {
	if dir := path.Dir(rel); dir != "." {
		return dir
	}
	return ""
}
