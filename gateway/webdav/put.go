package webdav

import (
	"errors"
	"io/fs"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/afero"

	"slipway/gateway/webdav/fault"
	"slipway/gateway/webdav/lock"
)

// put stores a file (RFC 4918 §9.7). Everything that can be refused is refused
// before the first byte is read, so that a client that waits for 100 Continue
// sends none.
func (q *request) put() (err error) {
	if err := q.putable(); err != nil {
		return err
	}
	current, s, err := q.open()
	if err != nil {
		return err
	}
	defer func() { s.abort(err) }() // after a panic, too; not after commit
	if q.path == "/" || strings.HasSuffix(q.r.URL.Path, "/") || current != nil && current.IsDir() {
		return fail(http.StatusMethodNotAllowed, "this is a folder; a file cannot take its place")
	}
	t := target{q.path, lock.Binding}
	if current != nil {
		t.scope = lock.Content
	}
	if err := errors.Join(q.guard(t), q.preconditions(current)); err != nil {
		return err
	}
	if a, ok := q.fs.(admitter); ok {
		if err := a.Admit(q.path, q.size()); err != nil {
			return parentMissing(err)
		}
	}
	etag, err := q.receive(t, s, q.etag(current))
	if err != nil {
		return parentMissing(err)
	}
	if etag != "" {
		q.w.Header().Set("ETag", etag)
	}
	q.created(current == nil)
	return nil
}

// putable refuses what is no whole file: a fragment, whose storing would replace
// the file by it (RFC 9110 §14.5), and bytes in a coding that we would not undo.
func (q *request) putable() error {
	if q.r.Header.Get("Content-Range") != "" {
		return fail(http.StatusBadRequest, "parts of files are not taken; send it whole")
	}
	if c := q.r.Header.Get("Content-Encoding"); c != "" && !strings.EqualFold(c, "identity") {
		return fail(http.StatusUnsupportedMediaType, "send the file without Content-Encoding")
	}
	return nil
}

// open looks up what stands at the path, and opens the file where that can be done
// at the same time. Why it could not be is asked last, by receive.
func (q *request) open() (current fs.FileInfo, s *staged, err error) {
	if r, ok := q.fs.(replacer); ok {
		current, f, err := r.Replace(q.path)
		if !errors.Is(err, errors.ErrUnsupported) {
			if err != nil && current == nil && !absent(err) {
				return nil, nil, err
			}
			return current, &staged{File: f, refusal: err}, nil
		}
	}
	current, err = q.lookup(q.path)
	return current, &staged{}, err
}

// receive stages the body and commits it, in place of what has the tag before. It
// returns the entity tag of what it stored.
func (q *request) receive(t target, s *staged, before string) (etag string, err error) {
	if s.refusal == nil && s.File == nil {
		s.File, s.refusal = q.fs.OpenFile(q.path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o666)
	}
	if s.refusal != nil {
		return "", s.refusal
	}
	s.setModTime(q)
	if err := q.stage(s); err != nil {
		return "", err
	}
	defer q.gates.Enter(q.key(q.path))()
	if err := q.stillAllowed(t, before); err != nil {
		return "", err
	}
	info, err := s.Stat()
	if err != nil {
		return "", err
	}
	if err := s.commit(); err != nil {
		return "", err
	}
	return q.storedTag(info), nil
}

// stage copies the body, and fails unless it came whole. The checksums that it was
// compared with are kept.
func (q *request) stage(s *staged) error {
	b := q.body()
	if e, ok := s.File.(expecter); ok {
		e.Expect(q.r.ContentLength)
	}
	err := q.copyTo(s.File, b, q.r.ContentLength)
	if b.ended {
		b.deadline.clear()
	}
	if err != nil && b.err == nil {
		return err
	}
	if err := b.whole(); err != nil {
		return err
	}
	if c, ok := s.File.(checksummer); ok {
		if sums := b.sums.Sums(); len(sums) > 0 {
			c.SetChecksums(sums)
		}
	}
	return nil
}

// stillAllowed asks once more what may have changed while the body came. A lock that
// ended during its owner's long upload spoils nothing, unless somebody else has
// changed the file since.
func (q *request) stillAllowed(t target, before string) error {
	header, err := q.ifHeader()
	if err != nil {
		return err
	}
	if err := q.guard(t); err != nil || header == nil && !q.conditional() {
		return err
	}
	current, err := q.lookup(q.path)
	if err != nil {
		return err
	}
	tokens := header.Tokens()
	ended := len(tokens) > 0 && !slices.ContainsFunc(tokens, func(token string) bool { return q.holds(token, q.path) })
	if ended && q.etag(current) != before {
		return fail(http.StatusPreconditionFailed, "your lock ended, and somebody has changed the file since")
	}
	return q.preconditions(current)
}

// storedTag returns the entity tag of what was committed: the staged file's own
// word if it knows, else what the tree says now.
func (q *request) storedTag(staged fs.FileInfo) string {
	if _, ok := staged.(etager); ok {
		return q.etag(staged)
	}
	info, err := q.lookup(q.path)
	if err != nil {
		return ""
	}
	return q.etag(info)
}

// created answers 201 or 204.
func (q *request) created(isNew bool) {
	if isNew {
		q.w.WriteHeader(http.StatusCreated)
		return
	}
	q.w.WriteHeader(http.StatusNoContent)
}

// parentMissing turns "not found" about something to be made into 409: its
// parent is what was not found (RFC 4918 §9.7.1, §9.3.1, §9.8.5).
func parentMissing(err error) error {
	if fault.Of(err) == fault.NotExist {
		return fail(http.StatusConflict, "the folder it should be in does not exist")
	}
	return err
}

// staged is a file that is being written: one commit or one abort ends it.
type staged struct {
	afero.File
	refusal error // why it was not opened
	ended   bool
}

// setModTime gives the file the time of X-OC-Mtime (ownCloud: seconds since 1970).
func (s *staged) setModTime(q *request) {
	seconds, err := strconv.ParseFloat(q.r.Header.Get("X-OC-Mtime"), 64)
	m, ok := s.File.(modTimer)
	if inRange := seconds >= 0 && seconds <= 1<<40; err != nil || !ok || !inRange { // NaN is not
		return
	}
	m.SetModTime(time.UnixMicro(int64(seconds * 1e6)))
	q.w.Header().Set("X-OC-Mtime", "accepted")
}

func (s *staged) commit() error {
	s.ended = true
	return s.Close()
}

// abort throws the file away unless it was not opened or was committed.
func (s *staged) abort(err error) {
	if s.ended || s.refusal != nil || s.File == nil {
		return
	}
	s.ended = true
	if err == nil {
		err = errors.New("webdav: the upload was given up")
	}
	if t, ok := s.File.(transferErrorer); ok {
		t.TransferError(err)
	}
	s.Close() //nolint:errcheck // it can only say that it was aborted
}
