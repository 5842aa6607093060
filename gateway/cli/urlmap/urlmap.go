// Package urlmap writes maps of addresses from one image host to another, in forms
// that programs read which change them: a table, JSON, the configuration of a web
// server, and a script that edits articles.
package urlmap

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// Pair is one file's address, and the one that takes its place.
type Pair struct {
	Path string `json:"path"` // of the file, for people
	From string `json:"from"`
	To   string `json:"to"`
}

// Writer writes a map. Its memory does not grow with the number of pairs.
type Writer interface {
	// Add adds a pair. Of two with the same From, the first counts where only one can.
	Add(Pair) error
	// End writes what is left, and says what of it could not be written in this form, a
	// sentence each.
	End() (notes []string, err error)
	// Close lets go of what Add took; it may follow End, and need not.
	Close() error
}

// Formats are the forms that New knows.
var Formats = []string{"csv", "json", "nginx", "sed"}

// New returns a writer of a format onto w. Those that have to be sorted are kept in a
// folder of dir ("": the system's for such things) until End.
func New(w io.Writer, format, dir string) (Writer, error) {
	out := bufio.NewWriterSize(w, 64<<10)
	switch format {
	case "csv":
		c := csv.NewWriter(out) // it begins no cell with what a spreadsheet runs: paths begin with "/", URLs with "http"
		c.UseCRLF = true
		return &table{out: out, csv: c}, nil
	case "json":
		e := json.NewEncoder(out)
		e.SetEscapeHTML(false)
		return &objects{out: out, json: e}, nil
	case "nginx":
		return &nginx{out: out, sorted: sorter{dir: dir, less: strings.Compare}}, nil
	case "sed":
		return &sed{out: out, sorted: sorter{dir: dir, less: longestFirst}}, nil
	}
	return nil, fmt.Errorf("there is no format %q", format)
}

// table is CSV (RFC 4180).
type table struct {
	out   *bufio.Writer
	csv   *csv.Writer
	begun bool
}

// begin writes the head, once.
func (t *table) begin() error {
	if t.begun {
		return nil
	}
	t.begun = true
	return t.csv.Write([]string{"path", "from", "to"})
}

// Add writes a line.
func (t *table) Add(p Pair) error {
	if err := t.begin(); err != nil {
		return err
	}
	return t.csv.Write([]string{p.Path, p.From, p.To})
}

// End writes what is left.
func (t *table) End() ([]string, error) {
	if err := t.begin(); err != nil {
		return nil, err
	}
	t.csv.Flush()
	if err := t.csv.Error(); err != nil {
		return nil, err
	}
	return nil, t.out.Flush()
}

// Close does nothing.
func (t *table) Close() error { return nil }

// objects is JSON, an object a line.
type objects struct {
	out  *bufio.Writer
	json *json.Encoder
}

// Add writes a line.
func (o *objects) Add(p Pair) error { return o.json.Encode(p) }

// End writes what is left.
func (o *objects) End() ([]string, error) { return nil, o.out.Flush() }

// Close does nothing.
func (o *objects) Close() error { return nil }

// sayable reports whether an address is one that can stand on a line of its own.
func sayable(url string) bool {
	return !strings.ContainsFunc(url, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// leftOut are the sentences on pairs that a form has no place for.
func leftOut(n int, why string) []string {
	if n == 0 {
		return nil
	}
	return []string{fmt.Sprintf("%d left out: %s", n, why)}
}
