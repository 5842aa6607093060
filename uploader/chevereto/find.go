package chevereto

import (
	"bytes"
	"context"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"slipway/uploader"
	"slipway/uploader/form"
)

// maxHops is how many redirects within the host a look at the album follows: to
// the address with the album's name in it, and to https.
const maxHops = 3

// Find looks for p in the public album of the configuration, by the end of p's
// key, which its file name and so its title were given.
func (d *Driver) Find(ctx context.Context, p uploader.Picture) (uploader.Result, bool, error) {
	if d.page == nil || len(token(p)) < 8 {
		return uploader.Result{}, false, nil
	}
	r, err := d.look(ctx)
	if err != nil {
		return uploader.Result{}, false, d.redact(err)
	}
	for _, o := range pictures(r.Body) {
		found := answer{image: o}.result("")
		if found.URL == "" || !named(o, token(p)) {
			continue
		}
		if size := o.text("size"); size != "" && size != fmt.Sprint(p.Size) {
			found.Notes = append(found.Notes, fmt.Sprintf("The host's copy has %s bytes, not %d: it may have been made anew.", cut(size, 20), p.Size))
		}
		found.DeleteURL = ""
		found.Notes = append(found.Notes, "The host's reply was lost; the picture was found on the album's page.")
		return found, true, nil
	}
	return uploader.Result{}, false, nil
}

// look gets the album's page. The key is not sent: the page is public.
func (d *Driver) look(ctx context.Context) (form.Reply, error) {
	at := d.page
	for range maxHops {
		r, err := d.client.Probe(ctx, http.MethodGet, at.String(), nil, nil)
		if err != nil {
			return r, err
		}
		if r.Status == http.StatusOK {
			return r, nil
		}
		next, err := at.Parse(r.Header.Get("Location"))
		if r.Status < 300 || r.Status >= 400 || err != nil || form.CanonicalHost(next) != d.page.Host || next.Scheme != "https" && next.Scheme != at.Scheme {
			return r, &uploader.Error{
				Code: fmt.Sprintf("HTTP %d", r.Status), Message: "the album's page could not be read",
				Remedy: "check that album_page is the address of a public album",
			}
		}
		at = next
	}
	return form.Reply{}, &uploader.Error{Message: "the album's page is a chain of redirects", Remedy: "set album_page to where it ends"}
}

// dataObject finds the attribute in which a list page describes a picture.
var dataObject = regexp.MustCompile(`data-object=(?:"([^"]*)"|'([^']*)')`)

// pictures returns the objects that page describes: JSON, escaped for HTML and
// perhaps for an address before that. What cannot be read is left out.
func pictures(page []byte) []object {
	var found []object
	for _, m := range dataObject.FindAllSubmatch(page, -1) {
		s := strings.TrimSpace(html.UnescapeString(string(bytes.Join(m[1:], nil))))
		if strings.HasPrefix(s, "%7B") || strings.HasPrefix(s, "%7b") {
			s, _ = url.PathUnescape(s)
		}
		if o, ok := parse([]byte(s)); ok {
			found = append(found, o)
		}
	}
	return found
}

// named reports whether one of o's names holds token. The host puts a space for
// a dash in titles and may change letters' case.
func named(o object, token string) bool {
	for _, name := range []string{"filename", "name", "title", "original_filename"} {
		if strings.Contains(strings.ToLower(o.text(name)), strings.ToLower(token)) {
			return true
		}
	}
	image := o.sub("image")
	return strings.Contains(strings.ToLower(image.text("filename")), strings.ToLower(token))
}
