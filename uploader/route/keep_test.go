package route

import (
	"strings"
	"testing"
	"time"
)

// TestParseKeep: what people write, and what they are told where it cannot be meant.
func TestParseKeep(t *testing.T) {
	const day = 24 * time.Hour
	for text, want := range map[string]Keep{
		"always": {}, "until-sent": {UntilSent: true}, " until-sent ": {UntilSent: true},
		"1h": {Age: time.Hour}, "12h": {Age: 12 * time.Hour}, "30d": {Age: 30 * day}, "2w": {Age: 14 * day}, "1y": {Age: 365 * day},
		"1d12h": {Age: 36 * time.Hour}, "1w 2d": {Age: 9 * day}, "90min": {Age: 90 * time.Minute}, "7200s": {Age: 2 * time.Hour}, "30 d": {Age: 30 * day},
		"50GB": {Size: 50e9}, "200GiB": {Size: 200 << 30}, "1.5 TB": {Size: 15e11}, "500mb": {Size: 5e8}, "10g": {Size: 10e9}, "1TiB": {Size: 1 << 40}, "70000B": {Size: 70000},
	} {
		if got, err := ParseKeep(text); err != nil || got != want {
			t.Errorf("%q is %+v, error %v; want %+v", text, got, err, want)
		}
	}
	for text, say := range map[string]string{
		"": "is not known", "sometimes": "is not known", "-1d": "is not known", "30": "has no unit", "5": "has no unit",
		"5M": "a time or a size", "90m": "a time or a size", "59min": "too short", "1s": "too short", "0d": "too short",
		"0GB": "until-sent", "5 parsecs": "no time span", "1.5d": "no time span", "1d 2": "has no unit", "9999999999999d": "no time span",
		"300y": "no time span", "1e9GB": "no time span", "5.5.5GB": "no time span", "99999999PB": "no time span", "5xd": "no time span", ".": "has no unit",
	} {
		if got, err := ParseKeep(text); err == nil || !strings.Contains(err.Error(), say) {
			t.Errorf("%q is %+v, error %v; want one with %q", text, got, err, say)
		}
	}
}

// TestKeepJudge: each kind lets bytes go at its own time, and "always" never.
func TestKeepJudge(t *testing.T) {
	now := time.Now()
	for _, tt := range []struct {
		keep   string
		since  time.Duration
		excess bool
		want   bool
	}{
		{"always", 1000 * time.Hour, true, false},
		{"until-sent", 0, false, true},
		{"2h", 2*time.Hour - 1, true, false},
		{"2h", 2 * time.Hour, false, true},
		{"1GB", 1000 * time.Hour, false, false},
		{"1GB", 0, true, true},
	} {
		k, err := ParseKeep(tt.keep)
		if err != nil {
			t.Fatal(err)
		}
		if got := k.Judge(now.Add(-tt.since), now, tt.excess); got != tt.want {
			t.Errorf("%s after %v, excess %v: %v", tt.keep, tt.since, tt.excess, got)
		}
	}
}

// FuzzParseKeep: no text makes it fail otherwise than in words, nor a setting that
// lets bytes go sooner than after an hour.
func FuzzParseKeep(f *testing.F) {
	for _, s := range []string{"always", "until-sent", "30d", "1w2d", "50GB", "1.5 TiB", "9999999999999999999d", ".GB", "1e300GB", "00000000h"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		k, err := ParseKeep(s)
		switch {
		case err != nil && (k.Lets() || err.Error() == ""):
			t.Errorf("%q: %+v beside %v", s, k, err)
		case err == nil && (k.Age < 0 || k.Age > 0 && k.Age < time.Hour || k.Size < 0):
			t.Errorf("%q is %+v", s, k)
		}
	})
}
