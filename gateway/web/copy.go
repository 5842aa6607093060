package web

import (
	"html"
	"net/http"
	"path"
	"strings"

	"slipway/gateway/operate"
)

// copyPage is addresses in one of the forms that people paste.
type copyPage struct {
	Text, Form, Own string
	Count, Missing  int
	IDs             []string
	Back            string
}

// copyForms are the forms, in the order of their buttons.
var copyForms = []struct{ Name, Word string }{
	{"url", "URL"}, {"md", "Markdown"}, {"html", "HTML"}, {"bbcode", "BBCode"},
}

// copy answers POST /copy: the addresses of the pictures that are chosen, a line for
// each. It changes nothing.
func (q *request) copy() error {
	if err := q.form(); err != nil {
		return err
	}
	if err := q.beyondDrop(); err != nil {
		return err
	}
	groups, err := chosen(q.r.PostForm["id"])
	if err != nil {
		return err
	}
	page := copyPage{Form: q.r.PostForm.Get("form"), Own: q.r.PostForm.Get("template"), IDs: q.r.PostForm["id"], Back: q.back()}
	if len(page.Own) > 2000 {
		return wrong("the template is too long; 2,000 characters are the most")
	}
	var lines []string
	for _, g := range groups {
		u, err := q.hosted(g)
		if err != nil {
			return err
		}
		if u == nil {
			page.Missing++
			continue
		}
		lines = append(lines, pasted(*u, page.Form, page.Own))
	}
	page.Text, page.Count = strings.Join(lines, "\n"), len(lines)
	if q.script() {
		if page.Count == 0 {
			return &problem{http.StatusConflict, "none of these has an address yet"}
		}
		return q.done(page.Text, "")
	}
	return q.show(http.StatusOK, "copy", "Copy", page)
}

// hosted returns the first of uploads whose picture has an address, or nil.
func (q *request) hosted(ids []int64) (*operate.Upload, error) {
	for _, id := range ids {
		u, err := q.desk.Upload(q.ctx, id)
		if err != nil {
			return nil, err
		}
		if hostedFirst([]operate.Upload{u}) != nil {
			return &u, nil
		}
	}
	return nil, nil
}

// Forms are the forms to choose from.
func (p copyPage) Forms() any { return copyForms }

// pasted writes an upload's address in a form; one that is not known is the bare
// address, and "own" is a template.
func pasted(u operate.Upload, form, own string) string {
	name := visible(path.Base(u.Path))
	link := u.URL
	if webAddress(u.ViewerURL) != "" {
		link = u.ViewerURL
	}
	image := strings.HasPrefix(u.Type, "image/") || u.Type == ""
	switch form {
	case "md":
		text := "[" + markdown.Replace(name) + "](<" + angle.Replace(u.URL) + ">)"
		if image {
			return "!" + text
		}
		return text
	case "html":
		if image {
			return `<a href="` + html.EscapeString(link) + `"><img src="` + html.EscapeString(u.URL) + `" alt="` + html.EscapeString(name) + `"></a>`
		}
		return `<a href="` + html.EscapeString(u.URL) + `">` + html.EscapeString(name) + `</a>`
	case "bbcode":
		if image {
			return "[url=" + bracket.Replace(link) + "][img]" + bracket.Replace(u.URL) + "[/img][/url]"
		}
		return "[url]" + bracket.Replace(u.URL) + "[/url]"
	case "own":
		return filled(own, u, name, link)
	}
	return u.URL
}

// Addresses and names may hold what means something in a form.
var (
	markdown = strings.NewReplacer(`\`, `\\`, `[`, `\[`, `]`, `\]`, "`", "\\`", `*`, `\*`, `_`, `\_`, `<`, `&lt;`, `!`, `\!`, `&`, `&amp;`)
	angle    = strings.NewReplacer("<", "%3C", ">", "%3E", " ", "%20", "\n", "%0A")
	bracket  = strings.NewReplacer("[", "%5B", "]", "%5D", `"`, "%22", "<", "%3C", ">", "%3E", " ", "%20")
)

// filled fills a person's own template.
func filled(own string, u operate.Upload, name, link string) string {
	return strings.NewReplacer(
		"{url}", u.URL, "{viewer}", link, "{thumbnail}", u.Thumbnail, "{name}", name, "{stem}", strings.TrimSuffix(name, path.Ext(name)),
		"{path}", visible(u.Path), "{destination}", u.Destination, "{size}", size(u.Size), `\n`, "\n", `\t`, "\t",
	).Replace(own)
}
