package blob

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"
)

// sweepBatch is how many refs the sweep asks about at a time.
const sweepBatch = 500

// stage names the staged file of a new writer.
func (d *Disk) stage() string {
	name := string(NewRef(d.now()))
	d.mu.Lock()
	defer d.mu.Unlock()
	d.writing[name] = false
	return name
}

// lives reports whether a writer of this process owns the staged file.
func (d *Disk) lives(name string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, ok := d.writing[name]
	return ok
}

// unstage ends what stage or claim began and removes the file, where remove is set
// or Remove was called meanwhile.
func (d *Disk) unstage(name string, remove bool) error {
	d.mu.Lock()
	remove = remove || d.writing[name]
	delete(d.writing, name)
	d.mu.Unlock()
	if !remove {
		return nil
	}
	return d.remove(filepath.Join(d.staged, name))
}

// Sweep removes the staged files of earlier processes, whatever their age, and
// blobs drawn before limit, that known does not confirm. Files in the folders of
// blobs that are not named like one are left alone, and one that cannot be removed
// does not keep the others. Writers may go on meanwhile.
func (d *Disk) Sweep(ctx context.Context, limit time.Time, known func(context.Context, []Ref) (map[Ref]bool, error)) (removed int, err error) {
	s := sweep{disk: d, limit: limit, known: known}
	err = s.run(ctx)
	return s.removed, errors.Join(append(s.failed, err)...)
}

// sweep is one run of Sweep.
type sweep struct {
	disk    *Disk
	limit   time.Time
	known   func(context.Context, []Ref) (map[Ref]bool, error)
	old     []Ref // found and not asked about yet
	removed int
	failed  []error // of files that could not be removed
}

func (s *sweep) run(ctx context.Context) error {
	if err := s.leftovers(ctx); err != nil {
		return err
	}
	folders, err := s.disk.fs.ReadDir(s.disk.blobs.dir)
	if err != nil {
		return fmt.Errorf("blob: %w", err)
	}
	for _, f := range folders {
		if !f.IsDir() {
			continue
		}
		if err := s.find(f.Name()); err != nil {
			return err
		}
		for len(s.old) >= sweepBatch {
			if err := s.ask(ctx, sweepBatch); err != nil {
				return err
			}
		}
	}
	return s.ask(ctx, len(s.old))
}

// leftovers removes staged files that no living writer owns and known does not
// confirm. It is asked after that: a writer that ended meanwhile had its bytes
// remembered before.
func (s *sweep) leftovers(ctx context.Context) error {
	list, err := s.disk.fs.ReadDir(s.disk.staged)
	if err != nil {
		return fmt.Errorf("blob: %w", err)
	}
	for _, e := range list {
		if err := ctx.Err(); err != nil {
			return err
		}
		if e.IsDir() || s.disk.lives(e.Name()) {
			continue
		}
		if ref := Ref(e.Name()); ref.valid() {
			s.old = append(s.old, ref)
		} else {
			s.count(s.disk.remove(filepath.Join(s.disk.staged, e.Name())))
		}
	}
	for len(s.old) > 0 {
		if err := s.ask(ctx, min(len(s.old), sweepBatch)); err != nil {
			return err
		}
	}
	return nil
}

func (s *sweep) count(err error) {
	if err != nil {
		s.failed = append(s.failed, err)
		return
	}
	s.removed++
}

// find adds the refs in one folder below blobs/ that were drawn before the limit.
func (s *sweep) find(folder string) error {
	list, err := s.disk.fs.ReadDir(filepath.Join(s.disk.blobs.dir, folder))
	if err != nil {
		return fmt.Errorf("blob: %w", err)
	}
	for _, e := range list {
		ref := Ref(e.Name())
		if drawn, err := ref.Time(); err == nil && drawn.Before(s.limit) && fanOut(ref) == folder {
			s.old = append(s.old, ref)
		}
	}
	return nil
}

// ask asks about the first n refs and removes those that are not confirmed.
func (s *sweep) ask(ctx context.Context, n int) error {
	if err := ctx.Err(); err != nil || n == 0 {
		return err
	}
	confirmed, err := s.known(ctx, s.old[:n])
	if err != nil {
		return fmt.Errorf("blob: asking which blobs are in use: %w", err)
	}
	for _, ref := range s.old[:n] {
		if !confirmed[ref] {
			s.count(s.disk.Remove(ctx, ref))
		}
	}
	s.old = append(s.old[:0], s.old[n:]...)
	return nil
}
