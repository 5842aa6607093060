package api

import (
	"bufio"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"slipway/gateway/operate"
)

const (
	maxName = 255 // bytes of a file's name
	// numbered is how many numbers are tried before a name gets random letters.
	numbered = 20
	// sniffed is how many of a file's first bytes tell its type.
	sniffed = 512
)

// reservations are the places that files under way will take, so that no two take
// the same.
type reservations struct {
	mu    sync.Mutex
	names map[string]bool
}

func (r *reservations) take(name string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.names[name] {
		return false
	}
	r.names[name] = true
	return true
}

func (r *reservations) give(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.names, name)
}

// arrival is a file on its way to a place that nobody named: a free name in the
// session's folder.
type arrival struct {
	*staged
	q    *request
	path string
	key  string // of the reservation
	// twins are the files that have the name that it would have had.
	twins []twin
}

type twin struct{ path, sum string }

// errNoFolder is said where nobody knows where a file is to go.
var errNoFolder = problem{Status: http.StatusForbidden, Detail: "no folder takes files of this account; " +
	`whoever runs the gateway can add a [[route]], or name a folder with folder = "/inbox" below [api]`}

// receive stages r as a file called name, or by its type where name is "". It is to
// be committed or aborted.
func (q *request) receive(name string, r io.Reader) (a *arrival, err error) {
	folder := q.Folder()
	if folder == "" {
		return nil, errNoFolder
	}
	head := bufio.NewReaderSize(r, sniffed)
	if name = fileName(name); name == "" {
		first, _ := head.Peek(sniffed) //nolint:errcheck // what is short is told by what it is
		name = "picture-" + letters() + extension(http.DetectContentType(first))
	}
	if a, err = q.place(folder, name); err != nil {
		return nil, err
	}
	if err := a.fill(head); err != nil {
		a.abort(err)
		return nil, err
	}
	return a, nil
}

// place opens a free name in a folder, like the one that is wanted.
func (q *request) place(folder, name string) (*arrival, error) {
	a := &arrival{q: q}
	for n := range numbered + 3 {
		p := path.Join(folder, variant(name, n))
		info, err := q.fs.Stat(p)
		if err == nil {
			a.twins = append(a.twins, twin{p, sumOf(info)})
			continue
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		a.key = q.me.Name + "\x00" + strings.ToLower(p)
		if !q.held.take(a.key) {
			continue
		}
		f, err := q.create(p, -1, os.O_RDWR|os.O_CREATE|os.O_EXCL)
		if err == nil {
			a.staged, a.path = &staged{File: f, admit: q.admit(p, -1)}, p
			return a, nil
		}
		q.held.give(a.key)
		if !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
	}
	return nil, conflict("no name like " + name + " is free")
}

// variant returns the n-th name to try.
func variant(name string, n int) string {
	if n == 0 {
		return name
	}
	ext := path.Ext(name)
	tail := fmt.Sprintf(" (%d)", n) + ext
	if n > numbered {
		tail = "-" + letters() + ext
	}
	return cut(strings.TrimSuffix(name, ext), maxName-len(tail)) + tail
}

// letters returns eight random letters and digits.
func letters() string { return strings.ToLower(rand.Text()[:8]) }

func (a *arrival) abort(err error) {
	if a == nil || a.ended {
		return
	}
	a.staged.abort(err)
	a.q.held.give(a.key)
}

// commit stores the file, unless one of the wanted name has the same bytes: then it
// is that one, and what had failed of it is tried again.
func (a *arrival) commit() (operate.Entry, error) {
	if a.ended {
		return operate.Entry{}, errors.New("api: a file was committed twice")
	}
	if e, ok := a.same(); ok {
		a.abort(nil)
		return e, nil
	}
	defer a.q.held.give(a.key)
	e, _, err := a.q.store(a.staged, a.path)
	return e, err
}

// same finds the file that has the bytes already.
func (a *arrival) same() (operate.Entry, bool) {
	info, err := a.Stat()
	if err != nil {
		return operate.Entry{}, false
	}
	sum := sumOf(info)
	for _, t := range a.twins {
		if sum == "" || t.sum != sum {
			continue
		}
		x, err := a.q.Desk.Explain(a.q.ctx, t.path)
		if err != nil || x.Entry == nil || x.Entry.SHA256 != sum {
			continue
		}
		a.q.again(x.Entry.ID)
		return *x.Entry, true
	}
	return operate.Entry{}, false
}

// again retries the uploads of an entry that have failed.
func (q *request) again(entry int64) {
	uploads, err := q.follow(entry, 0)
	var ids []int64
	for _, u := range uploads {
		if u.State == "failed" {
			ids = append(ids, u.ID)
		}
	}
	if err == nil && len(ids) > 0 {
		q.Desk.Act(q.ctx, operate.Retry, ids) //nolint:errcheck // the answer shows how they stand
	}
}

// fileName returns the last element of what a client calls its file, as a name that
// is sent on: "" where nothing is left of it.
func fileName(name string) string {
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	name = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == utf8.RuneError {
			return -1
		}
		return r
	}, name)
	name = strings.TrimLeft(strings.TrimSpace(name), ". ") // hidden files are not sent on
	ext := path.Ext(name)
	if len(ext) > 16 {
		ext = ""
	}
	return cut(strings.TrimSuffix(name, ext), maxName-len(ext)) + ext
}

// cut returns as much of s as fits into n bytes of whole characters.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// extension returns the extension of a media type.
func extension(kind string) string {
	switch kind, _, _ := strings.Cut(kind, ";"); kind {
	case "image/png":
		return ".png"
	case "image/gif":
		return ".gif"
	case "image/webp":
		return ".webp"
	case "image/bmp":
		return ".bmp"
	case "video/mp4":
		return ".mp4"
	case "video/webm":
		return ".webm"
	case "image/jpeg":
		return ".jpg"
	}
	return ".bin"
}
