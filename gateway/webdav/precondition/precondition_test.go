package precondition

import (
	"net/http"
	"testing"
	"time"
)

func TestHold(t *testing.T) {
	modified := time.Date(2020, 1, 2, 3, 4, 5, 600, time.UTC)
	at, before := modified.Format(http.TimeFormat), modified.Add(-time.Second).Format(http.TimeFormat)
	for _, tt := range []struct {
		name, value   string
		there, absent bool // whether it holds where something stands, and where nothing does
	}{
		{"X", "y", true, true},
		{"If-Match", "*", true, false},
		{"If-Match", `"a"`, true, false},
		{"If-Match", `"b", "a"`, true, false},
		{"If-Match", `W/"a"`, false, false},
		{"If-Match", `broken, "a"`, true, false},
		{"If-Match", `"unended`, false, false},
		{"If-None-Match", "*", false, true},
		{"If-None-Match", `W/"a"`, false, true},
		{"If-None-Match", `"b"`, true, true},
		{"If-None-Match", "undefined", true, true},
		{"If-Unmodified-Since", at, true, true},
		{"If-Unmodified-Since", before, false, true},
		{"If-Unmodified-Since", "yesterday", true, true},
	} {
		h := http.Header{tt.name: {tt.value}}
		if Any(h) != (tt.name != "X") {
			t.Errorf("%v: any %t", h, Any(h))
		}
		if there, absent := Hold(h, true, `"a"`, modified), Hold(h, false, "", time.Time{}); there != tt.there || absent != tt.absent {
			t.Errorf("%v: %t, and %t where nothing stands", h, there, absent)
		}
	}
}

func FuzzHold(f *testing.F) {
	f.Add(`"a", W/"b", *`, `"c`)
	f.Fuzz(func(t *testing.T, match, none string) {
		if Hold(http.Header{"If-Match": {match}}, false, "", time.Time{}) && match != "" {
			t.Errorf("%q matches nothing at all", match)
		}
		if !Hold(http.Header{"If-None-Match": {none}}, false, "", time.Time{}) {
			t.Errorf("nothing at all matches %q", none)
		}
	})
}
