package syntax

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"
)

// Reply is what the host answered.
type Reply struct {
	Text   string
	URL    string // where it came from
	Header http.Header

	parsed  bool
	json    any
	jsonErr error
}

// header returns a header's value; of several, all.
func (r *Reply) header(name string) string {
	return strings.Join(r.Header.Values(strings.TrimSpace(name)), ", ")
}

// Env is what templates are filled in from.
type Env struct {
	// LookUp returns what {file:…}, {key:…} and {secret:…} stand for; form is their
	// second argument.
	LookUp func(function, name, form string) string
	// Secret, if not nil, hears every text that was made of a secret.
	Secret func(text string)
	// File stands for {file:base64}.
	File string
	// Reply is nil while the request is made.
	Reply *Reply
	// Now and Pick are the clock and chance: Pick returns 0 to n-1. nil: the machine's.
	Now  func() time.Time
	Pick func(n int) int
	// Troubles are sentences about what could not be read, gathered on the way.
	Troubles []string
}

// Place is what a template's text becomes a part of.
type Place int

const (
	Plain   Place = iota // nothing that needs escaping
	Address              // an address: names and keys are percent-escaped (RFC 3986 §2.1)
	JSON                 // within quotes: RFC 8259 §7
	XML                  // the text of an element or attribute
)

// Fill returns t filled in. What functions give is escaped as the place wants it.
func (t *Template) Fill(e *Env, at Place) string {
	if t.Empty() {
		return ""
	}
	text, _ := t.fill(e, at)
	return text
}

// fill returns the text, and whether a secret is in it.
func (t *Template) fill(e *Env, at Place) (string, bool) {
	var b strings.Builder
	secret := false
	for _, p := range t.parts {
		if p.call == nil {
			b.WriteString(p.text)
			continue
		}
		text, s := p.call.fill(e, at)
		secret = secret || s
		b.WriteString(text)
	}
	return b.String(), secret
}

// fill returns the value of one function.
func (c *call) fill(e *Env, at Place) (text string, secret bool) {
	if c.isFile() {
		return e.File, false
	}
	if c.fn.passes {
		inner := at
		if at != Address {
			inner = Plain
		}
		text, secret = c.choose(e, inner)
		if at != Address {
			text = at.escape(text)
		}
		return text, secret
	}
	args := make([]string, len(c.args))
	for i, a := range c.args {
		var s bool
		args[i], s = a.fill(e, Plain)
		secret = secret || s
	}
	text = c.fn.value(e, c, args)
	secret = secret || c.fn.name == "secret"
	if secret && e.Secret != nil {
		e.Secret(text)
	}
	if at == Address && !c.fn.data {
		return text, secret
	}
	escaped := at.escape(text)
	if secret && escaped != text && e.Secret != nil {
		e.Secret(escaped)
	}
	return escaped, secret
}

// choose returns one of the arguments of {random:…} or {first:…}.
func (c *call) choose(e *Env, at Place) (text string, secret bool) {
	if c.fn.name == "random" {
		return c.args[e.pick(len(c.args))].fill(e, at)
	}
	for _, a := range c.args {
		if text, secret = a.fill(e, at); text != "" {
			return text, secret
		}
	}
	return "", false
}

func (e *Env) pick(n int) int {
	if e.Pick != nil {
		return e.Pick(n)
	}
	return rand.IntN(n)
}

func (e *Env) lookUp(function, name, form string) string {
	if e.LookUp == nil {
		return ""
	}
	return e.LookUp(function, name, form)
}

// reply returns the reply, or an empty one.
func (e *Env) reply() *Reply {
	if e.Reply == nil {
		e.Reply = &Reply{}
	}
	return e.Reply
}

// trouble notes once what could not be read.
func (e *Env) trouble(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	for _, known := range e.Troubles {
		if known == text {
			return
		}
	}
	e.Troubles = append(e.Troubles, text)
}

func lookUpValue(e *Env, c *call, args []string) string {
	form := ""
	if len(args) > 1 {
		form = strings.ToLower(args[1])
	}
	name := args[0]
	if c.fn.name != "secret" {
		name = strings.ToLower(name)
	}
	return e.lookUp(c.fn.name, name, form)
}

func base64Value(_ *Env, _ *call, args []string) string {
	return base64.StdEncoding.EncodeToString([]byte(args[0]))
}

// escape returns s as the place wants it.
func (at Place) escape(s string) string {
	switch at {
	case Address:
		return escapeAddress(s)
	case JSON:
		return escapeJSON(s)
	case XML:
		return escapeXML(s)
	}
	return s
}

// escapeAddress leaves only unreserved characters (RFC 3986 §2.3) as they are, so
// that the value stays one element of a path or one value of a query.
func escapeAddress(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || strings.IndexByte("-._~", c) >= 0 {
			b.WriteByte(c)
		} else {
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		}
	}
	return b.String()
}

func (e *Env) now() time.Time {
	if e.Now != nil {
		return e.Now()
	}
	return time.Now()
}
