package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"path"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"slipway/gateway/operate"
)

// say writes a line for people.
func (p *program) say(format string, args ...any) {
	fmt.Fprintln(p.stdout, plain(fmt.Sprintf(format, args...))) //nolint:errcheck // sticky
}

// note writes a line that is no answer.
func (p *program) note(format string, args ...any) {
	fmt.Fprintln(p.stderr, plain(fmt.Sprintf(format, args...))) //nolint:errcheck // the screen
}

// object writes v for scripts: JSON in one line.
func (p *program) object(v any) error {
	e := json.NewEncoder(p.stdout)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// plain shows what is not printable as "?": names come from strangers, and must
// neither move a cursor nor begin a line.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, s)
}

// or returns s, or "-" where it is empty.
func or(s string) string {
	if s == "" {
		return "-"
	}
	return plain(s)
}

// when shows a time in full, in this machine's zone.
func when(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Local().Format(time.RFC3339)
}

// block is how many lines of a table are set together: a long table is shown
// while it comes, and takes no memory.
const block = 500

// table is columns for people.
type table struct {
	w    *tabwriter.Writer
	head []string
	n    int
}

func newTable(w io.Writer, head ...string) *table {
	return &table{w: tabwriter.NewWriter(w, 0, 8, 2, ' ', 0), head: head}
}

// row adds a line; the cells went through plain or or.
func (t *table) row(cells ...string) {
	if t.n == 0 {
		fmt.Fprintln(t.w, strings.Join(t.head, "\t")) //nolint:errcheck // sticky
	}
	fmt.Fprintln(t.w, strings.Join(cells, "\t")) //nolint:errcheck // sticky
	if t.n++; t.n%block == 0 {
		t.end()
	}
}

// end shows what was not shown yet.
func (t *table) end() { t.w.Flush() } //nolint:errcheck // sticky

// upload is an upload for scripts. Every key is always there but those that the
// package operate leaves out; due is null where there is no next try.
type upload struct {
	operate.Upload
	Due *time.Time `json:"due"`
}

func forScripts(u operate.Upload) upload { return upload{u, due(u)} }

func due(u operate.Upload) *time.Time {
	if u.Due.IsZero() {
		return nil
	}
	t := u.Due.UTC().Truncate(time.Second)
	return &t
}

// inside returns p as a path of the gateway's: absolute, and clean.
func inside(p string) string { return path.Clean("/" + p) }
