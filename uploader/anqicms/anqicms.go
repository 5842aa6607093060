// Package anqicms uploads to AnQiCMS (POST /attachment/upload, versions 3.x).
//
// The site knows a file by the MD5 of the bytes that were sent, across all its
// categories, so that sending again is safe. It decodes and stores anew every
// image but GIF; everything else it keeps under the name that it came with,
// which [Driver] therefore makes unique.
package anqicms

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/url"
	"strconv"
	"strings"

	"slipway/uploader"
	"slipway/uploader/form"
	"slipway/vfs/blob"
)

// Driver uploads to one site with one token.
type Driver struct {
	endpoint *url.URL // without the token
	token    uploader.Secret
	replaces bool
	client   *form.Client
}

var (
	_ uploader.Driver  = (*Driver)(nil)
	_ uploader.Checker = (*Driver)(nil)
)

// New returns the driver of one destination, or an error that names the key of
// cfg to correct. It sends by a copy of client, which shares its connections.
func New(cfg Config, client *form.Client) (*Driver, error) {
	endpoint, err := cfg.validate()
	if err != nil {
		return nil, err
	}
	return &Driver{endpoint: endpoint, token: cfg.Token, replaces: cfg.Replace, client: client.Within(cfg.Timeout)}, nil
}

// String returns the address without the token.
func (d *Driver) String() string { return "anqicms at " + d.endpoint.String() }

// GoString is String: %#v shows no token either.
func (d *Driver) GoString() string { return d.String() }

// Properties says what AnQiCMS does and wants.
func (d *Driver) Properties() uploader.Properties {
	return uploader.Properties{
		Driver:     "anqicms",
		Host:       d.endpoint.Host,
		Idempotent: true,
		OnePlace:   true,
		Replaces:   d.replaces,
		Unrotates:  true,
		// Of what keptAsSent proves. The site's back office can store pictures anew at
		// any time (as WebP), GIFs too, so that no picture is Identical here.
		KeepsBytes:        true,
		RefusedExtensions: []string{".php", ".jsp"},
		Keys:              []string{"category_id"},
		// The server holds each body in memory and decodes each image.
		Limits: uploader.Limits{Concurrency: 2},
	}
}

// Send uploads p with one request; where p.Replaces is refused, with another.
func (d *Driver) Send(ctx context.Context, p uploader.Picture) (uploader.Result, error) {
	fields, err := formFields(p)
	if err != nil {
		return uploader.Result{}, err
	}
	name, err := fileName(ctx, p)
	if err != nil {
		return uploader.Result{}, err
	}
	if d.replaces && p.Replaces != "" {
		return d.replace(ctx, p, fields, name)
	}
	return d.post(ctx, p, fields, name)
}

// address returns the endpoint with the token, for requests only.
func (d *Driver) address() string {
	return d.endpoint.String() + "?token=" + url.QueryEscape(d.token.Reveal())
}

// redact takes the token out of an error, should the server have repeated it.
func (d *Driver) redact(err error) error {
	e := uploader.AsError(err)
	token := d.token.Reveal()
	e.Message = strings.ReplaceAll(e.Message, token, d.token.String())
	if e.Err != nil && strings.Contains(e.Err.Error(), token) {
		e.Err = errors.New(strings.ReplaceAll(e.Err.Error(), token, d.token.String()))
	}
	return e
}

// formFields returns the fields beside the file. The server takes any category:
// what is no number becomes 0, what is too large a success that stores nothing.
func formFields(p uploader.Picture) ([]form.Field, error) {
	if p.Size <= 0 {
		return nil, &uploader.Error{Kind: uploader.Permanent, Message: "the file is empty", Remedy: "put the whole file here again"}
	}
	category := strings.TrimSpace(p.Keys.CategoryID)
	if category == "" {
		return nil, nil
	}
	n, err := strconv.ParseUint(category, 10, 32)
	if err != nil {
		return nil, &uploader.Error{
			Kind:    uploader.Permanent,
			Message: fmt.Sprintf("category_id = %q is not a category of AnQiCMS", quote(category)),
			Remedy:  "set category_id to the category's number, 0 to 4294967295, as the site's back office shows it",
		}
	}
	return []form.Field{{Name: "category_id", Value: strconv.FormatUint(n, 10)}}, nil
}

// fileName returns the name to send p under. What is stored under its own name
// is read once beforehand, for the MD5 that makes the name unique.
func fileName(ctx context.Context, p uploader.Picture) (string, error) {
	if isImage(p.Type) {
		return imageName(p.Name), nil
	}
	r, err := p.Open(ctx)
	if err != nil {
		return "", &uploader.Error{Message: "the gateway could not open the file's bytes", Err: err}
	}
	defer r.Close()
	sum := md5.New()
	if _, err := io.Copy(sum, blob.Until(ctx, r)); err != nil {
		return "", &uploader.Error{Message: "the gateway could not read the file's bytes", Err: err}
	}
	return uniqueName(p.Name, digits(sum)), nil
}

// digits returns the sum as 32 lower-case hexadecimal digits.
func digits(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)) }

// result compares what the server has with what was sent, and describes it.
func (d *Driver) result(p uploader.Picture, a attachment, sent string, reply form.Reply) (uploader.Result, error) {
	if !strings.EqualFold(a.MD5, sent) {
		return uploader.Result{}, &uploader.Error{
			Kind: uploader.Temporary, Code: "0", BodySent: reply.BodySent,
			Message: "the site received other bytes than were sent", Err: errOtherBytes,
		}
	}
	location := a.Logo
	if location == "" {
		location = a.Location
	}
	address, err := escapeAddress(d.endpoint, location)
	if err != nil {
		return uploader.Result{}, unreadable(reply)
	}
	out := uploader.Result{
		ID:        string(a.ID),
		URL:       address,
		Existing:  a.CreatedTime.number() == 0,
		Identical: keptAsSent(p, a),
		Notes:     notes(p, a),
	}
	if a.Thumb != "" {
		out.ThumbnailURL, _ = escapeAddress(d.endpoint, a.Thumb) // "" where it is none
	}
	return out, nil
}

// errOtherBytes is of a reply that names the sum of other bytes.
var errOtherBytes = errors.New("the MD5 in its reply is another")

// keptAsSent reports whether the stored file is the very bytes, and will be: the MD5
// is that of what was sent, and every image is stored anew at once or, as GIFs, may be
// by ImageMagick or when the site is told to turn its pictures into WebP.
func keptAsSent(p uploader.Picture, a attachment) bool {
	return a.Size.number() == p.Size && a.IsImage == "0" && !isImage(p.Type)
}

// notes returns what the receipt should say of how the server stored p.
func notes(p uploader.Picture, a attachment) []string {
	want := strings.TrimSpace(p.Keys.CategoryID)
	if n, err := strconv.ParseUint(want, 10, 32); err == nil && a.CategoryID != "" && uint64(a.CategoryID.number()) != n {
		return []string{fmt.Sprintf("The site filed it under category %s instead of %d.", quote(string(a.CategoryID)), n)}
	}
	return nil
}
