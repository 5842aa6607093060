package main

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"slipway/gateway/control"
)

// world is what a script has beside its files.
type world struct {
	gateway *process
	sites   map[string]site
}

type worldKey struct{}

func setupWorld(e *testscript.Env) error {
	e.Values[worldKey{}] = &world{sites: make(map[string]site)}
	return nil
}

func worldOf(ts *testscript.TestScript) *world { return ts.Value(worldKey{}).(*world) }

// process is the gateway that a script runs beside its commands.
type process struct {
	cmd  *exec.Cmd
	err  error
	done chan struct{}
}

// running reports whether it has not ended by itself.
func (p *process) running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// named finds the variables of the environment that a configuration reads.
var named = regexp.MustCompile(`"env:(\w+)"`)

// cmdServe starts the gateway of config.toml, and waits until it serves. Its
// output is in the file "serve.log". WEB is set to its address, DAV to that of
// its WebDAV root, and LOGIN to the user that it made, if it did.
func cmdServe(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 0 {
		ts.Fatalf("usage: serve")
	}
	w := worldOf(ts)
	if w.gateway != nil {
		ts.Fatalf("a gateway runs already")
	}
	log, err := os.Create(ts.MkAbs("serve.log"))
	ts.Check(err)
	cmd := exec.Command("slipway", "serve")
	cmd.Dir, cmd.Stdout, cmd.Stderr = ts.MkAbs("."), log, log
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "GOCOVERDIR", graceOfScripts} {
		cmd.Env = append(cmd.Env, name+"="+ts.Getenv(name))
	}
	for _, m := range named.FindAllStringSubmatch(ts.ReadFile("config.toml"), -1) {
		cmd.Env = append(cmd.Env, m[1]+"="+ts.Getenv(m[1]))
	}
	ts.Check(cmd.Start())
	p := &process{cmd: cmd, done: make(chan struct{})}
	go func() {
		p.err = cmd.Wait()
		log.Close()
		close(p.done)
	}()
	w.gateway = p
	ts.Defer(func() {
		cmd.Process.Kill()
		<-p.done
	})
	ts.Setenv("DAV", "")
	until(ts, func() (bool, string) {
		if !p.running() {
			ts.Fatalf("the gateway ended (%v): %s", p.err, ts.ReadFile("serve.log"))
		}
		return answers(ts), ts.ReadFile("serve.log")
	})
	if m := regexp.MustCompile(`(?m)^ *password +(\S+)$`).FindStringSubmatch(ts.ReadFile("serve.log")); m != nil {
		ts.Setenv("LOGIN", "admin:"+m[1])
	}
}

// answers looks whether the gateway has written where it is and how to connect, and
// whether the other commands reach it.
func answers(ts *testscript.TestScript) bool {
	dir := ts.MkAbs("data")
	addresses, err := control.ReadAddresses(dir)
	if err != nil || !strings.Contains(ts.ReadFile("serve.log"), `"msg":"ready"`) {
		return false
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	client, err := control.Dial(ctx, dir)
	if err != nil {
		return false
	}
	client.Close()
	scheme := "http://"
	if regexp.MustCompile(`(?m)^(web\.)?tls = true`).MatchString(ts.ReadFile("config.toml")) {
		scheme = "https://"
	}
	ts.Setenv("WEB", scheme+addresses["web"])
	ts.Setenv("DAV", scheme+addresses["web"]+davPrefix)
	return true
}

// cmdQuit stops the gateway with SIGTERM, after which it has to end with 0; or,
// as "quit kill", at once and without a word. (The command "stop" is of package
// testscript, and ends the script.)
func cmdQuit(ts *testscript.TestScript, neg bool, args []string) {
	w := worldOf(ts)
	if neg || w.gateway == nil || len(args) > 1 {
		ts.Fatalf("usage: quit [kill], where a gateway runs")
	}
	p, kill := w.gateway, len(args) == 1 && args[0] == "kill"
	if !p.running() {
		ts.Fatalf("the gateway ended before (%v): %s", p.err, ts.ReadFile("serve.log"))
	}
	sig := syscall.SIGTERM
	if kill {
		sig = syscall.SIGKILL
	}
	ts.Check(p.cmd.Process.Signal(sig))
	select {
	case <-p.done:
	case <-time.After(patience):
		ts.Fatalf("the gateway does not end: %s", ts.ReadFile("serve.log"))
	}
	w.gateway = nil
	if p.err != nil && !kill {
		ts.Fatalf("the gateway ended with %v: %s", p.err, ts.ReadFile("serve.log"))
	}
}

// cmdHangup sends SIGHUP, and waits until the log says what came of it: "reloaded",
// or, with "!", that it was refused.
func cmdHangup(ts *testscript.TestScript, neg bool, args []string) {
	w := worldOf(ts)
	if w.gateway == nil || len(args) > 0 {
		ts.Fatalf("usage: [!] hangup, where a gateway runs")
	}
	word := `"msg":"reloaded"`
	if neg {
		word = `"msg":"reload refused`
	}
	before := strings.Count(ts.ReadFile("serve.log"), word)
	ts.Check(w.gateway.cmd.Process.Signal(syscall.SIGHUP))
	until(ts, func() (bool, string) {
		log := ts.ReadFile("serve.log")
		return strings.Count(log, word) > before, log
	})
}

// fetch gets an address as the user $LOGIN. Whether a certificate is right is for
// curl to say.
func fetch(ts *testscript.TestScript, address string) (status int, body []byte, err error) {
	r, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		return 0, nil, err
	}
	if user, password, ok := strings.Cut(ts.Getenv("LOGIN"), ":"); ok {
		r.SetBasicAuth(user, password)
	}
	client := http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true, //nolint:gosec // see above
	}}
	resp, err := client.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(resp.Body)
	return resp.StatusCode, body, err
}

