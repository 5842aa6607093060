package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets the test binary be the program itself, for the scripts.
func TestMain(m *testing.M) {
	testscript.Main(wide{m}, map[string]func(){"slipway": mainOfScripts})
}

// wide runs more tests at a time than there are processors: the scripts wait for
// the gateway most of their time.
type wide struct{ *testing.M }

func (m wide) Run() int {
	flag.Parse()
	if set := flag.Lookup("test.parallel"); set.Value.String() == set.DefValue {
		flag.Set("test.parallel", "8") //nolint:errcheck // a number
	}
	return m.M.Run()
}

// TestScripts runs the program as people use it: testdata/script/*.txtar. The
// commands beside those of package testscript are listed below; each script's
// folder holds the files that it names.
func TestScripts(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("curl is not installed, and the scripts use it as people do; .ci/run installs it")
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script", RequireUniqueNames: true, Setup: setupWorld,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"serve": cmdServe, "quit": cmdQuit, "hangup": cmdHangup,
			"chevereto": cmdChevereto, "pictures": cmdPictures, "anqicms": cmdAnqicms, "host": cmdHost, "paste": cmdPaste, "site": cmdSite, "received": cmdReceived, "told": cmdTold,
			"fill": cmdFill, "replace": cmdReplace, "picture": cmdPicture, "certificate": cmdCertificate, "cut": cmdCut, "same": cmdSame, "abort": cmdAbort, "guess": cmdGuess,
			"code": cmdCode, "curl": cmdCurl, "eventually": cmdEventually, "state": cmdState, "link": cmdLink, "holds": cmdHolds,
			"appears": cmdAppears, "jsonlines": cmdJSONLines, "field": cmdField, "sleep": cmdSleep,
		},
	})
}

// patience is how long a script waits for what has to come.
const patience = 2 * time.Minute

// need ends the script where a command is written wrongly.
func need(ts *testscript.TestScript, neg bool, args []string, least int, usage string) {
	if neg || len(args) < least {
		ts.Fatalf("usage: %s", usage)
	}
}

// cmdCode runs slipway, which has to end with the given code. stdout and stderr
// can be looked at afterwards.
func cmdCode(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 1, "code N args...")
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec("slipway", args[1:]...)
	got := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("slipway %s ended with %d, want %d", strings.Join(args[1:], " "), got, want)
	}
}

// cmdCurl runs curl as the user $LOGIN ("name:password"; "" is nobody). The reply
// has to have the given status; it is left in the files "body" and "headers".
func cmdCurl(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 2, "curl STATUS args...")
	all := []string{"--silent", "--show-error", "--max-time", "30", "--output", "body", "--dump-header", "headers", "--write-out", "%{http_code}"}
	if login := ts.Getenv("LOGIN"); login != "" {
		all = append(all, "--user", login)
	}
	ts.Check(os.WriteFile(ts.MkAbs("body"), nil, 0o600)) // curl makes none for an empty reply
	err := ts.Exec("curl", append(all, args[1:]...)...)
	if status := ts.ReadFile("stdout"); status != args[0] {
		ts.Fatalf("HTTP %s (%v), want %s: %s", status, err, args[0], ts.ReadFile("body"))
	}
}

// cmdFill puts the values of variables for $NAME or ${NAME} into files.
func cmdFill(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 1, "fill file...")
	for _, name := range args {
		text := os.Expand(ts.ReadFile(name), ts.Getenv)
		ts.Check(os.WriteFile(ts.MkAbs(name), []byte(text), 0o600))
	}
}

// cmdReplace replaces one text in a file by another. It has to be there once.
func cmdReplace(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 3, "replace file old new")
	text := ts.ReadFile(args[0])
	if n := strings.Count(text, args[1]); n != 1 {
		ts.Fatalf("%s has %q %d times, not once", args[0], args[1], n)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.Replace(text, args[1], args[2], 1)), 0o600))
}

// cmdSame compares bytes, which the built-in cmp would print.
func cmdSame(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: [!] same file1 file2")
	}
	a, b := ts.ReadFile(args[0]), ts.ReadFile(args[1])
	if (a == b) == neg {
		ts.Fatalf("%s has %d bytes, %s has %d; equal: %v", args[0], len(a), args[1], len(b), a == b)
	}
}

