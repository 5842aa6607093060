// Package ifheader reads WebDAV's If request header (RFC 4918 §10.4).
package ifheader

import (
	"errors"
	"fmt"
	"strings"
)

// ErrSyntax is wrapped by every error of [Parse].
var ErrSyntax = errors.New("malformed If header")

// Header is a whole If header: it holds if any of its lists does.
type Header []List

// List holds if all of its conditions do.
type List struct {
	// Resource is the URI or path that the conditions are about, as it was sent;
	// "" is the request's own.
	Resource   string
	Conditions []Condition
}

// Condition is one test of a resource's state. Exactly one of Token and ETag is set.
type Condition struct {
	Not   bool
	Token string // a lock token or another state token, without the angle brackets
	ETag  string // an entity tag, quotes and W/ included
}

// State answers what a condition asks about a resource ("": the request's own).
type State interface {
	// Locked reports whether a lock named token covers the resource.
	Locked(resource, token string) bool
	// Tagged reports whether the resource's present entity tag is etag.
	Tagged(resource, etag string) bool
}

// Match evaluates the header against s.
func (h Header) Match(s State) bool {
	for _, l := range h {
		if l.match(s) {
			return true
		}
	}
	return false
}

func (l List) match(s State) bool {
	for _, c := range l.Conditions {
		ok := false
		if c.Token != "" {
			ok = s.Locked(l.Resource, c.Token)
		} else {
			ok = s.Tagged(l.Resource, c.ETag)
		}
		if ok == c.Not {
			return false
		}
	}
	return true
}

// Tokens returns the state tokens that the header submits: all but negated ones,
// in whatever list they stand (RFC 4918 §6.5, §10.4.1).
func (h Header) Tokens() []string {
	var out []string
	for _, l := range h {
		for _, c := range l.Conditions {
			if c.Token != "" && !c.Not {
				out = append(out, c.Token)
			}
		}
	}
	return out
}

// String writes the header in its canonical form, which Parse reads back.
func (h Header) String() string {
	var b strings.Builder
	for i, l := range h {
		if i > 0 {
			b.WriteByte(' ')
		}
		if l.Resource != "" {
			fmt.Fprintf(&b, "<%s> ", l.Resource)
		}
		b.WriteByte('(')
		for j, c := range l.Conditions {
			if j > 0 {
				b.WriteByte(' ')
			}
			b.WriteString(c.String())
		}
		b.WriteByte(')')
	}
	return b.String()
}

// String writes one condition as it stands within a list.
func (c Condition) String() string {
	s := "[" + c.ETag + "]"
	if c.Token != "" {
		s = "<" + c.Token + ">"
	}
	if c.Not {
		return "Not " + s
	}
	return s
}
