package custom

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"slipway/uploader"
	"slipway/uploader/form"
)

// deletes reports whether pictures can be deleted at all.
func (d *Driver) deletes() bool {
	return !d.recipe.result.deletion.Empty() && d.recipe.deleteMethod != "NONE"
}

// Delete asks the address that the host gave for it. ShareX opens that address in a
// browser, so that GET is what it mostly wants. Only the host itself is asked, with
// delete_headers and signed as uploads are, and those of delete_hosts, without either.
func (d *Driver) Delete(ctx context.Context, r uploader.Result) error {
	a := d.attempt(uploader.Picture{})
	permanent := func(message, remedy string) error {
		return &uploader.Error{Kind: uploader.Permanent, Message: message, Remedy: remedy}
	}
	if !d.deletes() {
		return permanent("the destination is not set up to delete pictures", "set result.deletion and delete_method, or delete the picture at the host")
	}
	if r.DeleteURL == "" {
		return permanent("the host gave no address to delete the picture by", "delete the picture at the host")
	}
	u, err := url.Parse(r.DeleteURL)
	if err != nil {
		return permanent("the address to delete the picture by cannot be read", "delete the picture at the host")
	}
	u.Host = form.CanonicalHost(u)
	own := u.Scheme == d.recipe.base.Scheme && u.Host == d.recipe.base.Host
	if !own && !d.mayAsk(u) {
		return permanent("the address to delete the picture by is at another host, "+u.Host, "add the host to delete_hosts if it is the right one, or delete the picture there")
	}
	header := http.Header{}
	if own {
		header = a.fillHeaders(d.recipe.deleteHeaders)
		if d.config.Sign != "" {
			strictPath(u)
			if err := a.sign(ctx, d.recipe.deleteMethod, u, header, 0); err != nil {
				return a.redact(err)
			}
		}
	}
	reply, err := d.client.Probe(ctx, d.recipe.deleteMethod, u.String(), header, nil)
	if err != nil {
		return a.redact(withoutAddress(err, r.DeleteURL))
	}
	if e := a.deleted(reply, own); e != nil {
		return a.redact(e)
	}
	return nil
}

// mayAsk reports whether u is at one of delete_hosts, and no less safe than url.
func (d *Driver) mayAsk(u *url.URL) bool {
	if u.Scheme != "https" && d.recipe.base.Scheme == "https" || u.Scheme != "http" && u.Scheme != "https" {
		return false
	}
	return slices.ContainsFunc(d.config.DeleteHosts, func(h string) bool { return strings.EqualFold(h, u.Host) })
}

// withoutAddress takes what identifies a deletion address out of an error.
func withoutAddress(err error, address string) error {
	e := uploader.AsError(err)
	if e.Err != nil && strings.Contains(e.Err.Error(), address) {
		e.Err = nil
	}
	return e
}

// deleted judges the reply to a deletion; nil: the picture is not there any more.
func (a *attempt) deleted(r form.Reply, own bool) *uploader.Error {
	e := &uploader.Error{Code: code(r)}
	switch s := r.Status; {
	case s == http.StatusNotFound, s == http.StatusGone:
		return nil
	case s >= 200 && s < 300:
		if a.recipe.deleteMethod == http.MethodGet && asks(r) {
			e.Kind, e.Message = uploader.Permanent, "the address to delete the picture by shows a page with a form, which nobody fills in here"
			e.Remedy = `delete the picture at the host, and set delete_method = "none", or another method if the host has one`
			return e
		}
		return nil
	case s == http.StatusFound || s == http.StatusSeeOther:
		if a.signIn(location(a, r.Header), s) {
			e.Kind, e.Message, e.Remedy = uploader.Permanent, "the host wants somebody to sign in to delete the picture", "delete the picture at the host"
			return e
		}
		return nil
	case s == http.StatusTooManyRequests:
		e.Kind, e.Message, e.After = uploader.RetryAfter, "the host asks to slow down", a.retryAfter(r.Header)
	case own && (s == http.StatusUnauthorized || s == http.StatusForbidden) && (len(a.recipe.deleteHeaders) > 0 || a.config.Sign != ""):
		e.Kind, e.Message, e.Remedy = uploader.Refused, "the host does not accept this account for deleting", "check the destination's delete_headers and secrets"
	case s >= 400 && s < 500 && s != http.StatusRequestTimeout:
		e.Kind, e.Message, e.Remedy = uploader.Permanent, "the host does not delete the picture", "check delete_method and delete_headers, or delete the picture at the host"
	default:
		e.Message = "the host did not delete the picture"
	}
	return e
}

// asks reports whether a reply is a page with a form.
func asks(r form.Reply) bool {
	return isPage(r) && (bytes.Contains(bytes.ToLower(r.Body), []byte("<form")) || bytes.Contains(bytes.ToLower(r.Body), []byte("<button")))
}