// cmdJSONLines looks whether each line of a file ("stdout") is an object with
// these keys, and whether there are as many lines as asked for.
func cmdJSONLines(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 2, "jsonlines file COUNT key...")
	want, err := strconv.Atoi(args[1])
	ts.Check(err)
	n := 0
	for line := range strings.Lines(ts.ReadFile(args[0])) {
		var object map[string]json.RawMessage
		if err := json.Unmarshal([]byte(line), &object); err != nil {
			ts.Fatalf("line %d: %v: %s", n+1, err, line)
		}
		for _, key := range args[2:] {
			if _, ok := object[key]; !ok {
				ts.Fatalf("line %d has no %q: %s", n+1, key, line)
			}
		}
		n++
	}
	if n != want {
		ts.Fatalf("%d lines, want %d", n, want)
	}
}

// cmdField sets a variable to what the first match of a pattern's group in a file
// is.
func cmdField(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 3, "field VARIABLE file pattern")
	m := regexp.MustCompile(args[2]).FindStringSubmatch(ts.ReadFile(args[1]))
	if len(m) != 2 {
		ts.Fatalf("%s does not have one %q: %s", args[1], args[2], ts.ReadFile(args[1]))
	}
	ts.Setenv(args[0], m[1])
}

// cmdAppears waits until a file is there, and matches a pattern; or, with "!", until it
// is not.
func cmdAppears(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, false, args, 1, "[!] appears file [pattern]")
	pattern := regexp.MustCompile("(?s)" + strings.Join(args[1:], " "))
	until(ts, func() (bool, string) {
		text, err := os.ReadFile(ts.MkAbs(args[0]))
		if neg {
			return errors.Is(err, os.ErrNotExist), args[0] + " is there"
		}
		return err == nil && pattern.Match(text), fmt.Sprintf("%s: %v: %s", args[0], err, text)
	})
}

// cmdSleep waits for what must not happen meanwhile. Everything else is waited
// for with "state" and "eventually".
func cmdSleep(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 1, "sleep duration")
	d, err := time.ParseDuration(args[0])
	ts.Check(err)
	time.Sleep(d)
}

// until tries until ok, and then fails with what try said last.
func until(ts *testscript.TestScript, try func() (ok bool, last string)) {
	end := time.Now().Add(patience)
	for {
		ok, last := try()
		if ok {
			return
		}
		if time.Now().After(end) {
			ts.Fatalf("not after %v: %s", patience, last)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// cmdEventually asks for an address until the reply has a status and matches a
// pattern, and leaves it in "body".
func cmdEventually(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 2, "eventually STATUS URL [pattern]")
	pattern := regexp.MustCompile("(?s)" + strings.Join(args[2:], " "))
	until(ts, func() (bool, string) {
		status, body, err := fetch(ts, args[1])
		if err != nil {
			return false, err.Error()
		}
		ts.Check(os.WriteFile(ts.MkAbs("body"), body, 0o600))
		return strconv.Itoa(status) == args[0] && pattern.Match(body), fmt.Sprintf("HTTP %d: %s", status, body)
	})
}

// cmdState waits until the receipt of a file says that all of its uploads are in
// a state ("done", "held/not-whole"), or those to the named destinations are
// ("anh=done").
func cmdState(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 2, "state URL-of-the-file [destination=]state[/reason]...")
	until(ts, func() (bool, string) {
		status, body, err := fetch(ts, args[0]+".json")
		if err != nil || status != 200 {
			return false, fmt.Sprintf("HTTP %d %v: %s", status, err, body)
		}
		var receipt struct {
			Uploads []struct{ Destination, State, Reason string }
		}
		if err := json.Unmarshal(body, &receipt); err != nil {
			ts.Fatalf("the receipt is no JSON: %v: %s", err, body)
		}
		for _, want := range args[1:] {
			destination, want, named := strings.Cut(want, "=")
			if !named {
				destination, want = "", destination
			}
			n := 0
			for _, u := range receipt.Uploads {
				if named && u.Destination != destination {
					continue
				}
				if n++; u.State != want && u.State+"/"+u.Reason != want {
					return false, string(body)
				}
			}
			if n == 0 {
				return false, string(body)
			}
		}
		return true, ""
	})
	_, body, err := fetch(ts, args[0]+".json")
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs("receipt"), body, 0o600))
}

// cmdLink waits for the .url of a file, which has to have exactly the form that
// Windows and macOS open, and sets a variable to what it leads to.
func cmdLink(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 2, "link VARIABLE URL-of-the-file")
	form := regexp.MustCompile(`\A\[InternetShortcut\]\r\nURL=([!-~]+)\r\n\z`)
	until(ts, func() (bool, string) {
		status, body, err := fetch(ts, args[1]+".url")
		if err != nil || status != 200 {
			return false, fmt.Sprintf("HTTP %d %v", status, err)
		}
		m := form.FindSubmatch(bytes.Clone(body))
		if m == nil {
			ts.Fatalf("the .url is %q", body)
		}
		ts.Setenv(args[0], string(m[1]))
		return true, ""
	})
}
