package pattern

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"slipway/vfs"
)

func TestPatternMatch(t *testing.T) {
	tests := []struct {
		pattern, path string
		want          map[string]string // nil: no match
	}{
		{"/inbox/{rest...}", "/inbox/a.jpg", map[string]string{"rest": "a.jpg"}},
		{"/inbox/{rest...}", "/inbox/b/c/a.jpg", map[string]string{"rest": "b/c/a.jpg"}},
		{"/inbox/{rest...}", "/inbox", nil},
		{"/inbox/{rest...}", "/inbox/", nil},
		{"/inbox/{rest...}", "/Inbox/a.jpg", nil},
		{"/inbox/{rest...}", "/inboxes/a.jpg", nil},
		{"/inbox/{rest...}", "inbox/a.jpg", nil},
		{"/{rest...}", "/a.jpg", map[string]string{"rest": "a.jpg"}},
		{"/{rest...}", "/", nil},
		{"/products/{category}/{rest...}", "/products/shoes/x/a.jpg", map[string]string{"category": "shoes", "rest": "x/a.jpg"}},
		{"/products/{category}/{rest...}", "/products/a.jpg", nil},
		{"/products/{category}/{file}", "/products/shoes/a.jpg", map[string]string{"category": "shoes", "file": "a.jpg"}},
		{"/products/{category}/{file}", "/products/shoes/x/a.jpg", nil},
		{"/{user}/out/{rest...}", "/anna/out/a.jpg", map[string]string{"user": "anna", "rest": "a.jpg"}},
		{"/{user}/out/{rest...}", "/anna/in/a.jpg", nil},
		{"/cover.jpg", "/cover.jpg", map[string]string{}},
		{"/cover.jpg", "/cover.jpg/x", nil},
		{"/caf\u00e9/{rest...}", "/cafe\u0301/a.jpg", map[string]string{"rest": "a.jpg"}},
		{"/cafe\u0301/{x}", "/caf\u00e9/e\u0301", map[string]string{"x": "e\u0301"}},
	}
	for _, tt := range tests {
		p, err := Parse(tt.pattern)
		if err != nil {
			t.Errorf("%s: %v", tt.pattern, err)
			continue
		}
		got, ok := p.Match(tt.path)
		if ok != (tt.want != nil) {
			t.Errorf("%s on %s: %v", tt.pattern, tt.path, ok)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s on %s: %s", tt.pattern, tt.path, diff)
		}
	}
}

func TestPatternErrors(t *testing.T) {
	tests := map[string]string{
		"":                  `character 1: a path begins with "/"; write "/"`,
		"inbox/{rest...}":   `character 1: a path begins with "/"; write "/inbox/{rest...}"`,
		"/":                 `character 2: the path ends with "/"; write "/{rest...}" for everything in that folder`,
		"/inbox/":           `character 8: the path ends with "/"; write "/inbox/{rest...}" for everything in that folder`,
		"/a//b":             `character 4: an element is empty; write one "/" only`,
		"/a/../b":           `character 4: ".." is not a name; write the path without it`,
		"/a/{rest...}/b":    `character 4: "{rest...}" takes all that follows, so it must be last; write "{rest}" for one element`,
		"/{a}/{a...}":       `character 6: the name "a" is there twice; give one of the two another name`,
		"/a/img-{x}.jpg":    `character 8: braces stand for a whole element; write "{name}" between two slashes`,
		"/a/{x":             `character 4: braces stand for a whole element; write "{name}" between two slashes`,
		"/a/{}":             `character 4: a name is missing; write "{name}" for one element or "{rest...}" for all that follow`,
		"/a/{...}":          `character 4: a name is missing; write "{name}" for one element or "{rest...}" for all that follow`,
		"/é/{a-b}":          `character 6: a name between braces is made of letters, digits and "_" and begins with a letter, as in "{category}"`,
		"/é/{1a}":           `character 5: a name between braces is made of letters, digits and "_" and begins with a letter, as in "{category}"`,
		"/a/*.jpg":          `character 4: "*" is no wildcard here; write "{name}" for one element or "{rest...}" for all that follow`,
		`/a\b/{rest...}`:    `character 3: folders are separated by "/"; write it instead of "\"`,
		"/a\x00b/{rest...}": `character 3: "\x00" cannot be in a name; leave it out`,
	}
	for pattern, want := range tests {
		_, err := Parse(pattern)
		if err == nil || err.Error() != want {
			t.Errorf("%q\n got %v\nwant %s", pattern, err, want)
		}
	}
}

