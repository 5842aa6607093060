package sidecar

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"strings"
	"time"
)

// render is what a view says that is not about a picture.
type render struct {
	folder   string // its path
	canRetry bool
}

// receiptJSON is the form of NAME.json.
type receiptJSON struct {
	Version  int          `json:"version"`
	Path     string       `json:"path"`
	Size     int64        `json:"size"`
	SHA256   string       `json:"sha256"`
	Modified string       `json:"modified"`
	Uploads  []uploadJSON `json:"uploads"`
	Previous []uploadJSON `json:"previous"`
}

type uploadJSON struct {
	Destination  string   `json:"destination"`
	State        string   `json:"state"`
	Reason       string   `json:"reason"`
	URL          string   `json:"url"`
	ViewerURL    string   `json:"viewer_url"`
	ThumbnailURL string   `json:"thumbnail_url"`
	ID           string   `json:"id"`
	Album        string   `json:"album"`
	Category     string   `json:"category"`
	Attempts     int      `json:"attempts"`
	SentAt       *string  `json:"sent_at"`
	NextTry      *string  `json:"next_try,omitempty"`
	Error        string   `json:"error"`
	Remedy       string   `json:"remedy,omitempty"`
	SHA256       string   `json:"sha256,omitempty"`
	Notes        []string `json:"notes,omitempty"`
}

func renderJSON(b *bytes.Buffer, pictures []picture, _ render) {
	p := pictures[0]
	json.NewEncoder(b).Encode(receiptJSON{ //nolint:errcheck // Strings and numbers into memory cannot fail.
		Version:  1,
		Path:     p.path,
		Size:     p.entry.Size,
		SHA256:   p.entry.SHA256.String(),
		Modified: moment(p.entry.Modified),
		Uploads:  uploadsJSON(p.receipt.Uploads),
		Previous: uploadsJSON(p.receipt.Previous),
	})
}

func uploadsJSON(list []Upload) []uploadJSON {
	out := make([]uploadJSON, 0, len(list)) // [] rather than null
	for _, u := range list {
		out = append(out, uploadJSON{
			u.Destination, u.State, u.Reason, u.URL, u.ViewerURL, u.ThumbnailURL, u.ID, u.Album, u.Category,
			u.Attempts, momentJSON(u.SentAt), momentJSON(u.NextTry), u.Error, u.Remedy, u.SHA256, u.Notes,
		})
	}
	return out
}

func momentJSON(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	s := moment(t)
	return &s
}

// renderURL writes an Internet shortcut, which Windows and macOS open.
func renderURL(b *bytes.Buffer, pictures []picture, _ render) {
	fmt.Fprintf(b, "[InternetShortcut]\r\nURL=%s\r\n", pictures[0].links[0].url)
}

func renderText(b *bytes.Buffer, pictures []picture, _ render) {
	for _, l := range pictures[0].links {
		fmt.Fprintln(b, l.url)
	}
}

func renderMarkdown(b *bytes.Buffer, pictures []picture, _ render) {
	p := pictures[0]
	for _, l := range p.links {
		if p.image() {
			b.WriteByte('!')
		}
		fmt.Fprintf(b, "[%s](%s)\n", markdown(p.name), markdownURL(l.url))
	}
}

func renderHTML(b *bytes.Buffer, pictures []picture, _ render) {
	p := pictures[0]
	for _, l := range p.links {
		if p.image() {
			fmt.Fprintf(b, "<img src=\"%s\" alt=\"%s\">\n", html.EscapeString(l.url), html.EscapeString(visible(p.name)))
		} else {
			fmt.Fprintf(b, "<a href=\"%s\">%s</a>\n", html.EscapeString(l.url), html.EscapeString(visible(p.name)))
		}
	}
}

func renderBBCode(b *bytes.Buffer, pictures []picture, _ render) {
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
func renderError(b *bytes.Buffer, pictures []picture, r render) {
	p := pictures[0]
	fmt.Fprintf(b, "%s\n", visible(p.name))
	retry := false
	for _, u := range p.receipt.Uploads {
		if !u.Trouble {
			continue
		}
		retry = retry || u.State != "done"
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
