package anqicms

import (
	"context"
	"crypto/md5"
	"errors"
	"strconv"
	"strings"
	"sync"

	"slipway/uploader"
	"slipway/uploader/form"
)

// notReplaced is what the receipt says where the fallback was taken.
const notReplaced = "The site did not let the picture be replaced; it is a new one, with an address of its own."

// replace sends p in the place of the picture with an id, and as a new one where the
// site does not let it: versions differ, the earlier picture may be gone, or the same
// bytes may have a row of their own. Both in one attempt, which is safe, as the site
// knows a file by its MD5: whatever it did with the first request, the second leaves
// one picture of these bytes, and says which.
func (d *Driver) replace(ctx context.Context, p uploader.Picture, fields []form.Field, name string) (uploader.Result, error) {
	id := strings.TrimSpace(p.Replaces)
	p = onceOver(p)
	if _, err := strconv.ParseUint(id, 10, 32); err == nil && strings.Trim(id, "0") != "" {
		r, err := d.post(ctx, p, append(fields[:len(fields):len(fields)], form.Field{Name: "id", Value: id}), name)
		if err != nil && !newInstead(err) {
			return r, err
		}
		if err == nil && r.ID == id {
			r.Replaced, r.Existing = true, false
			return r, nil
		}
	}
	r, err := d.post(ctx, p, fields, name)
	switch {
	case err != nil:
		return r, err
	case r.ID == id: // it was replaced all the same
		r.Replaced = true
	default:
		r.Notes = append(r.Notes, notReplaced)
	}
	return r, nil
}

// newInstead reports whether a replacement failed in a way that says nothing about
// the file as a new picture: it was refused, or cannot be seen to have worked.
func newInstead(err error) bool {
	return uploader.AsError(err).Kind == uploader.Permanent || errors.Is(err, errOtherBytes)
}

// onceOver returns p as two requests of one attempt see it: the body's end is told of
// once, and progress does not go back.
func onceOver(p uploader.Picture) uploader.Picture {
	if before := p.BeforeLastByte; before != nil {
		p.BeforeLastByte = sync.OnceValue(before)
	}
	if progress := p.Progress; progress != nil {
		var mu sync.Mutex
		most := int64(-1)
		p.Progress = func(n int64) {
			mu.Lock()
			defer mu.Unlock()
			if n > most {
				most = n
				progress(n)
			}
		}
	}
	return p
}

// post makes one request that carries p. Where the answer may mean a wrong token or a
// broken body, a probe without a body tells which.
func (d *Driver) post(ctx context.Context, p uploader.Picture, fields []form.Field, name string) (uploader.Result, error) {
	body := form.New(fields, form.File{Field: "file", Name: name, Type: p.Type, Size: p.Size})
	sum := md5.New()
	reply, err := d.client.Post(ctx, d.address(), nil, body, p, sum)
	if err != nil {
		return uploader.Result{}, err
	}
	a, err := decode(reply)
	if errors.Is(err, errToken) {
		err = d.confirmToken(ctx)
	}
	if err != nil {
		return uploader.Result{}, d.redact(err)
	}
	return d.result(p, a, digits(sum), reply)
}
