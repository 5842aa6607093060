package progress

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/width"
)

// State is what one line of progress shows.
type State struct {
	// Name is the file's. What a terminal would obey is shown as "?".
	Name string
	// Done and Size are bytes; Size below 0: not known.
	Done, Size int64
	// Rate is bytes a second; 0: nothing moves.
	Rate float64
	// File and Files say which file of how many this is, from 1; with fewer than
	// two Files neither is shown.
	File, Files int
	// Note, where it is not "", is shown in place of the numbers.
	Note string
}

const (
	minName = 8  // cells that a name keeps, while numbers give way
	midName = 16 // cells that a name keeps, while the bar gives way
	minBar  = 12 // cells below which the bar is left out
)

// Render draws s in one line of at most columns-1 cells, so that no terminal wraps
// it. What does not fit goes in this order: the bar, the rate, the bytes, the end
// of the name's middle.
func Render(s State, columns int) string {
	room := max(columns-1, 0)
	count := ""
	if s.Files > 1 {
		count = fmt.Sprintf("[%d/%d] ", s.File, s.Files)
	}
	name := clean(s.Name)
	for _, numbers := range s.numbers() {
		left := room - cells(count) - cells(numbers) - 2
		if left < min(cells(name), minName) {
			continue
		}
		return count + line(name, numbers, s, left)
	}
	return shorten(count+name, room)
}

// line puts name and bar into left cells, and the numbers beside them. The name's
// column is a third at least, so that the bars of files that follow each other
// stand in line.
func line(name, numbers string, s State, left int) string {
	column := max(left/3, min(cells(name), left-minBar-2))
	bar := left - column - 2
	if s.Size < 0 || s.Note != "" || bar < minBar || column < min(cells(name), midName) {
		return shorten(name, left) + "  " + numbers
	}
	name = shorten(name, column)
	name += strings.Repeat(" ", column-cells(name))
	return name + "  " + s.bar(bar) + "  " + numbers
}

// numbers are what is known in figures, from all of it to the least.
func (s State) numbers() []string {
	rate := Bytes(int64(s.Rate)) + "/s"
	switch {
	case s.Note != "":
		return []string{clean(s.Note)}
	case s.Size < 0:
		return []string{Bytes(s.Done) + "  " + rate, Bytes(s.Done)}
	}
	percent := fmt.Sprintf("%3d%%", s.percent())
	unit, suffix := unitOf(s.Size)
	bytes := fmt.Sprintf("%s  %s/%s", percent, figure(s.Done, unit), figure(s.Size, unit)+suffix)
	return []string{fmt.Sprintf("%s  %s  %s", bytes, rate, s.eta()), bytes, percent}
}

// percent is rounded down, so that 100 means all.
func (s State) percent() int64 {
	if s.Size <= 0 || s.Done >= s.Size {
		return 100
	}
	return int64(float64(max(s.Done, 0)) / float64(s.Size) * 100)
}

// eta is the time that the rest takes at this rate.
func (s State) eta() string {
	if s.Done >= s.Size {
		return "0:00"
	}
	if seconds := float64(s.Size-s.Done) / s.Rate; s.Rate > 0 && seconds < 100*3600 {
		return clock(time.Duration(seconds * float64(time.Second)))
	}
	return "-:--"
}

// bar is w cells wide with its brackets.
func (s State) bar(w int) string {
	inner := w - 2
	full := int(s.percent()) * inner / 100
	if full == inner {
		return "[" + strings.Repeat("=", inner) + "]"
	}
	return "[" + strings.Repeat("=", full) + ">" + strings.Repeat(" ", inner-full-1) + "]"
}

// clock writes d as minutes and seconds, rounded up, with hours where there are
// any: "0:04", "1:02:03".
func clock(d time.Duration) string {
	s := int64((d + time.Second - 1) / time.Second)
	if s < 3600 {
		return fmt.Sprintf("%d:%02d", s/60, s%60)
	}
	return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
}

// Bytes writes n in the unit that fits: "999 B", "1.5 KiB", "28.0 MiB".
func Bytes(n int64) string {
	unit, suffix := unitOf(n)
	return figure(n, unit) + suffix
}

// unitOf keeps figures below 1000.
func unitOf(n int64) (unit int64, suffix string) {
	suffixes := []string{" B", " KiB", " MiB", " GiB", " TiB", " PiB", " EiB"}
	unit = 1
	for n/1000 >= unit {
		unit <<= 10
		suffixes = suffixes[1:]
	}
	return unit, suffixes[0]
}

func figure(n, unit int64) string {
	if unit == 1 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%.1f", float64(n)/float64(unit))
}

// clean shows what is not printable as "?": a name must not move the cursor or
// turn the direction of writing.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, s)
}

// shorten takes out the middle of s until it fits, so that an extension stays.
func shorten(s string, room int) string {
	if cells(s) <= room {
		return s
	}
	if room < 1 {
		return ""
	}
	runes := []rune(s)
	head, tail := 0, len(runes)
	used := 1 // for the sign of what is missing
	for front := true; ; front = !front {
		next := runes[head]
		if !front {
			next = runes[tail-1]
		}
		if used += cellsOf(next); used > room {
			return string(runes[:head]) + "…" + string(runes[tail:])
		}
		if front {
			head++
		} else {
			tail--
		}
	}
}

// cells is how many columns of a terminal s takes.
func cells(s string) int {
	n := 0
	for _, r := range s {
		n += cellsOf(r)
	}
	return n
}

func cellsOf(r rune) int {
	if unicode.In(r, unicode.Mn, unicode.Me) {
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}
