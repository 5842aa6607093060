package sidecar

import (
	"bytes"
	"encoding/csv"
	"fmt"
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
