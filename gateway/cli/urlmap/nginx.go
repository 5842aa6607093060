package urlmap

import (
	"bufio"
	"fmt"
	"net/url"
	"strings"
)

// nginx is a list of locations, each of which leads to its new address for good. An
// exact location is found by its bytes, upper and lower case told apart, whatever it is
// made of; nginx's `map` would not tell them apart, and its regular expressions are
// tried one by one.
type nginx struct {
	out            *bufio.Writer
	sorted         sorter
	query, foreign int // pairs that have no place here
}

const nginxHead = `# Written by slipway map. Include this file in the server { … } that answers for the
# old addresses: include /etc/nginx/slipway-map.conf;
`

// Add keeps a pair. What nginx compares is the path, its percent signs resolved.
func (n *nginx) Add(p Pair) error {
	u, err := url.Parse(p.From)
	switch {
	case err != nil || u.Host == "" || !sayable(u.Path) || !sayable(p.To):
		n.foreign++
		return nil
	case u.RawQuery != "" || u.ForceQuery:
		n.query++
		return nil
	}
	return n.sorted.add(rule{from: normal(u.Path), to: target(p.To)})
}

// normal is a path as nginx makes it before it compares: without empty elements, "."
// and "..".
func normal(p string) string {
	var kept []string
	elements := strings.Split(p, "/")
	for i, e := range elements {
		last := i == len(elements)-1
		switch {
		case e == "..":
			kept = kept[:max(0, len(kept)-1)]
		case e != "" && e != ".":
			kept = append(kept, e)
			continue
		}
		if last && len(kept) > 0 {
			kept = append(kept, "")
		}
	}
	return "/" + strings.Join(kept, "/")
}

// target is an address as a header has it: bytes that have no place there, and "$",
// which begins a variable in nginx, as percent signs.
func target(to string) string {
	var b strings.Builder
	for i := range len(to) {
		if c := to[i]; c <= ' ' || c >= 0x7f || c == '$' || c == '"' || c == '\\' {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// quoted is a text between quotation marks, where spaces, semicolons and braces mean
// nothing.
func quoted(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// End writes the locations.
func (n *nginx) End() ([]string, error) {
	if _, err := n.out.WriteString(nginxHead); err != nil {
		return nil, err
	}
	others, err := n.sorted.each(func(r rule) error {
		_, err := fmt.Fprintf(n.out, "location = %s { return 301 %s; }\n", quoted(r.from), quoted(r.to))
		return err
	})
	if err != nil {
		return nil, err
	}
	notes := leftOut(n.query, `an nginx location has no "?": use another format for those`)
	notes = append(notes, leftOut(n.foreign, "they are no addresses of a web server")...)
	notes = append(notes, leftOut(others, "their old path has another new address already")...)
	return notes, n.out.Flush()
}

// Close removes what was kept.
func (n *nginx) Close() error { return n.sorted.close() }
