// Package precondition evaluates the conditions of a request that changes a
// resource (RFC 9110 §13.1).
package precondition

import (
	"net/http"
	"strings"
	"time"
)

// Any reports whether h has any that Hold looks at.
func Any(h http.Header) bool {
	return h.Get("If-Match") != "" || h.Get("If-None-Match") != "" || h.Get("If-Unmodified-Since") != ""
}

// Hold reports whether those of h hold for a resource that exists or does not, its
// entity tag, and the time of its last change. A tag that cannot be parsed matches
// nothing; Joplin sends such.
func Hold(h http.Header, exists bool, etag string, modified time.Time) bool {
	if list := strings.Join(h.Values("If-Match"), ","); list != "" {
		if !matchesAny(list, etag, exists, StrongMatch) {
			return false
		}
	} else if since, err := http.ParseTime(h.Get("If-Unmodified-Since")); err == nil && exists {
		if modified.Truncate(time.Second).After(since) {
			return false
		}
	}
	list := strings.Join(h.Values("If-None-Match"), ",")
	return list == "" || !matchesAny(list, etag, exists, weakMatch)
}

// matchesAny reports whether a list of entity tags, or "*", matches what exists.
func matchesAny(list, etag string, exists bool, match func(a, b string) bool) bool {
	if strings.TrimSpace(list) == "*" {
		return exists
	}
	for list != "" {
		var tag string
		tag, list = nextTag(list)
		if tag != "" && match(tag, etag) {
			return true
		}
	}
	return false
}

// nextTag cuts the first entity tag off list; tag is "" where a malformed one stands.
func nextTag(list string) (tag, rest string) {
	list = strings.TrimLeft(list, " \t,")
	opaque, weak := strings.CutPrefix(list, "W/")
	if strings.HasPrefix(opaque, `"`) {
		if value, rest, ok := strings.Cut(opaque[1:], `"`); ok {
			tag = `"` + value + `"`
			if weak {
				tag = "W/" + tag
			}
			return tag, rest
		}
	}
	_, rest, _ = strings.Cut(list, ",")
	return "", rest
}

// StrongMatch compares as RFC 9110 §8.8.3.2 says for changes.
func StrongMatch(a, b string) bool { return a != "" && a == b && !strings.HasPrefix(a, "W/") }

func weakMatch(a, b string) bool {
	return a != "" && strings.TrimPrefix(a, "W/") == strings.TrimPrefix(b, "W/")
}
