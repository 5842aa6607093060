package sidecar

import (
	"bytes"
	_ "embed"
	"html"
)

//go:embed gallery.css
var galleryStyle string

// renderFolderHTML writes a gallery: a card for each picture, with its thumbnail, where
// it is hosted, and the addresses to be copied. It has no scripts. To list a folder is
// to find out how long this is, so it is written without detours.
func renderFolderHTML(b *bytes.Buffer, pictures []*picture, r render) {
	title := html.EscapeString(r.heading())
	b.WriteString("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n" +
		"<meta name=\"viewport\" content=\"width=device-width\">\n<meta name=\"referrer\" content=\"no-referrer\">\n<title>")
	b.WriteString(title)
	b.WriteString("</title>\n<style>")
	b.WriteString(galleryStyle)
	b.WriteString("</style>\n</head>\n<body>\n<h1>")
	b.WriteString(title)
	b.WriteString("</h1>\n<main>\n")
	for _, p := range pictures {
		if p.linked() {
			p.card(b)
		}
	}
	b.WriteString("</main>\n</body>\n</html>\n")
}

// card writes one picture of a gallery.
func (p *picture) card(b *bytes.Buffer) {
	name, first := escape(visible(p.name)), escape(p.links[0].url)
	b.WriteString("<figure>")
	if shown := p.preview(); shown != "" {
		put(b, `<a href="`, first, `"><img src="`, escape(shown), `" alt="`, name, `" loading="lazy"></a>`)
	}
	put(b, "<figcaption><b>", name, "</b>")
	for i := range p.links {
		l, address := &p.links[i], first
		if i > 0 {
			address = escape(l.url)
		}
		put(b, `<p><a href="`, address, `">`, escape(visible(l.Destination)), "</a>")
		if l.viewer != "" {
			put(b, ` · <a href="`, escape(l.viewer), `">page</a>`)
		}
		put(b, "<code>", address, "</code></p>")
	}
	b.WriteString("</figcaption></figure>\n")
}

// preview returns the address of a small picture, of the picture itself where there
// is none, or "" where the file is no picture.
func (p *picture) preview() string {
	for i := range p.links {
		if t := p.links[i].thumbnail; t != "" {
			return t
		}
	}
	if p.image() {
		return p.links[0].url
	}
	return ""
}

func put(b *bytes.Buffer, parts ...string) {
	for _, s := range parts {
		b.WriteString(s)
	}
}

// escape is html.EscapeString, quicker where there is nothing to do.
func escape(s string) string {
	for i := range len(s) {
		switch s[i] {
		case '&', '<', '>', '"', '\'':
			return html.EscapeString(s)
		}
	}
	return s
}
