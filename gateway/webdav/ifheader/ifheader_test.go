package ifheader

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	for s, want := range map[string]Header{
		`(<urn:a>)`:                        {{"", []Condition{{Token: "urn:a"}}}},
		`( Not <urn:a> ["t"] )`:            {{"", []Condition{{Not: true, Token: "urn:a"}, {ETag: `"t"`}}}},
		`(<a:1>) (NOT [W/"x y"])`:          {{"", []Condition{{Token: "a:1"}}}, {"", []Condition{{Not: true, ETag: `W/"x y"`}}}},
		`</r> (<a:1>)(["]"])`:              {{"/r", []Condition{{Token: "a:1"}}}, {"/r", []Condition{{ETag: `"]"`}}}},
		"<http://h/r>\t(<a:1>)</s>(<b:2>)": {{"http://h/r", []Condition{{Token: "a:1"}}}, {"/s", []Condition{{Token: "b:2"}}}},
	} {
		got, err := Parse(s)
		if err != nil || !cmp.Equal(got, want) {
			t.Errorf("%s: %v %s", s, err, cmp.Diff(want, got))
		}
	}
	for _, s := range []string{"", " ", "(", "()", "(<>)", "(<a b>)", "(<a)", "a", `(["x)`, `(["x")`, `([x])`, "(Not)", "(Not Not <a>)",
		strings.Repeat("(<a>)", conditionsMax+1), "(" + strings.Repeat("<a>", conditionsMax+1) + ")",
		"<r>", "<r> <s> (<a>)", "(<a>) <r> (<b>)", "(<a>) x", "(<a> x)", "(Nota)"} {
		if h, err := Parse(s); !errors.Is(err, ErrSyntax) {
			t.Errorf("%q gave %v, %v", s, h, err)
		}
	}
}

// world has one locked and tagged resource, "".
type world struct{}

func (world) Locked(r, token string) bool { return r == "" && token == "t:1" }
func (world) Tagged(r, etag string) bool  { return r == "" && etag == `"e"` }

func TestMatch(t *testing.T) {
	for s, want := range map[string]bool{
		`(<t:1>)`: true, `(<t:2>)`: false, `(Not <t:1>)`: false, `(Not <t:2>)`: true,
		`(["e"])`: true, `(["f"])`: false, `(Not ["f"])`: true, `(<t:1> ["e"])`: true, `(<t:1> ["f"])`: false,
		`(<t:1> ["f"]) (["e"])`: true, `(<t:2>) (Not <DAV:no-lock>)`: true, `</r> (<t:1>)`: false, `</r> (Not <t:1>)`: true,
	} {
		h, err := Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		if got := h.Match(world{}); got != want {
			t.Errorf("%s: %v", s, got)
		}
	}
}

func TestTokens(t *testing.T) {
	h, err := Parse(`</a> (<t:1> Not <t:2> ["e"]) </b> (<t:3>)`)
	if err != nil {
		t.Fatal(err)
	}
	if got := h.Tokens(); !slices.Equal(got, []string{"t:1", "t:3"}) {
		t.Errorf("%q", got)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		`(<urn:a>)`, `</r> (Not <a:1> [W/"x"]) (["]"])`, `(`, `<a> <b>`, `(Not`,
		`(<opaquelocktoken:9f3e4b48-3fa2-4eb1-9f16-173f0cf9b755>)`,                                    // Finder, Explorer
		`<http://h/dav/f.jpg> (<opaquelocktoken:9f3e4b48-3fa2-4eb1-9f16-173f0cf9b755>)`,               // davfs2
		`<http://h/dav/f> (<opaquelocktoken:9f3e> ["186f-3"]) (Not <DAV:no-lock>)`, `(<DAV:no-lock>)`, // litmus
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		h, err := Parse(s)
		if err != nil {
			if !errors.Is(err, ErrSyntax) {
				t.Fatal(err)
			}
			return
		}
		again, err := Parse(h.String())
		if err != nil || !cmp.Equal(h, again) {
			t.Errorf("%q became %q: %v", s, h, err)
		}
		h.Match(world{})
		for _, l := range h {
			for _, c := range l.Conditions {
				if (c.Token == "") == (c.ETag == "") {
					t.Errorf("%q: condition %+v", s, c)
				}
			}
		}
	})
}
