package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strings"
	"sync"
	"time"

	"slipway/gateway/operate"
)

//go:embed templates
var templateFiles embed.FS

// templates are the pages by name, each with the frame around it.
var templates = parseTemplates()

// frame is what every page shows around its own content.
type frame struct {
	Title, Name string
	Me          operate.Person
	In          bool // somebody is signed in
	CSRF        string
	Here        string // the request's own address
	Tokens      bool
	Assets      *assets
	Now         time.Time
	Page        any
}

// parseTemplates reads every page; what is in common belongs to all.
func parseTemplates() map[string]*template.Template {
	common := template.Must(template.New("").Funcs(functions).ParseFS(templateFiles, "templates/common/*.html"))
	names, _ := fs.Glob(templateFiles, "templates/*.html") //nolint:errcheck // the pattern is right
	all := make(map[string]*template.Template)
	for _, file := range names {
		name := strings.TrimSuffix(path.Base(file), ".html")
		all[name] = template.Must(template.Must(common.Clone()).ParseFS(templateFiles, file))
	}
	return all
}

// functions are what templates ask. Names of files go through visible in text, and
// through filesLink and its like in addresses.
var functions = template.FuncMap{
	"visible": visible,
	"size":    size,
	"exact":   func(n int64) string { return count(int(n), "byte") },
	"count":   count,
	"number":  thousands,
	"state":   stateOf,
	"why":     why,
	"per":     per,
	"due":     due,
	"octets":  func(fingerprint string) []string { return strings.Split(fingerprint, ":") },
	"print":   fingerprint,
	"say":     sentence,
	"base":    func(p string) string { return path.Base(p) },
	"dir":     func(p string) string { return path.Dir(p) },
	"files":   filesLink,
	"folder":  folderLink,
	"raw":     func(p string) string { return address("/raw", p) },
	"drop":    dropLink,
	"iso":     func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	"stamp":   func(t time.Time) string { return t.UTC().Format("2 Jan 2006, 15:04:05 UTC") },
	"span":    span,
	"ago":     ago,
	"verbs": func() []operate.Verb {
		return []operate.Verb{operate.Retry, operate.Release, operate.Hold, operate.Drop}
	},
	"deletion":      deletionOf,
	"deletionWhy":   deletionWhy,
	"linkWhy":       linkWhy,
	"linkState":     linkState,
	"linkStanding":  linkStanding,
	"linkTally":     linkTally,
	"linksTroubled": linksTroubled,
	"verb":          func(v operate.Verb) any { return verbWords[v] },
	"may":           verbsOf,
	"drawn":         drawn,
	"web":           webAddress,
	"percent":       percent,
	"ids":           uploadIDs,
	"first":         hostedFirst,
	"bytes":         func(rate float64) int64 { return int64(rate) },
	"icon":          func(name string) template.HTML { return icons[name] },
	"add":           func(a, b int) int { return a + b },
	"list":          func(v ...any) []any { return v },
}

// address returns the address of p below a prefix, percent-encoded.
func address(prefix, p string) string { return (&url.URL{Path: prefix + p}).EscapedPath() }

func filesLink(p string) string { return address("/files", p) }

// folderLink and dropLink end in the slash that folders have.
func folderLink(p string) string { return address("/files", strings.TrimSuffix(p, "/")+"/") }
func dropLink(p string) string   { return address("/drop", strings.TrimSuffix(p, "/")+"/") }

// drawn reports whether a thumbnail may be had of files of a type.
func drawn(mediaType string) bool { return strings.HasPrefix(mediaType, "image/") }

// webAddress returns what a host said is an address, where it may be a link of ours:
// http or https.
func webAddress(s string) string {
	if u, err := url.Parse(s); err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https") {
		return s
	}
	return ""
}

// percent is how much of size is done, from 0 to 100.
func percent(done, size int64) int {
	if size <= 0 {
		return 0
	}
	return int(min(100, max(0, float64(done)/float64(size)*100)))
}

// ago says when t was, or will be, as seen at now.
func ago(now, t time.Time) string {
	switch d := now.Sub(t); {
	case d >= 10*24*time.Hour || d <= -10*24*time.Hour:
		return t.UTC().Format("2 Jan 2006")
	case d >= time.Second:
		return span(d) + " ago"
	case d <= -time.Second:
		return "in " + span(-d)
	}
	return "just now"
}

