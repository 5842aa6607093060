package webdav

import (
	"errors"
	"io"
	"net/http"

	"slipway/gateway/webdav/fault"
	"slipway/gateway/webdav/lock"
)

// remove deletes a file or a tree (RFC 4918 §9.6).
func (q *request) remove() error {
	if q.path == "/" {
		return fail(http.StatusForbidden, "the root cannot be deleted")
	}
	defer q.gates.Enter(q.key(q.path))()
	current, err := q.lookup(q.path)
	if err != nil {
		return err
	}
	if d := q.depth(); current != nil && current.IsDir() && d != "" && d != "infinity" {
		return fail(http.StatusBadRequest, "a folder can only be deleted with Depth: infinity")
	}
	if err := errors.Join(q.guard(target{q.path, lock.Tree}), q.preconditions(current)); err != nil {
		return err
	}
	if current == nil {
		// What went together with another file is removed without a word: clients
		// empty a folder by the listing that they have.
		err = q.fs.Remove(q.path)
	} else if err = q.fs.RemoveAll(q.path); err == nil {
		q.ended(q.locks.Drop, q.path)
	}
	if err != nil {
		return err
	}
	q.w.WriteHeader(http.StatusNoContent)
	return nil
}

// mkcol makes a directory (RFC 4918 §9.3).
func (q *request) mkcol() error {
	if n, err := io.ReadFull(q.r.Body, make([]byte, 1)); n > 0 || err != io.EOF {
		return fail(http.StatusUnsupportedMediaType, "MKCOL takes no body")
	}
	defer q.gates.Enter(q.key(q.path))()
	current, err := q.lookup(q.path)
	if err != nil {
		return err
	}
	taken := fail(http.StatusMethodNotAllowed, "something is here already")
	if current != nil { // whatever the conditions (RFC 9110 §13.2.1)
		return taken
	}
	if err := errors.Join(q.guard(target{q.path, lock.Binding}), q.preconditions(current)); err != nil {
		return err
	}
	err = q.fs.Mkdir(q.path, 0o777)
	if fault.Of(err) == fault.Exist {
		return taken
	}
	if err != nil {
		return parentMissing(err)
	}
	q.w.WriteHeader(http.StatusCreated)
	return nil
}
