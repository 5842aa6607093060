package keys

import (
	"testing"
	"time"
)

func TestParseExpiration(t *testing.T) {
	const day = 24 * time.Hour
	good := map[string]time.Duration{
		"PT5M": 5 * time.Minute, "P3D": 3 * day, "P1Y2M3DT4H5M6S": 365*day + 60*day + 3*day + 4*time.Hour + 5*time.Minute + 6*time.Second,
		"P2W": 14 * day, "PT36H": 36 * time.Hour, "3600": time.Hour, "P1M": 30 * day, "PT1M": time.Minute,
	}
	for s, want := range good {
		if got, err := ParseExpiration(s); got != want || err != nil {
			t.Errorf("%q: %v, %v, want %v", s, got, err, want)
		}
	}
	for _, s := range []string{
		"", "P", "PT", "P3DT", "T5M", "5M", "5m", "3 days", "P3", "PT5", "P5H", "PT3D", "P3D2M", "PT0S", "0", "-60", "P-3D", "PT1.5H",
		"P1W2D", "P2WT1H", "P3d", "pt5m", " PT5M", "PT5M ", "+60", "99999999999", "P99999999999Y", "P4000000000Y", "P1YY", "1e3",
	} {
		if got, err := ParseExpiration(s); err == nil {
			t.Errorf("%q is taken as %v", s, got)
		}
	}
}
