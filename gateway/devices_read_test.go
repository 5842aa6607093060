package main

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// device is what one camera, scanner or program does to store something.
type device struct {
	family  string // the file that it is from
	name    string
	gateway string   // the gateway that it talks to, one of deviceGateways
	users   []string // each runs it once
	uncut   bool     // it runs without faults only
	lines   []deviceLine
}

// deviceLine is one line of a device: a command, a reply, or a word of its own.
type deviceLine struct {
	number int
	word   string   // one of deviceWords or of deviceVerbs, "say" or "hear"
	args   []string // of a word
	codes  replyCodes
	say    string // the command; of raw, the bytes
	only   string // "?": said only if the last command without was refused; "!": if not
	data   []deviceLine
	checks []deviceCheck // of the reply, or of what came over the data connection
}

// replyCodes are the codes that a reply may have; again where the session is
// repeated after a fault.
type replyCodes struct{ first, again []int }

// deviceCheck is what a reply contains, or must not.
type deviceCheck struct {
	not  bool
	text string
}

// deviceWords are what a device does beside talking, and how many words may follow.
var deviceWords = map[string][2]int{
	"connect": {0, 1}, "login": {0, 1}, "hang-up": {0, 0}, "lines": {1, 1}, // at the control connection
	"send": {1, 3}, "receive": {0, 0}, "leave": {1, 1}, // at the data connection
}

// deviceVerbs are landing's, with their number of words.
var deviceVerbs = map[string]int{"given": 2, "sent": 1, "unsent": 1, "upload": 2, "uploaded": 2, "stays": 2, "holds": 2, "absent": 1}

// readDevices reads a file of testdata/devices.
func readDevices(t *testing.T, file string) []*device {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	r := &deviceReader{T: t, file: file, family: strings.TrimSuffix(filepath.Base(file), ".txt")}
	for line := range strings.Lines(string(text)) {
		r.line++
		r.read(strings.TrimRight(line, " \r\n"))
	}
	return r.all
}

// deviceReader reads one file, line by line.
type deviceReader struct {
	*testing.T
	file, family string
	line         int
	all          []*device
}

func (r *deviceReader) fail(what string) { r.Fatalf("%s:%d: %s", r.file, r.line, what) }

func (r *deviceReader) read(line string) {
	word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
	switch {
	case word == "" || strings.HasPrefix(line, "#"):
		return
	case word == "==":
		r.all = append(r.all, &device{family: r.family, name: rest, gateway: "quick", users: []string{ingestUser}})
		return
	case len(r.all) == 0:
		r.fail("a line before the first device")
	}
	d := r.all[len(r.all)-1]
	switch {
	case strings.HasPrefix(line, "\t"):
		r.detail(d, word, rest)
	case word == "gateway":
		d.gateway = rest
	case word == "as":
		d.users = strings.Fields(rest)
	case word == "uncut":
		d.uncut = true
	case word == "?" || word == "!":
		code, command, _ := strings.Cut(rest, " ")
		l := r.step(code, command)
		l.only = word
		d.lines = append(d.lines, l)
	default:
		d.lines = append(d.lines, r.step(word, rest))
	}
}

// step reads a line that is not indented.
func (r *deviceReader) step(word, rest string) deviceLine {
	l := deviceLine{number: r.line, word: word, args: strings.Fields(rest)}
	if n, ok := deviceVerbs[word]; ok && len(l.args) != n {
		r.fail("the number of words")
	} else if ok {
		return l
	}
	if n, ok := deviceWords[word]; ok {
		if len(l.args) < n[0] || len(l.args) > n[1] {
			r.fail("the number of words")
		}
		return l
	}
	l.codes, l.word, l.say = r.codes(word), "say", rest
	if rest == "" {
		l.word = "hear"
	}
	if raw, err := strconv.Unquote(rest); err == nil {
		l.word, l.say = "raw", raw
	}
	return l
}

// codes reads "226", "250|550" (either) and "550/250" (first, then when repeated).
func (r *deviceReader) codes(word string) (c replyCodes) {
	first, again, repeated := strings.Cut(word, "/")
	c.first = r.numbers(first)
	c.again = c.first
	if repeated {
		c.again = r.numbers(again)
	}
	return c
}

func (r *deviceReader) numbers(word string) (all []int) {
	for s := range strings.SplitSeq(word, "|") {
		n, err := strconv.Atoi(s)
		if err != nil || n < 100 || n > 599 {
			r.fail("neither a word nor the code of a reply: " + word)
		}
		all = append(all, n)
	}
	return all
}

// detail reads a line below a command.
func (r *deviceReader) detail(d *device, word, rest string) {
	if len(d.lines) == 0 {
		r.fail("this belongs below a command")
	}
	l := &d.lines[len(d.lines)-1]
	switch word {
	case "<", "!<":
		l.checks = append(l.checks, deviceCheck{word == "!<", rest})
	case "send", "receive", "leave":
		l.data = append(l.data, r.step(word, rest))
	default:
		r.fail("what is this below a command?")
	}
}

// stores reports whether l is a command that brings bytes.
func (l deviceLine) stores() bool {
	return slices.ContainsFunc(l.data, func(d deviceLine) bool { return d.word == "send" && d.args[0] != "nothing" })
}

// right reports whether a reply's code is one that is right.
func (c replyCodes) right(code int, again bool) bool {
	if again {
		return slices.Contains(c.again, code)
	}
	return slices.Contains(c.first, code)
}
