package chevereto

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"

	"slipway/uploader"
	"slipway/uploader/form"
)

// object is decoded JSON whose fields may be of any type: the host's types
// wander, and versions differ.
type object map[string]any

// text returns a field as text: strings and numbers; "" for all else.
func (o object) text(name string) string {
	switch v := o[name].(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	}
	return ""
}

// is reports whether a field is there and says yes or no as want does.
func (o object) is(name string, want bool) bool {
	switch v := o[name].(type) {
	case bool:
		return v == want
	case json.Number, string:
		s := o.text(name)
		return s != "" && (s != "0" && s != "false") == want
	}
	return false
}

// sub returns a field that is an object, or an empty one.
func (o object) sub(name string) object {
	m, _ := o[name].(map[string]any)
	return m
}

// answer is a reply as far as it could be read.
type answer struct {
	read  bool // it was JSON
	code  string
	said  string // error.message
	image object
}

// decode reads a reply; ok says that the host has the picture.
func decode(r form.Reply) (a answer, ok bool) {
	o, ok := parse(r.Body)
	if !ok {
		return answer{}, false
	}
	e := o.sub("error")
	a = answer{read: true, code: e.text("code"), said: e.text("message"), image: o.sub("image")}
	if len(a.image) == 0 {
		a.image = o.sub("data") // The dialect of ImgBB.
	}
	status := o.text("status_code")
	if status == "" {
		status = o.text("status")
	}
	ok = r.Status == 200 && status == "200" && len(e) == 0 && strings.Contains(r.Header.Get("Content-Type"), "json") &&
		(webAddress(a.image.text("url")) != "" || a.awaiting())
	return a, ok
}

// parse reads the JSON object in b, behind whatever warnings a site's PHP has
// printed before it.
func parse(b []byte) (object, bool) {
	b = bytes.TrimSpace(bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")))
	if !bytes.HasPrefix(b, []byte("{")) {
		i := bytes.Index(b, []byte(`{"status_code"`))
		if i < 0 {
			return nil, false
		}
		b = b[i:]
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var o object
	err := d.Decode(&o)
	return o, err == nil && o != nil
}

// awaiting reports whether the host has the picture and shows it to nobody yet.
func (a answer) awaiting() bool {
	return a.image.is("is_approved", false) && a.image.text("id_encoded") != ""
}

// result returns the picture at the host; sum is the MD5 of what was sent.
func (a answer) result(sum string) uploader.Result {
	r := uploader.Result{
		ID:           a.image.text("id_encoded"),
		URL:          webAddress(a.image.text("url")),
		ViewerURL:    webAddress(a.image.text("url_viewer")),
		ThumbnailURL: webAddress(a.image.sub("thumb").text("url")),
		DeleteURL:    webAddress(a.image.text("delete_url")),
		Awaiting:     a.image.is("is_approved", false),
		Identical:    strings.EqualFold(a.image.text("md5"), sum),
	}
	if r.ID == "" {
		r.ID = a.image.text("id")
	}
	if at, err := time.Parse(time.DateTime, a.image.text("expiration_date_gmt")); err == nil {
		r.Expires = at
	}
	return r
}

// remarks says what the reply leaves open of what p asked for.
func (a answer) remarks(p uploader.Picture) []string {
	var notes []string
	if p.Keys.AlbumID != "" {
		notes = append(notes, fmt.Sprintf("The host does not say whether the picture is in album %q: it ignores an album that it does not know.", cut(text(p.Keys.AlbumID), 50)))
	}
	if e := strings.TrimSpace(p.Keys.Expiration); e != "" && strings.Trim(e, "0") != "" && a.image.text("expiration_date_gmt") == "" {
		notes = append(notes, "The host ignored the expiration: this site does not offer it, so the picture stays.")
	}
	return notes
}

// webAddress returns s percent-escaped where it is an absolute web address, else "".
func webAddress(s string) string {
	u, err := url.Parse(strings.TrimSpace(s))
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return ""
	}
	return strings.NewReplacer(`"`, "%22", "<", "%3C", ">", "%3E", " ", "%20", "'", "%27").Replace(u.String())
}
