package chevereto

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"slipway/uploader"
)

// Check asks the API without a picture: a key that it accepts is answered
// "Empty upload source".
func (d *Driver) Check(ctx context.Context) (notes []string, err error) {
	if notes, err = d.ask(ctx); err != nil {
		return nil, err
	}
	return slices.Concat(notes, d.notes(), d.lookNotes(ctx)), nil
}

// ask asks the API without a picture.
func (d *Driver) ask(ctx context.Context) (notes []string, err error) {
	header := d.header()
	header.Set("Content-Type", "application/x-www-form-urlencoded")
	r, err := d.client.Probe(ctx, http.MethodPost, d.endpoint.String(), header, []byte("format=json"))
	if err != nil {
		return nil, d.redact(err)
	}
	a, _ := decode(r)
	if a.code == "130" {
		if number.MatchString(a.said) {
			notes = append(notes, "The site's limit of uploads from this address is reached just now.")
		}
		return notes, nil
	}
	e := d.judge(uploader.Picture{}, r, a)
	if e.Kind == uploader.Unusual || e.Kind == uploader.Permanent {
		e.Kind = uploader.Temporary
	}
	e.BodySent = false
	return nil, d.redact(e)
}

// lookNotes says that the album's page cannot be looked at, where there is one. The
// account works all the same.
func (d *Driver) lookNotes(ctx context.Context) []string {
	if d.page == nil {
		return nil
	}
	_, err := d.look(ctx)
	if err == nil {
		return nil
	}
	e := uploader.AsError(d.redact(err))
	note := e.Error() + ": a picture whose reply was lost cannot be found there"
	if e.Remedy != "" {
		note += "; " + e.Remedy
	}
	return []string{note}
}

// notes says what cannot be known from outside.
func (d *Driver) notes() []string {
	l := d.Properties().Limits
	notes := []string{
		"A wrong album_id cannot be seen: the host takes the picture, leaves it outside any album and says nothing.",
		fmt.Sprintf("Unless the site changed it, the host takes %d pictures a minute, %d an hour and %d a day from one address, over all accounts.", l.PerMinute, l.PerHour, l.PerDay),
		"The host refuses bytes that it got from this address within 24 hours, whatever the album.",
	}
	if d.page == nil {
		notes = append(notes, "Without album_page a picture whose reply was lost cannot be found again.")
	}
	if d.endpoint.Scheme == "http" {
		notes = append(notes, "The site's address is plain http: the key and the pictures can be read on their way.")
	}
	return notes
}
