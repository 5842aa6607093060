package main

import (
	"context"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"slipway/gateway/auth"
)

// write puts text into a config.toml of its own.
func writeConfig(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestConfigMistakes(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"[wbe]\nlisten = ''", `config.toml:1`},
		{"[web]\nlisten = '127.0.0.1'", `config.toml:2: web.listen: "127.0.0.1" is no address; write host and port, as in "127.0.0.1:8080"`},
		{"[web]\npublic_url = 'pictures.example'", `config.toml:2: web.public_url: "pictures.example" is no address of a site`},
		{"\n[ftp]\nlisten = '127.0.0.1'", `config.toml:3: ftp.listen: "127.0.0.1" is no address; write host and port`},
		{"[ftp]\ntls = 'requierd'", `config.toml:2: ftp.tls: "requierd" is not known; did you mean "required"?`},
		{"[ftp]\ntls = 'off'\nimplicit_listen = ':990'", `config.toml:3: ftp.implicit_listen: it is for TLS alone`},
		{"[ftp]\nshare_ports = true\npassive_ports = ''", `config.toml:2: ftp.share_ports: it needs a range`},
		{"[ftp]\nshare_ports = true\nproxy_from = ['10.0.0.1']", `config.toml:2: ftp.share_ports: behind proxy_from`},
		{"[ftp]\npublic_host = 'ftp.example:21'", `config.toml:2: ftp.public_host: "ftp.example:21" is no name or IPv4 address`},
		{"[ftp]\nproxy_from = ['10.0.0.0/33']", `config.toml:2:15: ftp.proxy_from[1]: "10.0.0.0/33" is no address of a proxy`},
		{"[ftp]\ncharset = 'klingon'", `config.toml:2: ftp.charset: "klingon" is no character set`},
		{"[ftp]\nmax_sessions = 0", `config.toml:2: ftp.max_sessions: it must be 1 or more`},
		{"[ftp]\nstall_timeout = '5ms'", `config.toml:2: ftp.stall_timeout: it must be 1s or more`},
		{"[ftp]\nlisten = ''\npassive_ports = '2-1'", `config.toml:3:1: ftp.passive_ports: "2-1" begins after its end; write "1-2"`},
		{"[[user]]\nname = 'a'\npassword = 'plain'", "config.toml:3: user 1 (a).password: it is missing or stands in plain text"},
		{"[storage]\nblobs = 's3://bucket'", `config.toml:2: storage.blobs: "s3://bucket" is not supported`},
		{"[storage]\nkeep = '30'", `config.toml:2: storage.keep: "30" has no unit; write a time span as in "30d", or a size as in "50GB"`},
		{"[web]\nmetrics = 'user'", `config.toml:2: web.metrics: "user" is not known; did you mean "users"?`},
		{"[web]\ntrusted_proxies = '10.0.0.1'", `config.toml:2:1: web.trusted_proxies is text where a list is expected; write trusted_proxies = ["…"]`},
		{"[web]\nlisten = 'h:1'\n[ftp]\nlisten = 'h:1'", `config.toml:4: ftp.listen: "h:1" is the address of web.listen already; choose another port`},
		{"[destination.a]\ndriver = 'local'\n[[route]]\npath = '/a/{r...}'\nto = ['a']\nalbums = ['x']", `config.toml:6:1: route[1].albums is a list where a table is expected; write [route.albums] and a name = … on each line below it`},
		{"[storage]\nunrouted = 'refuze'", `config.toml:2: storage.unrouted: "refuze" is not known; did you mean "refuse"?`},
		{"[sidecar]\nfile = ['jsn']", `config.toml:2: sidecar.file: "jsn" is not known; did you mean "json"?`},
		{"[settle]\nquiet = '10m'", `settle.ceiling: it must not be shorter than settle.quiet`},
		{"[destination.a]\ndriver = 'cheverto'", `config.toml:2: destination.a.driver: "cheverto" is not known; did you mean "chevereto"?`},
		{"[destination.a]\ndriver = 'chevereto'\nurl = 'https://anh.im'", `destination.a.key: it is missing, and the driver "chevereto" needs it`},
		{"[destination.a]\ndriver = 'local'\ntoken = 'x'", `config.toml:3: destination.a.token: the driver "local" has no such key`},
		{"[destination.a]\ndriver = 'anqicms'\nurl = 'https://x.example'\ntoken = 'x'\nper_day = -1", `config.toml:5: destination.a.per_day: it must be 0`},
	} {
		_, err := loadConfig(writeConfig(t, c.text))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q:\n got %v\nwant %s", c.text, err, c.want)
		}
	}
	if _, err := loadConfig(filepath.Join(t.TempDir(), "none.toml")); err == nil || !strings.Contains(err.Error(), "slipway init") {
		t.Errorf("a missing file: %v", err)
	}
}

func TestConfigAllMistakesAtOnce(t *testing.T) {
	_, err := loadConfig(writeConfig(t, "[storage]\nblobs = 'x'\nkeep = 'y'\n[log]\nlevel = 'loud'"))
	for _, want := range []string{"storage.blobs", "storage.keep", "log.level"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s is not named in: %v", want, err)
		}
	}
}

