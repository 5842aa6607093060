package custom

import (
	"context"
	"crypto/md5"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"hash"
	"io"
	"net/http"
	"net/url"
	"strings"

	"slipway/uploader"
	"slipway/uploader/custom/sxcu"
	"slipway/uploader/custom/syntax"
	"slipway/uploader/form"
)

// request is an attempt's one request.
type request struct {
	address string
	header  http.Header
	form    *form.Form
	picture uploader.Picture // its bytes as the body has them
	tee     []io.Writer
	sums    map[int]hash.Hash // of the file's own bytes, by their length in bytes; nil: not asked for
}

// request fills the recipe in.
func (a *attempt) request(ctx context.Context) (*request, error) {
	u, err := a.address()
	if err != nil {
		return nil, err
	}
	r := &request{address: u.String(), header: a.fillHeaders(a.recipe.headers), picture: a.picture}
	var sums io.Writer = io.Discard
	if !a.recipe.result.identical.Empty() {
		r.sums = map[int]hash.Hash{md5.Size: md5.New(), sha1.Size: sha1.New(), sha256.Size: sha256.New()}
		sums = io.MultiWriter(r.sums[md5.Size], r.sums[sha1.Size], r.sums[sha256.Size])
	}
	if err := a.body(ctx, r, sums); err != nil {
		return nil, err
	}
	if a.config.Sign != "" {
		if err := a.sign(ctx, a.recipe.method, u, r.header, r.form.ContentLength()); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// address returns where the file is sent to.
func (a *attempt) address() (*url.URL, error) {
	text := a.recipe.url.Fill(a.env(), syntax.Address)
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return nil, &uploader.Error{Kind: uploader.Refused, Message: "the destination's url comes to something that is no address", Remedy: "correct the destination's url in the configuration"}
	}
	u.Scheme, u.Host, u.Fragment, u.RawFragment = a.recipe.base.Scheme, a.recipe.base.Host, "", ""
	var query []string
	if u.RawQuery != "" {
		query = append(query, u.RawQuery)
	}
	for _, n := range a.recipe.parameters {
		value := n.value.Fill(a.env(), syntax.Plain)
		if !a.leftOut(n, value) {
			query = append(query, url.QueryEscape(n.name)+"="+url.QueryEscape(value))
		}
	}
	u.RawQuery = strings.Join(query, "&")
	if a.config.Sign != "" {
		strictPath(u)
	}
	return u, nil
}

// body makes the body and the picture's bytes as it has them.
func (a *attempt) body(ctx context.Context, r *request, sums io.Writer) (err error) {
	kind := a.recipe.body
	own := r.header.Get("Content-Type")
	switch kind {
	case sxcu.Binary:
		if own == "" {
			own = a.mediaType()
		}
		r.form, r.tee = form.Raw(own, nil, a.picture.Size, nil), []io.Writer{sums}
		r.header.Set("Content-Type", own)
	case sxcu.JSON, sxcu.XML:
		r.header.Set("Content-Type", orElse(own, "application/"+kind))
		place := map[string]syntax.Place{sxcu.JSON: syntax.JSON, sxcu.XML: syntax.XML}[kind]
		err = a.around(ctx, r, sums, false, func(mark string) string {
			e := a.env()
			e.File = mark
			return a.recipe.data.Fill(e, place)
		})
	case sxcu.URLForm:
		r.header.Set("Content-Type", orElse(own, "application/x-www-form-urlencoded"))
		err = a.around(ctx, r, sums, true, a.encodedArguments)
	default:
		err = a.multipart(ctx, r, sums)
	}
	return err
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// around makes a body that is text around the file as base64. mark stands for the
// file: 130 random bits that no value has by chance.
func (a *attempt) around(ctx context.Context, r *request, sums io.Writer, escape bool, text func(mark string) string) error {
	mark := "slipway" + rand.Text()
	head, foot, _ := strings.Cut(text(mark), mark)
	var err error
	if r.picture, err = asBase64(ctx, a.picture, escape, sums); err != nil {
		return err
	}
	r.form = form.Raw(r.header.Get("Content-Type"), []byte(head), r.picture.Size, []byte(foot))
	return nil
}

// encodedArguments is the body of a form without parts (WHATWG URL §5.2).
func (a *attempt) encodedArguments(mark string) string {
	var fields []string
	for _, n := range a.recipe.arguments {
		e := a.env()
		e.File = mark
		if value := n.value.Fill(e, syntax.Plain); !a.leftOut(n, value) {
			fields = append(fields, url.QueryEscape(n.name)+"="+url.QueryEscape(value))
		}
	}
	return strings.Join(fields, "&")
}

// multipart makes a form whose last part is the file.
func (a *attempt) multipart(ctx context.Context, r *request, sums io.Writer) (err error) {
	var fields []form.Field
	file := form.File{Field: a.recipe.fileField, Name: a.name, Type: a.picture.Type, Size: a.picture.Size}
	r.tee = []io.Writer{sums}
	for _, n := range a.recipe.arguments {
		if n.value.HasFile() {
			if r.picture, err = asBase64(ctx, a.picture, false, sums); err != nil {
				return err
			}
			mark, e := "slipway"+rand.Text(), a.env()
			e.File = mark
			before, after, _ := strings.Cut(n.value.Fill(e, syntax.Plain), mark)
			file, r.tee = form.File{Field: n.name, Size: r.picture.Size, Plain: true, Before: before, After: after}, nil
			continue
		}
		value := n.value.Fill(a.env(), syntax.Plain)
		if !a.leftOut(n, value) {
			fields = append(fields, form.Field{Name: n.name, Value: value})
		}
	}
	r.form = form.New(fields, file)
	return nil
}