// due says when t is, which may have come already.
func due(now, t time.Time) string {
	if t.Sub(now) < time.Second {
		return "now"
	}
	return ago(now, t)
}

// fingerprint reports whether s is one of a certificate, which may break between its
// bytes alone.
func fingerprint(s string) bool {
	return len(s) > 16 && strings.Trim(s, "0123456789ABCDEF:") == "" && strings.Count(s, ":") == len(s)/3
}

// uploadIDs writes the ids of uploads as a checkbox has them.
func uploadIDs(us []operate.Upload) string {
	var b strings.Builder
	for i, u := range us {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprint(&b, u.ID)
	}
	return b.String()
}

// hostedFirst returns the first of uploads whose picture has an address, or nil.
func hostedFirst(us []operate.Upload) *operate.Upload {
	for i, u := range us {
		if u.State == "done" && webAddress(u.URL) != "" {
			return &us[i]
		}
	}
	return nil
}

// icons are drawn in the text's colour; readers of the page aloud pass them by.
var icons = func() map[string]template.HTML {
	all := make(map[string]template.HTML)
	for name, d := range map[string]string{
		"now":     "M3 12h4l3-8 4 16 3-8h4",
		"files":   "M3 6.5A1.5 1.5 0 0 1 4.5 5H9l2 2.5h8.500A1.500 1.500 0 0 1 21 9v9.500a1.500 1.500 0 0 1-1.500 1.500h-15A1.500 1.500 0 0 1 3 18.500z",
		"uploads": "M4 7h16M4 12h16M4 17h10",
		"drop":    "M12 4v11m0 0-4-4m4 4 4-4M4 17v2a1 1 0 0 0 1 1h14a1 1 0 0 0 1-1v-2",
		"connect": "M9 15l6-6M10.500 6.500l1.700-1.700a4 4 0 0 1 5.700 5.700l-1.700 1.700M13.500 17.500l-1.700 1.700a4 4 0 0 1-5.700-5.700l1.700-1.700",
		"image":   "M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15.500 9.500h.01",
		"file":    "M6 3h8l4 4v14H6zM14 3v4h4",
		"in":      "M12 4v14m0 0-6-6m6 6 6-6",
		"out":     "M12 20V6m0 0-6 6m6-6 6 6",
	} {
		all[name] = template.HTML(`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d="` + d + `"/></svg>`) //nolint:gosec // our own
	}
	return all
}()

// buffers hold pages while they are made.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// show answers with a page.
func (q *request) show(code int, name, title string, page any) error {
	b := buffers.Get().(*bytes.Buffer)
	defer buffers.Put(b)
	b.Reset()
	if err := q.render(b, name, "frame", title, page); err != nil {
		return err
	}
	return q.send(code, b.Bytes())
}

// render writes the template called part of a page.
func (q *request) render(b *bytes.Buffer, name, part, title string, page any) error {
	f := frame{
		Title: title, Name: name, Me: q.me, In: q.desk != nil, Here: q.r.URL.RequestURI(),
		Tokens: q.Tokens != nil, Assets: q.assets, Now: q.Clock(), Page: page,
	}
	if f.In {
		f.CSRF = csrfToken(q.secret, f.Here)
	}
	return templates[name].ExecuteTemplate(b, part, f)
}

// send answers with HTML, and with 304 where the browser has just that.
func (q *request) send(code int, page []byte) error {
	sum := sha256.Sum256(page)
	tag := `W/"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
	h := q.w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "private, no-cache")
	h.Set("Vary", "Accept-Encoding, Cookie")
	if code == http.StatusOK && !q.once {
		h.Set("ETag", tag)
		if strings.Contains(q.r.Header.Get("If-None-Match"), tag) {
			q.w.WriteHeader(http.StatusNotModified)
			return nil
		}
	} else {
		h.Set("Cache-Control", "no-store")
	}
	if len(page) < 1400 || !acceptsGzip(q.r) {
		q.w.WriteHeader(code)
		q.w.Write(page) //nolint:errcheck // the client is gone then
		return nil
	}
	h.Set("Content-Encoding", "gzip")
	q.w.WriteHeader(code)
	z, _ := gzip.NewWriterLevel(q.w, gzip.BestSpeed) //nolint:errcheck // the level is right
	z.Write(page)                                    //nolint:errcheck // the client is gone then
	z.Close()                                        //nolint:errcheck // as above
	return nil
}
