// Package sxcu reads custom uploader files of ShareX (.sxcu): those of version 13.7.2
// and later, of 12.4 to 13.7.1, whose functions stand between dollars, and of before,
// whose keys had other names.
package sxcu

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"slipway/uploader/custom/syntax"
)

// MaxSize is how many bytes a file may have.
const MaxSize = 1 << 20

// Pair is one parameter, header or argument, in the file's order.
type Pair struct {
	Name, Value string
}

// File is a custom uploader as it is written.
type File struct {
	Version, Name, DestinationType string
	Method                         string // in capitals; "" where the file says nothing
	URL                            string
	Parameters, Headers, Arguments []Pair
	Body                           string // one of the constants below
	FileFormName                   string
	Data                           string
	// ResultURL, Thumbnail, Deletion and Error are templates over the reply.
	ResultURL, Thumbnail, Deletion, Error string
	// Regexes are what {regex:1} counts, in files of early versions.
	Regexes []string
	// Form is how functions are marked.
	Form syntax.Form
	// Ignored are keys that mean nothing.
	Ignored []string

	lines map[string]int
}

// The kinds of Body.
const (
	None      = "none"
	Multipart = "multipart"
	URLForm   = "form"
	JSON      = "json"
	XML       = "xml"
	Binary    = "binary"
)

// Line returns the line of a key as the file writes it, from 1; 0 where it is not
// there. Name may be "Headers", or "Headers/Accept" for one of its own.
func (f *File) Line(name string) int { return f.lines[strings.ToLower(name)] }

// Error is a mistake in a file.
type Error struct {
	Line int // from 1; 0: not of one line
	Text string
}

// Error returns the text with its line.
func (e *Error) Error() string {
	if e.Line > 0 {
		return fmt.Sprintf("line %d: %s", e.Line, e.Text)
	}
	return e.Text
}

// Parse reads a file. Its errors are *Errors.
func Parse(content []byte) (*File, error) {
	if len(content) > MaxSize {
		return nil, &Error{Text: fmt.Sprintf("it is over %d KiB, and so no custom uploader", MaxSize>>10)}
	}
	values, lines, err := object(content)
	if err != nil {
		return nil, err
	}
	f := &File{lines: lines}
	r := &reader{file: f, values: values}
	r.all()
	if r.err != nil {
		return nil, r.err
	}
	if err := f.settle(r); err != nil {
		return nil, err
	}
	return f, nil
}

// reader takes the values out of a file's object.
type reader struct {
	file   *File
	values map[string]any // keys in lower case
	err    error
}

// all reads every key that any version has.
func (r *reader) all() {
	f := r.file
	for _, text := range []struct {
		key string
		to  *string
	}{
		{"version", &f.Version}, {"name", &f.Name}, {"destinationtype", &f.DestinationType}, {"requesturl", &f.URL},
		{"fileformname", &f.FileFormName}, {"data", &f.Data}, {"url", &f.ResultURL}, {"thumbnailurl", &f.Thumbnail},
		{"deletionurl", &f.Deletion}, {"errormessage", &f.Error}, {"requestmethod", &f.Method}, {"body", &f.Body},
	} {
		*text.to = r.text(text.key)
	}
	f.Parameters, f.Headers, f.Arguments = r.pairs("parameters"), r.pairs("headers"), r.pairs("arguments")
	f.Regexes = r.list("regexlist")
}

// take removes and returns a value.
func (r *reader) take(key string) (any, bool) {
	v, ok := r.values[key]
	delete(r.values, key)
	return v, ok && v != nil
}

func (r *reader) fail(key, format string, args ...any) {
	if r.err == nil {
		r.err = &Error{Line: r.file.Line(key), Text: fmt.Sprintf(format, args...)}
	}
}

// text returns a value that is to be text; numbers and truth values are taken as such.
func (r *reader) text(key string) string {
	v, ok := r.take(key)
	if !ok {
		return ""
	}
	s, ok := plain(v)
	if !ok {
		r.fail(key, "%s is to be text in quotes", proper(key))
	}
	return s
}

// pairs returns a value that is to be an object of texts.
func (r *reader) pairs(key string) (pairs []Pair) {
	v, ok := r.take(key)
	if !ok {
		return nil
	}
	members, ok := v.([]member)
	if !ok {
		r.fail(key, `%s is to be names and values, as in {"name": "value"}`, proper(key))
		return nil
	}
	for _, m := range members {
		s, ok := plain(m.value)
		if !ok && m.value != nil {
			r.fail(key+"/"+strings.ToLower(m.name), "%s: the value of %q is to be text in quotes", proper(key), m.name)
		}
		pairs = slices.DeleteFunc(pairs, func(p Pair) bool { return p.Name == m.name })
		pairs = append(pairs, Pair{m.name, s})
	}
	return pairs
}

