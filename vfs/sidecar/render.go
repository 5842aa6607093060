package sidecar

import (
	"bytes"
	"fmt"
	"html"
	"strings"
)

// render is what a view says that is not about a picture.
type render struct {
	folder   string // its path
	canRetry bool
}

// renderURL writes an Internet shortcut, which Windows and macOS open.
func renderURL(b *bytes.Buffer, pictures []*picture, _ render) {
	b.WriteString("[InternetShortcut]\r\nURL=")
	b.WriteString(pictures[0].links[0].url)
	b.WriteString("\r\n")
}

func renderText(b *bytes.Buffer, pictures []*picture, _ render) {
	for _, l := range pictures[0].links {
		b.WriteString(l.url)
		b.WriteByte('\n')
	}
}

func renderMarkdown(b *bytes.Buffer, pictures []*picture, _ render) {
	p := pictures[0]
	for _, l := range p.links {
		if p.image() {
			b.WriteByte('!')
		}
		fmt.Fprintf(b, "[%s](%s)\n", markdown(p.name), markdownURL(l.url))
	}
}

func renderHTML(b *bytes.Buffer, pictures []*picture, _ render) {
	p := pictures[0]
	for _, l := range p.links {
		if p.image() {
			fmt.Fprintf(b, "<img src=\"%s\" alt=\"%s\">\n", html.EscapeString(l.url), html.EscapeString(visible(p.name)))
		} else {
			fmt.Fprintf(b, "<a href=\"%s\">%s</a>\n", html.EscapeString(l.url), html.EscapeString(visible(p.name)))
		}
	}
}

func renderBBCode(b *bytes.Buffer, pictures []*picture, _ render) {
	p := pictures[0]
	for _, l := range p.links {
		tag := "url"
		if p.image() {
			tag = "img"
		}
		fmt.Fprintf(b, "[%s]%s[/%s]\n", tag, brackets.Replace(l.url), tag)
	}
}

// brackets would end a BBCode tag.
var brackets = strings.NewReplacer("[", "%5B", "]", "%5D")

// renderError says for each destination in trouble what happened and what to do.
func renderError(b *bytes.Buffer, pictures []*picture, r render) {
	p := pictures[0]
	fmt.Fprintf(b, "%s\n", visible(p.name))
	retry := false
	for _, u := range p.receipt.Uploads {
		if !u.Trouble {
			continue
		}
		retry = true
		fmt.Fprintf(b, "\n%s: %s\n", visible(u.Destination), u.standing())
		for _, line := range []struct{ label, text string }{
			{"What happened", u.Error},
			{"What to do", u.Remedy},
			{"Next try", moment(u.NextTry)},
		} {
			if line.text != "" {
				fmt.Fprintf(b, "  %s: %s\n", line.label, visible(line.text))
			}
		}
	}
	retry = renderLinks(b, p.receipt.Links) || retry
	if r.canRetry && retry {
		fmt.Fprint(b, "\nDelete this file to try again now.\n")
	}
}

// standing says in plain words where an upload in trouble stands.
func (u Upload) standing() string {
	tries := fmt.Sprintf("%d tries", u.Attempts)
	if u.Attempts == 1 {
		tries = "1 try"
	}
	switch u.State {
	case "done":
		return "sent, but its URL is not known."
	case "failed":
		return "not sent; given up after " + tries + "."
	case "held":
		return "not sent; it waits until this is put right."
	case "sending":
		return "it is being tried again now."
	case "ambiguous":
		return "it is not known whether the picture arrived."
	}
	if u.Attempts == 0 {
		return "not sent yet."
	}
	return "not sent yet, after " + tries + "."
}
