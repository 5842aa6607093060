package api

import (
	"errors"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path"
	"strings"

	"github.com/spf13/afero"

	"slipway/gateway/operate"
)

// put answers PUT /files/PATH: stores the body there, making the folders that are
// missing. A body that is cut changes nothing.
func (q *request) put() (err error) {
	p, err := q.path()
	if err != nil {
		return err
	}
	params, err := q.query("wait", "modified")
	if err != nil {
		return err
	}
	wait, err := params.wait()
	if err != nil {
		return err
	}
	modified, err := params.time("modified")
	if err != nil {
		return err
	}
	if err := q.puttable(p); err != nil {
		return err
	}
	f, err := q.create(p, q.r.ContentLength, os.O_RDWR|os.O_CREATE|os.O_TRUNC)
	if err != nil {
		return err
	}
	s := &staged{File: f, admit: q.admit(p, q.r.ContentLength)}
	defer func() { s.abort(err) }()
	if m, ok := f.(modTimer); ok && !modified.IsZero() {
		m.SetModTime(modified)
	}
	body := q.incoming()
	if err := s.fill(body); err != nil {
		return errors.Join(body.cut(err), err)
	}
	e, tag, replaced, err := q.replace(s, p)
	if err != nil {
		return err
	}
	if tag != "" {
		q.w.Header().Set("ETag", tag)
	}
	q.w.Header().Set("Location", Prefix+"files"+escaped(e.Path))
	status := http.StatusCreated
	if replaced {
		status = http.StatusOK
	}
	if e.Uploads, err = q.follow(e.ID, wait); err != nil {
		return err
	}
	if wait > 0 && picked(e.Uploads) == nil && onItsWay(e.Uploads) {
		status = http.StatusAccepted
	}
	return q.reply(status, e)
}

// replace commits s at p where the request's conditions still hold of what stands
// there by then, and reports whether something did. Nobody changes it in between.
func (q *request) replace(s *staged, p string) (e operate.Entry, tag string, replaced bool, err error) {
	defer q.alone(p)()
	now, err := q.standsAt(p)
	if err == nil {
		err = q.preconditions(now)
	}
	if err != nil {
		return e, "", false, err
	}
	e, tag, err = q.store(s, p)
	return e, tag, now != nil, err
}

// rooted is a tree that is a part of one that others see too: Root is where in that
// one its own root lies.
type rooted interface{ Root() string }

// alone keeps others from changing what is at p until leave.
func (q *request) alone(p string) (leave func()) {
	root := "/"
	if r, ok := q.fs.(rooted); ok && r.Root() != "" {
		root = r.Root()
	}
	return q.Alone(path.Join(root, p))
}

// standsAt describes what stands at p; nil: nothing.
func (q *request) standsAt(p string) (fs.FileInfo, error) {
	info, err := q.fs.Stat(p)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return info, err
}

// puttable refuses what can be refused before the first byte.
func (q *request) puttable(p string) error {
	switch coding := q.r.Header.Get("Content-Encoding"); {
	case p == "/" || strings.HasSuffix(q.r.URL.Path, "/"):
		return wrong("name the file, as in " + Prefix + "files/album/photo.jpg")
	case q.r.Header.Get("Content-Range") != "":
		return wrong("parts of files are not taken; send it whole")
	case coding != "" && !strings.EqualFold(coding, "identity"):
		return problem{Status: http.StatusUnsupportedMediaType, Detail: "send the file without Content-Encoding"}
	}
	info, err := q.standsAt(p)
	if err != nil {
		return err
	}
	if info != nil && info.IsDir() {
		return conflict("this is a folder; a file cannot take its place")
	}
	return q.preconditions(info)
}

// create opens a file for writing, making the folders that are missing.
func (q *request) create(p string, size int64, flag int) (afero.File, error) {
	if a, ok := q.fs.(admitter); ok {
		// A folder that is missing is made below.
		if err := a.Admit(p, size); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	f, err := q.fs.OpenFile(p, flag, 0o666)
	if errors.Is(err, fs.ErrNotExist) {
		if err := q.fs.MkdirAll(path.Dir(p), 0o777); err != nil {
			return nil, err
		}
		f, err = q.fs.OpenFile(p, flag, 0o666)
	}
	if err != nil {
		return nil, err
	}
	if e, ok := f.(expecter); ok {
		e.Expect(size)
	}
	return f, nil
}

// admit returns who is asked while a file of that size, -1 if it is not known, comes
// to p; nil: nobody has to be.
func (q *request) admit(p string, size int64) func(size int64) error {
	a, ok := q.fs.(admitter)
	if !ok || size >= 0 {
		return nil
	}
	return func(size int64) error { return a.Admit(p, size) }
}

// store commits s, which was opened at p, and returns what it is now.
func (q *request) store(s *staged, p string) (e operate.Entry, tag string, err error) {
	info, err := s.Stat()
	if err != nil {
		return e, "", err
	}
	if err := s.commit(); err != nil {
		return e, "", err
	}
	e = operate.Entry{Path: p, Size: info.Size(), Modified: info.ModTime(), SHA256: sumOf(info)}
	if t, ok := info.(contentTyper); ok {
		e.Type, _ = t.ContentType(q.ctx) //nolint:errcheck // then it is not told
	}
	if st, ok := s.File.(storer); ok {
		var called string
		if e.ID, called = st.Stored(); called != "" {
			e.Path = path.Join(path.Dir(p), called)
		}
	}
	return e, q.etag(info), nil
}

// checksummed is a FileInfo that knows checksums of its file's bytes, each as
// "SHA256:" and the sum in lower-case hexadecimal.
type checksummed interface{ Checksums() []string }

// sumOf returns the SHA-256 of a file's bytes in hexadecimal; "" where it is not
// known.
func sumOf(info fs.FileInfo) string {
	if c, ok := info.(checksummed); ok {
		for _, sum := range c.Checksums() {
			if hex, ok := strings.CutPrefix(sum, "SHA256:"); ok {
				return hex
			}
		}
	}
	return ""
}

// preconditions evaluates If-Match and If-None-Match (RFC 9110 §13.1) on what
// stands there; nil: nothing.
func (q *request) preconditions(info fs.FileInfo) error {
	tag := q.etag(info)
	if want := q.r.Header.Get("If-Match"); want != "" && (info == nil || !matches(want, tag)) {
		return problem{Status: http.StatusPreconditionFailed, Detail: "the file is not what it was; nothing was changed"}
	}
	if not := q.r.Header.Get("If-None-Match"); not != "" && info != nil && matches(not, tag) {
		return problem{Status: http.StatusPreconditionFailed, Detail: "the file is there already; nothing was changed"}
	}
	return nil
}

// matches reports whether a list of entity tags has tag in it, or is "*".
func matches(list, tag string) bool {
	for one := range strings.SplitSeq(list, ",") {
		if one = strings.TrimSpace(one); one == "*" || one == tag && tag != "" {
			return true
		}
	}
	return false
}

// escaped returns a path as it stands in an address.
func escaped(p string) string { return (&url.URL{Path: p}).EscapedPath() }
