package album

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

//go:embed gallery.html
var text string

//go:embed gallery.css
var style string

var parts = template.Must(template.New("gallery").Parse(text))

// gallery is what the template shows.
type gallery struct {
	Title    string
	Style    template.CSS
	Folders  []link
	Pictures []card
	First    string // address of the first page, on later ones
	Next     string // address of the next page; "": this is the last
}

type link struct{ Name, Href string }

// card is one picture of the gallery.
type card struct {
	Picture
	Name  string // for people
	Shown string // the address of the image on the page
}

// gallery answers with a page of the gallery.
func (l *location) gallery(w http.ResponseWriter) error {
	after := l.r.URL.Query().Get("after")
	if len(after) > nameMax {
		after = ""
	}
	if strings.IndexByte(after, 0) >= 0 || !utf8.ValidString(after) {
		return fs.ErrNotExist // no name is like this, and no database takes it
	}
	pictures, err := l.folder.Pictures(l.r.Context(), after, pageSize+1)
	if err != nil {
		return err
	}
	g := gallery{Title: l.title(), Style: template.CSS(style)}
	if len(pictures) > pageSize {
		pictures = pictures[:pageSize]
		g.Next = "?" + url.Values{"after": {pictures[pageSize-1].Name}}.Encode()
	}
	if after != "" {
		g.First = "./"
	}
	if g.Folders, err = l.links(after); err != nil {
		return err
	}
	for _, p := range pictures {
		c := card{Picture: p, Name: visible(p.Name), Shown: p.Thumbnail}
		if c.Shown == "" {
			c.Shown = p.URL
		}
		g.Pictures = append(g.Pictures, c)
	}
	var b bytes.Buffer
	if err := parts.Execute(&b, g); err != nil {
		return err
	}
	w.Header().Set("Content-Security-Policy", policy(g.Pictures))
	return l.send(w, "text/html; charset=utf-8", b.Bytes())
}

// links returns the folders that the first page shows.
func (l *location) links(after string) (all []link, err error) {
	if after != "" {
		return nil, nil
	}
	names, err := l.recent.folders(l.r.Context(), l.dir, l.folder)
	for _, name := range names {
		all = append(all, link{visible(name), Path(l.dir + "/" + name)})
	}
	return all, err
}

// policy allows the page its own style, and images from the sites of its pictures
// (Content Security Policy Level 3).
func policy(cards []card) string {
	sum := sha256.Sum256([]byte(style))
	origins := []string{"'self'"}
	for _, c := range cards {
		if o := origin(c.Shown); o != "" && !slices.Contains(origins, o) {
			origins = append(origins, o)
		}
	}
	return "default-src 'none'; img-src " + strings.Join(origins, " ") + "; style-src 'sha256-" +
		base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}

// origin returns the site of an address, or "" where it could not stand in a policy.
func origin(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return ""
	}
	for _, c := range []byte(u.Host) {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte(".-:[]_", c) >= 0) {
			return ""
		}
	}
	return u.Scheme + "://" + u.Host
}
