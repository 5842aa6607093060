// Package chevereto uploads to sites that run Chevereto (API 1.1,
// POST /api/1/upload, observed on 4.2.0).
//
// The host is not idempotent: it refuses bytes that it has seen from this
// address within a day, without saying where they are, so that a lost reply
// stays lost unless a public album shows the picture ([Driver.Find]).
package chevereto

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"
	"time"

	"slipway/uploader"
	"slipway/uploader/form"
)

// Driver uploads to one site with one key.
type Driver struct {
	endpoint *url.URL
	page     *url.URL      // of a public album; nil: none
	key      func() string // a function: fmt shows an unexported Secret as it is
	client   *form.Client
}

var (
	_ uploader.Driver  = (*Driver)(nil)
	_ uploader.Checker = (*Driver)(nil)
	_ uploader.Finder  = (*Driver)(nil)
	_ uploader.Deleter = (*Driver)(nil)
)

// New returns the driver of one destination, or an error that names the key of
// cfg to correct. It shares client's connections.
func New(cfg Config, client *form.Client) (*Driver, error) {
	endpoint, page, err := cfg.validate()
	if err != nil {
		return nil, err
	}
	return &Driver{endpoint: endpoint, page: page, key: cfg.Key.Reveal, client: client.Within(cfg.Timeout)}, nil
}

// String returns the address, without the key.
func (d *Driver) String() string { return "chevereto at " + d.endpoint.String() }

// GoString is String: %#v shows no key either.
func (d *Driver) GoString() string { return d.String() }

// Properties says what Chevereto does and wants, as it is installed: each site
// may have other limits.
func (d *Driver) Properties() uploader.Properties {
	return uploader.Properties{
		Driver:         "chevereto",
		Host:           d.endpoint.Host,
		RefusesRepeats: 24 * time.Hour,
		Deletes:        true,
		// Pictures that need no turning come back byte by byte; the MD5 of the others
		// differs, and their Results are not Identical.
		KeepsBytes: true,
		Types: []string{
			"image/avif", "image/jpeg", "image/png", "image/bmp", "image/gif", "image/webp",
			"video/quicktime", "video/mp4", "video/webm",
		},
		Keys:   []string{"album_id", "category_id", "title", "description", "tags", "nsfw", "expiration", "width", "use_file_date"},
		Limits: uploader.Limits{PerMinute: 50, PerHour: 500, PerDay: 1000, Concurrency: 2},
	}
}

// Send uploads p with one request.
func (d *Driver) Send(ctx context.Context, p uploader.Picture) (uploader.Result, error) {
	fields, notes, err := fields(p)
	if err != nil {
		return uploader.Result{}, err
	}
	file := form.File{Field: "source", Name: fileName(p, d.page != nil), Type: partType(p), Size: p.Size}
	sum := md5.New()
	reply, err := d.client.Post(ctx, d.endpoint.String(), d.header(), form.New(fields, file), p, sum)
	if err != nil {
		return uploader.Result{}, d.redact(err)
	}
	a, ok := decode(reply)
	if !ok {
		return uploader.Result{}, d.redact(d.explain(ctx, p, reply, a))
	}
	r := a.result(hex.EncodeToString(sum.Sum(nil)))
	r.Notes = append(append(r.Notes, notes...), a.remarks(p)...)
	return r, nil
}

// header returns the headers of a request to the API. The key is not a form
// field: that is lost, with everything else, where a body is over PHP's limit.
func (d *Driver) header() http.Header {
	return http.Header{"X-Api-Key": {d.key()}, "Accept": {"application/json"}}
}

// redact takes the key out of an error, should the host have repeated it.
func (d *Driver) redact(err error) error {
	e := uploader.AsError(err)
	for _, s := range []*string{&e.Code, &e.Message, &e.Remedy} {
		*s = strings.ReplaceAll(*s, d.key(), "***")
	}
	return e
}
