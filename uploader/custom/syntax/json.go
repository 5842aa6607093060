package syntax

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/theory/jsonpath"
)

// prepareJSON reads the path of {json:path} and {json:input|path}.
func prepareJSON(c *call, _ Options) error {
	path, ok := c.args[len(c.args)-1].plain()
	if !ok {
		return nil
	}
	p, err := Path(path)
	if err != nil {
		return err
	}
	c.prepared = p
	return nil
}

// jsonValue returns the first value that the path finds, as text: "" where it finds
// none, null, an object or a list.
func jsonValue(e *Env, c *call, args []string) string {
	path, ok := c.prepared.(*jsonpath.Path)
	if !ok {
		var err error
		if path, err = Path(args[len(args)-1]); err != nil {
			e.trouble("the path in %s cannot be read", c)
			return ""
		}
	}
	r := e.reply()
	if len(args) == 2 {
		r = &Reply{Text: args[0]}
	}
	v, err := r.decode()
	if err != nil {
		e.trouble("the reply is not JSON")
		return ""
	}
	for _, found := range path.Select(v) {
		if s := text(found); s != "" {
			return s
		}
	}
	return ""
}

// decode reads the reply as JSON, once.
func (r *Reply) decode() (any, error) {
	if r.parsed {
		return r.json, r.jsonErr
	}
	r.parsed = true
	d := json.NewDecoder(strings.NewReader(strings.TrimPrefix(r.Text, "\ufeff")))
	d.UseNumber()
	if r.jsonErr = d.Decode(&r.json); r.jsonErr == nil {
		if _, err := d.Token(); err != io.EOF {
			r.json, r.jsonErr = nil, errors.New("something stands behind it")
		}
	}
	return r.json, r.jsonErr
}

// text returns a JSON value as text.
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return fmt.Sprint(v)
	}
	return ""
}

// Path reads a JSON path as ShareX does (in the dialect of Json.NET, without "$"),
// and so writes it as RFC 9535 wants it: data.files[0].url, [0].url, ['a b'], ..url,
// files[?(@.kind == 'raw')].url.
func Path(path string) (*jsonpath.Path, error) {
	standard, err := standardPath(strings.TrimSpace(path))
	if err != nil {
		return nil, err
	}
	p, err := jsonpath.Parse(standard)
	if err != nil {
		return nil, fmt.Errorf("%s is no JSON path: write it as in data.files[0].url", cut(path))
	}
	return p, nil
}

// standardPath turns names into ['name'] and puts "$" in front.
func standardPath(path string) (string, error) {
	rest := strings.TrimPrefix(path, "$")
	if rest == "" {
		return "", errors.New("a JSON path is missing: write it as in data.files[0].url")
	}
	var b strings.Builder
	b.WriteByte('$')
	if rest[0] != '.' && rest[0] != '[' {
		rest = "." + rest
	}
	deep := 0
	for rest != "" {
		switch {
		case strings.HasPrefix(rest, ".."):
			if deep++; deep > 1 {
				return "", fmt.Errorf(`%s has ".." twice, which could take for ever: write the path out`, cut(path))
			}
			b.WriteString("..")
			rest = rest[2:]
			if !strings.HasPrefix(rest, "[") {
				rest = name(&b, rest)
			}
		case rest[0] == '.':
			if rest = rest[1:]; strings.HasPrefix(rest, "[") {
				continue // "$.[0]", as Json.NET takes it
			}
			rest = name(&b, rest)
		case rest[0] == '[':
			n := bracket(rest)
			if n < 0 {
				return "", fmt.Errorf("%s has a bracket that is not closed", cut(path))
			}
			b.WriteString(selector(rest[:n]))
			rest = rest[n:]
		default:
			return "", fmt.Errorf("%s is no JSON path: a dot is missing before %s", cut(path), cut(rest))
		}
	}
	return b.String(), nil
}

// name writes the name that rest begins with as a selector, and returns what follows.
func name(b *strings.Builder, rest string) string {
	n := strings.IndexAny(rest, ".[")
	if n < 0 {
		n = len(rest)
	}
	if rest[:n] == "*" {
		b.WriteString("[*]")
	} else {
		b.WriteString("['" + quoteName(rest[:n]) + "']")
	}
	return rest[n:]
}

// quoteName escapes a name for single quotes (RFC 9535 §2.3.1.1).
func quoteName(s string) string {
	s = escapeJSON(s)
	s = strings.ReplaceAll(s, `\"`, `"`)
	return strings.ReplaceAll(s, "'", `\'`)
}

// bracket returns where the bracket that s begins with ends, or -1.
func bracket(s string) int {
	depth := 0
	quote := byte(0)
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quote != 0 && c == '\\':
			i++
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
		case c == '[':
			depth++
		case c == ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return -1
}

// bareName is a name in brackets that somebody forgot the quotes of.
var bareName = regexp.MustCompile(`^\[\s*[A-Za-z_][A-Za-z0-9_-]*\s*\]$`)

// selector returns a bracket in the standard's form.
func selector(s string) string {
	if bareName.MatchString(s) {
		return "['" + strings.TrimSpace(s[1:len(s)-1]) + "']"
	}
	return s
}
