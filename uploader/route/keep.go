package route

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What `keep` of a route and of the storage can say, beside a time span and a size.
const (
	// KeepAlways: the bytes of files stay here.
	KeepAlways = "always"
	// KeepUntilSent: they may go once every destination has them, as long as the very
	// same bytes are at a host or in a file of a watched folder too.
	KeepUntilSent = "until-sent"
)

// keepAgeMin is the shortest time span of `keep`.
const keepAgeMin = time.Hour

// Keep is what `keep` says about when bytes may go, if all else lets them. The zero
// value is never.
type Keep struct {
	UntilSent bool          // as soon as they are sent
	Age       time.Duration // once they were neither stored nor read for so long; 0: no matter
	Size      int64         // while all that the setting governs is more than that, in bytes; 0: no matter
}

// Lets reports whether k lets bytes go at all.
func (k Keep) Lets() bool { return k != Keep{} }

// Judge reports whether bytes that were last used at a time may go now by k; excess
// is whether what its size governs is more than that.
func (k Keep) Judge(used, now time.Time, excess bool) bool {
	return k.UntilSent || k.Age > 0 && now.Sub(used) >= k.Age || k.Size > 0 && excess
}

// ParseKeep reads a value of `keep`. Its error is for people.
func ParseKeep(value string) (Keep, error) {
	switch text := strings.TrimSpace(value); {
	case text == KeepAlways:
		return Keep{}, nil
	case text == KeepUntilSent:
		return Keep{UntilSent: true}, nil
	case text == "" || !strings.ContainsAny(text[:1], "0123456789."):
		return Keep{}, fmt.Errorf(`%q is not known; write %q, %q, a time span as in "30d", or a size as in "50GB"`, value, KeepAlways, KeepUntilSent)
	default:
		return parseAmount(value, text)
	}
}

// CheckKeep returns what is wrong with a value of `keep`, for people.
func CheckKeep(value string) error {
	_, err := ParseKeep(value)
	return err
}

// parseAmount reads a time span or a size, which its last unit tells apart.
func parseAmount(value, text string) (Keep, error) {
	unit := strings.TrimLeft(text[strings.LastIndexAny(text, "0123456789.")+1:], " \t")
	if slices.Contains(spanUnits, unit) {
		return parseAge(value, text)
	}
	size, ok := parseSize(text)
	switch {
	case unit == "":
		return Keep{}, fmt.Errorf(`%q has no unit; write a time span as in "30d", or a size as in "50GB"`, value)
	case unit == "M" || unit == "m":
		return Keep{}, fmt.Errorf(`%q: is that a time or a size? Write days as in "30d", or megabytes as in "500MB"`, value)
	case !ok:
		return Keep{}, fmt.Errorf(`%q is no time span ("12h", "30d", "2w", "1y") and no size ("50GB", "200GiB")`, value)
	case size == 0:
		return Keep{}, fmt.Errorf(`%q: write %q where nothing is to be kept that is elsewhere`, value, KeepUntilSent)
	}
	return Keep{Size: size}, nil
}

// spanUnits are the units that a time span may end with, and spans their lengths.
var (
	spanUnits = []string{"s", "min", "h", "d", "w", "y"}
	spans     = map[string]time.Duration{"s": time.Second, "min": time.Minute, "h": time.Hour, "d": 24 * time.Hour, "w": 7 * 24 * time.Hour, "y": 365 * 24 * time.Hour}
)

// parseAge reads a sum of whole numbers with units, as in "1d12h".
func parseAge(value, text string) (Keep, error) {
	bad := fmt.Errorf(`%q is no time span; write whole numbers with h, d, w or y, as in "12h", "30d" or "1w2d"`, value)
	var total time.Duration
	for rest := strings.ReplaceAll(text, " ", ""); rest != ""; {
		digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
		n, err := strconv.ParseInt(rest[:digits], 10, 64)
		rest = rest[digits:]
		end := strings.IndexAny(rest, "0123456789")
		if end < 0 {
			end = len(rest)
		}
		span, ok := spans[rest[:end]]
		if rest = rest[end:]; err != nil || !ok || n > int64((math.MaxInt64-total)/span) {
			return Keep{}, bad
		}
		total += time.Duration(n) * span
	}
	if total < keepAgeMin {
		return Keep{}, fmt.Errorf(`%q is too short; write at least "1h", or %q for as soon as they are sent`, value, KeepUntilSent)
	}
	return Keep{Age: total}, nil
}

// sizeUnits give each unit's bytes: of powers of 1000 and of 1024.
var sizeUnits = map[string]float64{
	"b": 1, "kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12, "pb": 1e15, "g": 1e9, "t": 1e12,
	"kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40, "pib": 1 << 50,
}

// parseSize reads a number and a unit; letters may be of either case.
func parseSize(text string) (int64, bool) {
	end := strings.LastIndexAny(text, "0123456789.") + 1
	unit, ok := sizeUnits[strings.ToLower(strings.TrimSpace(text[end:]))]
	if !ok || strings.Trim(text[:end], "0123456789.") != "" {
		return 0, false
	}
	n, err := strconv.ParseFloat(text[:end], 64)
	if bytes := math.Round(n * unit); err == nil && bytes >= 0 && bytes < math.MaxInt64 {
		return int64(bytes), true
	}
	return 0, false
}
