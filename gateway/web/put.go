package web

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/afero"

	"slipway/gateway/webdav/fault"
)

// What views and files of a desk's tree may do beside afero's; see operate.Desk.FS.
type (
	// admitter is asked before the bytes of a file are read. size is -1 if unknown.
	admitter interface {
		Admit(path string, size int64) error
	}
	// transferErrorer is a File whose Close, after TransferError, throws away what
	// was written.
	transferErrorer interface{ TransferError(err error) }
	modTimer        interface{ SetModTime(t time.Time) }
	// storer tells, after Close, as which entry and under what name it was stored.
	storer interface {
		Stored() (entry int64, name string)
	}
)

// arrival is one file that comes through the page.
type arrival struct {
	path     string
	size     int64 // bytes; -1: not known
	modified time.Time
	same     string // what is to happen where the name is taken: "replace", "both" or "skip"
	body     io.Reader
}

// stored is what became of it.
type stored struct {
	Path    string `json:"path"`
	Entry   int64  `json:"entry,omitempty"`
	Skipped bool   `json:"skipped,omitempty"`
}

// put answers POST /put/…: the body is the file. The name, the room and the type are
// looked at before the first byte is read.
func (q *request) put() error {
	if err := q.proven(q.r.Header.Get("X-CSRF-Token")); err != nil {
		return err
	}
	if q.r.ContentLength < 0 {
		return &problem{http.StatusLengthRequired, "say how long the file is"}
	}
	if strings.HasSuffix(q.r.URL.Path, "/") {
		return wrong("a file has a name that ends in no slash")
	}
	a := arrival{path: q.path(), size: q.r.ContentLength, same: q.r.Header.Get("X-Same-Name"), body: &body{source: q.r.Body, w: q.w}}
	if ms, err := strconv.ParseInt(q.r.Header.Get("X-Modified"), 10, 64); err == nil && ms > 0 && ms < 1<<48 {
		a.modified = time.UnixMilli(ms)
	}
	s, err := q.store(q.desk.FS(q.ctx, q.from), a)
	if err != nil {
		return err
	}
	q.w.Header().Set("Content-Type", "application/json")
	q.w.WriteHeader(http.StatusCreated)
	return q.json(s)
}

// store stages a file and commits it, with the folders on the way to it.
func (q *request) store(tree afero.Fs, a arrival) (s stored, err error) {
	if q.me.Rights == "read" {
		return s, forbidden("your account can look at files and add none")
	}
	if s.Path, err = free(tree, a.path, a.same); err != nil || s.Path == "" {
		return stored{Path: a.path, Skipped: err == nil}, err
	}
	limit, _ := tree.(admitter)
	if limit != nil {
		if err := limit.Admit(s.Path, a.size); err != nil && fault.Of(err) != fault.NotExist {
			return s, err
		}
	}
	if err := folders(tree, path.Dir(s.Path)); err != nil {
		return s, err
	}
	f, err := tree.OpenFile(s.Path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o666)
	if err != nil {
		return s, err
	}
	if m, ok := f.(modTimer); ok && !a.modified.IsZero() {
		m.SetModTime(a.modified)
	}
	if a.size < 0 && limit != nil {
		a.body = &admitted{source: a.body, tree: limit, path: s.Path, next: admitStep}
	}
	if err := receive(f, a); err != nil {
		return s, err
	}
	if t, ok := f.(storer); ok {
		var name string
		if s.Entry, name = t.Stored(); name != "" {
			s.Path = path.Join(path.Dir(s.Path), path.Base(name))
		}
	}
	return s, nil
}

// receive writes the body and commits the file, or throws it away.
func receive(f afero.File, a arrival) (err error) {
	open := true
	defer func() {
		if !open {
			return
		}
		if t, ok := f.(transferErrorer); ok {
			t.TransferError(cmp.Or(err, errors.New("page: the upload was given up")))
		}
		f.Close() //nolint:errcheck // it can only say that it was aborted
	}()
	if _, ok := f.(transferErrorer); !ok {
		return errors.New("page: this tree keeps what was cut off")
	}
	n, err := io.Copy(f, a.body)
	var cut *cutError
	switch {
	case errors.As(err, &cut):
		return &problem{http.StatusBadRequest, fmt.Sprintf("the connection broke off after %s; nothing was stored, try again", size(n))}
	case err != nil:
		return err
	case a.size >= 0 && n != a.size:
		return wrong(fmt.Sprintf("%d bytes were announced and %d came; nothing was stored", a.size, n))
	}
	open = false
	return f.Close()
}

// folders makes a folder and those above it, where they are missing.
func folders(tree afero.Fs, dir string) error {
	if info, err := tree.Stat(dir); err == nil {
		if !info.IsDir() {
			return &problem{http.StatusConflict, "a file stands where a folder is needed: " + visible(dir)}
		}
		return nil
	}
	return tree.MkdirAll(dir, 0o777)
}

// freeTries is how many numbers are tried for a name that is taken.
const freeTries = 1000

// free returns where a file is to be put: at p, or, where something is there and
// both are to be kept, under the next number; "" where it is to be skipped.
func free(tree afero.Fs, p, same string) (string, error) {
	if same != "both" && same != "skip" {
		return p, nil
	}
	ext := path.Ext(p)
	stem := strings.TrimSuffix(p, ext)
	if stem == "" || strings.HasSuffix(stem, "/") { // a name that is all extension
		stem, ext = p, ""
	}
	for i, at := 1, p; i < freeTries; i++ {
		_, err := tree.Stat(at)
		switch {
		case errors.Is(err, fs.ErrNotExist) || fault.Of(err) == fault.NotDir:
			return at, nil
		case err != nil:
			return "", err
		case same == "skip":
			return "", nil
		}
		at = fmt.Sprintf("%s (%d)%s", stem, i, ext)
	}
	return "", &problem{http.StatusConflict, "too many files have this name; choose another"}
}

// cutError is why a body did not come whole.
type cutError struct{ err error }

func (e *cutError) Error() string { return e.err.Error() }
func (e *cutError) Unwrap() error { return e.err }

// body is a request's body, whose deadline moves while bytes come.
type body struct {
	source io.Reader
	w      http.ResponseWriter
	last   time.Time
}

// Read reads on.
func (b *body) Read(p []byte) (int, error) {
	if now := time.Now(); now.Sub(b.last) > bodyIdle/8 {
		b.last = now
		http.NewResponseController(b.w).SetReadDeadline(now.Add(bodyIdle)) //nolint:errcheck // where there are none, there are none
	}
	n, err := b.source.Read(p)
	if err != nil {
		http.NewResponseController(b.w).SetReadDeadline(time.Time{}) //nolint:errcheck // as above; work after the last byte takes what it takes
	}
	if err != nil && err != io.EOF {
		err = &cutError{err}
	}
	return n, err
}

// admitStep is after how many bytes of a file of unknown length it is asked again
// whether that many may come; it doubles.
const admitStep = 1 << 20

// admitted is a body of unknown length that ends where it becomes too large.
type admitted struct {
	source io.Reader
	tree   admitter
	path   string
	count  int64
	next   int64
}

// Read reads on.
func (a *admitted) Read(p []byte) (int, error) {
	n, err := a.source.Read(p)
	a.count += int64(n)
	if end := err == io.EOF; err == nil && a.count >= a.next || end {
		a.next *= 2
		refused := a.tree.Admit(a.path, a.count)
		if kind := fault.Of(refused); kind == fault.TooLarge || kind == fault.NoSpace { // of the rest it was asked before
			return n, refused
		}
	}
	return n, err
}
