package sidecar

import (
	"net/url"
	"strings"
	"time"

	"slipway/vfs"
	"slipway/vfs/blob"
)

// picture is a file and its receipt.
type picture struct {
	path    string // in this view
	name    string
	stem    string // what its views' names begin with, in a listing
	entry   content
	receipt Receipt
	links   []link // where it is done, in the order of the route
}

// content is what the views say of an entry itself. A listing has one of each file.
type content struct {
	ID       vfs.ID
	Size     int64
	SHA256   blob.Sum
	Type     string
	Modified time.Time
}

func newPicture(path string, entry *vfs.Entry, name string, receipt Receipt) picture {
	p := picture{
		path: path, name: name, receipt: receipt,
		entry: content{entry.ID, entry.Size, entry.SHA256, entry.Type, entry.Modified},
	}
	for i := range receipt.Uploads {
		u := &receipt.Uploads[i]
		if u.State != "done" || u.Gone {
			continue
		}
		if url := Address(u.URL); url != "" {
			p.links = append(p.links, link{u, url, Address(u.ViewerURL), Address(u.ThumbnailURL)})
		}
	}
	return p
}

// link is one destination at which a picture can be seen, with safe addresses.
type link struct {
	*Upload
	url, viewer, thumbnail string // viewer and thumbnail may be ""
}

func (p *picture) known() bool {
	return len(p.receipt.Uploads)+len(p.receipt.Previous)+len(p.receipt.Links) > 0
}

func (p *picture) linked() bool { return len(p.links) > 0 }

func (p *picture) troubled() bool {
	for i := range p.receipt.Uploads {
		if p.receipt.Uploads[i].Trouble {
			return true
		}
	}
	for i := range p.receipt.Links {
		if p.receipt.Links[i].Trouble() {
			return true
		}
	}
	return false
}

// image reports whether the bytes are a picture that can be shown in a text.
func (p *picture) image() bool { return strings.HasPrefix(p.entry.Type, "image/") }

// Address returns raw as a link may have it, or "" where it may not: http or
// https with a host and without a password, and percent-escaped where a byte
// could end it in any of the formats here.
func Address(raw string) string {
	if raw == "" {
		return ""
	}
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "http" && u.Scheme != "https" {
		return ""
	}
	const hex = "0123456789ABCDEF"
	safe := func(c byte) bool { return c > ' ' && c < 0x7f && strings.IndexByte("\"<>\\^`{|}", c) < 0 }
	clean := true
	for i := range len(raw) {
		clean = clean && safe(raw[i])
	}
	if clean {
		return raw
	}
	var b strings.Builder
	for i := range len(raw) {
		if c := raw[i]; safe(c) {
			b.WriteByte(c)
		} else {
			b.Write([]byte{'%', hex[c>>4], hex[c&15]})
		}
	}
	return b.String()
}

// visible returns s on one line, without characters that hide or reorder others.
func visible(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r < ' ', r >= 0x7f && r < 0xa0, r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069,
			r == 0x2028, r == 0x2029, r == 0x200e, r == 0x200f, r == 0x061c:
			return '\ufffd'
		}
		return r
	}, s)
}

// moment returns t as all of these files show it: RFC 3339 in UTC, in seconds.
func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
