package sidecar

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"html"
	"path"
	"strconv"
	"strings"
)

// heading returns the folder's name for a title.
func (r render) heading() string {
	if r.folder == "/" {
		return "Links"
	}
	return visible(path.Base(r.folder))
}

func renderFolderHTML(b *bytes.Buffer, pictures []*picture, r render) {
	title := html.EscapeString(r.heading())
	fmt.Fprintf(b, `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="referrer" content="no-referrer">
<title>%s</title>
<style>body{font-family:sans-serif}td{padding:.3em .6em;vertical-align:middle}img{max-width:8em;max-height:6em}</style>
</head>
<body>
<h1>%s</h1>
<table>
`, title, title)
	for _, p := range pictures {
		name := html.EscapeString(visible(p.name))
		for _, l := range p.links {
			b.WriteString("<tr><td>")
			if l.thumbnail != "" {
				fmt.Fprintf(b, `<img src="%s" alt="" loading="lazy">`, html.EscapeString(l.thumbnail))
			}
			fmt.Fprintf(b, `</td><td><a href="%s">%s</a></td><td>%s</td><td>`,
				html.EscapeString(l.url), name, html.EscapeString(visible(l.Destination)))
			if l.viewer != "" {
				fmt.Fprintf(b, `<a href="%s">page</a>`, html.EscapeString(l.viewer))
			}
			b.WriteString("</td></tr>\n")
		}
	}
	b.WriteString("</table>\n</body>\n</html>\n")
}

func renderFolderMarkdown(b *bytes.Buffer, pictures []*picture, r render) {
	fmt.Fprintf(b, "# %s\n\n", markdown(r.heading()))
	for _, p := range pictures {
		for _, l := range p.links {
			fmt.Fprintf(b, "- [%s](%s)", markdown(p.name), markdownURL(l.url))
			if l.viewer != "" {
				fmt.Fprintf(b, " ([%s](%s))", markdown(l.Destination), markdownURL(l.viewer))
			}
			b.WriteByte('\n')
		}
	}
}

func renderFolderCSV(b *bytes.Buffer, pictures []*picture, _ render) {
	w := csv.NewWriter(b)
	w.UseCRLF = true // RFC 4180 §2
	w.Write([]string{"file", "destination", "url", "viewer_url", "thumbnail_url", "size", "sha256", "sent_at"})
	for _, p := range pictures {
		for _, l := range p.links {
			w.Write([]string{
				cell(p.name), cell(l.Destination), l.url, l.viewer, l.thumbnail,
				strconv.FormatInt(p.entry.Size, 10), p.entry.SHA256.String(), moment(l.SentAt),
			})
		}
	}
	w.Flush() // into memory, which cannot fail
}

// cell returns s as a spreadsheet shows it rather than calculates it: what begins
// like a formula, in full-width forms too, comes after an apostrophe.
func cell(s string) string {
	s = visible(s)
	if strings.IndexAny(strings.TrimLeft(s, " "), "=+-@＝＋－＠") == 0 {
		return "'" + s
	}
	return s
}

// markdown returns s as text that means nothing in Markdown: a backslash before
// all punctuation that could (CommonMark §2.4).
func markdown(s string) string {
	var b strings.Builder
	for _, r := range visible(s) {
		if strings.ContainsRune("\\`*_{}[]()<>#+!|~&$^:@=\"'", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// markdownURL returns an address that ends no link and holds no character
// reference.
func markdownURL(address string) string { return markdownAddress.Replace(address) }

var markdownAddress = strings.NewReplacer("(", "%28", ")", "%29", "[", "%5B", "]", "%5D", "*", "%2A", "&", "&amp;")
