// Package show is the form of what commands answer: lines and tables for people,
// JSON for scripts, and what goes beside the answer.
package show

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
	"unicode/utf8"

	"slipway/gateway/operate"
)

// Screen is where a command answers. It is for one goroutine at a time.
type Screen struct {
	// Out takes the answer, and Err what is beside it: notes and errors.
	Out *Sticky
	Err io.Writer
}

// Sticky is a writer that keeps its first error, and is then not written to again.
type Sticky struct {
	W   io.Writer
	Err error
}

// Write writes to the writer below.
func (s *Sticky) Write(b []byte) (int, error) {
	if s.Err != nil {
		return 0, s.Err
	}
	n, err := s.W.Write(b)
	s.Err = err
	return n, err
}

// Say answers a line for people. An error stays in Out.
func (s *Screen) Say(format string, args ...any) {
	fmt.Fprintln(s.Out, Plain(fmt.Sprintf(format, args...))) //nolint:errcheck // sticky
}

// Note writes a line that is no answer.
func (s *Screen) Note(format string, args ...any) {
	fmt.Fprintln(s.Err, Plain(fmt.Sprintf(format, args...))) //nolint:errcheck // the screen
}

// Complain says what went wrong, each line of it with the program's name; nothing
// where err is nil or has no text.
func (s *Screen) Complain(err error) {
	if err == nil {
		return
	}
	for line := range strings.Lines(err.Error()) {
		fmt.Fprintf(s.Err, "slipway: %s\n", Plain(strings.TrimSuffix(line, "\n"))) //nolint:errcheck // the last resort
	}
}

// Object answers v for scripts: JSON in one line. The error is Out's, too.
func (s *Screen) Object(v any) error {
	e := json.NewEncoder(s.Out)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// Plain shows what is not printable as "?": names come from strangers, and must
// neither move a cursor nor begin a line.
func Plain(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, s)
}

// Or returns s, or "-" where it is empty.
func Or(s string) string {
	if s == "" {
		return "-"
	}
	return Plain(s)
}

// When shows a time in full, in this machine's zone.
func When(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Local().Format(time.RFC3339)
}

// block is how many lines of a table are set together: a long table is shown
// while it comes, and takes no memory.
const block = 500

// Table is columns for people.
type Table struct {
	w    *tabwriter.Writer
	head []string
	n    int
}

// NewTable begins a table with these titles, shown with the first row.
func NewTable(w io.Writer, head ...string) *Table {
	return &Table{w: tabwriter.NewWriter(w, 0, 8, 2, ' ', 0), head: head}
}

// Row adds a line; the cells went through [Plain] or [Or].
func (t *Table) Row(cells ...string) {
	if t.n == 0 {
		fmt.Fprintln(t.w, strings.Join(t.head, "\t")) //nolint:errcheck // sticky
	}
	fmt.Fprintln(t.w, strings.Join(cells, "\t")) //nolint:errcheck // sticky
	if t.n++; t.n%block == 0 {
		t.End()
	}
}

// Rows returns how many rows there were.
func (t *Table) Rows() int { return t.n }

// End shows what was not shown yet.
func (t *Table) End() { t.w.Flush() } //nolint:errcheck // sticky

// Upload is an upload for scripts. Every key is always there but those that the
// package operate leaves out; due is null where there is no next try.
type Upload struct {
	operate.Upload
	Due *time.Time `json:"due"`
}

// ForScripts returns u in that form.
func ForScripts(u operate.Upload) Upload { return Upload{u, Due(u)} }

// Due returns when the next try is, in whole seconds; nil: there is none.
func Due(u operate.Upload) *time.Time {
	if u.Due.IsZero() {
		return nil
	}
	t := u.Due.UTC().Truncate(time.Second)
	return &t
}

// Count says "1 upload" or "2 uploads".
func Count(n int, of string) string {
	if n != 1 {
		of += "s"
	}
	return fmt.Sprintf("%d %s", n, of)
}

// Sentence gives a text that begins in the midst of one the form of a sentence.
func Sentence(text string) string {
	if text != "" && !strings.ContainsAny(text[len(text)-1:], ".!?") {
		text += "."
	}
	return begun(text)
}

// Sentences puts an error and its remedy behind each other.
func Sentences(text, remedy string) string {
	if text == "" || remedy == "" {
		return text + remedy
	}
	return strings.TrimRight(text, ".") + ". " + begun(remedy)
}

// begun returns a sentence with a capital at its beginning, unless it begins with
// something that is written as it is: a key of the configuration, an address.
func begun(text string) string {
	word, rest, _ := strings.Cut(text, " ")
	if text == "" || strings.HasPrefix(rest, "=") || strings.ContainsFunc(strings.TrimRight(word, ",;:."), func(r rune) bool { return !unicode.IsLetter(r) && r != '\'' && r != '-' }) {
		return text
	}
	first, size := utf8.DecodeRuneInString(text)
	return string(unicode.ToUpper(first)) + text[size:]
}

// StateOf is an upload's state with its reason: "held (no-album)".
func StateOf(u operate.Upload) string {
	if u.Reason == "" {
		return u.State
	}
	return fmt.Sprintf("%s (%s)", u.State, u.Reason)
}
