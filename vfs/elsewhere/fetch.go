package elsewhere

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"slipway/vfs"
	"slipway/vfs/blob"
)

// fetch copies the bytes of rel from the first place, or else the first host, that has
// them.
func (s *Store) fetch(ctx context.Context, rel vfs.Released) (fetched, error) {
	places, err := s.placesFor(ctx, rel)
	if err != nil {
		return fetched{}, err
	}
	var worst *vfs.AwayError
	failed := func(err error) bool {
		var away *vfs.AwayError
		if !errors.As(err, &away) {
			return false
		}
		if worst == nil || away.Passing && !worst.Passing {
			worst = away // what passes counts: it may have the bytes
		}
		return true
	}
	for _, p := range places {
		if ref, err := s.take(ctx, rel, p); !failed(err) {
			return fetched{ref: ref, size: rel.Size}, err
		}
	}
	remotes, err := s.remotesFor(ctx, rel)
	if err != nil {
		return fetched{}, err
	}
	if rel.Hosted != 0 {
		worst = nil // what a watched folder had once is of no interest
	}
	for _, h := range remotes {
		if ref, err := s.download(ctx, rel, h); !failed(err) {
			return fetched{ref: ref, size: rel.Size, remote: true}, err
		}
	}
	if worst == nil {
		return fetched{}, &vfs.AwayError{Text: "its bytes are at no host and in no watched folder any more", Remedy: remedyAgain}
	}
	return fetched{}, worst
}

func (s *Store) remotesFor(ctx context.Context, rel vfs.Released) ([]Remote, error) {
	if s.options.Remotes == nil {
		return nil, nil
	}
	return s.options.Remotes(ctx, rel)
}

