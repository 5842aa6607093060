package anqicms

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"slipway/uploader"
)

// Check asks the site, by a POST without a body, whether it takes the token.
func (d *Driver) Check(ctx context.Context) (notes []string, err error) {
	if err := d.probe(ctx); err != nil {
		return nil, d.redact(err)
	}
	notes = []string{
		"Whether a category_id exists cannot be seen from outside: the site files under any number.",
		"A file is in one category only: sending it with another moves it there.",
		"The site stores every picture but GIF anew: EXIF is dropped, and with it the rotation.",
	}
	if d.replaces {
		notes = append(notes, "Whether the site lets a picture be replaced shows with the first one; where it does not, a new picture is sent, and its receipt says so.")
	}
	if d.endpoint.Scheme == "http" {
		notes = append(notes, "The token travels unencrypted: use https:// if the site has it.")
	}
	return notes, nil
}

// probe returns nil where the site takes the token: it then misses the body.
// Nothing is stored either way.
func (d *Driver) probe(ctx context.Context) error {
	reply, err := d.client.Probe(ctx, http.MethodPost, d.address(), nil, nil)
	if err != nil {
		return err
	}
	e, err := readEnvelope(reply)
	if err != nil {
		return err
	}
	said := strings.ToLower(e.text())
	switch {
	case missesFile.matches(said):
		return nil
	case isTokenError(said):
		return &uploader.Error{
			Kind: uploader.Refused, Code: quote(string(e.Code)),
			Message: "the site does not accept the token", Remedy: tokenRemedy,
		}
	case strings.TrimSpace(string(e.Code)) == "0":
		return unreadable(reply)
	}
	return classify(e, false)
}

// confirmToken finds out what a "Token error" to an upload meant.
func (d *Driver) confirmToken(ctx context.Context) error {
	err := d.probe(ctx)
	if err == nil {
		return &uploader.Error{
			Kind: uploader.Temporary, Code: "-1", BodySent: true,
			Message: "the file reached the site broken on its way (it says \"Token error\", but takes the token)",
		}
	}
	var e *uploader.Error
	if errors.As(err, &e) && (e.Kind == uploader.Refused || e.Kind == uploader.RetryAfter) {
		e.BodySent = true
		return e
	}
	return &uploader.Error{
		Kind: uploader.Temporary, Code: "-1", BodySent: true,
		Message: "the site said \"Token error\", and could not be asked whether it means the token",
		Err:     err,
	}
}
