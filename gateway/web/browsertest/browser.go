// Package browsertest drives Chromium through chromedriver, by the protocol of W3C
// WebDriver, and looks at pages with axe-core.
package browsertest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// patience is how long a page may take over anything.
const patience = 30 * time.Second

// Browser is a Chromium without a window, with a profile of its own.
type Browser struct {
	t       *testing.T
	session string // the address of the session
	http    *http.Client
}

// started is the line by which chromedriver says where it listens.
var started = regexp.MustCompile(`started successfully on port (\d+)`)

// Start starts a browser, which ends with the test. It skips the test where there is
// none.
func Start(t *testing.T) *Browser {
	t.Helper()
	driver, err := exec.LookPath("chromedriver")
	if err != nil {
		t.Skip("chromedriver is not installed; apt-get install chromium chromium-driver")
	}
	chromium, err := firstPath("chromium", "chromium-browser", "google-chrome")
	if err != nil {
		t.Skip("Chromium is not installed; apt-get install chromium chromium-driver")
	}
	b := &Browser{t: t, http: &http.Client{Timeout: 2 * patience, Transport: &http.Transport{}}}
	t.Cleanup(b.http.CloseIdleConnections)
	for tries := 5; b.session == ""; tries-- { // the port that it chooses may be taken before it listens
		if tries == 0 {
			t.Fatal("chromedriver ended before it said where it listens")
		}
		b.session = startDriver(t, driver)
	}
	var made struct {
		SessionID string `json:"sessionId"`
	}
	b.call(http.MethodPost, "/session", map[string]any{"capabilities": map[string]any{"alwaysMatch": capabilities(t, chromium)}}, &made)
	b.session += "/session/" + made.SessionID
	t.Cleanup(func() { b.call(http.MethodDelete, "", nil, nil) })
	return b
}

func firstPath(names ...string) (found string, err error) {
	for _, n := range names {
		if found, err = exec.LookPath(n); err == nil {
			return found, nil
		}
	}
	return "", err
}

// startDriver starts chromedriver on a port of its choice, and returns its address: ""
// where it ended before it listened.
func startDriver(t *testing.T, driver string) string {
	t.Helper()
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	cmd := exec.CommandContext(ctx, driver, "--port=0")
	cmd.Env = append(os.Environ(), "TMPDIR="+t.TempDir())
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		cmd.Wait() //nolint:errcheck // it was killed
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if m := started.FindStringSubmatch(lines.Text()); m != nil {
			go io.Copy(io.Discard, out) //nolint:errcheck // it ends with the driver
			return "http://127.0.0.1:" + m[1]
		}
	}
	return ""
}

// capabilities are a browser that asks nothing of others but what a page does.
func capabilities(t *testing.T, chromium string) map[string]any {
	profile := filepath.Join(t.TempDir(), "profile")
	return map[string]any{
		"browserName":         "chrome",
		"acceptInsecureCerts": true,
		"goog:chromeOptions": map[string]any{
			"binary": chromium,
			"args": []string{
				"--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage",
				"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-default-apps",
				"--hide-scrollbars", "--force-device-scale-factor=1", "--user-data-dir=" + profile,
			},
		},
		"goog:loggingPrefs": map[string]string{"browser": "ALL"},
	}
}

// try makes a call of the protocol, and returns what it says went wrong.
func (b *Browser) try(method, path string, body, into any) error {
	var text []byte
	if method == http.MethodPost {
		if body == nil {
			body = map[string]any{}
		}
		var err error
		if text, err = json.Marshal(body); err != nil {
			return err
		}
	}
	r, err := http.NewRequest(method, b.session+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	resp, err := b.http.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	reply := struct{ Value json.RawMessage }{}
	if err := json.NewDecoder(resp.Body).Decode(&reply); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		var e struct{ Error, Message string }
		json.Unmarshal(reply.Value, &e) //nolint:errcheck // it is shown as it is
		return fmt.Errorf("%s: %s", e.Error, e.Message)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(reply.Value, into)
}

func (b *Browser) call(method, path string, body, into any) {
	b.t.Helper()
	if err := b.try(method, path, body, into); err != nil {
		b.t.Fatalf("%s %s: %v", method, path, err)
	}
}

// Go opens an address.
func (b *Browser) Go(address string) {
	b.t.Helper()
	b.call(http.MethodPost, "/url", map[string]string{"url": address}, nil)
}

// Address returns the address that is open.
func (b *Browser) Address() (address string) {
	b.t.Helper()
	b.call(http.MethodGet, "/url", nil, &address)
	return address
}

// Run runs the body of a function in the page, and decodes what it returns.
func (b *Browser) Run(into any, script string, args ...any) {
	b.t.Helper()
	if args == nil {
		args = []any{}
	}
	b.call(http.MethodPost, "/execute/sync", map[string]any{"script": script, "args": args}, into)
}

// element is the key of an element's id (W3C WebDriver §12.1).
const element = "element-6066-11e4-a52e-4f735466cecf"

// find waits for the element that a CSS selector leads to.
func (b *Browser) find(selector string) string {
	b.t.Helper()
	var found map[string]string
	b.until("there is "+selector, func() bool {
		return b.try(http.MethodPost, "/element", map[string]string{"using": "css selector", "value": selector}, &found) == nil
	})
	return "/element/" + found[element]
}

// until waits for what is described.
func (b *Browser) until(what string, ok func() bool) {
	b.t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			var page string
			b.try(http.MethodPost, "/execute/sync", map[string]any{"script": "return document.body.innerText", "args": []any{}}, &page) //nolint:errcheck // it is shown if it is there
			b.t.Fatalf("waited in vain until %s; the page says:\n%s\n%s", what, page, b.log())
		}
	}
}

