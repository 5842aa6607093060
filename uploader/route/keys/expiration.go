package keys

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
)

// The bounds that hosts keep an expiration within.
const (
	expirationMin = 5 * time.Minute
	expirationMax = 366 * 24 * time.Hour
)

// errExpiration says what an expiration looks like. It is checked here with care
// because a host answers 200 to one that it cannot read, and deletes the picture
// after five minutes.
var errExpiration = errors.New(`is neither a time span as in "PT5M", "P3D" or "P1Y2M" (ISO 8601) nor a number of seconds above 0`)

// ParseExpiration returns about how long s is: an ISO 8601 duration of whole
// numbers (PnYnMnDTnHnMnS or PnW, §4.4.3.2 of ISO 8601:2004) or a number of seconds.
func ParseExpiration(s string) (time.Duration, error) {
	if seconds, err := strconv.ParseUint(s, 10, 32); err == nil && seconds > 0 {
		return time.Duration(seconds) * time.Second, nil
	}
	rest, ok := strings.CutPrefix(s, "P")
	if !ok {
		return 0, errExpiration
	}
	date, clock, timed := strings.Cut(rest, "T")
	const day = 24 * time.Hour
	total, err := spans(date, []unit{{'Y', 365 * day}, {'M', 30 * day}, {'D', day}})
	if weeks, werr := spans(date, []unit{{'W', 7 * day}}); err != nil && werr == nil {
		if timed {
			return 0, errExpiration
		}
		total, err = weeks, nil
	}
	if err != nil || timed && clock == "" {
		return 0, errExpiration
	}
	more, err := spans(clock, []unit{{'H', time.Hour}, {'M', time.Minute}, {'S', time.Second}})
	if err != nil || total+more <= 0 {
		return 0, errExpiration
	}
	return total + more, nil
}

// unit is a letter of a duration and its length.
type unit struct {
	letter byte
	length time.Duration
}

// spans adds up numbers that are each followed by a letter of units, in their order.
func spans(s string, units []unit) (time.Duration, error) {
	var total time.Duration
	for _, u := range units {
		i := strings.IndexByte(s, u.letter)
		if i < 0 {
			continue
		}
		n, err := strconv.ParseUint(s[:i], 10, 32)
		if err != nil || n > uint64((math.MaxInt64/4)/u.length) {
			return 0, errExpiration
		}
		if total += time.Duration(n) * u.length; total > math.MaxInt64/4 {
			return 0, errExpiration
		}
		s = s[i+1:]
	}
	if s != "" {
		return 0, errExpiration
	}
	return total, nil
}