// list returns a value that is to be a list of texts.
func (r *reader) list(key string) (texts []string) {
	v, ok := r.take(key)
	if !ok {
		return nil
	}
	items, ok := v.([]any)
	if !ok {
		r.fail(key, `%s is to be a list of texts, as in ["a", "b"]`, proper(key))
		return nil
	}
	for _, item := range items {
		s, ok := plain(item)
		if !ok {
			r.fail(key, `%s is to be a list of texts, as in ["a", "b"]`, proper(key))
		}
		texts = append(texts, s)
	}
	return texts
}

// names are the keys as ShareX writes them.
var names = []string{
	"Version", "Name", "DestinationType", "RequestMethod", "RequestURL", "Parameters", "Headers", "Body", "Arguments", "FileFormName",
	"Data", "URL", "ThumbnailURL", "DeletionURL", "ErrorMessage", "RegexList", "RequestType", "RequestFormat", "ResponseType",
}

func proper(key string) string {
	for _, n := range names {
		if strings.EqualFold(n, key) {
			return n
		}
	}
	return key
}

// settle makes one meaning of what the versions wrote differently.
func (f *File) settle(r *reader) error {
	old := f.Version != "" && !after(f.Version, 13, 7, 1)
	early := r.text("requesttype")
	format := strings.ToLower(r.text("requestformat"))
	f.early(strings.ToLower(r.text("responsetype")), early, format)
	if r.err != nil {
		return r.err
	}
	f.Method = strings.ToUpper(strings.TrimSpace(f.Method))
	body, ok := bodies[strings.ToLower(strings.TrimSpace(f.Body))]
	if !ok {
		return &Error{f.Line("body"), fmt.Sprintf("Body: %q is not known; there are None, MultipartFormData, FormURLEncoded, JSON, XML and Binary", f.Body)}
	}
	if f.Body = body; strings.TrimSpace(f.URL) == "" {
		return &Error{f.Line("requesturl"), "RequestURL is missing: a custom uploader says there where files are sent"}
	}
	if err := f.takesFiles(); err != nil {
		return err
	}
	f.Form = syntax.FormOf(f.texts(), old)
	for key := range r.values {
		f.Ignored = append(f.Ignored, key)
	}
	slices.Sort(f.Ignored)
	return nil
}

// bodies are the names of Body, and their numbers.
var bodies = map[string]string{
	"": None, "none": None, "multipartformdata": Multipart, "formurlencoded": URLForm, "json": JSON, "xml": XML, "binary": Binary,
	"0": None, "1": Multipart, "2": URLForm, "3": JSON, "4": XML, "5": Binary,
}

// early gives a file of before 12.4 the keys of today.
func (f *File) early(response, method, format string) {
	if f.Method == "" {
		f.Method = method
	}
	if f.Body == "" && f.lines["requestmethod"] == 0 {
		switch format {
		case "", "automatic", "multipartformdata":
			f.Body = "multipartformdata"
		case "urlquerystring":
			f.Parameters, f.Arguments = append(f.Parameters, f.Arguments...), nil
		default:
			f.Body = format
		}
	}
	if f.Body == "" && f.FileFormName != "" && format == "" {
		f.Body = "multipartformdata" // left out by hand: ShareX writes it
	}
	if f.ResultURL != "" {
		return
	}
	switch response {
	case "redirectionurl":
		f.ResultURL = "$responseurl$"
	case "headers", "locationheader":
		f.ResultURL = "$header:Location$"
	}
}

// takesFiles refuses uploaders for something else than files.
func (f *File) takesFiles() error {
	t := strings.ToLower(f.DestinationType)
	if strings.TrimSpace(t) == "" || t == "none" || t == "0" || strings.Contains(t, "imageuploader") || strings.Contains(t, "fileuploader") {
		return nil
	}
	if n, err := strconv.Atoi(t); err == nil && n&(1|4) != 0 { // flags: image 1, text 2, file 4
		return nil
	}
	return &Error{f.Line("destinationtype"), fmt.Sprintf("DestinationType is %q: it takes no files. Use an uploader whose DestinationType has ImageUploader or FileUploader", f.DestinationType)}
}

// texts returns everything that may have functions.
func (f *File) texts() []string {
	texts := []string{f.URL, f.Data, f.ResultURL, f.Thumbnail, f.Deletion, f.Error}
	for _, pairs := range [][]Pair{f.Parameters, f.Headers, f.Arguments} {
		for _, p := range pairs {
			texts = append(texts, p.Value)
		}
	}
	return texts
}

// after reports whether version is later than the one given.
func after(version string, than ...int) bool {
	parts := strings.Split(strings.TrimSpace(version), ".")
	for i, want := range than {
		n := 0
		if i < len(parts) {
			n, _ = strconv.Atoi(strings.TrimSpace(parts[i])) // what is no number counts as 0
		}
		if n != want {
			return n > want
		}
	}
	return false
}

// Place is where err stands in the file called name, as people read it.
func Place(name string, err error) error {
	var e *Error
	if !errors.As(err, &e) {
		return fmt.Errorf("%s: %w", name, err)
	}
	if e.Line == 0 {
		return fmt.Errorf("%s: %s", name, e.Text)
	}
	return fmt.Errorf("%s:%d: %s", name, e.Line, e.Text)
}
