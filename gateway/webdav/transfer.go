package webdav

import (
	"errors"
	"io/fs"
	"net/http"
	"net/url"
	"strings"

	"slipway/gateway/webdav/fault"
	"slipway/gateway/webdav/lock"
)

// move gives a file or a tree another path (RFC 4918 §9.9), in one call of the
// tree, which makes it one transaction there.
func (q *request) move() error {
	m, ok := q.fs.(mover)
	if !ok {
		return fail(http.StatusMethodNotAllowed, "nothing can be moved here")
	}
	t, err := q.transfer()
	if err != nil {
		return err
	}
	if t.depth != "infinity" && t.source.IsDir() {
		return fail(http.StatusBadRequest, "a folder can only be moved with Depth: infinity")
	}
	return q.carry(t, []target{{q.path, lock.Tree}, {t.to, lock.Tree}}, func() (bool, error) {
		replaced, err := m.Move(q.path, t.to, t.overwrite)
		if err == nil {
			q.moved(t.to)
		}
		return replaced, err
	})
}

// moved ends the locks of what stood at the request's path: locks do not move
// (RFC 4918 §7.6).
func (q *request) moved(to string) {
	if q.ended(q.locks.Drop, q.path) {
		ctx, cancel := q.storing()
		defer cancel()
		q.locks.Unlocked(ctx, q.key(to))
	}
}

// copy makes another file or tree of the same bytes (RFC 4918 §9.8).
func (q *request) copy() error {
	c, ok := q.fs.(copier)
	if !ok {
		return fail(http.StatusMethodNotAllowed, "nothing can be copied here")
	}
	t, err := q.transfer()
	if err != nil {
		return err
	}
	return q.carry(t, []target{{t.to, lock.Tree}}, func() (bool, error) {
		return c.Copy(q.path, t.to, t.overwrite, t.depth == "infinity")
	})
}

// transfer is what MOVE and COPY have in common.
type transfer struct {
	to        string
	overwrite bool
	depth     string // "0" or "infinity"
	source    fs.FileInfo
}

// transfer reads the request, and refuses what no state of the tree allows.
func (q *request) transfer() (t transfer, err error) {
	if t.to, err = q.destination(); err != nil {
		return t, err
	}
	if t.overwrite, err = overwrite(q.r.Header.Get("Overwrite")); err != nil {
		return t, err
	}
	switch t.depth = q.depth(); t.depth {
	case "":
		t.depth = "infinity"
	case "0", "infinity":
	default:
		return t, fail(http.StatusBadRequest, "Depth must be 0 or infinity")
	}
	from, to := q.key(q.path), q.key(t.to)
	// A MOVE to its own name in another normal form changes how the name is written.
	if t.to == q.path || from == to && q.r.Method == "COPY" || inside(from, to) {
		return t, fail(http.StatusForbidden, "a folder cannot go into itself, nor a file onto itself")
	}
	if inside(to, from) {
		return t, fail(http.StatusForbidden, "it cannot take the place of the folder it is in")
	}
	t.source, err = q.existing()
	return t, err
}

// carry runs do when guards and preconditions allow it, and answers.
func (q *request) carry(t transfer, targets []target, do func() (replaced bool, err error)) error {
	defer q.gates.Enter(q.key(q.path), q.key(t.to))()
	if err := errors.Join(q.guard(targets...), q.currently()); err != nil {
		return err
	}
	replaced, err := do()
	if fault.Of(err) == fault.Exist {
		return fail(http.StatusPreconditionFailed, "something is at the destination already")
	}
	if err != nil {
		return parentMissing(err)
	}
	if replaced { // the lock on the destination itself stays (RFC 4918 §7.6)
		q.ended(q.locks.DropBelow, t.to)
	}
	q.created(!replaced)
	return nil
}

// existing returns what stands at the request's path; nothing there is 404.
func (q *request) existing() (fs.FileInfo, error) {
	info, err := q.lookup(q.path)
	if err == nil && info == nil {
		err = fs.ErrNotExist
	}
	return info, err
}

// currently evaluates the preconditions on what stands at the request's path now.
func (q *request) currently() error {
	if !q.conditional() {
		return nil
	}
	info, err := q.lookup(q.path)
	if err != nil {
		return err
	}
	return q.preconditions(info)
}

// destination reads the Destination header (RFC 4918 §10.3). Only its path
// counts: behind a proxy its scheme, host and port are not what we see, and
// Dolphin sends webdav://.
func (q *request) destination() (string, error) {
	raw := q.r.Header.Get("Destination")
	u, err := url.Parse(raw)
	if raw == "" || err != nil {
		return "", fail(http.StatusBadRequest, "the Destination header is missing or malformed")
	}
	name, ok := q.within(u.Path)
	if !ok {
		// Not 502 (RFC 4918 §9.8.5), which Finder takes for a missing file.
		return "", fail(http.StatusForbidden, "the destination is not in the folder that is served here")
	}
	if !validPath(name) {
		return "", fail(http.StatusBadRequest, "the name must be UTF-8 without control characters")
	}
	return name, nil
}

// overwrite reads the Overwrite header; none is T (RFC 4918 §10.6).
func overwrite(s string) (bool, error) {
	switch strings.TrimSpace(s) {
	case "", "T", "t":
		return true, nil
	case "F", "f":
		return false, nil
	}
	return false, fail(http.StatusBadRequest, "Overwrite must be T or F")
}

// inside reports whether p lies below dir.
func inside(dir, p string) bool {
	return dir == "/" && p != "/" || strings.HasPrefix(p, dir+"/")
}
