package webdav

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/url"
	"path"
	"strings"

	"slipway/gateway/webdav/lock"
)

// Bounds of foreign XML.
const (
	depthMax = 64      // elements within elements
	ownerMax = 4 << 10 // bytes that a lock keeps to describe its owner
)

// lockInfo is the body of a LOCK request (RFC 4918 §14.11).
type lockInfo struct {
	XMLName   xml.Name  `xml:"DAV: lockinfo"`
	Exclusive *struct{} `xml:"lockscope>exclusive"`
	Shared    *struct{} `xml:"lockscope>shared"`
	Write     *struct{} `xml:"locktype>write"`
	Owner     owner     `xml:"DAV: owner"`
}

func parseLockInfo(body []byte) (lock.Lock, error) {
	var li lockInfo
	if err := checkXML(body); err != nil {
		return lock.Lock{}, err
	}
	if err := xml.Unmarshal(body, &li); err != nil || (li.Exclusive == nil) == (li.Shared == nil) || li.Write == nil {
		return lock.Lock{}, fail(http.StatusBadRequest, "the body must be a lockinfo with one lockscope and locktype write")
	}
	if len(li.Owner) > ownerMax {
		return lock.Lock{}, fail(http.StatusRequestEntityTooLarge, "the lock's owner is too long")
	}
	return lock.Lock{Shared: li.Shared != nil, Owner: string(li.Owner)}, nil
}

// owner is the content of an element, written anew so that it stands on its own:
// every element declares its namespace, but for D, which is "DAV:".
type owner string

func (o *owner) UnmarshalXML(d *xml.Decoder, start xml.StartElement) error {
	var b strings.Builder
	var open []string
	for {
		t, err := d.Token()
		if err != nil {
			return err
		}
		switch t := t.(type) {
		case xml.StartElement:
			tag, declaration := qualified(t.Name)
			open = append(open, tag)
			b.WriteString("<" + tag + declaration + ">")
		case xml.EndElement:
			if len(open) == 0 {
				*o = owner(strings.TrimSpace(b.String()))
				return nil
			}
			b.WriteString("</" + open[len(open)-1] + ">")
			open = open[:len(open)-1]
		case xml.CharData:
			b.WriteString(escape(string(t)))
		}
	}
}

func qualified(n xml.Name) (tag, declaration string) {
	switch n.Space {
	case "":
		return n.Local, ""
	case "DAV:":
		return "D:" + n.Local, ""
	}
	return "x:" + n.Local, ` xmlns:x="` + escape(n.Space) + `"`
}

// checkXML refuses what is not well-formed XML of one element, what is nested
// beyond reason, and the undoing of a prefix, which XML namespaces forbid (§2.1
// there) and encoding/xml lets through.
func checkXML(body []byte) error {
	malformed := fail(http.StatusBadRequest, "the body is not well-formed XML")
	d := xml.NewDecoder(bytes.NewReader(body))
	depth, roots := 0, 0
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) && depth == 0 && roots == 1 {
			return nil
		}
		if err != nil {
			return malformed
		}
		switch t := t.(type) {
		case xml.StartElement:
			if depth == 0 {
				roots++
			}
			if depth++; depth > depthMax || undoesPrefix(t.Attr) {
				return malformed
			}
		case xml.EndElement:
			depth--
		}
	}
}

func undoesPrefix(attrs []xml.Attr) bool {
	for _, a := range attrs {
		if a.Name.Space == "xmlns" && a.Value == "" {
			return true
		}
	}
	return false
}

// escape writes s as XML text.
func escape(s string) string {
	var b strings.Builder
	xml.EscapeText(&b, []byte(s)) //nolint:errcheck // a strings.Builder never fails
	return b.String()
}

// href returns the URL path of name in the tree, percent-encoded; that of a
// directory ends in a slash.
func (h *Handler) href(name string, dir bool) string {
	p := path.Join(h.Prefix, name)
	if dir && p != "/" {
		p += "/"
	}
	if !strings.HasPrefix(p, "/") {
		p = "/" + p
	}
	return (&url.URL{Path: p}).EscapedPath()
}