func TestDropSessions(t *testing.T) {
	now := time.Unix(0, 0)
	d := newDropSessions(func() time.Time { return now }, func(string) bool { return false })
	ann, bob := auth.User{Name: "ann"}, auth.User{Name: "bob"}
	here, there := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	first := d.of(ann, here)
	if d.of(ann, there) == first || d.of(bob, here) == first {
		t.Error("a session is shared")
	}
	now = now.Add(dropLife)
	if d.of(ann, here) != first {
		t.Error("a session ended early")
	}
	now = now.Add(dropLife + 1)
	if d.of(ann, here) == first || len(d.by) != 1 {
		t.Errorf("%d sessions outlived their time", len(d.by))
	}
}

// testApp opens and runs a gateway for text, and stops it with the test.
func testApp(t *testing.T, text string, env map[string]string) (a *app, path string) {
	t.Helper()
	path = writeConfig(t, text)
	c, err := loadConfig(path)
	if err != nil {
		t.Fatal(err)
	}
	p := program{version: "test", stderr: testWriter{t}, getenv: func(name string) (string, bool) { v, ok := env[name]; return v, ok }}
	if a, err = openApp(t.Context(), p.options(c)); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ready, done := make(chan struct{}), make(chan error, 1)
	go func() { done <- a.run(ctx, func() { close(ready) }) }()
	<-ready
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if err := a.close(); err != nil {
			t.Error(err)
		}
	})
	return a, path
}

type testWriter struct{ t *testing.T }

func (w testWriter) Write(p []byte) (int, error) {
	w.t.Log(strings.TrimSpace(string(p)))
	return len(p), nil
}

const reloadable = `
[web]
listen = "127.0.0.1:0"
[ftp]
listen = ""
[[user]]
name = "ann"
password = "env:ANN"
[destination.home]
driver = "local"
[[route]]
path = "/inbox/{rest...}"
to = ["home"]
`

func TestReload(t *testing.T) {
	env := map[string]string{"ANN": "old word"}
	a, path := testApp(t, reloadable, env)
	signIn := func(password string) error {
		_, err := a.users.Check(t.Context(), "ann", password, netip.MustParseAddr("127.0.0.1"))
		return err
	}
	if err := signIn("old word"); err != nil {
		t.Fatal(err)
	}
	before := a.settings.Load()

	if err := os.WriteFile(path, []byte(reloadable+"[[route]]\npath = '/x/{rest...}'\nto = ['nowhere']\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := a.reload(t.Context()); err == nil || !strings.Contains(err.Error(), "nowhere") || a.settings.Load() != before {
		t.Errorf("a wrong configuration was taken over: %v", err)
	}

	env["ANN"] = "new word"
	next := strings.Replace(strings.Replace(reloadable, "127.0.0.1:0", "127.0.0.1:1", 1), "[ftp]", "[ftp]\nactive = true\npartial_life = '3d'", 1) + "[[route]]\npath = '/more/{rest...}'\nto = ['home']\n"
	if err := os.WriteFile(path, []byte(next), 0o600); err != nil {
		t.Fatal(err)
	}
	done, err := a.reload(t.Context())
	if err != nil || !slices.Equal(done.Restart, []string{"web", "ftp"}) {
		t.Errorf("%+v %v", done, err)
	}
	if c := a.settings.Load().config.FTP; c.Active || time.Duration(c.PartialLife) != 72*time.Hour {
		t.Errorf("of [ftp], partial_life alone can change: %+v", c)
	}
	if signIn("new word") != nil || signIn("old word") == nil {
		t.Error("the users were not reloaded")
	}
	if info, err := a.fs.Stat("/more"); err != nil || !info.IsDir() {
		t.Errorf("the new route's folder was not made: %v", err)
	}
	if a.settings.Load().config.Web.Listen != "127.0.0.1:0" {
		t.Error("what needs a restart was taken over")
	}
}

func TestUsersRights(t *testing.T) {
	a, _ := testApp(t, reloadable, map[string]string{"ANN": "x"})
	for rights, want := range map[auth.Rights][2]bool{auth.Full: {true, true}, auth.Read: {true, false}, auth.Drop: {false, true}} {
		view := a.view(auth.User{Name: "u", Rights: rights}, netip.MustParseAddr("127.0.0.1"), doorRules{})
		if err := a.fs.MkdirAll("/inbox", 0); err != nil {
			t.Fatal(err)
		}
		h, err := a.fs.Create("/inbox/other.jpg")
		if err == nil {
			err = h.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
		_, sees := view.Stat("/inbox/other.jpg")
		f, writes := view.Create("/inbox/mine.jpg")
		if writes == nil {
			f.Close()
		}
		if got := [2]bool{sees == nil, writes == nil}; got != want {
			t.Errorf("%v sees and writes: %v, want %v", rights, got, want)
		}
	}
}
