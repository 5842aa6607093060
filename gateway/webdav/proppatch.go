package webdav

import (
	"errors"
	"net/http"

	"slipway/gateway/webdav/davxml"
	"slipway/gateway/webdav/lock"
	"slipway/gateway/webdav/multistatus"
	"slipway/gateway/webdav/property"
)

// proppatch sets and removes properties, all or none (RFC 4918 §9.2).
func (q *request) proppatch() error {
	body, err := q.readAll()
	if err != nil {
		return err
	}
	changes, err := davxml.ParseUpdate(body)
	if err != nil {
		return badBody(err)
	}
	info, err := q.existing()
	if err != nil {
		return err
	}
	patch := property.NewPatch(changes)
	if err := q.patch(patch); err != nil {
		return err
	}
	q.multistatus()
	namespaces := patch.Namespaces()
	out := multistatus.New(q.progressWriter())
	out.Open(namespaces)
	out.Response(q.href(q.path, info.IsDir()), "", false)
	patch.Write(out, namespaces)
	out.EndResponse()
	out.Close() //nolint:errcheck // the client left
	return nil
}

// patch carries p out, where all of it may be. What the tree refuses is part of the
// answer, because Explorer gives up a whole copy where PROPPATCH is not answered by
// a 207.
func (q *request) patch(p *property.Patch) error {
	defer q.gates.Enter(q.key(q.path))()
	if err := errors.Join(q.guard(target{q.path, lock.Content}), q.currently()); err != nil || p.Refused() {
		return err
	}
	err := q.setProperties(p)
	if err == nil {
		return nil
	}
	a := answerTo(err)
	switch a.code {
	case http.StatusForbidden, http.StatusConflict, http.StatusRequestEntityTooLarge, http.StatusInsufficientStorage:
		p.Fail(a.code, a.condition)
		return nil
	}
	return err
}

func (q *request) setProperties(p *property.Patch) error {
	if t, ok := q.fs.(propertied); ok {
		return t.SetProperties(q.path, p.Set, p.Remove, p.Modified)
	}
	if !p.OnlyTime() {
		return fail(http.StatusForbidden, "properties are not kept here")
	}
	if p.Modified.IsZero() {
		return nil
	}
	return q.fs.Chtimes(q.path, p.Modified, p.Modified)
}
