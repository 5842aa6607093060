package web

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"path"
	"strings"

	"github.com/spf13/afero"

	"slipway/gateway/webdav/fault"
)

// dropPage is a folder that files can be dropped onto.
type dropPage struct {
	Path, Name string
	Crumbs     []crumb
	Folders    []item
	Mine       []item // what a user put lately who sees nothing else
	Guest      bool
	Reader     bool // may add nothing
	Refused    string
}

// guestShown is how many names the page of a user who may only drop files shows.
const guestShown = 500

// drop answers GET /drop/….
func (q *request) drop() error {
	p := q.path()
	page := dropPage{Path: p, Name: title(p), Crumbs: crumbs(p), Guest: q.me.Rights == "drop", Reader: q.me.Rights == "read"}
	if page.Guest {
		items, _, err := q.items(p, "", guestShown)
		if err != nil {
			return err
		}
		for _, i := range items {
			if i.Dir {
				page.Folders = append(page.Folders, i)
			} else {
				page.Mine = append(page.Mine, i)
			}
		}
		return q.show(http.StatusOK, "drop", "Drop", page)
	}
	list, err := q.desk.Files(q.ctx, p, "", 1000)
	if err != nil {
		return err
	}
	for _, e := range list.Entries {
		if e.Dir {
			page.Folders = append(page.Folders, item{Name: path.Base(e.Path), Path: e.Path, Dir: true})
		}
	}
	if !list.Writable && !page.Reader {
		page.Refused = "Files dropped here are not taken"
		if x, err := q.desk.Explain(q.ctx, path.Join(p, "photo.jpg")); err == nil && x.Refused != "" {
			page.Refused = x.Refused
		}
	}
	return q.show(http.StatusOK, "drop", "Drop", page)
}

// asked is a file that a page is about to send.
type asked struct {
	Path string `json:"path"`
	Size int64  `json:"size"`
}

// reply says why a file would not be taken, and whether its name is.
type reply struct {
	Refused string `json:"refused,omitempty"`
	There   bool   `json:"there,omitempty"`
}

// ask answers POST /ask: for each file of a JSON list, in its order, what a page
// needs to know before it sends any bytes.
func (q *request) ask() error {
	if err := q.proven(q.r.Header.Get("X-CSRF-Token")); err != nil {
		return err
	}
	var files []asked
	if err := json.NewDecoder(http.MaxBytesReader(q.w, q.r.Body, formMax)).Decode(&files); err != nil || len(files) > actMost {
		return wrong("ask for at most 1,000 files at a time")
	}
	tree := q.desk.FS(q.ctx, q.from)
	replies := make([]reply, len(files))
	for i, f := range files {
		replies[i] = q.judge(tree, path.Clean("/"+f.Path), f.Size)
	}
	return q.json(replies)
}

// judge says what would become of one file.
func (q *request) judge(tree afero.Fs, p string, size int64) (r reply) {
	if q.me.Rights == "read" {
		return reply{Refused: "Your account can look at files and add none."}
	}
	if !text(p) {
		return reply{Refused: "This is no name that a file can have here."}
	}
	info, err := tree.Stat(p)
	r.There = err == nil
	if r.There && info.IsDir() {
		return reply{Refused: "A folder has this name."}
	}
	if a, ok := tree.(admitter); ok {
		if err := a.Admit(p, size); err != nil && fault.Of(err) != fault.NotExist {
			r.Refused = sentence(problemOf(err).text)
		}
	}
	return r
}

// dropForm answers POST /drop/…: a form with files, from a browser without scripts.
// The token comes first in it.
func (q *request) dropForm() error {
	q.r.Body = struct {
		io.Reader
		io.Closer
	}{&body{source: q.r.Body, w: q.w}, q.r.Body}
	reader, err := q.r.MultipartReader()
	if err != nil {
		return wrong("this form brings no files")
	}
	page := droppedPage{Path: q.path(), Back: dropLink(q.path())}
	tree, same, proven := q.desk.FS(q.ctx, q.from), "both", false
	for {
		part, err := reader.NextRawPart()
		if err == io.EOF {
			break
		}
		if err != nil {
			return &problem{http.StatusBadRequest, "the connection broke off; what is not listed under " + page.Path + " was not stored"}
		}
		switch name := part.FormName(); {
		case name == "csrf":
			if err := q.proven(field(part)); err != nil {
				return err
			}
			proven = true
		case name == "same":
			same = field(part)
		case name == "file" && !proven:
			return q.proven("")
		case name == "file" && part.FileName() != "":
			if err := q.dropPart(tree, part, same, &page); err != nil {
				return err
			}
		}
	}
	if len(page.Stored)+len(page.Refused)+page.Skipped == 0 {
		return wrong("choose a file first")
	}
	code := http.StatusOK
	if len(page.Stored)+page.Skipped == 0 {
		code = page.code
	}
	return q.show(code, "dropped", "Dropped", page)
}

// droppedPage is what became of a form's files.
type droppedPage struct {
	Path, Back string
	Stored     []stored
	Refused    []refusedFile
	Skipped    int
	code       int // of the first refusal
}

type refusedFile struct{ Name, Why string }

// dropPart stores one file of a form. An error ends the form: what follows cannot be
// read any more.
func (q *request) dropPart(tree afero.Fs, part *multipart.Part, same string, page *droppedPage) error {
	// part.FileName is without its path, which some browsers send.
	name := strings.ReplaceAll(part.FileName(), "\\", "_")
	source := &partBody{source: part}
	if !text(name) {
		page.code = cmp.Or(page.code, http.StatusBadRequest)
		page.Refused = append(page.Refused, refusedFile{name, "This is no name that a file can have here."})
		return nil
	}
	s, err := q.store(tree, arrival{path: path.Join(page.Path, name), size: -1, same: same, body: source})
	var cut *cutError
	switch {
	case source.cut != nil || errors.As(err, &cut):
		return &problem{http.StatusBadRequest, fmt.Sprintf("the connection broke off within %s; it was not stored", visible(name))}
	case err != nil:
		p := problemOf(err)
		if p.code == http.StatusInternalServerError {
			q.Log.Error("page: a file could not be stored", "error", err)
		}
		page.code = cmp.Or(page.code, p.code)
		page.Refused = append(page.Refused, refusedFile{name, sentence(p.text)})
	case s.Skipped:
		page.Skipped++
	default:
		page.Stored = append(page.Stored, s)
	}
	return nil
}

// partBody is a part of a form, which remembers that it was cut.
type partBody struct {
	source io.Reader
	cut    error
}

// Read reads on.
func (b *partBody) Read(p []byte) (int, error) {
	n, err := b.source.Read(p)
	if err != nil && err != io.EOF {
		b.cut = err
		err = &cutError{err}
	}
	return n, err
}

// field reads a small field.
func field(part io.Reader) string {
	text, _ := io.ReadAll(io.LimitReader(part, 1000)) //nolint:errcheck // what is missing is missing
	return string(text)
}