// cmdGuess asks with one wrong password after the other for a user, until that is
// answered with 429 and a time to wait.
func cmdGuess(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 2, "guess URL user")
	n := 0
	until(ts, func() (bool, string) {
		n++
		r, err := http.NewRequest(http.MethodGet, args[0], nil)
		ts.Check(err)
		r.SetBasicAuth(args[1], fmt.Sprint("guess-", n))
		resp, err := http.DefaultClient.Do(r)
		ts.Check(err)
		defer resp.Body.Close()
		wait, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
		if resp.StatusCode != http.StatusUnauthorized && resp.StatusCode != http.StatusTooManyRequests {
			ts.Fatalf("a wrong password is answered with %s", resp.Status)
		}
		return resp.StatusCode == http.StatusTooManyRequests && wait > 0, resp.Status
	})
}

// cmdAbort puts a file in a way that ends before the file does: "length", a
// Content-Length that is not reached; "chunked", no last chunk; "malformed", a
// chunk that is none; "expected", a whole chunked body that is shorter than
// X-Expected-Entity-Length.
func cmdAbort(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 3, "abort length|chunked|malformed|expected URL file")
	u, err := url.Parse(args[1])
	ts.Check(err)
	data := []byte(ts.ReadFile(args[2]))
	half := data[:len(data)/2]
	chunk := fmt.Sprintf("%x\r\n%s\r\n", len(half), half)
	headers, body := "Transfer-Encoding: chunked\r\n", chunk
	switch args[0] {
	case "length":
		headers, body = fmt.Sprintf("Content-Length: %d\r\n", len(data)), string(half)
	case "malformed":
		body += "no number\r\n"
	case "expected":
		headers += fmt.Sprintf("X-Expected-Entity-Length: %d\r\n", len(data))
		body += "0\r\n\r\n"
	case "chunked":
	default:
		ts.Fatalf("there is no %q", args[0])
	}
	c, err := net.Dial("tcp", u.Host)
	ts.Check(err)
	defer c.Close()
	ts.Check(c.SetDeadline(time.Now().Add(patience)))
	login := base64.StdEncoding.EncodeToString([]byte(ts.Getenv("LOGIN")))
	_, err = fmt.Fprintf(c, "PUT %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Basic %s\r\n%s\r\n%s", u.EscapedPath(), u.Host, login, headers, body)
	ts.Check(err)
	ts.Check(c.(*net.TCPConn).CloseWrite())
	reply, _ := io.ReadAll(c) // also when it is reset
	_, rest, _ := strings.Cut(string(reply), " ")
	status, _ := strconv.Atoi(rest[:min(3, len(rest))])
	if status < 400 && len(reply) > 0 {
		ts.Fatalf("the reply is %s", reply)
	}
}
