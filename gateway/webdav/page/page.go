// Package page writes what a browser sees of a folder: one HTML document without
// scripts, a row for each file and folder, written while the rows come.
package page

import (
	"bufio"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"iter"
	"net/http"
	"strings"
	"time"
	"unicode"
)

// Folder is what the page says before its rows.
type Folder struct {
	// Above are the folders on the way from the root, which is first, to this one,
	// which is not among them.
	Above []Link
	Name  string // of the folder; "" for the root
	// Lists are files about the folder as a whole.
	Lists []Link
	// Folders and Files count the rows; Size is that of the files, in bytes.
	Folders, Files int
	Size           int64
	// States: it is known what became of files, and shown.
	States bool
}

// Row is one file or folder.
type Row struct {
	Link
	Dir      bool
	Size     int64     // in bytes; of files
	Modified time.Time // of files
	// Uploads says what became of the file; Unknown, that this could not be told.
	Uploads []Upload
	Unknown bool
	// Beside are files about this one.
	Beside []Link
}

// Link is a name and the address that it leads to, percent-encoded.
type Link struct{ Name, Href string }

// Upload is what became of a file at one destination.
type Upload struct {
	Destination string
	State       string // a word, such as "done"
	Reason      string // a word or a few that say more; ""
	URL         string // of the picture there, http or https; "": none
}

//go:embed page.html
var text string

//go:embed page.css
var style string

var parts = template.Must(template.New("page").Funcs(template.FuncMap{
	"visible": visible, "style": func() template.CSS { return template.CSS(style) },
}).Parse(text))

// Header sets the header fields of the page. Nothing but its own style sheet is
// allowed to it (Content Security Policy Level 3).
func Header(h http.Header) {
	sum := sha256.Sum256([]byte(style))
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+
		"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
}

// Write writes the page. It takes one row after the other and holds none.
func Write(w io.Writer, f Folder, rows iter.Seq[Row]) error {
	b := bufio.NewWriterSize(w, 32<<10)
	if err := parts.ExecuteTemplate(b, "head", f); err != nil {
		return err
	}
	each := rowWriter{b, f.States}
	for r := range rows {
		each.row(&r)
		if _, err := b.Write(nil); err != nil { // of earlier ones
			return err
		}
	}
	if err := parts.ExecuteTemplate(b, "foot", f); err != nil {
		return err
	}
	return b.Flush()
}

// Title is what the page is called.
func (f Folder) Title() string {
	if f.Name == "" {
		return "Home"
	}
	return visible(f.Name)
}

// Content says how much is in the folder.
func (f Folder) Content() string {
	var say []string
	if f.Folders > 0 {
		say = append(say, count(f.Folders, "folder"))
	}
	if f.Files > 0 {
		say = append(say, count(f.Files, "file"), humanSize(f.Size))
	}
	if say == nil {
		return "This folder is empty."
	}
	return strings.Join(say, ", ")
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// standing is how a state is shown: in plain words, and by a kind of colour.
type standing struct{ words, class string }

var standings = map[string]standing{
	"settling":   {"waiting", "going"},
	"sending":    {"sending", "going"},
	"held":       {"on hold", "stuck"},
	"awaiting":   {"sent, not yet approved there", "going"},
	"done":       {"done", "good"},
	"failed":     {"failed", "bad"},
	"ambiguous":  {"not known whether it arrived", "stuck"},
	"superseded": {"not needed any more", "past"},
	"dropped":    {"let go", "past"},
}

// visible returns s without characters that reorder others or break the line.
func visible(s string) string {
	return strings.Map(func(r rune) rune {
		if (r < ' ' || r > '~') && unicode.In(r, unicode.Cc, unicode.Bidi_Control, unicode.Zl, unicode.Zp) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

// humanSize writes a number of bytes with a unit of 1,024.
func humanSize(n int64) string {
	if n < 1<<10 {
		return fmt.Sprintf("%d B", n)
	}
	v, unit := float64(n)/(1<<10), "KiB"
	for _, next := range []string{"MiB", "GiB", "TiB"} {
		if v < 1<<10 {
			break
		}
		v, unit = v/(1<<10), next
	}
	return fmt.Sprintf("%.1f %s", v, unit)
}
