package syntax

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Where a function gets its value from.
const (
	fromRequest = iota // the file, the keys, the configuration
	fromReply
	fromAnywhere // its arguments, or chance
)

// function is one that templates may use.
type function struct {
	name     string
	min, max int // arguments
	from     int
	// data: its value is text of unknown characters, to be escaped where it stands in
	// an address. Others may give parts of addresses.
	data bool
	// passes: it hands on one of its arguments.
	passes bool
	// prepare checks the arguments that are plain text, and keeps what it made of them.
	prepare func(c *call, o Options) error
	// value returns the result; args are the arguments' values.
	value func(e *Env, c *call, args []string) string
}

// dateName is the name of what "%y" and its like become.
const dateName = "%"

// functions lists every function. Names are in lower case.
var functions = []*function{
	{name: "filename", from: fromRequest, data: true, value: func(e *Env, _ *call, _ []string) string { return e.lookUp("file", "name", "") }},
	{name: "file", min: 1, max: 2, from: fromRequest, data: true, prepare: prepareFile, value: lookUpValue},
	{name: "key", min: 1, max: 2, from: fromRequest, data: true, prepare: prepareKey, value: lookUpValue},
	{name: "secret", min: 1, max: 1, from: fromRequest, data: true, prepare: preparePlain, value: lookUpValue},
	{name: "response", from: fromReply, value: func(e *Env, _ *call, _ []string) string { return e.reply().Text }},
	{name: "responseurl", from: fromReply, value: func(e *Env, _ *call, _ []string) string { return e.reply().URL }},
	{name: "header", min: 1, max: 1, from: fromReply, value: func(e *Env, _ *call, args []string) string { return e.reply().header(args[0]) }},
	{name: "json", min: 1, max: 2, from: fromReply, prepare: prepareJSON, value: jsonValue},
	{name: "regex", min: 1, max: 3, from: fromReply, prepare: prepareRegex, value: regexValue},
	{name: "base64", min: 1, max: 1, from: fromAnywhere, value: base64Value},
	{name: "random", min: 1, max: 1000, from: fromAnywhere, passes: true},
	{name: "first", min: 1, max: 1000, from: fromAnywhere, passes: true},
}

// dateFunction is what "%y" and its like become.
var dateFunction = &function{name: dateName, min: 1, max: 1, from: fromAnywhere, data: true, value: dateValue}

// withoutPeople are ShareX's functions that ask somebody, or show something, while a
// file is sent.
var withoutPeople = map[string]string{
	"prompt":    "asks somebody for a text at each upload, and here is nobody to ask: write the text itself in its place, or {secret:NAME}, {key:title} and so on",
	"inputbox":  "asks somebody for a text at each upload, and here is nobody to ask: write the text itself in its place, or {secret:NAME}, {key:title} and so on",
	"select":    "lets somebody choose at each upload, and here is nobody to ask: write your choice in its place, or {random:a|b} for any",
	"outputbox": "shows a window, and here is nobody to see it: take it away, and leave what is in it",
	"output":    "shows a text in place of an address, and a file needs an address: write what gives it, such as {json:url}",
	"input":     "is the text or link that ShareX sends, and here files are sent: use {file:base64} for the file as text, or the body MultipartFormData or Binary",
	"xml":       "reads the reply by XPath, which is not supported: use {regex:<url>(.*?)</url>|1} with the element's name",
}

// lookUp returns the function called name, or an error that says what to do.
func lookUp(name string) (*function, error) {
	lower := strings.ToLower(strings.TrimSpace(name))
	for _, f := range functions {
		if f.name == lower {
			return f, nil
		}
	}
	if why, ok := withoutPeople[lower]; ok {
		return nil, fmt.Errorf("{%s} %s", lower, why)
	}
	all := make([]string, len(functions))
	for i, f := range functions {
		all[i] = f.name
	}
	return nil, fmt.Errorf(`there is no function %s; write \{ for a brace of its own. There are: %s`, cut("{"+name+"}"), strings.Join(all, ", "))
}

// known reports whether name is a function's, or one that is refused by name.
func known(name string) bool {
	lower := strings.ToLower(name)
	_, refused := withoutPeople[lower]
	return refused || slices.ContainsFunc(functions, func(f *function) bool { return f.name == lower })
}

// arity says how many arguments f has got, and may have.
func (f *function) arity(n int) string {
	want := fmt.Sprintf("%d to %d", f.min, f.max)
	if f.min == f.max {
		want = fmt.Sprint(f.min)
	}
	return fmt.Sprintf("%d arguments, and needs %s", n, want)
}

// leastDigits of a SHA-256 tell files apart that nobody made to be alike.
const leastDigits = 16

// fileArgs are what {file:…} tells.
var fileArgs = []string{"name", "stem", "ext", "type", "size", "sha256", "upload", "base64"}

// Keys are the per-upload keys that {key:…} tells.
var Keys = []string{"album_id", "category_id", "title", "description", "tags", "nsfw", "expiration", "width", "use_file_date"}

// prepareFile checks {file:…}.
func prepareFile(c *call, _ Options) error {
	name, err := oneOf(c, fileArgs)
	if err != nil || len(c.args) == 1 {
		return err
	}
	form, ok := c.args[1].plain()
	if n, err := strconv.Atoi(form); ok && name == "sha256" && err == nil && n >= leastDigits && n <= 64 {
		return nil
	}
	if !ok || name != "sha256" || !strings.EqualFold(form, "base64") {
		return fmt.Errorf("only {file:sha256|base64} and {file:sha256|20}, the first %d to 64 digits, have a second argument", leastDigits)
	}
	return nil
}

// prepareKey checks {key:…}.
func prepareKey(c *call, _ Options) error {
	name, err := oneOf(c, Keys)
	if err != nil || len(c.args) == 1 {
		return err
	}
	if form, ok := c.args[1].plain(); !ok || name != "expiration" || !strings.EqualFold(form, "seconds") {
		return fmt.Errorf("only {key:expiration|seconds} has a second argument")
	}
	return nil
}

// oneOf returns c's first argument, which is to be one of known.
func oneOf(c *call, known []string) (string, error) {
	name, ok := c.args[0].plain()
	name = strings.ToLower(name)
	if !ok || !slices.Contains(known, name) {
		return "", fmt.Errorf("it is not known; there are: %s", strings.Join(known, ", "))
	}
	return name, nil
}

// preparePlain wants an argument without functions.
func preparePlain(c *call, _ Options) error {
	if name, ok := c.args[0].plain(); !ok || name == "" {
		return fmt.Errorf("a name is expected")
	}
	return nil
}

// isFile reports whether c is {file:base64}.
func (c *call) isFile() bool {
	if c.fn.name != "file" {
		return false
	}
	name, _ := c.args[0].plain()
	return strings.EqualFold(name, "base64")
}

// ofReply reports whether c's value is the reply's. {json:input|path} and
// {regex:input|pattern|group} are their arguments'.
func (c *call) ofReply() bool {
	switch c.fn.name {
	case "json":
		return len(c.args) < 2
	case "regex":
		return len(c.args) < 3
	}
	return c.fn.from == fromReply
}

// NeedsReply returns a function of t that needs the host's reply, or "".
func (t *Template) NeedsReply() string {
	found := ""
	t.walk(func(c *call) {
		if found == "" && c.ofReply() {
			found = c.String()
		}
	})
	return found
}
