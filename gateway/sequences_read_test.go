package main

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// sequence is what one client does to store something.
type sequence struct {
	family string // the file that it is from
	name   string
	steps  []step
	texts  map[string]string // the file's bodies, by name
	every  []field           // headers of each request
}

// step is one request, or one of the words that are none (see verbs).
type step struct {
	line      int
	method    string
	args      []string // of a word that is no request
	target    string   // the request's target
	status    []int    // any of these is right
	headers   []field
	body      string // the name of what is sent; "" for nothing
	chunked   bool   // its length is not said
	waiting   bool   // it is sent after 100 Continue
	anonymous bool   // without a name and password
	times     int    // so many at once
	repeated  bool   // it was made before, and its reply was lost
	checks    []check
}

type field struct{ name, value string }

// check is what must be right about a reply.
type check struct {
	kind  string // "<", "keep", "prop", "no-prop" or "all"
	name  string // of a header, a property or a variable
	value string // "": any
}

// verbs are the words that are no requests, and how many arguments they have.
var verbs = map[string]int{"given": 2, "unsent": 1, "upload": 2, "stays": 2, "holds": 2, "absent": 1}

func (s step) request() bool { return verbs[s.method] == 0 }

// carriesBytes reports whether s stores bytes, so that it can be cut.
func (s step) carriesBytes() bool {
	return s.method == "PUT" && s.body != "" && s.status[0] < 300
}

// readSequences reads a file of testdata/sequences.
func readSequences(t *testing.T, file string) []*sequence {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	r := &sequenceReader{T: t, file: file, family: strings.TrimSuffix(filepath.Base(file), ".txt"), texts: map[string]string{}}
	for line := range strings.Lines(string(text)) {
		r.line++
		r.read(strings.TrimRight(line, " \r\n"))
	}
	return r.all
}

// sequenceReader reads one file, line by line.
type sequenceReader struct {
	*testing.T
	file, family string
	line         int
	all          []*sequence
	texts        map[string]string
	every        []field
	text         string // the text whose lines come now; "" for none
}

func (r *sequenceReader) fail(what string) { r.Fatalf("%s:%d: %s", r.file, r.line, what) }

func (r *sequenceReader) read(line string) {
	indented := strings.HasPrefix(line, "\t")
	word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
	switch {
	case word == "" || strings.HasPrefix(line, "#"):
	case indented && r.text != "":
		r.texts[r.text] += strings.TrimSpace(line) + "\n"
	case indented:
		r.detail(word, rest)
	case word == "text":
		r.text = rest
	case word == "every" && len(r.all) == 0:
		r.every = append(r.every, r.field(rest))
	case word == "every":
		last := r.all[len(r.all)-1]
		last.every = append(last.every, r.field(rest))
	case word == "==":
		r.text = ""
		r.all = append(r.all, &sequence{family: r.family, name: rest, texts: r.texts, every: slices.Clone(r.every)})
	case len(r.all) == 0:
		r.fail("a step before the first sequence")
	default:
		r.step(word, strings.Fields(rest))
	}
}

func (r *sequenceReader) step(word string, args []string) {
	s := step{line: r.line, method: word, times: 1}
	if n, ok := verbs[word]; ok {
		s.args = args
		if len(args) != n {
			r.fail("the number of words")
		}
	} else {
		if len(args) != 2 || word != strings.ToUpper(word) {
			r.fail("a request is METHOD target status")
		}
		s.target = args[0]
		for code := range strings.SplitSeq(args[1], "|") {
			n, err := strconv.Atoi(code)
			if err != nil {
				r.fail("the status")
			}
			s.status = append(s.status, n)
		}
	}
	last := r.all[len(r.all)-1]
	last.steps = append(last.steps, s)
}

// detail reads what stands below a request.
func (r *sequenceReader) detail(word, rest string) {
	if len(r.all) == 0 || len(r.all[len(r.all)-1].steps) == 0 {
		r.fail("this belongs below a request")
	}
	steps := r.all[len(r.all)-1].steps
	s := &steps[len(steps)-1]
	name, value, _ := strings.Cut(rest, " = ")
	switch word {
	case "send":
		how := strings.Fields(rest)
		s.body = how[len(how)-1]
		s.chunked, s.waiting = slices.Contains(how, "chunked"), slices.Contains(how, "waiting")
	case "anonymous":
		s.anonymous = true
	case "at-once":
		n, err := strconv.Atoi(rest)
		if err != nil {
			r.fail("the number")
		}
		s.times = n
	case "<":
		name, value, _ := strings.Cut(rest, ": ")
		s.checks = append(s.checks, check{word, name, value})
	case "keep", "prop", "no-prop", "all":
		s.checks = append(s.checks, check{word, name, value})
	default:
		s.headers = append(s.headers, r.field(word+" "+rest))
	}
}

func (r *sequenceReader) field(line string) field {
	name, value, ok := strings.Cut(line, ": ")
	if !ok || strings.Contains(name, " ") {
		r.fail("neither a header nor a known word: " + line)
	}
	return field{name, value}
}