func TestPatternCovers(t *testing.T) {
	tests := []struct {
		p, q string
		want bool
	}{
		{"/{rest...}", "/inbox/{rest...}", true},
		{"/inbox/{rest...}", "/{rest...}", false},
		{"/inbox/{rest...}", "/inbox/{rest...}", true},
		{"/inbox/{rest...}", "/inbox/{a}/{b...}", true},
		{"/inbox/{a}", "/inbox/{rest...}", false},
		{"/inbox/{a}", "/inbox/x.jpg", true},
		{"/inbox/x.jpg", "/inbox/{a}", false},
		{"/{a}/{b}", "/inbox/x/y", false},
		{"/{a}/{rest...}", "/inbox", false},
		{"/{a}/x/{r...}", "/{b}/x/y/z", true},
		{"/a/b", "/a", false},
	}
	for _, tt := range tests {
		if got := must(Parse(tt.p)).Covers(must(Parse(tt.q))); got != tt.want {
			t.Errorf("%s covers %s: %v", tt.p, tt.q, got)
		}
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// FuzzPattern checks that a match puts together again to the path, that matching
// goes by elements, and that what covers a pattern matches what that matches.
func FuzzPattern(f *testing.F) {
	f.Add("/inbox/{rest...}", "/inbox/a/b.jpg")
	f.Add("/products/{category}/{rest...}", "/products/caf\u00e9/x")
	f.Add("/a/{b}/c", "/a//c")
	f.Add("/e\u0301/{x}", "/\u00e9/y")
	f.Fuzz(func(t *testing.T, pattern, path string) {
		p, err := Parse(pattern)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "character ") {
				t.Errorf("no position: %v", err)
			}
			return
		}
		captures, ok := p.Match(path)
		if !ok {
			return
		}
		elements := make([]string, len(p.elements))
		for i, e := range p.elements {
			elements[i] = e.literal
			if e.capture != "" {
				elements[i] = captures[e.capture]
			}
			if elements[i] == "" {
				t.Errorf("%q is empty", e.capture)
			}
		}
		if got := "/" + strings.Join(elements, "/"); vfs.Key(got) != vfs.Key(path) {
			t.Errorf("%q matched as %q", path, got)
		}
		if all := must(Parse("/{all...}")); !all.Covers(p) || !all.Matches(path) {
			t.Errorf("/{all...} does not cover %q", pattern)
		}
	})
}

func TestBelow(t *testing.T) {
	for _, tt := range []struct {
		pattern, dir string
		want         bool
	}{
		{"/in/{rest...}", "/", true},
		{"/in/{rest...}", "/in", true},
		{"/in/{rest...}", "/in/2026/may", true},
		{"/in/{rest...}", "/other", false},
		{"/in/deep/{rest...}", "/in", true},
		{"/in/deep/{rest...}", "/in/shallow", false},
		{"/in/{album}/{file}", "/in/a", true},
		{"/in/{album}/{file}", "/in/a/b", false},
		{"/{user}/in/{file}", "/anna", true},
		{"/{user}/in/{file}", "/anna/out", false},
		{"/{all...}", "/anna/out", true},
		{"/caf\u00e9/{file}", "/cafe\u0301", true},
		{"/in/a.jpg", "/in", true},
		{"/in/a.jpg", "/in/a.jpg", false},
	} {
		p, err := Parse(tt.pattern)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Below(tt.dir); got != tt.want {
			t.Errorf("%s below %s: %v", tt.pattern, tt.dir, got)
		}
	}
}
