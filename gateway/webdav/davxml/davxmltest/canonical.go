// Package davxmltest compares XML as RFC 4918 §4.3 does: by expanded names,
// attributes and text, not by prefixes.
package davxmltest

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Canonical returns a document or a run of elements in a form that is the same for
// all that say the same. It reads by encoding/xml alone.
func Canonical(document string) (string, error) {
	whole, _, err := read(document, xml.Name{})
	return whole, err
}

// Children returns the canonical forms of the elements in those called parent.
func Children(document string, parent xml.Name) ([]string, error) {
	_, children, err := read(document, parent)
	return children, err
}

func read(document string, parent xml.Name) (whole string, children []string, err error) {
	d := xml.NewDecoder(strings.NewReader(document))
	var b, text strings.Builder
	var open []xml.Name
	var starts []int
	flush := func() {
		if text.Len() > 0 {
			fmt.Fprintf(&b, "%q", text.String())
			text.Reset()
		}
	}
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			flush()
			return b.String(), children, nil
		}
		if err != nil {
			return "", nil, fmt.Errorf("%w in %q", err, document)
		}
		switch t := token.(type) {
		case xml.StartElement:
			flush()
			open, starts = append(open, t.Name), append(starts, b.Len())
			fmt.Fprintf(&b, "<%s%s>", expanded(t.Name), attributes(t.Attr))
		case xml.EndElement:
			flush()
			b.WriteString("</>")
			n := len(open) - 1
			if n > 0 && open[n-1] == parent {
				children = append(children, b.String()[starts[n]:])
			}
			open, starts = open[:n], starts[:n]
		case xml.CharData:
			text.Write(t)
		}
	}
}

func expanded(n xml.Name) string { return fmt.Sprintf("{%q}%q", n.Space, n.Local) }

func attributes(attrs []xml.Attr) string {
	var list []string
	for _, a := range attrs {
		if a.Name.Space != "xmlns" && a.Name != (xml.Name{Local: "xmlns"}) {
			list = append(list, fmt.Sprintf(" %s=%q", expanded(a.Name), a.Value))
		}
	}
	slices.Sort(list)
	return strings.Join(list, "")
}