// Click clicks on an element.
func (b *Browser) Click(selector string) {
	b.t.Helper()
	b.until("a click on "+selector+" works", func() bool {
		return b.try(http.MethodPost, b.find(selector)+"/click", nil, nil) == nil
	})
}

// Type types into a field, after what is there. Into a field for files it types paths.
func (b *Browser) Type(selector, text string) {
	b.t.Helper()
	b.call(http.MethodPost, b.find(selector)+"/value", map[string]string{"text": text}, nil)
}

// Text waits for an element, and returns what it says.
func (b *Browser) Text(selector string) (text string) {
	b.t.Helper()
	b.until("what "+selector+" says can be read", func() bool { // it may be replaced at any moment
		return b.try(http.MethodGet, b.find(selector)+"/text", nil, &text) == nil
	})
	return text
}

// Says waits until an element says something.
func (b *Browser) Says(selector, words string) {
	b.t.Helper()
	b.until(selector+" says “"+words+"”", func() bool {
		var text string
		err := b.try(http.MethodPost, "/execute/sync", map[string]any{
			"script": "return document.querySelector(arguments[0])?.innerText ?? ''", "args": []any{selector},
		}, &text)
		return err == nil && strings.Contains(text, words)
	})
}

// Size gives the window a size in CSS pixels.
func (b *Browser) Size(width, height int) {
	b.t.Helper()
	b.devtools("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false})
}

// Scheme makes the page dark or light.
func (b *Browser) Scheme(scheme string) {
	b.t.Helper()
	b.devtools("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{
		{"name": "prefers-color-scheme", "value": scheme}, {"name": "prefers-reduced-motion", "value": "reduce"},
	}})
}

func (b *Browser) devtools(command string, params map[string]any) {
	b.t.Helper()
	b.call(http.MethodPost, "/goog/cdp/execute", map[string]any{"cmd": command, "params": params}, nil)
}

// Offline takes the network away, or gives it back.
func (b *Browser) Offline(offline bool) {
	b.t.Helper()
	b.call(http.MethodPost, "/chromium/network_conditions", map[string]any{"network_conditions": map[string]any{
		"offline": offline, "latency": 0, "download_throughput": -1, "upload_throughput": -1,
	}}, nil)
}

// Allow lets pages of a site do what a person would be asked for.
func (b *Browser) Allow(origin string, permissions ...string) {
	b.t.Helper()
	b.devtools("Browser.grantPermissions", map[string]any{"origin": origin, "permissions": permissions})
}

// Shoot writes what is seen to NAME.png in the folder that SLIPWAY_SCREENSHOTS names.
func (b *Browser) Shoot(name string) {
	b.t.Helper()
	dir := os.Getenv("SLIPWAY_SCREENSHOTS")
	if dir == "" {
		return
	}
	var text string
	b.call(http.MethodGet, "/screenshot", nil, &text)
	data, err := base64.StdEncoding.DecodeString(text)
	if err == nil {
		err = os.MkdirAll(dir, 0o755)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".png"), data, 0o644)
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

// log returns what the page's console has been told since it was last asked.
func (b *Browser) log() string {
	var entries []struct{ Level, Message string }
	if err := b.try(http.MethodPost, "/se/log", map[string]string{"type": "browser"}, &entries); err != nil {
		return err.Error()
	}
	var s strings.Builder
	for _, e := range entries {
		fmt.Fprintln(&s, e.Level, e.Message)
	}
	return s.String()
}

// Quiet fails the test for what the console was told of errors, such as what the
// page's policy forbade, but for those that one of expected is a part of.
func (b *Browser) Quiet(expected ...string) {
	b.t.Helper()
lines:
	for line := range strings.Lines(b.log()) {
		for _, e := range expected {
			if strings.Contains(line, e) {
				continue lines
			}
		}
		if strings.HasPrefix(line, "SEVERE") {
			b.t.Errorf("the console says %s", line)
		}
	}
}
