package strict

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Duration is a time span, written as "2s", "1m30s", "7d" or "1d12h"; never negative.
type Duration time.Duration

// UnmarshalText reads the form of time.ParseDuration, with days of 24 hours before it.
func (d *Duration) UnmarshalText(text []byte) error {
	s := strings.TrimSpace(string(text))
	days, rest, found := strings.Cut(s, "d")
	var total time.Duration
	if found {
		n, err := strconv.ParseUint(days, 10, 32)
		if err != nil || n > math.MaxInt64/uint64(24*time.Hour) {
			return badDuration(s)
		}
		total, s = time.Duration(n)*24*time.Hour, rest
	}
	if s != "" {
		more, err := time.ParseDuration(s)
		if err != nil || more < 0 || total+more < total {
			return badDuration(string(text))
		}
		total += more
	} else if !found {
		return badDuration(string(text))
	}
	*d = Duration(total)
	return nil
}

func badDuration(s string) error {
	return fmt.Errorf(`%q is not a time span; write a number and ms, s, m, h or d, as in "2s", "5m" or "7d"`, s)
}

// String returns the form that UnmarshalText reads.
func (d Duration) String() string {
	const day = 24 * time.Hour
	t := time.Duration(d)
	if t < day {
		return t.String()
	}
	s := strconv.FormatInt(int64(t/day), 10) + "d"
	if t%day != 0 {
		s += (t % day).String()
	}
	return s
}

// MarshalText returns String.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// SettingExample shows the form in messages.
func (Duration) SettingExample() string { return `"2s"` }

// Size is a number of bytes, written as "20GB" (powers of 1000), "10MiB" (powers
// of 1024), "1.5 TB", or a plain number; never negative.
type Size int64

// units gives each unit's size in bytes, the larger ones first within a family.
var units = []struct {
	name  string
	bytes int64
}{
	{"PiB", 1 << 50}, {"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10},
	{"PB", 1e15}, {"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}, {"B", 1},
}

// UnmarshalSetting reads text or a whole number of bytes.
func (z *Size) UnmarshalSetting(value any, _ Place) error {
	switch x := value.(type) {
	case int64:
		if x < 0 {
			return errors.New("a size cannot be negative")
		}
		*z = Size(x)
		return nil
	case string:
		return z.UnmarshalText([]byte(x))
	}
	return errors.New(`a size is expected; write it as in "20GB", "10MiB" or 1048576`)
}

// UnmarshalText reads a number and a unit; letters may be of either case, and
// "G" is "GB".
func (z *Size) UnmarshalText(text []byte) error {
	bad := fmt.Errorf(`%q is not a size; write it as in "20GB", "10MiB" or 1048576`, text)
	s := strings.TrimSpace(string(text))
	end := strings.LastIndexAny(s, "0123456789") + 1
	unit, ok := unitBytes(strings.TrimSpace(s[end:]))
	if !ok || strings.Trim(s[:end], "0123456789.") != "" {
		return bad
	}
	if n, err := strconv.ParseInt(s[:end], 10, 64); err == nil {
		if n > math.MaxInt64/unit {
			return bad
		}
		*z = Size(n * unit)
		return nil
	}
	f, err := strconv.ParseFloat(s[:end], 64)
	bytes := math.Round(f * float64(unit))
	if err != nil || bytes >= math.MaxInt64 {
		return bad
	}
	*z = Size(bytes)
	return nil
}

func unitBytes(name string) (int64, bool) {
	for _, u := range units {
		short := strings.TrimSuffix(u.name, "B")
		if strings.EqualFold(name, u.name) || strings.EqualFold(name, short) {
			return u.bytes, true
		}
	}
	return 0, false
}

// String returns z in the unit that leaves it whole and shortest, else with two decimals.
func (z Size) String() string {
	short := ""
	for _, u := range units[:len(units)-1] {
		whole := strconv.FormatInt(int64(z)/u.bytes, 10) + " " + u.name
		if z != 0 && int64(z)%u.bytes == 0 && (short == "" || len(whole) < len(short)) {
			short = whole
		}
	}
	if short != "" {
		return short
	}
	for _, u := range units[5:10] {
		if int64(z) >= u.bytes {
			return strconv.FormatFloat(float64(z)/float64(u.bytes), 'f', 2, 64) + " " + u.name
		}
	}
	return strconv.FormatInt(int64(z), 10) + " B"
}

// MarshalText returns String.
func (z Size) MarshalText() ([]byte, error) { return []byte(z.String()), nil }

// SettingExample shows the form in messages.
func (Size) SettingExample() string { return `"20GB"` }

// Ports is a range of TCP ports, both ends included, written as "30000-30099" or
// "30000". The zero value, written "" or "0-0", leaves the choice to the system.
type Ports struct{ First, Last int }

// UnmarshalText reads one port or two.
func (p *Ports) UnmarshalText(text []byte) error {
	s := strings.TrimSpace(string(text))
	if s == "" {
		*p = Ports{}
		return nil
	}
	from, to, ranged := strings.Cut(s, "-")
	if !ranged {
		to = from
	}
	first, err1 := strconv.ParseUint(strings.TrimSpace(from), 10, 16)
	last, err2 := strconv.ParseUint(strings.TrimSpace(to), 10, 16)
	if err1 != nil || err2 != nil || first == 0 && last != 0 {
		return fmt.Errorf(`%q is not a range of ports from 1 to 65535; write it as in "30000-30099"`, s)
	}
	if first > last {
		return fmt.Errorf(`%q begins after its end; write "%d-%d"`, s, last, first)
	}
	*p = Ports{First: int(first), Last: int(last)}
	return nil
}

// Len returns how many ports there are; 0 for the zero value.
func (p Ports) Len() int {
	if p.First == 0 {
		return 0
	}
	return p.Last - p.First + 1
}

// String returns the form that UnmarshalText reads.
func (p Ports) String() string {
	if p.First == 0 {
		return ""
	}
	return fmt.Sprintf("%d-%d", p.First, p.Last)
}

// MarshalText returns String.
func (p Ports) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// SettingExample shows the form in messages.
func (Ports) SettingExample() string { return `"30000-30099"` }
