package main

import (
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"slipway/gateway/cli"
	"slipway/gateway/control"
	"slipway/gateway/strict"
)

// checked returns what a check says of c.
func checked(t *testing.T, c *Config, check func(*app) cli.CheckLine) cli.CheckLine {
	t.Helper()
	a := &app{getenv: func(string) (string, bool) { return "word", true }}
	a.settings.Store(&settings{config: c})
	return check(a)
}

// TestCheckTellsWhatServeRefuses: users and a database with which no gateway starts
// are found before.
func TestCheckTellsWhatServeRefuses(t *testing.T) {
	users := func(a *app) cli.CheckLine { return a.checkUsers(t.Context()) }
	ann := UserConfig{Name: "ann", Password: strict.NewSecret("env:WORD")}
	for name, tt := range map[string]struct {
		change func(*UserConfig)
		told   string
	}{
		"home":   {func(u *UserConfig) { u.Home = "inbox" }, "does not begin with /"},
		"rights": {func(u *UserConfig) { u.Rights = "all" }, "full, drop or read"},
		"name":   {func(u *UserConfig) { u.Name = "a:b" }, `neither ":"`},
		"fine":   {func(*UserConfig) {}, "1, each with a password"},
	} {
		u := ann
		tt.change(&u)
		line := checked(t, &Config{Users: []UserConfig{u}}, users)
		if line.OK != (name == "fine") || !strings.Contains(line.Text, tt.told) || len(line.Notes) > 0 {
			t.Errorf("%s: %+v", name, line)
		}
	}
	if line := checked(t, &Config{Users: []UserConfig{ann, ann}}, users); line.OK || !strings.Contains(line.Text, "twice") {
		t.Errorf("%+v", line)
	}
	ended := ann
	ended.Expires = time.Now().Add(-time.Hour)
	if line := checked(t, &Config{Users: []UserConfig{ended}}, users); !line.OK || !strings.Contains(strings.Join(line.Notes, ""), `"ann" has ended`) {
		t.Errorf("%+v", line)
	}
	line := checked(t, &Config{DataDir: t.TempDir(), Storage: StorageConfig{Index: strict.NewSecret("mysql://db")}}, func(a *app) cli.CheckLine { return a.checkStorage(t.Context()) })
	if line.OK || !strings.Contains(line.Text, `write "sqlite"`) {
		t.Errorf("%+v", line)
	}
}

// TestCheckTellsWhatIsTaken: an address that another program has is noted, one that
// the gateway has itself is not.
func TestCheckTellsWhatIsTaken(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // the test ends
	taken, dir := l.Addr().String(), t.TempDir()
	notes := listenable(t.Context(), dir, taken, "", "127.0.0.1:0")
	if len(notes) != 1 || !strings.Contains(notes[0], taken) {
		t.Errorf("%q", notes)
	}
	socket, err := control.Listen(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close() //nolint:errcheck // the test ends
	if err := control.WriteAddresses(dir, map[string]string{"web": taken}); err != nil {
		t.Fatal(err)
	}
	if notes := listenable(t.Context(), dir, taken); len(notes) > 0 {
		t.Errorf("%q", notes)
	}
	if notes := listenable(t.Context(), filepath.Join(dir, "another"), taken); len(notes) != 1 {
		t.Errorf("%q", notes)
	}
}

// TestTryFolder: what is shown to be tried is taken.
func TestTryFolder(t *testing.T) {
	for to, want := range map[string]string{"/holiday/{album}/{rest...}": "", "/inbox/{rest...}": "/inbox/"} {
		a, _ := testApp(t, strings.ReplaceAll(reloadable, "/inbox/{rest...}", to), map[string]string{"ANN": "word"})
		if got := a.settings.Load().tryFolder(); got != want {
			t.Errorf("%s: %q", to, got)
		}
	}
}

// TestCheckReadsTheCertificate: what [tls] names is read before serve does.
func TestCheckReadsTheCertificate(t *testing.T) {
	for _, tt := range []struct {
		tls  TLSConfig
		told string
	}{
		{TLSConfig{CertFile: "c.pem"}, "without key_file"},
		{TLSConfig{CertFile: "c.pem", KeyFile: "k.pem"}, "c.pem"},
		{TLSConfig{ACMEDomains: []string{"no domain"}}, "no domain"},
		{TLSConfig{ACMEDomains: []string{"pictures.example.org"}}, ""},
	} {
		c := &Config{TLS: tt.tls, file: filepath.Join(t.TempDir(), "config.toml"), Web: WebConfig{Listen: "127.0.0.1:0", TLS: true}}
		line := checked(t, c, func(a *app) cli.CheckLine { return a.checkCertificate(t.Context()) })
		if line.OK != (tt.told == "") || !strings.Contains(line.Text, tt.told) || len(line.Notes) > 0 {
			t.Errorf("%+v: %+v", tt.tls, line)
		}
	}
}
