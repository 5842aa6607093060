package chevereto

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"slipway/uploader"
	"slipway/uploader/form"
)

// Delete opens r's DeleteURL, which works without the key: the site answers 301 to
// "…?deleted", and 404 where the picture is gone already.
//
// It is a POST. The site takes GET, HEAD, POST and DELETE alike; but what answers a
// GET or a HEAD may come from a cache that has the "…?deleted" or the 404 of a time
// before, caches and scanners on the way may repeat either by themselves, and so may
// net/http after a broken connection (RFC 9110 §9.2). DELETE is refused by the filters
// of many shared servers.
func (d *Driver) Delete(ctx context.Context, r uploader.Result) error {
	link, err := d.deleteLink(r.DeleteURL)
	if err != nil {
		return err
	}
	reply, err := d.client.Probe(ctx, http.MethodPost, link.String(), http.Header{"Cache-Control": {"no-store"}}, nil)
	if err != nil {
		return d.discreet(err, link)
	}
	if d.deleted(reply, link) {
		return nil
	}
	return d.discreet(refusedDeletion(reply), link)
}

// deleteLink returns the address to open: one on the destination's own host alone, as
// the link came from outside. Where the site is known to have https, it is opened so.
func (d *Driver) deleteLink(raw string) (*url.URL, error) {
	permanent := func(message string) error {
		return &uploader.Error{Kind: uploader.Permanent, Message: message, Remedy: "delete the picture on the site, in the account's pictures"}
	}
	if strings.TrimSpace(raw) == "" {
		return nil, permanent("the host did not say how the picture can be deleted")
	}
	u, err := url.Parse(strings.TrimSpace(raw))
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || strings.Trim(u.Path, "/") == "" {
		return nil, permanent("the link that deletes the picture is not a web address")
	}
	if form.CanonicalHost(u) != d.endpoint.Host {
		return nil, permanent("the link that deletes the picture is on another host than the destination's url")
	}
	if d.endpoint.Scheme == "https" {
		u.Scheme = "https"
	}
	u.Fragment, u.RawFragment = "", ""
	return u, nil
}

// deleted reports whether the site does not have the picture any more.
func (d *Driver) deleted(r form.Reply, link *url.URL) bool {
	if r.Status == http.StatusNotFound || r.Status == http.StatusGone {
		return true
	}
	to, err := link.Parse(r.Header.Get("Location"))
	return err == nil && r.Status >= 300 && r.Status < 400 && form.CanonicalHost(to) == d.endpoint.Host &&
		to.Query().Has("deleted") && strings.Trim(to.Path, "/") != strings.Trim(link.Path, "/")
}

// refusedDeletion returns the error of an answer that deletes nothing. It repeats
// nothing of the answer: a redirect repeats the link.
func refusedDeletion(r form.Reply) *uploader.Error {
	e := &uploader.Error{Code: fmt.Sprintf("HTTP %d", r.Status)}
	switch {
	case r.Status >= 300 && r.Status < 400:
		e.Kind, e.Message = uploader.Refused, "the host sends elsewhere whoever wants to delete the picture"
		e.Remedy = "set the destination's url to where the site really is, with https if it has that"
	case r.Status == http.StatusTooManyRequests:
		e.Kind, e.Message, e.After = uploader.RetryAfter, "the host asks to slow down", retryAfter(r.Header)
	case r.Status == http.StatusForbidden && len(bytes.TrimSpace(r.Body)) == 0:
		e.Kind, e.Message, e.After = uploader.RetryAfter, "the host refuses this address after too many failed sign-ins today", 6*time.Hour
		e.Remedy = "find out who signs in there with a wrong password from this address; it clears by the next day"
	case r.Status >= 500:
		e.Kind, e.Message = uploader.Unusual, "the host failed without saying why"
	case r.Status == http.StatusOK:
		e.Kind, e.Message = uploader.Refused, "the site answered with a page instead of deleting the picture: it is probably in maintenance"
		e.Remedy = "wait until the site is back; if it is, delete the picture there"
	default:
		e.Message, e.Remedy = "the host refused to delete the picture without saying why", "delete the picture on the site, in the account's pictures"
	}
	return e
}

// discreet takes the link, and what in it lets anybody delete the picture, out of an
// error, should a library have put it there.
func (d *Driver) discreet(err error, link *url.URL) error {
	e := uploader.AsError(d.redact(err))
	secrets := []string{link.String(), link.RequestURI(), link.Path[strings.LastIndexByte(strings.TrimRight(link.Path, "/"), '/')+1:]}
	for _, secret := range secrets {
		if len(secret) < 4 {
			continue
		}
		for _, s := range []*string{&e.Code, &e.Message, &e.Remedy} {
			*s = strings.ReplaceAll(*s, secret, "***")
		}
		if e.Err != nil && strings.Contains(e.Err.Error(), secret) {
			e.Err = nil
		}
	}
	return e
}
