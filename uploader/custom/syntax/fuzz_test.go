package syntax

import (
	"encoding/json"
	"encoding/xml"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/dlclark/regexp2"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) { regexp2.StopTimeoutClock() }))
}

// seeds are texts of every form.
var seeds = []string{
	"", "plain", "{json:a.b[0]['c']}", "{json:{response}|a}", "{regex:(?<x>a+)|x}", "{regex:{response}|(a)|1}", `\{a\}`, "{first:{json:a}|{header:Location}|x}",
	"{random:a|b}", "{base64:{filename}}", "{secret:token}", "{key:expiration|seconds}", "{file:base64}", "$json:a$", "$regex:1|2$", `$a\$b$`, "$$", "a|b}{", "{file:sha256|base64}",
	"%y-%mo-%d %unix", "{json:..a}", "{json:a[?(@.b=='c')]}", `{"name": "{filename}", "x": "{file:base64}"}`, "{responseurl}", "{key:title}", "{input}", "{xml:/a}", "{{{{", "{json:[}",
}

// FuzzParse checks that no text makes the parser panic, that what it accepts prints in
// a form that it accepts again and that means the same, and that filling it in ends.
func FuzzParse(f *testing.F) {
	for _, s := range seeds {
		for i := range 8 {
			f.Add(s, byte(i))
		}
	}
	f.Fuzz(func(t *testing.T, text string, how byte) {
		o := Options{Form: Form(how & 1), Data: how&2 != 0, Dates: how&4 != 0, Regexes: []string{"a", "(b)(?<c>d)"}}
		tpl, err := Parse(text, o)
		if err != nil {
			if tpl != nil || err.Error() == "" {
				t.Fatalf("%v and %v", tpl, err)
			}
			return
		}
		for _, use := range tpl.Uses() {
			if use.Text == "" || use.Name == "" || !tpl.Has(use.Name, "") {
				t.Fatalf("%+v", use)
			}
		}
		tpl.NeedsReply()
		got := tpl.Fill(env(`{"a":{"b":["x"]},"c":"y"}`), Plain)
		if !utf8.ValidString(text) || o.Dates || o.Regexes != nil && tpl.Has("regex", "") || tpl.Has(dateName, "") {
			return
		}
		again, err := Parse(tpl.String(), Options{})
		if err != nil {
			t.Fatalf("%q is written as %q: %v", text, tpl.String(), err)
		}
		if back := again.Fill(env(`{"a":{"b":["x"]},"c":"y"}`), Plain); back != got {
			t.Fatalf("%q gives %q, and as %q it gives %q", text, got, tpl.String(), back)
		}
	})
}

func env(reply string) *Env {
	return &Env{
		LookUp: func(function, name, form string) string { return "<" + function + " \"" + name + "&" + form + "\r\n>" },
		Now:    func() time.Time { return time.Unix(1_700_000_000, 0).UTC() },
		Pick:   func(int) int { return 0 },
		Reply:  &Reply{Text: reply, URL: "https://host.example/x", Header: http.Header{"Location": {"/y"}}},
	}
}

// FuzzReply checks that no reply makes evaluation panic or run on.
func FuzzReply(f *testing.F) {
	for _, reply := range []string{"", "{", `{"a":1}`, `[{"a":"b"}]`, "null", "<a href=\"x\">", "\ufeff{}", `{"a":{"a":{"a":[[[]]]}}}`, strings.Repeat("a", 100) + "!"} {
		for _, tpl := range seeds {
			f.Add(tpl, reply, "https://h.example/")
		}
	}
	f.Fuzz(func(t *testing.T, text, reply, location string) {
		tpl, err := Parse(text, Options{})
		if err != nil || len(text) > 200 || len(reply) > 4096 {
			return
		}
		e := env(reply)
		e.Reply.Header.Set("Location", location)
		begin := time.Now()
		tpl.Fill(e, Address)
		if d := time.Since(begin); d > 15*time.Second {
			t.Fatalf("it took %v", d)
		}
		for _, trouble := range e.Troubles {
			if trouble == "" {
				t.Fatal("an empty trouble")
			}
		}
	})
}

// FuzzEscape checks that what is filled in stays where it was put.
func FuzzEscape(f *testing.F) {
	for _, s := range []string{"", "a b", `"\`, "\r\nX: y", "<&>'", "../..", "%2F?#", "\x00\x01", "日本", "\xff", "\u2028"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		u, err := url.Parse("https://h.example/a/" + escapeAddress(s) + "/b?q=" + escapeAddress(s))
		if err != nil || u.Host != "h.example" || u.Path != "/a/"+s+"/b" || u.Query().Get("q") != s {
			t.Fatalf("%q: %v, %v", s, u, err)
		}
		var back struct{ A, B string }
		if err := json.Unmarshal([]byte(`{"a":"`+escapeJSON(s)+`","b":"x"}`), &back); err != nil || back.A != strings.ToValidUTF8(s, "\ufffd") && utf8.ValidString(s) || back.B != "x" {
			t.Fatalf("%q: %+v, %v", s, back, err)
		}
		var x struct {
			A string `xml:"a,attr"`
			B string `xml:"b"`
		}
		if !utf8.ValidString(s) {
			return
		}
		if err := xml.Unmarshal([]byte(`<x a="`+escapeXML(s)+`"><b>`+escapeXML(s)+`</b></x>`), &x); err != nil || x.A != x.B {
			t.Fatalf("%q: %+v, %v", s, x, err)
		}
	})
}