// Where says where the bytes of a blob are read from, or what became of them, by what
// can be told without reading them. It is fs.ErrNotExist where they are here.
func (s *Store) Where(ctx context.Context, ref blob.Ref) (string, error) {
	rel, err := s.options.Releases.Released(ctx, ref)
	if err != nil {
		return "", err
	}
	for _, here := range []blob.Ref{ref, rel.Successor} {
		r, err := s.Disk.Open(ctx, here)
		if err == nil {
			return "", errors.Join(fs.ErrNotExist, r.Close())
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	places, err := s.placesFor(ctx, rel)
	if err != nil {
		return "", err
	}
	text := ""
	for _, p := range places {
		err := Look(p, func(info fs.FileInfo) error {
			if info.Size() != rel.Size {
				return p.changed(info.ModTime())
			}
			return nil
		})
		if err == nil {
			return "its bytes are read from " + p.Path, nil
		}
		if text == "" {
			text = err.Error() + " (" + p.Path + ")"
		}
	}
	remotes, err := s.remotesFor(ctx, rel)
	switch {
	case len(remotes) > 0 && text != "":
		return text + ". They may be read from " + remotes[0].URL + " still", err
	case len(remotes) > 0:
		return "its bytes are read from " + remotes[0].URL, err
	}
	if text == "" && err == nil {
		text = "its bytes are at no host and in no watched folder any more; " + remedyAgain
	}
	return text, err
}

// placesFor returns where the bytes of rel may be.
func (s *Store) placesFor(ctx context.Context, rel vfs.Released) ([]Place, error) {
	places, err := s.options.Places(ctx, rel.SHA256)
	if err == nil && rel.Place != "" && !slices.ContainsFunc(places, func(p Place) bool { return p.Path == rel.Place }) {
		places = append(places, Place{Path: rel.Place})
	}
	return places, err
}

// take copies the bytes of rel from p. It is an AwayError where they are not there.
func (s *Store) take(ctx context.Context, rel vfs.Released, p Place) (blob.Ref, error) {
	f, err := p.open()
	if err != nil {
		return "", p.unread(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", p.unread(err)
	}
	if !info.Mode().IsRegular() || info.Size() != rel.Size {
		return "", p.changed(info.ModTime())
	}
	w, err := s.Create(ctx)
	if err != nil {
		return "", unkept(p.Path, err)
	}
	defer w.Abort() //nolint:errcheck // What is left is the sweep's.
	return s.copy(ctx, rel, p, f, w)
}

// copy fills w, by sharing where that can be, and keeps it if the bytes are rel's.
func (s *Store) copy(ctx context.Context, rel vfs.Released, p Place, f *os.File, w blob.Writer) (blob.Ref, error) {
	if c, ok := w.(blob.Cloner); ok {
		if _, err := c.CloneFrom(f); err != nil && !errors.Is(err, errors.ErrUnsupported) {
			return "", unkept(p.Path, err)
		}
	}
	source := &reading{ctx: ctx, r: io.LimitReader(f, rel.Size-w.Size()+1)}
	_, err := io.Copy(w, source)
	if source.err != nil {
		return "", p.unread(source.err)
	}
	var sum blob.Sum
	if err == nil {
		sum, err = w.Sum()
	}
	if err != nil {
		return "", unkept(p.Path, err)
	}
	if sum != rel.SHA256 {
		return "", p.changed(modified(f))
	}
	kept, err := w.Commit(ctx)
	return kept.Ref, err
}

// unkept is what is said where bytes that came from elsewhere could not be kept here.
func unkept(from string, err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return &vfs.AwayError{Text: "its bytes are not kept here, and the gateway's disk has no room to bring them back",
			Remedy: "make room there, and try again", Passing: true}
	}
	return fmt.Errorf("bringing back bytes from %s: %w", from, err)
}

// reading remembers the error of the outside file, which is no fault of the disk
// here, and ends with ctx.
type reading struct {
	ctx context.Context
	r   io.Reader
	err error
}

func (r *reading) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := r.r.Read(p)
	if err != nil && err != io.EOF {
		r.err = err
	}
	return n, err
}

// open opens the file at p. Of a known root, links lead nowhere out of it.
func (p Place) open() (*os.File, error) {
	if p.Root == "" {
		if err := regular(os.Stat(p.Path)); err != nil {
			return nil, err
		}
		return os.Open(p.Path)
	}
	root, err := os.OpenRoot(p.Root)
	if err != nil {
		return nil, &rootError{err}
	}
	defer root.Close()
	rel, err := relative(p.Root, p.Path)
	if err != nil {
		return nil, err
	}
	err = regular(root.Stat(rel))
	if errors.Is(err, fs.ErrNotExist) && empty(root) {
		return nil, &rootError{errors.New("the folder is empty; it may not be mounted")}
	}
	if err != nil {
		return nil, err
	}
	return root.Open(rel)
}

// regular fails for what is no file with bytes: opening some of those waits.
func regular(info fs.FileInfo, err error) error {
	if err == nil && !info.Mode().IsRegular() {
		err = fs.ErrNotExist
	}
	return err
}

// rootError says that the whole folder cannot be read, which says nothing of its
// files.
type rootError struct{ error }

// empty reports whether nothing is in a folder.
func empty(root *os.Root) bool {
	d, err := root.Open(".")
	if err != nil {
		return true
	}
	defer d.Close()
	_, err = d.Readdirnames(1)
	return err != nil
}

func modified(f *os.File) time.Time {
	info, err := f.Stat()
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}

// remedy is what to do about bytes that are not there any more.
const (
	remedy      = "put the file as it was back there, or store it here again; its addresses stay as they are"
	remedyAgain = "store the file here again; its addresses stay as they are"
)

// name is what users are told of a place: where on this machine it is, is for those
// who run it (see Where).
func (p Place) name() string { return "a watched folder (" + filepath.Base(p.Path) + ")" }

// changed is what is said where the file has other bytes.
func (p Place) changed(at time.Time) error {
	return &vfs.AwayError{Text: fmt.Sprintf("its bytes were only in %s, and were changed there%s", p.name(), on(at)), Remedy: remedy}
}

// unread is what is said where the file cannot be read.
func (p Place) unread(err error) error {
	var root *rootError
	if errors.Is(err, fs.ErrNotExist) && !errors.As(err, &root) {
		return &vfs.AwayError{Text: fmt.Sprintf("its bytes were only in %s, and were removed there%s", p.name(), on(p.Since)), Remedy: remedy}
	}
	why := err // without the path
	if errors.As(err, &root) {
		why = root.error
	}
	for inner, ok := errors.AsType[*fs.PathError](why); ok; inner, ok = errors.AsType[*fs.PathError](why) {
		why = inner.Err
	}
	return &vfs.AwayError{Text: fmt.Sprintf("its bytes are in %s only, which cannot be read now: %v", p.name(), why),
		Remedy: "make the folder readable again", Passing: true, Err: errors.Unwrap(err)}
}

// on says when.
func on(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return " on " + t.UTC().Format("2006-01-02 at 15:04 UTC")
}
