package beside

import (
	"context"
	"crypto/sha256"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path"
	"strings"

	"slipway/watch/place"
)

// change is one sidecar that waits for its name.
type change struct {
	suffix, rel, temp string
	before            standing // what is to go
}

// write makes the sidecars with suffixes say what they should: all are written, then
// remembered, and then get their names.
func (s *set) write(ctx context.Context, suffixes []string) error {
	const tries = 3 // as somebody may be faster with a name
	for range tries {
		var changes []change
		for _, suffix := range suffixes {
			c, err := s.prepare(ctx, suffix, s.want[suffix])
			if err != nil {
				return s.drop(changes, err)
			}
			if c.rel != "" {
				changes = append(changes, c)
			}
		}
		if len(changes) == 0 {
			return nil
		}
		if err := s.intend(ctx, changes); err != nil {
			return s.drop(changes, err)
		}
		var err error
		if suffixes, err = s.name(changes); err != nil {
			return err
		}
	}
	return nil
}

// prepare writes text under a temporary name, to be the sidecar with suffix: under the
// first of its names that is not somebody else's. There is nothing to be done where
// one says so already, or both are.
func (s *set) prepare(ctx context.Context, suffix string, text []byte) (change, error) {
	sum := sha256.Sum256(text)
	for _, between := range []string{"", yielding} {
		rel := s.rel(between, suffix)
		if len(path.Base(rel)) > maxName {
			continue
		}
		st, err := s.look(rel)
		if err != nil {
			return change{}, err
		}
		if st.file && st.sum == sum {
			s.now[s.key(rel)] = sum
			return change{}, absent(s.root.Remove(temporary(rel, st.sum))) // of a crash
		}
		if st.info == nil && suffix == errorSuffix {
			if lost, err := s.lost(rel, st); lost || err != nil {
				return change{}, err
			}
		}
		if st.info != nil {
			if mine, err := s.mine(ctx, rel, st); err != nil {
				return change{}, err
			} else if !mine {
				continue
			}
		}
		if err := s.makeDir(path.Dir(rel)); err != nil {
			return change{}, err
		}
		c := change{suffix, rel, temporary(rel, st.sum), st}
		if err := s.writeTemp(c.temp, text, st.info != nil); err != nil {
			return change{}, err
		}
		s.now[s.key(rel)] = sum
		return c, nil
	}
	s.o.Log.Debug("a sidecar has no name", "folder", s.o.Root, "file", s.stem, "kind", suffix)
	return change{}, nil
}

// lost reports whether a person has removed what told of a failure since it was looked
// for, which asks for another try: it stays remembered, and is found missing next time.
func (s *set) lost(rel string, st standing) (bool, error) {
	had, ok := s.had[s.key(rel)]
	if !ok {
		return false, nil
	}
	waits, err := s.waits(rel, st)
	if waits || err != nil {
		return false, err
	}
	s.now[s.key(rel)], s.late = had, true
	return true, nil
}

// intend remembers what the sidecars are going to say.
func (s *set) intend(ctx context.Context, changes []change) error {
	for _, c := range changes {
		key := s.key(c.rel)
		if had, ok := s.had[key]; ok && had == s.now[key] {
			continue // a crash came after this
		}
		if err := s.before("store"); err != nil {
			return err
		}
		stored := maps.Clone(s.had)
		maps.Copy(stored, s.now)
		return s.store(ctx, stored)
	}
	return nil
}

// name gives the sidecars their names. Those where somebody was faster come back.
func (s *set) name(changes []change) (again []string, err error) {
	for i, c := range changes {
		if err := s.before("rename"); err != nil {
			return nil, s.drop(changes[i:], err)
		}
		err := s.replace(c.temp, c.rel, c.before)
		if errors.Is(err, fs.ErrExist) {
			again, err = append(again, c.suffix), s.drop(changes[i:i+1], nil)
		}
		if err != nil {
			return nil, s.drop(changes[i:], err)
		}
	}
	if err := s.before("sync"); err != nil {
		return nil, err
	}
	return again, place.SyncDir(s.root, path.Dir(s.stem))
}

// drop removes what waits for its name, and gives back err.
func (s *set) drop(changes []change, err error) error {
	for _, c := range changes {
		delete(s.now, s.key(c.rel))
		if s.before("drop") == nil {
			err = errors.Join(err, absent(s.root.Remove(c.temp)))
		}
	}
	return err
}

// makeDir makes the directory of a sidecar in Dir. Beside a file there is one.
func (s *set) makeDir(dir string) error {
	if s.o.Dir == "" {
		return nil
	}
	return s.root.MkdirAll(dir, 0o777)
}

// writeTemp writes text to a new file, durably; its name too if replaces.
func (s *set) writeTemp(temp string, text []byte, replaces bool) error {
	if err := s.before("temp"); err != nil {
		return err
	}
	if err := absent(s.root.Remove(temp)); err != nil { // of a crash
		return err
	}
	f, err := s.root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, absent(s.root.Remove(temp)))
	}
	if !replaces {
		return nil
	}
	return place.SyncDir(s.root, path.Dir(temp))
}

// replace gives temp the name rel if st still is what has it; else it is an
// fs.ErrExist.
func (s *set) replace(temp, rel string, st standing) error {
	if st.info == nil {
		return place.Rename(s.root, temp, rel)
	}
	info, err := s.root.Lstat(rel)
	if errors.Is(err, fs.ErrNotExist) && !strings.HasSuffix(rel, errorSuffix) {
		return place.Rename(s.root, temp, rel)
	}
	if errors.Is(err, fs.ErrNotExist) { // a person has removed it, which is heeded
		return &fs.PathError{Op: "rename", Path: rel, Err: fs.ErrExist}
	}
	if err != nil {
		return err
	}
	if !os.SameFile(info, st.info) || place.Of(info) != place.Of(st.info) {
		return &fs.PathError{Op: "rename", Path: rel, Err: fs.ErrExist}
	}
	return s.root.Rename(temp, rel)
}
