package page

import (
	"bufio"
	"html"
	"strings"
)

// rowWriter writes rows: html/template would take ten times as long, and a folder
// may have tens of thousands.
type rowWriter struct {
	*bufio.Writer
	states bool // there is a column for what became of files
}

// text writes what somebody else chose; it stays text in elements and in quoted
// attributes.
func (w rowWriter) text(s string) { w.WriteString(html.EscapeString(visible(s))) }

// href writes the beginning of a link. An address that is neither a path of this
// server nor of http or https leads nowhere.
func (w rowWriter) href(address string) {
	if !strings.HasPrefix(address, "/") && !strings.HasPrefix(address, "https://") && !strings.HasPrefix(address, "http://") {
		address = "#"
	}
	w.WriteString(`<a href="`)
	w.text(address)
	w.WriteByte('"')
}

func (w rowWriter) row(r *Row) {
	if r.Dir {
		w.WriteString("\n<tr class=\"dir\"><th scope=\"row\">")
	} else {
		w.WriteString("\n<tr><th scope=\"row\">")
	}
	w.href(r.Href)
	w.WriteString("><bdi>")
	w.text(r.Name)
	w.WriteString("</bdi>")
	if r.Dir {
		w.WriteByte('/')
	}
	w.WriteString("</a>")
	w.beside(r)
	w.WriteString(`</th><td class="n">`)
	if !r.Dir {
		w.WriteString(humanSize(r.Size))
	}
	w.WriteString(`</td><td class="t">`)
	if !r.Dir {
		w.Write(r.Modified.UTC().AppendFormat(w.AvailableBuffer(), "2006-01-02 15:04")) //nolint:errcheck // Flush tells
	}
	w.WriteString("</td>")
	if w.states {
		w.uploads(r)
	}
	w.WriteString("</tr>")
}

// beside writes links to the files about this one.
func (w rowWriter) beside(r *Row) {
	if len(r.Beside) == 0 {
		return
	}
	w.WriteString("<small>")
	for _, l := range r.Beside {
		w.WriteByte(' ')
		w.href(l.Href)
		w.label(l.Name, " of ", r.Name)
		w.text(l.Name)
		w.WriteString("</a>")
	}
	w.WriteString("</small>")
}

// label ends the beginning of a link whose few words say more when read out.
func (w rowWriter) label(a, between, b string) {
	w.WriteString(` aria-label="`)
	w.text(a)
	w.WriteString(between)
	w.text(b)
	w.WriteString(`">`)
}

// uploads writes the cell of what became of a file.
func (w rowWriter) uploads(r *Row) {
	w.WriteString("<td>")
	switch {
	case r.Dir:
	case r.Unknown:
		w.WriteString(`<span class="past">cannot be told now</span>`)
	case len(r.Uploads) == 0:
		w.WriteString(`<span class="past">not forwarded</span>`)
	}
	for _, u := range r.Uploads {
		w.WriteString("<div>")
		if u.URL != "" {
			w.href(u.URL)
			w.WriteString(` rel="noopener noreferrer"`)
			w.label(u.Destination, ": ", r.Name)
		}
		w.text(u.Destination)
		if u.URL != "" {
			w.WriteString("</a>")
		}
		w.standing(u)
		w.WriteString("</div>")
	}
	w.WriteString("</td>")
}

func (w rowWriter) standing(u Upload) {
	s, ok := standings[u.State]
	if !ok {
		s = standing{u.State, "past"}
	}
	w.WriteString(` <span class="` + s.class + `">`)
	w.text(s.words)
	w.WriteString("</span>")
	if u.Reason != "" {
		w.WriteString(" <small>")
		w.text(strings.ReplaceAll(u.Reason, "-", " "))
		w.WriteString("</small>")
	}
}
